"""A bound on what float arithmetic may add to a value: magnitudes and roundings since the last quantised tensor.

Float evaluation of a sum of products in any order, each operation rounded once, errs by at most γ_n · Σ|terms|, with
γ_n = n·u / (1 − n·u) and n no less than the roundings on the longest path from an operand to the result (Higham,
Accuracy and Stability of Numerical Algorithms, 2nd ed., sections 3.1 and 3.5). Limits (ReLU, Clip) do not enlarge it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .exact import Rationals, floats

Floats = NDArray[np.float64]

SLACK = 1 + 2.0**-40  # float64 evaluation of the magnitudes themselves
TINY = 2.0**-120  # covers underflow: far below anything that a float32 network computes with


@dataclass(frozen=True, eq=False)
class Doubt:
    """A quantised constant some of whose codes a float runtime may round to another integer than is exact.

    Element i of what holds this is code `index[i]` of the tensor `tensor`; one code is worth `size[i]`.
    """

    tensor: str
    index: NDArray[np.int64]
    size: Floats

    def error(self, differences: Mapping[str, Floats]) -> Floats:
        """How far the runtime's elements are from the exact ones, given its codes' differences by tensor."""
        return differences[self.tensor].reshape(-1)[self.index] * self.size


@dataclass(frozen=True, eq=False)
class Times:
    factor: Floats


@dataclass(frozen=True, eq=False)
class Plus:
    term: Floats
    doubt: Doubt | None = None


@dataclass(frozen=True, eq=False)
class Dot:
    """Contraction of the last axis with `weight` (inputs, outputs), all entries magnitudes."""

    weight: Floats
    doubt: Doubt | None = None


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

    def plus(self, term: Rationals, roundings: int = 2, doubt: Doubt | None = None) -> Trace:
        return self._with(Plus(np.abs(floats(term)), doubt), roundings)

    def dot(self, weight: Floats, doubt: Doubt | None = None) -> Trace:
        return self._with(Dot(np.abs(weight), doubt), len(weight) + 4)

    def shaped(self, shape: Sequence[int]) -> Trace:
        return self._with(Shaped(tuple(shape)), 0)

    def _with(self, step: Step, roundings: int) -> Trace:
        return replace(self, steps=(*self.steps, step), roundings=self.roundings + roundings)

    def bound(self, codes: NDArray[np.generic], roundoff: float, differences: Mapping[str, Floats]) -> Floats:
        """The greatest float error, by element, where `codes` (frames, …) are the source's (or the samples).

        `differences` has |runtime − exact| of the codes of every constant in doubt.
        """
        size = np.abs(codes.astype(np.float64)) * self.scale + self.offset + TINY
        other = np.zeros_like(size)  # what other codes of the constants make
        for step in self.steps:
            match step:
                case Times(factor):
                    size, other = size * factor + TINY, other * factor
                case Plus(term, doubt):
                    error = 0.0 if doubt is None else doubt.error(differences)
                    size, other = size + term + error, other + error
                case Dot(weight, doubt):
                    other = other @ weight
                    if doubt is not None:
                        error = doubt.error(differences)
                        other, weight = other + size @ error, weight + error
                    size = size @ weight
                case Shaped(shape):
                    size, other = (v.reshape(len(v), *shape[1:]) for v in (size, other))
        n = (self.roundings + 1) * roundoff
        if n >= 1:
            return np.full_like(size, np.inf)
        # Beside the float32 error there is our own, of evaluating the exact side in float64.
        return size * (n / (1 - n) * SLACK + 2.0**-46) + other * SLACK
