"""Frames as `rtl/bw_taps.v` runs through them: which pixel it takes when, when windows leave, and for how long that lasts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..ir.op import Codes

SLACK = 2
"""Words of the queue in front beyond those that must wait."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Cycles of a frame at full rate, and the words that wait meanwhile if they come evenly."""

    cycles: int
    depth: int


@dataclass(frozen=True, slots=True)
class Sliding:
    """A frame of `height` rows of `width` pixels and `rows` rows of `columns` windows.

    The last tap of the first window is at (`top`, `left`), those of the others are multiples of (`down`, `across`) away.
    """

    height: int
    width: int
    rows: int
    columns: int
    top: int
    left: int
    down: int
    across: int

    @property
    def pitch(self) -> int:
        """Places from row to row: the windows of a row may take more of them than its pixels."""
        return max(self.width, (self.columns - 1) * self.across // self.down + 1 if self.rows > 1 else 1)

    @property
    def takes(self) -> Codes:
        """The places that take a pixel."""
        return (np.arange(self.height)[:, None] * self.pitch + np.arange(self.width)).reshape(-1)

    @property
    def gives(self) -> Codes:
        """The places with which a window leaves."""
        rows = self.top + np.arange(self.rows) * self.down
        return (rows[:, None] * self.pitch + self.left + np.arange(self.columns) * self.across).reshape(-1)

    def places(self) -> list[tuple[bool, bool]]:
        """Of each place of a frame, whether it takes a pixel, and whether a window leaves with it."""
        found = np.zeros((self.count, 2), np.bool_)
        found[self.takes, 0] = True
        found[self.gives, 1] = True
        return [(take, give) for take, give in found.tolist()]

    @property
    def count(self) -> int:
        """Places of a frame: it ends with its last pixel or its last window."""
        return 1 + max(int(self.takes[-1]), int(self.gives[-1]))

    def flow(self, words: int, each: int) -> Flow:
        """Where a pixel is `words` words, and a word of a window leaves in `each` cycles."""
        return _flow(self, words, each)


@lru_cache(4096)
def _flow(sliding: Sliding, words: int, each: int) -> Flow:
    gives, takes, count = sliding.gives, sliding.takes, sliding.count
    # A window holds up the next one until its last word has left; the last holds up the next frame.
    apart = np.diff(gives, append=gives[0] + count)
    spans = np.maximum(words * each, (words - 1) * each + 1 + words * (apart - 1))
    cycles = int(spans.sum())
    starts = np.cumsum(spans) - spans
    window = np.searchsorted(gives, takes, side="right") - 1
    before = window < 0  # places in front of the first window follow the last one of the frame before
    behind = np.where(before, takes + count - gives[-1], takes - gives[window])
    own = behind == 0
    start = np.where(before, starts[-1] - cycles, starts[window])
    first = start + np.where(own, 0, (words - 1) * each + 1 + words * (behind - 1))
    taken = (first[:, None] + np.arange(words) * np.where(own, each, 1)[:, None]).reshape(-1)
    return Flow(cycles, _backlog(taken, cycles))


def _backlog(taken: NDArray[np.int64], cycles: int) -> int:
    """The most words that wait, if they come evenly over `cycles` cycles, just in time to be taken in these."""
    arrived = np.arange(len(taken)) * cycles // len(taken)
    late = int((arrived - taken).max())
    there = (taken + late) * len(taken) // cycles + 1
    return int((there - np.arange(len(taken))).max()) + SLACK
