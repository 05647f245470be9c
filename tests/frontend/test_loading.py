"""Model files that are broken or hostile: each is refused in one line that says why."""

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from bitwright.errors import CompileError
from bitwright.frontend.reader import import_model, load
from tests.frontend.onnx_build import QONNX, Net


def small():
    net = Net([1, 3])
    x = net.quant(net.input, 0.5)
    return net.model(net.node("MatMul", x, net.const(np.eye(3)))), net


def refused(source):
    with pytest.raises(CompileError) as error:
        load(source)
    return str(error.value)


def test_a_good_file():
    model = load(small()[0].SerializeToString())
    assert [n.op_type for n in model.nodes] == ["Quant", "MatMul"]
    assert len(model.sha256) == 64 and model.opset == 13


def test_unreadable_files(tmp_path):
    assert refused(tmp_path / "none.onnx").endswith("none.onnx' cannot be read: No such file or directory")
    assert refused(tmp_path).startswith("E001: ")
    assert refused("a\0b").startswith("E001: ")
    assert refused(b"\x89PNG not a model").startswith("E002: this is not an ONNX file")
    assert refused(b"") == "E002: this is not an ONNX file: it has no graph"


@given(st.data())
def test_no_damage_to_the_bytes_ends_in_a_traceback(data):
    content = bytearray(small()[0].SerializeToString())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    for attempt in (bytes(content), bytes(content[:cut])):
        try:
            import_model(attempt)
        except CompileError as error:
            assert error.code < "E100", error


def test_defined_twice():
    model, _ = small()
    model.graph.node.append(model.graph.node[0])
    assert refused(model.SerializeToString()) == "E006: tensor 't4_0' is defined twice\n  at Quant node #2 'n4'"
    model, _ = small()
    model.graph.initializer.append(model.graph.initializer[0])
    assert refused(model.SerializeToString()) == "E006: tensor 'c1' is defined twice"
    model, _ = small()
    model.graph.input.append(model.graph.input[0])
    assert refused(model.SerializeToString()) == "E006: input 'x' is defined twice"


def test_missing_initialiser():
    model, _ = small()
    del model.graph.initializer[-1]
    assert refused(model.SerializeToString()) == (
        "E007: tensor 'c5' is used, but never defined\n  at MatMul node #1 'n6'\n"
        "  hint: an initialiser may be missing from the file"
    )
    model, _ = small()
    model.graph.output[0].name = "nowhere"
    assert refused(model.SerializeToString()) == "E007: output 'nowhere' is not defined by any node"


def test_cycle():
    model, net = small()
    model.graph.node[0].input[0] = model.graph.node[1].output[0]
    assert refused(model.SerializeToString()).startswith("E008: the graph has a cycle through this node")
    del net


def test_nodes_in_any_order_and_deep_graphs():
    net = Net([1, 3])
    x = net.quant(net.input, 0.5)
    for _ in range(3000):
        x = net.node("Neg", x)
    model = net.model(x)
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(reversed(nodes))
    assert len(load(model.SerializeToString()).nodes) == 3001


def test_initialisers_that_are_inputs_too():
    model, net = small()
    for tensor in model.graph.initializer:
        model.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    assert import_model(model.SerializeToString()).boundary["input"]["name"] == "x"
    del net


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers(value):
    model, _ = small()
    weights = np.eye(3, dtype=np.float32)
    weights[1, 1] = value
    model.graph.initializer[-1].CopyFrom(numpy_helper.from_array(weights, "c5"))
    assert refused(model.SerializeToString()) == "E009: tensor 'c5' holds NaN or infinity"


def test_tensors_that_lie_about_their_size():
    model, _ = small()
    model.graph.initializer[-1].dims[:] = [3, 4]
    assert refused(model.SerializeToString()).startswith("E012: tensor 'c5' cannot be read: ")
    model.graph.initializer[-1].dims[:] = [1 << 20, 1 << 20]
    limit = "E004: tensor 'c5' has 1,099,511,627,776 elements; the limit is 268,435,456"
    assert refused(model.SerializeToString()) == limit
    model.graph.initializer[-1].dims[:] = [-3, 3]
    assert refused(model.SerializeToString()) == "E010: tensor 'c5' has a negative dimension: [-3, 3]"


def test_memory_is_not_spent_on_constants_that_a_node_asks_for():
    net = Net([1, 3])
    huge = net.node("ConstantOfShape", net.const([1 << 20, 1 << 20], np.int64))
    with pytest.raises(CompileError, match="E004: the result has 1,099,511,627,776 elements"):
        import_model(net.bytes(net.node("Add", net.input, huge)))


def test_element_types_that_are_not_known():
    model, _ = small()
    model.graph.initializer[-1].data_type = TensorProto.FLOAT8E4M3FN
    text = "E016: tensor 'c5' has the element type FLOAT8E4M3FN, which is not supported"
    assert refused(model.SerializeToString()) == text
    model.graph.initializer[-1].data_type = 999
    assert refused(model.SerializeToString()).startswith("E016: tensor 'c5' has the element type number 999")


