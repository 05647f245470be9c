"""QONNX Trunc, both versions. Definition: qonnx 1.0.0, custom_op/general/trunc.py."""

from __future__ import annotations

from fractions import Fraction
from math import log2

import numpy as np

from ...errors import CompileError
from ..context import Context, Quantizer, parameter, step_array
from ..elem import Elem
from ..model import OnnxNode
from ..quantize import quantize
from ..registry import QONNX, rule
from ..steps import Grid
from ..values import Stream
from .quant import bit_width, grid, nonzero, rounding_mode, zero_point


@rule("Trunc", domains=QONNX)
def trunc(ctx: Context, node: OnnxNode) -> Stream:
    """Round to the input's integers, divide by a power of two, round again. Six operands make it version 2."""
    value = ctx.required(node, 0)
    if not isinstance(value, Stream):
        raise CompileError("E021", "Trunc of a constant is not supported", origin=node.origin)
    version = _version_2 if len(node.inputs) > 5 else _version_1
    return quantize(ctx, node, ctx.real(node, 0), version(ctx, node, value))


def _version_1(ctx: Context, node: OnnxNode, x: Stream) -> Quantizer:
    """(R(half_even(x / scale + zero) / 2^(in − out)) − zero) · scale."""
    scale = nonzero(parameter(x.shape, ctx.exact(node, 1, "scale"), node.origin), node)
    zero = zero_point(ctx, node, x.shape)
    bits = [bit_width(ctx, node, i) for i in (3, 4)]
    if not (bits[0] - bits[1]).is_integer():
        raise CompileError("E027", f"Trunc from {bits[0]:g} to {bits[1]:g} bits is not a shift", origin=node.origin)
    steps = Grid(rounding_mode(node, "FLOOR"), None, None, Fraction(2) ** int(bits[0] - bits[1]))
    array = step_array(steps, (1,) * len(x.shape))
    return Quantizer(scale, zero, array, scale, np.asarray(-scale * zero, object), Elem.FLOAT32)


def _version_2(ctx: Context, node: OnnxNode, x: Stream) -> Quantizer:
    """(clip(R(half_even(x / scale + zero) / t)) − zero / t) · output scale, t = 2^round(log2(output scale / scale))."""
    scale = nonzero(parameter(x.shape, ctx.exact(node, 1, "scale"), node.origin), node)
    zero = zero_point(ctx, node, x.shape)
    out_scale = nonzero(parameter(x.shape, ctx.exact(node, 4, "output scale"), node.origin), node)
    signed, narrow = (bool(node.attribute(name, int, default)) for name, default in (("signed", 1), ("narrow", 0)))
    limits = grid(bit_width(ctx, node, 5), signed, narrow, rounding_mode(node, "FLOOR"))
    ratio = np.asarray(out_scale / scale, object)
    powers = [Fraction(2) ** round(log2(r)) for r in ratio.reshape(-1)]
    steps = [Grid(rounding_mode(node, "FLOOR"), limits.low, limits.high, p) for p in powers]
    factor = np.array(powers, object).reshape(ratio.shape)
    offset = np.asarray(-out_scale * zero / factor, object)
    return Quantizer(scale, zero, step_array([*steps], ratio.shape), out_scale, offset, Elem.FLOAT32)
