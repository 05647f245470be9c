"""Step functions of quantisers: from a real t to an integer code, exactly.

Every one is monotone and is given by its bounds: code k or above is reached where t ≥ θ_k, or where t > θ_k.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from math import inf

import numpy as np
from numpy.typing import NDArray


class Rounding(Enum):
    """Rounding to an integer; the value is the name in QONNX."""

    HALF_EVEN = "HALF_EVEN"
    CEIL = "CEIL"
    FLOOR = "FLOOR"
    UP = "UP"  # away from zero
    DOWN = "DOWN"  # toward zero
    HALF_UP = "HALF_UP"  # ties away from zero
    HALF_DOWN = "HALF_DOWN"  # ties toward zero

    @classmethod
    def parse(cls, text: str) -> Rounding:
        """The mode of a QONNX attribute, in either case. Raises ValueError for an unknown one."""
        synonyms = {"ROUND": "HALF_EVEN", "ROUND_TO_ZERO": "DOWN"}
        upper = text.upper()
        return cls(synonyms.get(upper, upper))

    def bound(self, k: int) -> tuple[int, bool]:
        """(2·θ, strict): t rounds to k or above where t ≥ θ, or, if strict, where t > θ."""
        match self:
            case Rounding.HALF_EVEN:
                return 2 * k - 1, bool(k & 1)
            case Rounding.CEIL:
                return 2 * k - 2, True
            case Rounding.FLOOR:
                return 2 * k, False
            case Rounding.UP:
                return (2 * k - 2, True) if k > 0 else (2 * k, False)
            case Rounding.DOWN:
                return (2 * k, False) if k > 0 else (2 * k - 2, True)
            case Rounding.HALF_UP:
                return 2 * k - 1, k <= 0
            case Rounding.HALF_DOWN:
                return 2 * k - 1, k > 0

    def round(self, t: Fraction) -> int:
        k = t.__floor__() - 1
        while True:
            twice, strict = self.bound(k + 1)
            if not (2 * t > twice if strict else 2 * t >= twice):
                return k
            k += 1

    @property
    def at_halves(self) -> bool:
        """Whether the steps are at odd multiples of ½ (else at integers)."""
        return self in (Rounding.HALF_EVEN, Rounding.HALF_UP, Rounding.HALF_DOWN)


class Steps(ABC):
    """A monotone step function from reals to integers. `low` and `high` are its least and greatest code, if it has."""

    low: int | None
    high: int | None

    @abstractmethod
    def bound(self, k: int) -> tuple[int, int, bool]:
        """(numerator, denominator > 0, strict) of θ_k, for low < k ≤ high."""

    @abstractmethod
    def code(self, t: Fraction | float) -> int:
        """The code of t; t may be infinite on a side that has a last code."""

    @abstractmethod
    def edges(self, codes: NDArray[np.int64]) -> NDArray[np.float64]:
        """θ of every code of an array."""

    def between(self, exact: int, found: int, at: float) -> NDArray[np.float64]:
        """The first and the last boundary between two codes, `exact` that of the number `at`."""
        return self.edges(np.array([min(exact, found) + 1, max(exact, found)]))


@dataclass(frozen=True)
class Grid(Steps):
    """clip(round(t)), or, with a ratio, clip(round(half_even(t) / ratio)) as QONNX's Trunc has it."""

    rounding: Rounding
    low: int | None
    high: int | None
    ratio: Fraction | None = None

    def bound(self, k: int) -> tuple[int, int, bool]:
        twice, strict = self.rounding.bound(k)
        if self.ratio is None:
            return twice, 2, strict
        point = self.ratio * twice / 2  # reached by the integers from (or just above) this point
        first = point.__floor__() + 1 if strict else point.__ceil__()
        inner, strict = Rounding.HALF_EVEN.bound(first)
        return inner, 2, strict

    def code(self, t: Fraction | float) -> int:
        if isinstance(t, float):
            end = self.low if t < 0 else self.high
            if end is None:
                raise OverflowError("an infinite value has no code")
            return end
        inner = t if self.ratio is None else Fraction(Rounding.HALF_EVEN.round(Fraction(t))) / self.ratio
        k = self.rounding.round(Fraction(inner))
        k = k if self.low is None else max(k, self.low)
        return k if self.high is None else min(k, self.high)

    def edges(self, codes: NDArray[np.int64]) -> NDArray[np.float64]:
        present, where = np.unique(codes, return_inverse=True)
        bounds = (self.bound(k) for k in present.tolist())
        return np.array([n / d for n, d, _ in bounds], np.float64)[where.reshape(-1)].reshape(codes.shape)


@dataclass(frozen=True)
class Levels(Steps):
    """#{i : t ≥ levels[i]}; the levels ascend."""

    levels: tuple[Fraction, ...]

    @property
    def low(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return 0

    @property
    def high(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return len(self.levels)

    def bound(self, k: int) -> tuple[int, int, bool]:
        level = self.levels[k - 1]
        return level.numerator, level.denominator, False

    def code(self, t: Fraction | float) -> int:
        if t == -inf:
            return 0
        return bisect_right(self.levels, t)

    def edges(self, codes: NDArray[np.int64]) -> NDArray[np.float64]:
        padded = np.array([-inf, *(float(level) for level in self.levels), inf])
        return padded[np.clip(codes, 0, len(padded) - 1)]


SIGN = Levels((Fraction(0),))
"""Code 1 where t ≥ 0, else 0."""


@dataclass(frozen=True)
class Row:
    """A step function of an integer q: base + sign · #{i : q ≥ thresholds[i]}."""

    base: int
    sign: int
    thresholds: tuple[int, ...]


def solve(ratio: Fraction, offset: Fraction, low: Fraction | float, high: Fraction | float, steps: Steps,
          least: int, most: int) -> Row:  # fmt: skip
    """The steps of clip(ratio · q + offset, low, high) over the integers least ≤ q ≤ most; only those reached there."""
    ends = [steps.code(max(low, min(ratio * q + offset, high))) for q in (least, most)]
    if ends[0] == ends[1]:
        return Row(ends[0], 1, ())
    # q reaches code k where ratio·q + offset ≥ θ: there q ≥ (or, for a negative ratio, ≤) (θ − offset) / ratio.
    up, down = ratio.denominator * offset.denominator, ratio.denominator * offset.numerator
    below = offset.denominator * ratio.numerator
    thresholds: list[int] = []
    if ratio > 0:
        for k in range(ends[0] + 1, ends[1] + 1):
            n, d, strict = steps.bound(k)
            point, divisor = n * up - d * down, d * below
            thresholds.append(point // divisor + 1 if strict else -(-point // divisor))
        return Row(ends[0], 1, tuple(thresholds))
    for k in range(ends[0], ends[1], -1):
        n, d, strict = steps.bound(k)
        point, divisor = n * up - d * down, d * below
        # The greatest q that still reaches k, plus one.
        thresholds.append(-(-point // divisor) if strict else point // divisor + 1)
    return Row(ends[0], -1, tuple(thresholds))
