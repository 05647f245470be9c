"""Quantisers spelt out: rounding, and the limits and offsets around it, become one quantiser of one operation."""

import numpy as np
import pytest

from bitwright.errors import CompileError
from bitwright.frontend.compare import compare
from bitwright.frontend.reader import import_model
from tests.frontend.onnx_build import Net
from tests.frontend.onnx_check import check, grid

RNG = np.random.default_rng(31)
SCALES = {"power": 0.25, "plain": 0.3, "channels": [0.125, 0.25, 0.5]}


def mnemonics(imported):
    return [n.op.mnemonic for n in imported.graph.nodes]


def limited(net, x, low, high, form="clip"):
    if form == "clip":
        return net.node("Clip", x, net.const(low), net.const(high))
    if form == "max":
        return net.node("Min", net.node("Max", x, net.const(low)), net.const([high]))
    return net.node("Min", net.node("Relu", x), net.const(high))


def spelt(net, x, scale, low=-7.0, high=7.0, form="clip", zero=None, op="Round"):
    """x → Div → Round → limits → Mul, with a zero point before and after the limits where there is one."""
    y = net.node(op, net.node("Div", x, net.const(scale)))
    if zero is not None:
        y = net.node("Add", y, net.const(zero))
    y = limited(net, y, low, high, form)
    if zero is not None:
        y = net.node("Sub", y, net.const(zero))
    return net.node("Mul", y, net.const(scale))


def weights(shape):
    return RNG.normal(size=shape).astype(np.float32)


def agree(net, x, shape, **kwargs):
    imported = check(net.model(x), grid(RNG, shape, 12), **kwargs)
    found = compare(imported, grid(RNG, shape, 12))
    assert found.elements and found.unexplained == 0, found
    return imported


@pytest.mark.parametrize("scale", SCALES.values(), ids=SCALES)
@pytest.mark.parametrize(
    ("form", "zero"), [("clip", None), ("max", None), ("relu", None), ("clip", 3.0), ("max", -4.0)]
)
@pytest.mark.parametrize("op", ["Round", "Floor", "Ceil"])
def test_a_network(scale, form, zero, op):
    """The first quantiser is the host's; the second is one operation; ties go to even before the zero point."""
    net = Net([1, 3])
    x = spelt(net, net.input, scale, form=form, zero=zero, op=op)
    x = net.node("MatMul", x, net.const(RNG.integers(-7, 8, (3, 3)) / 8))
    x = spelt(net, x, scale, form=form, zero=zero, op=op)
    imported = agree(net, net.node("MatMul", x, net.const(np.eye(3))), (3,))
    assert mnemonics(imported) == ["dense", "threshold", "dense"]


@pytest.mark.parametrize("zero", [None, 2.0])
@pytest.mark.parametrize("axis", [None, 0])
def test_weights_by_the_same_chain(axis, zero):
    """Their scale is no power of two, and a float32 product would be no integer of few bits."""
    w = weights((4, 3, 2, 2))
    scale = np.float32(np.abs(w).max(axis=None if axis is None else (1, 2, 3), keepdims=True) / 7)
    net = Net([1, 3, 4, 5])
    kernel = spelt(net, net.const(w), scale, zero=zero)
    x = spelt(net, net.input, 0.3)
    agree(net, net.node("Conv", x, kernel, net.const(weights(4))), (3, 4, 5))


@pytest.mark.parametrize("form", ["reciprocal", "over", "left"])
def test_weights_scaled_otherwise(form):
    net = Net([1, 5])
    w = net.node("Round", net.node("Mul", net.const(weights((3, 5))), net.const(11.0)))
    w = net.node("Transpose", w, perm=[1, 0])
    w = {
        "reciprocal": lambda: net.node("Mul", w, net.const([0.1, 0.2, 0.3])),
        "over": lambda: net.node("Div", w, net.const(11.0)),
        "left": lambda: net.node("Mul", net.const(0.1), w),
    }[form]()
    agree(net, net.node("MatMul", net.quant(net.input, 0.25), w), (5,))


def test_limits_before_rounding():
    net = Net([1, 4])
    x = limited(net, net.node("Div", net.input, net.const(0.3)), -3.5, 3.0)
    x = net.node("Mul", net.node("Round", x), net.const(0.3))
    assert mnemonics(agree(net, net.node("MatMul", x, net.const(np.eye(4))), (4,))) == ["dense"]


def test_what_is_no_part_of_a_quantizer():
    """A limit between integers, an addend that is none, and another reader of the rounded tensor."""
    for kind in ("limit", "term", "reader", "stream", "difference"):
        net = Net([1, 4])
        y = net.quant(net.input, 0.25, bits=6.0)
        x = net.node("Round", y)
        if kind == "limit":
            x = limited(net, x, -2.5, 3.5)
        elif kind == "term":
            x = limited(net, net.node("Add", x, net.const([0.0, 1.0, 0.5, 2.0])), -3.0, 3.0)
        elif kind == "reader":
            x = net.node("Add", net.node("Clip", x, net.const(-2.0), net.const(3.0)), x)
        elif kind == "stream":
            x = net.node("Add", x, y)
        else:
            x = net.node("Sub", net.const(1.0), x)
        agree(net, net.node("MatMul", net.quant(x, 0.5), net.const(np.eye(4))), (4,))


def test_limits_that_cross():
    net = Net([1, 4])
    x = limited(net, net.node("Round", net.quant(net.input, 0.25)), 3.0, -2.0)
    agree(net, net.node("Add", x, net.quant(net.input, 0.25)), (4,), input_type="fixed<8,4>")


def test_a_rounding_without_limits_needs_a_type():
    net = Net([1, 4])
    x = net.node("Add", net.node("Round", net.input), net.const(1.0))
    with pytest.raises(CompileError, match="E030: input 'x' is float32 and is used before it is quantized"):
        import_model(net.bytes(net.node("MatMul", x, net.const(np.eye(4)))))
