"""ReduceMean, ReduceSum, ReduceMax and ReduceMin over axes of a stream."""

from __future__ import annotations

from ...errors import CompileError
from ..context import Context
from ..exact import filled
from ..model import OnnxNode
from ..registry import rule
from ..values import Stream
from .constants import reduce
from .pool import over
from .reshape import normal_axes

KINDS = {"ReduceMean": "mean", "ReduceSum": "sum", "ReduceMax": "max", "ReduceMin": "max"}


@rule("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", fold=reduce)
def reduce_stream(ctx: Context, node: OnnxNode) -> Stream:
    """The axes are an attribute or, in newer opsets, an operand; none means all of them."""
    x = ctx.real(node, 0) if node.op_type == "ReduceMean" else ctx.number(node, 0)
    given = ctx.integers(node, 1, "axes") if ctx.operand(node, 1) is not None else node.attribute("axes", tuple, None)
    if not given and node.attribute("noop_with_empty_axes", int, 0):
        return x
    axes = normal_axes(tuple(given), len(x.shape), node) if given else list(range(len(x.shape)))
    if 0 in axes and given:
        message = f"{node.op_type} over the batch axis mixes the frames"
        raise CompileError("E015", message, origin=node.origin)
    axes = [a for a in axes if a]
    if not axes:
        return x
    if not given and not node.attribute("keepdims", int, 1):
        raise CompileError("E015", f"{node.op_type} takes the batch axis away", origin=node.origin)
    flip = filled(-1, len(x.shape)) if node.op_type == "ReduceMin" else None
    x = x if flip is None else x.times(flip, 0)
    y = over(ctx, node, x, tuple(axes), KINDS[node.op_type], keepdims=bool(node.attribute("keepdims", int, 1)))
    return y if flip is None else y.times(filled(-1, len(y.shape)), 0)
