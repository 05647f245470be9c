"""Relu, Clip, Max and Min with a constant: limits on the real value, merged into the next quantiser."""

from __future__ import annotations

from fractions import Fraction
from math import inf, isinf

import numpy as np

from ...errors import CompileError
from ..context import Context, parameter
from ..exact import Rationals, filled
from ..model import Constant, OnnxNode
from ..registry import rule
from ..values import Stream


@rule("Relu", fold=lambda _, v: np.maximum(v[0], 0))
def relu(ctx: Context, node: OnnxNode) -> Stream:
    """max(x, 0)."""
    x = ctx.number(node, 0, curved=True)
    rank = len(x.shape)
    return x.clip(filled(0, rank), filled(inf, rank))


def _fold_clip(node: OnnxNode, v: list[np.ndarray]) -> np.ndarray:
    bounds = [v[i] if i < len(v) else None for i in (1, 2)]
    low = node.attribute("min", float, bounds[0])
    high = node.attribute("max", float, bounds[1])
    result = v[0] if low is None else np.maximum(v[0], np.asarray(low, v[0].dtype))
    return result if high is None else np.minimum(result, np.asarray(high, v[0].dtype))


@rule("Clip", fold=_fold_clip)
def clip(ctx: Context, node: OnnxNode) -> Stream:
    """min(max(x, low), high); the limits are attributes before opset 11, operands after."""
    x = ctx.number(node, 0, curved=True)
    low = _limit(ctx, node, x, 1, "min", -inf)
    return x.clip(low, _limit(ctx, node, x, 2, "max", inf))


@rule("Max", fold=lambda _, v: np.maximum.reduce(np.broadcast_arrays(*v)))
def maximum(ctx: Context, node: OnnxNode) -> Stream:
    """max(x, constants …)."""
    x = ctx.number(node, _stream_index(ctx, node), curved=True)
    for i in range(len(node.inputs)):
        if not isinstance(ctx.required(node, i), Stream):
            x = x.clip(_parameter(ctx, node, x, i), filled(inf, len(x.shape)))
    return x


@rule("Min", fold=lambda _, v: np.minimum.reduce(np.broadcast_arrays(*v)))
def minimum(ctx: Context, node: OnnxNode) -> Stream:
    """min(x, constants …)."""
    x = ctx.number(node, _stream_index(ctx, node), curved=True)
    for i in range(len(node.inputs)):
        if not isinstance(ctx.required(node, i), Stream):
            x = x.clip(filled(-inf, len(x.shape)), _parameter(ctx, node, x, i))
    return x


def _stream_index(ctx: Context, node: OnnxNode) -> int:
    """Which operand is the stream; a second one is refused by `Context.constant`."""
    first = next((i for i in range(len(node.inputs)) if isinstance(ctx.required(node, i), Stream)), None)
    if first is None:
        message = f"{node.op_type} of quantized constants is not supported"
        raise CompileError("E021", message, origin=node.origin)
    for i in range(first + 1, len(node.inputs)):
        ctx.constant(node, i, "other operand")
    return first


def _parameter(ctx: Context, node: OnnxNode, x: Stream, index: int) -> Rationals:
    values = parameter(x.shape, ctx.exact(node, index, "limit"), node.origin)
    return values.reshape(values.shape[values.ndim - len(x.shape) :])


def _limit(ctx: Context, node: OnnxNode, x: Stream, index: int, name: str, absent: float) -> Rationals:
    value = ctx.operand(node, index)
    if isinstance(value, Constant) and value.array.size != 1:
        value = None if value.array.size == 0 else value
    if value is not None:
        return _parameter(ctx, node, x, index)
    attribute = node.attribute(name, float, None)
    if attribute is None or isinf(attribute):
        return filled(absent if attribute is None else attribute, len(x.shape))
    return filled(Fraction(attribute), len(x.shape))
