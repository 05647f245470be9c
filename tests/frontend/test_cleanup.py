"""Files as exporters leave them: open shapes, functions, conditionals, dead code. What is read means what the file means."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from bitwright.errors import CompileError
from bitwright.frontend.compare import compare
from bitwright.frontend.input_shape import parse_shapes
from bitwright.frontend.reader import import_model, load
from tests.frontend.onnx_build import Net
from tests.frontend.onnx_check import grid, outputs

RNG = np.random.default_rng(31)


def same(model, plain, samples):
    """The two models are one network; and the runtime agrees with the first."""
    a, b = (import_model(m.SerializeToString()) for m in (model, plain))
    assert outputs(a, samples)[1].tolist() == outputs(b, samples)[1].tolist()
    assert [n.op.mnemonic for n in a.graph.nodes] == [n.op.mnemonic for n in b.graph.nodes]
    assert compare(a, samples).unexplained == 0
    return a


def open_net(dims=("N", 2, "H", "W")):
    net = Net(list(dims), name="image")
    x = net.node("Conv", net.quant(net.input, 0.25), net.const(RNG.integers(-3, 4, (3, 2, 3, 3))))
    return net, net.node("GlobalAveragePool", x)


def test_open_axes_are_closed():
    net, y = open_net()
    with pytest.raises(CompileError) as refused:
        import_model(net.bytes(y))
    assert str(refused.value) == (
        "E010: axis 2 of input 'image' is symbolic; only the batch axis may vary\n"
        "  hint: say its shape, as in --shape image=1,2,32,32"
    )
    imported = import_model(net.bytes(y), shapes=parse_shapes(["image=1,2,5,6"]))
    assert imported.boundary["input"]["shape"] == [2, 5, 6]
    assert compare(imported, grid(RNG, (2, 5, 6))).unexplained == 0


def test_another_batch():
    net, y = open_net((8, 2, 5, 6))
    imported = import_model(net.bytes(y), shapes=parse_shapes(["image=1x2x5x6"]))
    assert compare(imported, grid(RNG, (2, 5, 6))).unexplained == 0


def test_an_input_without_a_shape():
    net, y = open_net()
    model = net.model(y)
    model.graph.input[0].type.tensor_type.ClearField("shape")
    imported = import_model(model.SerializeToString(), shapes={"image": (1, 2, 5, 6)})
    assert imported.boundary["input"]["shape"] == [2, 5, 6]


@pytest.mark.parametrize(("text", "message"), [
    ("image", "'image' is no shape of an input"),
    ("image=1,0,2,2", "'image=1,0,2,2' is no shape of an input"),
    ("image=1,2,-3,4", "'image=1,2,-3,4' is no shape of an input"),
    ("image=1,2,99999999999,4", "'image=1,2,99999999999,4' is no shape of an input"),
    ("picture=1,2,3,4", "the model has no input 'picture'"),
    ("image=1,2,3", "input 'image' has the shape ['?', 2, '?', '?'] in the file, which [1, 2, 3] contradicts"),
    ("image=1,3,3,4", "input 'image' has the shape ['?', 2, '?', '?'] in the file, which [1, 3, 3, 4] contradicts"),
])  # fmt: skip
def test_shapes_that_do_not_fit(text, message):
    net, y = open_net()
    with pytest.raises(CompileError) as refused:
        import_model(net.bytes(y), shapes=parse_shapes([text]))
    assert (refused.value.code, refused.value.message) == ("E041", message)


def test_a_huge_shape_is_refused():
    net, y = open_net()
    with pytest.raises(CompileError, match="E004: input 'image' has 2,000,000,000,000 elements a frame"):
        import_model(net.bytes(y), shapes=parse_shapes(["image=1,2,1000000,1000000"]))


# Functions.


def function(name, inputs, outputs, nodes, attributes=(), defaults=(), opset=13):
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("my.domain", 1)]
    return helper.make_function("my.domain", name, inputs, outputs, nodes, opsets, list(attributes), list(defaults))


def reference(alpha=1.5):
    net = Net([1, 4])
    x = net.quant(net.input, 0.25)
    for _ in range(2):
        x = net.node("Relu", net.node("Add", net.node("Mul", x, net.const(alpha)), net.const(0.5)))
    return net.model(net.quant(x, 0.5))


def affine(attribute):
    """y = Relu(alpha · x + 0.5) with the attribute `alpha`; the constant's name is one of the outer graph's as well."""
    alpha = helper.make_node("Constant", [], ["c1"])
    alpha.attribute.add(name="value_float", ref_attr_name="alpha", type=1)
    half = helper.make_node("Constant", [], ["half"], value_float=0.5)
    rest = (("Mul", ["x", "c1"], ["m"]), ("Add", ["m", "half"], ["s"]), ("Relu", ["s"], ["y"]))
    nodes = [alpha, half, *(helper.make_node(*n) for n in rest)]
    given = {"attributes": ["alpha"]} if attribute else {"defaults": [helper.make_attribute("alpha", 1.5)]}
    return function("Affine", ["x"], ["y"], nodes, **given)


@pytest.mark.parametrize("given", [False, True])
def test_functions(given):
    """Called twice; with an attribute, or its default."""
    net = Net([1, 4])
    x = net.quant(net.input, 0.25)
    for _ in range(2):
        x = net.node("Affine", x, domain="my.domain", **({"alpha": 1.5} if given else {}))
    model = net.model(net.quant(x, 0.5))
    model.functions.append(affine(given))
    imported = same(model, reference(), grid(RNG, (4,)))
    assert {o.index for n in imported.graph.nodes for o in n.origin} <= {0, 1, 2, 3}


def test_functions_that_call_functions():
    twice = [
        helper.make_node("Affine", ["a"], ["m"], domain="my.domain"),
        helper.make_node("Affine", ["m"], ["b"], domain="my.domain"),
    ]
    net = Net([1, 4])
    x = net.node("Twice", net.quant(net.input, 0.25), domain="my.domain")
    model = net.model(net.quant(x, 0.5))
    model.functions.extend([function("Twice", ["a"], ["b"], twice), affine(False)])
    same(model, reference(), grid(RNG, (4,)))


def calls(functions, opset=13):
    net = Net([1, 4], opset=opset)
    model = net.model(net.node("F0", net.input, domain="my.domain"))
    model.functions.extend(functions)
    return model.SerializeToString()


def test_functions_without_end():
    recursive = function("F0", ["a"], ["b"], [helper.make_node("F0", ["a"], ["b"], domain="my.domain")])
    with pytest.raises(CompileError, match="E004: functions call each other more than 64 levels deep"):
        import_model(calls([recursive]))
    chain = [function(f"F{i}", ["a"], ["b"], [
        helper.make_node(f"F{i + 1}", ["a"], ["m"], domain="my.domain"),
        helper.make_node(f"F{i + 1}", ["m"], ["b"], domain="my.domain"),
    ]) for i in range(40)]  # fmt: skip
    chain.append(function("F40", ["a"], ["b"], [helper.make_node("Relu", ["a"], ["b"])]))
    with pytest.raises(CompileError, match="E004: the graph has more than 100,000 nodes, its functions counted in"):
        import_model(calls(chain))


def test_functions_that_are_not_clear():
    body = [helper.make_node("Relu", ["a"], ["b"])]
    with pytest.raises(CompileError, match="E006: function 'F0' is defined twice"):
        import_model(calls([function("F0", ["a"], ["b"], body), function("F0", ["a"], ["b"], body)]))
    with pytest.raises(CompileError, match="E003: function 'F0' is of opset 13, but the model of opset 17"):
        import_model(calls([function("F0", ["a"], ["b"], body)], opset=17))


# Conditionals.


def branches(scale):
    """Two branches that capture the outer tensor: x + 1, and x times a factor."""

    def graph(op, name, value):
        results = [helper.make_tensor_value_info("result_" + name, TensorProto.FLOAT, None)]
        node = helper.make_node(op, ["captured", name], ["result_" + name])
        return helper.make_graph([node], name, [], results, [numpy_helper.from_array(np.float32(value), name)])

    return {"then_branch": graph("Add", "one", 1.0), "else_branch": graph("Mul", "factor", scale)}


@pytest.mark.parametrize("taken", [True, False])
@pytest.mark.parametrize("custom", [True, False])
def test_a_conditional_on_a_shape(taken, custom):
    """As exporters write squeezes: the number of axes decides. Read node by node, and as a whole."""

    def net():
        net = Net([1, 4], opset=13)
        if custom:
            return net, net.quant(net.input, 0.25)
        x = net.node("QuantizeLinear", net.input, net.const(0.25), net.const(0, np.int8))
        return net, net.node("DequantizeLinear", x, net.const(0.25), net.const(0, np.int8))

    first, x = net()
    first.nodes[-1].output[0] = "captured"
    size = first.node("Gather", first.node("Shape", "captured"), first.const(1, np.int64))
    condition = first.node("Equal", size, first.const(4 if taken else 3, np.int64))
    y = first.node("If", condition, **branches(3.0))
    model = first.model(first.node("Relu", y))
    second, x = net()
    y = second.node("Add", x, second.const(1.0)) if taken else second.node("Mul", x, second.const(3.0))
    same(model, second.model(second.node("Relu", y)), grid(RNG, (4,)))


def test_a_conditional_on_the_data_is_refused():
    net = Net([1, 4], TensorProto.BOOL, name="flag")
    model = net.model(net.node("If", net.input, **branches(2.0)))
    model.graph.input[0].type.CopyFrom(helper.make_tensor_type_proto(TensorProto.INT8, [1, 1]))
    with pytest.raises(CompileError) as refused:
        import_model(model.SerializeToString())
    assert refused.value.code in ("E016", "E021")


def test_loops_are_refused():
    net = Net([1, 4])
    with pytest.raises(CompileError, match=r"E020: .*Loop \(how often it runs is not fixed in the file\)"):
        import_model(net.bytes(net.node("Loop", "", "", net.input, body=branches(1.0)["then_branch"])))


# Dead code.


def test_what_the_output_does_not_need_is_left_out():
    """Even operators that nobody knows, and tensors of types that nobody reads, if nothing depends on them."""
    net = Net([1, 4])
    x = net.quant(net.input, 0.25)
    net.node("Unknown", x, domain="my.domain")
    net.node("Mul", x, x)
    y = net.node("MatMul", x, net.const(np.eye(4)))
    imported = import_model(net.bytes(y))
    assert [n.op.mnemonic for n in imported.graph.nodes] == ["dense"]
    assert len(load(net.bytes(y)).nodes) == 2


def test_outputs_that_are_constants_are_left_out():
    """Exporters of quantized tensors list the scale and the width of the result beside it, in any order."""
    net = Net([1, 4])
    y = net.quant(net.node("MatMul", net.quant(net.input, 0.25), net.const(RNG.integers(-3, 4, (4, 3)))), 0.5, bits=6.0)
    plain = net.model(y)
    model = net.model(y)
    scale, width = net.const(0.5), net.node("Constant", value_float=6.0)
    model.graph.initializer.append(net.initializers[-1])
    model.graph.node.append(net.nodes[-1])
    ports = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ()) for n in (scale, width)]
    model.graph.output.insert(0, ports[0])
    model.graph.output.append(ports[1])
    same(model, plain, grid(RNG, (4,)))
    del model.graph.output[1]
    with pytest.raises(CompileError, match="E014: the model has 2 outputs"):
        import_model(model.SerializeToString())
