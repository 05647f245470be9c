"""Several products in one DSP slice: how many rows share one, how far their weights stand apart, what the memory holds.

A slice of the 7 series multiplies 25 by 18 bits, signed. With the weights w₀, w₁, … of several rows at multiples of STEP bits in the wide
operand, (Σ wⱼ·2^(j·STEP)) · a = Σ (wⱼ·a)·2^(j·STEP). A negative field takes one from the field above it, in the operand
as in the product: the weights are stored less that one, and `rtl/bw_dsp.v` gives the sums theirs back. Where that would
take a bit more a weight, all rows but the last are stored with an offset that makes them positive, and the slice takes
off what that adds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from math import ceil

from ..ir import chip
from ..ir.chip import Chip
from ..ir.op import Codes
from ..ir.types import IntType

CHAINS = (4, 2, 1)
"""Columns that the slices' adders may sum. A longer chain saves adders, and costs registers for the columns that wait."""


@dataclass(frozen=True, slots=True)
class Packing:
    """`rows` share a slice, `step` bits apart; `chain` columns are summed, to `field` bits.

    `stored` is the type of a weight in the memory; with `offset` all rows but the last have 2^(width−1) added to it.
    """

    rows: int
    step: int
    field: int
    chain: int
    stored: IntType
    offset: bool = False


def choose(low: int, high: int, a: IntType, pe: int, simd: int) -> Packing:
    """The packing with the fewest slices for weights of [low, high], and of these the one with the longest chains."""
    return _choose(low, high, a, pe, simd, chip.current())


@cache
def _choose(low: int, high: int, a: IntType, pe: int, simd: int, target: Chip) -> Packing:
    low, high = min(low, 0), max(high, 0)
    for groups in range(1, pe):
        rows = ceil(pe / groups)
        # Of as many groups the fewest rows: the fewer, the wider their fields.
        for chain in (c for c in CHAINS if c <= simd):
            for found in (_offset(low, high, a, rows, chain, target), _borrowing(low, high, a, rows, chain, target)):
                if found is not None:
                    return found
    return single(low, high, a, next(c for c in CHAINS if c <= simd))


def single(low: int, high: int, a: IntType, chain: int) -> Packing:
    """A row for itself, in chains of so many columns if a slice holds a product."""
    low, high = min(low, 0), max(high, 0)
    stored = IntType.covering(low, high)
    target = chip.current()
    wide = stored.width + int(not stored.signed) > target.wide or a.width + int(not a.signed) > target.narrow
    chain = 1 if wide else chain
    field = _sum_type(low, high, a, chain).width
    return Packing(1, field, field, chain, stored)


def _borrowing(low: int, high: int, a: IntType, rows: int, chain: int, target: Chip) -> Packing | None:
    """`rows` > 1 rows in a slice, as far apart as they can be, each stored less what the rows below it borrow."""
    stored = IntType.covering(low - 1, high) if low < 0 else IntType.covering(low, high)
    return _fit(low, high, a, Packing(rows, 0, 0, chain, stored), target)


def _offset(low: int, high: int, a: IntType, rows: int, chain: int, target: Chip) -> Packing | None:
    """The same with offsets, if they save a bit a weight and what they add is easily taken off: of one column."""
    stored = IntType.covering(low, high)
    if chain > 1 or low == 0 or low - 1 >= stored.lo or stored.width < 2:
        return None
    found = _fit(low, high, a, Packing(rows, 0, 0, chain, stored, offset=True), target)
    if found is None or (a.signed and rows > 2):
        return None
    added = a.width + stored.width - 1
    return found if added <= found.step else None


def _fit(low: int, high: int, a: IntType, found: Packing, target: Chip) -> Packing | None:
    """The packing with its rows as far apart as they can be, or None if they are too close."""
    stored = found.stored
    step = (target.wide - stored.width - int(not stored.signed)) // (found.rows - 1)
    if step < stored.width or a.width + int(not a.signed) > target.narrow:
        return None
    need = _sum_type(low, high, a, found.chain).width
    return replace(found, step=step, field=max(step, need)) if need <= step + 1 else None


def _sum_type(low: int, high: int, a: IntType, chain: int) -> IntType:
    """The type of a sum of `chain` products, less the one that the field below may take."""
    ends = [w * x for w in (low, high) for x in (a.lo, a.hi)]
    return IntType.covering(min(-1, chain * min(ends) - 1), chain * max(ends))


def stored_weights(weight: Codes, packing: Packing) -> Codes:
    """Weights (…, PE, SIMD) as they are stored: less one where the fields below are negative, or with an offset."""
    stored, pe = weight.copy(), weight.shape[-2]
    for row in range(pe):
        if packing.offset:
            if (row + 1) % packing.rows and row < pe - 1:
                stored[..., row, :] += 1 << (packing.stored.width - 1)
        elif row % packing.rows:
            stored[..., row, :] -= stored[..., row - 1, :] < 0
    return stored
