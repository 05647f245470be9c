"""Keras, QKeras and HGQ2 files: what is built from them gives what the packages themselves predict, to the last bit."""

from pathlib import Path

import numpy as np
import pytest

from bitwright import compile
from bitwright.cli import cli
from bitwright.frontend import keras
from bitwright.frontend.compare import compare
from bitwright.frontend.loading import load_model
from bitwright.frontend.reader import import_model
from bitwright.ir.graph import evaluate, verify
from bitwright.ir.text import parse_graph, print_graph
from tests.frontend.keras_build import archive, dense, functional, layer, quantized_bits, start
from tests.frontend.test_real_networks import boundary

FOLDER = Path(__file__).parents[1] / "models" / "keras"
FLOAT = {"keras_float.keras": "Conv2D node #\\d+ 'c'", "keras_float_line.h5": "DepthwiseConv1D node #\\d+ 'dw'"}
"""Files of plain Keras, and their first layer with weights."""
FILES = sorted(p for p in FOLDER.iterdir() if p.suffix in keras.SUFFIXES and p.name not in FLOAT)


def predicted(path):
    """Output samples of a file for its stored inputs, by way of the codes and the host's side."""
    imported = import_model(path)
    verify(imported.graph)
    text, constants = print_graph(imported.graph)
    assert print_graph(parse_graph(text, constants))[0] == text
    host = boundary(imported)
    with np.load(path.with_suffix(".npz")) as stored:
        x, y = stored["x"], stored["y"]
    codes = host.input.to_wire(host.encode(x)).reshape(len(x), *imported.graph.types["x0"].shape)
    values = evaluate(imported.graph, {"x0": codes})
    for value, array in values.items():
        type_ = imported.graph.types[value]
        assert type_.elem.lo <= type_.min <= array.min() and array.max() <= type_.max <= type_.elem.hi
    return host.decode(host.output.from_wire(values[imported.graph.outputs[0]])), y


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_the_packages_predict_the_same(path):
    found, expected = predicted(path)
    assert len(np.unique(expected)) > 5
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_float_arithmetic_on_the_same_nodes_differs_nowhere(path):
    with np.load(path.with_suffix(".npz")) as stored:
        found = compare(import_model(path), stored["x"][:8])
    assert found.elements > 0 and (found.unexplained, found.explained) == (0, 0)


@pytest.mark.parametrize("name", FLOAT)
def test_a_float_model_is_refused_as_a_float_onnx_file_is_and_its_nodes_compute_it(name):
    """The nodes in onnxruntime give what Keras gave, but for the order of float32 sums of some tens of terms."""
    with pytest.raises(Exception, match=rf"E029: the weights are not quantized[\s\S]*at {FLOAT[name]}"):
        import_model(FOLDER / name)
    runtime = pytest.importorskip("onnxruntime")
    proto = load_model(FOLDER / name).proto
    session = runtime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    with np.load((FOLDER / name).with_suffix(".npz")) as stored:
        (found,) = session.run(None, {session.get_inputs()[0].name: stored["x"]})
        assert np.abs(found - stored["y"]).max() < 2.0**-18


def test_layers_keep_their_names_and_classes():
    imported = import_model(FOLDER / "qk_conv.h5")
    named = {(o.op_type, o.name) for n in imported.graph.nodes for o in n.origin}
    nested = import_model(FOLDER / "qk_nested.keras")
    assert ("QDense", "inner/deep/d1") in {(o.op_type, o.name) for n in nested.graph.nodes for o in n.origin}
    assert {("QConv2D", "c1"), ("QDepthwiseConv2D", "dw"), ("QConv2DBatchnorm", "c2"), ("QDense", "d")} <= named


def test_the_same_file_gives_the_same_hash_and_graph():
    first, second = (import_model(FOLDER / "hgq_conv.keras") for _ in range(2))
    assert first.model_hash == second.model_hash
    assert print_graph(first.graph)[0] == print_graph(second.graph)[0]


@pytest.mark.parametrize("name", ["qk_kernel_array.h5", "hgq_trn_wrap.keras"])
def test_a_small_network_is_built_and_verified(name, tmp_path):
    design = compile(FOLDER / name, tmp_path / "build", board="pynq", target_fps=1000)
    assert design.verify(samples=4).ok
    with np.load((FOLDER / name).with_suffix(".npz")) as stored:
        np.testing.assert_array_equal(design.predict(stored["x"]), stored["y"])


