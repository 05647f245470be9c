"""Convolutions, pools and what moves elements, in every form, against the exact evaluator."""

import numpy as np
import pytest
from onnx import TensorProto

from bitwright.errors import CompileError
from bitwright.frontend.compare import compare
from bitwright.frontend.reader import import_model
from bitwright.ir.graph import evaluate
from bitwright.ir.text import print_graph
from tests.frontend.onnx_build import Net
from tests.frontend.onnx_check import check, grid

RNG = np.random.default_rng(17)


def mnemonics(imported):
    return [n.op.mnemonic for n in imported.graph.nodes]


def start(shape=(3, 5, 6), scale=0.25, **attributes):
    net = Net([1, *shape])
    return net, net.quant(net.input, scale, bits=attributes.pop("bits", 4.0), **attributes)


def run(net, x, shape=(3, 5, 6), count=3):
    """Equal to the exact evaluator, and to a runtime but for what its rounding explains."""
    imported = check(net.model(x), grid(RNG, shape, count))
    try:
        found = compare(imported, grid(RNG, shape, count))
    except CompileError as error:
        assert "Dilation not supported for AutoPadType" in error.message
        return imported
    assert found.unexplained == 0, found
    return imported


def weights(shape):
    return RNG.integers(-7, 8, shape) / 8


