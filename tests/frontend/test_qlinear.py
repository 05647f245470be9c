"""Operators on quantised tensors, and products of integers: exact against definitions of their own, and against a runtime."""

from fractions import Fraction

import numpy as np
import pytest
from onnx import TensorProto

from bitwright.errors import CompileError
from bitwright.frontend.compare import compare
from bitwright.frontend.reader import import_model
from tests.frontend.onnx_build import Net
from tests.frontend.onnx_check import outputs
from tests.frontend.onnx_exact import fractions, obj

MICROSOFT = "com.microsoft"
RNG = np.random.default_rng(11)
LIMITS = {np.int8: (-128, 127), np.uint8: (0, 255), np.int16: (-32768, 32767), np.uint16: (0, 65535)}
ELEMS = {
    np.int8: TensorProto.INT8,
    np.uint8: TensorProto.UINT8,
    np.int16: TensorProto.INT16,
    np.uint16: TensorProto.UINT16,
}


def codes(shape, dtype=np.int8, rng=RNG):
    low, high = LIMITS[dtype]
    return rng.integers(low, high + 1, shape).astype(dtype)


def start(shape, dtype=np.int8, opset=13):
    return Net([1, *shape], ELEMS[dtype], opset, name="q")


def exact(value, scale, zero):
    """(value − zero) · scale; a vector of scales or zero points lies along axis `axis` of the value already."""
    return obj((fractions(value) - fractions(zero)) * fractions(np.asarray(scale, np.float32)))


def rounded(values, scale, zero, dtype):
    low, high = LIMITS[dtype]
    unit = Fraction(float(np.float32(scale)))
    flat = [max(low, min(round(v / unit) + int(zero), high)) for v in np.asarray(values, object).reshape(-1)]
    return np.array(flat, np.int64).reshape(np.shape(values))


def agree(net, output, definition, elem, count=6, samples=None, runtime=True):
    """The integers of every frame equal the definition's, and no difference from a runtime is unexplained."""
    shape = net.ports[0][2][1:]
    dtype = next(d for d, e in ELEMS.items() if e == net.ports[0][1])
    x = codes((count, *shape), dtype) if samples is None else samples
    x[0], x[1] = LIMITS[dtype]
    model = net.model(output, elem=elem)
    imported = import_model(model.SerializeToString())
    _, found = outputs(imported, x)
    for frame, row in zip(x, found):
        assert [int(v) if v.denominator == 1 else v for v in row] == np.asarray(definition(frame[None])).reshape(
            -1
        ).tolist()
    if runtime:
        assert compare(imported, x).unexplained == 0
    return imported


