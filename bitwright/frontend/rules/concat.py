"""Concat of streams along any axis but the batch axis."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import cast

import numpy as np

from ...errors import CompileError
from ...ops.concat import Concat
from ...ops.dense import Dense
from ..context import Context, check_matrix
from ..exact import collapse, filled
from ..model import Constant, OnnxNode
from ..recode import materialize
from ..registry import rule
from ..trace import Joined, Trace
from ..values import Exact, HostTail, Stream, Value, exact_of, exact_values, shape_of
from .constants import fold_concat
from .reshape import normal_axes


@rule("Concat", fold=fold_concat)
def concat(ctx: Context, node: OnnxNode) -> Value:
    """The codes stay as they are; what they mean may then change along the axis. Constants are channels of code 0."""
    operands = [ctx.required(node, i) for i in range(len(node.inputs))]
    parts = [ctx.stream(node, i) if isinstance(v, Stream | HostTail) else v for i, v in enumerate(operands)]
    shapes = [shape_of(p) for p in parts]
    rank = len(shapes[0])
    (axis,) = normal_axes((node.attribute("axis", int, 0),), rank, node)
    if axis == 0:
        raise CompileError("E015", "Concat along the batch axis is not supported", origin=node.origin)
    if len({(len(s), *s[:axis], *s[axis + 1 :]) for s in shapes}) > 1:
        text = ", ".join(str(list(s)) for s in shapes)
        raise CompileError("E011", f"shapes {text} cannot be joined along axis {axis}", origin=node.origin)
    if not any(isinstance(p, Stream) for p in parts):
        values = [exact_values(cast("Exact | Constant", p), node.origin) for p in parts]
        return exact_of(np.concatenate(values, axis), parts[0].elem, node.origin)
    # A frame that fits the axis as the last one: the others in their order, unless images say otherwise.
    last = (*(a for a in range(rank) if a != axis), axis)
    views: list[Stream] = []
    constants: list[np.ndarray] = []
    for part in parts:
        if not isinstance(part, Stream):
            if 0 not in shape_of(part):
                constants.append(exact_values(part, node.origin).transpose(last))
            continue
        moved = materialize(ctx, _typed(ctx, part, node), node.origin).transposed(last)
        views.append(ctx.arranged(moved, None, node.origin))
        if constants:
            before, constants = constants, []
            if len(views) > 1:
                views[-2] = _extended(ctx, node, views[-2], before, behind=True)
            else:
                views[-1] = _extended(ctx, node, views[-1], before, behind=False)
    if constants:
        views[-1] = _extended(ctx, node, views[-1], constants, behind=True)
    result = views[0]
    for other in views[1:]:
        names = [ctx.shaped(cast(str, v.name), v.frame, node.origin) for v in (result, other)]
        arrays = {k: _joined(getattr(result, k), getattr(other, k), result.shape[-1], other.shape[-1])
                  for k in ("scale", "offset")}  # fmt: skip
        trace = Trace.joined(Joined(rank - 1), (result.trace, other.trace),
                             max(result.trace.roundings, other.trace.roundings))  # fmt: skip
        name = ctx.emit(Concat(), (names[0], names[1]), node.origin)
        shape = (*result.shape[:-1], result.shape[-1] + other.shape[-1])
        free = {"low": filled(-inf, rank), "high": filled(inf, rank)}
        result = replace(result, name=name, shape=shape, trace=trace, **arrays, **free)
    return result.transposed([last.index(a) for a in range(rank)])


def _extended(ctx: Context, node: OnnxNode, x: Stream, constants: list[np.ndarray], *, behind: bool) -> Stream:
    """x with constants before or behind its last axis: the code 0, and they are its offset."""
    values, size = np.concatenate(constants, axis=-1), x.shape[-1]
    more = values.shape[-1]
    check_matrix(size + more, size, node.origin)
    first = 0 if behind else more
    weight = np.zeros((size + more, size), np.int64)
    weight[np.arange(size) + first, np.arange(size)] = 1
    op = Dense(weight, np.zeros(size + more, np.int64))
    name = ctx.emit(op, ctx.shaped(cast(str, x.name), x.frame, node.origin), node.origin)
    zero = filled(0, len(x.shape))

    def beside(kept: np.ndarray, new: np.ndarray) -> np.ndarray:
        return _joined(kept, new, size, more) if behind else _joined(new, kept, more, size)

    nothing = [(0, 0)] * (len(x.shape) - 1)
    pads = [*nothing, (0, more) if behind else (more, 0)]  # of a batch of frames (n, *frame)
    trace = x.trace.moved(lambda v: np.pad(v, pads)).plus(beside(zero, values), 0)
    scale, offset = beside(x.scale, filled(1, len(x.shape))), beside(x.offset, values)
    free = {"low": filled(-inf, len(x.shape)), "high": filled(inf, len(x.shape))}
    return replace(x, name=name, shape=(*x.shape[:-1], size + more), scale=scale, offset=offset, trace=trace, **free)


def _typed(ctx: Context, x: Stream, node: OnnxNode) -> Stream:
    ctx.need_type(x, node.origin)
    return x


def _joined(a: np.ndarray, b: np.ndarray, first: int, second: int) -> np.ndarray:
    shape = np.broadcast_shapes(a.shape[:-1], b.shape[:-1])
    wide = [np.broadcast_to(v, (*shape, n)) for v, n in ((a, first), (b, second))]
    return collapse(np.concatenate(wide, axis=-1))