GEOMETRIES = [
    {},
    {"pads": [1, 1, 1, 1]},
    {"pads": [0, 2, 1, 0]},
    {"strides": [2, 1], "pads": [1, 0, 0, 2]},
    {"dilations": [2, 1], "pads": [1, 1, 2, 0]},
    {"dilations": [1, 2], "strides": [3, 2]},
    {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
    {"auto_pad": "SAME_LOWER", "strides": [2, 2]},
    {"auto_pad": "SAME_UPPER", "strides": [3, 1], "dilations": [1, 2]},
    {"auto_pad": "VALID", "strides": [1, 2]},
    {"auto_pad": "NOTSET", "pads": [2, 0, 0, 1]},
]


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("zero", [0.0, 3.0, -2.0])
def test_conv(geometry, zero):
    net = Net([1, 3, 5, 6])
    x = net.quant(net.input, 0.25, zero, 4.0)
    w = net.const(weights((4, 3, 3, 2)))
    run(net, net.node("Conv", x, w, net.const(RNG.normal(size=4)), **geometry))


def test_conv_without_a_bias_and_kernel_shape():
    net, x = start()
    imported = run(net, net.node("Conv", x, net.const(weights((2, 3, 3, 3))), kernel_shape=[3, 3]))
    assert mnemonics(imported) == ["window", "dense"]
    assert imported.boundary["input"]["axes"] == imported.boundary["output"]["axes"] == [1, 2, 0]
    assert imported.graph.inputs["x0"].shape == (5, 6, 3)


def test_conv_1x1_needs_no_window():
    net, x = start()
    assert mnemonics(run(net, net.node("Conv", x, net.const(weights((4, 3, 1, 1)))))) == ["dense"]
    net, x = start()
    imported = run(net, net.node("Conv", x, net.const(weights((4, 3, 1, 1))), strides=[2, 3]))
    assert mnemonics(imported) == ["window", "dense"]


@pytest.mark.parametrize("attributes", [{}, {"pads": [2, 1]}, {"strides": [2], "dilations": [3], "pads": [0, 2]},
                                        {"auto_pad": "SAME_LOWER"}])  # fmt: skip
def test_conv_of_one_dimension(attributes):
    net, x = start((2, 11), bits=3.0)
    w = net.qdq_weight(RNG.integers(-9, 9, (3, 2, 4)), RNG.uniform(0.1, 1, 3), axis=0)
    x = net.node("Relu", net.node("Conv", x, w, **attributes))
    run(net, net.quant(x, 0.5), (2, 11))


@pytest.mark.parametrize(("group", "outputs"), [(2, 4), (4, 4), (4, 8), (2, 2)])
@pytest.mark.parametrize("pads", [[0, 0, 0, 0], [1, 0, 1, 1]])
def test_groups(group, outputs, pads):
    net, x = start((4, 4, 5))
    w = net.qdq_weight(RNG.integers(-9, 9, (outputs, 4 // group, 3, 2)), RNG.uniform(0.1, 1, outputs), axis=0)
    b = net.qdq_weight(RNG.integers(-900, 900, outputs), RNG.uniform(0.01, 0.1, outputs), dtype=np.int32, axis=0)
    imported = run(net, net.node("Conv", x, w, b, group=group, pads=pads), (4, 4, 5))
    assert mnemonics(imported)[-1] == ("depthwise" if group == outputs == 4 else "dense")


@pytest.mark.parametrize("group", [1, 3])
def test_scales_by_channel(group):
    net = Net([1, 3, 4, 4])
    x = net.quant(net.input, RNG.choice([0.25, 0.5, 1.0], (1, 3, 1, 1)), bits=3.0)
    run(net, net.node("Conv", x, net.const(weights((3, 3 // group, 3, 3))), pads=[1] * 4, group=group), (3, 4, 4))


def test_padding_of_codes_without_a_zero():
    """Bipolar values, and an offset that is no multiple of the scale: the codes are widened, exactly."""
    net = Net([1, 2, 4, 3])
    x = net.node("BipolarQuant", net.input, net.const(0.5), domain="onnx.brevitas")
    imported = run(net, net.node("Conv", x, net.const(weights((3, 2, 3, 3))), pads=[1, 1, 1, 1]), (2, 4, 3))
    assert mnemonics(imported)[0] == "shift"
    net, x = start((2, 4, 3))
    x = net.node("Add", x, net.const([[[0.1]], [[0.25]]]))
    run(net, net.node("Conv", x, net.const(weights((3, 2, 3, 3))), pads=[0, 1, 1, 0]), (2, 4, 3))


def test_a_limit_before_a_window():
    net, x = start((2, 4, 3))
    x = net.node("Clip", net.node("Add", x, net.const([[[0.5]], [[0.25]]])), net.const(0.0), net.const(0.75))
    run(net, net.node("Conv", x, net.const(weights((3, 2, 3, 3))), pads=[0, 1, 1, 0]), (2, 4, 3))


def test_uint8_with_a_zero_point():
    net = Net([1, 2, 5, 4], TensorProto.UINT8, name="q")
    x = net.node("DequantizeLinear", net.input, net.const(0.02), net.const(131, np.uint8))
    w = net.qdq_weight(RNG.integers(0, 256, (3, 2, 3, 3)), RNG.uniform(0.1, 1, 3), [120, 130, 140], 0, np.uint8)
    x = net.node("Conv", x, w, pads=[1, 1, 1, 1], strides=[2, 2])
    x = net.node("QuantizeLinear", x, net.const(0.7), net.const(77, np.uint8))
    imported = check(net.model(x, elem=TensorProto.UINT8), RNG.integers(0, 256, (4, 2, 5, 4)).astype(np.uint8))
    assert mnemonics(imported) == ["window", "dense", "threshold"]
    assert imported.graph.nodes[0].op.pad == 131


POOLS = [
    {"kernel_shape": [2, 2]},
    {"kernel_shape": [2, 2], "strides": [2, 2]},
    {"kernel_shape": [3, 2], "strides": [2, 2], "ceil_mode": 1},
    {"kernel_shape": [3, 3], "strides": [2, 3], "pads": [1, 1, 1, 1], "ceil_mode": 1},
    {"kernel_shape": [3, 3], "pads": [1, 2, 0, 1]},
    {"kernel_shape": [3, 2], "auto_pad": "SAME_UPPER", "strides": [2, 2]},
    {"kernel_shape": [2, 3], "auto_pad": "SAME_LOWER"},
    {"kernel_shape": [1, 1], "strides": [2, 2]},
]


@pytest.mark.parametrize("attributes", [*POOLS, {"kernel_shape": [2, 2], "dilations": [2, 3], "pads": [1, 0, 0, 1]}])
@pytest.mark.parametrize("signed", [0, 1])
def test_max_pool(attributes, signed):
    net, x = start(signed=signed)
    run(net, net.node("MaxPool", x, **attributes))


def test_max_pool_of_falling_codes_and_limits():
    net, x = start()
    x = net.node("Mul", net.node("Relu", x), net.const([[[0.5]], [[1.0]], [[0.25]]]))
    run(net, net.node("MaxPool", x, kernel_shape=[2, 2], pads=[1, 0, 0, 1]))
    net, x = start()
    x = net.node("Mul", x, net.const([[[-0.5]], [[1.0]], [[0.0]]]))
    run(net, net.node("MaxPool", x, kernel_shape=[2, 2], pads=[1, 0, 0, 1]))


def test_max_pool_keeps_relu_for_the_quantizer():
    net, x = start()
    x = net.node("MaxPool", net.node("Relu", x), kernel_shape=[2, 2])
    assert mnemonics(run(net, net.quant(x, 0.5, bits=2.0))) == ["window", "pool", "threshold"]


@pytest.mark.parametrize("attributes", [*POOLS, {"kernel_shape": [2, 2], "dilations": [2, 3], "pads": [1, 0, 0, 1]}])
@pytest.mark.parametrize("counted", [0, 1])
@pytest.mark.parametrize("zero", [0.0, 3.0])
def test_average_pool(attributes, counted, zero):
    net = Net([1, 3, 5, 6], opset=19)
    x = net.quant(net.input, 0.25, zero, 4.0)
    x = net.node("AveragePool", x, **attributes, count_include_pad=counted)
    run(net, x)
    run(net, net.quant(x, 0.3))


@pytest.mark.parametrize("op", ["MaxPool", "AveragePool"])
def test_pools_of_one_dimension(op):
    net, x = start((3, 9))
    run(net, net.node(op, x, kernel_shape=[3], strides=[2], pads=[1, 0], ceil_mode=1), (3, 9))


@pytest.mark.parametrize("op", ["GlobalAveragePool", "GlobalMaxPool"])
@pytest.mark.parametrize("shape", [(3, 5, 6), (2, 7), (4, 1, 1)])
def test_global_pools(op, shape):
    net, x = start(shape)
    x = net.node("Flatten", net.node(op, net.node("Relu", x)))
    run(net, net.quant(x, 0.3), shape)


@pytest.mark.parametrize("op", ["ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin"])
@pytest.mark.parametrize("axes", [[2, 3], [-1, -2], [3], [1], [1, 2, 3]])
@pytest.mark.parametrize("keepdims", [0, 1])
def test_reductions(op, axes, keepdims):
    net = Net([1, 3, 4, 5], opset=13 if op == "ReduceSum" else 12)
    x = net.quant(net.input, [[[0.25]], [[0.5]], [[0.25]]], bits=4.0)
    if op == "ReduceSum":
        x = net.node(op, x, net.const(axes, np.int64), keepdims=keepdims)
    else:
        x = net.node(op, x, axes=axes, keepdims=keepdims)
    run(net, x, (3, 4, 5))


def test_batch_normalization_before_and_after():
    net, x = start()
    parameters = [net.const(v) for v in (RNG.normal(size=4), RNG.normal(size=4), RNG.normal(size=4), [1, 2, 3, 0.1])]
    x = net.node("Conv", x, net.const(weights((4, 3, 3, 3))), pads=[1, 1, 1, 1])
    x = net.quant(net.node("Relu", net.node("BatchNormalization", x, *parameters)), 0.25)
    run(net, net.node("Conv", x, net.const(weights((2, 4, 2, 2)))))


@pytest.mark.parametrize("permute", [False, True])
def test_flatten_after_a_convolution(permute):
    """The matrix's columns are put in order; nothing moves."""
    net, x = start()
    x = net.quant(net.node("Conv", x, net.const(weights((4, 3, 2, 2)))), [[[0.25]], [[0.5]], [[0.25]], [[1.0]]])
    x = net.node("Transpose", x, perm=[0, 2, 3, 1]) if permute else x
    x = net.node("MatMul", net.node("Flatten", x), net.const(weights((80, 3))))
    assert mnemonics(run(net, x)) == ["window", "dense", "threshold", "reshape", "dense"]


def test_channels_last_input_and_output():
    """As TFLite conversions have it: the transpositions vanish."""
    net = Net([1, 5, 4, 3])
    x = net.node("Transpose", net.quant(net.input, 0.25), perm=[0, 3, 1, 2])
    x = net.node("Conv", x, net.const(weights((2, 3, 3, 3))), pads=[1, 1, 1, 1])
    x = net.node("Transpose", net.quant(x, 0.5), perm=[0, 2, 3, 1])
    imported = run(net, x, (5, 4, 3))
    assert mnemonics(imported) == ["window", "dense", "threshold"]
    assert "axes" not in imported.boundary["input"] and "axes" not in imported.boundary["output"]


def test_a_transposition_that_must_move():
    net, x = start((2, 3, 4))
    x = net.quant(
        net.node("Conv", x, net.const(weights((5, 2, 1, 1)))), [[[0.25]], [[0.5]], [[0.25]], [[1.0]], [[2.0]]]
    )
    x = net.node("Transpose", x, perm=[0, 2, 1, 3])
    x = net.node("Conv", x, net.const(weights((2, 3, 2, 2))))
    imported = run(net, x, (2, 3, 4))
    assert mnemonics(imported).count("permute") == 1


def test_matmul_along_an_axis_that_is_not_last_on_the_wire():
    net, x = start((2, 3, 4))
    x = net.quant(net.node("Conv", x, net.const(weights((5, 2, 1, 1)))), 0.5)
    run(net, net.node("MatMul", x, net.const(weights((4, 3)))), (2, 3, 4))


def test_the_host_quantizes_by_channel_and_transposes():
    net = Net([1, 3, 2, 2])
    x = net.quant(net.node("Mul", net.input, net.const([[[1.0]], [[-2.0]], [[0.5]]])), [[[0.3]], [[0.5]], [[0.2]]])
    imported = run(net, net.node("MaxPool", x, kernel_shape=[2, 2]), (3, 2, 2))
    assert imported.boundary["input"]["axes"] == [1, 2, 0]


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
def test_depth_to_space(mode):
    net, x = start((8, 2, 3))
    x = net.quant(net.node("Conv", x, net.const(weights((8, 8, 1, 1)))), 0.5)
    x = net.node("DepthToSpace", x, blocksize=2, mode=mode)
    imported = run(net, x, (8, 2, 3))
    assert mnemonics(imported) == ["dense", "threshold"] and imported.boundary["output"]["dims"]
    run(net, net.node("Conv", x, net.const(weights((2, 2, 3, 3))), pads=[1] * 4), (8, 2, 3))


def test_space_to_depth():
    net, x = start((2, 4, 6))
    x = net.quant(net.node("Conv", x, net.const(weights((3, 2, 1, 1)))), [[[0.25]], [[0.5]], [[1.0]]])
    x = net.node("SpaceToDepth", x, blocksize=2)
    run(net, x, (2, 4, 6))
    x = net.node("Conv", x, net.const(weights((2, 12, 1, 1))))
    assert "permute" in mnemonics(run(net, x, (2, 4, 6)))


@pytest.mark.parametrize("attributes", [
    {}, {"strides": [2, 2]}, {"strides": [2, 3], "pads": [1, 0, 0, 1]}, {"strides": [2, 2], "output_padding": [1, 1]},
    {"dilations": [2, 1], "strides": [3, 1]}, {"strides": [2, 2], "auto_pad": "SAME_UPPER"},
    {"strides": [2, 2], "auto_pad": "SAME_LOWER"}, {"strides": [2, 2], "output_shape": [7, 8]},
    {"strides": [1, 1], "pads": [1, 1, 1, 1]}, {"strides": [3, 3], "pads": [2, 1, 1, 2], "dilations": [2, 2]},
])  # fmt: skip
@pytest.mark.parametrize("group", [1, 2])
def test_conv_transpose(attributes, group):
    net, x = start((4, 3, 4))
    w = net.qdq_weight(RNG.integers(-9, 9, (4, 3, 3, 2)), RNG.uniform(0.1, 1, 3), axis=1)
    run(
        net,
        net.node("ConvTranspose", x, w, net.const(RNG.normal(size=3 * group)), group=group, **attributes),
        (4, 3, 4),
    )


def test_conv_transpose_of_one_dimension():
    net, x = start((2, 5))
    run(net, net.node("ConvTranspose", x, net.const(weights((2, 3, 4))), strides=[2], pads=[1, 1]), (2, 5))


@pytest.mark.parametrize("axis", [1, 2, 3, -1])
def test_concat(axis):
    net, x = start()
    a = net.quant(net.node("Conv", x, net.const(weights((3, 3, 1, 1)))), 0.5)
    b = net.quant(net.node("Conv", x, net.const(weights((3, 3, 1, 1)))), 0.3, signed=0)
    x = net.node("Concat", a, x, b, axis=axis)
    run(net, x)
    run(net, net.quant(net.node("Relu", x), 0.7))


def test_concat_of_vectors():
    net, x = start((4,))
    x = net.node("Concat", x, net.node("MatMul", x, net.const(weights((4, 2)))), axis=1)
    run(net, net.node("MatMul", net.quant(x, 0.5), net.const(weights((6, 2)))), (4,))


@pytest.mark.parametrize(("axis", "start_", "end", "step"), [
    (1, 1, 3, 1), (2, 1, 4, 1), (3, 0, 6, 2), (3, 5, -100, -2), (1, -1, -100, -1), (2, -3, 100, 1), (1, 0, 100, 2),
])  # fmt: skip
@pytest.mark.parametrize("inner", [False, True])
def test_slice(axis, start_, end, step, inner):
    net = Net([1, 3, 5, 6])
    x = net.quant(net.input, [[[0.25]], [[0.5]], [[1.0]]])
    x = net.quant(net.node("Conv", x, net.const(weights((3, 3, 1, 1)))), [[[0.25]], [[0.5]], [[1.0]]]) if inner else x
    run(net, net.node("Slice", x, *(net.const([v], np.int64) for v in (start_, end, axis, step))))


def test_split_and_gather():
    net, x = start((5, 2, 3))
    a, b = net.node("Split", x, net.const([2, 3], np.int64), axis=1, outputs=2)
    b = net.node("Gather", b, net.const([2, 0], np.int64), axis=1)
    x = net.node("Add", a, b)
    run(net, x, (5, 2, 3))
    run(net, net.node("Gather", x, net.const(1, np.int64), axis=2), (5, 2, 3))


@pytest.mark.parametrize("axis", [1, 2, -1])
@pytest.mark.parametrize("order", ["cx", "xc", "cxcy", "xcdyc"])
def test_concat_with_constants(axis, order):
    """Before, between and behind; of one value, and of another one for every element."""
    net, x = start()
    shape = [1, 3, 5, 6]
    shape[axis] = 2
    y = net.quant(net.node("Conv", x, net.const(weights((3, 3, 1, 1)))), 0.5)
    parts = {"x": x, "y": y, "c": net.const(weights(shape)), "d": net.const(np.full(shape, 0.3))}
    z = net.node("Concat", *(parts[p] for p in order), axis=axis)
    run(net, z, count=2)
    run(net, net.quant(z, 0.25), count=2)


@pytest.mark.parametrize("pads", [[0, 0, 1, 2, 0, 0, 0, 1], [0, 1, 0, 0, 0, 2, 0, 0], [0, 1, -1, 1, 0, -1, 0, -2]])
@pytest.mark.parametrize("value", [None, 0.5, 0.3])
def test_pad(pads, value):
    net, x = start((3, 4, 5))
    extra = () if value is None else (net.const(value),)
    x = net.node("Pad", x, net.const(pads, np.int64), *extra)
    run(net, x, (3, 4, 5))
    run(net, net.quant(x, 0.5), (3, 4, 5))


@pytest.mark.parametrize("attributes", [
    {}, {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
    {"coordinate_transformation_mode": "pytorch_half_pixel"},
    {"coordinate_transformation_mode": "half_pixel", "nearest_mode": "round_prefer_ceil"},
])  # fmt: skip
@pytest.mark.parametrize("sized", [False, True])
def test_resize(attributes, sized):
    net, x = start((3, 2, 3))
    x = net.quant(net.node("Conv", x, net.const(weights((2, 3, 1, 1)))), 0.5)
    target = ("", "", net.const([1, 2, 4, 9], np.int64)) if sized else ("", net.const([1.0, 1.0, 2.0, 3.0]))
    imported = run(net, net.node("Resize", x, *target, mode="nearest", **attributes), (3, 2, 3))
    assert mnemonics(imported) == ["dense", "threshold", "repeat"]


@pytest.mark.parametrize("attributes", [
    {"mode": "linear"}, {"mode": "linear", "coordinate_transformation_mode": "asymmetric"}, {"mode": "cubic"},
    {"mode": "linear", "coordinate_transformation_mode": "align_corners"},
    {"mode": "cubic", "cubic_coeff_a": -0.5, "exclude_outside": 1, "coordinate_transformation_mode": "asymmetric"},
], ids=str)  # fmt: skip
@pytest.mark.parametrize("sizes", [[4, 6], [2, 9], [3, 2]], ids=str)
def test_interpolation(attributes, sizes):
    """The weights are exact fractions, along one axis after the other."""
    net, x = start((2, 2, 3))
    x = net.quant(net.node("Conv", x, net.const(weights((2, 2, 1, 1)))), 0.25)
    x = net.node("Resize", x, "", "", net.const([1, 2, *sizes], np.int64), **attributes)
    run(net, net.quant(x, 0.25, 1.0, 6.0), (2, 2, 3))


@pytest.mark.parametrize("sizes", [[3, 3], [6, 5], [5, 3]], ids=str)
def test_nearest_elements_that_are_no_repetition(sizes):
    net, x = start((2, 4, 3))
    x = net.node("Resize", x, "", "", net.const([1, 2, *sizes], np.int64), mode="nearest")
    run(net, net.quant(x, 0.25), (2, 4, 3))


def test_upsample_and_stride():
    net = Net([1, 3, 2, 4], opset=9)
    x = net.node("Upsample", net.quant(net.input, 0.25), net.const([1.0, 1.0, 3.0, 1.0]), mode="nearest")
    run(net, x, (3, 2, 4))
    net, x = start((3, 4, 4))
    x = net.node("Resize", x, "", net.const([1.0, 1.0, 0.5, 0.5]), mode="nearest",
                 coordinate_transformation_mode="asymmetric", nearest_mode="floor")  # fmt: skip
    run(net, x, (3, 4, 4))


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul"])
@pytest.mark.parametrize("scales", [(0.5, 0.25), (0.3, 0.7), (0.3, [[[0.25]], [[0.5]], [[0.1]]]),
                                    ([[[0.25]], [[0.5]], [[1.0]]], [[[0.5]], [[1.0]], [[2.0]]])])  # fmt: skip
def test_two_streams(op, scales):
    net, x = start()
    a = net.quant(net.node("Conv", x, net.const(weights((3, 3, 1, 1)))), scales[0], 1.0)
    b = net.quant(net.node("Conv", x, net.const(weights((3, 3, 1, 1)))), scales[1], -2.0)
    run(net, net.node("Relu", net.node(op, net.node("Relu", a), b)))
    run(net, net.quant(net.node(op, a, b), 0.37, bits=6.0))


def test_a_stream_with_itself():
    net, x = start()
    run(net, net.node("Add", x, net.node("Mul", x, net.const(3.0))))
    run(net, net.node("Mul", x, net.node("Sub", x, net.const(0.3))))


@pytest.mark.parametrize("op", ["Add", "Mul"])
def test_streams_that_broadcast(op):
    net, x = start((3, 4, 2))
    pooled = net.quant(net.node("GlobalAveragePool", x), 0.125, bits=5.0)
    run(net, net.node(op, x, pooled), (3, 4, 2))
    one = net.quant(net.node("Conv", x, net.const(weights((1, 3, 1, 1)))), 0.5)
    run(net, net.node(op, one, x), (3, 4, 2))


def test_a_residual_network_of_two_orders():
    """One branch is flattened as it lies, the other transposed: the orders are made to agree."""
    net, x = start((2, 3, 4))
    a = net.quant(net.node("Conv", x, net.const(weights((2, 2, 1, 1)))), 0.5)
    b = net.node("Transpose", net.node("Reshape", a, net.const([1, 2, 4, 3], np.int64)), perm=[0, 1, 3, 2])
    run(net, net.node("Add", a, b), (2, 3, 4))


def test_channels_last_operators():
    """QONNX's own domain for them: the same network twice."""
    domain = "qonnx.custom_op.channels_last"
    w = weights((2, 3, 3, 3))
    parameters = [RNG.normal(size=2), RNG.normal(size=2), RNG.normal(size=2), RNG.uniform(1, 2, 2)]
    found = []
    for last in (False, True):
        net = Net([1, 5, 6, 3])
        x = net.quant(net.input, 0.25)
        x = x if last else net.node("Transpose", x, perm=[0, 3, 1, 2])
        where = {"domain": domain if last else ""}
        x = net.node("Conv", x, net.const(w.transpose(0, 2, 3, 1) if last else w), pads=[1, 0, 1, 1], **where)
        x = net.node("BatchNormalization", x, *(net.const(p) for p in parameters), **where)
        x = net.node("MaxPool", net.quant(net.node("Relu", x), 0.5), kernel_shape=[2, 2], strides=[2, 2], **where)
        x = x if last else net.node("Transpose", x, perm=[0, 2, 3, 1])
        found.append(import_model(net.bytes(x)))
    assert print_graph(found[0].graph)[0].split("#")[0] == print_graph(found[1].graph)[0].split("#")[0]
    frames = RNG.integers(-8, 8, (3, 5, 6, 3))
    values = [evaluate(f.graph, {"x0": frames})[f.graph.outputs[0]] for f in found]
    assert (values[0] == values[1]).all()
    ends = [{k: v for k, v in f.boundary["output"].items() if k != "name"} for f in found]
    assert ends[0] == ends[1]


def test_what_the_host_does_after_a_softmax():
    net, x = start((3, 4, 4))
    x = net.node("Conv", x, net.const(weights((5, 3, 4, 4))))
    x = net.node("Softmax", net.node("Flatten", x))
    x = net.node("QuantizeLinear", x, net.const(1 / 256), net.const(-128, np.int8))
    x = net.node("DequantizeLinear", x, net.const(1 / 256), net.const(-128, np.int8))
    imported = import_model(net.bytes(net.node("Reshape", x, net.const([1, 5, 1], np.int64))))
    assert imported.boundary["output"]["post"] == [
        {"kind": "softmax", "axis": 1},
        {"kind": "quantize", "scale": 2.0**-8, "zero": -128, "lo": -128, "hi": 127},
        {"kind": "dequantize", "scale": 2.0**-8, "zero": -128},
        {"kind": "reshape", "shape": [5, 1]},
    ]


def test_squeeze_and_unsqueeze_around_batch_normalization():
    """As exporters put a normalisation of vectors: two axes of size 1 come and go."""
    net, x = start((6,))
    parameters = [net.const(v) for v in (RNG.normal(size=4), RNG.normal(size=4), RNG.normal(size=4), [1, 2, 3, 0.1])]
    x = net.node("Unsqueeze", net.node("MatMul", x, net.const(weights((6, 4)))), net.const([2, 3], np.int64))
    x = net.node("Squeeze", net.node("BatchNormalization", x, *parameters), net.const([2, 3], np.int64))
    assert mnemonics(run(net, net.quant(x, 0.3), (6,))) == ["dense", "threshold"]


def test_a_matrix_then_an_image():
    """As in a generator: what a matrix makes, seen as channels first, becomes an image."""
    net, x = start((5,))
    x = net.quant(net.node("MatMul", x, net.const(weights((5, 24)))), 0.5)
    x = net.node("Reshape", x, net.const([1, 2, 3, 4], np.int64))
    imported = run(net, net.node("ConvTranspose", x, net.const(weights((2, 3, 2, 2))), strides=[2, 2]), (5,))
    assert "permute" in mnemonics(imported)


@pytest.mark.parametrize("mode", ["reflect", "edge", "wrap"])
def test_pads_by_elements_of_the_tensor(mode):
    net, x = start()
    pads = net.const([0, 1, 2, 0, 0, 0, 1, 3], np.int64)
    run(net, net.node("Pad", x, pads, mode=mode), count=2)


def test_gather_by_an_array():
    net, x = start()
    run(
        net,
        net.node(
            "Reshape",
            net.node("Gather", x, net.const([[2, -1], [0, 0]], np.int64), axis=3),
            net.const([1, -1], np.int64),
        ),
        count=2,
    )
