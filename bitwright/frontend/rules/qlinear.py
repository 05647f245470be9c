"""Operators on quantised tensors with their scales beside them: QLinearConv and its kin, and those of com.microsoft.

Each is its float operator between DequantizeLinear and QuantizeLinear, which is how both operator sets define it.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import cast

import numpy as np

from ...errors import CompileError
from ..context import Context
from ..elem import Elem
from ..exact import Rationals, collapse, filled, rationals
from ..model import Constant, OnnxNode
from ..registry import Rule, rule
from ..values import Exact, HostTail, Stream, Tensor, Value, shape_of
from .arithmetic import add, mul
from .channels_last import channels_last
from .concat import concat
from .conv import conv
from .functions import function
from .gemm import gemm
from .host import softmax
from .matmul import matmul
from .pool import average_pool, global_pool
from .qdq import MICROSOFT, dequantized, laid, quantized, quantizer
from .quant import nonzero
from .reduce import reduce_stream


@rule("QLinearConv", domains=("", MICROSOFT))
def qlinear_conv(ctx: Context, node: OnnxNode) -> Value:
    """x, w and y with scale and zero point each; the bias has the scale of the products."""
    w = real(ctx, node, 3, 0)
    bias = _bias(ctx, node, 8, product_scale(ctx, node, 1, 4))
    inner = ctx.with_operands(node, real(ctx, node, 0), w, bias)
    return _requantized(ctx, node, _images(ctx, inner, conv), 6)


@rule("QLinearMatMul", domains=("", MICROSOFT))
def qlinear_matmul(ctx: Context, node: OnnxNode) -> Value:
    """a by rows, b by columns; y per tensor."""
    inner = ctx.with_operands(node, real(ctx, node, 0, -2), real(ctx, node, 3, -1))
    return _requantized(ctx, node, matmul(ctx, inner), 6)


@rule("QGemm", domains=(MICROSOFT,))
def qgemm(ctx: Context, node: OnnxNode) -> Value:
    """alpha · A' · B' + C, C of the scale of the products; without a scale of its own the result stays real."""
    axis = 0 if node.attribute("transB", int, 0) else 1
    alpha = Fraction(node.attribute("alpha", float, 1.0))
    bias = _bias(ctx, node, 6, np.asarray(product_scale(ctx, node, 1, 4) * alpha, object))
    y = gemm(ctx, ctx.with_operands(node, real(ctx, node, 0), real(ctx, node, 3, axis), bias))
    return y if ctx.operand(node, 7) is None else _requantized(ctx, node, y, 7)


@rule("QLinearAdd", "QLinearMul", domains=(MICROSOFT,))
def qlinear_arithmetic(ctx: Context, node: OnnxNode) -> Value:
    operation = add if node.op_type == "QLinearAdd" else mul
    inner = replace(ctx.with_operands(node, real(ctx, node, 0), real(ctx, node, 3)), op_type=node.op_type[7:])
    return _requantized(ctx, node, operation(ctx, inner), 6)


@rule("QLinearAveragePool", "QLinearGlobalAveragePool", domains=(MICROSOFT,))
def qlinear_pool(ctx: Context, node: OnnxNode) -> Value:
    whole = node.op_type == "QLinearGlobalAveragePool"
    inner = replace(ctx.with_operands(node, real(ctx, node, 0)), op_type=node.op_type[7:])
    return _requantized(ctx, node, _images(ctx, inner, global_pool if whole else average_pool), 3)


@rule("QLinearReduceMean", domains=(MICROSOFT,))
def qlinear_mean(ctx: Context, node: OnnxNode) -> Value:
    inner = replace(ctx.with_operands(node, real(ctx, node, 0)), op_type="ReduceMean")
    return _requantized(ctx, node, reduce_stream(ctx, inner), 3)


@rule("QLinearConcat", domains=(MICROSOFT,))
def qlinear_concat(ctx: Context, node: OnnxNode) -> Value:
    """Scale and zero point of the result first, then each part with its own."""
    parts = [real(ctx, node, i) for i in range(2, len(node.inputs), 3)]
    if not parts:
        raise CompileError("E013", "QLinearConcat has no parts", origin=node.origin)
    inner = ctx.with_operands(node, *parts)
    return _requantized(ctx, node, concat(ctx, inner), 0)


@rule("QLinearSigmoid", "QLinearLeakyRelu", domains=(MICROSOFT,))
def qlinear_function(ctx: Context, node: OnnxNode) -> Value:
    inner = replace(ctx.with_operands(node, real(ctx, node, 0)), op_type=node.op_type[7:])
    return _requantized(ctx, node, function(ctx, inner), 3)


@rule("QLinearSoftmax", domains=(MICROSOFT,))
def qlinear_softmax(ctx: Context, node: OnnxNode) -> HostTail:
    """The host takes the codes, and does all three steps. `opset` says which Softmax is meant."""
    codes = ctx.operand(node, 0)
    if not isinstance(codes, HostTail):
        codes = HostTail(ctx.stream(node, 0), node.inputs[0], ctx.stream(node, 0).shape, ctx.stream(node, 0).elem, ())
    tail = codes.then({"kind": "dequantize"} | _numbers(ctx, node, 1), elem=Elem.FLOAT32)
    tail = softmax(ctx, ctx.with_operands(node, tail))
    elem = ctx.constant(node, 4, "zero point").elem
    limits = {"lo": elem.integers.lo, "hi": elem.integers.hi}
    return tail.then({"kind": "quantize"} | _numbers(ctx, node, 3) | limits, elem=elem)


def real(ctx: Context, node: OnnxNode, index: int, axis: int | None = None) -> Tensor:
    """Operand `index`, dequantised by the scale and the zero point behind it: one of each, or a vector along `axis`."""
    value = ctx.required(node, index)
    shape = shape_of(value)
    scale = nonzero(_laid(ctx, node, index + 1, "scale", shape, axis), node)
    zero = None
    if ctx.operand(node, index + 2) is not None:
        zero = _laid(ctx, node, index + 2, "zero point", shape, axis)
    return dequantized(node, value, scale, zero, ctx.constant(node, index + 1, "scale").elem)


def _laid(ctx: Context, node: OnnxNode, index: int, what: str, shape: tuple[int, ...], axis: int | None) -> Rationals:
    values = rationals(ctx.plain(node, index, what))
    if axis is None and values.size != 1:
        message = f"input {index}, a {what}, must be one number, not {list(values.shape)}"
        raise CompileError("E011", message, origin=node.origin)
    return laid(values, shape, axis or 0, what, node)


def product_scale(ctx: Context, node: OnnxNode, a: int, b: int) -> Rationals:
    """The scales of two operands multiplied: one number or a vector."""
    both = [rationals(ctx.plain(node, i, "scale")).reshape(-1) for i in (a, b)]
    return np.asarray(both[0] * both[1], object)


def _bias(ctx: Context, node: OnnxNode, index: int, scale: Rationals) -> Exact | None:
    """Integers (…, outputs) of that scale."""
    value = ctx.operand(node, index)
    if value is None:
        return None
    array = ctx.plain(node, index, "bias")
    if array.ndim < 1 or scale.size not in (1, array.shape[-1]):
        message = f"a bias of shape {list(array.shape)} does not fit {scale.size} scales"
        raise CompileError("E011", message, origin=node.origin)
    unit = filled(1, array.ndim) * scale
    assert isinstance(value, Constant)
    return Exact(array.astype(np.int64), collapse(np.asarray(unit, object)), Elem.FLOAT32)


def _images(ctx: Context, node: OnnxNode, inner: Rule) -> Stream:
    """The rule on images whose channels are where the attribute says; weights have theirs first in both cases."""
    if node.attribute("channels_last", int, 0):
        return channels_last(ctx, node, inner)
    return cast(Stream, inner(ctx, node))


def _requantized(ctx: Context, node: OnnxNode, y: Value, index: int) -> Value:
    """The result, by the scale at `index` and the zero point behind it, whose type is the result's."""
    zero = None if ctx.operand(node, index + 1) is None else ctx.constant(node, index + 1, "zero point")
    elem = Elem.UINT8 if zero is None else zero.elem
    shape = shape_of(y)
    scale = nonzero(_laid(ctx, node, index, "scale", shape, -1), node)
    shift = None if zero is None else _laid(ctx, node, index + 1, "zero point", shape, -1)
    if not elem.is_integer or elem.bits > 32:
        raise CompileError("E021", f"{node.op_type} to {elem.label} is not supported", origin=node.origin)
    assert not isinstance(y, HostTail)
    return quantized(ctx, node, y, quantizer(scale, shift, elem))


def _numbers(ctx: Context, node: OnnxNode, index: int) -> dict[str, float | int]:
    """Scale and zero point of one tensor, for the host."""
    scale = ctx.plain(node, index, "scale")
    zero = (
        ctx.plain(node, index + 1, "zero point") if ctx.operand(node, index + 1) is not None else np.zeros(1, np.int64)
    )
    if scale.size != 1 or zero.size != 1:
        raise CompileError("E011", "scale and zero point must be one number each", origin=node.origin)
    nonzero(rationals(scale), node)
    return {"scale": float(scale.reshape(-1)[0]), "zero": int(zero.reshape(-1)[0])}
