"""What a tensor of the model is while the graph is walked: a constant, or a stream of frames with its exact meaning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import inf

import numpy as np
from numpy.typing import NDArray

from ..errors import CompileError, Origin
from . import curve as curves
from .curve import Affine, Limits, Step
from .elem import Elem
from .exact import Rationals, collapse, common_integers, filled, floats, of_rank, rationals, reshaped, times
from .layout import Order, explicit, transposed
from .model import Constant
from .trace import Doubt, Start, Trace

MAX_EXACT = 1 << 20  # elements that may be handled one by one as Fractions


@dataclass(frozen=True, eq=False)
class Codes:
    """Element i of a constant is code `index[i]` of the quantised tensor `tensor`, times `step`, plus a constant."""

    tensor: str
    index: NDArray[np.int64]
    step: int


@dataclass(frozen=True, eq=False)
class Exact:
    """A constant of exact real values codes · scale; `scale` has the rank of `codes` and broadcasts to it."""

    codes: NDArray[np.int64]
    scale: Rationals
    elem: Elem
    origin: Codes | None = None
    """Where the codes come from, if a float runtime may have rounded some of them differently; else None."""

    @property
    def shape(self) -> tuple[int, ...]:
        return self.codes.shape

    def values(self) -> Rationals:
        return np.asarray(rationals(self.codes) * self.scale, object)

    def doubt(self) -> Doubt | None:
        """For the comparison with a runtime."""
        if self.origin is None:
            return None
        size = np.broadcast_to(np.abs(floats(self.scale)) * self.origin.step, self.shape)
        return Doubt(self.origin.tensor, self.origin.index, size)

    def scaled(self, factor: Rationals) -> Exact:
        """Times a constant that does not enlarge the shape."""
        return replace(self, scale=collapse(np.asarray(self.scale * of_rank(factor, self.codes.ndim), object)))

    def reshaped(self, shape: Sequence[int]) -> Exact:
        """The same elements in the same order."""
        origin = self.origin and replace(self.origin, index=self.origin.index.reshape(shape))
        scale = reshaped(self.scale, self.shape, shape)
        return replace(self, codes=self.codes.reshape(shape), scale=scale, origin=origin)

    def transposed(self, perm: Sequence[int]) -> Exact:
        origin = self.origin and replace(self.origin, index=self.origin.index.transpose(perm))
        codes, scale = self.codes.transpose(perm), self.scale.transpose(perm)
        return replace(self, codes=codes, scale=scale, origin=origin)

    @classmethod
    def of(cls, values: Rationals, elem: Elem) -> Exact:
        """The smallest integers of one common scale. Raises OverflowError if they need more than 63 bits."""
        numbers, scale = common_integers(list(values.reshape(-1)))
        return cls(np.array(numbers, np.int64).reshape(values.shape), filled(scale, values.ndim), elem)


@dataclass(frozen=True, eq=False)
class Stream:
    """A tensor that depends on the input: its exact real value is clip(scale · q + offset, low, high).

    q are the integer codes of the IR value `name`, or, where that is None, the real numbers of a graph input that has
    no type yet. `shape` is the ONNX shape, its batch axis 1; the four arrays have its rank and broadcast to it. `order`
    says where its elements lie in the IR value, whose own shape is any of that size.
    """

    name: str | None
    shape: tuple[int, ...]
    elem: Elem
    scale: Rationals
    offset: Rationals
    low: Rationals
    high: Rationals
    trace: Trace
    order: Order | None = None
    curve: tuple[Step, ...] = ()
    """Functions of that value which have not met their quantiser yet."""
    before: str = ""
    """The tensor of the model that the first of them is applied to."""

    @classmethod
    def start(cls, name: str | None, shape: tuple[int, ...], elem: Elem, scale: Rationals, offset: Rationals,
              roundings: int, order: Order | None = None) -> Stream:  # fmt: skip
        """A tensor whose codes a runtime can be asked for: the start of a segment of the comparison."""
        rank = len(shape)
        begin = Start(name, shape, order, np.abs(floats(scale))[0], np.abs(floats(offset))[0])
        trace = Trace(begin, (), roundings)
        return cls(name, shape, elem, scale, offset, filled(-inf, rank), filled(inf, rank), trace, order)

    @property
    def frame(self) -> tuple[int, ...]:
        return self.shape[1:]

    def times(self, factor: Rationals, roundings: int = 2) -> Stream:
        """The value times a constant; a negative factor swaps the limits, zero makes them vacuous."""
        if self.curve:
            step = Affine(factor, filled(0, len(self.shape)))
            return replace(self, curve=(*self.curve, step), trace=self.trace.times(factor, roundings))
        low, high = times(factor, self.low), times(factor, self.high)
        zero, negative = factor == 0, factor < 0
        low, high = np.where(negative, high, low), np.where(negative, low, high)
        return replace(
            self,
            scale=_smallest(factor * self.scale),
            offset=_smallest(factor * self.offset),
            low=_smallest(np.where(zero, -inf, low)),
            high=_smallest(np.where(zero, inf, high)),
            trace=self.trace.times(factor, roundings),
        )

    def plus(self, term: Rationals, roundings: int = 2, doubt: Doubt | None = None) -> Stream:
        if self.curve:
            step = Affine(filled(1, len(self.shape)), term)
            return replace(self, curve=(*self.curve, step), trace=self.trace.plus(term, roundings, doubt))
        return replace(
            self,
            offset=_smallest(self.offset + term),
            low=_smallest(self.low + term),
            high=_smallest(self.high + term),
            trace=self.trace.plus(term, roundings, doubt),
        )

    def clip(self, low: Rationals, high: Rationals) -> Stream:
        """min(max(value, low), high): as in ONNX, `high` wins where the two cross."""
        if self.curve:
            return replace(self, curve=(*self.curve, Limits(low, high)))
        return replace(
            self,
            low=_smallest(np.minimum(np.maximum(self.low, low), high)),
            high=_smallest(np.minimum(np.maximum(self.high, low), high)),
        )

    def reshaped(self, shape: Sequence[int]) -> Stream:
        """The same elements in the same order under another ONNX shape."""
        new = tuple(shape)
        arrays = {k: reshaped(getattr(self, k), self.shape, new) for k in ("scale", "offset", "low", "high")}
        order = None if self.order is None else self.order.reshape(new)
        curve = curves.mapped(self.curve, lambda a: reshaped(a, self.shape, new))
        return replace(self, shape=new, order=order, trace=self.trace.shaped(new), curve=curve, **arrays)

    def transposed(self, perm: Sequence[int]) -> Stream:
        """The axes in another order, the batch axis still first. Nothing moves but what is known of the elements."""
        axes = tuple(perm)
        if axes == tuple(range(len(axes))):
            return self
        arrays = {k: getattr(self, k).transpose(axes) for k in ("scale", "offset", "low", "high")}
        order = transposed(self.order, self.shape, axes)
        new = tuple(self.shape[a] for a in axes)
        moves = (0, *(a + 1 for a in axes))  # the frames of a batch before the batch axis of one
        trace = self.trace.moved(lambda v: v[:, None].transpose(moves).reshape(len(v), *new[1:]))
        curve = curves.mapped(self.curve, lambda a: a.transpose(axes))
        return replace(self, shape=new, order=order, trace=trace, curve=curve, **arrays)

    def picked(self, codes: np.ndarray) -> np.ndarray:
        """Codes of the IR value (frames, …) in the shape of the tensor, (frames, *frame)."""
        places = explicit(self.order, self.shape).reshape(-1)
        return codes.reshape(len(codes), -1)[:, places].reshape(len(codes), *self.frame)

    def placed(self, codes: np.ndarray) -> np.ndarray:
        """The inverse: (frames, elements) as they lie in the IR value."""
        flat = codes.reshape(len(codes), -1)
        out = np.empty_like(flat)
        out[:, explicit(self.order, self.shape).reshape(-1)] = flat
        return out


@dataclass(frozen=True, eq=False)
class HostTail:
    """A stream followed by what the host computes after it (Softmax, ArgMax, TopK); `shape` is that of the result.

    `tensor` is the stream's name in the model.
    """

    stream: Stream
    tensor: str
    shape: tuple[int, ...]
    elem: Elem
    post: tuple[dict[str, object], ...]

    def then(
        self, step: Mapping[str, object], shape: tuple[int, ...] | None = None, elem: Elem | None = None
    ) -> HostTail:
        """One more thing for the host to do."""
        return replace(self, shape=shape or self.shape, elem=elem or self.elem, post=(*self.post, dict(step)))


Tensor = Constant | Exact | Stream
Value = Tensor | HostTail


def shape_of(value: Value) -> tuple[int, ...]:
    return value.array.shape if isinstance(value, Constant) else value.shape


def exact_values(value: Constant | Exact, origin: Origin) -> Rationals:
    """Every element of a constant as a Fraction."""
    size = value.array.size if isinstance(value, Constant) else value.codes.size
    if size > MAX_EXACT:
        message = f"a constant of {size:,} elements is too large here; the limit is {MAX_EXACT:,}"
        raise CompileError("E004", message, origin=origin)
    return rationals(value.array) if isinstance(value, Constant) else value.values()


def exact_of(values: Rationals, elem: Elem, origin: Origin) -> Exact:
    """`Exact.of`, refused with E029 where the integers would be too wide."""
    try:
        return Exact.of(values, elem)
    except OverflowError:
        message = "the result of this constant expression has no common scale with integers of 63 bits"
        raise CompileError("E029", message, origin=origin) from None


def unit(rank: int) -> Rationals:
    return filled(Fraction(1), rank)


def _smallest(values: object) -> Rationals:
    return collapse(np.asarray(values, object))
