"""The command line: its output, its exit statuses, and what it leaves behind."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

MODELS = Path(__file__).parent / "models"
HELLO = str(MODELS / "hello_world.onnx")


def bitwright(*arguments, cwd=None):
    command = [sys.executable, "-m", "bitwright", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli") / "hello"
    done = bitwright("compile", HELLO, "--board", "pynq", "--target-cycles", 64, "-o", folder, "--verify", 5, "--json")
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


def test_compile_prints_one_json_object(build):
    folder, result = build
    assert result["build"] == str(folder) and result["board"] == "pynq-z2"
    assert result["frame_cycles"] <= 64 and result["mismatches"] == 0 and result["frames"] == 5
    assert set(result["estimate"]) == {"lut", "ff", "bram36", "dsp"} and result["fits"] is True
    assert {"name", "op", "engine", "pe", "simd", "cycles", "busy"} <= set(result["stages"][0])


def test_build_directory(build):
    folder, _ = build
    names = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    assert {
        "manifest.json",
        "model/graph.ir",
        "model/boundary.json",
        "rtl/bw_accel.v",
        "board/build.tcl",
        "board/driver.py",
    } <= names


def test_ports_without_a_handshake(tmp_path):
    options = ("--style", "spatial", "--ports", "valid", "--latency", "--json")
    done = bitwright("compile", HELLO, "-o", tmp_path / "build", *options)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["frame_cycles"] == 1 and result["options"]["ports"] == "valid" and result["options"]["latency"]
    text = (tmp_path / "build" / "rtl" / "bw_accel.v").read_text()
    assert "in_valid" in text and "ready" not in text and not (tmp_path / "build" / "board").exists()


@pytest.mark.parametrize("engine", ["numpy", "rtl"])
def test_run(build, tmp_path, engine):
    folder, _ = build
    with np.load(MODELS / "hello_world.npz") as stored:
        x, y = (next(stored[k] for k in stored.files if k.startswith(p)) for p in ("in:", "out:"))
    np.save(tmp_path / "x.npy", x)
    done = bitwright("run", folder, "--input", tmp_path / "x.npy", "--output", tmp_path / "y.npy", "--engine", engine,
                     "--dump-layers", tmp_path / "layers")  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = np.load(tmp_path / "y.npy")
    np.testing.assert_array_equal(found, y)
    assert found.dtype == y.dtype
    assert len(list((tmp_path / "layers").glob("*.npy"))) >= 6


def test_run_raw_and_npz(build, tmp_path):
    folder, _ = build
    x = np.arange(-128, 128).reshape(-1, 1)
    np.savez(tmp_path / "x.npz", **{"serving_default_dense_2_input:0": x})
    done = bitwright("run", folder, "--input", tmp_path / "x.npz", "--output", tmp_path / "y.npz", "--raw")
    assert done.returncode == 0, done.stderr
    (values,) = np.load(tmp_path / "y.npz").values()
    assert values.shape == (256, 1) and values.min() >= 0 and values.max() <= 255


def test_verify_and_report(build):
    folder, _ = build
    done = bitwright("verify", folder, "--samples", 5, "--seed", 3, "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["mismatches"] == 0
    report = json.loads(bitwright("report", folder, "--json").stdout)
    assert report["verification"]["ok"] is True
    text = bitwright("report", folder).stdout
    assert "equal to the reference" in text and "frames/s" in text


def test_verify_the_netlist(build):
    folder, _ = build
    done = bitwright("verify", folder, "--samples", 5, "--netlist", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 0 and found["ok"] and found["latency_cycles"] is not None
    assert (folder / "synth" / "netlist.v").is_file()


def test_verify_exits_1_on_a_mismatch(build, tmp_path):
    folder, _ = build
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", folder, copy], check=True)
    memory = copy / "rtl" / "s1_mvu0_weights.mem"
    memory.write_text("".join(f"{int(w, 16) ^ 1:0{len(w)}x}\n" for w in memory.read_text().split()))
    done = bitwright("verify", copy, "--samples", 5)
    assert done.returncode == 1 and "first at stage s1" in done.stderr


REFUSED = [
    (["compile", "missing.onnx", "-o", "out"], 2, "E0"),
    (["compile", HELLO, "--board", "pinq", "-o", "out"], 2, "did you mean 'pynq'"),
    (["compile", HELLO, "--style", "loop", "-o", "out"], 2, "E503"),
    (["compile", HELLO, "--style", "folded", "--latency", "-o", "out"], 2, "E504"),
    (["compile", HELLO, "--style", "spatial", "--ports", "wires", "-o", "out"], 2, "ports: axis, valid"),
    (["compile", HELLO, "--ports", "valid", "-o", "out"], 2, "add --style spatial"),
    (["compile", HELLO, "--target-cycles", "0", "-o", "out"], 2, "E504"),
    (["compile", HELLO, "--target-fps", "1", "--target-cycles", "5", "-o", "out"], 2, "exclude each other"),
    (["compile", str(MODELS / "unsw_w2a2.onnx"), "-o", "out"], 2, "--input-type"),
    (["verify", "nowhere"], 2, "E505"),
    (["compile"], 2, "Missing argument"),
]


@pytest.mark.parametrize(
    "arguments, status, words", REFUSED, ids=[" ".join(Path(a).name for a in r[0]) for r in REFUSED]
)
def test_refusals(arguments, status, words, tmp_path):
    done = bitwright(*arguments, cwd=tmp_path)
    assert done.returncode == status and words in done.stderr, done.stderr
    assert "Traceback" not in done.stderr and done.stdout == "" and not list(tmp_path.iterdir())


def test_errors_in_json(tmp_path):
    done = bitwright("compile", MODELS / "unsw_w2a2.onnx", "--json", cwd=tmp_path)
    error = json.loads(done.stdout)["error"]
    assert (
        done.returncode == 2 and set(error) == {"code", "message", "node", "hint"} and "--input-type" in error["hint"]
    )


def test_a_folder_of_someone_elses_is_kept(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("do not delete")
    done = bitwright("compile", HELLO, "-o", tmp_path / "out", "--target-cycles", 64)
    assert done.returncode == 2 and "E501" in done.stderr
    assert (tmp_path / "out" / "thesis.tex").read_text() == "do not delete" and len(list(tmp_path.iterdir())) == 1


def test_a_design_that_does_not_fit_exits_4(tmp_path):
    board = tmp_path / "small.toml"
    board.write_text('base = "pynq-z2"\nname = "small"\nlut = 600\nff = 900\nbram36 = 1\ndsp = 2\n')
    done = bitwright("compile", MODELS / "tfc_2w2a.onnx", "--board", board, "-o", tmp_path / "out")
    assert done.returncode == 4 and "does not fit" in done.stderr and not (tmp_path / "out").exists()


def test_boards_ops_and_check():
    boards = json.loads(bitwright("boards", "--json").stdout)["boards"]
    assert {"pynq-z1", "pynq-z2"} <= {b["name"] for b in boards}
    lines = {line.split(",")[0].split()[0]: line.split()[-2:] for line in bitwright("boards").stdout.splitlines()}
    assert lines["alveo-u50"] == ["vitis", "synthesis"] and lines["icebreaker"] == ["uart", "bitstream"]
    assert {"MatMul", "Quant", "QuantizeLinear"} <= set(json.loads(bitwright("ops", "--json").stdout)["operators"])
    nodes = json.loads(bitwright("check", HELLO, "--json").stdout)["nodes"]
    assert [n["op"] for n in nodes].count("dense") == 3


def test_check_tells_all_faults(tmp_path):
    from onnx import helper

    port = helper.make_tensor_value_info("x", 1, ["N", "H", 3])
    nodes = [helper.make_node("Det", ["x"], ["a"], "first"), helper.make_node("LSTM", ["a"], ["y"], "second")]
    graph = helper.make_graph(nodes, "g", [port], [helper.make_tensor_value_info("y", 1, None)])
    (tmp_path / "m.onnx").write_bytes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]).SerializeToString()
    )
    done = bitwright("check", tmp_path / "m.onnx")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.splitlines() == [
        "bitwright: E010: axis 1 of input 'x' is symbolic; only the batch axis may vary",
        "  hint: say its shape, as in --shape x=1,32,3",
        "bitwright: E020: operator 'Det' is not supported",
        "  at Det node #0 'first'",
        "  hint: `bitwright ops` lists what is supported",
        "bitwright: E020: operator 'LSTM' is not supported: it has a state, and a frame has none",
        "  at LSTM node #1 'second'",
        "  hint: unroll the recurrence, or end the model before it",
    ]
    told = json.loads(bitwright("check", tmp_path / "m.onnx", "--json", "--shape", "x=1,5,3").stdout)
    assert told["nodes"] == [] and told["error"] == told["errors"][0]
    assert [e["node"]["name"] for e in told["errors"]] == ["first", "second"]


def test_operators():
    done = bitwright("operators", "--only", "MatMulInteger", "--json")
    assert done.returncode == 0, done.stderr
    cases = json.loads(done.stdout)["cases"]
    assert cases == [{"case": "matmulinteger", "operator": "MatMulInteger", "status": "passed", "reason": ""}]
    assert bitwright("operators", "--only", "MatMulInteger").stdout == "passed   matmulinteger\n"


def test_version_is_cheap():
    done = bitwright("--version")
    assert done.stdout.startswith("bitwright, version 0.1.0")
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, bitwright.cli; print([m for m in ('numpy', 'onnx', 'rich') if m in sys.modules])"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert loaded.stdout.strip() == "[]"


def test_waves(build):
    folder, _ = build
    assert bitwright("verify", folder, "--samples", 5, "--waves").returncode == 0
    assert "$enddefinitions" in (folder / "sim" / "waves.vcd").read_text()


def test_a_design_that_stands_still_exits_1(build, tmp_path):
    folder, _ = build
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", folder, copy], check=True)
    top = copy / "rtl" / "bw_accel.v"
    top.write_text(top.read_text().replace(".in_valid(w_in_valid)", ".in_valid(1'b0)"))
    done = bitwright("verify", copy, "--samples", 5)
    assert done.returncode == 1 and "stall: nothing moved" in done.stderr and "Traceback" not in done.stderr


def test_termination_leaves_nothing_behind(tmp_path):
    """SIGTERM in the midst of writing: exit status 143, and no folder."""
    script = (
        "import os, signal, bitwright.compiler as c, bitwright.cli\n"
        "write = c.write_rtl\n"
        "c.write_rtl = lambda *a: (write(*a), os.kill(os.getpid(), signal.SIGTERM))\n"
        f"import sys; sys.argv = ['bitwright', 'compile', {HELLO!r}, '--target-cycles', '64', '-o', 'out']\n"
        "bitwright.cli.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 143 and "Traceback" not in done.stderr and not list(tmp_path.iterdir()), done.stderr
