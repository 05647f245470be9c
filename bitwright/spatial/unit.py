"""A layer's circuit as a hardware unit: what it takes, and its modules."""

from __future__ import annotations

import gc
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache

from ..ir import chip
from ..ir.chip import Chip
from ..ir.graph import Node
from ..ir.netlist import Block, Estimate, Fold, Resources
from ..ir.op import Op
from ..ir.types import TensorType
from ..ops.concat import Concat
from ..ops.mulshift import MulShift
from ..ops.shift import Shift
from ..ops.table import Table
from ..ops.threshold import Threshold
from ..ops.wrap import Wrap
from ..ops.writable import Writable
from ..ops.xnor import Xnor
from .absorb import absorbed
from .build import STEPS, SUMS, Network, Sources, built, common, sources
from .circuit import SHALLOW, Cell, Heaps, live
from .pipeline import Pipeline, pipelined
from .places import area
from .proof import prove
from .verilog import Operand, Ports, print_circuit

LEAN = Heaps(excess=0.0)
"""No bit is taken away singly: more rows behind one another, but carry chains are quick."""
QUICK = Heaps(excess=0.0, patient=False), Heaps(patient=False), Heaps(excess=1.0, patient=False)
SHARED = replace(SHALLOW, shared=True)
FLAT = replace(SHARED, excess=0.5)
"""Heaps of shared sums are narrow: bits that are taken away singly cost little there, and spare layers of rows."""
FEW, MANY = 0.07, 0.2
"""Shares of the terms that sharing must spare for it to be tried, and for flat heaps to be tried then."""
DEAR = 1.125
"""Times as many LUTs are too many for that."""

MOST_TABLE_BITS = 12
"""Of the operand of a table in a circuit."""


@dataclass(frozen=True)
class Unit:
    """A circuit with its registers."""

    network: Network
    pipeline: Pipeline
    cells: Sequence[Cell]
    xs: tuple[TensorType, ...]
    y: TensorType
    target: Chip

    @property
    def x(self) -> TensorType:
        """Its first operand."""
        return self.xs[0]

    @property
    def latency(self) -> int:
        """Cycles from a vector to its result; a register is at either end."""
        return self.pipeline.last + 2

    def block(self, fold: Fold) -> Block:
        """Its modules, with at least as many lanes on either side as it has elements."""
        return Block("bw_circuit", {}, lambda name: self.modules(name, fold, (self.x.elem.width, self.y.elem.width)))

    def modules(self, name: str, fold: Fold, slots: tuple[int, int]) -> dict[str, str]:
        """The same by name, that of `name` first; an element has so many bits on either side, its own at least.

        Operands beyond the first are as they are.
        """
        first = Operand(self.x.vector, slots[0], fold.simd)
        others = [Operand(x.vector, x.elem.width, x.vector) for x in self.xs[1:]]
        ports = Ports((first, *others), slots[1], fold.pe)
        return print_circuit(self.network, self.cells, self.pipeline, name, ports, self.target.cells)

    def estimate(self) -> Estimate:
        """LUTs of the cells; registers as the stages say."""
        ends = sum(end.vector * end.elem.width for end in (*self.xs, self.y))
        return Estimate(self.latency, Resources(lut=area(self.cells, self.target), ff=self.pipeline.registers + ends))


def holds(node: Node) -> bool:
    """Whether a circuit can compute a node, a vector at a time: sums, and what has constants a channel."""
    if isinstance(node.op, Table) and len(node.op.table) > 1 << MOST_TABLE_BITS:
        return False
    if isinstance(node.op, Xnor) and node.op.pixels > 1:
        return False
    if isinstance(node.op, Writable):
        return False  # its weights are no constants
    return isinstance(node.op, (*SUMS, Concat)) or (
        isinstance(node.op, STEPS) and node.type.vector % _period(node.op) == 0
    )


def _period(op: Op) -> int:
    """Channels after which the constants come round."""
    if isinstance(op, Shift):
        return len(op.b)
    if isinstance(op, MulShift):
        return len(op.m)
    if isinstance(op, Wrap):
        return len(op.width)
    return len(op.base) if isinstance(op, Threshold) else 1


def unit(nodes: tuple[Node, ...], x: TensorType | Sources, period: float, *, shortest: bool = False) -> Unit:
    """The circuit of nodes over the vectors of `x`, for a clock period in ns; proved as it is built.

    Sums are added up in several ways: what fits between two registers has few logic levels; else it is the way that takes
    the fewest LUTs and registers, or, with `shortest`, the fewest stages. Neurons share sums where that saves more of the
    LUTs than it lengthens paths.
    """
    with _uncollected():
        return _unit(nodes, sources(x, nodes), period, shortest, chip.current())


@contextmanager
def _uncollected() -> Generator[None]:
    """A circuit is many small tuples without cycles: looking for these takes a fifth of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@lru_cache(maxsize=512)
def _unit(nodes: tuple[Node, ...], x: Sources, period: float, shortest: bool, target: Chip) -> Unit:
    best, share, spares = built(x, nodes, SHALLOW), False, common(nodes)
    if spares > FEW:
        sharing = built(x, nodes, SHARED)
        if share := _extent(sharing, target) < _extent(best, target):
            best = sharing
    if share and spares > MANY:
        flat = built(x, nodes, FLAT)
        if _luts(flat, target) <= DEAR * _luts(best, target) and _extent(flat, target) < _extent(best, target):
            best = flat
    first = _made(best, nodes, x, period, target)
    if not first.pipeline.last:
        return first
    ways = [replace(heaps, shared=share) for heaps in (LEAN, *QUICK * shortest)]
    others = (_made(built(x, nodes, heaps), nodes, x, period, target) for heaps in ways)
    return min((first, *others), key=_stages if shortest else _area)


def _extent(network: Network, target: Chip) -> float:
    """LUTs times logic levels: sharing is to cost no more of these than it saves of those."""
    return _luts(network, target) * max((network.circuit.level[b >> 1] for b in _outputs(network)), default=0.0)


def _luts(network: Network, target: Chip) -> float:
    return area(live(network.circuit, _outputs(network)), target)


def _outputs(network: Network) -> list[int]:
    return [b for w in network.words for b in w.bits]


def _stages(made: Unit) -> tuple[int, float]:
    return made.pipeline.last, _area(made)


def _area(made: Unit) -> float:
    """In LUTs; a slice has two registers for each."""
    cost = made.estimate().cost
    return cost.lut + cost.ff / 2


def _made(network: Network, nodes: tuple[Node, ...], x: Sources, period: float, target: Chip) -> Unit:
    outputs = _outputs(network)
    prove(network.circuit)
    cells = absorbed(live(network.circuit, outputs), outputs)
    pipeline = pipelined(network.circuit, cells, outputs, period, target.delays)
    return Unit(network, pipeline, cells, tuple(type_ for _, type_ in x), nodes[-1].type, target)
