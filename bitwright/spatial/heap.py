"""Bit heaps: numbers of any weight and sign become columns of bits, and columns become one number by adder rows.

A row adds three numbers with one LUT a column, where two outputs of a LUT share its inputs, so that it takes two bits
of the heap away a LUT (the ternary adder of Xilinx' 7 series); a row of two takes one away.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from .circuit import ONE, Circuit, Word


@dataclass
class Heap:
    """Bits by column, and a constant; both count modulo 2^width."""

    width: int
    constant: int = 0
    columns: dict[int, list[int]] = field(default_factory=dict[int, list[int]])

    def add(self, word: Word, shift: int, sign: int) -> None:
        """sign · 2^shift · word. An inverted bit is one minus the bit, so that a negative bit costs a constant."""
        self.constant += sign * word.offset << shift
        for k, bit in enumerate(word.bits):
            self._bit(bit, shift + k, sign if k + 1 < len(word.bits) or not word.signed else -sign)

    def _bit(self, bit: int, column: int, sign: int) -> None:
        if bit < 2:
            self.constant += sign * bit << column
        elif column < self.width:
            if sign < 0:
                bit, self.constant = bit ^ 1, self.constant - (1 << column)
            self.columns.setdefault(column, []).append(bit)

    @property
    def bits(self) -> int:
        return sum(map(len, self.columns.values()))

    def total(self, circuit: Circuit) -> tuple[int, ...]:
        """The `width` bits of the sum."""
        columns = {c: list(bits) for c, bits in self.columns.items() if bits}
        for k in range(self.width):
            if self.constant >> k & 1:
                columns.setdefault(k, []).append(ONE)
        while max(map(len, columns.values()), default=0) > 1:
            columns = _reduced(circuit, columns, self.width)
        return tuple((columns.get(k) or [0])[0] for k in range(self.width))


def _reduced(circuit: Circuit, columns: dict[int, list[int]], width: int) -> dict[int, list[int]]:
    """One layer of rows; the earliest bits are added first."""
    level = circuit.level
    for bits in columns.values():
        bits.sort(key=lambda b: level[b >> 1])
    rest: dict[int, list[int]] = {}
    if _last(circuit, columns, width, rest):
        return rest
    _compressed(circuit, columns, width)
    if _last(circuit, columns, width, rest):
        return rest
    tallest = max(map(len, columns.values()))
    for layer in range(tallest // 3):
        runs = list(_runs(columns, width))
        long = [(low, high) for low, high in runs if high > low or high == width - 1]
        if tallest > 4 and (layer or (tallest > 5 and long)):
            runs = long  # a column alone gains little, and its turn comes
        if not runs:
            break
        for low, high in runs:
            taken = list[list[int]]()
            before = set[int]()
            for c in range(low, high + 1):
                # Of bits that are there at the same time, those whose neighbours are in the row: whole words stay together.
                bits = columns[c]
                _neighbours_first(bits, before, level)
                taken.append(bits[:3])
                del bits[:3]
                before = {b >> 1 for b in taken[-1]}
            there = max([level[b >> 1] for bits in (taken if circuit.heaps.patient else taken[:1]) for b in bits])
            early = columns[low][: bisect_right(columns[low], there, key=lambda b: level[b >> 1])]
            carries = _carries(early, 2) if high > low else []
            for bit in carries:
                columns[low].remove(bit)
            _row(circuit, taken, low, width, rest, carries)
    for c, bits in columns.items():
        rest.setdefault(c, []).extend(bits)
    return rest


def _neighbours_first(bits: list[int], before: set[int], level: Sequence[float]) -> None:
    """Of the bits of a level, those one behind `before` come first; they are sorted by level."""
    neighbours = [b for b in bits if (b >> 1) - 1 in before] if before else []
    for bit in neighbours:
        bits.remove(bit)
    for bit in reversed(neighbours):
        bits.insert(bisect_left(bits, level[bit >> 1], key=lambda b: level[b >> 1]), bit)


def _last(circuit: Circuit, columns: dict[int, list[int]], width: int, rest: dict[int, list[int]]) -> bool:
    """Whether one row is enough for the whole: then it is in `rest`."""
    low = min(c for c, bits in columns.items() if len(bits) > 1)
    tallest = max((len(bits) for c, bits in columns.items() if c > low), default=0)
    if tallest > 3:
        return False
    operands = max(2, tallest)
    if len(columns[low]) > operands:
        carries = _carries(columns[low], operands - 1)[: len(columns[low]) - operands] if max(columns) > low else []
        if len(columns[low]) - len(carries) > 3:
            return False
    else:
        carries = []
    first = list(columns[low])
    for bit in carries:
        first.remove(bit)
    for c in range(low):
        if c in columns:
            rest[c] = columns[c]
    taken = [first, *(columns.get(c, []) for c in range(low + 1, max(columns) + 1))]
    _row(circuit, taken, low, width, rest, carries)
    return True


def _carries(bits: Sequence[int], most: int) -> list[int]:
    """Of a column, the bits that may go into a row where its chains begin: none that is inverted, constants first."""
    found = [ONE] * min(bits.count(ONE), most)
    return found + list(islice((b for b in bits if not b & 1), most - len(found)))


def _compressed(circuit: Circuit, columns: dict[int, list[int]], width: int) -> None:
    """Columns a little too high for the rows that would do for most are lowered first: a LUT takes one bit away, at once.

    A layer of rows fewer is worth more than the half LUT that each of them costs.
    """
    tallest = max(map(len, columns.values()))
    limit = next(3**k for k in range(20) if 3 ** (k + 1) >= tallest)
    if limit < 3:
        return
    over = sum(max(0, len(bits) - limit) for bits in columns.values())
    if over > circuit.heaps.excess * sum(map(len, columns.values())):
        return
    for c in range(width):
        while len(columns.get(c, [])) > limit:
            first = columns[c][:3]
            nets = circuit.add([first], 2 if c + 1 < width else 1)
            columns[c] = columns[c][3:] + [nets[0]]
            columns[c].sort(key=lambda b: circuit.level[b >> 1])
            if len(nets) > 1:
                columns.setdefault(c + 1, []).append(nets[1])
                columns[c + 1].sort(key=lambda b: circuit.level[b >> 1])


def _row(
    circuit: Circuit,
    taken: Sequence[Sequence[int]],
    low: int,
    width: int,
    rest: dict[int, list[int]],
    carries: Sequence[int],
) -> None:
    first, *others = taken
    alone = [b for b in first if b != ONE]
    if not carries and others and not (len(alone) == 1 and alone[0] & 1):  # ~x + 1 is a wire: x, and a carry beside it
        carries = _carries(first, 1)  # a column of one bit less needs a LUT less, or a smaller one
        first = [*first]
        for bit in carries:
            first.remove(bit)
        taken = [first, *others]
    most = sum(len(bits) << k for k, bits in enumerate(taken)) + len(carries)
    out = min(max(len(taken), most.bit_length()), width - low)
    for k, bit in enumerate(circuit.add(taken, out, carries)):
        rest.setdefault(low + k, []).append(bit)


def _runs(columns: dict[int, list[int]], width: int) -> Iterable[tuple[int, int]]:
    """Neighbouring columns of three bits and more, over columns of two between them."""
    height = [len(columns.get(c, [])) for c in range(width)] + [0]
    found, c = list[tuple[int, int]](), 0
    while c < width:
        if height[c] < 3:
            c += 1
            continue
        low, high = c, c
        while c < width and (height[c] >= 3 or (height[c] == 2 and height[c + 1] >= 3)):
            if height[c] >= 3:
                high = c
            c += 1
        found.append((low, high))
        c = high + 1
    return found
