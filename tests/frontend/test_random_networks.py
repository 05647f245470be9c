"""Random fully connected networks in every dialect against the independent exact evaluator."""

from itertools import pairwise

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto

from bitwright.errors import CompileError
from bitwright.frontend.compare import compare
from bitwright.frontend.reader import import_model
from tests.frontend.onnx_build import Net
from tests.frontend.onnx_check import check, grid

MODES = ["ROUND", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN", "half_even"]
SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def scales(rng, pow2, shape=()):
    if pow2:
        return np.exp2(rng.integers(-5, 1, shape)).astype(np.float32)
    return rng.uniform(0.02, 0.6, shape).astype(np.float32)


def quantised(rng, net, x, shape, pow2, per_channel):
    """A Quant of random parameters on a stream."""
    scale = scales(rng, pow2, shape if per_channel else ())
    bits = float(rng.choice([1, 2, 3, 4, 8, 2.5]))
    zero = float(rng.choice([0, 0, 1, -2])) if bits > 1 else 0.0
    mode = str(rng.choice(MODES))
    return net.quant(x, scale, zero, bits, int(rng.integers(2)), int(rng.integers(2)), mode)


def weights(rng, net, inputs, outputs, pow2):
    kind = rng.integers(4)
    if kind == 0:
        values = rng.integers(-7, 8, (inputs, outputs))
        values[rng.random(values.shape) < 0.4] = 0
        return net.qdq_weight(values, scales(rng, pow2, outputs), axis=1)
    if kind == 1:
        w = net.const(rng.normal(size=(outputs, inputs)))
        q = net.quant(w, scales(rng, pow2, (outputs, 1)), 0.0, float(rng.integers(1, 9)))
        return net.node("Transpose", q, perm=[1, 0])
    if kind == 2:
        return net.const(rng.integers(-15, 16, (inputs, outputs)) / 16)
    w = net.const(rng.normal(size=(inputs, outputs)))
    return net.node("BipolarQuant", w, net.const(0.37), domain="onnx.brevitas")


def between(rng, net, x, channels):
    """What stands between a product and the next quantiser."""
    for _ in range(rng.integers(3)):
        match rng.integers(7):
            case 0:
                x = net.node("Add", x, net.const(rng.normal(size=channels)))
            case 1:
                x = net.node("Mul", net.const(rng.normal(size=channels)), x)
            case 2:
                gamma, beta, mean = (net.const(rng.normal(size=channels)) for _ in range(3))
                x = net.node("BatchNormalization", x, gamma, beta, mean, net.const(rng.uniform(0.1, 9, channels)))
            case 3:
                x = net.node("Relu", x)
            case 4:
                x = net.node("Clip", x, net.const(-1.5), net.const(2.0))
            case 5:
                x = net.node("Sub", net.const(0.5), x)
            case 6:
                x = net.node("Div", x, net.const(rng.choice([-3.0, 0.7, 2.0], channels)))
    return x


@SETTINGS
@given(st.integers(0, 2**32), st.booleans(), st.booleans())
def test_qonnx(seed, pow2, per_channel):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 7, rng.integers(2, 5)).tolist()
    net = Net([1, sizes[0]])
    x = quantised(rng, net, between(rng, net, net.input, sizes[0]), (sizes[0],), pow2, per_channel)
    for inputs, outputs in pairwise(sizes):
        x = net.node("MatMul", x, weights(rng, net, inputs, outputs, pow2))
        x = between(rng, net, x, outputs)
        if rng.random() < 0.8 or outputs != sizes[-1]:
            x = quantised(rng, net, x, (outputs,), pow2, per_channel)
    try:
        check(net.model(x), grid(rng, (sizes[0],)))
    except CompileError as error:
        # Limits that were not quantised, and free scales along a contraction, have no exact integers of sane width.
        assert error.code in ("E029", "E035"), error


@SETTINGS
@given(st.integers(0, 2**32), st.booleans())
def test_qdq(seed, pow2):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 7, rng.integers(2, 5)).tolist()
    dtype = rng.choice([np.int8, np.uint8])
    code = {np.int8: TensorProto.INT8, np.uint8: TensorProto.UINT8}[dtype]
    net = Net([1, sizes[0]], code, name="q")
    info = np.iinfo(dtype)
    scale, zero = scales(rng, pow2), rng.integers(info.min, info.max + 1)
    x = net.node("DequantizeLinear", net.input, net.const(scale), net.const(zero, dtype))
    for inputs, outputs in pairwise(sizes):
        w = net.qdq_weight(rng.integers(-128, 128, (outputs, inputs)), scales(rng, pow2, outputs), axis=0)
        bias = net.qdq_weight(rng.integers(-500, 500, outputs), scales(rng, pow2), dtype=np.int32)
        x = net.node("Gemm", x, w, bias, transB=1, alpha=float(rng.choice([1, 0.5])), beta=float(rng.choice([1, 2])))
        x = net.node("Relu", x) if rng.random() < 0.5 else x
        parameters = net.const(scales(rng, pow2) * 8), net.const(rng.integers(info.min, info.max + 1), dtype)
        x = net.node("QuantizeLinear", x, *parameters)
        last = x
        x = net.node("DequantizeLinear", x, *parameters)
    samples = rng.integers(info.min, info.max + 1, (6, sizes[0])).astype(dtype)
    check(net.model(last, elem=code), samples)


@SETTINGS
@given(st.integers(0, 2**32), st.sampled_from(["int8", "uint4", "fixed<8,3>", "ufixed<6,-1>", "bipolar", "int3"]))
def test_typed_input(seed, kind):
    rng = np.random.default_rng(seed)
    inputs, outputs = rng.integers(1, 7, 2).tolist()
    net = Net(["batch", 1, inputs])
    x = net.node("Reshape", net.input, net.const([-1, inputs], np.int64))
    x = between(rng, net, x, inputs)
    if rng.random() < 0.3:
        x = quantised(rng, net, x, (inputs,), True, False)
    x = net.node("MatMul", x, weights(rng, net, inputs, outputs, True))
    x = quantised(rng, net, between(rng, net, x, outputs), (outputs,), False, True)
    try:
        check(net.model(x), grid(rng, (1, inputs), low=-20, high=20), kind)
    except CompileError as error:
        assert error.code in ("E029", "E035"), error


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32), st.booleans())
def test_a_runtime_differs_only_where_rounding_explains_it(seed, pow2):
    rng = np.random.default_rng(seed)
    inputs, hidden, outputs = rng.integers(2, 12, 3).tolist()
    net = Net([1, inputs])
    x = quantised(rng, net, net.input, (inputs,), pow2, False)
    for ins, outs in ((inputs, hidden), (hidden, outputs)):
        x = net.node("MatMul", x, weights(rng, net, ins, outs, pow2))
        x = quantised(rng, net, between(rng, net, x, outs), (outs,), pow2, True) if outs == hidden else x
        x = quantised(rng, net, x, (outs,), pow2, False)
    try:
        imported = import_model(net.bytes(x))
    except CompileError as error:
        assert error.code == "E029", error
        return
    found = compare(imported, grid(rng, (inputs,), 8))
    assert found.unexplained == 0, found