@pytest.mark.long
@pytest.mark.parametrize("name", ["qk_conv.h5", "hgq_conv.keras", "hgq_element.keras"])
def test_a_convolutional_network_is_built_and_verified(name, tmp_path):
    design = compile(FOLDER / name, tmp_path / "build", board="pynq", target_fps=1000)
    assert design.verify(samples=4).ok


def test_the_command_line_takes_the_suffixes(tmp_path, capsys):
    path = tmp_path / "net.KERAS"
    path.write_bytes(archive(*dense()))
    assert cli.main(["check", str(path)], standalone_mode=False) == 0
    assert "QDense node" in capsys.readouterr().out


def test_wrapping_inputs_are_wrapped_by_the_host():
    """Far outside of their format too, by the host as by the comparison's own rule."""
    imported = import_model(FOLDER / "hgq_trn_wrap.keras")
    from bitwright.frontend.compare import encode

    rule = imported.boundary["input"]["encode"]
    assert rule["kind"] == "fixed" and rule["wrap"]
    x = np.random.default_rng(0).normal(0, 1000, (50, 10)).astype(np.float32)
    x[0] = np.float32(3e38)
    host = boundary(imported)
    codes = host.encode(x)
    np.testing.assert_array_equal(codes, encode(rule, x))
    row = np.arange(10) // rule.get("repeat", 1) % len(rule["exp"])
    for (n, e), code in np.ndenumerate(codes):
        exp, lo, hi = (rule[key][row[e]] for key in ("exp", "lo", "hi"))
        whole = int(np.floor(np.ldexp(float(x[n, e]), exp)))
        assert code == (whole - lo) % (hi - lo + 1) + lo
    with pytest.raises(ValueError, match="infinity"):
        host.encode(np.full((1, 10), np.inf, np.float32))


def test_a_layer_that_is_used_twice_is_built_twice():
    """And a tensor that goes two ways is quantized once."""
    twice = layer("QDense", "d", "q", units=2, use_bias=False, kernel_quantizer=quantized_bits(alpha=1.0))
    again = {"args": [{"class_name": "__keras_tensor__", "config": {"keras_history": ["a", 0, 0]}}], "kwargs": {}}
    twice["inbound_nodes"].append(again)
    relu = layer("QActivation", "a", "d", activation="quantized_relu(4,2)")
    config = functional([start(2), layer("QActivation", "q", "in", activation="quantized_bits(4,1)"), twice, relu])
    config["config"]["output_layers"] = [["d", 1, 0]]
    imported = import_bytes(archive(config, {"layers/q_dense/vars/0": np.float32([[0.5, 1], [0.25, -1]])}))
    assert [n.op.mnemonic for n in imported.graph.nodes] == ["dense", "threshold", "dense"]
    codes = np.array([[3, -5]])
    first = np.clip(np.rint(codes @ np.array([[2, 4], [1, -4]]) / 4), 0, 15)
    (result,) = evaluate(imported.graph, {"x0": codes})[imported.graph.outputs[0]]
    assert result.tolist() == (first @ np.array([[2, 4], [1, -4]]))[0].tolist()


def test_a_format_by_channel_of_a_million_codes_needs_no_steps():
    """Rounded and wrapped behind a ReLU: too many codes for thresholds, and no shift for all channels."""
    conf = {"config": {"q_type": "kif", "round_mode": "RND", "overflow_mode": "WRAP", "is_weight": False}}
    net = functional([start(2), layer("Quantizer", "wide", "in", config=conf), layer("ReLU", "r", "wide"),
                      layer("Quantizer", "narrow", "r", config=conf)])  # fmt: skip
    formats = {"quantizer": ([16, 16], [1, 1], [4, 4]), "quantizer_1": ([15, 12], [1, 0], [2, 3])}
    arrays = {
        f"layers/{key}/quantizer/vars/{i}": np.array([v]) for key, form in formats.items() for i, v in enumerate(form)
    }
    imported = import_bytes(archive(net, arrays))
    assert [n.op.mnemonic for n in imported.graph.nodes] == ["mulshift", "wrap"]
    codes = np.random.default_rng(0).integers(-(1 << 20), 1 << 20, (500, 2))
    (found,) = (evaluate(imported.graph, {"x0": codes})[n] for n in imported.graph.outputs)
    rounded = (np.maximum(codes, 0) + [1, 8]) >> [1, 4]
    assert found.tolist() == ((rounded - [-(1 << 17), 0]) % [1 << 18, 1 << 15] + [-(1 << 17), 0]).tolist()


def import_bytes(data):
    import tempfile

    with tempfile.NamedTemporaryFile(suffix=".keras") as file:
        file.write(data)
        file.flush()
        return import_model(file.name)
