"""`--calibration` from end to end: a float file becomes a build that is measured against it."""

import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

import bitwright
from bitwright.errors import CompileError
from bitwright.frontend.calibrate.quantize import calibrate
from bitwright.frontend.calibrate.settings import Settings
from bitwright.frontend.reader import load
from tests.frontend.onnx_float import FloatNet, lenet, mlp, residual
from tests.test_cli import bitwright as command


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A float network, samples, and as labels its own answers, one in eight of them wrong."""
    folder = tmp_path_factory.mktemp("calibration")
    net, output = lenet()
    (folder / "net.onnx").write_bytes(net.bytes(output))
    x = net.samples(64)
    labels = calibrate(load(folder / "net.onnx"), x, Settings()).outputs.argmax(axis=1)
    labels[::8] = (labels[::8] + 1) % 10
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", labels)
    return folder


@pytest.fixture(scope="module")
def build(files):
    folder = files / "build"
    done = command("compile", files / "net.onnx", "--calibration", files / "x.npy", "--labels", files / "y.npy", "-o", folder,
                   "--bits", "t21_0=6", "--compare", "--verify", 3, "--json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


def test_the_hardware_computes_the_quantised_network(build):
    _, result = build
    assert result["frames"] == 3 and result["mismatches"] == 0
    assert result["differences"]["elements"] > 1000 and result["differences"]["unexplained"] == 0


def test_the_manifest_tells_what_was_done(build, files):
    folder, result = build
    told = result["calibration"]
    assert told == json.loads((folder / "manifest.json").read_text())["calibration"]
    assert told["samples"] == told["measured"] == 64 and told["sqnr_db"] > 25
    assert told["accuracy"] == {"float": 0.875, "quantized": pytest.approx(0.875, abs=0.05)}
    assert [(r["op"], r["weight_bits"], r["activation_bits"]) for r in told["layers"]] == [
        ("input", None, 8), ("Conv", 8, 8), ("Conv", 8, 8), ("Gemm", 6, None)]  # fmt: skip
    assert told["settings"]["bits"] == {"t21_0": [6, None]}
    assert result["model"]["sha256"] == sha256((files / "net.onnx").read_bytes()).hexdigest()
    assert told["quantized_sha256"] == sha256((folder / "model" / "quantized.onnx").read_bytes()).hexdigest()
    assert str(files) not in json.dumps(told)


def test_the_report_tells_it_too(build):
    folder, _ = build
    text = command("report", folder).stdout
    assert ("calibrated  on 64 samples: output" in text and "; accuracy 87.50%" in text) or "; accuracy 8" in text
    assert len([line for line in text.splitlines() if line.startswith("n") and " Conv " in line]) == 2
    assert json.loads(command("report", folder, "--json").stdout)["calibration"]["samples"] == 64


def test_the_quantised_model_is_kept(build):
    """As a file that compiles by itself to the same network."""
    folder, _ = build
    again = bitwright.compile(folder / "model" / "quantized.onnx", folder.parent / "again")
    assert (folder / "model" / "graph.ir").read_text() == (again.folder / "model" / "graph.ir").read_text()
    assert (folder / "rtl" / "bw_accel.v").read_bytes() == (again.folder / "rtl" / "bw_accel.v").read_bytes()


def test_the_same_files_give_the_same_bytes(files):
    builds = []
    for name in ("one", "two"):
        folder = files / name
        bitwright.compile(files / "net.onnx", folder, calibration=files / "x.npy")
        builds.append({str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()})
    assert builds[0] == builds[1]


def test_check_tells_the_bits_and_an_input_type(files):
    done = command("check", files / "net.onnx", "--calibration", files / "x.npy", "--weight-bits", 4)
    assert done.returncode == 0, done.stderr
    assert "the samples suit --input-type 'fixed<8,3>'" in done.stdout and "calibrated  on 64 samples" in done.stdout
    told = json.loads(command("check", files / "net.onnx", "--calibration", files / "x.npy", "--json").stdout)
    assert told["input_type"] == "fixed<8,3>" and len(told["calibration"]["layers"]) == 4 and told["nodes"]


def test_without_data_the_way_out_is_told(files):
    done = command("compile", files / "net.onnx", "-o", files / "none")
    assert done.returncode == 2 and "E029: the weights are not quantized" in done.stderr
    assert "--calibration X.npy" in done.stderr and not (files / "none").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": "y.npy"}, "E504: options of the quantization were given, but no calibration data"),
        ({"weight_bits": 4}, "E504: options of the quantization were given, but no calibration data"),
        ({"calibration": "x.npy", "ranges": "best"}, "E504: --ranges is mse, percentile, minmax, not 'best'"),
        ({"calibration": "x.npy", "scales": "any"}, "E504: --scales is free, power-of-two, not 'any'"),
        ({"calibration": "x.npy", "weight_bits": 40}, "E063: --weight-bits: 40 bits are outside 2 to 16"),
        ({"calibration": "x.npy", "labels": "x.npy"}, "E066: the labels are float32[64, 1, 12, 12]; 64 class numbers or one-hot rows are needed"),
        ({"calibration": "y.npy"}, "E061: the calibration data have shape [64]; input 'x' needs (samples, 1, 12, 12)"),
    ],
)  # fmt: skip
def test_refusals(files, tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(files)
    with pytest.raises(CompileError) as refused:
        bitwright.compile("net.onnx", tmp_path / "d", **options)
    assert str(refused.value).splitlines()[0] == message and not (tmp_path / "d").exists()


def test_labels_beyond_the_outputs(files, tmp_path):
    with pytest.raises(CompileError, match="E066: there is a label 10, but the model has 10 outputs"):
        bitwright.compile(files / "net.onnx", tmp_path / "d", calibration=files / "x.npy", labels=np.full(64, 10))


@pytest.mark.parametrize("network", [mlp, residual], ids=lambda n: n.__name__)
def test_other_networks_in_rtl(network, tmp_path):
    net, output = network()
    (tmp_path / "net.onnx").write_bytes(net.bytes(output))
    design = bitwright.compile(tmp_path / "net.onnx", tmp_path / "d", calibration=net.samples(), activation_bits=6)
    assert design.verify(samples=3).ok and design.manifest["calibration"]["sqnr_db"] > 20


def test_an_argmax_at_the_end(tmp_path):
    """Its classes are compared with the labels as they are."""
    net = FloatNet((6,))
    output = net.node("ArgMax", net.dense(net.input, 6, 4), axis=1, keepdims=0)
    (tmp_path / "net.onnx").write_bytes(net.bytes(output, elem=7))
    design = bitwright.compile(tmp_path / "net.onnx", tmp_path / "d", calibration=net.samples(),
                               labels=np.zeros(64, np.int64))  # fmt: skip
    found = design.manifest["calibration"]["accuracy"]
    assert abs(found["float"] - found["quantized"]) < 0.05 and 0 < found["float"] < 1


def test_onnxruntime_is_not_imported(files, tmp_path):
    script = (
        "import sys, bitwright; bitwright.compile('net.onnx', sys.argv[1], calibration='x.npy');"
        "assert not {'onnxruntime', 'qonnx'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "d")], cwd=files, check=True,
                   env={"PYTHONPATH": str(Path(__file__).parents[1]), "PATH": "/usr/bin:/bin"})  # fmt: skip


def test_a_plain_keras_model_is_quantised_and_verified(tmp_path):
    keras = Path(__file__).parent / "models" / "keras" / "keras_float"
    np.save(tmp_path / "x.npy", np.load(keras.with_suffix(".npz"))["x"].astype(np.float32))
    design = bitwright.compile(keras.with_suffix(".keras"), tmp_path / "build", calibration=tmp_path / "x.npy")
    assert design.manifest["calibration"]["sqnr_db"] > 25
    assert design.verify(samples=3).ok
