"""A circuit of single bits: adder rows and small truth tables, in topological order.

A bit is a literal, 2·net + 1 if it is inverted; net 0 is the constant 0, so that literal 0 is zero and literal 1 is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..ir.types import IntType

ZERO, ONE = 0, 1
MOST_INPUTS = 6
"""Of a truth table: those of a LUT."""

Planes = NDArray[np.uint64]
"""One bit of 64 samples in every word."""


@dataclass(frozen=True, slots=True)
class Row:
    """The sum of the columns of up to three bits, the first of the lowest weight, as the bits of `nets`.

    Carries beyond them are dropped; a bit that nobody reads may have net 0, but not the last. Where there are `kills`,
    each bit counts 0 (if it is inverted, 1) where its literal there is one. `carries` are bits of the lowest column
    that cost nothing: one where the carry chain begins, and one beside the first compressor.
    """

    columns: tuple[tuple[int, ...], ...]
    nets: tuple[int, ...]
    kills: tuple[tuple[int, ...], ...] = ()
    carries: tuple[int, ...] = ()

    @property
    def operands(self) -> int:
        """Two at least, zeros among them."""
        return max(2, *map(len, self.columns))


@dataclass(frozen=True, slots=True)
class Lut:
    """Bit i of `table` is the output where the literals of `inputs`, the first lowest, read i."""

    inputs: tuple[int, ...]
    table: int
    net: int


Cell = Row | Lut


@dataclass(frozen=True, slots=True)
class Word:
    """A number as bits, the lowest first, plus `offset`: two's complement if the number that the bits make is signed.

    `lo` and `hi` bound the whole.
    """

    bits: tuple[int, ...]
    lo: int
    hi: int
    offset: int = 0

    @property
    def signed(self) -> bool:
        return self.lo < self.offset

    @classmethod
    def constant(cls, value: int) -> Word:
        return cls((), value, value, value)


@dataclass(frozen=True, slots=True)
class Sum:
    """Σ count · literal + constant, modulo 2^width."""

    terms: tuple[tuple[int, int], ...]
    constant: int
    width: int


@dataclass(frozen=True, slots=True)
class Heaps:
    """How sums are added up: what a layer of rows fewer, or a row that is there earlier, may cost."""

    excess: float = 0.15
    """Share of the bits of a heap that may be taken away singly to spare it a layer of rows."""
    patient: bool = True
    """Whether a row may take into its chains what comes as late as the latest of its bits, or only as its lowest column."""
    shared: bool = False
    """Whether sums of three operands that neurons have in common are built once for all."""


SHALLOW = Heaps()
"""Few logic levels."""


@dataclass
class Circuit:
    """`level` is the depth of each net in logic levels, as the delay model counts them."""

    heaps: Heaps = SHALLOW
    inputs: list[int] = field(default_factory=list[int])
    cells: list[Cell] = field(default_factory=list[Cell])
    level: list[float] = field(default_factory=lambda: [0.0])
    owner: dict[int, tuple[int, int]] = field(default_factory=dict[int, tuple[int, int]])
    """The layer and the neuron that the cell which drives a net is part of."""
    sums: dict[Sum, tuple[int, ...]] = field(default_factory=dict[Sum, tuple[int, ...]])
    """What the adders were asked for, and the bits that they give."""
    forms: dict[tuple[tuple[int, int], ...], Sum] = field(default_factory=dict[tuple[tuple[int, int], ...], Sum])
    """The first sum of each list of terms."""
    layer: int = 0
    neuron: int = -1
    _drivers: dict[int, Cell] = field(default_factory=dict[int, "Cell"])
    _known: dict[tuple[tuple[int, ...], int], int] = field(default_factory=dict[tuple[tuple[int, ...], int], int])

    def input(self, type_: IntType, lo: int, hi: int) -> Word:
        """A number that comes from outside on as many bits as its type has; those that its range makes needless are not read."""
        nets = [self._net(0.0) for _ in range(type_.width)]
        self.inputs += nets
        return Word(tuple(2 * n for n in nets[: IntType.covering(lo, hi).width]), lo, hi)

    def enter(self, layer: int) -> None:
        """What is placed from here on belongs to another layer."""
        self.layer, self.neuron = layer, -1
        self._known.clear()

    def add(self, columns: Sequence[Sequence[int]], width: int, carries: Sequence[int] = ()) -> tuple[int, ...]:
        """A row; its bits. The caller sees to it that `width` bits hold the sum, or that the rest need not be seen."""
        level = self.level
        levels = [max([level[b >> 1] for b in c], default=0.0) for c in columns]
        if len(columns) == 1 and width <= 2 and not carries:
            nets = [self._net(levels[0] + 1) for _ in range(width)]
            self.cells.append(Row((tuple(columns[0]),), tuple(nets)))
            return tuple(2 * n for n in nets)
        levels[0] = max([levels[0], *[level[b >> 1] for b in carries]])
        ternary, chain, nets = any(len(c) > 2 for c in columns), 0.0, list[int]()
        for k in range(width):
            chain += CARRY
            if k < len(levels) and chain < levels[k] + 1:
                chain = levels[k] + 1
            if ternary and 0 < k <= len(levels) and chain < levels[k - 1] + 2:
                chain = levels[k - 1] + 2  # a carry of the compressor comes from the column below
            nets.append(self._net(chain + 1 - CARRY))
        self.cells.append(Row(tuple(map(tuple, columns)), tuple(nets), carries=tuple(carries)))
        return tuple(2 * n for n in nets)

    def lut(self, inputs: Sequence[int], table: int) -> int:
        """The literal of a function of at most six literals, without those that it does not depend on."""
        nets = sorted({b >> 1 for b in inputs if b > 1})
        read, table = _reduced(tuple((nets.index(b >> 1) if b > 1 else -1, b & 1) for b in inputs), len(nets), table)
        found = [2 * nets[k] for k in read]
        if not found:
            return table & 1
        if len(found) == 1:
            return found[0] ^ int(table == 1)
        key = (tuple(found), table)
        if key not in self._known:
            net = self._net(1 + max(self.level[b >> 1] for b in found))
            self.cells.append(Lut(*key, net))
            self._known[key] = 2 * net
        return self._known[key]

    def driver(self, net: int) -> Cell | None:
        """The cell that makes a net."""
        if len(self._drivers) != len(self.cells):
            self._drivers = {n: cell for cell in self.cells for n in makes(cell)[:1]}
        return self._drivers.get(net)

    def _net(self, level: float) -> int:
        self.level.append(level)
        self.owner[len(self.level) - 1] = self.layer, self.neuron
        return len(self.level) - 1


CARRY = 0.25
"""Logic levels that a bit of a carry chain takes."""


@lru_cache(maxsize=1 << 14)
def _reduced(inputs: tuple[tuple[int, int], ...], count: int, table: int) -> tuple[tuple[int, ...], int]:
    """Of `count` nets those that a function depends on, and its table over them.

    Inputs are the number of a net, or -1 for none, and 1 if they are inverted.
    """
    index = [sum(flip << k for k, (_, flip) in enumerate(inputs))]
    for net in range(count):
        turned = sum(1 << k for k, (number, _) in enumerate(inputs) if number == net)
        index += [i ^ turned for i in index]
    found, read = sum((table >> i & 1) << k for k, i in enumerate(index)), list(range(count))
    for net in reversed(range(count)):
        step = 1 << net
        half = ((1 << (1 << len(read))) - 1) // ((1 << step) + 1)  # where the net is 0
        if found & half == found >> step & half:
            kept = (i for i in range(1 << len(read)) if not i & step)
            found = sum((found >> i & 1) << k for k, i in enumerate(kept))
            read.remove(net)
    return tuple(read), found


def simulate(
    circuit: Circuit, planes: Sequence[Planes], wanted: Sequence[int], cells: Sequence[Cell] | None = None
) -> list[Planes]:
    """The planes of the `wanted` literals for those of the inputs; of other `cells` if they are given."""
    shape = planes[0].shape if planes else (1,)
    full = np.full(shape, ~np.uint64(0))
    known: dict[int, Planes] = {0: np.zeros(shape, np.uint64)} | dict(zip(circuit.inputs, planes, strict=True))

    def at(literal: int) -> Planes:
        return known[literal >> 1] ^ full if literal & 1 else known[literal >> 1]

    for cell in circuit.cells if cells is None else cells:
        if isinstance(cell, Lut):
            known[cell.net] = _looked_up([at(b) for b in cell.inputs], cell.table, shape)
            continue
        carries: dict[int, list[Planes]] = {0: [at(b) for b in cell.carries]}
        for k, net in enumerate(cell.nets):
            bits = carries.pop(k, [])
            if k < len(cell.columns):
                kills = cell.kills[k] if cell.kills else (0,) * len(cell.columns[k])
                bits += [at(b & ~1) & ~at(kill) ^ at(b & 1) for b, kill in zip(cell.columns[k], kills, strict=True)]
            while len(bits) > 1:
                a, b, c = bits.pop(), bits.pop(), bits.pop() if bits else known[0]
                bits.append(a ^ b ^ c)
                carries.setdefault(k + 1, []).append((a & b) | (c & (a | b)))
            if net:
                known[net] = bits[0] if bits else known[0]
    return [at(b) for b in wanted]


def _looked_up(inputs: list[Planes], table: int, shape: tuple[int, ...]) -> Planes:
    found = np.zeros(shape, np.uint64)
    for i in range(1 << len(inputs)):
        if table >> i & 1:
            term = np.full(shape, ~np.uint64(0))
            for k, plane in enumerate(inputs):
                term &= plane if i >> k & 1 else ~plane
            found |= term
    return found


def reads(cell: Cell) -> list[int]:
    """The nets of its inputs."""
    if isinstance(cell, Lut):
        return [b >> 1 for b in cell.inputs]
    return [b >> 1 for c in (*cell.columns, *cell.kills, cell.carries) for b in c]


def makes(cell: Cell) -> Sequence[int]:
    """The nets of its outputs."""
    return (cell.net,) if isinstance(cell, Lut) else [n for n in cell.nets if n]


def live(circuit: Circuit, wanted: Sequence[int]) -> list[Cell]:
    """The cells that the wanted literals depend on, rows without the bits that nobody reads."""
    return needed(circuit.cells, wanted)


def needed(cells: Sequence[Cell], wanted: Sequence[int]) -> list[Cell]:
    """Of some cells in order those that the wanted literals depend on."""
    used, found = {b >> 1 for b in wanted}, list[Cell]()
    for cell in reversed(cells):
        if isinstance(cell, Lut):
            if cell.net in used:
                used.update(reads(cell))
                found.append(cell)
            continue
        width = max((k + 1 for k, net in enumerate(cell.nets) if net in used), default=0)
        if width:
            nets = tuple(net if net in used else 0 for net in cell.nets[:width])
            found.append(replace(cell, columns=cell.columns[:width], nets=nets, kills=cell.kills[:width]))
            used.update(reads(found[-1]))
    return found[::-1]
