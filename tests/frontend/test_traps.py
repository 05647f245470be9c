"""What real files hold that a reader trips over: each is read for what it means."""

import ml_dtypes
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from bitwright.frontend.compare import compare
from bitwright.frontend.reader import import_model
from tests.frontend.onnx_build import QONNX, Net
from tests.frontend.onnx_check import check, grid, outputs

RNG = np.random.default_rng(23)
DOMAINS = ("onnx.brevitas", "finn.custom_op.general", "qonnx.custom_op.general", "")


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("imported", [False, True])
@pytest.mark.parametrize("op", ["Quant", "IntQuant"])
def test_quant_in_every_domain(domain, imported, op):
    """With or without an opset_import of that domain."""
    net = Net([1, 3])
    operands = (net.input, net.const(0.25), net.const(0.0), net.const(4.0))
    x = net.node(op, *operands, domain=domain, signed=1, narrow=0, rounding_mode="ROUND")
    model = net.model(net.node("MatMul", x, net.const(np.eye(3))))
    if not imported:
        kept = [o for o in model.opset_import if not o.domain]
        del model.opset_import[:]
        model.opset_import.extend(kept)
    if op == "Quant":
        check(model, grid(RNG, (3,)))
    assert str(import_model(model.SerializeToString()).graph.inputs["x0"]) == "3xs4"


def test_wide_types_of_quantizer_parameters():
    """Scales in float64, zero points in int64, bit widths in int32."""
    net = Net([1, 3])
    operands = (net.input, net.const(0.1, np.float64), net.const(2, np.int64), net.const(4, np.int32))
    x = net.node("Quant", *operands, domain=QONNX, signed=0, narrow=0, rounding_mode="ROUND")
    check(net.model(net.node("MatMul", x, net.const(np.eye(3)))), grid(RNG, (3,)))


def test_scales_in_constant_nodes():
    net = Net([1, 3])

    def constant(value):
        return net.node("Constant", value=numpy_helper.from_array(np.float32(value)))

    operands = (net.input, constant(0.25), constant(0.0), constant(4.0))
    x = net.node("Quant", *operands, domain=QONNX, signed=1, narrow=0, rounding_mode="ROUND")
    check(net.model(net.node("MatMul", x, net.const(np.eye(3)))), grid(RNG, (3,)))


def test_gemm_without_c_and_operators_without_pads():
    net = Net([1, 2, 6, 6])
    x = net.quant(net.input, 0.25)
    x = net.node("Conv", x, net.const(RNG.integers(-3, 4, (3, 2, 3, 3))))
    x = net.node("MaxPool", x, kernel_shape=[2, 2])
    x = net.quant(net.node("Flatten", x), 0.5, bits=6.0)
    check(net.model(net.node("Gemm", x, net.const(RNG.integers(-3, 4, (27, 2))))), grid(RNG, (2, 6, 6), 2))


def test_a_weight_behind_a_transposition_of_its_quantizer():
    net = Net([1, 4])
    x = net.quant(net.input, 0.25)
    w = net.quant(net.const(RNG.normal(size=(3, 4))), [[0.25], [0.5], [0.125]], bits=3.0)
    check(net.model(net.node("MatMul", x, net.node("Transpose", w, perm=[1, 0]))), grid(RNG, (4,)))


def test_a_clip_between_q_and_dq():
    """Exporters write narrow integers of 3 bits as a Clip of int8."""
    net = Net([1, 4])
    x = net.node("QuantizeLinear", net.input, net.const(0.25), net.const(0, np.int8))
    x = net.node("Clip", x, net.const(-4, np.int8), net.const(3, np.int8))
    x = net.node("DequantizeLinear", x, net.const(0.25), net.const(0, np.int8))
    imported = check(net.model(net.node("MatMul", x, net.const(np.eye(4)))), grid(RNG, (4,)))
    assert str(imported.graph.types[imported.graph.outputs[0]]) == "4xs3"


def test_a_clip_between_q_and_dq_of_a_weight():
    net = Net([1, 3])
    x = net.quant(net.input, 0.25)
    w = net.node("Clip", net.const([[9, -9, 2], [1, -3, 4]], np.int8), net.const(-4, np.int8), net.const(3, np.int8))
    w = net.node("DequantizeLinear", w, net.const(0.5))
    imported = check(net.model(net.node("MatMul", x, net.node("Transpose", w))), grid(RNG, (3,)))
    assert imported.graph.nodes[-1].op.weight.tolist() == [[3, -4, 2], [1, -3, 3]]


