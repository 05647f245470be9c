"""QuantizeLinear and DequantizeLinear: per tensor, along one axis, or by blocks along one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...errors import CompileError
from ..context import Context, Quantizer, step_array
from ..elem import Elem
from ..exact import Rationals, collapse, filled, rationals
from ..model import OnnxNode
from ..quantize import quantize
from ..registry import rule
from ..steps import Grid, Rounding
from ..values import Exact, HostTail, Stream, Tensor, Value, shape_of
from .quant import grid_constant, nonzero

MICROSOFT = "com.microsoft"
MAX_BLOCKED = 1 << 24  # elements of a tensor that has a scale of its own for every block


@rule("QuantizeLinear", domains=("", MICROSOFT))
def quantize_linear(ctx: Context, node: OnnxNode) -> Value:
    """saturate(half_even(x / scale) + zero point), an integer tensor."""
    elem = _output_elem(ctx, node)
    tail = ctx.operand(node, 0)
    if isinstance(tail, HostTail):
        limits = {"lo": elem.integers.lo, "hi": elem.integers.hi}
        return tail.then({"kind": "quantize"} | _of_host(ctx, node) | limits, elem=elem)
    value = ctx.required(node, 0)
    shape = shape_of(value)
    scale = _parameter(ctx, node, 1, "scale", shape)
    zero = _parameter(ctx, node, 2, "zero point", shape) if ctx.operand(node, 2) is not None else None
    return quantized(ctx, node, value, quantizer(nonzero(scale, node), zero, elem))


def quantizer(scale: Rationals, zero: Rationals | None, elem: Elem) -> Quantizer:
    """saturate(half_even(x / scale) + zero) in that element type; both arrays have the rank of the tensor.

    The zero point is added after rounding, so ties go to the integer that is even before that: the codes here are
    those without zero point.
    """
    zero = filled(0, scale.ndim) if zero is None else collapse(zero)
    type_ = elem.integers
    known = {z: Grid(Rounding.HALF_EVEN, type_.lo - int(z), type_.hi - int(z)) for z in zero.reshape(-1).tolist()}
    steps = step_array([known[z] for z in zero.reshape(-1).tolist()], zero.shape)
    return Quantizer(scale, filled(0, scale.ndim), steps, filled(1, scale.ndim), zero, elem)


def quantized(ctx: Context, node: OnnxNode, value: Tensor, by: Quantizer) -> Value:
    """The result of the node: the tensor quantised by QuantizeLinear's definition."""
    if isinstance(value, Stream):
        if value.curve or value.elem.is_float:
            return quantize(ctx, node, value, by)
        return quantize(ctx, node, replace(value, elem=Elem.FLOAT32), by)
    if isinstance(value, Exact):
        message = f"{node.op_type} of a constant that is quantized already is not supported"
        raise CompileError("E021", message, origin=node.origin)
    return grid_constant(ctx, node, value, by)


@rule("DequantizeLinear", domains=("", MICROSOFT))
def dequantize_linear(ctx: Context, node: OnnxNode) -> Value:
    """(x − zero point) · scale."""
    tail = ctx.operand(node, 0)
    if isinstance(tail, HostTail):
        return tail.then({"kind": "dequantize"} | _of_host(ctx, node), elem=ctx.constant(node, 1, "scale").elem)
    value = ctx.required(node, 0)
    shape = shape_of(value)
    scale = nonzero(_parameter(ctx, node, 1, "scale", shape), node)
    zero = _parameter(ctx, node, 2, "zero point", shape) if ctx.operand(node, 2) is not None else None
    code = node.attribute("output_dtype", int, 0)
    elem = Elem.of_code(code, "the result", node.origin) if code else ctx.constant(node, 1, "scale").elem
    return dequantized(node, value, scale, zero, elem)


def dequantized(node: OnnxNode, value: Tensor, scale: Rationals, zero: Rationals | None, elem: Elem) -> Tensor:
    """(value − zero) · scale; the arrays have the rank of the tensor."""
    if not value.elem.is_integer:
        message = f"{node.op_type} of a tensor of {value.elem.label} is not supported"
        raise CompileError("E021", message, origin=node.origin)
    if isinstance(value, Stream):
        x = replace(value, elem=elem)
        x = x if zero is None else x.plus(np.asarray(-zero, object), 1)
        return x.times(scale)
    shift = 0 if zero is None else zero.astype(np.int64)
    if isinstance(value, Exact):  # integers by a QuantizeLinear: scale 1
        return replace(value, codes=value.codes - shift, elem=elem).scaled(scale)
    return Exact(value.array.astype(np.int64) - shift, collapse(scale), elem)


def laid(values: Rationals, shape: tuple[int, ...], axis: int, what: str, node: OnnxNode, block: int = 0) -> Rationals:
    """A parameter in the rank of its tensor: one number, a vector along the axis, or one number a block of it.

    Where the definition lets a parameter have the tensor's own rank, it must broadcast to its shape.
    """
    rank = len(shape)
    if values.size == 1:
        return values.reshape((1,) * rank)
    axis = axis + rank if axis < 0 else axis
    if 0 <= axis < rank and block:
        blocks = (*shape[:axis], -(-shape[axis] // block), *shape[axis + 1 :])
        if values.shape == blocks and np.prod(shape) <= MAX_BLOCKED:
            return np.repeat(values, block, axis=axis).take(range(shape[axis]), axis=axis)
    elif 0 <= axis < rank and values.shape == (shape[axis],):
        return values.reshape(tuple(-1 if a == axis else 1 for a in range(rank)))
    elif values.ndim == rank and rank > 1 and all(a in (1, b) for a, b in zip(values.shape, shape)):
        return values
    by = f"blocks of {block} along axis" if block else "axis"
    message = f"a {what} of shape {list(values.shape)} does not fit {by} {axis} of shape {list(shape)}"
    raise CompileError("E011", message, origin=node.origin)


def _of_host(ctx: Context, node: OnnxNode) -> dict[str, float | int]:
    """Scale and zero point of one tensor, for the host; a float is in JSON just what it is."""
    scale = ctx.plain(node, 1, "scale")
    if scale.size != 1:
        message = f"{node.op_type} by channel after what the host computes is not supported"
        raise CompileError("E024", message, origin=node.origin, hint="quantize the output per tensor")
    nonzero(rationals(scale), node)
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
    """A scale or zero point, laid as the node's attributes say."""
    values = rationals(ctx.plain(node, index, what))
    if values.size != ctx.plain(node, 1, "scale").size:
        message = "the scale and the zero point must have the same number of elements"
        raise CompileError("E011", message, origin=node.origin)
    block = node.attribute("block_size", int, 0)
    if block < 0:
        raise CompileError("E013", f"a block_size of {block} is not sensible", origin=node.origin)
    return laid(values, shape, node.attribute("axis", int, 1), what, node, block)
