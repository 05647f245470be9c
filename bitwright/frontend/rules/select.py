"""Slice, Split and Gather of a stream by constant indices."""

from __future__ import annotations

import numpy as np

from ...errors import CompileError
from ..context import Context
from ..model import OnnxNode
from ..registry import rule
from ..select import selected
from ..values import Stream
from .constants import fold_gather, fold_slice
from .reshape import normal_axes


@rule("Slice", fold=fold_slice)
def slice_(ctx: Context, node: OnnxNode) -> Stream:
    """Starts, ends, axes and steps are operands, or attributes before opset 10."""
    x = ctx.stream(node, 0)
    starts, ends = _list(ctx, node, 1, "starts"), _list(ctx, node, 2, "ends")
    if starts is None or ends is None:
        raise CompileError("E013", "Slice without starts or ends", origin=node.origin)
    axes = _list(ctx, node, 3, "axes") or tuple(range(len(starts)))
    steps = _list(ctx, node, 4, "steps") or (1,) * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise CompileError("E013", "starts, ends, axes and steps do not fit together", origin=node.origin)
    for axis, start, end, step in zip(normal_axes(axes, len(x.shape), node), starts, ends, steps):
        size = x.shape[axis]
        stop = None if step < 0 and end < -size else end
        indices = list(range(size))[slice(start, stop, step)]
        if axis == 0:
            if indices != [0]:
                raise CompileError("E015", "Slice of the batch axis is not supported", origin=node.origin)
            continue
        x = selected(ctx, node, x, axis, indices)
    return x


@rule("Split")
def split(ctx: Context, node: OnnxNode) -> tuple[Stream, ...]:
    """Equal parts, or parts of the sizes given."""
    x = ctx.stream(node, 0)
    (axis,) = normal_axes((node.attribute("axis", int, 0),), len(x.shape), node)
    count, size = len(node.outputs), x.shape[axis]
    sizes = _list(ctx, node, 1, "split")
    if sizes is None:
        each = -(-size // count)
        sizes = tuple(min(each, size - i * each) for i in range(count))
    if axis == 0:
        raise CompileError("E015", "Split of the batch axis is not supported", origin=node.origin)
    if len(sizes) != count or sum(sizes) != size or min(sizes) < 1:
        message = f"parts of {list(sizes)} do not make up axis {axis} of {list(x.shape)}"
        raise CompileError("E011", message, origin=node.origin)
    ends = np.cumsum(sizes).tolist()
    return tuple(selected(ctx, node, x, axis, list(range(e - s, e))) for s, e in zip(sizes, ends))


@rule("Gather", fold=fold_gather)
def gather(ctx: Context, node: OnnxNode) -> Stream:
    """Indices: an array, whose axes come in place of the one that is gathered along."""
    x = ctx.stream(node, 0)
    (axis,) = normal_axes((node.attribute("axis", int, 0),), len(x.shape), node)
    array = ctx.plain(node, 1, "indices")
    if array.dtype.kind not in "iu":
        raise CompileError("E016", f"indices of {array.dtype} are not supported", origin=node.origin)
    if axis == 0:
        raise CompileError("E015", "Gather along the batch axis is not supported", origin=node.origin)
    size = x.shape[axis]
    indices = [int(i) + size if i < 0 else int(i) for i in array.reshape(-1)]
    y = selected(ctx, node, x, axis, indices)
    return ctx.reshape(y, (*y.shape[:axis], *array.shape, *y.shape[axis + 1 :]), node.origin)


def _list(ctx: Context, node: OnnxNode, index: int, name: str) -> tuple[int, ...] | None:
    if ctx.operand(node, index) is not None:
        return ctx.integers(node, index, name)
    return node.attribute(name, tuple, None)
