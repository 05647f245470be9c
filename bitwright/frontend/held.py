"""A rounding that waits for what follows it: limits and an offset belong to the same quantiser."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

from .model import OnnxNode
from .values import Stream


@dataclass(frozen=True, eq=False)
class Held:
    """min(max(round(x), low), high) + shift, not computed yet; `node` says how it rounds."""

    node: OnnxNode
    x: Stream
    low: int | None = None
    high: int | None = None
    shift: int = 0

    def limited(self, low: float, high: float) -> Held:
        """min(max(this, low), high), of integers or infinities."""
        least = -inf if self.low is None else self.low + self.shift
        most = inf if self.high is None else self.high + self.shift
        first, last = (min(max(end, low), high) - self.shift for end in (least, most))
        return replace(self, low=None if first == -inf else int(first), high=None if last == inf else int(last))
