"""A bound on what float arithmetic may add to a value: magnitudes and roundings since the last quantised tensor.

Float evaluation of a sum of products in any order, each operation rounded once, errs by at most γ_n · Σ|terms|, with
γ_n = n·u / (1 − n·u) and n no less than the roundings on the longest path from an operand to the result (Higham,
Accuracy and Stability of Numerical Algorithms, 2nd ed., sections 3.1 and 3.5). Limits (ReLU, Clip) do not enlarge it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .exact import Rationals, floats

Floats = NDArray[np.float64]

SLACK = 1 + 2.0**-40  # float64 evaluation of the magnitudes themselves
TINY = 2.0**-120  # covers underflow: far below anything that a float32 network computes with


@dataclass(frozen=True, eq=False)
class Times:
    factor: Floats


@dataclass(frozen=True, eq=False)
class Plus:
    term: Floats


@dataclass(frozen=True, eq=False)
class Dot:
    """Contraction of the last axis with `weight` (inputs, outputs), all entries magnitudes."""

    weight: Floats


@dataclass(frozen=True, eq=False)
class Shaped:
    shape: tuple[int, ...]


Step = Times | Plus | Dot | Shaped


@dataclass(frozen=True, eq=False)
class Trace:
    """From the codes of IR value `source` (None: the samples of the graph input) to a tensor of the model."""

    source: str | None
    scale: Floats
    offset: Floats
    steps: tuple[Step, ...] = ()
    roundings: int = 0

    def times(self, factor: Rationals, roundings: int = 2) -> Trace:
        return self._with(Times(np.abs(floats(factor))), roundings)

    def plus(self, term: Rationals, roundings: int = 2) -> Trace:
        return self._with(Plus(np.abs(floats(term))), roundings)

    def dot(self, weight: Floats) -> Trace:
        return self._with(Dot(np.abs(weight)), len(weight) + 4)

    def shaped(self, shape: Sequence[int]) -> Trace:
        return self._with(Shaped(tuple(shape)), 0)

    def _with(self, step: Step, roundings: int) -> Trace:
        return replace(self, steps=(*self.steps, step), roundings=self.roundings + roundings)

    def bound(self, codes: NDArray[np.generic], roundoff: float) -> Floats:
        """The greatest float error, by element, where `codes` (frames, …) are the source's (or the samples)."""
        size = np.abs(codes.astype(np.float64)) * self.scale + self.offset + TINY
        for step in self.steps:
            match step:
                case Times(factor):
                    size = size * factor + TINY
                case Plus(term):
                    size = size + term
                case Dot(weight):
                    size = size @ weight
                case Shaped(shape):
                    size = size.reshape(len(size), *shape[1:])
        n = (self.roundings + 1) * roundoff
        # Beside the float32 error there is our own, of evaluating the exact side in float64.
        return size * (n / (1 - n) * SLACK + 2.0**-46) if n < 1 else np.full_like(size, np.inf)
