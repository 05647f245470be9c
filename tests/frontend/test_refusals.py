"""What is refused, and the whole text that a user reads."""

import re

import numpy as np
import pytest
from onnx import TensorProto, helper

from bitwright.errors import CompileError
from bitwright.frontend.checking import check_model
from bitwright.frontend.reader import import_model
from tests.frontend.onnx_build import Net

FLOAT_WEIGHTS = np.random.default_rng(0).normal(size=(4, 3))


def quantised(shape=(1, 4), **attributes):
    net = Net(list(shape))
    return net, net.quant(net.input, 0.25, **attributes)


def unknown():
    net = Net([1, 3, 8, 8])
    x = net.node("LRN", net.input, size=3)
    for op in ("Det", "LRN"):
        x = net.node(op, x) if op == "Det" else net.node(op, x, size=3)
    return net.bytes(x)


def untyped():
    net = Net([1, 4])
    return net.bytes(net.node("MatMul", net.input, net.const(np.eye(4))))


def untyped_output():
    net = Net([1, 4])
    return net.bytes(net.node("Add", net.input, net.const(1.0)))


def two_quantizers():
    net = Net([1, 4])
    a, b = net.quant(net.input, 0.5), net.quant(net.input, 0.25)
    return net.bytes(net.node("Concat", a, b, axis=1))


def float_weights():
    net, x = quantised()
    return net.bytes(net.node("MatMul", x, net.const(FLOAT_WEIGHTS)))


def scale_zero():
    net, x = quantised()
    return net.bytes(net.quant(x, [0.5, 0.0, 1.0, 1.0]))


def scale_nan():
    net, x = quantised()
    return net.bytes(net.quant(x, np.nan))


def scale_not_constant():
    net, x = quantised()
    return net.bytes(net.node("Quant", x, x, net.const(0.0), net.const(4.0), domain="onnx.brevitas"))


def bits(value):
    net, x = quantised()
    return net.bytes(net.quant(x, 0.5, bits=value))


def rounding():
    net, x = quantised()
    return net.bytes(net.quant(x, 0.5, rounding_mode="NEAREST"))


def matrices():
    net, x = quantised((1, 4, 4))
    return net.bytes(net.node("MatMul", x, net.node("MatMul", x, net.const(np.eye(4)))))


def moved():
    net, x = quantised((1, 1, 3))
    return net.bytes(net.node("Transpose", x, perm=[2, 0, 1]))


def softmax_inside():
    net, x = quantised()
    return net.bytes(net.node("MatMul", net.node("Softmax", x), net.const(np.eye(4))))


def batch():
    return Net([8, 4]).bytes("x")


def symbolic():
    return Net(["N", "T", 4]).bytes("x")


def enlarging():
    net, x = quantised((1, 1))
    return net.bytes(net.node("Add", x, net.const([1.0, 2.0, 3.0])))


def mismatched():
    net, x = quantised()
    return net.bytes(net.node("MatMul", x, net.const(np.eye(3))))


def steps():
    net = Net([1, 1], TensorProto.INT32, name="q")
    x = net.node("DequantizeLinear", net.input, net.const(1.0))
    return net.bytes(net.quant(x, 3.0, bits=24.0))


def unquantised_limit():
    net, x = quantised()
    x = net.node("Relu", net.node("Add", x, net.const(1e-9)))
    return net.bytes(net.node("MatMul", x, net.const(np.eye(4))))


def constant_output():
    net = Net([1, 2])
    return net.bytes(net.node("Add", net.const(1.0), net.const(2.0)))


def reshaped_batch():
    net, x = quantised((1, 2, 3))
    return net.bytes(net.node("Reshape", x, net.const([2, 3], np.int64)))


def two_inputs():
    net = Net([1, 2])
    net.ports.append(("y", TensorProto.FLOAT, [1, 2]))
    return net.bytes(net.quant(net.input, 1.0))


def blocks():
    net = Net([1, 4], TensorProto.INT8, name="q", opset=21)
    return net.bytes(net.node("DequantizeLinear", net.input, net.const([[1.0, 2.0]]), axis=1, block_size=4))


def string_input():
    return Net([1, 4], TensorProto.STRING).bytes("x")


