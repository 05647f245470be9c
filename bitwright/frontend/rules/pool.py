"""MaxPool, AveragePool and their global forms."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np

from ...errors import CompileError
from ...ops.pool import Pool
from ...ops.total import Total
from ..context import Context
from ..exact import collapse, filled, rationals
from ..model import OnnxNode
from ..recode import by_channel, over_positions, recode, zero_code
from ..registry import rule
from ..spatial import geometry, windows
from ..values import Stream


@rule("MaxPool")
def max_pool(ctx: Context, node: OnnxNode) -> Stream:
    """The greatest of each window; padding is below everything."""
    x = ctx.number(node, 0)
    where = geometry(node, x.shape[2:])
    image = rising(ctx, node, ctx.image(x, node.origin))
    if not where.inside(image.shape[1:3], (0, 0, 0, 0)).all():
        message = "some windows of this MaxPool hold nothing but padding, which has no value"
        raise CompileError("E021", message, origin=node.origin, hint="pads must be smaller than the kernel")
    seen = windows(ctx, image, where, ctx.types[cast(str, image.name)].min, node.origin)
    if where.taps > 1:
        name = ctx.emit(Pool(where.taps, True), cast(str, seen.name), node.origin)
        seen = _pooled(seen, name, image.shape[-1], where.taps, largest=True)
    return ctx.unimage(seen, len(x.shape))


@rule("AveragePool")
def average_pool(ctx: Context, node: OnnxNode) -> Stream:
    """The mean of each window, over its taps in the image or, with count_include_pad, in the stated padding too."""
    x = ctx.real(node, 0)
    where = geometry(node, x.shape[2:])
    image, pad = ctx.image(x, node.origin), 0
    image = by_channel(ctx, image, node.origin)
    if where.padded:
        image, pad = zero_code(ctx, image, node.origin)
    counted = where.explicit if node.attribute("count_include_pad", int, 0) else (0, 0, 0, 0)
    divisor = where.inside(image.shape[1:3], counted)
    if not divisor.all():
        raise CompileError("E021", "some windows of this AveragePool hold no values", origin=node.origin)
    seen = windows(ctx, image, where, pad, node.origin)
    if where.taps > 1:
        name = ctx.emit(Pool(where.taps, False), cast(str, seen.name), node.origin)
        seen = _pooled(seen, name, image.shape[-1], where.taps, largest=False)
    factor = collapse(np.asarray(1 / rationals(divisor), object)).reshape(1, *collapse(rationals(divisor)).shape, 1)
    return ctx.unimage(seen.times(factor), len(x.shape))


def _pooled(seen: Stream, name: str, channels: int, taps: int, *, largest: bool) -> Stream:
    """What the result of a pool means; `seen` is its operand, (1, OH, OW, taps · C)."""
    arrays = {k: v if v.shape[-1] == 1 else v[..., :channels] for k, v in
              ((k, getattr(seen, k)) for k in ("scale", "offset", "low", "high"))}  # fmt: skip
    if not largest:
        arrays["offset"] = np.asarray(arrays["offset"] * taps, object)
    split = (taps, channels)
    if largest:
        trace = seen.trace.moved(lambda v: v.reshape(*v.shape[:-1], *split).max(axis=-2))
    else:
        trace = seen.trace.moved(lambda v: v.reshape(*v.shape[:-1], *split).sum(axis=-2), taps + 2)
    return replace(seen, name=name, shape=(*seen.shape[:-1], channels), trace=trace, **arrays)


@rule("GlobalMaxPool", "GlobalAveragePool")
def global_pool(ctx: Context, node: OnnxNode) -> Stream:
    """(1, C, …) → (1, C, 1, …)."""
    x = ctx.real(node, 0)
    if len(x.shape) < 3:
        raise CompileError("E011", f"{node.op_type} needs spatial axes, not {list(x.shape)}", origin=node.origin)
    kind = "max" if node.op_type == "GlobalMaxPool" else "mean"
    return over(ctx, node, x, tuple(range(2, len(x.shape))), kind, keepdims=True)


def over(ctx: Context, node: OnnxNode, x: Stream, axes: tuple[int, ...], kind: str, *, keepdims: bool) -> Stream:
    """The maximum, sum or mean over some axes, not the batch axis."""
    ctx.need_type(x, node.origin)
    kept = tuple(a for a in range(1, len(x.shape)) if a not in axes)
    count, rest = int(np.prod([x.shape[a] for a in axes])), [x.shape[a] for a in kept]
    view = ctx.arranged(x.transposed((0, *axes, *kept)), None, node.origin)
    view = view.reshaped((1, count, 1, int(np.prod(rest))))
    view = rising(ctx, node, view) if kind == "max" else by_channel(ctx, view, node.origin)
    result = view
    if count > 1:
        operand = ctx.shaped(cast(str, view.name), (count, view.shape[-1]), node.origin)
        name = ctx.emit(Total(kind == "max"), operand, node.origin)
        shape = (1, 1, 1, view.shape[-1])
        if kind == "max":
            trace = view.trace.moved(lambda v: v.max(axis=(1, 2), keepdims=True))
            result = replace(view, name=name, shape=shape, trace=trace)
        else:
            trace = view.trace.moved(lambda v: v.sum(axis=(1, 2), keepdims=True), count + 2)
            offset = np.asarray(view.offset * count, object)
            result = replace(view, name=name, shape=shape, trace=trace, offset=offset)
    if kind == "mean":
        result = result.times(np.asarray(1 / filled(count, 4), object))
    shape = [d if a in kept else 1 for a, d in enumerate(x.shape) if keepdims or a in kept or a == 0]
    return ctx.reshape(result, (1, *shape[1:]), node.origin)


def rising(ctx: Context, node: OnnxNode, x: Stream) -> Stream:
    """A (1, H, W, C) stream whose values rise with its codes, by the same rule at every position; limits may stay."""
    arrays = (x.scale, x.offset, x.low, x.high)
    if (x.scale <= 0).any() or any(over_positions(a) for a in arrays):
        uniform = any(over_positions(a) for a in arrays)
        x = recode(ctx, x, node.origin, uniform=uniform)
    return x
