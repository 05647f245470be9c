"""Requantisation: each step function gets the cheapest implementation that is proved equal to it.

The candidates are a shift (rounding down, or to nearest even), a multiplication with a shift, a truth table, and the
comparisons themselves. A candidate ⌊(m·a + b) / 2^s⌋ equals the steps on the whole accumulator range if and only if it
does at every breakpoint t: m·t + b ≥ v·2^s and m·(t − 1) + b < v·2^s, where v is the value that begins at t; for given
m and s that is an interval for b. Nothing is taken that was not proved; there is no tolerance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np

from ...ir.graph import Graph, Node
from ...ir.netlist import Multiplier
from ...ir.op import Codes, Op
from ...ir.types import TensorType
from ...ops import area
from ...ops.channels import bounds
from ...ops.mulshift import MulShift
from ...ops.shift import Shift
from ...ops.table import Table
from ...ops.threshold import Threshold

WIDEST_ACCUMULATOR = 28  # bits; beyond, the proof below would leave 62-bit arithmetic
FINEST_MULTIPLIER = 34  # bits of the widest multiplier tried; real scales need 14 to 20
WIDEST_TABLE = 10  # address bits of a truth table
SAMPLE = 17  # steps of a channel on which a slope is found and tried before all are
MOST_LEFT = 8  # bits of the largest left shift tried
MORE_BITS = 3  # of the multipliers, over the fewest, that are tried
NOMINAL_LANES = 2  # the parallelism at which the implementations' costs are compared


def requantize(graph: Graph) -> Graph:
    """Every threshold is replaced by the cheapest implementation proved equal to it over its operand's range."""
    types, nodes = dict(graph.inputs), list[Node]()
    for node in graph.nodes:
        nodes.append(_convert(node, types[node.inputs[0]]))
        types[node.name] = nodes[-1].op.infer(*(types[i] for i in node.inputs))
    return graph.with_nodes(tuple(nodes))


def _convert(node: Node, x: TensorType) -> Node:
    if not isinstance(node.op, Threshold):
        return node
    return replace(node, op=min(candidates(node.op, x), key=lambda op: area.nominal(op, x, NOMINAL_LANES)))


def candidates(op: Threshold, x: TensorType) -> list[Op]:
    """All implementations that are proved equal to `op` on operands of type `x`, the comparisons first."""
    found: list[Op] = [op]
    if len(op.base) == 1 and x.elem.width <= WIDEST_TABLE:
        codes = np.arange(1 << x.elem.width)
        signed = np.where(codes > x.elem.hi, codes - (1 << x.elem.width), codes)
        found.append(Table(op.evaluate(signed[:, None])[:, 0]))
    steps = Steps.of(op, x)
    if steps is not None:
        shift, products = steps.as_shift(), list(steps.as_mulshifts())
        found += [shift] if shift else []
        found += [min(products, key=lambda op: _either(op, x))] if products else []
    return found


def _either(op: MulShift, x: TensorType) -> float:
    """What it costs with LUTs and with DSP slices; the folding chooses later."""
    return sum(area.nominal(op, x, NOMINAL_LANES, kind) for kind in (Multiplier.LUT, Multiplier.DSP))


