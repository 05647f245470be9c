"""A model that is being rewritten: its nodes in order, its constants, and the way back to a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper

from ..elem import Elem
from ..loading import OLDEST_OPSET
from ..model import Constant, Model, OnnxNode, Port
from ..registry import QONNX

QUANT_DOMAIN = QONNX[-1]
IR_VERSION = 8
MOVES = ("Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Slice", "Gather", "Split", "DepthToSpace",
         "SpaceToDepth", "Resize", "Upsample", "Expand", "Tile", "Pad")  # fmt: skip
"""Their results hold only elements of the operand (and, padded, zeros)."""


@dataclass
class Network:
    """Nodes, operands first, with one input and one output. All floats are float32 on the way back to a file."""

    nodes: list[OnnxNode]
    constants: dict[str, Constant]
    input: Port
    output: Port
    opsets: Mapping[str, int]
    taken: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, model: Model) -> Network:
        """A copy of a model of one input and one output."""
        nodes, constants = list(model.nodes), dict(model.constants)
        taken = {
            model.inputs[0].name,
            *constants,
            *(o for n in nodes for o in n.outputs),
            *(n.origin.name for n in nodes),
        }
        return cls(nodes, constants, model.inputs[0], model.outputs[0], model.opsets, taken)

    @property
    def opset(self) -> int:
        return self.opsets.get("", OLDEST_OPSET)

    def fresh(self, name: str) -> str:
        """A name that nothing has, made from another."""
        count, wanted = 1, name
        while wanted in self.taken:
            count += 1
            wanted = f"{name}_{count}"
        self.taken.add(wanted)
        return wanted

    def add_constant(self, name: str, array: np.ndarray) -> str:
        """A new constant, float32 where it is of floats; returns its name."""
        own = self.fresh(name)
        self.constants[own] = Constant.of(array.astype(np.float32) if array.dtype.kind == "f" else array)
        return own

    def makers(self) -> dict[str, OnnxNode]:
        """The node that defines each tensor."""
        return {o: n for n in self.nodes for o in n.outputs if o}

    def users(self) -> dict[str, list[OnnxNode]]:
        """The nodes that read each tensor."""
        users: dict[str, list[OnnxNode]] = {}
        for node in self.nodes:
            for name in dict.fromkeys(filter(None, node.inputs)):
                users.setdefault(name, []).append(node)
        return users

    def last_uses(self) -> dict[str, list[str]]:
        """The tensors that nothing needs after a node, by the node's first result."""
        last: dict[str, str] = {}
        for node in self.nodes:
            last.update({i: node.outputs[0] for i in node.inputs if i})
            last.update({o: node.outputs[0] for o in node.outputs if o})
        found: dict[str, list[str]] = {}
        for name, node in last.items():
            if name != self.output.name:
                found.setdefault(node, []).append(name)
        return found

    def needed(self) -> None:
        """Drop nodes and constants that the output does not need."""
        wanted, kept = {self.output.name}, list[OnnxNode]()
        for node in reversed(self.nodes):
            if wanted & set(node.outputs):
                wanted.update(node.inputs)
                kept.append(node)
        self.nodes = kept[::-1]
        self.constants = {k: v for k, v in self.constants.items() if k in wanted}

    def as_bytes(self) -> bytes:
        """The ONNX file."""
        protos = [node_proto(n) for n in self.nodes]
        used = {n.domain for n in self.nodes if n.domain}
        opsets = [helper.make_opsetid("", self.opset)]
        opsets += [helper.make_opsetid(d, self.opsets.get(d, 1)) for d in sorted(used)]
        ports = [helper.make_tensor_value_info(p.name, _code(p.elem), p.shape) for p in (self.input, self.output)]
        tensors = [_tensor(name, value) for name, value in self.constants.items()]
        graph = helper.make_graph(protos, "quantized", ports[:1], ports[1:], tensors)
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="bitwright")
        return model.SerializeToString(deterministic=True)


def node_proto(node: OnnxNode) -> NodeProto:
    """The node as onnx has it; attributes that are empty lists are left out."""
    attributes = {k: _attribute(v) for k, v in node.attributes.items() if v != ()}
    return helper.make_node(node.op_type, node.inputs, node.outputs, node.origin.name, domain=node.domain, **attributes)


def label(node: OnnxNode) -> str:
    """What a node is called in options and reports: its name, else that of its result."""
    return node.origin.name or node.outputs[0]


def names_of(nodes: Iterable[OnnxNode]) -> set[str]:
    """All that the nodes may be called in options."""
    return {name for n in nodes for name in (n.origin.name, *n.outputs) if name}


def _attribute(value: Any) -> Any:
    return _tensor("", value) if isinstance(value, Constant) else value


def _code(elem: Elem) -> int:
    return TensorProto.FLOAT if elem.is_float else elem.code


def _tensor(name: str, value: Constant) -> TensorProto:
    if value.elem.is_float:
        return numpy_helper.from_array(value.array.astype(np.float32), name)
    if value.elem.label.endswith("int4"):
        return helper.make_tensor(name, value.elem.code, value.array.shape, value.array.reshape(-1).tolist())
    return numpy_helper.from_array(value.array, name)
