"""MatMul of a stream and a constant: one matrix, or one for each element of some axes."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np

from ...errors import CompileError
from ..context import Context, check_matrix
from ..dense import dense, weights_of
from ..exact import collapse
from ..model import Constant, OnnxNode
from ..registry import rule
from ..rewriting import Source
from ..values import Exact, Stream, exact_of, shape_of
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
    if any(d != 1 for d in shape_of(w)[:-2]):
        return _stacked(ctx, node, x, w)
    vector = len(shape_of(w)) == 1
    matrix = _matrix(w, len(x.shape), node, as_column=True)
    rows = weights_of(transposed(matrix, (1, 0)), node.origin)
    y = dense(ctx, x, replace(rows, source=_source(w, turned=True)), node.origin)
    if len(shape_of(w)) > len(x.shape):
        y = ctx.reshape(y, (1,) * (len(shape_of(w)) - len(x.shape)) + y.shape, node.origin)
    return ctx.reshape(y, y.shape[:-1], node.origin) if vector else y


def _stacked(ctx: Context, node: OnnxNode, x: Stream, w: Constant | Exact) -> Stream:
    """A matrix for each element of some axes: one matrix of blocks, applied along those and the last axis together."""
    rank, shape = len(x.shape), shape_of(w)
    many = (*(1,) * (rank - len(shape)), *shape)[:-2]
    fits = len(shape) <= rank and many[0] == 1 and all(m in (1, d) or d == 1 for m, d in zip(many, x.shape))
    if not fits or shape[-2] != x.shape[-1]:
        message = f"a tensor of shape {list(x.shape)} cannot be multiplied by constants of shape {list(shape)}"
        raise CompileError("E011", message, origin=node.origin)
    stacked = [a for a, m in enumerate(many) if m > 1]
    sizes = [many[a] for a in stacked]
    own = [x.shape[a] for a in stacked]
    check_matrix(prod(sizes) * shape[-1], prod(own) * shape[-2], node.origin)
    rest = [a for a in range(rank - 1) if a not in stacked]
    perm = (*rest, *stacked, rank - 1)
    flat = ctx.reshape(x.transposed(perm), (*(x.shape[a] for a in rest), prod(own) * shape[-2]), node.origin)
    of = np.arange(prod(own)).reshape(own)
    source = np.broadcast_to(of, sizes).reshape(-1)
    blocks = _blocks(w.reshaped((-1, *shape[-2:])) if isinstance(w, Exact) else w, source, prod(own), node)
    y = dense(ctx, flat, weights_of(blocks, node.origin), node.origin)
    y = ctx.reshape(y, (*(x.shape[a] for a in rest), *sizes, shape[-1]), node.origin)
    return y.transposed([perm.index(a) for a in range(rank)])


def _blocks(w: Constant | Exact, source: np.ndarray, count: int, node: OnnxNode) -> Constant | Exact:
    """Matrices (number, K, N) as rows (number · N) by columns (count · K): matrix i is applied to part `source[i]`."""

    def block(values: np.ndarray) -> np.ndarray:
        number, k, n = values.shape
        out = np.zeros((number, n, count, k), values.dtype)
        out[np.arange(number), :, source] = values.transpose(0, 2, 1)
        return out.reshape(number * n, count * k)

    if isinstance(w, Constant):
        return Constant(block(w.array.reshape(-1, *w.array.shape[-2:])), w.elem)
    if w.scale.shape[1] > 1:
        w = exact_of(w.values(), w.elem, node.origin)
    number, _, n = w.shape
    scale = np.broadcast_to(w.scale, (number, 1, n)).reshape(-1, 1)
    origin = w.origin and replace(w.origin, index=block(w.origin.index))
    return Exact(block(w.codes), collapse(scale), w.elem, origin)


def _left(ctx: Context, node: OnnxNode, w: Constant | Exact, x: Stream) -> Stream:
    if len(x.shape) < 3 or x.shape[-1] != 1 or len(shape_of(w)) < 2:
        message = f"a constant times a tensor of shape {list(x.shape)} does not contract its last axis"
        raise CompileError("E021", message, origin=node.origin, hint="export the layer as input times weights")
    matrix = _matrix(w, len(x.shape), node, as_column=False)
    flat = ctx.reshape(x, x.shape[:-1], node.origin)
    rows = weights_of(matrix, node.origin)
    y = dense(ctx, flat, replace(rows, source=_source(w, turned=False)), node.origin)
    return ctx.reshape(y, (*y.shape, 1), node.origin)


def _source(w: Constant | Exact, *, turned: bool) -> Source:
    """Where the weights stand in the matrix or vector that the model has."""
    shape = shape_of(w)
    axes = tuple(range(len(shape)))
    return Source(shape, (*axes[:-2], axes[-1], axes[-2]) if turned and len(shape) > 1 else axes)


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
