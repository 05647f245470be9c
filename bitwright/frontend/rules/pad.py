"""Pad with a constant: rows and columns by a window of one tap, channels by rows of zero weights."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import prod
from typing import cast

import numpy as np

from ...errors import CompileError, quoted
from ...ops.dense import Dense
from ...ops.window import Window
from ..context import MAX_FRAME, Context, check_matrix
from ..exact import collapse, filled
from ..model import OnnxNode
from ..recode import by_channel, materialize, zero_code
from ..registry import rule
from ..select import selected
from ..values import Stream
from .reshape import normal_axes


@rule("Pad")
def pad(ctx: Context, node: OnnxNode) -> Stream:
    """Pads begin and end of every axis (or of `axes`); negative ones crop."""
    x = ctx.number(node, 0)
    mode = node.attribute("mode", str, "constant")
    if mode not in ("constant", "reflect", "edge", "wrap"):
        raise CompileError("E013", f"{quoted(mode)} is no mode of Pad", origin=node.origin)
    rank = len(x.shape)
    given = ctx.integers(node, 1, "pads") if ctx.operand(node, 1) is not None else node.attribute("pads", tuple, ())
    axes = list(range(rank))
    if ctx.operand(node, 3) is not None:
        axes = normal_axes(ctx.integers(node, 3, "axes"), rank, node)
    if len(given) != 2 * len(axes):
        raise CompileError("E013", f"{len(given)} pads do not fit {len(axes)} axes", origin=node.origin)
    begin, end = [0] * rank, [0] * rank
    for i, axis in enumerate(axes):
        begin[axis], end[axis] = given[i], given[i + len(axes)]
    if begin[0] or end[0]:
        raise CompileError("E015", "Pad of the batch axis is not supported", origin=node.origin)
    value = Fraction(node.attribute("value", float, 0.0))
    if ctx.operand(node, 2) is not None:
        values = ctx.exact(node, 2, "constant value")
        value = values.reshape(-1)[0] if values.size else Fraction(0)
    touched = [a for a in range(rank) if begin[a] or end[a]]
    if not touched:
        return x
    if mode != "constant":
        return _repeating(ctx, node, x, mode, begin, end)
    view, perm = ctx.physical(x, touched, node.origin)
    at = [4 - len(perm) + perm.index(a) for a in range(1, rank)]
    first, last = [0] * 4, [0] * 4
    for a, place in enumerate(at, 1):
        first[place], last[place] = begin[a], end[a]
    if any(view.shape[p] + first[p] + last[p] < 1 for p in range(4)):
        raise CompileError("E011", f"pads {list(given)} leave nothing of {list(x.shape)}", origin=node.origin)
    if prod(view.shape[p] + first[p] + last[p] for p in range(4)) > MAX_FRAME:
        raise CompileError("E004", f"pads {list(given)} make too many elements", origin=node.origin)
    view = _spatial(ctx, node, view, (first[1], first[2], last[1], last[2]), value)
    view = _channels(ctx, node, view, first[3], last[3], value)
    return ctx.unphysical(view, perm)


def _repeating(ctx: Context, node: OnnxNode, x: Stream, mode: str, begin: list[int], end: list[int]) -> Stream:
    """Padding by elements of the tensor itself: a choice of them along each axis."""
    for axis, (first, last) in enumerate(zip(begin, end)):
        size = x.shape[axis]
        if max(first, last) > MAX_FRAME:
            raise CompileError("E004", f"pads {[first, last]} make too many elements", origin=node.origin)
        places = np.pad(np.arange(size), (max(first, 0), max(last, 0)), mode)  # pyright: ignore[reportArgumentType, reportCallIssue]
        kept = places[max(-first, 0) : len(places) - max(-last, 0)].tolist()
        x = selected(ctx, node, x, axis, kept)
    return x


def _spatial(ctx: Context, node: OnnxNode, x: Stream, pads: tuple[int, int, int, int], value: Fraction) -> Stream:
    if not any(pads):
        return x
    shift = filled(-value, 4)
    x = by_channel(ctx, x, node.origin).plus(shift, 0)
    code = 0
    if max(pads) > 0:
        x, code = zero_code(ctx, x, node.origin)
    one = np.ones(2, np.int64)
    op = Window(one, one, one, np.array(pads, np.int64), code)
    name = ctx.emit(op, cast(str, x.name), node.origin)
    free = Window(one, one, one, np.array(pads, np.int64), 0)
    moved = replace(x, name=name, shape=(1, *ctx.types[name].shape), trace=x.trace.moved(free.evaluate))
    return moved.plus(np.asarray(-shift, object), 0)


def _channels(ctx: Context, node: OnnxNode, x: Stream, first: int, last: int, value: Fraction) -> Stream:
    """New channels have the code 0 and the value as their offset."""
    if not first and not last:
        return x
    x = materialize(ctx, x, node.origin)
    size = x.shape[-1]
    count = size + first + last
    check_matrix(count, size, node.origin)
    kept = np.arange(max(0, -first), size - max(0, -last))
    weight = np.zeros((count, size), np.int64)
    weight[kept + first, kept] = 1
    name = ctx.emit(Dense(weight, np.zeros(count, np.int64)), cast(str, x.name), node.origin)
    arrays = {}
    for key, other in (("scale", Fraction(1)), ("offset", value)):
        old = getattr(x, key)
        wide = np.empty((*old.shape[:-1], count), object)
        wide[...] = other
        wide[..., kept + first] = np.broadcast_to(old, (*old.shape[:-1], size))[..., kept]
        arrays[key] = collapse(wide)
    if len(kept) == count:
        arrays = {k: v if v.shape[-1] == 1 else v[..., kept] for k, v in (("scale", x.scale), ("offset", x.offset))}
    places = np.full(count, size)
    places[kept + first] = kept

    def widen(v: np.ndarray) -> np.ndarray:
        return np.concatenate([v, np.zeros((*v.shape[:-1], 1))], axis=-1)[..., places]

    trace = x.trace.moved(widen)
    term = np.zeros(count)
    term[places == size] = 1
    result = replace(x, name=name, shape=(*x.shape[:-1], count), trace=trace, **arrays)
    return replace(
        result,
        trace=result.trace.plus(collapse(np.array([value * int(t) for t in term], object).reshape(1, 1, 1, -1)), 0),
    )
