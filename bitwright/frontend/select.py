"""Parts of a stream along one axis: a crop or a stride where it is regular, else a matrix of zeros and ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import cast

import numpy as np

from ..errors import CompileError
from ..ops.dense import Dense
from ..ops.window import Window
from .context import Context, check_matrix
from .model import OnnxNode
from .values import Stream


def selected(ctx: Context, node: OnnxNode, x: Stream, axis: int, indices: Sequence[int]) -> Stream:
    """The elements x[…, indices, …] of an axis that is not the batch axis."""
    size, count = x.shape[axis], len(indices)
    if not indices or min(indices) < 0 or max(indices) >= size:
        raise CompileError("E011", f"indices outside axis {axis} of {list(x.shape)}, or none", origin=node.origin)
    if list(indices) == list(range(size)):
        return x
    steps = {b - a for a, b in pairwise(indices)}
    regular = len(steps) <= 1 and (not steps or min(steps) > 0)
    view, perm = ctx.physical(x, (axis,), node.origin)
    place = 4 - len(perm) + perm.index(axis)
    if place < 3 and not regular:
        last = (*(a for a in range(len(x.shape)) if a != axis), axis)
        moved = ctx.arranged(x.transposed(last), None, node.origin)
        chosen = selected(ctx, node, moved, len(last) - 1, indices)
        return chosen.transposed([last.index(a) for a in range(len(last))])
    name, frame = cast(str, view.name), list(view.frame)
    frame[place - 1] = count
    if place == 3:
        check_matrix(count, size, node.origin)
        weight = np.zeros((count, size), np.int64)
        weight[np.arange(count), list(indices)] = 1
        op = Dense(weight, np.zeros(count, np.int64))
    else:
        stride, pads = [1, 1], [0, 0, 0, 0]
        stride[place - 1] = steps.pop() if steps else 1
        pads[place - 1], pads[place + 1] = -indices[0], indices[-1] + 1 - size
        one = np.ones(2, np.int64)
        op = Window(one, np.array(stride, np.int64), one, np.array(pads, np.int64), 0)
    taken = list(indices)
    arrays = {k: v.take(taken, axis=place) if v.shape[place] > 1 else v for k, v in
              ((k, getattr(view, k)) for k in ("scale", "offset", "low", "high"))}  # fmt: skip
    trace = view.trace.moved(lambda v: v.take(taken, axis=place))
    result = replace(view, name=ctx.emit(op, name, node.origin), shape=(1, *frame), trace=trace, **arrays)
    return ctx.unphysical(result, perm)
