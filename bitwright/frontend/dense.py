"""The matrix product of a stream with a constant: exact integer weights, and what the integers mean."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import inf, prod
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ..errors import CompileError, Origin
from ..ops.dense import Dense
from ..ops.rewritable import Rewritable
from .context import Context
from .elem import Elem
from .exact import Rationals, collapse, common_integers, filled, floats, rationals
from .layout import contiguous, normal
from .model import Constant
from .multiplied import factored
from .recode import materialize, without_offset
from .rewriting import Source, note, rewritable_type
from .trace import Doubt
from .values import Exact, Stream, shape_of

MAX_WEIGHT_BITS = 24
MAX_PRODUCT = 1 << 61


@dataclass(frozen=True, eq=False)
class Weights:
    """Real weights codes · scale: codes (outputs, inputs), scale (outputs or 1, inputs or 1)."""

    codes: NDArray[np.int64]
    scale: Rationals
    doubt: Doubt | None = None
    """Where a runtime's weights may be others, of the shape of the codes."""
    source: Source | None = None
    """Where they stand in the model, if every one stands there once."""
    places: NDArray[np.int64] | None = None
    """Of the shape of the codes: which element of the source's flat array each is, -1 for a zero between them. Else its axes tell."""

    def times(self, factor: Fraction) -> Weights:
        doubt = self.doubt and replace(self.doubt, size=self.doubt.size * abs(float(factor)))
        return replace(self, scale=np.asarray(self.scale * factor, object), doubt=doubt)

    def real(self) -> NDArray[np.float64]:
        return self.codes * floats(self.scale)


def weights_of(value: Constant | Exact, origin: Origin) -> Weights:
    """A constant (outputs, inputs) as exact weights. Raises E029 where floats need integers that are too wide."""
    if not prod(shape_of(value)):
        raise CompileError("E010", f"the weights have no elements: {list(shape_of(value))}", origin=origin)
    if isinstance(value, Exact):
        return Weights(value.codes, value.scale, value.doubt())
    if not value.elem.is_float:
        return Weights(value.array.astype(np.int64), filled(1, 2))
    return _of_floats(value.array.astype(np.float64), value.elem, origin)


def _of_floats(w: NDArray[np.float64], elem: Elem, origin: Origin) -> Weights:
    """Integers times a power of two and a common factor: one scale for all if that is narrow, else one a row.

    Else codes times a scale that was multiplied out, which mean what they would with a DequantizeLinear.
    """
    mantissa, exponent = np.frexp(w)
    digits = np.ldexp(mantissa, 53).astype(np.int64)
    exponent = exponent.astype(np.int64) - 53
    trailing = np.where(digits == 0, 0, np.log2(np.maximum(np.abs(digits & -digits), 1))).astype(np.int64)
    bottom = np.where(digits == 0, 1 << 30, exponent + trailing)
    for axis in (None, 1):
        least = bottom.min(axis=axis, keepdims=True)
        span = np.where(digits == 0, 0, exponent + 53 - least).max()
        if span > 60:
            continue
        shift = np.where(digits == 0, 0, exponent - least)
        codes = np.where(shift < 0, digits >> np.maximum(-shift, 0), digits << np.maximum(shift, 0))
        divisor = np.maximum(np.gcd.reduce(codes, axis=axis, keepdims=True), 1)
        codes = codes // divisor
        if np.abs(codes).max(initial=0) < 1 << (MAX_WEIGHT_BITS - 1):
            powers = [Fraction(2) ** int(e) if e < 1 << 20 else Fraction(1) for e in least.reshape(-1)]
            scale = np.array(powers, object).reshape(least.shape) * rationals(divisor)
            return Weights(codes, collapse(np.asarray(scale, object)))
    product = factored(w) if elem is Elem.FLOAT32 else None
    if product is not None:
        return Weights(*product)
    message = f"the weights are not quantized: as they are, they need integers wider than {MAX_WEIGHT_BITS} bits"
    hint = "give sample inputs to quantize them now (--calibration X.npy), or train and export with quantized weights"
    raise CompileError("E029", message, origin=origin, hint=hint)


