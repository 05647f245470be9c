"""Where a float network gets its quantizers: as few as the layers need, each behind the ReLU or Clip of its layer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ...errors import CompileError, quoted
from ..model import OnnxNode
from ..rules.functions import DEFINITIONS
from ..rules.host import HOST_FUNCTIONS
from .network import MOVES, Network, names_of
from .prepare import LAYERS

LIMITS = ("Relu", "Clip", "Max", "Min")
AFFINE = ("BatchNormalization", "Neg", "Add", "Sub", "Mul", "Div", "Pow")
JOINS = ("Add", "Sub", "Mul")
PICKS = (*MOVES, "MaxPool", "GlobalMaxPool", "ReduceMax", "ReduceMin", "Cast", "Identity", "Dropout")
"""Their results are elements of their operand: they do to codes what they do to values."""
HOST = ("Softmax", "ArgMax", "TopK")
GIVEN = ("Quant", "IntQuant", "BipolarQuant", "Trunc", "MultiThreshold", "QuantizeLinear", "DequantizeLinear")
FUNCTIONS = (*DEFINITIONS, "PRelu")


@dataclass
class Plan:
    """Tensors to quantise, in the order of the network, and which of them share."""

    tensors: list[str] = field(default_factory=list[str])
    alike: dict[str, str] = field(default_factory=dict[str, str])
    """Tensors that meet in a Concat have one scale: each names another, up to one that stands for all."""
    related: dict[str, str] = field(default_factory=dict[str, str])
    """Likewise of tensors that meet in a sum: their scales differ by powers of two, so that the sum needs no multiplier."""
    layers: list[OnnxNode] = field(default_factory=list[OnnxNode])
    """Layers with float weights."""

    def group(self, tensor: str) -> str:
        return _root(self.alike, tensor)

    def family(self, tensor: str) -> str:
        return _root(self.related, self.group(tensor))


def _root(parents: dict[str, str], name: str) -> str:
    while parents.get(name, name) != name:
        name = parents[name]
    return name


class Planner:
    """Walks through a network once. `typed`: the input has a type already."""

    def __init__(self, network: Network, dependent: Iterable[str], *, typed: bool) -> None:
        self.network, self.dependent, self.typed = network, set(dependent), typed
        self.makers, self.users = network.makers(), network.users()
        self.plan = Plan()

    def run(self) -> Plan:
        """Raises CompileError E064 where given quantizers and new ones cannot be joined."""
        for node in self.network.nodes:
            if any(i in self.dependent for i in node.inputs):
                self._visit(node)
        output = self.network.output.name
        if self._curved(output) and not self._on_host(output):
            self._demand(output)
        order = [self.network.input.name, *(o for n in self.network.nodes for o in n.outputs)]
        self.plan.tensors.sort(key=order.index)
        return self.plan

    def source(self, tensor: str) -> str | None:
        """The quantised tensor whose codes a tensor of codes has; None if they are the model's own."""
        while tensor not in self.plan.tensors:
            node = self.makers.get(tensor)
            if node is None or node.op_type not in (*PICKS, "Concat"):
                return None
            tensor = node.inputs[0]
        return tensor

    def chain(self, tensor: str) -> list[OnnxNode]:
        """The node whose result a quantised tensor is, and what changes it on the way; nothing for the input."""
        found: list[OnnxNode] = []
        node = self.makers.get(tensor)
        while node is not None:
            found.append(node)
            if not self._elementwise(node) or node.inputs[self._stream(node)] in self.plan.tensors:
                break
            node = self.makers.get(node.inputs[self._stream(node)])
        return found[::-1]

    def _visit(self, node: OnnxNode) -> None:
        streams = [i for i in node.inputs if i in self.dependent]
        kind, single = node.op_type, len(streams) == 1
        if kind in LAYERS and single and node.inputs[0] == streams[0]:
            self._demand(streams[0])
            self.plan.layers.append(node)
        elif kind == "Concat":
            self._join_codes(node, streams)
        elif kind in JOINS and not single:
            self._join(node, streams)
        elif kind in FUNCTIONS:
            if node.outputs[0] != self.network.output.name or kind not in HOST_FUNCTIONS:
                self._demand(streams[0])
        elif kind in (*PICKS, *HOST):
            if self._curved(streams[0]):
                self._demand(streams[0])
        elif kind not in (*LIMITS, *AFFINE, *GIVEN):
            for tensor in streams:
                self._demand(tensor)

    def _join(self, node: OnnxNode, streams: list[str]) -> None:
        a, b = streams
        joint = self._base(a) == self._base(b) and (self._curved(a) or self._curved(b))
        if joint and node.op_type in ("Add", "Mul"):
            return  # two functions of one tensor, as x · sigmoid(x): one function
        for tensor in streams:
            self._demand(tensor)
        first, second = self.source(a), self.source(b)
        if node.op_type in ("Add", "Sub") and first is not None and second is not None:
            self.plan.related[self.plan.family(first)] = self.plan.family(second)

    def _join_codes(self, node: OnnxNode, streams: list[str]) -> None:
        if all(self._codes(t) and self.source(t) is None for t in streams):
            return
        for tensor in streams:
            self._demand(tensor)
        sources = [self.source(t) for t in streams]
        for tensor, source in zip(streams, sources):
            if source is None:
                message = f"{quoted(tensor)} has a type of its own, which what it is joined with does not have"
                hint = "quantize all that meets in the Concat, or nothing of it"
                raise CompileError("E064", message, origin=node.origin, hint=hint)
        first = sources[0]
        assert first is not None
        for other in sources[1:]:
            assert other is not None
            one, two = self.plan.group(first), self.plan.group(other)
            families = self.plan.family(first), self.plan.family(other)
            self.plan.alike[one] = two
            self.plan.related[families[0]] = families[1]

    def _demand(self, tensor: str) -> None:
        """Quantise the tensor, or what it is made of by moves, unless it consists of codes already."""
        while not self._codes(tensor):
            node = self.makers.get(tensor)
            if node is None or node.op_type not in PICKS:
                self.plan.tensors.append(tensor)
                return
            tensor = node.inputs[0]

    def _codes(self, tensor: str) -> bool:
        while tensor not in self.plan.tensors:
            node = self.makers.get(tensor)
            if node is None:
                return self.typed
            if node.op_type not in PICKS:
                return node.op_type in GIVEN or node.op_type == "Concat"
            tensor = node.inputs[0]
        return True

    def _elementwise(self, node: OnnxNode) -> bool:
        if sum(i in self.dependent for i in node.inputs) != 1:
            return False
        return node.op_type in (*LIMITS, *AFFINE, *FUNCTIONS)

    def _stream(self, node: OnnxNode) -> int:
        return next(k for k, i in enumerate(node.inputs) if i in self.dependent)

    def _base(self, tensor: str) -> str:
        """The tensor of codes that this one is a function of, element by element."""
        while not self._codes(tensor):
            node = self.makers.get(tensor)
            if node is None or not self._elementwise(node):
                break
            tensor = node.inputs[self._stream(node)]
        return tensor

    def _curved(self, tensor: str) -> bool:
        """Whether a function is behind the tensor that no quantizer follows yet."""
        while not self._codes(tensor):
            node = self.makers.get(tensor)
            if node is None:
                return False
            if node.op_type in FUNCTIONS:
                return True
            streams = [i for i in node.inputs if i in self.dependent]
            if node.op_type in JOINS and len(streams) == 2:
                return self._base(streams[0]) == self._base(streams[1]) and any(self._curved(t) for t in streams)
            if not self._elementwise(node):
                return False
            tensor = node.inputs[self._stream(node)]
        return False

    def _on_host(self, output: str) -> bool:
        """Whether the host can compute the function at the end."""
        node = self.makers[output]
        return node.op_type in HOST_FUNCTIONS and not self._curved(node.inputs[0])


def names_at(planner: Planner, tensor: str) -> set[str]:
    """What the quantizer of a tensor may be called in options."""
    return names_of(planner.chain(tensor)) | {tensor}
