"""The quantiser of a float input moves to the host, as the least floats that reach each code."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto

from bitwright.errors import CompileError
from bitwright.frontend.input_type import parse_input_type
from bitwright.frontend.quantize import least_float
from bitwright.frontend.reader import import_model
from tests.frontend.onnx_build import Net
from tests.frontend.onnx_check import check, grid

FLOATS = {16: np.float16, 32: np.float32, 64: np.float64}


@given(st.fractions(), st.booleans(), st.sampled_from([16, 32, 64]))
def test_least_float(point, strict, bits):
    kind = FLOATS[bits]
    edge = kind(least_float(point, strict, np.dtype(kind)))
    reached = (lambda f: Fraction(float(f)) > point) if strict else (lambda f: Fraction(float(f)) >= point)
    assert edge == np.inf or reached(edge)
    with np.errstate(over="ignore"):
        below = np.nextafter(edge, kind(-np.inf))
    assert below == -np.inf or not reached(below)


def test_least_float_beyond_the_type():
    assert least_float(Fraction(10) ** 400, False, np.dtype(np.float64)) == np.inf
    assert least_float(Fraction(10) ** 39, False, np.dtype(np.float32)) == np.inf
    assert least_float(-(Fraction(10) ** 39), False, np.dtype(np.float32)) == -np.finfo(np.float32).max
    assert least_float(Fraction(0), True, np.dtype(np.float32)) == 2.0**-149


@pytest.mark.parametrize("scale", [0.25, 0.3, [0.1, 0.2, 0.3, 0.4]])
@pytest.mark.parametrize("factor", [1.0, -2.0, [1.0, -1.0, 0.0, 3.0]])
def test_what_stands_before_the_first_quantizer_costs_nothing(scale, factor):
    net = Net([1, 2, 2])
    x = net.node("Reshape", net.input, net.const([1, 4], np.int64))
    x = net.node("Add", net.node("Mul", x, net.const(factor)), net.const([0.1, 0, 0, -0.2]))
    imported = check(net.model(net.quant(net.node("Relu", x), scale)), grid(np.random.default_rng(0), (2, 2), 20))
    assert imported.graph.nodes == ()
    assert imported.boundary["input"]["shape"] == [2, 2]


@pytest.mark.parametrize("mode", ["ROUND", "CEIL", "FLOOR", "HALF_UP", "HALF_DOWN"])
def test_ties_of_a_falling_function(mode):
    net = Net([1, 1])
    x = net.quant(net.node("Neg", net.input), 1.0, bits=3.0, rounding_mode=mode)
    check(net.model(x), np.arange(-6, 6, 0.25, np.float32).reshape(-1, 1))


def test_a_power_of_two_is_a_grid():
    net = Net([1, 3])
    encode = import_model(net.bytes(net.quant(net.input, 0.125, bits=8.0, narrow=1))).boundary["input"]["encode"]
    assert encode == {"kind": "grid", "exp": 3, "lo": -127, "hi": 127}


def test_floor_is_no_grid():
    net = Net([1, 1])
    imported = import_model(net.bytes(net.quant(net.input, 1.0, bits=2.0, rounding_mode="FLOOR")))
    assert imported.boundary["input"]["encode"] == {
        "kind": "steps", "base": [-2], "sign": [1], "edges": [[(-1.0).hex(), (0.0).hex(), (1.0).hex()]],
    }  # fmt: skip


def test_edges_are_floats_of_the_input_type():
    net = Net([1, 1], TensorProto.DOUBLE)
    x = net.node("Div", net.input, net.const(0.1, np.float64))
    rule = import_model(net.bytes(net.quant(x, 1.0, bits=8.0, signed=0))).boundary["input"]["encode"]
    edges = [float.fromhex(e) for e in rule["edges"][0]]
    assert len(edges) == 255
    assert edges[0] == least_float(Fraction(0.1) / 2, True, np.dtype(np.float64))


def test_integer_inputs_are_themselves():
    net = Net(["N", 3], TensorProto.INT8, name="q")
    x = net.node("DequantizeLinear", net.input, net.const(0.5), net.const(-4, np.int8))
    source = import_model(net.bytes(x)).boundary["input"]
    assert source["encode"] == {"kind": "integer", "offset": 0}
    assert (source["dtype"], source["shape"], source["code"]["lo"], source["code"]["hi"]) == ("int8", [3], -128, 127)


@pytest.mark.parametrize(
    ("text", "elem", "scale", "offset"),
    [("int8", "s8", 1, 0), ("uint4", "u4", 1, 0), ("fixed<16,6>", "s16", Fraction(1, 1024), 0),
     ("ufixed<8,0>", "u8", Fraction(1, 256), 0), ("fixed<8, 10>", "s8", 4, 0), ("bipolar", "u1", 2, -1)],
)  # fmt: skip
def test_input_types(text, elem, scale, offset):
    found = parse_input_type(text)
    assert (str(found.elem), found.scale, found.offset) == (elem, scale, offset)


def test_a_scale_by_channel_needs_a_row_a_channel():
    """Channels first: rows repeat along the pixels, and the table stays small however large the image is."""
    net = Net([1, 3, 20, 20])
    x = net.node("Mul", net.input, net.const([[[1.0]], [[-2.0]], [[0.5]]]))
    imported = import_model(net.bytes(net.quant(x, [[[0.3]], [[0.5]], [[0.2]]], bits=3.0)))
    encode, decode = imported.boundary["input"]["encode"], imported.boundary["output"]["decode"]
    assert (len(encode["base"]), encode["repeat"], len(decode["scale"]), decode["repeat"]) == (3, 400, 3, 400)
    net = Net([1, 3, 2, 3])
    x = net.node("Mul", net.input, net.const([[[1.0]], [[-2.0]], [[0.5]]]))
    check(net.model(net.quant(x, [[[0.3]], [[0.5]], [[0.2]]], bits=3.0)), grid(np.random.default_rng(0), (3, 2, 3), 5))


def test_frames_beyond_all_measure_are_refused():
    net = Net([1, 1 << 13, 1 << 13])
    with pytest.raises(CompileError, match="E004: input 'x' has 67,108,864 elements a frame"):
        import_model(net.bytes(net.quant(net.input, 0.5)))
    net = Net([1, 1, 4, 4])
    w = net.const(np.ones((1, 1, 1, 1)))
    x = net.node("Conv", net.quant(net.input, 0.5), w, pads=[60000] * 4)
    with pytest.raises(CompileError, match="E004: Conv has 14,400,960,016 positions, which is too many"):
        import_model(net.bytes(x))
    x = net.node("ConvTranspose", net.quant(net.input, 0.5), w, strides=[60000, 60000])
    with pytest.raises(CompileError, match="E004: this ConvTranspose makes too many elements"):
        import_model(net.bytes(x))
    x = net.node("Pad", net.quant(net.input, 0.5), net.const([0, 0, 1 << 30, 1, 0, 0, 1, 1], np.int64))
    with pytest.raises(CompileError, match="E004: pads"):
        import_model(net.bytes(x))
