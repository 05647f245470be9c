"""Streams of integer types: what operators compute on them must not wrap, and at the output they are the codes."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np

from ..errors import CompileError, Origin
from ..ops.mulshift import MulShift
from .context import Context, Quantizer, step_array
from .exact import Rationals, filled
from .layout import shortest, wire_rows
from .model import OnnxNode
from .quantize import quantize
from .recode import cuts, extent
from .steps import Grid, Rounding
from .values import Stream


def reach(ctx: Context, x: Stream) -> tuple[Rationals, Rationals]:
    """The least and the greatest value of the elements, by entry of arrays that broadcast to the stream."""
    shape = np.broadcast_shapes(*(a.shape for a in (x.scale, x.offset, x.low, x.high)))
    lo, hi = extent(ctx, x, shape)
    ends = [np.asarray(x.scale * v.astype(object) + x.offset, object) for v in (lo, hi)]
    first, last = np.minimum(*ends), np.maximum(*ends)
    return tuple(np.minimum(np.maximum(v, x.low), x.high) for v in (first, last))  # pyright: ignore[reportReturnType]


def check_integers(ctx: Context, x: Stream, origin: Origin) -> None:
    """Raise E036 unless an integer stream holds integers of its type on every input, so that nothing ever wraps."""
    if x.name is None or x.curve or not x.elem.is_integer:
        return
    if any(v.denominator != 1 for a in (x.scale, x.offset) for v in a.reshape(-1).tolist()):
        raise CompileError("E021", f"{origin.op_type} of integers gives fractions here", origin=origin)
    if x.elem.bits == 64:
        return  # no code is that wide
    first, last = (a.reshape(-1).tolist() for a in reach(ctx, x))
    type_ = x.elem.integers
    if min(first) < type_.lo or max(last) > type_.hi:
        message = f"the result is from {min(first)} to {max(last)}, which overflows {x.elem.label}"
        raise CompileError("E036", message, origin=origin, hint="compute in float between quantizers, or in int32")


def plain_integers(ctx: Context, node: OnnxNode, x: Stream) -> Stream:
    """The integer stream, the result of the node, with a code that is its value up to one constant, and no limits.

    Layers divide by what weights share, and a limit waits for a quantizer: here is none.
    """
    rank = len(x.shape)
    if cuts(ctx, x):
        one, zero = filled(1, rank), filled(0, rank)
        free = step_array(Grid(Rounding.HALF_EVEN, None, None), (1,) * rank)
        return quantize(ctx, node, x, Quantizer(one, zero, free, one, zero, x.elem))
    offsets = x.offset.reshape(-1).tolist()
    if (x.scale == 1).all() and len(set(offsets)) == 1:
        return x
    rows = cast("list[tuple[int, int]]", shortest(wire_rows(x.shape, x.order, x.scale, x.offset)))
    factors, terms = (np.array([int(v) for v in column], np.int64) for column in zip(*rows))
    first, last = (a.reshape(-1).tolist() for a in reach(ctx, x))
    op = MulShift(factors, terms, 0, int(min(first)), int(max(last)))
    name = ctx.emit(op, cast(str, x.name), node.origin)
    return replace(x, name=name, scale=filled(1, rank), offset=filled(0, rank))
