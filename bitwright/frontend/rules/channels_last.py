"""Conv, MaxPool and BatchNormalization in QONNX's channels-last domain. Definition: qonnx 1.0.0, channels_last."""

from __future__ import annotations

from dataclasses import replace

from ..context import Context
from ..model import OnnxNode
from ..registry import Rule, rule
from ..values import Stream
from .batchnorm import batch_normalization
from .conv import conv
from .pool import max_pool
from .transpose import transposed

DOMAIN = ("qonnx.custom_op.channels_last",)
INNER = "\0channels first "
"""Before the name of an operand: no name of a file begins so."""


@rule("Conv", domains=DOMAIN)
def conv_last(ctx: Context, node: OnnxNode) -> Stream:
    """x (1, …spatial, C), weights (outputs, …kernel, C)."""
    w = ctx.constant(node, 1, "weights")
    rank = len(ctx.real(node, 0).shape)
    ctx.values[INNER + node.inputs[1]] = transposed(w, (0, rank - 1, *range(1, rank - 1)))
    inputs = (node.inputs[0], INNER + node.inputs[1], *node.inputs[2:])
    return _wrapped(ctx, replace(node, inputs=inputs), conv)


@rule("MaxPool", domains=DOMAIN)
def max_pool_last(ctx: Context, node: OnnxNode) -> Stream:
    return _wrapped(ctx, node, max_pool)


@rule("BatchNormalization", domains=DOMAIN)
def batch_normalization_last(ctx: Context, node: OnnxNode) -> Stream:
    return _wrapped(ctx, node, batch_normalization)


def _wrapped(ctx: Context, node: OnnxNode, inner: Rule) -> Stream:
    """The ONNX operator between two transpositions, which cost nothing."""
    x = ctx.stream(node, 0, curved=True)
    rank = len(x.shape)
    ctx.values[INNER + node.inputs[0]] = x.transposed((0, rank - 1, *range(1, rank - 1)))
    y = inner(ctx, replace(node, inputs=(INNER + node.inputs[0], *node.inputs[1:])))
    assert isinstance(y, Stream)
    return y.transposed((0, *range(2, rank), 1))
