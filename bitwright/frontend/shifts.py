"""Quantisers with too many steps for thresholds, as shifts: only where that is exact."""

from __future__ import annotations

from fractions import Fraction
from math import inf
from typing import Any

import numpy as np

from ..ir.types import TensorType
from ..ops.shift import Shift
from .steps import Grid, Rounding


def as_shift(settings: list[Any], x: TensorType) -> Shift | None:
    """The IR shift equal to the quantiser on every code of x; None if there is none.

    Every channel must have the same ratio, a positive power of two 2^(left − right), and the same limits.
    """
    ratio, _, _, _, steps = settings[0]
    top, bottom = ratio.numerator, ratio.denominator
    if ratio <= 0 or top & (top - 1) or bottom & (bottom - 1):
        return None
    left, right = top.bit_length() - 1, bottom.bit_length() - 1
    lows, highs, offsets = set(), set(), []
    for other, offset, low, high, kind in settings:
        if other != ratio or kind != steps or not isinstance(kind, Grid) or kind.ratio is not None:
            return None
        b = _offset(kind.rounding, offset, left, right)
        if b is None:
            return None
        offsets.append(b)
        lows.add(_limit(kind, low))
        highs.add(_limit(kind, high))
    if len(lows) > 1 or len(highs) > 1:
        return None
    lo, hi = lows.pop(), highs.pop()
    reach = (max(abs(x.min), abs(x.max)) << left) + max(abs(b) for b in offsets)
    if reach >= 1 << 62:
        return None
    lo, hi = (-reach if lo is None else lo), (reach if hi is None else hi)
    return Shift(np.array(offsets, np.int64), left, right, max(lo, -reach), min(hi, reach))


def _limit(steps: Grid, limit: Fraction | float) -> int | None:
    """The code where the stream's limit (or the quantiser's) is met; None if there is none on that side."""
    if limit in (inf, -inf):
        return steps.high if limit > 0 else steps.low
    return steps.code(limit)


def _offset(rounding: Rounding, offset: Fraction, left: int, right: int) -> int | None:
    """b such that rounding(2^(left−right)·q + offset) = ⌊(2^left·q + b) / 2^right⌋ for all q; None if there is none."""
    point = offset * (1 << right)  # the number to divide by 2^right is 2^left·q + point, exactly
    if rounding is Rounding.FLOOR:
        return point.__floor__()
    if rounding is Rounding.CEIL:
        return point.__ceil__() + (1 << right) - 1
    half = point + Fraction(1 << right, 2)
    # A tie is a q for which 2^left·q + half is a multiple of 2^right; without ties all three modes are ⌊t + ½⌋.
    tie = half.denominator == 1 and half.numerator % (1 << min(left, right)) == 0
    return None if not rounding.at_halves or tie else half.__floor__()
