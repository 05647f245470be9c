"""Gemm: alpha · A' · B' + beta · C."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from ...errors import CompileError
from ..context import Context, parameter
from ..dense import dense, weights_of
from ..exact import filled
from ..model import OnnxNode
from ..registry import rule
from ..rewriting import Source
from ..values import Exact, Stream, shape_of
from .transpose import transposed


def _fold(node: OnnxNode, v: list[Any]) -> np.ndarray:
    a = v[0].T if node.attribute("transA", int, 0) else v[0]
    b = v[1].T if node.attribute("transB", int, 0) else v[1]
    y = a @ b * np.asarray(node.attribute("alpha", float, 1.0), a.dtype)
    return y + v[2] * np.asarray(node.attribute("beta", float, 1.0), a.dtype) if len(v) > 2 and v[2] is not None else y


@rule("Gemm", fold=_fold)
def gemm(ctx: Context, node: OnnxNode) -> Stream:
    """The stream is A (1, inputs); B and C are constants."""
    if not isinstance(ctx.required(node, 0), Stream):
        message = "Gemm with a constant first operand is not supported"
        raise CompileError("E021", message, origin=node.origin, hint="export the layer as input times weights")
    x = ctx.number(node, 0)
    if len(x.shape) != 2:
        raise CompileError("E011", f"Gemm needs a matrix, not shape {list(x.shape)}", origin=node.origin)
    if node.attribute("transA", int, 0) and x.shape[1] != 1:
        raise CompileError("E015", "Gemm with transA would contract the batch axis", origin=node.origin)
    matrix = ctx.constant(node, 1, "matrix B")
    weights = weights_of(matrix if node.attribute("transB", int, 0) else transposed(matrix, (1, 0)), node.origin)
    weights = replace(weights, source=Source(shape_of(matrix), (0, 1) if node.attribute("transB", int, 0) else (1, 0)))
    alpha, beta = (Fraction(node.attribute(name, float, 1.0)) for name in ("alpha", "beta"))
    if alpha == 0:
        raise CompileError("E021", "Gemm with alpha = 0 is not supported", origin=node.origin)
    y = dense(ctx, x, weights.times(alpha), node.origin)
    if ctx.operand(node, 2) is None:
        return y
    term = parameter(y.shape, ctx.exact(node, 2, "bias C"), node.origin)
    bias = ctx.constant(node, 2, "bias C")
    doubt = bias.scaled(filled(beta, 2)).reshaped(term.shape).doubt() if isinstance(bias, Exact) else None
    return y.plus(np.asarray(term * beta, object), 4, doubt)
