"""Functions of one number behind and before quantisers, against the exact evaluator."""

from fractions import Fraction

import numpy as np
import pytest
from onnx import TensorProto

from bitwright.boards.host import Boundary
from bitwright.errors import CompileError
from bitwright.frontend.compare import compare
from bitwright.frontend.reader import import_model
from tests.frontend.onnx_build import Net
from tests.frontend.onnx_check import check, grid, outputs

RNG = np.random.default_rng(23)

FUNCTIONS = [
    ("Sigmoid", {}), ("Tanh", {}), ("Erf", {}), ("Exp", {}), ("Softplus", {}), ("Softsign", {}), ("Elu", {}),
    ("Elu", {"alpha": 0.3}), ("Selu", {}), ("Celu", {"alpha": 0.7}), ("HardSigmoid", {}),
    ("HardSigmoid", {"alpha": -0.3, "beta": 0.25}), ("HardSwish", {}), ("LeakyRelu", {}), ("LeakyRelu", {"alpha": 0.3}),
    ("LeakyRelu", {"alpha": -0.5}), ("ThresholdedRelu", {"alpha": 0.6}), ("Abs", {}), ("Sign", {}), ("Sin", {}),
    ("Cos", {}), ("Atan", {}), ("Mish", {}), ("Gelu", {}), ("Gelu", {"approximate": "tanh"}),
]  # fmt: skip
RUNTIME = {"Celu", "Mish"}


def mnemonics(imported):
    return [n.op.mnemonic for n in imported.graph.nodes]


@pytest.mark.parametrize(("op", "attributes"), FUNCTIONS)
@pytest.mark.parametrize("bits", [4.0, 8.0])
def test_on_narrow_codes(op, attributes, bits):
    """One scale for all: a table."""
    net = Net([1, 5], opset=20)
    x = net.node(op, net.quant(net.input, 0.125, bits=bits), **attributes)
    imported = check(net.model(net.quant(x, 0.1, bits=5.0)), grid(RNG, (5,), 30))
    assert mnemonics(imported) == ["table"]


@pytest.mark.parametrize(("op", "attributes"), FUNCTIONS)
def test_on_accumulators(op, attributes):
    """Wide codes, a scale a channel: thresholds, and where it falls and rises a table of their counts."""
    net = Net([1, 6], opset=20)
    x = net.quant(net.input, 0.125, bits=8.0)
    w = net.qdq_weight(RNG.integers(-128, 128, (6, 4)), RNG.uniform(0.002, 0.01, 4), axis=1)
    x = net.node("Add", net.node("MatMul", x, w), net.const(RNG.normal(size=4)))
    try:
        imported = check(
            net.model(net.quant(net.node(op, x, **attributes), 0.1, bits=5.0)), grid(RNG, (6,), 8, -16, 16)
        )
    except CompileError as error:
        assert op in ("Sin", "Cos", "ThresholdedRelu") and error.code in ("E021", "E034"), error
        return
    assert mnemonics(imported)[:2] == ["dense", "threshold"]


@pytest.mark.parametrize("op", ["Log", "Sqrt", "Reciprocal"])
def test_functions_of_positive_numbers(op):
    net = Net([1, 5])
    x = net.node("Add", net.quant(net.input, 0.125, signed=0), net.const(0.125))
    check(net.model(net.quant(net.node(op, x), 0.1, bits=5.0)), grid(RNG, (5,), 10))
    net = Net([1, 5])
    x = net.quant(net.node(op, net.quant(net.input, 0.125)), 0.1)
    if op == "Reciprocal":  # has a value everywhere but at 0, where it is infinite
        assert import_model(net.bytes(x)).graph.nodes
        return
    with pytest.raises(CompileError, match=f"{op} has no value at") as refused:
        import_model(net.bytes(x))
    assert refused.value.code == "E021"


@pytest.mark.parametrize(("op", "code"), [("Log", -8), ("Reciprocal", 7)])
def test_what_is_infinite_saturates(op, code):
    net = Net([1, 1])
    x = net.quant(net.node(op, net.quant(net.input, 0.125, bits=3.0, signed=0)), 0.5)
    imported = import_model(net.bytes(x))
    _, found = outputs(imported, np.zeros((1, 1), np.float32))
    assert found[0].tolist() == [Fraction(code, 2)]


@pytest.mark.parametrize("exponent", [2.0, 3.0, 0.5, 1.7, 0.0])
def test_powers(exponent):
    net = Net([1, 5])
    whole = exponent.is_integer()
    x = net.node("Pow", net.quant(net.input, 0.125, signed=int(whole), bits=6.0), net.const(exponent))
    check(net.model(net.quant(x, 0.21, bits=6.0)), grid(RNG, (5,), 20))


def test_prelu_by_channel_behind_a_convolution():
    net = Net([1, 2, 4, 5])
    x = net.quant(net.input, 0.25, bits=6.0)
    x = net.node("Conv", x, net.const(RNG.integers(-7, 8, (3, 2, 3, 3)) / 8), net.const(RNG.normal(size=3)))
    x = net.node("PRelu", x, net.const([[[0.25]], [[-0.3]], [[0.1]]]))
    imported = check(net.model(net.quant(x, 0.3, bits=5.0)), grid(RNG, (2, 4, 5), 3))
    assert mnemonics(imported) == ["window", "dense", "threshold", "table"]


