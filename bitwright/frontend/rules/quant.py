"""QONNX Quant and BipolarQuant. Definitions: qonnx 1.0.0, custom_op/general/intquant.py and bipolar_quant.py."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from ...errors import CompileError, quoted
from ..context import ConstantAnchor, Context, Quantizer, parameter, step_array
from ..elem import Elem
from ..exact import Rationals, collapse, common_integers, filled, of_rank, rationals
from ..model import Constant, OnnxNode
from ..quantize import in_doubt, quantize, quantize_constant
from ..registry import QONNX, rule
from ..steps import SIGN, Grid, Rounding, Steps
from ..values import Codes, Exact, Stream, Value, shape_of

MAX_BITS = 32
MAX_ZERO = 1 << 22


@rule("Quant", "IntQuant", domains=QONNX)
def quant(ctx: Context, node: OnnxNode) -> Value:
    """Operands: x, scale, zero point, bit width; all but x constants that broadcast to x."""
    value = ctx.required(node, 0)
    shape = shape_of(value)
    scale = nonzero(parameter(shape, ctx.exact(node, 1, "scale"), node.origin), node)
    zero = zero_point(ctx, node, shape)
    signed, narrow = (bool(required(node, name)) for name in ("signed", "narrow"))
    bits = bit_width(ctx, node, 3)
    rounding = rounding_mode(node)
    if bits == 1 and signed:
        # One bit stands for −1 and +1 (before the zero point is taken off).
        by = Quantizer(scale, zero, step_array(SIGN, (1,) * len(shape)), scale * 2, scale * (-1 - zero), Elem.FLOAT32)
    else:
        by = Quantizer(scale, zero, step_array(grid(bits, signed, narrow, rounding), (1,) * len(shape)),
                       scale, -scale * zero, Elem.FLOAT32)  # fmt: skip
    return apply(ctx, node, value, by)


@rule("BipolarQuant", domains=QONNX)
def bipolar_quant(ctx: Context, node: OnnxNode) -> Value:
    """+scale where x ≥ 0, else −scale."""
    value = ctx.required(node, 0)
    shape = shape_of(value)
    scale = nonzero(parameter(shape, ctx.exact(node, 1, "scale"), node.origin), node)
    rank = len(shape)
    by = Quantizer(filled(1, rank), filled(0, rank), step_array(SIGN, (1,) * rank), scale * 2, -scale, Elem.FLOAT32)
    return apply(ctx, node, value, by)


def apply(ctx: Context, node: OnnxNode, value: Value, by: Quantizer) -> Value:
    """The quantiser on a stream or a constant."""
    if isinstance(value, Stream):
        return quantize(ctx, node, ctx.real(node, 0, curved=True), by)
    if isinstance(value, Exact):
        return _of_exact(value, by)
    assert isinstance(value, Constant)
    if not isinstance(by.steps.reshape(-1)[0], Grid):
        t = rationals(value.array) * (1 / by.scale) + by.zero
        return meaning(np.asarray(t >= 0).astype(np.int64), by)
    return grid_constant(ctx, node, value, by)


def grid_constant(ctx: Context, node: OnnxNode, value: Constant, by: Quantizer) -> Exact:
    """A constant on a grid, exactly; noted for the comparison if float arithmetic could round it differently."""
    codes = quantize_constant(value.array, by)
    if not value.elem.is_float or not in_doubt(value.array, by, value.elem.roundoff):
        return meaning(codes, by)
    ctx.constants.append(ConstantAnchor(node.outputs[0], codes, value.array, by))
    return meaning(codes, by, node.outputs[0])


def meaning(codes: np.ndarray, by: Quantizer, tensor: str = "") -> Exact:
    """The exact constant out_scale · codes + out_offset; the offset is taken into the codes.

    `tensor` names it where a runtime's codes may be others.
    """
    ratio = np.asarray(collapse(by.out_offset) / by.out_scale, object)
    numbers, unit = common_integers([Fraction(1), *ratio.reshape(-1).tolist()])
    shifts = np.array(numbers[1:], np.int64).reshape(ratio.shape)
    scale = collapse(np.asarray(by.out_scale * unit, object))
    origin = Codes(tensor, np.arange(codes.size).reshape(codes.shape), numbers[0]) if tensor else None
    return Exact(codes * numbers[0] + shifts, of_rank(scale, codes.ndim), by.elem, origin)


def _of_exact(value: Exact, by: Quantizer) -> Exact:
    """A constant that is quantised already, once more."""
    t = np.asarray(value.values() * (1 / by.scale) + by.zero, object)
    steps = by.steps.reshape(-1)[0]
    codes = np.array([steps.code(v) for v in t.reshape(-1)], np.int64).reshape(t.shape)
    return meaning(codes, by)


def nonzero(scale: Rationals, node: OnnxNode) -> Rationals:
    """A scale as it is; a negative one turns the order of the codes round."""
    if (scale == 0).any():
        raise CompileError("E026", "the scale must not be 0, but one is", origin=node.origin)
    return scale


def zero_point(ctx: Context, node: OnnxNode, shape: tuple[int, ...]) -> Rationals:
    """Operand 2; it must be so small that float32 tells one code from the next."""
    zero = parameter(shape, ctx.exact(node, 2, "zero point"), node.origin)
    worst = max(zero.reshape(-1).tolist(), key=abs)
    if abs(worst) > MAX_ZERO:
        message = f"a zero point of {float(worst):g} is not sensible; the limit is {MAX_ZERO:,}"
        raise CompileError("E027", message, origin=node.origin)
    return zero


def required(node: OnnxNode, name: str) -> int:
    """An integer attribute that must be there."""
    value = node.attribute(name, int, None)
    if value is None:
        raise CompileError("E013", f"attribute {quoted(name)} is missing", origin=node.origin)
    return value


def rounding_mode(node: OnnxNode, default: str = "ROUND") -> Rounding:
    text = node.attribute("rounding_mode", str, default)
    try:
        return Rounding.parse(text)
    except ValueError:
        known = ", ".join(["ROUND", *(m.value for m in Rounding)])
        message = f"{quoted(text)} is no rounding mode"
        raise CompileError("E028", message, origin=node.origin, hint=f"there are {known}") from None


def bit_width(ctx: Context, node: OnnxNode, index: int) -> float:
    """A bit width, which may be fractional; from 1 (above 0 where it is unsigned) to 32."""
    array = ctx.plain(node, index, "bit width")
    if array.size != 1:
        message = f"the bit width must be one number, not shape {list(array.shape)}"
        raise CompileError("E027", message, origin=node.origin)
    bits = float(array.reshape(-1)[0])
    if not 1 <= bits <= MAX_BITS:
        message = f"a bit width of {bits:g} is not sensible; it must be from 1 to {MAX_BITS}"
        raise CompileError("E027", message, origin=node.origin)
    return bits


def grid(bits: float, signed: bool, narrow: bool, rounding: Rounding) -> Steps:
    """Clamp to the range of the width, then round. The range of a fractional width is computed in float32."""
    power = 2 ** int(bits - signed) if bits.is_integer() else float(np.float32(2) ** np.float32(bits - signed))
    low = Fraction(narrow) - Fraction(power) if signed else Fraction(0)
    high = Fraction(power) - 1 - (narrow and not signed)
    return Grid(rounding, rounding.round(low), rounding.round(high))
