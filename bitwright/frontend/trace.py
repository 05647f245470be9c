"""A bound on what float arithmetic may add to a value: magnitudes and roundings since the last quantised tensors.

Float evaluation of a sum of products in any order, each operation rounded once, errs by at most γ_n · Σ|terms|, with
γ_n = n·u / (1 − n·u) and n no less than the roundings on the longest path from an operand to the result (Higham,
Accuracy and Stability of Numerical Algorithms, 2nd ed., sections 3.1 and 3.5). Limits (ReLU, Clip) do not enlarge it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .exact import Rationals, floats
from .layout import Order, explicit

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

    def reshaped(self, shape: Sequence[int]) -> Doubt:
        return Doubt(self.tensor, self.index.reshape(shape), self.size.reshape(shape))


@dataclass(frozen=True, slots=True)
class Bound:
    """Of one tensor, by element: `size` Σ|terms|, of which γ_n is the rounding error; `other` is any other error."""

    size: Floats
    other: Floats
    roundings: int

    def error(self, roundoff: float) -> Floats:
        n = (self.roundings + 1) * roundoff
        if n >= 1:
            return np.full_like(self.size, np.inf)
        # Beside the float32 error there is our own, of evaluating the exact side in float64.
        return self.size * (n / (1 - n) * SLACK + 2.0**-46) + self.other * SLACK


Differences = Mapping[str, Floats]


class Step(ABC):
    """One operation on bounds."""

    @abstractmethod
    def __call__(self, operands: list[Bound], roundings: int, differences: Differences, roundoff: float) -> Bound:
        """`roundings` is that of the result."""


@dataclass(frozen=True, eq=False)
class Times(Step):
    factor: Floats

    def __call__(self, operands: list[Bound], roundings: int, differences: Differences, roundoff: float) -> Bound:
        x = operands[0]
        return Bound(x.size * self.factor + TINY, x.other * self.factor, roundings)


@dataclass(frozen=True, eq=False)
class Plus(Step):
    term: Floats
    doubt: Doubt | None = None

    def __call__(self, operands: list[Bound], roundings: int, differences: Differences, roundoff: float) -> Bound:
        error = 0.0 if self.doubt is None else self.doubt.error(differences)
        x = operands[0]
        return Bound(x.size + self.term + error, x.other + error, roundings)


@dataclass(frozen=True, eq=False)
class Dot(Step):
    """Contraction of the last axis with `weight` (inputs, outputs), all entries magnitudes."""

    weight: Floats
    doubt: Doubt | None = None

    def __call__(self, operands: list[Bound], roundings: int, differences: Differences, roundoff: float) -> Bound:
        x, weight = operands[0], self.weight
        other = x.other @ weight
        if self.doubt is not None:
            error = self.doubt.error(differences)
            other, weight = other + x.size @ error, weight + error
        return Bound(x.size @ weight, other, roundings)


@dataclass(frozen=True, eq=False)
class ByTap(Step):
    """Σ over the taps of weight[tap, c] · x[…, tap, c]: magnitudes of shape (taps, channels)."""

    weight: Floats
    doubt: Doubt | None = None

    def __call__(self, operands: list[Bound], roundings: int, differences: Differences, roundoff: float) -> Bound:
        x, weight = operands[0], self.weight
        size, other = (v.reshape(*v.shape[:-1], *weight.shape) for v in (x.size, x.other))
        total = (other * weight).sum(axis=-2)
        if self.doubt is not None:
            error = self.doubt.error(differences)
            total, weight = total + (size * error).sum(axis=-2), weight + error
        return Bound((size * weight).sum(axis=-2), total, roundings)


@dataclass(frozen=True, eq=False)
class Moved(Step):
    """Any function of magnitudes that is monotone and not above the sum of what it takes: moves, maxima, sums."""

    function: Callable[[Any], Any]

    def __call__(self, operands: list[Bound], roundings: int, differences: Differences, roundoff: float) -> Bound:
        return Bound(self.function(operands[0].size), self.function(operands[0].other), roundings)


@dataclass(frozen=True, eq=False)
class Through(Step):
    """A function of one number: `bound` takes magnitudes and errors of the operand to those of the result."""

    bound: Callable[[Floats, Floats], tuple[Floats, Floats]]
    units: float = 16.0
    """Roundings of the function itself in a float runtime, which approximates it."""

    def __call__(self, operands: list[Bound], roundings: int, differences: Differences, roundoff: float) -> Bound:
        with np.errstate(over="ignore", invalid="ignore"):
            size, error = self.bound(operands[0].size, operands[0].error(roundoff))
        size = np.broadcast_to(size, operands[0].size.shape)
        return Bound(size, error + self.units * roundoff * (size + 2.0**-10), 0)


@dataclass(frozen=True, eq=False)
class Sum(Step):
    """Of operands of one shape (up to broadcasting)."""

    def __call__(self, operands: list[Bound], roundings: int, differences: Differences, roundoff: float) -> Bound:
        a, b = operands
        return Bound(a.size + b.size, a.other + b.other, roundings)


@dataclass(frozen=True, eq=False)
class Product(Step):
    """Of operands of one shape (up to broadcasting)."""

    def __call__(self, operands: list[Bound], roundings: int, differences: Differences, roundoff: float) -> Bound:
        a, b = operands
        other = a.other * b.size + b.other * a.size + a.other * b.other
        return Bound(a.size * b.size + TINY, other, roundings)


@dataclass(frozen=True, eq=False)
class Joined(Step):
    """Side by side along an axis."""

    axis: int

    def __call__(self, operands: list[Bound], roundings: int, differences: Differences, roundoff: float) -> Bound:
        size, other = (np.concatenate([getattr(o, k) for o in operands], axis=self.axis) for k in ("size", "other"))
        return Bound(size, other, roundings)


@dataclass(frozen=True, eq=False)
class Start:
    """The codes of the IR value `source` (None: the samples of the graph input), seen as a tensor of the model."""

    source: str | None
    shape: tuple[int, ...]
    order: Order | None
    scale: Floats
    offset: Floats

    def bound(self, observed: Mapping[str | None, np.ndarray], roundings: int) -> Bound:
        codes = observed[self.source]
        flat = codes.reshape(len(codes), -1)
        places = explicit(self.order, self.shape).reshape(-1)
        magnitudes = np.abs(flat[:, places].astype(np.float64)).reshape(len(codes), *self.shape[1:])
        size = magnitudes * self.scale + self.offset + TINY
        return Bound(size, np.zeros_like(size), roundings)


@dataclass(frozen=True, eq=False)
class Trace:
    """How a tensor of the model comes from those that a runtime can be asked for: a graph that shares its parts."""

    step: Step | Start
    operands: tuple[Trace, ...] = ()
    roundings: int = 0

    def times(self, factor: Rationals, roundings: int = 2) -> Trace:
        return self.then(Times(np.abs(floats(factor))), roundings)

    def plus(self, term: Rationals, roundings: int = 2, doubt: Doubt | None = None) -> Trace:
        return self.then(Plus(np.abs(floats(term)), doubt), roundings)

    def dot(self, weight: Floats, doubt: Doubt | None = None) -> Trace:
        return self.then(Dot(np.abs(weight), doubt), len(weight) + 4)

    def by_tap(self, weight: Floats, doubt: Doubt | None = None) -> Trace:
        return self.then(ByTap(np.abs(weight), doubt), len(weight) + 4)

    def shaped(self, shape: Sequence[int]) -> Trace:
        new = tuple(shape[1:])
        return self.then(Moved(lambda v: v.reshape(len(v), *new)))

    def moved(self, function: Callable[[Any], Any], roundings: int = 0) -> Trace:
        return self.then(Moved(function), roundings)

    def then(self, step: Step, roundings: int = 0) -> Trace:
        return Trace(step, (self,), self.roundings + roundings)

    @classmethod
    def joined(cls, step: Step, operands: Sequence[Trace], roundings: int) -> Trace:
        return cls(step, tuple(operands), roundings)

    def sources(self) -> set[str | None]:
        """The IR values that this starts from."""
        return {t.step.source for t in self._ordered() if isinstance(t.step, Start)}

    def bound(self, observed: Mapping[str | None, np.ndarray], roundoff: float, differences: Differences) -> Floats:
        """The greatest float error, by element, where `observed` has the codes (frames, …) of every source.

        `differences` has |runtime − exact| of the codes of every constant in doubt.
        """
        done: dict[int, Bound] = {}
        order = self._ordered()
        left = {id(t): 0 for t in order}
        for t in order:
            for o in t.operands:
                left[id(o)] += 1
        for t in order:
            if isinstance(t.step, Start):
                done[id(t)] = t.step.bound(observed, t.roundings)
                continue
            done[id(t)] = t.step([done[id(o)] for o in t.operands], t.roundings, differences, roundoff)
            for o in t.operands:
                left[id(o)] -= 1
                if not left[id(o)]:
                    del done[id(o)]
        return done[id(self)].error(roundoff)

    def _ordered(self) -> list[Trace]:
        """This and all that it is made from, operands first."""
        order: list[Trace] = []
        seen: set[int] = set()
        stack: list[tuple[Trace, bool]] = [(self, False)]
        while stack:
            trace, ready = stack.pop()
            if ready:
                order.append(trace)
            elif id(trace) not in seen:
                seen.add(id(trace))
                stack.append((trace, True))
                stack += [(o, False) for o in trace.operands]
        return order