def wide():
    net = Net([1, 40], TensorProto.INT32, name="q")
    x = net.node("DequantizeLinear", net.input, net.const(1.0))
    w = net.node("DequantizeLinear", net.const([[2**30], [2**30 - 1]] * 20, np.int32), net.const(1.0))
    return net.bytes(net.node("MatMul", x, w))


CASES = [
    (unknown, None, """E020: the model uses 2 operators that are not supported: LRN (2 times), Det
  at LRN node #0 'n1'
  hint: `bitwright ops` lists what is supported"""),
    (untyped, None, """E030: input 'x' is float32 and is used before it is quantized
  at MatMul node #0 'n2'
  hint: say what its integers are, as in --input-type int8, or give samples of it: --calibration X.npy"""),
    (untyped_output, None, """E030: input 'x' is float32 and is used before it is quantized
  hint: say what its integers are, as in --input-type int8, or give samples of it: --calibration X.npy"""),
    (two_quantizers, None, """E032: input 'x' is quantized in two different ways
  at Quant node #1 'n8'
  hint: say what its integers are, as in --input-type int8, so that both become hardware"""),
    (float_weights, None, """E029: the weights are not quantized: as they are, they need integers wider than 24 bits
  at MatMul node #1 'n6'
  hint: give sample inputs to quantize them now (--calibration X.npy), or train and export with quantized weights"""),
    (scale_zero, None, """E026: the scale must not be 0, but one is
  at Quant node #1 'n8'"""),
    (scale_nan, None, "E009: tensor 'c5' holds NaN or infinity"),
    (scale_not_constant, None, """E025: the scale (input 1) depends on the graph's input; it must be a constant
  at Quant node #1 'n7'"""),
    (lambda: bits(0.0), None, """E027: a bit width of 0 is not sensible; it must be from 1 to 32
  at Quant node #1 'n8'"""),
    (lambda: bits(-3.0), None, """E027: a bit width of -3 is not sensible; it must be from 1 to 32
  at Quant node #1 'n8'"""),
    (lambda: bits([2.0, 3.0]), None, """E027: the bit width must be one number, not shape [2]
  at Quant node #1 'n8'"""),
    (rounding, None, """E028: 'NEAREST' is no rounding mode
  at Quant node #1 'n8'
  hint: there are ROUND, HALF_EVEN, CEIL, FLOOR, UP, DOWN, HALF_UP, HALF_DOWN"""),
    (matrices, None, """E022: MatMul of two tensors that both depend on the input is not supported
  at MatMul node #2 'n7'"""),
    (moved, None, """E015: Transpose gives shape [3, 1, 1], which moves the batch axis (axis 0, size 1)
  at Transpose node #1 'n5'
  hint: keep one frame a batch entry"""),
    (softmax_inside, None, """E024: Softmax, ArgMax and TopK are computed by the host, so nothing may follow them
  at MatMul node #2 'n7'
  hint: end the model at their operand, or at their result"""),
    (batch, None, """E015: input 'x' has a batch of 8 (axis 0 of [8, 4]); it must be 1 or symbolic
  hint: export the model with a batch of 1, or with a dynamic batch axis"""),
    (symbolic, None, """E010: axis 1 of input 'x' is symbolic; only the batch axis may vary
  hint: say its shape, as in --shape x=1,32,4"""),
    (enlarging, None, """E011: a constant of shape [3] would enlarge the tensor of shape [1, 1]
  at Add node #1 'n6'"""),
    (mismatched, None, """E011: a matrix of 3 rows cannot be applied to a tensor of shape [1, 4]
  at MatMul node #1 'n6'"""),
    (steps, None, """E034: a quantizer with 16,777,215 steps is not a shift; the limit is 65,536
  at Quant node #1 'n6'
  hint: quantize to fewer bits, or by a power of two with FLOOR"""),
    (unquantised_limit, None, """E035: the operand is limited (ReLU or Clip) but not quantized, and no common unit of \
moderate width represents it
  at MatMul node #3 'n9'
  hint: quantize the activation before this node"""),
    (constant_output, None, "E037: output 't3_0' does not depend on the input"),
    (reshaped_batch, None, """E015: Reshape gives shape [2, 3], which moves the batch axis (axis 0, size 1)
  at Reshape node #1 'n6'
  hint: keep one frame a batch entry"""),
    (two_inputs, None, "E014: the model has 2 inputs ('x', 'y'); exactly one is supported"),
    (blocks, None, """E011: a scale of shape [1, 2] does not fit blocks of 4 along axis 1 of shape [1, 4]
  at DequantizeLinear node #0 'n2'"""),
    (string_input, None, "E016: input 'x' has the element type STRING, which is not supported"),
    (wide, None, """E036: this matrix product needs accumulators wider than 62 bits
  at MatMul node #2 'n6'
  hint: quantize the operand to fewer bits"""),
    (untyped, "int33", """E031: 'int33' is not an input type
  hint: use int<N> or uint<N> (as in int8), fixed<W,I> or ufixed<W,I>, or bipolar; widths 1 to 32"""),
    (steps, "int8", """E033: input 'q' is int32, which --input-type int8 contradicts
  hint: leave --input-type out"""),
]  # fmt: skip


