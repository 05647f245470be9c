"""The network IR: an immutable, topologically ordered list of operations on named integer values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..errors import CompileError, Origin
from .op import Codes, Op
from .types import TensorType


@dataclass(frozen=True, slots=True)
class Node:
    """One operation. `name` is the value that it defines, `origin` the ONNX nodes that it came from."""

    name: str
    op: Op
    inputs: tuple[str, ...]
    type: TensorType
    origin: tuple[Origin, ...] = ()

    @property
    def input(self) -> str:
        """The only operand, of an operator of one."""
        (name,) = self.inputs
        return name


@dataclass(frozen=True)
class Graph:
    """Inputs with their types, nodes in topological order, and the names of the values that leave."""

    inputs: Mapping[str, TensorType]
    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]
    types: Mapping[str, TensorType] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "types", dict(self.inputs) | {n.name: n.type for n in self.nodes})

    def users(self, value: str) -> tuple[Node, ...]:
        return tuple(n for n in self.nodes if value in n.inputs)

    def with_nodes(self, nodes: tuple[Node, ...], outputs: tuple[str, ...] | None = None) -> Graph:
        """The graph with other nodes, their types inferred anew from the inputs'."""
        types, typed = dict(self.inputs), []
        for n in nodes:
            types[n.name] = n.op.infer(*(types[i] for i in n.inputs))
            typed.append(replace(n, type=types[n.name]))
        return Graph(self.inputs, tuple(typed), self.outputs if outputs is None else outputs)


def verify(graph: Graph) -> None:
    """Raise CompileError unless the graph is well formed. Runs after every pass."""
    known = dict(graph.inputs)
    for node in graph.nodes:
        origin = node.origin[0] if node.origin else None
        if node.name in known:
            raise CompileError("E101", f"value '{node.name}' is defined twice", origin=origin)
        for name in node.inputs:
            if name not in known:
                raise CompileError("E102", f"'{node.name}' uses '{name}' before it is defined", origin=origin)
        inferred = node.op.infer(*(known[i] for i in node.inputs))
        if inferred != node.type:
            message = f"'{node.name}' claims {node.type}, but its operands give {inferred}"
            raise CompileError("E103", message, origin=origin)
        known[node.name] = node.type
    for name in graph.outputs:
        if name not in known:
            raise CompileError("E102", f"output '{name}' is not defined")


def evaluate(graph: Graph, feeds: Mapping[str, Codes]) -> dict[str, Codes]:
    """Every value of the graph for a batch of frames; `feeds` holds the inputs, shape (frames, *shape)."""
    values = dict(feeds)
    for node in graph.nodes:
        values[node.name] = node.op.evaluate(*(values[i] for i in node.inputs))
    return values