def test_opsets():
    model, _ = small()
    model.opset_import[0].version = 5
    assert refused(model.SerializeToString()) == (
        "E003: opset 5 is not supported; versions 7 to 27 are\n  hint: convert the model with onnx.version_converter"
    )


def test_attributes_of_the_wrong_type():
    net = Net([1, 3])
    operands = (net.input, net.const(1.0), net.const(0.0), net.const(4.0))
    x = net.node("Quant", *operands, domain=QONNX, signed=1.5)
    with pytest.raises(CompileError) as error:
        import_model(net.bytes(x))
    assert str(error.value) == "E013: attribute 'signed' should be int, not float\n  at Quant node #0 'n4'"


def external(tmp_path, location, length=None):
    model, _ = small()
    tensor = model.graph.initializer[-1]
    data = tensor.raw_data
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entries = {"location": location, "offset": "4", "length": str(len(data) if length is None else length)}
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=value)
    path = tmp_path / "model" / "m.onnx"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(model.SerializeToString())
    return path, b"skip" + data


def test_external_data(tmp_path):
    path, data = external(tmp_path, "weights/w.bin")
    (path.parent / "weights").mkdir()
    (path.parent / "weights" / "w.bin").write_bytes(data)
    assert import_model(path).graph.nodes[0].op.weight.tolist() == np.eye(3).tolist()
    assert refused(path.read_bytes()).startswith("E005: tensor 'c5' lies in another file, but")


@pytest.mark.parametrize("location", ["../w.bin", "/etc/passwd", "a/../w.bin", "", "a//b", "./w.bin", "a\\b", "a\0b"])
def test_external_data_outside_the_folder(tmp_path, location):
    path, data = external(tmp_path, location)
    (tmp_path / "w.bin").write_bytes(data)
    assert "is not a plain relative path" in refused(path)


def test_external_data_behind_links_and_devices(tmp_path):
    path, data = external(tmp_path, "w.bin")
    (tmp_path / "real.bin").write_bytes(data)
    (path.parent / "w.bin").symlink_to(tmp_path / "real.bin")
    assert refused(path) == "E005: tensor 'c5': 'w.bin' goes through a symbolic link"
    (path.parent / "w.bin").unlink()
    os.mkfifo(path.parent / "w.bin")
    assert refused(path) == "E005: tensor 'c5': 'w.bin' is not a regular file"
    (path.parent / "w.bin").unlink()
    assert refused(path) == "E005: tensor 'c5': file 'w.bin' cannot be read"
    (path.parent / "w.bin").write_bytes(data[:-1])
    assert refused(path) == "E005: tensor 'c5': file 'w.bin' is shorter than 40 bytes"
    path, _ = external(tmp_path, "w.bin", 1 << 40)
    assert refused(path) == "E005: tensor 'c5' needs 36 bytes, but names 1099511627776 at 4"


def refusal(net, output):
    with pytest.raises(CompileError) as error:
        import_model(net.bytes(output))
    return str(error.value).splitlines()[0]


def test_nodes_that_are_not_as_their_definition():
    net = Net([1, 3])
    assert refusal(net, net.node("Relu", net.input, net.const(1.0))) == (
        "E013: Relu has 2 operands; in opset 13 it has 1"
    )
    net = Net([1, 3])
    assert refusal(net, net.node("Add", net.input)) == "E013: Add has 1 operands; in opset 13 it has 2"
    net = Net([1, 3])
    assert refusal(net, net.node("Relu", net.input, alpha=0.1)) == "E013: Relu has no attribute 'alpha' in opset 13"
    net = Net([1, 3])
    assert refusal(net, net.node("Concat", net.input)) == "E013: attribute 'axis' is missing"
    net = Net([1, 3])
    operands = (net.input, net.const(1.0), net.const(0.0), net.const(4.0))
    assert refusal(net, net.node("Quant", *operands, domain=QONNX, signed=1)) == "E013: attribute 'narrow' is missing"


def test_operands_of_types_that_do_not_fit():
    net = Net([1, 3])
    assert refusal(net, net.node("Add", net.input, net.const(1.0, np.float64))) == (
        "E016: operands of Add are float32 and float64; they must be of one type"
    )
    net = Net([1, 3])
    assert refusal(net, net.node("DequantizeLinear", net.input, net.const(1.0))) == (
        "E016: operand 0 of DequantizeLinear is float32, which it may not be in opset 13"
    )
    net = Net([1, 3])
    x = net.node("QuantizeLinear", net.input, net.const(1.0), net.const(0, np.int8))
    assert refusal(net, x) == f"E016: output '{x}' is declared as float32, but is int8"