@pytest.mark.parametrize(("build", "input_type", "text"), CASES)
def test_refusal(build, input_type, text):
    with pytest.raises(CompileError) as refused:
        import_model(build(), input_type=input_type)
    assert str(refused.value) == text
    assert refused.value.exit_status == 2


def test_at_most_ten_operators_are_listed():
    net = Net([1, 4])
    x = net.input
    for i in range(12):
        x = net.node(f"Op{i:02}", x, domain="my.domain")
    with pytest.raises(CompileError) as refused:
        import_model(net.bytes(x))
    listed = ", ".join(f"my.domain.Op{i:02}" for i in range(10))
    assert refused.value.message == f"the model uses 12 operators that are not supported: {listed}, and 2 more"


def test_what_numpy_would_raise_names_the_node():
    net, x = quantised()
    net.nodes.append(helper.make_node("Gather", [net.const([1.0, 2.0]), net.const(7, np.int64)], ["g"], "bad"))
    with pytest.raises(CompileError, match="E013: this node's operands and attributes do not fit together") as refused:
        import_model(net.bytes(net.node("Add", x, "g")))
    assert str(refused.value.origin) == "Gather node #1 'bad'"


@pytest.mark.parametrize("name", ["evil\nname", "a" * 500, "\x1b[31m", "'; DROP"])
def test_names_are_shown_on_one_short_line(name):
    with pytest.raises(CompileError) as refused:
        import_model(Net([8, 4], name=name).bytes(name))
    first = str(refused.value).splitlines()[0]
    assert first.isprintable() and len(first) < 300


def test_wide_integer_inputs_need_a_type():
    net = Net([1, 2], TensorProto.INT64, name="q")
    model = net.bytes(net.quant(net.node("Cast", net.input, to=TensorProto.FLOAT), 1.0))
    with pytest.raises(CompileError) as refused:
        import_model(model)
    assert str(refused.value) == (
        "E030: input 'q' is int64, too wide to be taken as it is\n"
        "  hint: say which of its values occur, as in --input-type uint8"
    )
    assert str(import_model(model, input_type="uint8").graph.inputs["x0"]) == "2xu8"


def test_every_error_code_is_listed():
    from pathlib import Path

    from bitwright.frontend import reader

    assert reader.__doc__ is not None
    used = {m for p in Path(reader.__file__).parent.rglob("*.py") for m in re.findall(r'"(E\d{3})"', p.read_text())}
    assert used <= set(re.findall(r"E\d{3}", reader.__doc__))


def image(shape=(1, 2, 4, 4), opset=13, **attributes):
    net = Net(list(shape), opset=opset)
    return net, net.quant(net.input, 0.25, **attributes)


def pool_3d():
    net, x = image((1, 2, 3, 3, 3))
    return net.bytes(net.node("MaxPool", x, kernel_shape=[2, 2, 2]))


def conv_3d():
    net, x = image((1, 2, 3, 3, 3))
    return net.bytes(net.node("Conv", x, net.const(np.ones((1, 2, 1, 1, 1)))))


def conv_group():
    net, x = image()
    return net.bytes(net.node("Conv", x, net.const(np.ones((3, 1, 1, 1))), group=2))


