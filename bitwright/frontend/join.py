"""Where two streams meet: sums, products, and what makes their shapes, orders and units agree."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import inf
from typing import cast

import numpy as np

from ..errors import CompileError, Origin
from ..ops.add import Add
from ..ops.dense import Dense
from ..ops.multiply import Multiply
from ..ops.repeat import Repeat
from . import layout
from .context import Context
from .curve import Affine, Combined, Limits, Step
from .exact import Rationals, collapse, filled
from .model import OnnxNode
from .recode import materialize, recode, zero_code
from .trace import Product, Sum, Trace
from .values import Stream

MAX_UNITS_BITS = 40


def both_streams(ctx: Context, node: OnnxNode) -> bool:
    return isinstance(ctx.required(node, 0), Stream) and isinstance(ctx.required(node, 1), Stream)


def sum_of(ctx: Context, node: OnnxNode, a: Stream, b: Stream) -> Stream:
    """a + b: left · p + right · q in a unit of which both scales are multiples."""
    if a.curve or b.curve:
        return _combined(node, a, b, product=False)
    a, b = aligned(ctx, node, a, b)
    a, b = (materialize(ctx, x, node.origin) for x in (a, b))
    trace = Trace.joined(Sum(), (a.trace, b.trace), max(a.trace.roundings, b.trace.roundings) + 2)
    offset = collapse(np.asarray(a.offset + b.offset, object))
    if a.name == b.name:
        scale = collapse(np.asarray(a.scale + b.scale, object))
        return replace(a, scale=scale, offset=offset, trace=trace)
    a, b, left, right = _shared(ctx, a, b, node.origin)
    operands = operands_of(ctx, a, b, node.origin)
    name = ctx.emit(Add(left, right, 0), operands, node.origin)
    shape = np.broadcast_shapes(a.scale.shape, b.scale.shape)
    unit = np.broadcast_to(a.scale, shape) / Fraction(left) if left else np.broadcast_to(b.scale, shape) / right
    offset = collapse(np.asarray(a.offset + b.offset, object))
    return replace(a, name=name, scale=collapse(np.asarray(unit, object)), offset=offset, trace=trace)


def product_of(ctx: Context, node: OnnxNode, a: Stream, b: Stream) -> Stream:
    """a · b: the product of codes less their zero points."""
    if a.curve or b.curve:
        return _combined(node, a, b, product=True)
    a, b = aligned(ctx, node, a, b)
    trace = Trace.joined(Product(), (a.trace, b.trace), a.trace.roundings + b.trace.roundings + 2)
    (a, za), (b, zb) = (zero_code(ctx, x, node.origin) for x in (a, b))
    name = ctx.emit(Multiply(za, zb), operands_of(ctx, a, b, node.origin), node.origin)
    scale = collapse(np.asarray(a.scale * b.scale, object))
    return replace(a, name=name, scale=scale, offset=filled(0, len(a.shape)), trace=trace)


def _combined(node: OnnxNode, a: Stream, b: Stream, *, product: bool) -> Stream:
    """Two functions of one and the same stream, as x · sigmoid(x)."""
    base, other = (b, a) if _limited(a) and not _limited(b) else (a, b)
    moved = _on_base(other, base)
    if moved is None:
        message = (
            f"{node.op_type} follows a function without a quantizer between, and its operands are not of one origin"
        )
        raise CompileError("E039", message, origin=node.origin, hint="quantize the results of functions")
    step = Product() if product else Sum()
    roundings = a.trace.roundings + b.trace.roundings + 2
    trace = Trace.joined(step, (a.trace, b.trace), roundings)
    return replace(base, curve=(*base.curve, Combined(product, moved)), trace=trace, before=a.before or b.before)


def _limited(x: Stream) -> bool:
    return bool((x.low != -inf).any() or (x.high != inf).any())


def _on_base(x: Stream, base: Stream) -> tuple[Step, ...] | None:
    """The chain of one stream as a chain on the value of another of the same codes; None if there is none."""
    if x.name is None or x.name != base.name or x.shape != base.shape or not layout.same(x.order, base.order):
        return None
    pairs = ((x.scale, base.scale), (x.offset, base.offset), (x.low, base.low), (x.high, base.high))
    if all(u.shape == v.shape and (u == v).all() for u, v in pairs):
        return x.curve
    if _limited(base) or (base.scale == 0).any():
        return None
    factor = np.asarray(x.scale / base.scale, object)
    line = Affine(factor, np.asarray(x.offset - base.offset * factor, object))
    return (line, *((Limits(x.low, x.high),) if _limited(x) else ()), *x.curve)


def operands_of(ctx: Context, a: Stream, b: Stream, origin: Origin) -> tuple[str, str]:
    """The IR values of two streams of one order, under one shape."""
    first, second = cast(str, a.name), cast(str, b.name)
    return first, ctx.shaped(second, ctx.types[first].shape, origin)


def _shared(ctx: Context, a: Stream, b: Stream, origin: Origin) -> tuple[Stream, Stream, int, int]:
    """The streams with scales left · u and right · u; recoded where one pair of integers does not do for all channels."""
    for again in (False, True):
        if again:
            a, b = (recode(ctx, x, origin, uniform=True) for x in (a, b))
        ratios = set(np.asarray(a.scale / b.scale, object).reshape(-1).tolist()) if (b.scale != 0).all() else set()
        if len(ratios) == 1:
            ratio = ratios.pop()
            if max(abs(ratio.numerator), ratio.denominator) >> MAX_UNITS_BITS:
                message = f"the two scales have no common unit: their ratio is {float(ratio):g}"
                raise CompileError("E038", message, origin=origin, hint="quantize both operands by related scales")
            return a, b, ratio.numerator, ratio.denominator
    raise CompileError("E038", "an operand's scale is 0", origin=origin)


def aligned(ctx: Context, node: OnnxNode, a: Stream, b: Stream) -> tuple[Stream, Stream]:
    """Both operands in the shape of the result and in one order of elements."""
    for x in (a, b):
        ctx.need_type(x, node.origin)
    try:
        shape = tuple(np.broadcast_shapes(a.shape, b.shape))
    except ValueError:
        message = f"shapes {list(a.shape)} and {list(b.shape)} cannot be broadcast together"
        raise CompileError("E011", message, origin=node.origin) from None
    a, b = (_enlarged(ctx, node, x, shape) for x in (a, b))
    if layout.same(a.order, b.order):
        return a, b
    if len(shape) in (3, 4):
        last = [ctx.image(x, node.origin) for x in (a, b)]
        a, b = (ctx.unimage(x, len(shape)) for x in last)
        return a, b
    return a, ctx.arranged(b, a.order, node.origin)


def _enlarged(ctx: Context, node: OnnxNode, x: Stream, shape: tuple[int, ...]) -> Stream:
    """The stream broadcast to that shape: rows and columns repeat, channels are copied."""
    if x.shape == shape:
        return x
    x = ctx.reshape(x, (1,) * (len(shape) - len(x.shape)) + x.shape, node.origin)
    if x.shape == shape:
        return x
    if len(shape) not in (3, 4):
        x = ctx.reshape(x, (1, 1, 1, *x.shape[1:]), node.origin) if len(shape) == 2 else x
        if len(x.shape) != 4 or len(shape) != 2:
            message = f"broadcasting {list(x.shape)} to {list(shape)} is not supported"
            raise CompileError("E021", message, origin=node.origin)
        return ctx.reshape(_copied(ctx, node, x, shape[1]), shape, node.origin)
    image = ctx.image(x, node.origin)
    size = (shape[2] if len(shape) == 4 else 1, shape[-1])
    rows, columns = size[0] // image.shape[1], size[1] // image.shape[2]
    if rows * columns > 1:
        image = repeated(ctx, node, image, rows, columns)
    if image.shape[3] != shape[1]:
        image = _copied(ctx, node, image, shape[1])
    return ctx.unimage(image, len(shape))


def repeated(ctx: Context, node: OnnxNode, image: Stream, rows: int, columns: int) -> Stream:
    """Each pixel of a (1, H, W, C) stream as a block of equal ones."""
    name = ctx.emit(Repeat(rows, columns), cast(str, image.name), node.origin)
    arrays = {k: _spread(getattr(image, k), rows, columns) for k in ("scale", "offset", "low", "high")}
    trace = image.trace.moved(lambda v: np.repeat(np.repeat(v, rows, axis=1), columns, axis=2))
    return replace(image, name=name, shape=(1, *ctx.types[name].shape), trace=trace, **arrays)


def _spread(values: Rationals, rows: int, columns: int) -> Rationals:
    for axis, count in ((1, rows), (2, columns)):
        values = np.repeat(values, count, axis=axis) if values.shape[axis] > 1 else values
    return values


def _copied(ctx: Context, node: OnnxNode, image: Stream, channels: int) -> Stream:
    """A (1, H, W, 1) stream with its one channel so many times."""
    op = Dense(np.ones((channels, 1), np.int64), np.zeros(channels, np.int64))
    name = ctx.emit(op, ctx.shaped(cast(str, image.name), image.frame, node.origin), node.origin)
    shape = (*image.shape[:-1], channels)
    return replace(image, name=name, shape=shape, trace=image.trace.moved(lambda v: np.repeat(v, channels, axis=-1)))