@pytest.mark.parametrize("kind", ["swish", "hard", "clip", "sum"])
@pytest.mark.parametrize("wide", [False, True])
def test_a_stream_times_a_function_of_itself(kind, wide):
    net = Net([1, 3, 3, 4])
    x = net.quant(net.input, 0.25, bits=6.0)
    if wide:
        x = net.node("Conv", x, net.const(RNG.integers(-99, 100, (3, 3, 1, 1)) / 64))
    if kind == "swish":
        y = net.node("Mul", x, net.node("Sigmoid", net.node("Mul", x, net.const(1.702))))
    elif kind == "hard":
        y = net.node("HardSwish", x)
    elif kind == "clip":
        inner = net.node("Clip", net.node("Add", x, net.const(3.0)), net.const(0.0), net.const(6.0))
        y = net.node("Mul", x, net.node("Div", inner, net.const(6.0)))
    else:
        y = net.node("Add", net.node("Tanh", x), x)
    y = net.quant(net.node("Mul", y, net.const(0.5)), 0.2, bits=6.0)
    check(net.model(net.node("Transpose", y, perm=[0, 2, 3, 1])), grid(RNG, (3, 3, 4), 3))


def test_a_chain_of_functions_and_moves():
    net = Net([1, 4, 2, 3])
    x = net.quant(net.input, 0.25, bits=6.0)
    x = net.node("Relu", net.node("Mul", net.node("Tanh", x), net.const([[[-1.0]], [[2.0]], [[0.5]], [[0.0]]])))
    x = net.node("DepthToSpace", net.node("Sqrt", x), blocksize=2)
    x = net.node("Reshape", x, net.const([1, 24], np.int64))
    check(net.model(net.quant(x, 0.1, bits=5.0)), grid(RNG, (4, 2, 3), 4))


@pytest.mark.parametrize("op", ["Floor", "Ceil", "Round"])
def test_rounding_is_a_quantizer(op):
    net = Net([1, 4])
    x = net.node(op, net.quant(net.input, 0.25, bits=6.0))
    x = net.node("MatMul", x, net.const(np.eye(4)))
    check(net.model(x), grid(RNG, (4,), 20))


def test_qdq_with_a_zero_point():
    net = Net([1, 7], TensorProto.UINT8, name="q")
    x = net.node("DequantizeLinear", net.input, net.const(0.05), net.const(120, np.uint8))
    x = net.node("QuantizeLinear", net.node("Sigmoid", x), net.const(1 / 256), net.const(0, np.uint8))
    samples = np.arange(256).repeat(7)[:252].reshape(-1, 7).astype(np.uint8)
    imported = check(net.model(x, elem=TensorProto.UINT8), samples)
    assert mnemonics(imported) == ["table"]


@pytest.mark.parametrize(("op", "attributes"), [f for f in FUNCTIONS if f[0] not in RUNTIME])
def test_a_runtime_differs_only_where_rounding_explains_it(op, attributes):
    net = Net([1, 64], TensorProto.INT8, opset=20, name="q")
    x = net.node("DequantizeLinear", net.input, net.const(0.04), net.const(3, np.int8))
    x = net.node("QuantizeLinear", net.node(op, x, **attributes), net.const(0.011), net.const(-5, np.int8))
    imported = import_model(net.bytes(x, elem=TensorProto.INT8))
    found = compare(imported, np.arange(-128, 128).reshape(4, 64).astype(np.int8))
    assert found.unexplained == 0 and found.elements == 256, found
    if op not in ("Sign", "ThresholdedRelu"):
        assert found.explained <= 3, found


@pytest.mark.parametrize("op", ["Sigmoid", "Tanh", "Exp", "Erf", "Softplus", "Softsign", "Abs"])
def test_the_host_computes_a_function_at_the_end(op):
    net = Net([1, 3])
    x = net.node("MatMul", net.quant(net.input, 0.25), net.const(np.eye(3)))
    imported = import_model(net.bytes(net.node(op, x)))
    assert imported.boundary["output"]["post"] == [{"kind": op.lower()}]
    assert imported.anchors[-1].tensor == x
    assert compare(imported, grid(RNG, (3,))).unexplained == 0
    stream = {"slot": 8, "lanes": 1, "vector": 3, "vectors": 1, "beats": 3, "tdata": 8}
    spec = {side: dict(imported.boundary[side]) | {"stream": stream} for side in ("input", "output")}
    assert np.isfinite(Boundary(spec).decode(np.array([[-3, 0, 2]]))).all()


def test_a_function_that_is_not_quantized_is_refused():
    net = Net([1, 4])
    x = net.node("Sigmoid", net.quant(net.input, 0.25))
    with pytest.raises(CompileError) as refused:
        import_model(net.bytes(net.node("MatMul", x, net.const(np.eye(4)))))
    assert str(refused.value) == (
        "E039: MatMul follows Sigmoid without a quantizer between\n"
        "  at MatMul node #2 'n7'\n"
        "  hint: quantize the result of Sigmoid"
    )
    with pytest.raises(CompileError, match="E039: output 't9_0' is a function \\(Sigmoid\\) of the last layer"):
        import_model(net.bytes(net.node("Mul", x, net.const(2.0))))