def conv_kernel():
    net, x = image()
    return net.bytes(net.node("Conv", x, net.const(np.ones((1, 2, 3, 3))), kernel_shape=[2, 2]))


def conv_too_large():
    net, x = image()
    return net.bytes(net.node("Conv", x, net.const(np.ones((1, 2, 3, 3))), dilations=[2, 1]))


def conv_pads(**attributes):
    net, x = image()
    return net.bytes(net.node("Conv", x, net.const(np.ones((1, 2, 3, 3))), **attributes))


def conv_float():
    net, x = image()
    return net.bytes(net.node("Conv", x, net.const(np.random.default_rng(0).normal(size=(1, 2, 3, 3)))))


def pool_of_padding():
    net, x = image()
    return net.bytes(net.node("MaxPool", x, kernel_shape=[2, 2], pads=[2, 0, 0, 0]))


def padded_mode():
    net, x = image()
    return net.bytes(net.node("Pad", x, net.const([0, 0, 1, 1, 0, 0, 1, 1], np.int64), mode="mirror"))


def of_no_function():
    net, x = image()
    y = net.node("LeakyRelu", x, alpha=0.5)
    net.nodes[-1].attribute[0].ref_attr_name = "a" * 5000
    return net.bytes(net.quant(y, 0.5))


def bicubic():
    net, x = image()
    return net.bytes(net.node("Resize", x, "", net.const([1.0, 1, 0.7, 2]), mode="cubic"))


def corners():
    net, x = image()
    how = {"mode": "linear", "coordinate_transformation_mode": "align_corners"}
    return net.bytes(net.node("Resize", x, "", net.const([1.0, 1, 1.6, 2]), **how))


def unrelated():
    net, x = image()
    a = net.quant(x, 2.0**-60, bits=4.0)
    b = net.quant(net.node("Mul", x, net.const(3.0)), 1.1, bits=4.0)
    return net.bytes(net.node("Add", a, b))


def joined():
    net, x = image()
    y = net.node("Slice", x, *(net.const([v], np.int64) for v in (0, 2, 3)))
    return net.bytes(net.node("Concat", x, y, axis=1))


def division():
    net, x = image()
    return net.bytes(net.node("Div", x, net.node("Conv", x, net.const(np.ones((2, 2, 1, 1))))))


def limits_by_channel():
    net, x = image()
    x = net.node("Min", x, net.const([[[0.5]], [[1.0]]]))
    return net.bytes(net.node("Conv", x, net.const(np.ones((1, 2, 1, 1)))))


