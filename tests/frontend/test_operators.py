"""Every operator alone (and its forms) against the exact evaluator."""

import numpy as np
import pytest
from onnx import TensorProto, numpy_helper

from bitwright.errors import CompileError
from bitwright.frontend.compare import compare
from bitwright.frontend.reader import import_model
from tests.frontend.onnx_build import Net
from tests.frontend.onnx_check import check, grid, outputs

RNG = np.random.default_rng(5)


def mnemonics(imported):
    return [n.op.mnemonic for n in imported.graph.nodes]


def start(shape=(1, 4), bits=6.0, **attributes):
    net = Net(list(shape))
    return net, net.quant(net.input, 0.25, bits=bits, **attributes)


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul", "Div"])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("constant", [0.3, [0.5, -0.25, 3.0, -7.0], [[1.5]], [2.0, 2.0, 2.0, 2.0]])
def test_arithmetic_with_a_constant(op, first, constant):
    if op == "Div" and not first:
        return
    net, x = start()
    pair = (x, net.const(constant)) if first else (net.const(constant), x)
    imported = check(net.model(net.quant(net.node(op, *pair), 0.3, bits=4.0)), grid(RNG, (4,)))
    assert mnemonics(imported) == ["threshold"]


@pytest.mark.parametrize("op", ["Neg", "Relu", "Identity", "Dropout"])
def test_without_parameters(op):
    net, x = start()
    check(net.model(net.node(op, x)), grid(RNG, (4,)))


def test_clip_as_attributes_and_as_operands():
    net, x = start()
    x = net.node("Clip", x, net.const(-0.6), net.const([2.5]))
    check(net.model(net.node("Clip", x, "", net.const(1.9))), grid(RNG, (4,)))
    net = Net([1, 4], opset=9)
    x = net.node("Clip", net.quant(net.input, 0.25), min=-0.6, max=1.3)
    check(net.model(x), grid(RNG, (4,)))


def test_clip_with_crossed_limits_gives_the_upper():
    net, x = start()
    check(net.model(net.node("Clip", x, net.const(2.0), net.const(-1.0))), grid(RNG, (4,)))


def test_max_and_min():
    net, x = start()
    x = net.node("Max", net.const([0.1, 0.2, -3, 0]), x)
    check(net.model(net.node("Min", x, net.const(1.1), net.const([[2.0]]))), grid(RNG, (4,)))


def test_limits_swap_under_a_negative_factor():
    net, x = start()
    x = net.node("Mul", net.node("Relu", x), net.const([-0.7, 2.0, 0.0, -1.0]))
    imported = check(net.model(net.quant(x, 0.5, bits=3.0)), grid(RNG, (4,)))
    op = imported.graph.nodes[0].op
    assert op.sign.tolist() == [-1, 1, 1, -1]


def test_a_limit_before_a_product_becomes_an_operation():
    net, x = start()
    x = net.node("MatMul", net.node("Relu", x), net.const(RNG.integers(-3, 4, (4, 3))))
    imported = check(net.model(x), grid(RNG, (4,)))
    assert mnemonics(imported) == ["shift", "dense"]
    net, x = start()
    x = net.node("Relu", net.node("Add", x, net.const(0.125)))
    imported = check(net.model(net.node("MatMul", x, net.const(np.eye(4)))), grid(RNG, (4,)))
    assert mnemonics(imported) == ["shift", "dense"]


def test_an_upper_limit_before_a_product_becomes_an_operation():
    net, x = start()
    x = net.node("MatMul", net.node("Min", x, net.const(1.5)), net.const(np.eye(4)))
    assert mnemonics(check(net.model(x), grid(RNG, (4,)))) == ["shift", "dense"]


@pytest.mark.parametrize(("op", "limit"), [("Min", 1.5), ("Max", -1.5)])
def test_a_quantizer_that_only_limits_is_kept(op, limit):
    net, x = start(bits=5.0)
    x = net.quant(net.node(op, x, net.const(limit)), 0.25, bits=8.0)
    assert mnemonics(check(net.model(x), grid(RNG, (4,)))) == ["threshold"]


def test_a_vacuous_limit_costs_nothing():
    net, x = start(signed=0)
    imported = check(net.model(net.node("MatMul", net.node("Relu", x), net.const(np.eye(4)))), grid(RNG, (4,)))
    assert mnemonics(imported) == ["dense"]


@pytest.mark.parametrize("shape", [(1, 4), (1, 4, 3), (1, 4, 2, 2)])
def test_batch_normalization(shape):
    net, x = start(shape)
    parameters = [net.const(v) for v in (RNG.normal(size=4), RNG.normal(size=4), RNG.normal(size=4), [1, 2, 3, 0.1])]
    x = net.node("BatchNormalization", x, *parameters, epsilon=1e-3)
    check(net.model(net.quant(x, 0.3)), grid(RNG, shape[1:]))


