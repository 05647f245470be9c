"""The places of a row on a carry chain: which columns each LUT with two outputs takes, and what it makes of them.

A column of three bits, or of two and the carry of a compressor below, takes a compressor of its own, whose carry goes to
the next place. A column of fewer needs none. Neighbours of these whose sum bits nobody reads share a place, as long as
they have five wires together: all that is needed of them is whether a carry goes through and whether one begins.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from ..ir.chip import Chip
from .circuit import ONE, Cell, Lut, Row

WIRES = 5
"""Of a LUT with two outputs."""

ANY = (1 << (1 << WIRES)) - 1

REMEMBERED = 1 << 14
"""Rows of a circuit whose places are asked for several times."""

CARRIED = 3
"""The wire of a place on which the carry of a compressor comes in."""


@dataclass(frozen=True, slots=True)
class Place:
    """`count` columns from `low` on, which read the nets of `wires`."""

    low: int
    count: int
    wires: tuple[int, ...]
    carried: bool
    """Whether the carry of a compressor below comes in."""
    compress: bool
    """Whether it is a compressor itself."""
    plain: bool
    """Whether what it counts is a constant or a wire as it is: there is no LUT then."""

    @property
    def room(self) -> int:
        """Wires that there can be beside the carry of a compressor."""
        return WIRES - int(self.carried or self.compress)


@lru_cache(maxsize=REMEMBERED)
def places(row: Row) -> tuple[Place, ...]:
    """From the lowest column on, with the fewest LUTs."""
    single = columns(row)
    best: list[tuple[int, int, tuple[Place, ...]]] = [(0, 0, ())]
    for end, last in enumerate(single):
        luts, count, found = best[end]
        options = [(luts + (not last.plain), count + 1, (*found, last))]
        joined = last
        for k in range(end - 1, -1, -1):
            if row.nets[k] or row.nets[end] or single[k].compress or last.compress:
                break
            wires = tuple(sorted({*joined.wires, *single[k].wires}))
            joined = replace(single[k], count=end + 1 - k, wires=wires, plain=False)
            if len(wires) > joined.room:
                break
            luts, count, found = best[k]
            options.append((luts + 1, count + 1, (*found, joined)))
        best.append(min(options, key=lambda option: option[:2]))
    return best[-1][2]


@lru_cache(maxsize=REMEMBERED)
def columns(row: Row) -> tuple[Place, ...]:
    """A place for each column."""
    found = list[Place]()
    carried = len(row.carries) > 1
    for k in range(len(row.nets)):
        bits, kills = _column(row, k)
        wires = tuple(sorted({b >> 1 for b in (*bits, *kills) if b > ONE}))
        compress = len(bits) + carried > 2 or (single(row) and k == 0)
        ones = [b for b in bits if b]
        nothing = not wires and not (carried and ones)
        wire = not carried and len(wires) == 1 and sorted(ones) in ([2 * wires[0]], [ONE, 2 * wires[0] + 1])
        plain = not compress and (nothing or wire)
        found.append(Place(k, 1, wires, carried, compress, plain))
        carried = compress
    return tuple(found)


def single(row: Row) -> bool:
    """Whether it needs no chain: both outputs of one LUT are its sum."""
    return len(row.columns) == 1 and len(row.nets) <= 2 and not row.carries


def luts(row: Row) -> int:
    """LUTs that its places take."""
    return sum(not place.plain for place in places(row))


def area(cells: Sequence[Cell], target: Chip) -> float:
    """LUTs of the chip: those of places, and of tables, which take several where they have more inputs than a LUT."""
    each = (1.0, target.ternary)
    return sum(
        1 << max(0, len(c.inputs) - target.lut_inputs) if isinstance(c, Lut) else luts(c) * each[c.operands > 2]
        for c in cells
    )


def tables(row: Row, place: Place, order: Sequence[int], flipped: frozenset[int]) -> tuple[int, int]:
    """Both outputs' tables over the five wires of a place: the nets of `order`, those of `flipped` inverted, 0 for none.

    Where the carry of a compressor comes in, it is the fourth.
    """
    into = over = 0
    for reading in range(1 << WIRES):
        value = {net: (reading >> k & 1) ^ (net in flipped) for k, net in enumerate(order) if net}
        carry = reading >> CARRIED & 1 if place.carried else 0
        total = sum(bit << k for k in range(place.count) for bit in _values(row, place.low + k, value))
        if place.compress:
            into |= ((total ^ carry) & 1) << reading
            over |= (total >> 1) << reading
        else:
            total += carry
            into |= (total == (1 << place.count) - 1) << reading
            over |= (total >> place.count) << reading
    if not place.compress and into | over == ANY:  # beside what goes through anything will do
        over = ANY
    return into, over


def _column(row: Row, k: int) -> tuple[Sequence[int], Sequence[int]]:
    """The bits of a column, and what clears them."""
    if k >= len(row.columns):
        return (), ()
    bits = row.columns[k]
    return bits, row.kills[k] if row.kills else (0,) * len(bits)


def _values(row: Row, column: int, value: dict[int, int]) -> Iterator[int]:
    for bit, kill in zip(*_column(row, column), strict=True):
        yield (value.get(bit >> 1, 0) & ~value.get(kill >> 1, 0) & 1) ^ (bit & 1)
