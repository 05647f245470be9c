"""Constants with one entry a channel: P entries, the element at flat index e of a frame takes entry e mod P."""

from __future__ import annotations

from math import lcm

import numpy as np

from ..errors import CompileError
from ..ir.op import Codes
from ..ir.types import TensorType


def check_period(x: TensorType, period: int) -> None:
    """Raise CompileError E111 unless `period` channels tile the frame."""
    if x.size % period:
        raise CompileError("E111", f"constants of {period} channels do not fit a frame of type {x}")


def by_channel(x: Codes, period: int) -> Codes:
    """View codes (frames, *shape) as (frames, repeats, period), so that constants (period,) broadcast."""
    return x.reshape(x.shape[0], -1, period)


def bounds(x: TensorType, period: int) -> tuple[Codes, Codes]:
    """The operand's ranges as two arrays of lcm(period, its own channels) entries."""
    lo, hi = x.bounds(lcm(period, len(x.lo)))
    return np.array(lo, np.int64), np.array(hi, np.int64)


def over_range(x: TensorType, period: int) -> Codes:
    """The least and the greatest code of every channel as a batch of two frames, shape (2, lcm(period, …))."""
    return np.stack(bounds(x, period))


def ranged(shape: tuple[int, ...], ends: Codes) -> TensorType:
    """The type of a result that is monotone in its operand, from its values at both ends, shape (2, channels)."""
    return TensorType.ranged(shape, ends.min(axis=0).tolist(), ends.max(axis=0).tolist())


def fold_words(values: list[list[int]], widths: int, lanes: int) -> tuple[int, ...]:
    """ROM words for `lanes` lanes: channel c = f·lanes + l is `values[c]`, fields of `widths` bits, lane 0 lowest."""
    mask = (1 << widths) - 1
    words: list[int] = []
    for first in range(0, len(values), lanes):
        word = 0
        for lane, fields in enumerate(values[first : first + lanes]):
            for k, value in enumerate(fields):
                word |= (value & mask) << (widths * (lane * len(fields) + k))
        words.append(word)
    return tuple(words)
