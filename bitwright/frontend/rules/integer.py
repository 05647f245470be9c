"""MatMulInteger and ConvInteger: products of integers less their zero points, as int32; and their form with scales."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...errors import CompileError
from ..context import Context
from ..elem import Elem
from ..exact import filled, rationals
from ..model import OnnxNode
from ..registry import rule
from ..values import Exact, Stream, Tensor, shape_of
from .conv import conv
from .matmul import matmul
from .qdq import MICROSOFT, dequantized, laid
from .qlinear import real


@rule("MatMulInteger")
def matmul_integer(ctx: Context, node: OnnxNode) -> Stream:
    """A by rows, B by columns."""
    y = matmul(ctx, ctx.with_operands(node, _shifted(ctx, node, 0, 2, -2), _shifted(ctx, node, 1, 3, -1)))
    return replace(y, elem=Elem.INT32)


@rule("ConvInteger")
def conv_integer(ctx: Context, node: OnnxNode) -> Stream:
    """Padding is the zero point of x."""
    y = conv(ctx, ctx.with_operands(node, _shifted(ctx, node, 0, 2, None), _shifted(ctx, node, 1, 3, 0)))
    return replace(y, elem=Elem.INT32)


@rule("MatMulIntegerToFloat", domains=(MICROSOFT,))
def matmul_integer_to_float(ctx: Context, node: OnnxNode) -> Stream:
    """A, B, their scales, their zero points, a bias; the scales are one number each, or one a column of B."""
    names = node.inputs + ("",) * (7 - len(node.inputs))
    paired = replace(node, inputs=(names[0], names[2], names[4], names[1], names[3], names[5], names[6]))
    y = matmul(ctx, ctx.with_operands(paired, real(ctx, paired, 0), real(ctx, paired, 3, -1)))
    if ctx.operand(paired, 6) is None:
        return y
    return y.plus(laid(ctx.exact(paired, 6, "bias"), y.shape, -1, "bias", node))


def _shifted(ctx: Context, node: OnnxNode, index: int, zero: int, axis: int | None) -> Tensor:
    """An operand less its zero point, seen as a tensor of reals."""
    value = ctx.required(node, index)
    shape = shape_of(value)
    shift = None
    if ctx.operand(node, zero) is not None:
        values = rationals(ctx.plain(node, zero, "zero point"))
        if axis is None and values.size != 1:
            raise CompileError("E011", "the zero point of x must be one number", origin=node.origin)
        shift = laid(values, shape, axis or 0, "zero point", node)
    if isinstance(value, Exact):  # by a QuantizeLinear
        return replace(value, codes=value.codes - (0 if shift is None else shift.astype(np.int64)))
    return dequantized(node, value, filled(1, len(shape)), shift, Elem.FLOAT32)