def test_squeezes_around_batch_normalization():
    net = Net([1, 4])
    x = net.quant(net.input, 0.25)
    x = net.node("Unsqueeze", x, net.const([2], np.int64))
    parameters = [
        net.const(v) for v in (RNG.normal(size=4), RNG.normal(size=4), RNG.normal(size=4), RNG.uniform(0.5, 2, 4))
    ]
    x = net.node("Squeeze", net.node("BatchNormalization", x, *parameters), net.const([2], np.int64))
    check(net.model(net.quant(x, 0.5)), grid(RNG, (4,)))


def test_divisions_and_powers_by_constants():
    net = Net([1, 3])
    x = net.node("Div", net.quant(net.input, 0.25), net.const([0.3, -0.7, 5.0]))
    unit = net.node("Pow", net.const(2.0), net.const(-3.0))
    x = net.node("Pow", net.node("Mul", x, unit), net.const(1.0))
    model = net.model(net.quant(x, 0.03125, bits=5.0))
    imported = import_model(model.SerializeToString())
    assert compare(imported, grid(RNG, (3,), 40)).unexplained == 0


def test_a_graph_output_that_is_in_value_info_too():
    net = Net([1, 3])
    y = net.node("MatMul", net.quant(net.input, 0.25), net.const(np.eye(3)))
    model = net.model(y)
    model.graph.value_info.append(model.graph.output[0])
    model.graph.value_info.append(helper.make_tensor_value_info("t4_0", TensorProto.FLOAT, [1, 3]))
    check(model, grid(RNG, (3,)))


@pytest.mark.parametrize("quantized", [False, True])
def test_identities_at_both_ends(quantized):
    net = Net([1, 3])
    x = net.node("Identity", net.quant(net.node("Identity", net.input), 0.25))
    y = net.node("MatMul", x, net.const(np.eye(3)))
    y = net.quant(y, 0.5) if quantized else y
    model = net.model(net.node("Identity", net.node("Dropout", y)))
    check(model, grid(RNG, (3,)))
    assert compare(import_model(model.SerializeToString()), grid(RNG, (3,))).unexplained == 0


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_constants_of_other_float_types(dtype):
    elem = TensorProto.FLOAT16 if dtype == np.float16 else TensorProto.DOUBLE
    net = Net([1, 3], elem if dtype == np.float16 else TensorProto.FLOAT, opset=21)
    if dtype == np.float16:
        x = net.node("QuantizeLinear", net.input, net.const(0.1, dtype), net.const(0, np.int8))
        x = net.node("DequantizeLinear", x, net.const(0.1, dtype), net.const(0, np.int8))
    else:
        x = net.node("Cast", net.quant(net.input, 0.1), to=elem)
    x = net.node("MatMul", x, net.const(np.eye(3) * 3, dtype))
    model = net.model(
        net.node("Add", x, net.node("Mul", net.const([1, 2, 3], dtype), net.const(0.3, dtype))), elem=elem
    )
    imported = import_model(model.SerializeToString())
    assert imported.boundary["output"]["dtype"] == np.dtype(dtype).name
    check(model, grid(RNG, (3,)))


def test_bfloat16_constants_are_folded_as_such():
    """0.1 · 3 in bfloat16 is not 0.1 · 3 in float32."""
    net = Net([1, 3], opset=13)
    x = net.quant(net.input, 0.25)
    term = net.node(
        "Mul", net.const([0.1, 1.7, 2.3], elem=TensorProto.BFLOAT16), net.const(3.0, elem=TensorProto.BFLOAT16)
    )
    x = net.node("Add", x, net.node("Cast", term, to=TensorProto.FLOAT))
    model = net.model(x)
    check(model, grid(RNG, (3,)))
    imported = import_model(model.SerializeToString())
    term = np.array([0.1, 1.7, 2.3], ml_dtypes.bfloat16) * ml_dtypes.bfloat16(3)
    _, found = outputs(imported, np.zeros((1, 3), np.float32))
    assert [float(v) for v in found[0]] == term.astype(np.float64).tolist()