def conv2d(x, w, pads=(0, 0, 0, 0), group=1):
    """Convolution of object arrays, stride 1."""
    top, left, bottom, right = pads
    x = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=Fraction(0))
    kh, kw = w.shape[2:]
    rows, columns = x.shape[2] - kh + 1, x.shape[3] - kw + 1
    each, made = w.shape[1], w.shape[0] // group
    y = np.empty((1, w.shape[0], rows, columns), object)
    for o in range(w.shape[0]):
        part = x[:, o // made * each : (o // made + 1) * each]
        for i, j in np.ndindex(rows, columns):
            y[0, o, i, j] = (part[0, :, i : i + kh, j : j + kw] * w[o]).sum()
    return y


@pytest.mark.parametrize(
    ("group", "per_channel", "dtype"),
    [(1, False, np.uint8), (1, True, np.int8), (2, True, np.uint8), (4, True, np.int8)],
)
def test_qlinear_conv(group, per_channel, dtype):
    net = start((4, 5, 4), dtype)
    w, b = codes((4, 4 // group, 3, 3)), RNG.integers(-3000, 3000, 4).astype(np.int32)
    ws = RNG.uniform(0.001, 0.01, 4).astype(np.float32) if per_channel else np.float32(0.004)
    wz = np.zeros(4, np.int8) if per_channel else np.int8(0)
    xs, xz, ys, yz = np.float32(0.0157), dtype(3), np.float32(0.11), dtype(7)
    y = net.node("QLinearConv", net.input, net.const(xs), net.const(xz, dtype), net.const(w, np.int8), net.const(ws),
                 net.const(wz, np.int8), net.const(ys), net.const(yz, dtype), net.const(b, np.int32),
                 group=group, pads=[1, 0, 1, 1])  # fmt: skip

    def definition(x):
        scale = np.asarray(ws).reshape(-1, 1, 1, 1) if per_channel else ws
        sums = conv2d(exact(x, xs, xz), exact(w, scale, 0), (1, 0, 1, 1), group)
        bias = fractions(b) * fractions(xs) * fractions(np.broadcast_to(ws, 4))
        return rounded(sums + bias.reshape(1, -1, 1, 1), ys, yz, dtype)

    agree(net, y, definition, ELEMS[dtype])


def test_qlinear_conv_with_zero_points_by_channel():
    net = start((2, 4, 4), np.uint8)
    w, wz, ws = (
        codes((3, 2, 1, 1), np.uint8),
        np.array([0, 128, 255], np.uint8),
        np.array([0.01, 0.02, 0.005], np.float32),
    )
    y = net.node("QLinearConv", net.input, net.const(0.5), net.const(128, np.uint8), net.const(w, np.uint8), net.const(ws),
                 net.const(wz, np.uint8), net.const(0.75), net.const(1, np.uint8))  # fmt: skip

    def definition(x):
        weights = exact(w, ws.reshape(-1, 1, 1, 1), wz.reshape(-1, 1, 1, 1))
        return rounded(conv2d(exact(x, 0.5, 128), weights), 0.75, 1, np.uint8)

    agree(net, y, definition, TensorProto.UINT8, runtime=False)  # onnxruntime wants one zero point


@pytest.mark.parametrize("channels_last", [0, 1])
def test_qlinear_conv_of_com_microsoft(channels_last):
    net = start((4, 5, 3) if channels_last else (3, 4, 5), np.uint8)
    w = codes((2, 3, 2, 2))
    y = net.node("QLinearConv", net.input, net.const(0.5), net.const(128, np.uint8), net.const(w, np.int8), net.const(0.02),
                 net.const(0, np.int8), net.const(0.75), net.const(1, np.uint8), domain=MICROSOFT, channels_last=channels_last)  # fmt: skip

    def definition(x):
        first = x.transpose(0, 3, 1, 2) if channels_last else x
        y = rounded(conv2d(exact(first, 0.5, 128), exact(w, 0.02, 0)), 0.75, 1, np.uint8)
        return y.transpose(0, 2, 3, 1) if channels_last else y

    agree(net, y, definition, TensorProto.UINT8)


@pytest.mark.parametrize("columns", [False, True])
def test_qlinear_matmul(columns):
    net = start((3, 6), np.uint8)
    w = codes((6, 5), np.uint8)
    ws = RNG.uniform(0.001, 0.01, 5).astype(np.float32) if columns else np.float32(0.004)
    wz = codes(5, np.uint8) if columns else np.uint8(100)
    y = net.node("QLinearMatMul", net.input, net.const(0.02), net.const(9, np.uint8), net.const(w, np.uint8), net.const(ws),
                 net.const(wz, np.uint8), net.const(0.015), net.const(118, np.uint8))  # fmt: skip

    def definition(x):
        return rounded(exact(x, 0.02, 9) @ exact(w, ws, wz), 0.015, 118, np.uint8)

    agree(net, y, definition, TensorProto.UINT8)


@pytest.mark.parametrize(("transposed", "quantized"), [(0, True), (1, True), (1, False)])
def test_qgemm(transposed, quantized):
    net = start((6,), np.uint8)
    w, ws = codes((4, 6) if transposed else (6, 4)), RNG.uniform(0.001, 0.01, 4).astype(np.float32)
    c = RNG.integers(-500, 500, 4).astype(np.int32)
    result = (net.const(0.03), net.const(100, np.uint8)) if quantized else ()
    y = net.node("QGemm", net.input, net.const(0.02), net.const(9, np.uint8), net.const(w, np.int8), net.const(ws),
                 net.const(np.zeros(4), np.int8), net.const(c, np.int32), *result, domain=MICROSOFT, alpha=0.5,
                 transB=transposed)  # fmt: skip

    def definition(x):
        weights = exact(w, ws.reshape(-1, 1) if transposed else ws, 0)
        sums = exact(x, 0.02, 9) @ (weights.T if transposed else weights) * Fraction(1, 2)
        sums = sums + fractions(c) * fractions(np.float32(0.02)) * fractions(ws) * Fraction(1, 2)
        return rounded(sums, 0.03, 100, np.uint8) if quantized else sums

    agree(net, y, definition, TensorProto.UINT8 if quantized else TensorProto.FLOAT)


@pytest.mark.parametrize("op", ["QLinearAdd", "QLinearMul"])
@pytest.mark.parametrize("constant", [False, True])
def test_qlinear_arithmetic(op, constant):
    net = start((3, 2, 2), np.uint8)
    c = codes((1, 3, 1, 1), np.uint8)
    other = net.const(c, np.uint8) if constant else net.input
    y = net.node(op, net.input, net.const(0.02), net.const(9, np.uint8), other, net.const(0.07), net.const(200, np.uint8),
                 net.const(0.05), net.const(128, np.uint8), domain=MICROSOFT)  # fmt: skip

    def definition(x):
        a, b = exact(x, 0.02, 9), exact(c if constant else x, 0.07, 200)
        return rounded(a + b if op == "QLinearAdd" else a * b, 0.05, 128, np.uint8)

    agree(net, y, definition, TensorProto.UINT8)


def test_two_quantized_tensors_added():
    net = start((3, 2, 2))
    a = net.node("QLinearLeakyRelu", net.input, net.const(0.02), net.const(9, np.int8), net.const(0.01), net.const(-5, np.int8),
                 domain=MICROSOFT, alpha=0.25)  # fmt: skip
    y = net.node("QLinearAdd", a, net.const(0.01), net.const(-5, np.int8), net.input, net.const(0.02), net.const(9, np.int8),
                 net.const(0.03), net.const(0, np.int8), domain=MICROSOFT)  # fmt: skip

    def definition(x):
        v = exact(x, 0.02, 9)
        leaky = rounded(np.where(v >= 0, v, v * Fraction(1, 4)), 0.01, -5, np.int8)
        return rounded(exact(leaky, 0.01, -5) + v, 0.03, 0, np.int8)

    agree(net, y, definition, TensorProto.INT8)


@pytest.mark.parametrize(("counted", "channels_last"), [(0, 0), (1, 0), (0, 1)])
def test_qlinear_average_pool(counted, channels_last):
    net = start((5, 4, 2) if channels_last else (2, 5, 4), np.uint8)
    y = net.node("QLinearAveragePool", net.input, net.const(0.02), net.const(9, np.uint8), net.const(0.015), net.const(3, np.uint8),
                 domain=MICROSOFT, kernel_shape=[2, 3], strides=[2, 1], pads=[1, 1, 0, 1], count_include_pad=counted,
                 channels_last=channels_last)  # fmt: skip

    def definition(x):
        v = exact(x.transpose(0, 3, 1, 2) if channels_last else x, 0.02, 9)
        out = np.empty((1, 2, 3, 4), object)
        for c, i, j in np.ndindex(*out.shape[1:]):
            cells = [(r, k) for r in range(2 * i - 1, 2 * i + 1) for k in range(j - 1, j + 2)]
            inside = [v[0, c, r, k] for r, k in cells if 0 <= r < 5 and 0 <= k < 4]
            out[0, c, i, j] = sum(inside) / Fraction(6 if counted else len(inside))
        y = rounded(out, 0.015, 3, np.uint8)
        return y.transpose(0, 2, 3, 1) if channels_last else y

    # onnxruntime counts the padding of this operator as if it were part of the sum, with the zero point left in.
    agree(net, y, definition, TensorProto.UINT8, runtime=False)


@pytest.mark.parametrize("channels_last", [0, 1])
def test_qlinear_global_average_pool(channels_last):
    net = start((4, 5, 3) if channels_last else (3, 4, 5), np.uint8)
    y = net.node("QLinearGlobalAveragePool", net.input, net.const(0.02), net.const(9, np.uint8), net.const(0.004),
                 net.const(30, np.uint8), domain=MICROSOFT, channels_last=channels_last)  # fmt: skip

    def definition(x):
        v = exact(x, 0.02, 9).reshape(20, 3) if channels_last else exact(x, 0.02, 9).reshape(3, 20).T
        return rounded(v.sum(axis=0) / Fraction(20), 0.004, 30, np.uint8)

    agree(net, y, definition, TensorProto.UINT8)


def test_qlinear_reduce_mean():
    net = start((3, 4))
    y = net.node("QLinearReduceMean", net.input, net.const(0.02), net.const(9, np.int8), net.const(0.004), net.const(-3, np.int8),
                 domain=MICROSOFT, axes=[2], keepdims=0)  # fmt: skip
    agree(
        net,
        y,
        lambda x: rounded(exact(x, 0.02, 9).sum(axis=2) / Fraction(4), 0.004, -3, np.int8),
        TensorProto.INT8,
        runtime=False,
    )


def test_qlinear_concat():
    net = start((3, 2, 2), np.uint8)
    x = net.input
    y = net.node("QLinearConcat", net.const(0.03), net.const(5, np.uint8), x, net.const(0.02), net.const(9, np.uint8),
                 x, net.const(0.05), net.const(0, np.uint8), x, net.const(0.03), net.const(5, np.uint8),
                 domain=MICROSOFT, axis=1)  # fmt: skip

    def definition(x):
        parts = [exact(x, 0.02, 9), exact(x, 0.05, 0), exact(x, 0.03, 5)]
        return rounded(np.concatenate(parts, axis=1), 0.03, 5, np.uint8)

    agree(net, y, definition, TensorProto.UINT8)


def test_qlinear_sigmoid():
    net = start((256,))
    y = net.node("QLinearSigmoid", net.input, net.const(0.05), net.const(3, np.int8), net.const(1 / 256), net.const(-128, np.int8),
                 domain=MICROSOFT)  # fmt: skip

    def definition(x):
        real = np.array([float(v) for v in exact(x, 0.05, 3).reshape(-1)])
        return rounded([Fraction(float(v)) for v in 1 / (1 + np.exp(-real))], 1 / 256, -128, np.int8)

    agree(
        net, y, definition, TensorProto.INT8, samples=np.arange(-128, 128).astype(np.int8).reshape(1, 256).repeat(3, 0)
    )


def test_qlinear_softmax_is_the_hosts():
    net = start((5,))
    y = net.node("QLinearSoftmax", net.input, net.const(0.05), net.const(3, np.int8), net.const(1 / 256), net.const(-128, np.int8),
                 domain=MICROSOFT, axis=1, opset=13)  # fmt: skip
    imported = import_model(net.bytes(y, elem=TensorProto.INT8))
    assert [step["kind"] for step in imported.boundary["output"]["post"]] == ["dequantize", "softmax", "quantize"]
    assert imported.boundary["output"]["dtype"] == "int8"
    assert compare(imported, codes((5, 5))).unexplained == 0  # nothing to compare before the host


@pytest.mark.parametrize("columns", [False, True])
def test_matmul_integer(columns):
    net = start((3, 6), np.uint8)
    w = codes((6, 5)) // 2 * 2  # all even, and yet the integers come out as they are
    zero = codes(5) // 2 * 2 if columns else np.int8(4)
    y = net.node("MatMulInteger", net.input, net.const(w, np.int8), net.const(9, np.uint8), net.const(zero, np.int8))
    agree(net, y, lambda x: (x.astype(int) - 9) @ (w.astype(int) - zero), TensorProto.INT32)


def test_matmul_integer_with_a_cast_and_scales_behind_it():
    net = start((40,))
    w, scale = codes((40, 5)), RNG.uniform(0.001, 0.01, 5).astype(np.float32)
    y = net.node("MatMulInteger", net.input, net.const(w, np.int8))
    y = net.node("Mul", net.node("Cast", y, to=TensorProto.FLOAT), net.const(scale))
    y = net.node("QuantizeLinear", net.node("Relu", y), net.const(0.75), net.const(3, np.uint8))

    def definition(x):
        return rounded(np.maximum(exact(x, 1, 0) @ exact(w, scale, 0), 0), 0.75, 3, np.uint8)

    agree(net, y, definition, TensorProto.UINT8)


def test_conv_integer_and_a_bias_in_integers():
    net = start((2, 4, 4), np.uint8)
    w, b = codes((3, 2, 3, 3)), RNG.integers(-999, 999, (1, 3, 1, 1))
    y = net.node("ConvInteger", net.input, net.const(w, np.int8), net.const(7, np.uint8), pads=[1, 1, 1, 1])
    y = net.node("Add", y, net.const(b, np.int32))

    def definition(x):
        return (conv2d(exact(x, 1, 7), exact(w, 1, 0), (1, 1, 1, 1)) + b).astype(int)

    agree(net, y, definition, TensorProto.INT32)


def test_matmul_integer_to_float():
    net = start((6,), np.uint8)
    w, ws, b = codes((6, 4)), RNG.uniform(0.001, 0.01, 4).astype(np.float32), RNG.normal(size=4).astype(np.float32)
    y = net.node("MatMulIntegerToFloat", net.input, net.const(w, np.int8), net.const(0.25), net.const(ws), net.const(9, np.uint8),
                 net.const(np.zeros(4), np.int8), net.const(b), domain=MICROSOFT)  # fmt: skip
    agree(net, y, lambda x: exact(x, 0.25, 9) @ exact(w, ws, 0) + fractions(b), TensorProto.FLOAT)


def test_operators_of_several_dialects_in_one_file():
    net = start((6,))
    x = net.node("QLinearMatMul", net.input, net.const(0.02), net.const(9, np.int8), net.const(codes((6, 6)), np.int8),
                 net.const(0.004), net.const(0, np.int8), net.const(0.015), net.const(8, np.int8))  # fmt: skip
    x = net.node("DequantizeLinear", x, net.const(0.015), net.const(8, np.int8))
    x = net.quant(net.node("Relu", x), 0.125, bits=4.0, signed=0)
    y = net.node("QuantizeLinear", x, net.const(0.125), net.const(0, np.int8), domain=MICROSOFT)
    imported = import_model(net.bytes(y, elem=TensorProto.INT8))
    assert [n.op.mnemonic for n in imported.graph.nodes] == ["dense", "threshold", "threshold"]
    assert compare(imported, codes((20, 6))).unexplained == 0


def narrow_integers(op, *constants):
    net = start((3,), np.uint8, opset=14)
    y = net.node("Cast", net.input, to=TensorProto.INT16)
    for value in constants:
        y = net.node(op, y, net.const(value, np.int16))
    return net.bytes(y, elem=TensorProto.INT16)


def test_arithmetic_on_integers():
    imported = import_model(narrow_integers("Add", 101, -127))
    assert imported.boundary["output"]["decode"] == {"kind": "integer", "offset": -26}
    imported = import_model(narrow_integers("Mul", 64, 2))
    assert imported.graph.types[imported.graph.outputs[0]].max == 255 * 128


@pytest.mark.parametrize(
    ("op", "constants", "found"), [("Mul", (64, 3), "0 to 48960"), ("Sub", (32767, 200), "-32967 to -32712")]
)
def test_integers_that_would_wrap_are_refused(op, constants, found):
    with pytest.raises(CompileError) as refused:
        import_model(narrow_integers(op, *constants))
    assert str(refused.value) == (
        f"E036: the result is from {found}, which overflows int16\n  at {op} node #2 'n5'\n"
        "  hint: compute in float between quantizers, or in int32"
    )


REFUSED = [
    ("DynamicQuantizeLinear", "", "its scale is computed from each frame's own data", "quantize_static"),
    ("DynamicQuantizeMatMul", MICROSOFT, "its scale is computed from each frame's own data", "quantize_static"),
    ("MatMulNBits", MICROSOFT, "only its weights are integers, its activations are floats", "in training or after it"),
    ("FloatQuant", "qonnx.custom_op.general", "it rounds to floats of few bits", "in training or after it"),
    ("LSTM", "", "it has a state, and a frame has none", "unroll"),
]


@pytest.mark.parametrize(("op", "domain", "reason", "hint"), REFUSED)
def test_operators_that_are_refused_on_purpose(op, domain, reason, hint):
    net = Net([1, 4])
    with pytest.raises(CompileError) as refused:
        import_model(net.bytes(net.node(op, net.input, domain=domain)))
    assert refused.value.code == "E020" and refused.value.exit_status == 2
    assert f"{op} ({reason}" in refused.value.message and hint in refused.value.hint
    assert str(refused.value.origin) == f"{op} node #0 'n1'"
