"""Conv: in one and two dimensions, of any stride, dilation, padding and number of groups."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import cast

import numpy as np

from ...errors import CompileError, Origin
from ...ops.depthwise import Depthwise
from ...ops.rewritable_depthwise import RewritableDepthwise
from ..context import Context, check_dimensions, check_matrix
from ..dense import Weights, check_reach, dense, integer_rows, weights_of
from ..exact import collapse, filled, rationals
from ..model import Constant, OnnxNode
from ..recode import by_channel, materialize, without_offset, zero_code
from ..registry import rule
from ..rewriting import Source, note, rewritable_type
from ..spatial import Geometry, geometry, windows
from ..trace import Doubt
from ..values import Exact, Stream, shape_of
from .transpose import transposed


@rule("Conv")
def conv(ctx: Context, node: OnnxNode) -> Stream:
    """x (1, C, …spatial) with weights (outputs, C / group, …kernel); padding has the real value 0."""
    x = ctx.real(node, 0)
    w = ctx.constant(node, 1, "weights")
    shape, group = shape_of(w), node.attribute("group", int, 1)
    check_dimensions(len(x.shape) - 2, node.origin)
    if len(shape) != len(x.shape) or len(x.shape) not in (3, 4):
        message = f"weights of shape {list(shape)} do not suit an operand of shape {list(x.shape)}"
        raise CompileError("E011", message, origin=node.origin)
    if group < 1 or shape[1] * group != x.shape[1] or shape[0] % group or not shape[0]:
        message = f"weights of shape {list(shape)} in {group} groups do not suit {x.shape[1]} channels"
        raise CompileError("E011", message, origin=node.origin)
    where = geometry(node, x.shape[2:], shape[2:])
    kernel = reshaped(w, (*shape[:2], *where.kernel))
    source = Source(shape, (0, *range(2, len(shape)), 1))
    y = convolve(ctx, node.origin, x, transposed(kernel, (0, 2, 3, 1)), group, where, source)
    return ctx.unimage(biased(ctx, node, y, 2), len(x.shape))


def convolve(
    ctx: Context, origin: Origin, x: Stream, kernel: Constant | Exact, group: int, where: Geometry, source: Source
) -> Stream:
    """The kernel is (outputs, KH, KW, C / group); the result (1, OH, OW, outputs)."""
    rows = weights_of(reshaped(kernel, (shape_of(kernel)[0], -1)), origin)
    return convolve_rows(ctx, origin, x, replace(rows, source=source), group, where)


def convolve_rows(
    ctx: Context, origin: Origin, x: Stream, rows: Weights, group: int, where: Geometry, repeats: int = 1
) -> Stream:
    """Rows of weights, (outputs, taps · C / group), with the channels innermost.

    The outputs of a group follow each other; with `repeats` there are so many such walks through the groups.
    """
    image, pad = by_channel(ctx, ctx.image(x, origin), origin), 0
    outputs, channels = len(rows.codes), x.shape[1]
    image = without_offset(ctx, image, rows, origin)
    if where.padded:
        image, pad = zero_code(ctx, image, origin)
    seen = windows(ctx, image, where, pad, origin)
    if group > 1 and not group == channels == outputs:
        check_matrix(outputs, where.taps * channels, origin)
    if group == channels == outputs and group > 1:
        return depthwise(ctx, seen, rows, origin)
    return dense(ctx, seen, rows if group == 1 else _spread(rows, where.taps, channels, group, repeats), origin)


def _spread(rows: Weights, taps: int, channels: int, group: int, repeats: int) -> Weights:
    """Weights of groups as weights of all channels, zero outside of each output's group."""
    outputs, each = len(rows.codes), channels // group
    walk = outputs // repeats
    first = np.arange(outputs) % walk // (walk // group) * each
    columns = (np.arange(taps)[None, :, None] * channels + first[:, None, None] + np.arange(each)).reshape(outputs, -1)
    at = np.arange(outputs)[:, None], columns
    codes = np.zeros((outputs, taps * channels), np.int64)
    codes[at] = rows.codes
    scale = rows.scale
    if scale.shape[1] > 1:
        wide = np.broadcast_to(filled(1, 2), codes.shape).copy()
        wide[at] = np.broadcast_to(scale, rows.codes.shape)
        scale = wide
    doubt = rows.doubt
    if doubt is not None:
        index, size = np.zeros(codes.shape, np.int64), np.zeros(codes.shape)
        index[at], size[at] = doubt.index, doubt.size
        doubt = Doubt(doubt.tensor, index, size)
    places = None
    if rows.source is not None:
        places = np.full(codes.shape, -1)
        places[at] = rows.source.places(outputs) if rows.places is None else rows.places
    return Weights(codes, scale, doubt, rows.source, places)


def depthwise(ctx: Context, x: Stream, weights: Weights, origin: Origin) -> Stream:
    """x (1, OH, OW, taps · C) with a row of weights (taps) for each channel → (1, OH, OW, C)."""
    x = materialize(ctx, x, origin)
    channels, free = len(weights.codes), rewritable_type(ctx, x, weights, origin)
    if free is None:
        codes, row_scale = integer_rows(weights.codes, np.asarray(weights.scale, object), origin)
        check_reach(ctx, x, codes, origin)
    else:
        codes, row_scale = weights.codes, np.asarray(weights.scale[:, 0], object)
        check_reach(ctx, x, np.full_like(codes, max(-free.lo, free.hi)), origin)
    weight, bias = np.ascontiguousarray(codes.T), np.zeros(channels, np.int64)
    op = Depthwise(weight, bias) if free is None else RewritableDepthwise(weight, bias, str(free))
    name = ctx.emit(op, cast(str, x.name), origin)
    if free is not None:
        note(ctx, name, weights, np.arange(len(weight)), free, origin)
    shape = (*x.shape[:-1], channels)
    scale, offset = (v if v.shape[-1] == 1 else v[..., :channels] for v in (x.scale, x.offset))
    sums = (rationals(codes.sum(axis=1)) * row_scale).reshape(1, 1, 1, -1)
    doubt = weights.doubt and Doubt(weights.doubt.tensor, weights.doubt.index.T, weights.doubt.size.T)
    return replace(
        x,
        name=name,
        shape=shape,
        scale=collapse(np.asarray(scale * row_scale.reshape(1, 1, 1, -1), object)),
        offset=collapse(np.asarray(offset * sums, object)),
        low=filled(-inf, 4),
        high=filled(inf, 4),
        trace=x.trace.by_tap(weights.real().T, doubt),
    )


def biased(ctx: Context, node: OnnxNode, y: Stream, index: int) -> Stream:
    """A (1, …, outputs) stream plus an optional vector of one term an output."""
    if ctx.operand(node, index) is None:
        return y
    values = ctx.exact(node, index, "bias")
    if values.shape != (y.shape[-1],):
        message = f"a bias of shape {list(values.shape)} does not fit {y.shape[-1]} outputs"
        raise CompileError("E011", message, origin=node.origin)
    rank = len(y.shape)
    return y.plus(values.reshape((1,) * (rank - 1) + (-1,)), doubt=ctx.doubt(node, index, rank))


def reshaped(value: Constant | Exact, shape: tuple[int, ...]) -> Constant | Exact:
    if isinstance(value, Constant):
        return Constant(value.array.reshape(shape), value.elem)
    size, known = int(np.prod(value.shape)), int(np.prod([d for d in shape if d >= 0]))
    return value.reshaped(tuple(size // known if d < 0 else d for d in shape))
