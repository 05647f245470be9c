"""Concat of streams along any axis but the batch axis."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import cast

import numpy as np

from ...errors import CompileError
from ...ops.concat import Concat
from ..context import Context
from ..exact import collapse, filled
from ..model import OnnxNode
from ..recode import materialize
from ..registry import rule
from ..trace import Joined, Trace
from ..values import Stream, Value
from .constants import fold_concat
from .reshape import normal_axes


@rule("Concat", fold=fold_concat)
def concat(ctx: Context, node: OnnxNode) -> Value:
    """The codes stay as they are; what they mean may then change along the axis."""
    parts = [ctx.stream(node, i) for i in range(len(node.inputs))]
    rank = len(parts[0].shape)
    (axis,) = normal_axes((node.attribute("axis", int, 0),), rank, node)
    if axis == 0:
        raise CompileError("E015", "Concat along the batch axis is not supported", origin=node.origin)
    rest = {(*p.shape[:axis], *p.shape[axis + 1 :]) for p in parts}
    if len(rest) > 1 or any(len(p.shape) != rank for p in parts):
        shapes = ", ".join(str(list(p.shape)) for p in parts)
        raise CompileError("E011", f"shapes {shapes} cannot be joined along axis {axis}", origin=node.origin)
    # A frame that fits the axis as the last one: the others in their order, unless images say otherwise.
    last = (*(a for a in range(rank) if a != axis), axis)
    views = [ctx.arranged(materialize(ctx, _typed(ctx, p, node), node.origin).transposed(last), None, node.origin)
             for p in parts]  # fmt: skip
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


def _typed(ctx: Context, x: Stream, node: OnnxNode) -> Stream:
    ctx.need_type(x, node.origin)
    return x


def _joined(a: np.ndarray, b: np.ndarray, first: int, second: int) -> np.ndarray:
    shape = np.broadcast_shapes(a.shape[:-1], b.shape[:-1])
    wide = [np.broadcast_to(v, (*shape, n)) for v, n in ((a, first), (b, second))]
    return collapse(np.concatenate(wide, axis=-1))
