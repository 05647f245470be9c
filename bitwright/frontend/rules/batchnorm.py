"""BatchNormalization in inference: an affine function a channel."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from ...errors import CompileError
from ..context import Context
from ..exact import Rationals, filled
from ..model import OnnxNode
from ..registry import rule
from ..values import Stream


@rule("BatchNormalization")
def batch_normalization(ctx: Context, node: OnnxNode) -> Stream:
    """(x − mean) · scale / √(var + ε) + bias; 1/√ is computed once in float64 and is exactly that from then on."""
    x = ctx.real(node, 0, curved=True)
    if node.attribute("training_mode", int, 0):
        raise CompileError("E021", "BatchNormalization in training mode is not supported", origin=node.origin)
    scale, bias, mean = (_channel(ctx, node, x, i, what) for i, what in ((1, "scale"), (2, "bias"), (3, "mean")))
    var = ctx.plain(node, 4, "variance").astype(np.float64)
    total = var + float(node.attribute("epsilon", float, 1e-5))
    if (total <= 0).any():
        message = f"variance + epsilon must be positive, but the least is {total.min()}"
        raise CompileError("E026", message, origin=node.origin)
    inverse = np.array([Fraction(v) for v in (1 / np.sqrt(total)).tolist()], object)
    factor = np.asarray(scale * _along_channels(inverse, x, node), object)
    return x.plus(np.asarray(-mean, object), 3).times(factor, 6).plus(bias, 3)


def _channel(ctx: Context, node: OnnxNode, x: Stream, index: int, what: str) -> Rationals:
    return _along_channels(ctx.exact(node, index, what), x, node)


def _along_channels(values: Rationals, x: Stream, node: OnnxNode) -> Rationals:
    """A vector of one value a channel, laid along axis 1."""
    channels = x.shape[1] if len(x.shape) > 1 else 1
    if values.shape != (channels,):
        message = f"a parameter of shape {list(values.shape)} does not fit {channels} channels"
        raise CompileError("E011", message, origin=node.origin)
    return values.reshape(filled(0, len(x.shape)).shape if len(x.shape) < 2 else (1, -1, *(1,) * (len(x.shape) - 2)))
