"""Several products in one DSP slice: how many rows share one, how far their weights stand apart, what the memory holds.

A slice multiplies 25 by 18 bits, signed. With the weights w₀, w₁, … of several rows at multiples of STEP bits in the wide
operand, (Σ wⱼ·2^(j·STEP)) · a = Σ (wⱼ·a)·2^(j·STEP). A negative field takes one from the field above it, in the operand
as in the product: the weights are stored less that one, and `rtl/bw_dsp.v` gives the sums theirs back.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import ceil

from ..ir.op import Codes
from ..ir.types import IntType

WIDE, NARROW = 25, 18
"""Bits of the operands of a DSP48E1, both signed."""

CHAINS = (4, 2, 1)
"""Columns that the slices' adders may sum. A longer chain saves adders, and costs registers for the columns that wait."""


@dataclass(frozen=True, slots=True)
class Packing:
    """`rows` share a slice, `step` bits apart; `chain` columns are summed, to `field` bits; `stored` is what is stored."""

    rows: int
    step: int
    field: int
    chain: int
    stored: IntType

    def slices(self, pe: int, simd: int) -> int:
        return ceil(pe / self.rows) * simd


@cache
def choose(low: int, high: int, a: IntType, pe: int, simd: int) -> Packing:
    """The packing with the fewest slices for weights of [low, high], and of these the one with the longest chains."""
    low, high = min(low, 0), max(high, 0)
    for groups in range(1, pe):
        rows = ceil(pe / groups)
        # Of as many groups the next may have no fewer rows; as the rows lessen, their fields widen.
        for chain in CHAINS:
            found = _fit(low, high, a, rows, chain) if chain <= simd else None
            if found is not None:
                return found
    stored = IntType.covering(low, high)
    wide = stored.width + int(not stored.signed) > WIDE or a.width + int(not a.signed) > NARROW
    chain = 1 if wide else next(c for c in CHAINS if c <= simd)
    field = _sum_type(low, high, a, chain).width
    return Packing(1, field, field, chain, stored)


def _fit(low: int, high: int, a: IntType, rows: int, chain: int) -> Packing | None:
    """`rows` > 1 rows in a slice, as far apart as they can be."""
    stored = IntType.covering(low - 1, high) if low < 0 else IntType.covering(low, high)
    step = (WIDE - stored.width - int(not stored.signed)) // (rows - 1)
    if step < stored.width or a.width + int(not a.signed) > NARROW:
        return None
    need = _sum_type(low, high, a, chain).width
    if need > step + 1:
        return None
    return Packing(rows, step, max(step, need), chain, stored)


def _sum_type(low: int, high: int, a: IntType, chain: int) -> IntType:
    """The type of a sum of `chain` products, less the one that the field below may take."""
    ends = [w * x for w in (low, high) for x in (a.lo, a.hi)]
    return IntType.covering(min(-1, chain * min(ends) - 1), chain * max(ends))


def stored_weights(weight: Codes, packing: Packing) -> Codes:
    """Weights (…, PE, SIMD) as they are stored: each less one where the fields below it, of its slice, are negative."""
    stored = weight.copy()
    for row in range(weight.shape[-2]):
        if row % packing.rows:
            stored[..., row, :] -= stored[..., row - 1, :] < 0
    return stored
