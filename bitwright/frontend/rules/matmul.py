"""MatMul of a stream and a constant."""

from __future__ import annotations

from ...errors import CompileError
from ..context import Context
from ..dense import dense, weights_of
from ..model import Constant, OnnxNode
from ..registry import rule
from ..values import Exact, Stream, shape_of
from .transpose import transposed


@rule("MatMul", fold=lambda _, v: v[0] @ v[1])
def matmul(ctx: Context, node: OnnxNode) -> Stream:
    """x (1, …, K) · w (K, N); or w (M, K) · x (1, …, K, 1), which is the same along another axis."""
    a, b = ctx.required(node, 0), ctx.required(node, 1)
    if isinstance(a, Stream) and isinstance(b, Stream):
        message = "MatMul of two tensors that both depend on the input is not supported"
        raise CompileError("E022", message, origin=node.origin)
    if isinstance(a, Stream):
        return _right(ctx, node, ctx.number(node, 0), ctx.constant(node, 1, "matrix"))
    return _left(ctx, node, ctx.constant(node, 0, "matrix"), ctx.number(node, 1))


def _right(ctx: Context, node: OnnxNode, x: Stream, w: Constant | Exact) -> Stream:
    if len(x.shape) < 2:
        raise CompileError("E011", "the operand of a MatMul needs two axes at least", origin=node.origin)
    vector = len(shape_of(w)) == 1
    matrix = _matrix(w, len(x.shape), node, as_column=True)
    y = dense(ctx, x, weights_of(transposed(matrix, (1, 0)), node.origin), node.origin)
    if len(shape_of(w)) > len(x.shape):
        y = ctx.reshape(y, (1,) * (len(shape_of(w)) - len(x.shape)) + y.shape, node.origin)
    return ctx.reshape(y, y.shape[:-1], node.origin) if vector else y


def _left(ctx: Context, node: OnnxNode, w: Constant | Exact, x: Stream) -> Stream:
    if len(x.shape) < 3 or x.shape[-1] != 1 or len(shape_of(w)) < 2:
        message = f"a constant times a tensor of shape {list(x.shape)} does not contract its last axis"
        raise CompileError("E021", message, origin=node.origin, hint="export the layer as input times weights")
    matrix = _matrix(w, len(x.shape), node, as_column=False)
    flat = ctx.reshape(x, x.shape[:-1], node.origin)
    y = dense(ctx, flat, weights_of(matrix, node.origin), node.origin)
    return ctx.reshape(y, (*y.shape, 1), node.origin)


def _matrix(w: Constant | Exact, rank: int, node: OnnxNode, *, as_column: bool) -> Constant | Exact:
    """The constant as a matrix: leading axes of size 1 dropped, a vector made a column."""
    shape = shape_of(w)
    if len(shape) == 1 and as_column:
        shape = (shape[0], 1)
    elif len(shape) < 2 or any(d != 1 for d in shape[:-2]):
        message = f"a MatMul with a constant of shape {list(shape)} is not supported; it must be one matrix"
        raise CompileError("E021", message, origin=node.origin)
    else:
        shape = shape[-2:]
    if isinstance(w, Constant):
        return Constant(w.array.reshape(shape), w.elem)
    return w.reshaped(shape)