@pytest.mark.parametrize("shape", [(), (3,)])
def test_negative_scales(shape):
    """A negative scale turns the order of the codes round, on the host and in the network."""
    scale = np.float32(-0.25) if shape == () else np.array([-0.25, 0.5, -0.75], np.float32)
    net = Net([1, 3])
    x = net.quant(net.input, scale, zero=1.0)
    x = net.quant(net.node("MatMul", x, net.const(RNG.integers(-3, 4, (3, 3)))), -0.6, zero=-1.0, rounding_mode="CEIL")
    check(net.model(x), grid(RNG, (3,), 40))
    net = Net([1, 3], opset=13)
    x = net.node("QuantizeLinear", net.input, net.const(scale), net.const(np.full(shape, 3), np.int8), axis=1)
    x = net.node("DequantizeLinear", x, net.const(scale), net.const(np.full(shape, 3), np.int8), axis=1)
    w = net.qdq_weight(RNG.integers(-9, 9, (3, 3)), [-0.1, 0.2, -0.3], axis=1)
    x = net.node("QuantizeLinear", net.node("Relu", net.node("MatMul", x, w)), net.const(-0.03), net.const(-5, np.int8))
    model = net.model(x, elem=TensorProto.INT8)
    check(model, grid(RNG, (3,), 40))
    assert compare(import_model(model.SerializeToString()), grid(RNG, (3,), 40)).unexplained == 0


def test_a_negative_scale_before_a_maximum_and_a_function():
    net = Net([1, 2, 4, 4])
    x = net.node("MaxPool", net.quant(net.input, -0.25, zero=2.0), kernel_shape=[2, 2])
    x = net.quant(net.node("LeakyRelu", x, alpha=0.25), -0.5, bits=3.0)
    check(net.model(x), grid(RNG, (2, 4, 4), 4))


def test_denormal_scales_and_constants():
    tiny = np.float32(2.0**-140)
    net = Net([1, 3])
    x = net.quant(net.input, tiny, bits=5.0)
    x = net.node("Add", x, net.const(np.array([1, -2, 3]) * tiny))
    model = net.model(net.quant(x, np.float32(3 * tiny), bits=3.0))
    check(model, RNG.integers(-20, 20, (8, 3)).astype(np.float32) * tiny)


def test_a_bias_of_another_scale():
    net = Net([1, 4], TensorProto.INT8, name="q")
    x = net.node("DequantizeLinear", net.input, net.const(0.02), net.const(3, np.int8))
    w = net.qdq_weight(RNG.integers(-127, 128, (3, 4)), 0.013)
    b = net.node("DequantizeLinear", net.const([1000, -2000, 77], np.int32), net.const(0.00031))
    x = net.node("Gemm", x, w, b, transB=1)
    x = net.node("QuantizeLinear", x, net.const(0.11), net.const(-4, np.int8))
    model = net.model(x, elem=TensorProto.INT8)
    samples = RNG.integers(-128, 128, (40, 4)).astype(np.int8)
    check(model, samples)
    assert compare(import_model(model.SerializeToString()), samples).unexplained == 0


@pytest.mark.parametrize("zeros", [False, True])
def test_weights_outside_the_range_of_their_quantizer(zeros):
    """They saturate; by channel, with a zero point of each channel's own."""
    net = Net([1, 3])
    x = net.quant(net.input, 0.25)
    w, scale = net.const(RNG.normal(0, 9, (3, 4))), net.const([0.1, 0.2, 0.05, 0.5])
    zero = net.const([3, -100, 0, 127] if zeros else [0] * 4, np.int8)
    w = net.node("DequantizeLinear", net.node("QuantizeLinear", w, scale, zero, axis=1), scale, zero, axis=1)
    model = net.model(net.node("MatMul", x, w))
    check(model, grid(RNG, (3,)))
    assert compare(import_model(model.SerializeToString()), grid(RNG, (3,))).unexplained == 0


