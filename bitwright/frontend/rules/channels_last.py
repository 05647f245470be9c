"""Conv, MaxPool and BatchNormalization in QONNX's channels-last domain. Definition: qonnx 1.0.0, channels_last."""

from __future__ import annotations

from ..context import Context
from ..model import OnnxNode
from ..registry import Rule, rule
from ..values import Stream
from .batchnorm import batch_normalization
from .conv import conv
from .pool import max_pool
from .transpose import transposed

DOMAIN = ("qonnx.custom_op.channels_last",)


@rule("Conv", domains=DOMAIN)
def conv_last(ctx: Context, node: OnnxNode) -> Stream:
    """x (1, …spatial, C), weights (outputs, …kernel, C)."""
    w = ctx.constant(node, 1, "weights")
    rank = len(ctx.real(node, 0).shape)
    kernel = transposed(w, (0, rank - 1, *range(1, rank - 1)))
    return channels_last(ctx, ctx.with_operands(node, ctx.required(node, 0), kernel, ctx.operand(node, 2)), conv)


@rule("MaxPool", domains=DOMAIN)
def max_pool_last(ctx: Context, node: OnnxNode) -> Stream:
    return channels_last(ctx, node, max_pool)


@rule("BatchNormalization", domains=DOMAIN)
def batch_normalization_last(ctx: Context, node: OnnxNode) -> Stream:
    return channels_last(ctx, node, batch_normalization)


def channels_last(ctx: Context, node: OnnxNode, inner: Rule) -> Stream:
    """The ONNX operator between two transpositions, which cost nothing."""
    x = ctx.stream(node, 0, curved=True)
    rank = len(x.shape)
    first = x.transposed((0, rank - 1, *range(1, rank - 1)))
    y = inner(ctx, ctx.with_operands(node, first, *(ctx.operand(node, i) for i in range(1, len(node.inputs)))))
    assert isinstance(y, Stream)
    return y.transposed((0, *range(2, rank), 1))