@pytest.mark.parametrize("transposed", [0, 1])
@pytest.mark.parametrize("bias", [None, 0.5, [[1.0, -2.0, 3.5]]])
def test_gemm(transposed, bias):
    net, x = start()
    w = RNG.integers(-8, 8, (3, 4) if transposed else (4, 3)) / 4
    extra = () if bias is None else (net.const(bias),)
    x = net.node("Gemm", x, net.const(w), *extra, alpha=0.75, beta=2.0, transB=transposed)
    check(net.model(x), grid(RNG, (4,)))


@pytest.mark.parametrize("shape", [(1, 4), (1, 3, 4), (1, 2, 3, 4)])
@pytest.mark.parametrize("matrix", [(4, 5), (1, 4, 5), (4,)])
def test_matmul_shapes(shape, matrix):
    net, x = start(shape)
    x = net.node("MatMul", x, net.const(RNG.integers(-4, 5, matrix)))
    check(net.model(x), grid(RNG, shape[1:]))


STACKS = [((1, 3, 2, 4), (3, 4, 5)), ((1, 1, 2, 4), (3, 4, 5)), ((1, 3, 2, 4), (1, 3, 4, 5)), ((1, 2, 3, 2, 4), (2, 1, 4, 2)),
          ((1, 1, 3, 2, 4), (2, 3, 4, 2)), ((1, 2, 3, 1, 4), (2, 1, 4, 1))]  # fmt: skip


@pytest.mark.parametrize(("shape", "matrices"), STACKS, ids=str)
@pytest.mark.parametrize("scales", ["", "all", "columns", "rows"])
def test_matmul_with_a_stack_of_matrices(shape, matrices, scales):
    net, x = start(shape)
    w = net.const(RNG.integers(-4, 5, matrices))
    if scales:
        each = {"all": (1,) * len(matrices), "columns": (*matrices[:-2], 1, matrices[-1]), "rows": (4, 1)}[scales]
        w = net.quant(w, RNG.integers(1, 4, each) * (0.25 if scales == "rows" else 0.3), bits=5.0)
    y = net.node("MatMul", x, w)
    imported = check(net.model(y), grid(RNG, shape[1:]))
    assert compare(imported, grid(RNG, shape[1:])).unexplained == 0


def test_a_stack_of_matrices_that_do_not_fit():
    for shape, matrices in (((1, 3, 2, 4), (2, 4, 5)), ((1, 2, 4), (3, 4, 5)), ((1, 3, 2, 4), (3, 5, 4))):
        net, x = start(shape)
        with pytest.raises(CompileError, match=r"E011: a tensor of shape \[1, .* cannot be multiplied by constants"):
            import_model(net.bytes(net.node("MatMul", x, net.const(np.ones(matrices)))))


def test_matmul_with_the_constant_on_the_left():
    net, x = start((1, 4, 1))
    x = net.node("MatMul", net.const(RNG.integers(-4, 5, (3, 4))), x)
    imported = check(net.model(x), grid(RNG, (4, 1)))
    assert imported.boundary["output"]["shape"] == [3, 1]


def test_zero_points_cost_nothing():
    net = Net([1, 4], TensorProto.UINT8, name="q")
    x = net.node("DequantizeLinear", net.input, net.const(0.02), net.const(131, np.uint8))
    w = net.qdq_weight(RNG.integers(0, 256, (4, 3)), RNG.uniform(0.1, 1, 3), [120, 130, 140], axis=1, dtype=np.uint8)
    x = net.node("QuantizeLinear", net.node("MatMul", x, w), net.const(0.7), net.const(77, np.uint8))
    imported = check(net.model(x, elem=TensorProto.UINT8), RNG.integers(0, 256, (9, 4)).astype(np.uint8))
    assert mnemonics(imported) == ["dense", "threshold"]
    assert imported.graph.nodes[0].op.bias.tolist() == [0, 0, 0]


def test_scales_along_the_contraction_become_weights():
    net = Net([1, 3])
    x = net.quant(net.input, [0.25, 0.5, 2.0], bits=4.0)
    imported = check(net.model(net.node("MatMul", x, net.const([[1, 0], [1, 2], [1, 1.0]]))), grid(RNG, (3,)))
    # 0.25·(1, 2, 8) and, of the other column, 1·(0, 1, 2)
    assert imported.graph.nodes[0].op.weight.tolist() == [[1, 2, 8], [0, 1, 2]]
    assert str(imported.graph.inputs["x0"].elem) == "s4"


def test_weights_are_divided_by_what_they_share():
    net, x = start()
    x = net.node("MatMul", x, net.const([[0.75, 1.5], [-0.75, 0], [2.25, 0.75], [0, 0]]))
    imported = check(net.model(x), grid(RNG, (4,)))
    assert imported.graph.nodes[0].op.weight.tolist() == [[1, -1, 3, 0], [2, 0, 1, 0]]