@dataclass(frozen=True)
class Steps:
    """A step function in which every channel ascends, over the accumulators `low .. high` of each channel.

    In channel c the value `values[c, k]` begins at `at[c, k]`; entries where `used` is false begin nowhere in the
    range. `first` and `last` are the values at its ends. `sign` is −1 where the channel descends in the operand itself
    and all is told of its negation.
    """

    at: Codes
    used: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    values: Codes
    first: Codes
    last: Codes
    low: Codes
    high: Codes
    sign: Codes

    @classmethod
    def of(cls, op: Threshold, x: TensorType) -> Steps | None:
        """The steps of `op` on `x`, or None if the operand's own channels are finer than the operator's."""
        low, high = bounds(x, len(op.base))
        if len(low) != len(op.base):
            low = low.reshape(-1, len(op.base)).min(axis=0)
            high = high.reshape(-1, len(op.base)).max(axis=0)
        falling = op.sign < 0
        n = op.thresholds.shape[1]
        at = np.where(falling[:, None], np.sort(1 - op.thresholds, axis=1), op.thresholds)
        first = np.where(falling, op.base - n, op.base)
        low, high = np.where(falling, -high, low), np.where(falling, -low, high)
        if max(np.abs(low).max(), np.abs(high).max()) >= 1 << WIDEST_ACCUMULATOR:
            return None
        used = (at > low[:, None]) & (at <= high[:, None])
        values = first[:, None] + 1 + np.arange(n)
        least = first + (at <= low[:, None]).sum(axis=1)
        return cls(at, used, values, least, least + used.sum(axis=1), low, high, op.sign)

    @property
    def clip(self) -> tuple[int, int]:
        return int(self.first.min()), int(self.last.max())

    def interval(self, m: Codes, shift: int, *, even: bool = False) -> tuple[Codes, Codes]:
        """All b for which ⌊(m·a + b) / 2^shift⌋, clipped, is the step function; empty where low > high.

        With `even` the quotient is rounded to nearest, ties to even: a value begins at the tie below it if it is even, and
        just above the tie if it is odd.
        """

        def begins(value: Codes) -> Codes:
            return (value << shift) - (1 << (shift - 1)) + (value & 1) if even else value << shift

        m, far = m[:, None], 1 << 61
        start = begins(self.values)
        lower = np.where(self.used, start - m * self.at, -far)
        upper = np.where(self.used, start - 1 - m * (self.at - 1), far)
        (lo, hi), m = self.clip, m[:, 0]
        # Where clipping does not hold the ends, they are conditions too.
        at_low = np.where(self.first > lo, begins(self.first) - m * self.low, -far)
        at_high = np.where(self.last < hi, begins(self.last + 1) - 1 - m * self.high, far)
        return (
            np.maximum(lower.max(axis=1, initial=-far), at_low),
            np.minimum(upper.min(axis=1, initial=far), at_high),
        )

    @property
    def fine_bits(self) -> int:
        """Bits of the finest multiplier tried: its product with an accumulator stays below 2^60."""
        return min(FINEST_MULTIPLIER, 57 - int(max(np.abs(self.low).max(), np.abs(self.high).max())).bit_length())

    @cached_property
    def finest(self) -> int:
        """The shift at which the steepest channel's multiplier has `fine_bits` bits, as far as 62 bits hold it all."""
        columns = np.arange(self.at.shape[1])
        first = np.where(self.used, columns, self.at.shape[1]).min(axis=1, initial=self.at.shape[1])
        last = np.where(self.used, columns, -1).max(axis=1, initial=-1)
        rows = np.flatnonzero(last > first)
        rise = (last - first)[rows] + 1
        run = np.maximum(self.at[rows, last[rows]] - self.at[rows, first[rows]], 1)
        slope = self.fine_bits + int((run // rise).min(initial=1 << WIDEST_ACCUMULATOR)).bit_length()
        slope -= int((rise // run).max(initial=0)).bit_length()
        widest = int(max(abs(self.first).max(), abs(self.last).max())).bit_length()
        return max(0, min(slope, 60 - widest))

    @cached_property
    def slope(self) -> Codes:
        """The multiplier of each channel at the finest shift whose interval for b is widest, if any is feasible."""
        some = self.thinned(SAMPLE)._slope(self.finest)
        return some if (self._room(some, self.finest) >= 0).all() else self._slope(self.finest)

    @cached_property
    def feasible(self) -> tuple[Codes, Codes] | None:
        """The least and the greatest multiplier of each channel at the finest shift that are feasible; all between are.

        None if a channel has none. At a shift less by d, m is feasible if and only if m·2^d is here.
        """
        if (self._room(self.slope, self.finest) < 0).any():
            return None
        limits = np.full_like(self.slope, -1), np.full_like(self.slope, (1 << (self.fine_bits + 2)) + 1)
        some, fine = self.thinned(SAMPLE), self.finest
        # What a few of the conditions rule out need not be tried with all.
        least, most = (self._last(self.slope, some._last(self.slope, end, fine)[1], fine)[0] for end in limits)
        return least, most

    def _last(self, inner: Codes, outer: Codes, shift: int) -> tuple[Codes, Codes]:
        """The last feasible multiplier on the way from a feasible one to one that is not, and the next one."""
        while (np.abs(outer - inner) > 1).any():
            middle = (inner + outer) // 2
            good = self._room(middle, shift) >= 0
            inner, outer = np.where(good, middle, inner), np.where(good, outer, middle)
        return inner, outer

    def _room(self, m: Codes, shift: int) -> Codes:
        """Integers b of each channel that are proved, less one."""
        low, high = self.interval(m, shift)
        return high - low

    def thinned(self, steps: int) -> Steps:
        """About so many steps of each channel, the first and the last of its used ones among them."""
        if self.at.shape[1] <= 2 * steps:
            return self
        count = self.used.sum(axis=1)
        first = np.where(count > 0, self.used.argmax(axis=1), 0)
        kept = first[:, None] + (np.arange(steps) * np.maximum(count - 1, 0)[:, None]) // (steps - 1)
        take = partial(np.take_along_axis, indices=kept, axis=1)
        return replace(self, at=take(self.at), used=take(self.used), values=take(self.values))

    def as_shift(self) -> Shift | None:
        """A proved shift, the same for every channel."""
        if (self.sign < 0).any():
            return None
        lo, hi = self.clip
        ones, bits = np.ones_like(self.first), int(np.median(self.slope)).bit_length()
        near = self.finest - bits  # 2^-near is about the slope
        for left, right in [(max(-r, 0), max(r, 0)) for r in range(near - 2, near + 4)]:
            if right > self.finest or left > MOST_LEFT:
                continue
            for even in (False, True)[: 1 + (right > 0)]:
                low, high = self.interval(ones << left, right, even=even)
                if (low <= high).all():
                    return Shift(_simplest(low, high), left, right, lo, hi, even)
        return None

    def as_mulshifts(self) -> Iterator[MulShift]:
        """The proved multiplications of the narrowest multipliers, and some with a few bits more.

        Those leave b more room, hence more of the product's low bits to be left out. One multiplier for all channels,
        where one serves at a slightly larger shift, is constant in hardware.
        """
        if self.feasible is None:
            return
        least, most = self.feasible
        first: int | None = None
        for shift in range(self.finest + 1):
            fine = self.finest - shift
            low, high = -(-least >> fine), most >> fine
            if (low > high).any():
                continue
            first = shift if first is None else first
            if shift > first + MORE_BITS:
                return
            near = self.slope >> fine
            if low.max() <= high.min():
                middle = np.clip(np.median(near).astype(np.int64), low.max(), high.min())
                two = [np.full_like(low, m) for m in (middle, min(middle + 1, high.min()))]
                yield self._product(max(two, key=lambda m: self._room(m, shift).min()), shift)
            # No channel's multiplier is wider than the widest must be.
            high = np.minimum(high, (1 << int(low.max()).bit_length()) - 1)
            m, other = np.clip(near, low, high), np.clip(near + 1, low, high)
            yield self._product(np.where(self._room(other, shift) > self._room(m, shift), other, m), shift)

    def _product(self, m: Codes, shift: int) -> MulShift:
        """With these multipliers, which are feasible."""
        low, high = self.interval(m, shift)
        lo, hi = self.clip
        return MulShift(m * self.sign, _roomy(low, high), shift, lo, hi)

    def _slope(self, finest: int) -> Codes:
        """The multiplier at the finest shift whose interval for b is widest, by ternary search (it is concave)."""
        low, high = np.zeros_like(self.first), np.full_like(self.first, 1 << (self.fine_bits + 2))
        while (high - low > 2).any():
            third = (high - low) // 3
            one, two = low + third, high - third
            rising = _width(self.interval(one, finest)) < _width(self.interval(two, finest))
            low, high = np.where(rising, one, low), np.where(rising, high, two)
        return (low + high) // 2


def _width(interval: tuple[Codes, Codes]) -> Codes:
    return interval[1] - interval[0]


def _roomy(low: Codes, high: Codes) -> Codes:
    """Of each interval an integer that the product may fall short of by seven eighths of the narrowest interval's width.

    Of these the one with the most trailing zeros, and no channel's is wider than the widest must be.
    """
    low = low + (high - low).min() // 8 * 7
    nearest = np.clip(0, low, high)
    limit = 1 << int(np.where(nearest < 0, ~nearest, nearest).max()).bit_length()
    return _simplest(np.maximum(low, -limit), np.minimum(high, limit - 1))


def _simplest(low: Codes, high: Codes) -> Codes:
    """The integer in each interval with the most trailing zeros: fewer bits to store and to add."""
    best = low.copy()
    for bit in range(61):
        rounded = -(-low >> bit) << bit
        best = np.where(rounded <= high, rounded, best)
    return best