IMAGES = [
    (conv_3d, """E021: Conv over 3 spatial dimensions is not supported; one and two are
  at Conv node #1 'n6'
  hint: if one of them has the size 1, reshape it away; else convolve its slices one by one"""),
    (pool_3d, """E021: MaxPool over 3 spatial dimensions is not supported; one and two are
  at MaxPool node #1 'n5'
  hint: if one of them has the size 1, reshape it away; else convolve its slices one by one"""),
    (conv_group, """E011: weights of shape [3, 1, 1, 1] in 2 groups do not suit 2 channels
  at Conv node #1 'n6'"""),
    (conv_kernel, """E011: kernel_shape [2, 2] contradicts the weights, whose kernel is [3, 3]
  at Conv node #1 'n6'"""),
    (conv_too_large, """E011: a kernel of [3, 3] with dilation [2, 1] does not fit into [4, 4]
  at Conv node #1 'n6'"""),
    (lambda: conv_pads(pads=[1, 1]), """E013: attribute 'pads' must be 4 numbers from 0 to 65,536, not [1, 1]
  at Conv node #1 'n6'"""),
    (lambda: conv_pads(pads=[1, 1, -1, 0]), """E013: attribute 'pads' must be 4 numbers from 0 to 65,536, not [1, 1, -1, 0]
  at Conv node #1 'n6'"""),
    (lambda: conv_pads(pads=[1, 1, 1, 1], auto_pad="SAME_UPPER"), """E013: auto_pad SAME_UPPER and explicit pads exclude each other
  at Conv node #1 'n6'"""),
    (lambda: conv_pads(auto_pad="SAME"), """E013: auto_pad 'SAME' is unknown
  at Conv node #1 'n6'"""),
    (lambda: conv_pads(strides=[0, 1]), """E013: attribute 'strides' must be 2 numbers from 1 to 65,536, not [0, 1]
  at Conv node #1 'n6'"""),
    (conv_float, """E029: the weights are not quantized: as they are, they need integers wider than 24 bits
  at Conv node #1 'n6'
  hint: give sample inputs to quantize them now (--calibration X.npy), or train and export with quantized weights"""),
    (pool_of_padding, """E021: some windows of this MaxPool hold nothing but padding, which has no value
  at MaxPool node #1 'n5'
  hint: pads must be smaller than the kernel"""),
    (padded_mode, """E013: 'mirror' is no mode of Pad
  at Pad node #1 'n6'"""),
    (of_no_function, """E013: attribute 'alpha' stands for one of a function, but the node is in none
  at LeakyRelu node #1 'n5'"""),
    (bicubic, """E029: the interpolation weights along axis 2 need integers wider than 24 bits
  at Resize node #1 'n6'
  hint: resize by a ratio of small whole numbers; give it as sizes, where a scale is no exact one"""),
    (corners, """E021: Resize with aligned corners and a scale of 1.6 means several things: 4 elements become no whole number
  at Resize node #1 'n6'
  hint: give sizes instead of scales"""),
    (unrelated, """E038: the two scales have no common unit: their ratio is 7.88511e-19
  at Add node #4 'n15'
  hint: quantize both operands by related scales"""),
    (joined, """E011: shapes [1, 2, 4, 4], [1, 2, 4, 2] cannot be joined along axis 1
  at Concat node #2 'n9'"""),
    (division, """E022: Div of two tensors that both depend on the input is not supported
  at Div node #2 'n7'"""),
    (limits_by_channel, """E035: the operand is limited (ReLU or Clip) but not quantized, and its limits differ by channel
  at Conv node #2 'n8'
  hint: quantize the activation before this node"""),
]  # fmt: skip


@pytest.mark.parametrize(("build", "text"), IMAGES)
def test_refusal_of_an_operator_on_images(build, text):
    with pytest.raises(CompileError) as refused:
        import_model(build())
    assert str(refused.value) == text


def test_check_tells_every_fault_at_once():
    """One error a node that is at fault itself; what stands behind it is passed over, and what is right is not named."""
    net, x = quantised()
    a = net.node("LRN", x, size=3)
    b = net.node("MatMul", x, net.const(FLOAT_WEIGHTS))
    c = net.node("MatMul", x, net.const(np.eye(3)))
    d = net.node("Mul", net.node("Relu", x), net.const(np.eye(4)))
    e = net.node("DynamicQuantizeLinear", a)
    y = net.node("Concat", net.node("Add", a, b), c, d, e, axis=1)
    imported, faults = check_model(net.bytes(y))
    assert imported is None
    assert [(f.code, str(f.origin)) for f in faults] == [
        ("E020", "LRN node #1 'n5'"), ("E029", "MatMul node #2 'n7'"), ("E011", "MatMul node #3 'n9'"),
        ("E011", "Mul node #5 'n12'"), ("E020", "DynamicQuantizeLinear node #6 'n13'"),
    ]  # fmt: skip
    assert faults[-1].message == (
        "operator 'DynamicQuantizeLinear' is not supported: its scale is computed from each frame's own data"
    )


def test_check_goes_on_behind_an_input_that_is_refused():
    net = Net([8, 4])
    net.node("Det", net.node("LRN", net.input, size=3))
    imported, faults = check_model(net.bytes("t2_0"))
    assert imported is None and [f.code for f in faults] == ["E015", "E020", "E020"]


@pytest.mark.parametrize(("build", "input_type", "text"), CASES)
def test_check_and_compile_agree(build, input_type, text):
    imported, faults = check_model(build(), input_type=input_type)
    assert imported is None and text[:4] in {f.code for f in faults}


def test_check_of_a_good_model():
    net, x = quantised()
    imported, faults = check_model(net.bytes(net.node("MatMul", x, net.const(np.eye(4)))))
    assert imported is not None and not faults and [n.op.mnemonic for n in imported.graph.nodes] == ["dense"]
