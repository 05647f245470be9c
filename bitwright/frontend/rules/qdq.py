"""QuantizeLinear and DequantizeLinear, per tensor or along one axis."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...errors import CompileError
from ..context import Context, Quantizer, step_array
from ..elem import Elem
from ..exact import Rationals, filled, rationals
from ..model import Constant, OnnxNode
from ..quantize import quantize
from ..registry import rule
from ..steps import Grid, Rounding
from ..values import Exact, HostTail, Stream, Value
from .quant import grid_constant, positive


@rule("QuantizeLinear")
def quantize_linear(ctx: Context, node: OnnxNode) -> Value:
    """saturate(half_even(x / scale) + zero point), an integer tensor.

    The zero point is added after rounding, so ties go to the integer that is even before that: the codes here are
    those without zero point.
    """
    elem = _output_elem(ctx, node)
    tail = ctx.operand(node, 0)
    if isinstance(tail, HostTail):
        limits = {"lo": elem.integers.lo, "hi": elem.integers.hi}
        return tail.then({"kind": "quantize"} | _of_host(ctx, node) | limits, elem=elem)
    value = ctx.required(node, 0)
    shape = value.array.shape if isinstance(value, Constant) else value.shape
    rank = len(shape)
    scale = positive(_parameter(ctx, node, 1, "scale", shape), node)
    zero = _parameter(ctx, node, 2, "zero point", shape) if ctx.operand(node, 2) is not None else filled(0, rank)
    type_ = elem.integers
    grids = [Grid(Rounding.HALF_EVEN, type_.lo - int(z), type_.hi - int(z)) for z in zero.reshape(-1)]
    by = Quantizer(scale, filled(0, rank), step_array([*grids], zero.shape), filled(1, rank), zero, elem)
    if isinstance(value, Stream):
        return quantize(ctx, node, ctx.real(node, 0, curved=True), by)
    if isinstance(value, Exact) or len(grids) > 1:
        raise CompileError("E021", "QuantizeLinear of this constant is not supported", origin=node.origin)
    return grid_constant(ctx, node, value, by)


@rule("DequantizeLinear")
def dequantize_linear(ctx: Context, node: OnnxNode) -> Value:
    """(x − zero point) · scale."""
    tail = ctx.operand(node, 0)
    if isinstance(tail, HostTail):
        return tail.then({"kind": "dequantize"} | _of_host(ctx, node), elem=ctx.constant(node, 1, "scale").elem)
    value = ctx.required(node, 0)
    if not value.elem.is_integer:
        message = f"DequantizeLinear of a tensor of {value.elem.label} is not supported"
        raise CompileError("E021", message, origin=node.origin)
    shape = value.array.shape if isinstance(value, Constant) else value.shape
    scale = positive(_parameter(ctx, node, 1, "scale", shape), node)
    elem = ctx.constant(node, 1, "scale").elem
    zero = _parameter(ctx, node, 2, "zero point", shape) if ctx.operand(node, 2) is not None else None
    if isinstance(value, Stream):
        x = replace(value, elem=elem)
        x = x if zero is None else x.plus(np.asarray(-zero, object), 1)
        return x.times(scale)
    if isinstance(value, Exact):  # integers by a QuantizeLinear: scale 1
        shift = 0 if zero is None else zero.astype(np.int64)
        return replace(value, codes=value.codes - shift, elem=elem).scaled(scale)
    assert isinstance(value, Constant)
    codes = value.array.astype(np.int64)
    return Exact(codes if zero is None else codes - zero.astype(np.int64), scale, elem)


def _of_host(ctx: Context, node: OnnxNode) -> dict[str, float | int]:
    """Scale and zero point of one tensor, for the host; a float is in JSON just what it is."""
    scale = ctx.plain(node, 1, "scale")
    if scale.size != 1:
        message = f"{node.op_type} by channel after what the host computes is not supported"
        raise CompileError("E024", message, origin=node.origin, hint="quantize the output per tensor")
    positive(rationals(scale), node)
    zero = 0 if ctx.operand(node, 2) is None else int(ctx.plain(node, 2, "zero point").reshape(-1)[0])
    return {"scale": float(scale.reshape(-1)[0]), "zero": zero}


def _output_elem(ctx: Context, node: OnnxNode) -> Elem:
    """The zero point's type, else output_dtype, else uint8."""
    code = node.attribute("output_dtype", int, 0)
    zero = ctx.operand(node, 2)
    elem = Elem.UINT8
    if zero is not None:
        elem = ctx.constant(node, 2, "zero point").elem
    elif code:
        elem = Elem.of_code(code, "the result", node.origin)
    if not elem.is_integer or elem.bits > 32:
        message = f"QuantizeLinear to {elem.label} is not supported"
        raise CompileError("E021", message, origin=node.origin, hint="integers of 4, 8 or 16 bits are")
    return elem


def _parameter(ctx: Context, node: OnnxNode, index: int, what: str, shape: tuple[int, ...]) -> Rationals:
    """A scale or zero point, laid along its axis: one number, or a vector along `axis`."""
    if node.attribute("block_size", int, 0):
        message = "quantization by blocks (block_size) is not supported"
        raise CompileError("E021", message, origin=node.origin, hint="quantize per tensor or per channel")
    values = rationals(ctx.plain(node, index, what))
    rank = len(shape)
    if values.size != ctx.plain(node, 1, "scale").size:
        message = "the scale and the zero point must have the same number of elements"
        raise CompileError("E011", message, origin=node.origin)
    if values.size == 1:
        return values.reshape((1,) * rank)
    axis = node.attribute("axis", int, 1)
    axis = axis + rank if axis < 0 else axis
    if values.ndim != 1 or not 0 <= axis < rank or values.size != shape[axis]:
        message = f"a {what} of shape {list(values.shape)} does not fit axis {axis} of shape {list(shape)}"
        raise CompileError("E011", message, origin=node.origin)
    return values.reshape(tuple(-1 if a == axis else 1 for a in range(rank)))
