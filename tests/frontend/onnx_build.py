"""Small ONNX models, built node by node."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

QONNX = "qonnx.custom_op.general"


class Net:
    """Nodes, initialisers and one input; every call returns the name of the tensor that it makes."""

    def __init__(self, shape, elem=TensorProto.FLOAT, opset=13, name="x"):
        self.nodes, self.initializers, self.count, self.opset, self.ports = [], [], 0, opset, [(name, elem, shape)]
        self.input = name

    def const(self, value, dtype=np.float32, elem=None):
        self.count += 1
        name = f"c{self.count}"
        if elem is not None:
            tensor = helper.make_tensor(name, elem, np.shape(value), np.ravel(value).tolist())
        else:
            tensor = numpy_helper.from_array(np.asarray(value, dtype), name)
        self.initializers.append(tensor)
        return name

    def node(self, op_type, *inputs, domain="", outputs=1, **attributes):
        self.count += 1
        names = [f"t{self.count}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op_type, inputs, names, f"n{self.count}", domain=domain, **attributes))
        return names[0] if outputs == 1 else names

    def quant(self, x, scale, zero=0.0, bits=4.0, signed=1, narrow=0, rounding_mode="ROUND", domain=QONNX):
        operands = (x, self.const(scale), self.const(zero), self.const(bits))
        return self.node("Quant", *operands, domain=domain, signed=signed, narrow=narrow, rounding_mode=rounding_mode)

    def qdq_weight(self, codes, scale, zero=None, axis=0, dtype=np.int8):
        zeros = () if zero is None else (self.const(zero, dtype),)
        return self.node("DequantizeLinear", self.const(codes, dtype), self.const(scale), *zeros, axis=axis)

    def model(self, output, shape=None, elem=TensorProto.FLOAT):
        inputs = [helper.make_tensor_value_info(n, e, s) for n, e, s in self.ports]
        outputs = [helper.make_tensor_value_info(output, elem, shape)]
        graph = helper.make_graph(self.nodes, "g", inputs, outputs, self.initializers)
        domains = {n.domain for n in self.nodes if n.domain}
        opsets = [helper.make_opsetid("", self.opset), *(helper.make_opsetid(d, 1) for d in sorted(domains))]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)

    def bytes(self, output, shape=None, elem=TensorProto.FLOAT):
        return self.model(output, shape, elem).SerializeToString()