def test_an_operation_that_changes_nothing_emits_nothing():
    net, x = start(bits=5.0)
    x = net.quant(x, 0.25, bits=8.0)
    x = net.node("Relu", x)
    assert mnemonics(check(net.model(x), grid(RNG, (4,)))) == []


def test_reshapes():
    net, x = start((1, 2, 6))
    x = net.node("Reshape", x, net.const([0, 3, -1], np.int64))
    x = net.node("Unsqueeze", x, net.const([2], np.int64))
    x = net.node("Transpose", x, perm=[2, 0, 1, 3])
    x = net.node("Squeeze", x, net.const([1], np.int64))
    x = net.node("Flatten", x)
    imported = check(net.model(net.quant(x, np.linspace(0.1, 1, 12))), grid(RNG, (2, 6)))
    assert mnemonics(imported) == ["threshold"]


def test_reshape_carries_parameters_of_channels_along():
    net = Net([1, 2, 3])
    x = net.quant(net.input, [[0.5], [0.25]], [[0.0], [1.0]])
    x = net.node("Reshape", x, net.const([1, 6], np.int64))
    check(net.model(net.quant(net.node("Relu", x), 0.75, bits=2.0)), grid(RNG, (2, 3)))


def test_shape_arithmetic_is_folded():
    net = Net([1, 2, 3], opset=11)
    batch = net.node("Gather", net.node("Shape", net.input), net.const(0, np.int64))
    shape = net.node("Concat", net.node("Unsqueeze", batch, axes=[0]), net.const([-1], np.int64), axis=0)
    x = net.node("Reshape", net.input, shape)
    imported = check(net.model(net.quant(x, 0.5)), grid(RNG, (2, 3)))
    assert mnemonics(imported) == []


def test_cast_between_floats_and_constant_nodes():
    net, x = start()
    x = net.node("Cast", x, to=TensorProto.DOUBLE)
    c = net.node("Constant", value=numpy_helper.from_array(np.array(0.1)))
    check(net.model(net.node("Add", x, c), elem=TensorProto.DOUBLE), grid(RNG, (4,)))


def test_multithreshold():
    net, x = start((1, 3, 2), bits=8.0)
    levels = np.sort(RNG.normal(size=(3, 5)) * 4)[:, ::-1]
    x = net.node("MultiThreshold", x, net.const(levels), domain="qonnx.custom_op.general",
                 out_scale=0.5, out_bias=-1.25, out_dtype="UINT3", data_layout="NCW")  # fmt: skip
    check(net.model(x), grid(RNG, (3, 2), low=-9, high=9))
    net, x = start((1, 3), bits=8.0)
    x = net.node("MultiThreshold", x, net.const([[0.25, 1, -2]]), domain="", out_dtype="INT2", data_layout="NC")
    check(net.model(x), grid(RNG, (3,)))


@pytest.mark.parametrize("mode", ["FLOOR", "ROUND", "CEIL", "DOWN", "UP", "HALF_UP", "HALF_DOWN"])
def test_trunc(mode):
    domain = "qonnx.custom_op.general"
    net, x = start(bits=8.0)
    operands = [net.const(v) for v in (0.25, 4.0, 8.0, 5.0)]
    x = net.node("Trunc", x, *operands, domain=domain, rounding_mode=mode)
    check(net.model(x), grid(RNG, (4,), low=-30, high=30))
    net, x = start(bits=8.0)
    operands = [net.const(v) for v in (0.25, 3.0, 8.0, 1.0, 4.0)]
    x = net.node("Trunc", x, *operands, domain=domain, rounding_mode=mode, signed=1, narrow=1)
    check(net.model(x), grid(RNG, (4,), low=-30, high=30))


def test_quantizer_of_many_steps_is_a_shift():
    net = Net([1, 2])
    x = net.quant(net.input, 2.0**-20, bits=24.0)
    imported = check(net.model(net.quant(x, 2.0**-18, 0.0, 18.0, rounding_mode="FLOOR")), grid(RNG, (2,)))
    assert mnemonics(imported) == ["shift"]
    assert imported.boundary["input"]["encode"] == {
        "kind": "grid", "exp": 20, "lo": -(1 << 23), "hi": (1 << 23) - 1,
    }  # fmt: skip


@pytest.mark.parametrize("mode", ["FLOOR", "CEIL", "ROUND", "HALF_UP"])
def test_shift_of_every_mode_that_has_no_tie(mode):
    net = Net([1, 2])
    x = net.node("Add", net.quant(net.input, 2.0**-20, bits=24.0), net.const(2.0**-22))
    check(net.model(net.quant(x, 2.0**-17, 0.0, 19.0, rounding_mode=mode)), grid(RNG, (2,)))


