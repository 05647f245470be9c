"""Functions of one number between a stream and its next quantiser: sigmoid, leaky ReLU, and their like.

A stream may carry a curve: a chain of steps on its value. A step of a rational function is exact; any other one is the
float64 that its definition gives for the float64 nearest to its operand, and is that dyadic rational from then on. A
quantiser behind it makes it a table or steps (`quantize_curve.py`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import inf, isinf
from typing import Any

import numpy as np

from .exact import Rationals, floats

Floats = Any
HUGE = Fraction(2) ** 1024
"""What stands for a function value beyond float64: every quantiser saturates long before."""


class Undefined(Exception):
    """A function has no value at a number that occurs."""


class Step(ABC):
    """One step: of the value v so far and of the value `base` that the chain began with."""

    def arrays(self) -> tuple[Rationals, ...]:
        """Its parameters that may differ by element, of the rank of the tensor."""
        return ()

    def with_arrays(self, arrays: Sequence[Rationals]) -> Step:
        """The step with others for them."""
        return self

    @abstractmethod
    def exact(self, v: Fraction, base: Fraction, parameters: Sequence[Any]) -> Fraction:
        """One value, by the parameters of its element."""

    @abstractmethod
    def real(self, v: Floats, base: Floats) -> Floats:
        """A batch of values in float64, (frames, *frame)."""


@dataclass(frozen=True, eq=False)
class Function(Step):
    """`function` is scalar; a rational one takes Fractions as well as floats."""

    name: str
    function: Callable[[Any], Any]
    rational: bool = False
    turns: tuple[float, ...] | None = ()
    """Where it changes between rising and falling; None if that is not known."""

    def exact(self, v: Fraction, base: Fraction, parameters: Sequence[Any]) -> Fraction:
        if self.rational:
            return Fraction(self.function(v))
        try:
            result = self.function(float(v))
        except OverflowError:
            return HUGE
        except (ValueError, ZeroDivisionError):
            raise Undefined(f"{self.name} has no value at {float(v):g}") from None
        return (HUGE if result > 0 else -HUGE) if isinf(result) else Fraction(result)

    def real(self, v: Floats, base: Floats) -> Floats:
        def one(x: float) -> float:
            try:
                return float(self.function(x))
            except OverflowError:
                return inf
            except (ValueError, ZeroDivisionError):
                return 0.0

        return np.asarray(np.frompyfunc(one, 1, 1)(v), np.float64)


@dataclass(frozen=True, eq=False)
class Affine(Step):
    factor: Rationals
    term: Rationals

    def arrays(self) -> tuple[Rationals, ...]:
        return (self.factor, self.term)

    def with_arrays(self, arrays: Sequence[Rationals]) -> Step:
        return Affine(*arrays)

    def exact(self, v: Fraction, base: Fraction, parameters: Sequence[Any]) -> Fraction:
        return v * parameters[0] + parameters[1]

    def real(self, v: Floats, base: Floats) -> Floats:
        return v * floats(self.factor)[0] + floats(self.term)[0]


@dataclass(frozen=True, eq=False)
class Limits(Step):
    low: Rationals
    high: Rationals

    def arrays(self) -> tuple[Rationals, ...]:
        return (self.low, self.high)

    def with_arrays(self, arrays: Sequence[Rationals]) -> Step:
        return Limits(*arrays)

    def exact(self, v: Fraction, base: Fraction, parameters: Sequence[Any]) -> Fraction:
        return Fraction(min(max(v, parameters[0]), parameters[1]))

    def real(self, v: Floats, base: Floats) -> Floats:
        return np.minimum(np.maximum(v, floats(self.low)[0]), floats(self.high)[0])


@dataclass(frozen=True, eq=False)
class Sloped(Step):
    """v where it is positive, slope · v elsewhere."""

    slope: Rationals

    def arrays(self) -> tuple[Rationals, ...]:
        return (self.slope,)

    def with_arrays(self, arrays: Sequence[Rationals]) -> Step:
        return Sloped(*arrays)

    def exact(self, v: Fraction, base: Fraction, parameters: Sequence[Any]) -> Fraction:
        return v if v >= 0 else v * parameters[0]

    def real(self, v: Floats, base: Floats) -> Floats:
        return np.where(v >= 0, v, v * floats(self.slope)[0])


@dataclass(frozen=True, eq=False)
class Combined(Step):
    """v + w or v · w, w by another chain on the same base."""

    product: bool
    other: tuple[Step, ...]

    def arrays(self) -> tuple[Rationals, ...]:
        return tuple(a for step in self.other for a in step.arrays())

    def with_arrays(self, arrays: Sequence[Rationals]) -> Step:
        return replace(self, other=with_arrays(self.other, arrays))

    def exact(self, v: Fraction, base: Fraction, parameters: Sequence[Any]) -> Fraction:
        w = evaluate(self.other, base, parameters)
        return v * w if self.product else v + w

    def real(self, v: Floats, base: Floats) -> Floats:
        w = real(self.other, base)
        return v * w if self.product else v + w


def arrays_of(chain: Sequence[Step]) -> tuple[Rationals, ...]:
    return tuple(a for step in chain for a in step.arrays())


def with_arrays(chain: Sequence[Step], arrays: Sequence[Rationals]) -> tuple[Step, ...]:
    """The chain with other parameters, in the order of `arrays_of`."""
    steps: list[Step] = []
    rest = list(arrays)
    for step in chain:
        count = len(step.arrays())
        steps.append(step.with_arrays(rest[:count]))
        rest = rest[count:]
    return tuple(steps)


def mapped(chain: Sequence[Step], change: Callable[[Rationals], Rationals]) -> tuple[Step, ...]:
    return with_arrays(chain, [change(a) for a in arrays_of(chain)])


def evaluate(chain: Sequence[Step], base: Fraction, parameters: Sequence[Any]) -> Fraction:
    """One value; `parameters` are those of `arrays_of` for its element. Raises Undefined."""
    v, first = base, 0
    for step in chain:
        count = len(step.arrays())
        v = step.exact(v, base, parameters[first : first + count])
        first += count
    return v


def real(chain: Sequence[Step], base: Floats) -> Floats:
    """A batch of values in float64."""
    v = base
    for step in chain:
        v = step.real(v, base)
    return v


def turning(chain: Sequence[Step], parameters: Sequence[Any]) -> list[float] | None:
    """Base values where the chain may change between rising and falling, for one element; None if that is not known."""
    turns: list[float] = []
    line: tuple[float, float] | None = (1.0, 0.0)  # the value so far, where it is a line in the base
    first = 0
    for step in chain:
        count = len(step.arrays())
        given = parameters[first : first + count]
        first += count
        match step:
            case Affine():
                line = (
                    None if line is None else (line[0] * float(given[0]), line[1] * float(given[0]) + float(given[1]))
                )
                continue
            case Limits():
                new: tuple[float, ...] | None = ()
            case Sloped():
                new = (0.0,) if given[0] < 0 else ()
            case Function():
                new = step.turns
            case Combined():
                extra = _of_product(step, given, line)
                if extra is None or turns:
                    return None
                turns, line = extra, None
                continue
            case _:
                return None
        if new is None or (new and (line is None or not line[0])):
            return None
        if new and line is not None:
            turns += [(t - line[1]) / line[0] for t in new]
        line = None
    return turns


def _of_product(step: Combined, parameters: Sequence[Any], line: tuple[float, float] | None) -> list[float] | None:
    """Of a line through 0 times a sigmoid (or times a limited line) of the base."""
    if not step.product or line is None or line[1] or not line[0]:
        return None
    slope, term, first = 1.0, 0.0, 0
    for i, other in enumerate(step.other):
        given = parameters[first : first + len(other.arrays())]
        first += len(other.arrays())
        if isinstance(other, Affine):
            slope, term = slope * float(given[0]), term * float(given[0]) + float(given[1])
            continue
        rest = step.other[i + 1 :]
        if not all(isinstance(s, Affine) for s in rest) or not slope:
            return None
        if any(t for t in parameters[first + 1 :: 2]):
            return None  # a term behind the limits
        if isinstance(other, Function) and other.name == "Sigmoid" and not term:
            return [-1.2784645427610738 / slope]
        if isinstance(other, Limits) and float(given[0]) == 0:
            return [-term / (2 * slope), -term / slope, 0.0, (float(given[1]) - term) / slope]
        return None
    return None