def dense(ctx: Context, x: Stream, weights: Weights, origin: Origin) -> Stream:
    """x (1, …, inputs) times the weights → (1, …, outputs)."""
    ctx.need_type(x, origin)
    outputs, inputs = weights.codes.shape
    if x.shape[-1] != inputs:
        message = f"a matrix of {inputs} rows cannot be applied to a tensor of shape {list(x.shape)}"
        raise CompileError("E011", message, origin=origin)
    x = without_offset(ctx, materialize(ctx, x, origin), weights, origin)
    free = rewritable_type(ctx, x, weights, origin)
    if free is None:
        codes, row_scale = _integers(weights, x, origin)
        check_reach(ctx, x, codes, origin)
    else:
        along = x.scale.reshape(-1)[0] if x.scale.size == 1 else 1
        codes, row_scale = weights.codes, np.asarray(weights.scale[:, 0] * along, object)
        check_reach(ctx, x, np.full_like(codes, max(-free.lo, free.hi)), origin)
    shape = (*x.shape[:-1], outputs)
    place = contiguous(x.order, x.shape)
    if place is None:
        x = ctx.arranged(x, None, origin)
        place = contiguous(None, x.shape)
        assert place is not None
    leads, places = place
    moved = None if x.order is None else normal((leads[:, None] * outputs + np.arange(outputs)).reshape(shape))
    frame = (*shape[1:-1], inputs) if moved is None else (len(leads), inputs)
    order, bias = np.argsort(places), np.zeros(outputs, np.int64)
    op = Dense(codes[:, order], bias) if free is None else Rewritable(codes[:, order], bias, str(free))
    name = ctx.emit(op, ctx.shaped(cast(str, x.name), frame, origin), origin)
    if free is not None:
        note(ctx, name, weights, order, free, origin)
    rank = len(shape)
    scale = row_scale.reshape((1,) * (rank - 1) + (-1,))
    if x.scale.size > 1 and x.scale.shape[-1] == 1:  # constant along the inputs, not along another axis
        scale = np.asarray(x.scale * scale, object)
    doubt = weights.doubt and Doubt(weights.doubt.tensor, weights.doubt.index.T, weights.doubt.size.T)
    trace = x.trace.dot(weights.real().T, doubt)
    return Stream(
        name,
        shape,
        x.elem,
        collapse(scale),
        _offset(weights, x),
        filled(-inf, rank),
        filled(inf, rank),
        trace,
        moved,
    )


def _integers(weights: Weights, x: Stream, origin: Origin) -> tuple[NDArray[np.int64], Rationals]:
    """Integer weights and the real scale of each row, the stream's scale along the inputs included.

    Where x.scale changes only along other axes it is left to the caller.
    """
    codes, scale = weights.codes, weights.scale
    uniform = x.scale.shape[-1] == 1
    if not uniform and x.scale.size > x.scale.shape[-1]:
        message = "the operand's scale changes along the contracted axis and along another one"
        raise CompileError("E029", message, origin=origin, hint="quantize the operand per tensor")
    along = x.scale.reshape(1, -1) if not uniform or x.scale.size == 1 else filled(1, 2)
    return integer_rows(codes, np.asarray(scale * along, object), origin)


def integer_rows(codes: NDArray[np.int64], factor: Rationals, origin: Origin) -> tuple[NDArray[np.int64], Rationals]:
    """codes · factor (rows or 1, columns or 1) as integers and the scale of each row (or of all)."""
    if factor.shape[1] == 1:
        divisor = int(np.gcd.reduce(codes, axis=None)) or 1
        return codes // divisor, np.asarray(factor[:, 0] * divisor, object)
    rows: list[list[int]] = []
    scales: list[Fraction] = []
    for j, row in enumerate(codes.tolist()):
        numbers, common = common_integers([w * f for w, f in zip(row, factor[j % len(factor)].tolist())])
        if max(map(abs, numbers)) >> (MAX_WEIGHT_BITS - 1):
            message = f"weights times the operand's scales need integers wider than {MAX_WEIGHT_BITS} bits"
            hint = "quantize the operand per tensor, or by powers of two"
            raise CompileError("E029", message, origin=origin, hint=hint)
        rows.append(numbers)
        scales.append(common)
    return np.array(rows, np.int64), np.array(scales, object)


def _offset(weights: Weights, x: Stream) -> Rationals:
    """Σ_i w_ji · offset_i, of the rank of the result."""
    rank = len(x.shape)
    if not (x.offset != 0).any():
        return filled(0, rank)
    if x.offset.shape[-1] == 1 and weights.scale.shape[1] == 1:
        sums = rationals(weights.codes.sum(axis=1)) * weights.scale[:, 0]
        return collapse(np.asarray(x.offset * sums, object))
    scale = np.broadcast_to(weights.scale, weights.codes.shape)
    scale = scale if weights.scale.shape[1] > 1 else None
    along = x.offset if scale is None else x.offset[..., None, :] * scale
    numbers, common = common_integers(list(np.asarray(along, object).reshape(-1)))
    integers = np.array(numbers, object).reshape(along.shape)
    codes = weights.codes.astype(object)
    if scale is None:
        wide = np.broadcast_to(integers, (*integers.shape[:-1], codes.shape[1]))
        sums = np.asarray(wide @ codes.T, object) * weights.scale[:, 0]
    else:
        sums = (integers * codes).sum(axis=-1)
    return collapse(np.asarray(sums * common, object))


def check_reach(ctx: Context, x: Stream, codes: NDArray[np.int64], origin: Origin) -> None:
    type_ = ctx.types[cast(str, x.name)]
    reach = float(np.abs(codes).sum(axis=1, dtype=np.float64).max()) * max(abs(type_.min), abs(type_.max))
    if reach >= MAX_PRODUCT:
        message = "this matrix product needs accumulators wider than 62 bits"
        raise CompileError("E036", message, origin=origin, hint="quantize the operand to fewer bits")
