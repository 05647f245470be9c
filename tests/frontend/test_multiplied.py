"""Float32 weights that are codes times a scale, multiplied out: the codes come back, or they are refused."""

import re

import numpy as np
import pytest
from onnx import TensorProto

from bitwright.errors import CompileError
from bitwright.frontend.compare import compare
from bitwright.frontend.multiplied import factored
from bitwright.frontend.reader import import_model
from bitwright.ir.text import print_graph
from tests.frontend.onnx_build import Net
from tests.frontend.onnx_check import grid

RNG = np.random.default_rng(37)


def product(codes, scale):
    return (codes * np.float64(scale)).astype(np.float32)


@pytest.mark.parametrize("most", [1, 7, 127, 255])
@pytest.mark.parametrize("by_row", [False, True])
@pytest.mark.parametrize("columns", [1, 9, 500])
def test_codes_and_scale_come_back(most, by_row, columns):
    for _ in range(20):
        codes = RNG.integers(-most, most + 1, (6, columns))
        codes[1], codes[2] = 0, most
        scale = RNG.uniform(1e-6, 3, (6, 1) if by_row else 1).astype(np.float32)
        w = product(codes, scale).astype(np.float64)
        found = factored(w)
        assert found is not None
        assert (product(found[0], found[1].astype(np.float64)) == w).all()
        assert np.abs(found[0]).max() <= most and found[1].shape in ((1, 1), (6, 1))
        if columns == 500 and not by_row and most > 1:
            assert (found[0] == codes).all() and found[1].shape == (1, 1)


def test_one_number_apart_is_refused():
    w = product(RNG.integers(-127, 128, (4, 300)), np.float32(0.0123))
    assert factored(w.astype(np.float64)) is not None
    w[2, 299] = np.nextafter(w[2, 299], np.float32(9))
    assert factored(w.astype(np.float64)) is None
    assert factored(RNG.normal(size=(4, 300)).astype(np.float32).astype(np.float64)) is None


@pytest.mark.parametrize("by_output", [False, True])
@pytest.mark.parametrize("group", [1, 3])
def test_the_network_is_that_of_dequantize_linear(by_output, group):
    codes = RNG.integers(-127, 128, (6, 3 // group, 3, 2)).astype(np.int8)
    codes.reshape(6, -1)[:, :2] = 127, 1
    scale = RNG.uniform(0.001, 0.01, 6 if by_output else ()).astype(np.float32)
    samples, graphs = grid(RNG, (3, 5, 6), 4), []
    for folded in (False, True):
        net = Net([1, 3, 5, 6])
        if folded:
            w = net.const(product(codes, np.reshape(scale, (-1, 1, 1, 1))))
        else:
            w = net.qdq_weight(codes, scale)
        y = net.quant(net.node("Conv", net.quant(net.input, 0.3), w, group=group), 0.11)
        imported = import_model(net.bytes(y))
        text, constants = print_graph(imported.graph)
        graphs.append((re.sub("#.*", "", text), {k: v.tolist() for k, v in constants.items()}))
        assert compare(imported, samples).unexplained == 0
    assert graphs[0] == graphs[1]


def test_other_element_types_are_refused():
    net = Net([1, 40])
    w = net.const(RNG.normal(size=(40, 3)), np.float64)
    x = net.node("Cast", net.quant(net.input, 0.25), to=TensorProto.DOUBLE)
    with pytest.raises(CompileError, match="E029: the weights are not quantized"):
        import_model(net.bytes(net.node("MatMul", x, w), elem=TensorProto.DOUBLE))