@pytest.mark.parametrize(
    ("axis", "elem"), [(0, TensorProto.INT4), (1, TensorProto.UINT4), (0, TensorProto.INT2), (1, TensorProto.UINT2)]
)
def test_blocks_of_weights(axis, elem):
    """One scale a block of 4 along either axis of narrow weights; exact where the scales of a row have a common unit."""
    low, high = {
        TensorProto.INT4: (-8, 8),
        TensorProto.UINT4: (0, 16),
        TensorProto.INT2: (-2, 2),
        TensorProto.UINT2: (0, 4),
    }[elem]
    net = Net([1, 8], opset=25)
    shape = (2, 6) if axis == 0 else (8, 2)
    scale = net.const(2.0 ** RNG.integers(-4, 0, shape))
    zero = net.const(RNG.integers(low, high, shape), elem=elem)
    codes = net.const(RNG.integers(low, high, (8, 6)), elem=elem)
    w = net.node("DequantizeLinear", codes, scale, zero, axis=axis, block_size=4)
    check(net.model(net.node("MatMul", net.quant(net.input, 0.25), w)), grid(RNG, (8,)))


def test_blocks_of_activations():
    net = Net([1, 8], opset=21)
    scale, zero = net.const([[0.25, 0.75]]), net.const([[1, -2]], np.int8)
    x = net.node("QuantizeLinear", net.input, scale, zero, axis=1, block_size=4)
    x = net.node("DequantizeLinear", x, scale, zero, axis=1, block_size=4)
    check(net.model(net.node("Mul", x, net.const(2.0))), grid(RNG, (8,)))


@pytest.mark.parametrize("elem", [TensorProto.INT4, TensorProto.UINT4, TensorProto.INT16, TensorProto.UINT16])
@pytest.mark.parametrize("domain", ["", "com.microsoft"])
def test_widths_of_q_and_dq(elem, domain):
    net = Net([1, 3], opset=21)
    scale, zero = net.const(0.25), net.const(3, elem=elem)
    x = net.node("QuantizeLinear", net.input, scale, zero, domain=domain)
    x = net.node("DequantizeLinear", x, scale, zero, domain=domain)
    model = net.model(net.node("MatMul", x, net.qdq_weight(np.eye(3) * 5, 0.5)))
    check(model, grid(RNG, (3,)))
    assert compare(import_model(model.SerializeToString()), grid(RNG, (3,))).unexplained == 0


@pytest.mark.parametrize("opset", range(7, 28))
def test_every_opset(opset):
    """What each version of the standard has of a small network, its attributes and operands where that version has them."""
    net = Net([1, 2, 4, 4], TensorProto.FLOAT, opset)
    x = net.quant(net.input, 0.25)
    x = net.node("Conv", x, net.const(RNG.integers(-3, 4, (3, 2, 3, 3))), net.const([1.0, 0.5, -2.0]))
    clip = (net.const(-6.0), net.const(6.0)) if opset >= 11 else ()
    x = net.quant(net.node("Clip", x, *clip, **({} if clip else {"min": -6.0, "max": 6.0})), 0.5, bits=5.0)
    axes = (net.const([2, 3], np.int64),) if opset >= 18 else ()
    x = net.node("ReduceMean", x, *axes, keepdims=1, **({} if axes else {"axes": [2, 3]}))
    squeezed = (net.const([2, 3], np.int64),) if opset >= 13 else ()
    x = net.node("Squeeze", x, *squeezed, **({} if squeezed else {"axes": [2, 3]}))
    if opset >= 10:
        x = net.node("QuantizeLinear", x, net.const(0.125), net.const(0, np.int8))
        x = net.node("DequantizeLinear", x, net.const(0.125), net.const(0, np.int8))
    x = net.node("Dropout", x)
    check(
        net.model(net.node("Gemm", x, net.const(RNG.integers(-3, 4, (3, 2))), net.const([0.5, 1.0]))),
        grid(RNG, (2, 4, 4), 3),
    )


def test_a_cast_to_integers_of_four_bits_wraps():
    net = Net([1, 4], opset=21)
    w = net.node("Cast", net.const([[-9.5], [7.0], [8.0], [-17.0]]), to=TensorProto.INT4)
    w = net.node("DequantizeLinear", w, net.const(0.5), net.const([0], elem=TensorProto.INT4))
    imported = import_model(net.bytes(net.node("MatMul", net.quant(net.input, 1.0), w)))
    (op,) = [n.op for n in imported.graph.nodes if n.op.mnemonic == "dense"]
    assert op.weight.tolist() == [[7, 7, -8, -1]]