@pytest.mark.parametrize("code", [TensorProto.INT4, TensorProto.UINT4, TensorProto.INT8, TensorProto.UINT16])
def test_quantize_linear_types(code):
    net = Net([1, 3], TensorProto.INT16, opset=21, name="q")
    x = net.node("DequantizeLinear", net.input, net.const(0.125))
    w = net.node("DequantizeLinear", net.const([[-8, 7], [3, 0], [1, 1]], elem=TensorProto.INT4), net.const(0.5))
    zero = {TensorProto.INT4: -3, TensorProto.UINT4: 5, TensorProto.INT8: 17, TensorProto.UINT16: 999}[code]
    x = net.node("MatMul", x, w)
    x = net.node("QuantizeLinear", x, net.const(0.3), net.const(zero, elem=code))
    imported = import_model(net.bytes(x, elem=code))
    samples = RNG.integers(-60, 60, (20, 3)).astype(np.int16)
    real = samples.astype(int) @ np.array([[-8, 7], [3, 0], [1, 1]])
    low, high = {TensorProto.INT4: (-8, 7), TensorProto.UINT4: (0, 15), TensorProto.INT8: (-128, 127),
                 TensorProto.UINT16: (0, 65535)}[code]  # fmt: skip
    expected = np.clip(np.rint(real * 0.0625 / np.float64(np.float32(0.3))) + zero, low, high)
    assert outputs(imported, samples)[1].tolist() == expected.tolist()


def test_odd_zero_points_do_not_move_ties():
    """0.5 rounds to 0 before the zero point 3 is added, so it becomes 3, not 4."""
    net = Net([1, 1])
    x = net.quant(net.input, 0.5, bits=8.0)
    x = net.node("QuantizeLinear", x, net.const(1.0), net.const(3, np.int8))
    imported = import_model(net.bytes(x, elem=TensorProto.INT8))
    samples = np.array([[0.5], [1.5], [2.5], [-0.5], [-1.5]], np.float32)
    assert outputs(imported, samples)[1].reshape(-1).tolist() == [3, 5, 5, 3, 1]


def test_requantization_between_scales():
    net = Net([1, 3], TensorProto.INT8, name="q")
    x = net.node("DequantizeLinear", net.input, net.const(0.1), net.const(5, np.int8))
    x = net.node("QuantizeLinear", x, net.const(0.3), net.const(-7, np.int8))
    x = net.node("DequantizeLinear", x, net.const(0.3), net.const(-7, np.int8))
    check(net.model(x), np.arange(-128, 127).reshape(-1, 3).astype(np.int8))


def test_final_softmax_argmax_topk_are_the_hosts():
    for op, attributes, post, elem in (
        ("Softmax", {"axis": -1}, {"kind": "softmax", "axis": 1}, "float32"),
        ("ArgMax", {"axis": 1, "keepdims": 0},
         {"kind": "argmax", "axis": 1, "keepdims": False, "select_last_index": False}, "int64"),
    ):  # fmt: skip
        net, x = start()
        y = net.node(op, x, **attributes)
        boundary = import_model(net.bytes(y, elem=TensorProto.INT64 if elem == "int64" else TensorProto.FLOAT)).boundary
        assert boundary["output"]["post"] == [post]
        assert (boundary["output"]["shape"], boundary["output"]["dtype"]) == ([4], elem)
    net, x = start()
    _, indices = net.node("TopK", x, net.const([2], np.int64), outputs=2)
    boundary = import_model(net.bytes(indices, elem=TensorProto.INT64)).boundary
    assert boundary["output"]["post"] == [
        {"kind": "topk", "k": 2, "axis": 1, "largest": True, "output": "indices"},
    ]  # fmt: skip


def test_softmax_of_old_opsets_has_axis_1():
    net = Net([1, 4], opset=9)
    x = net.node("Softmax", net.quant(net.input, 0.25))
    assert import_model(net.bytes(x)).boundary["output"]["post"] == [{"kind": "softmax", "axis": 1}]


def test_a_value_with_two_users():
    net, x = start()
    a = net.node("MatMul", x, net.const(np.eye(4)))
    net.node("MatMul", x, net.const(-np.eye(4)))  # leads nowhere, so it is left out
    imported = check(net.model(a), grid(RNG, (4,)))
    assert mnemonics(imported) == ["dense"]


def test_names_of_the_file_stay_out_of_the_ir():
    model = Net([1, 2], name='"; $system("x") //')
    x = model.quant(model.input, 0.5)
    imported = check(model.model(model.node("MatMul", x, model.const(np.eye(2)))), grid(RNG, (2,)))
    assert list(imported.graph.types) == ["x0", "v1"]
    assert imported.boundary["input"]["name"] == '"; $system("x") //'
