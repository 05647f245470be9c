"""The graph as a chain of layers: a dense layer (or the stream itself) and the elementwise operators behind it."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

from ..errors import CompileError
from ..ir.graph import Graph, Node
from ..ir.types import TensorType
from ..ops.dense import Dense
from ..ops.reshape import Reshape
from ..ops.xnor import Xnor


@dataclass(frozen=True, slots=True)
class Layer:
    """One credit domain. `head` is its matrix-vector unit, or None where the operators work on the stream as it is.

    `x` is the type that it consumes, as its first node sees it; `y` the type of `value`, which leaves it.
    """

    head: Node | None
    tail: tuple[Node, ...]
    x: TensorType
    y: TensorType
    value: str

    @property
    def nodes(self) -> tuple[Node, ...]:
        return ((self.head,) if self.head else ()) + self.tail

    @property
    def rows(self) -> int:
        return self.y.vector

    @property
    def columns(self) -> int:
        return self.x.vector

    @property
    def vectors(self) -> int:
        """Vectors that the layer consumes in a frame."""
        return self.x.size // self.x.vector

    @property
    def macs(self) -> int:
        """Multiply-accumulates a frame."""
        if self.head is None:
            return 0
        assert isinstance(self.head.op, Dense | Xnor)
        return self.head.op.weight.size * self.vectors

    @property
    def bipolar(self) -> bool:
        return self.head is not None and isinstance(self.head.op, Xnor)


def split(graph: Graph) -> list[Layer]:
    """The layers in dataflow order. Raises CompileError E301 where the graph is not a chain."""
    _check_chain(graph)
    (source,) = graph.inputs
    layers: list[Layer] = []
    group: list[Node] = []
    x = here = graph.inputs[source]
    for node in graph.nodes:
        if isinstance(node.op, Reshape | Dense | Xnor):
            if group:
                layers.append(_layer(group, x))
            group, x = [], here
        if isinstance(node.op, Reshape):
            x = node.type
        else:
            group.append(node)
        here = node.type
    if group or not layers:
        layers.append(_layer(group, x) if group else Layer(None, (), x, x, graph.outputs[0]))
    return layers


def _layer(group: list[Node], x: TensorType) -> Layer:
    has_head = isinstance(group[0].op, Dense | Xnor)
    return Layer(group[0] if has_head else None, tuple(group[has_head:]), x, group[-1].type, group[-1].name)


def shared_lanes(left: TensorType, right: TensorType) -> int:
    """Between two layers whose vectors differ in length, the lanes must divide this; 0 means any number will do."""
    return 0 if left.vector == right.vector else gcd(left.vector, right.vector)


def _check_chain(graph: Graph) -> None:
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise CompileError("E301", "a design has one input and one output", hint="split the model, or join its outputs")
    for value in [*graph.inputs, *(n.name for n in graph.nodes)]:
        users = graph.users(value)
        if len(users) + (value in graph.outputs) > 1:
            origin = users[0].origin[0] if users and users[0].origin else None
            message = "a value with several users needs a fork, which dense networks do not have yet"
            raise CompileError("E301", message, origin=origin)
