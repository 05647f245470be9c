"""The comparison with a float runtime: it passes what float rounding explains and nothing else."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto

from bitwright.errors import CompileError
from bitwright.frontend import oracle
from bitwright.frontend.compare import compare
from bitwright.frontend.reader import import_model, load
from bitwright.ops.add import Add
from bitwright.ops.dense import Dense
from bitwright.ops.pool import Pool
from bitwright.ops.threshold import Threshold
from bitwright.ops.window import Window
from tests.frontend.onnx_build import Net

MODELS = Path(__file__).parents[1] / "models"


def changed(imported, kind, change):
    """The import with one operator of the IR replaced."""
    nodes = list(imported.graph.nodes)
    index = next(i for i, n in enumerate(nodes) if isinstance(n.op, kind))
    nodes[index] = replace(nodes[index], op=change(nodes[index].op))
    return replace(imported, graph=replace(imported.graph, nodes=tuple(nodes)))


def samples(name):
    with np.load(MODELS / f"{name}.npz") as stored:
        return next(stored[k] for k in stored.files if k.startswith("in:"))


@pytest.mark.parametrize("name", ["tfc_2w2a", "ad01_int8", "kwsmlp_w3a3", "kws_dscnn_int8", "ic_resnet8_int8"])
def test_a_threshold_off_by_much_is_unexplained(name):
    imported = import_model(MODELS / f"{name}.onnx")
    wrong = changed(imported, Threshold, lambda op: replace(op, thresholds=op.thresholds + 40))
    found = compare(wrong, samples(name))
    assert found.unexplained > 0
    assert found.first is not None and not found.first.explained


def test_a_threshold_off_by_one_is_unexplained():
    """An accumulator far from a tie in its own units: one step of 64 codes is moved by one accumulator unit."""
    net = Net([1, 4])
    x = net.quant(net.input, 1.0, bits=5.0)
    x = net.node("MatMul", x, net.const(np.eye(4)))
    x = net.quant(x, 3.0, bits=4.0)
    imported = import_model(net.bytes(x))
    frames = np.arange(-16, 16, dtype=np.float32).repeat(4).reshape(-1, 4)
    assert compare(imported, frames).explained == compare(imported, frames).unexplained == 0
    wrong = changed(imported, Threshold, lambda op: replace(op, thresholds=op.thresholds + 1))
    found = compare(wrong, frames)
    assert found.unexplained == 4 * 10 and found.max == 1


def test_a_wrong_weight_is_unexplained():
    imported = import_model(MODELS / "hello_world.onnx")
    wrong = changed(imported, Dense, lambda op: replace(op, weight=op.weight + 3))
    assert compare(wrong, samples("hello_world")).unexplained > 0


@pytest.mark.parametrize(("kind", "change"), [
    (Add, lambda op: replace(op, left=op.left + op.left // 50)),
    (Window, lambda op: replace(op, pad=op.pad + 1)),
    (Dense, lambda op: replace(op, weight=np.roll(op.weight, 1, axis=1))),
    (Pool, lambda op: replace(op, largest=not op.largest)),
])  # fmt: skip
def test_a_wrong_operator_of_a_residual_network_is_unexplained(kind, change):
    imported = import_model(MODELS / "ic_resnet8_int8.onnx")
    assert compare(changed(imported, kind, change), samples("ic_resnet8_int8")).unexplained > 0


def test_one_tie_excuses_nothing_behind_it():
    """Two branches of one stream meet again: what differs in front is fed to both as the runtime has it."""
    rng = np.random.default_rng(5)
    net = Net([1, 4, 3, 3])
    x = net.quant(net.input, 0.1, bits=6.0)
    x = net.quant(net.node("Conv", x, net.const(rng.integers(-7, 8, (4, 4, 1, 1)) / 8)), 0.05, bits=5.0)
    y = net.quant(net.node("Conv", x, net.const(rng.integers(-7, 8, (4, 4, 3, 3)) / 8), pads=[1] * 4), 0.3, bits=5.0)
    imported = import_model(net.bytes(net.quant(net.node("Add", x, y), 0.2, bits=4.0)))
    frames = rng.uniform(-4, 4, (30, 4, 3, 3)).astype(np.float32)
    assert compare(imported, frames).unexplained == 0
    wrong = changed(imported, Add, lambda op: replace(op, right=op.right + op.right // 20))
    found = compare(wrong, frames)
    assert found.unexplained > 20 and found.first.tensor == imported.anchors[-1].tensor


def test_a_wrong_float_output_is_unexplained():
    imported = import_model(MODELS / "ad08.onnx", input_type="fixed<16,8>")
    anchors = list(imported.anchors)
    last = anchors[-1]
    assert last.quantizer is None
    anchors[-1] = replace(last, operand=last.operand.plus(last.operand.scale))
    found = compare(replace(imported, anchors=tuple(anchors)), samples("ad08"))
    assert found.unexplained == 4 * 64


def test_a_tie_that_float_arithmetic_misses_is_explained():
    """0.7 · 5 / 0.7 is a tie for 5/2 = 2.5 in exact arithmetic with scales s and 2s; float32 may land beside it."""
    rng = np.random.default_rng(0)
    explained = 0
    for scale in rng.uniform(0.01, 0.1, 40).astype(np.float32):
        net = Net([1, 32])
        x = net.quant(net.input, scale, bits=8.0)
        x = net.node("MatMul", x, net.const(np.full((32, 16), 1.0)))
        x = net.quant(x, scale * np.float32(2), bits=12.0)
        found = compare(import_model(net.bytes(x)), rng.uniform(-3, 3, (4, 32)).astype(np.float32))
        assert found.unexplained == 0
        explained += found.explained
    assert explained > 0


def test_softmax_is_compared_before_the_host():
    net = Net([1, 5], opset=13)
    x = net.quant(net.input, 0.25, bits=6.0)
    x = net.node("MatMul", x, net.const(np.arange(15).reshape(5, 3) / 8))
    imported = import_model(net.bytes(net.node("Softmax", x, axis=-1)))
    assert imported.anchors[-1].tensor == x
    assert compare(imported, np.random.default_rng(1).normal(size=(9, 5)).astype(np.float32)).unexplained == 0


@pytest.mark.parametrize("domain", ["", "onnx.brevitas", "finn.custom_op.general", "qonnx.custom_op.general"])
def test_quant_of_every_domain_runs_without_opset_import(domain):
    net = Net([1, 3])
    x = net.node("MatMul", net.quant(net.input, 0.5, domain=domain), net.const(np.eye(3)))
    model = net.model(net.quant(x, 1.0, bits=3.0, domain=domain))
    del model.opset_import[1:]
    frames = np.random.default_rng(2).normal(size=(5, 3)).astype(np.float32)
    imported = import_model(model.SerializeToString())
    found = compare(imported, frames)
    assert (found.elements, found.explained, found.unexplained) == (30, 0, 0)


def test_the_tensors_of_a_plain_model():
    net = Net([1, 3], TensorProto.INT8, name="q")
    scale = net.const(0.5)
    real = net.node("DequantizeLinear", net.input, scale)
    product = net.node("MatMul", real, net.const(np.eye(3)))
    last = net.node("QuantizeLinear", product, scale, net.const(0, np.int8))
    samples = np.array([[1, 2, 3], [4, 5, 6]], np.int8)
    wanted = oracle.Wanted([real, product, last])
    tensors = oracle.run(load(net.bytes(last, elem=TensorProto.INT8)), samples, wanted)
    assert {k: v.tolist() for k, v in tensors.items()} == {
        real: [[0.5, 1, 1.5], [2, 2.5, 3]], product: [[0.5, 1, 1.5], [2, 2.5, 3]], last: [[1, 2, 3], [4, 5, 6]],
    }  # fmt: skip


def test_what_the_runtime_cannot_run_is_refused():
    net = Net([1, 3])
    imported = import_model(net.bytes(net.quant(net.input, 1.0)))
    model = imported.model
    model.proto.graph.node[0].attribute[0].name = "unknown"
    with pytest.raises(CompileError, match="E040: the runtime cannot execute this model"):
        model.proto.graph.node[0].attribute.pop()
        del model.proto.graph.node[0].attribute[:]
        compare(imported, np.zeros((1, 3), np.float32))


def test_weights_that_float_arithmetic_rounds_otherwise_are_explained():
    """w / scale is just below a tie, and in float32 on it: the runtime's weight is another one, and so is its sum."""
    rng = np.random.default_rng(7)
    explained = 0
    for scale in rng.uniform(0.01, 0.1, 30).astype(np.float32):
        ties = (np.arange(-8, 8) + 0.5).reshape(8, 2) * np.float64(scale)
        weights = ties.astype(np.float32)
        net = Net([1, 8])
        x = net.quant(net.input, 0.5, bits=8.0)
        w = net.node("Transpose", net.quant(net.const(weights.T), scale, bits=6.0), perm=[1, 0])
        bias = net.quant(net.const(weights[0]), scale, bits=6.0)
        x = net.node("Add", net.node("MatMul", x, w), bias)
        imported = import_model(net.bytes(net.quant(x, scale * np.float32(0.7), bits=8.0)))
        assert len(imported.constants) == 2
        frames = rng.uniform(-9, 9, (20, 8)).astype(np.float32)
        found = compare(imported, frames)
        assert found.unexplained == 0, found
        explained += found.explained
        wrong = changed(imported, Dense, lambda op: replace(op, weight=op.weight + 5))
        assert compare(wrong, frames).unexplained > 0
    assert explained > 0
