"""The graph as layers joined by streams: what becomes one stage of the pipeline each."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from math import ceil, gcd

import numpy as np

from ..errors import CompileError
from ..ir import chip
from ..ir.graph import Graph, Node
from ..ir.netlist import Fold, Ram
from ..ir.op import Op
from ..ir.types import TensorType
from ..ops.add import Add
from ..ops.concat import Concat
from ..ops.dense import Dense
from ..ops.depthwise import Depthwise
from ..ops.multiply import Multiply
from ..ops.permute import Permute
from ..ops.pick import Pick
from ..ops.pool import Pool
from ..ops.repeat import Repeat
from ..ops.reshape import Reshape
from ..ops.rewritable import Rewritable
from ..ops.rewritable_depthwise import RewritableDepthwise
from ..ops.sliding import Flow
from ..ops.total import Total
from ..ops.window import Window
from ..ops.xnor import Xnor
from ..spatial.unit import Unit, holds, unit
from .cones import Cone, cones


class Kind(Enum):
    """How a layer works on its streams."""

    STREAM = "stream"  # elementwise operators on the stream as it is
    MATVEC = "matvec"  # a matrix-vector unit: PE rows, SIMD columns
    LANES = "lanes"  # a sum or maximum over a window's taps, lane by lane
    TOTAL = "total"  # the same over a whole frame
    JOIN = "join"  # two streams, element by element
    MOVE = "move"  # ready/valid modules that only move elements: concat, repeat, permute, pick


_KINDS: dict[type[Op], Kind] = {
    Dense: Kind.MATVEC, Xnor: Kind.MATVEC, Depthwise: Kind.LANES, Pool: Kind.LANES, Total: Kind.TOTAL, Add: Kind.JOIN,
    Multiply: Kind.JOIN, Concat: Kind.MOVE, Repeat: Kind.MOVE, Permute: Kind.MOVE,
    Pick: Kind.MOVE, Rewritable: Kind.MATVEC, RewritableDepthwise: Kind.LANES,
}  # fmt: skip


class Circuits(Enum):
    """Whether a layer may be a circuit of constants."""

    NEVER = "never"
    MAY = "may"
    MUST = "must"  # where it can


@dataclass(frozen=True, slots=True)
class Spatial:
    """Which layers are circuits of constants, the clock period in ns that they are made for, and whether in few stages.

    `chosen` nodes are in circuits where others only may be.
    """

    circuits: Circuits = Circuits.NEVER
    period: float = 10.0
    shortest: bool = False
    chosen: frozenset[str] = frozenset()


FOLDED = Spatial()


@dataclass(frozen=True, slots=True)
class Operand:
    """Where a layer's operand comes from: layer number `source`, or the graph's input if it is None."""

    source: int | None
    type: TensorType


@dataclass(frozen=True, slots=True)
class Layer:
    """A credit domain: its head, the elementwise operators of its tail, and a window generator in front of both.

    `y` is the type of `value`, which leaves it. A `cone` is one circuit of constants; its tail has sums too, and its
    nodes name what they use.
    """

    window: Node | None
    head: Node | None
    tail: tuple[Node, ...]
    operands: tuple[Operand, ...]
    y: TensorType
    value: str
    spatial: Spatial = Spatial()
    cone: bool = False
    names: tuple[str, ...] = ()
    """Of a cone's operands, behind the window."""

    @property
    def circuits(self) -> Circuits:
        """Whether it may be one: a dense layer and what follows it, a vector at a time."""
        if self.cone:
            return Circuits.MUST
        if self.spatial.circuits is not Circuits.MAY or not isinstance(self.head and self.head.op, Dense | Xnor):
            return Circuits.NEVER
        return Circuits.MAY if all(map(holds, self.inside)) else Circuits.NEVER

    @property
    def unit(self) -> Unit:
        """Its circuit."""
        names = self.names or self.inside[0].inputs
        period, shortest = self.spatial.period, self.spatial.shortest
        return unit(self.inside, tuple(zip(names, self.types, strict=True)), period, shortest=shortest)

    @property
    def inside(self) -> tuple[Node, ...]:
        """The nodes behind the window."""
        return self.nodes[self.window is not None :]

    @property
    def types(self) -> tuple[TensorType, ...]:
        """Of the operands, behind the window."""
        return (self.inner, *(o.type for o in self.operands[1:]))

    @property
    def nodes(self) -> tuple[Node, ...]:
        return tuple(n for n in (self.window, self.head) if n) + self.tail

    @property
    def kind(self) -> Kind:
        """A circuit counts as a matrix-vector unit with all rows and columns."""
        if self.cone:
            return Kind.MATVEC
        return _KINDS[type(self.head.op)] if self.head else Kind.STREAM

    @property
    def x(self) -> TensorType:
        """The first operand, as the window or the head sees it."""
        return self.operands[0].type

    @property
    def inner(self) -> TensorType:
        """What the head or the tail sees, behind the window."""
        return self.window.type if self.window else self.x

    @property
    def rows(self) -> int:
        return self.y.vector

    @property
    def columns(self) -> int:
        return self.inner.vector

    @property
    def vectors(self) -> int:
        """Vectors that the head consumes in a frame."""
        return self.inner.size // self.inner.vector

    @property
    def macs(self) -> int:
        """Multiply-accumulates a frame."""
        sums = [n.op.weight.size for n in self.nodes if isinstance(n.op, Dense | Xnor | Depthwise)]
        return sum(sums) * self.vectors * self.shared

    @property
    def shared(self) -> int:
        """Pixels at a time for which the unit has rows and columns of their own, with the same weights."""
        return self.head.op.pixels if self.head is not None and isinstance(self.head.op, Xnor) else 1

    @property
    def taps(self) -> int:
        """Of the window."""
        return self.window.op.taps if self.window is not None and isinstance(self.window.op, Window) else 1

    @property
    def several(self) -> bool:
        """Whether its window is one of several pixels at a time."""
        return self.window is not None and isinstance(self.window.op, Window) and self.window.op.several

    @property
    def bipolar(self) -> bool:
        return self.head is not None and isinstance(self.head.op, Xnor)

    @property
    def lane_limit(self) -> int:
        """The lanes of a layer that is no matrix-vector unit must divide this; 0 means any number will do."""
        limit = self.x.vector if self.window else 0
        if self.head is not None and isinstance(self.head.op, Concat):
            limit = gcd(*(o.type.vector for o in self.operands))
        if self.head is not None and isinstance(self.head.op, Permute):
            limit = self.head.op.run(self.x)
        return limit

    def lanes(self, fold: Fold) -> list[int]:
        """Elements a beat of each input stream."""
        own = self.in_lanes(fold)
        return [own] + [o.type.vector if self.cone else own for o in self.operands[1:]]

    def in_lanes(self, fold: Fold) -> int:
        """Elements a beat of the layer's first input stream."""
        if self.several:
            return self.x.vector
        if self.kind is Kind.LANES:
            return fold.pe
        if self.window is None or self.x.vector % fold.simd == 0:
            return fold.simd
        return self.x.vector  # a wider word is gathered behind the window

    def repeats(self, fold: Fold) -> bool:
        """Whether the window generator repeats each window for every fold, so that the unit needs no buffer."""
        if self.window is None or self.kind is not Kind.MATVEC or fold.sparse or self.several or len(self.operands) > 1:
            return False
        return self.x.vector % fold.simd == 0

    def whole(self, fold: Fold) -> bool:
        """Whether whole windows come from line buffers, as the unit wants more taps a cycle than a ring gives it."""
        if self.several:
            return True
        if self.window is None or fold.sparse:
            return False
        assert isinstance(self.window.op, Window)
        if self.kind is Kind.LANES:
            return fold.taps > 1
        pixels = fold.simd / self.x.vector
        return self.kind is Kind.MATVEC and pixels > max(1, ceil(self.rows / fold.pe)) and self.window.op.slides

    def flow(self, fold: Fold) -> Flow:
        """How its whole windows come."""
        assert self.window is not None and isinstance(self.window.op, Window)
        each = self.taps // fold.taps if self.kind is Kind.LANES else self.columns // fold.simd
        if self.kind is Kind.MATVEC:
            each *= ceil(self.rows / fold.pe)
        return self.window.op.sliding(self.x).flow(self.x.vector // self.in_lanes(fold), each)


def split(graph: Graph, spatial: Spatial = FOLDED) -> list[Layer]:
    """The layers in topological order. Raises CompileError E301 where a design has more than one input or output.

    Where layers must be circuits, each of these is as large as it can be.
    """
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise CompileError("E301", "a design has one input and one output", hint="split the model, or join its outputs")
    return _Splitter(graph, spatial).run()


@dataclass
class _Group:
    """A layer under construction."""

    operands: tuple[Operand, ...]
    window: Node | None = None
    head: Node | None = None
    tail: list[Node] = field(default_factory=list[Node])
    names: tuple[str, ...] = ()
    """What the nodes of a cone call its operands."""

    @property
    def last(self) -> Node:
        return self.tail[-1] if self.tail else self.head or self.window  # pyright: ignore[reportReturnType]


class _Splitter:
    def __init__(self, graph: Graph, spatial: Spatial) -> None:
        self.graph, self.spatial = graph, spatial
        self.groups: list[_Group] = []
        (source,) = graph.inputs
        self.found = {source: Operand(None, graph.inputs[source])}
        """Every value as an operand of what uses it."""

    def run(self) -> list[Layer]:
        found = dict[str, Cone]()
        if self.spatial.circuits is Circuits.MUST or self.spatial.chosen:
            found = cones(self.graph, self.spatial.chosen or None)
        inside = {n.name for c in found.values() for n in (*c.nodes, *((c.window,) if c.window else ()))}
        for node in self.graph.nodes:
            if node.name in found:
                self._cone(found[node.name])
            elif node.name not in inside and node.inputs[0] in self.found:  # else a reshape inside a circuit
                self._add(node)
        (output,) = self.graph.outputs
        if self.found[output].source is None:
            return [Layer(None, None, (), (self.found[output],), self.found[output].type, output)]
        return [
            Layer(
                g.window,
                g.head,
                tuple(g.tail),
                g.operands,
                g.last.type,
                g.last.name,
                self.spatial,
                bool(g.names),
                g.names,
            )
            for g in self.groups
        ]

    def _add(self, node: Node) -> None:
        operand = self.found[node.inputs[0]]
        if isinstance(node.op, Reshape):
            self.found[node.name] = Operand(operand.source, node.type)
            return
        group = self._open(node.inputs[0])
        if isinstance(node.op, Window):
            group = self._new(node, window=node)
        elif type(node.op) not in _KINDS:
            if group is None or (group.head is not None and _KINDS[type(group.head.op)] is Kind.MOVE):
                group = self._new(node)
            group.tail.append(node)
        elif group is not None and group.window is group.last and isinstance(node.op, Dense | Xnor | Depthwise | Pool):
            group.head = node
        elif isinstance(node.op, Depthwise | Pool):
            group = self._windowed(node, node.op.taps)
        else:
            group = self._new(node, head=node)
        index = next(i for i, g in enumerate(self.groups) if g is group)
        self.found[node.name] = Operand(index, node.type)

    def _cone(self, cone: Cone) -> None:
        """A circuit of constants."""
        window, (head, *tail) = cone.window, cone.nodes
        names = (window.name, *cone.operands[1:]) if window else cone.operands
        operands = tuple(self.found[name] for name in cone.operands)
        self.groups.append(_Group(operands, window, head, tail, names))
        self.found[cone.nodes[-1].name] = Operand(len(self.groups) - 1, cone.nodes[-1].type)

    def _open(self, value: str) -> _Group | None:
        """The group that ends in a value which one node uses."""
        if len(self.graph.users(value)) > 1 or value in self.graph.outputs:
            return None
        return next((g for g in self.groups if g.last.name == value and not g.names), None)

    def _new(self, node: Node, window: Node | None = None, head: Node | None = None) -> _Group:
        self.groups.append(_Group(tuple(self.found[i] for i in node.inputs), window, head))
        return self.groups[-1]

    def _windowed(self, node: Node, taps: int) -> _Group:
        """Taps that come from no window: one that slides over each vector's taps brings a lane's together."""
        operand = self.found[node.inputs[0]]
        x = operand.type
        image = x.with_shape((x.size // x.vector, taps, x.vector // taps))
        if image.vector % len(x.lo):
            image = TensorType(image.shape, x.elem, (x.min,), (x.max,))
        one, wide = np.array([1, 1]), np.array([1, taps])
        op = Window(wide, wide, one, np.zeros(4, np.int64), 0)
        window = Node(f"{node.name}_window", op, node.inputs, op.infer(image), node.origin)
        self.groups.append(_Group((Operand(operand.source, image),), window, node))
        return self.groups[-1]


def ring_style(bits: int) -> Ram:
    """Where a buffer of so many bits is kept by default: a block RAM pays from about 40 LUTs of distributed memory on."""
    return Ram.BLOCK if bits > chip.current().keeps else Ram.DISTRIBUTED
