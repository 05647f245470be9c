"""FixedPoint, DeadZone: quantizers of Keras packages that QONNX has no words for. They live in a domain of our own.

FixedPoint rounds to multiples of 2^−f with k + i + f bits, k of them the sign, i and f per tensor, channel or element;
what is beyond saturates (to a symmetric range, where asked for) or wraps. DeadZone gives −1, 0 or 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import inf
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ...errors import CompileError, quoted
from ...ir.types import TensorType
from ...ops.mulshift import MulShift
from ...ops.shift import Shift
from ...ops.wrap import Wrap
from ..context import INPUT, Anchor, Context, Quantizer, parameter, step_array
from ..elem import Elem
from ..exact import Rationals, collapse, filled, rationals
from ..layout import port_rows, shortest, wire_rows
from ..model import OnnxNode
from ..quantize import in_units, port_order, quantize
from ..recode import extent
from ..registry import OWN, rule
from ..steps import Grid, Rounding, Steps
from ..values import Stream

Limit = Fraction | float
MAX_BITS = 32
MAX_EXPONENT = 64
WRAP, SYMMETRIC = "WRAP", "SAT_SYM"
OVERFLOWS = ("SAT", SYMMETRIC, WRAP)
ROUNDINGS = {
    "RND": (Rounding.FLOOR, Fraction(1, 2)),  # ties up
    "RND_CONV": (Rounding.HALF_EVEN, Fraction(0)),
    "RND_MIN_INF": (Rounding.CEIL, Fraction(-1, 2)),
    "RND_INF": (Rounding.HALF_UP, Fraction(0)),
    "RND_ZERO": (Rounding.HALF_DOWN, Fraction(0)),
    "TRN": (Rounding.FLOOR, Fraction(0)),
    "TRN_ZERO": (Rounding.DOWN, Fraction(0)),
}
"""How to round and what to add before: t rounds to rounding(t + term)."""
FEW_STEPS = 1 << 8


@dataclass(frozen=True)
class Wrapping(Steps):
    """A rounding whose codes wrap into low .. low + 2^bits − 1. It is no monotone function: for comparisons alone."""

    rounding: Rounding
    low: int  # pyright: ignore[reportIncompatibleVariableOverride]
    bits: int

    @property
    def high(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.low + (1 << self.bits) - 1

    def bound(self, k: int) -> tuple[int, int, bool]:
        return Grid(self.rounding, None, None).bound(k)

    def code(self, t: Fraction | float) -> int:
        return (Grid(self.rounding, None, None).code(t) - self.low) % (1 << self.bits) + self.low

    def edges(self, codes: NDArray[np.int64]) -> NDArray[np.float64]:
        return Grid(self.rounding, None, None).edges(codes)

    def between(self, exact: int, found: int, at: float) -> NDArray[np.float64]:
        """The code found is taken for the number nearest to t that wraps to it."""
        size = 1 << self.bits
        here = exact + size * round((at - exact) / size)
        return super().between(here, here + (found - exact + size // 2) % size - size // 2, at)


@dataclass(frozen=True)
class Zone(Steps):
    """−1 up to −threshold, 1 from the threshold on, 0 between."""

    threshold: Fraction

    @property
    def low(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return -1

    @property
    def high(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return 1

    def bound(self, k: int) -> tuple[int, int, bool]:
        level = self.threshold if k == 1 else -self.threshold
        return level.numerator, level.denominator, k == 0

    def code(self, t: Fraction | float) -> int:
        return int(t >= self.threshold) - int(t <= -self.threshold)

    def edges(self, codes: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.where(
            codes > 1, inf, np.where(codes < 0, -inf, np.where(codes == 1, 1.0, -1.0) * float(self.threshold))
        )


@dataclass(frozen=True, eq=False)
class _Format:
    """The parameters of a FixedPoint, all of the rank of its operand: `unit` is 2^−f, codes are from low to high."""

    unit: Rationals
    low: NDArray[np.int64]
    bits: NDArray[np.int64]
    signed: NDArray[np.int64]
    high: NDArray[np.int64]
    rounding: str

    def quantizer(self, steps: np.ndarray) -> Quantizer:
        rank = self.unit.ndim
        term = filled(ROUNDINGS[self.rounding][1], rank)
        return Quantizer(self.unit, term, steps, self.unit, filled(0, rank), Elem.FLOAT32)

    def limited(self) -> Quantizer:
        rounding = ROUNDINGS[self.rounding][0]
        grids = [Grid(rounding, a, b) for a, b in zip(self.low.reshape(-1).tolist(), self.high.reshape(-1).tolist())]
        return self.quantizer(step_array([*grids], self.low.shape))

    def free(self) -> Quantizer:
        return self.quantizer(step_array(Grid(ROUNDINGS[self.rounding][0], None, None), (1,) * self.unit.ndim))

    def wrapping(self) -> Quantizer:
        rounding = ROUNDINGS[self.rounding][0]
        steps = [
            Wrapping(rounding, a, b) for a, b in zip(self.low.reshape(-1).tolist(), self.bits.reshape(-1).tolist())
        ]
        return self.quantizer(step_array([*steps], self.low.shape))


@rule("DeadZone", domains=OWN)
def dead_zone(ctx: Context, node: OnnxNode) -> Stream:
    """Operands: x and the threshold."""
    x = ctx.real(node, 0, curved=True)
    (threshold,) = ctx.exact(node, 1, "threshold").reshape(-1).tolist()
    if threshold <= 0:
        raise CompileError("E026", f"the threshold must be positive, not {float(threshold)}", origin=node.origin)
    rank = len(x.shape)
    one, zero = filled(1, rank), filled(0, rank)
    return quantize(
        ctx, node, x, Quantizer(one, zero, step_array(Zone(threshold), (1,) * rank), one, zero, Elem.FLOAT32)
    )


@rule("FixedPoint", domains=OWN)
def fixed_point(ctx: Context, node: OnnxNode) -> Stream:
    """Operands: x and integers k, i, f that broadcast to it. A format without bits gives 0."""
    x = ctx.real(node, 0, curved=True)
    form = _format(ctx, node, x)
    wraps = node.attribute("overflow", str, "") == WRAP
    if x.name is None:
        if x.curve:
            ctx.need_type(x, node.origin)
        return _on_host(ctx, node, x, form, wraps)
    if not wraps:
        return quantize(ctx, node, x, form.limited())
    if x.curve:
        return _wrapped(ctx, node, x, form, _whole(ctx, node, x, form))
    first, last = _reach(ctx, node, x, form)
    fits = bool((first >= form.low).all() and (last <= form.high).all())
    if fits and int((last - first).max()) <= FEW_STEPS:
        return quantize(ctx, node, x, form.limited())
    rounded = _direct(ctx, node, x, form) or _whole(ctx, node, x, form)
    return _wrapped(ctx, node, x, form, rounded)


def _format(ctx: Context, node: OnnxNode, x: Stream) -> _Format:
    k, i, f = (
        parameter(x.shape, ctx.exact(node, n, what), node.origin).astype(np.int64)
        for n, what in ((1, "sign bit"), (2, "integer bits"), (3, "fraction bits"))
    )
    rounding, overflow = node.attribute("rounding", str, ""), node.attribute("overflow", str, "")
    if rounding not in ROUNDINGS or overflow not in OVERFLOWS:
        message = f"rounding {quoted(rounding)} with overflow {quoted(overflow)} is not supported"
        hint = f"roundings: {', '.join(ROUNDINGS)}; overflows: {', '.join(OVERFLOWS)}"
        raise CompileError("E028", message, origin=node.origin, hint=hint)
    k, i, f = np.broadcast_arrays(k, i, f)
    alive = k + i + f > 0
    i = np.maximum(i, -f)
    bits = np.where(alive, k + i + f, 0)
    if ((k < 0) | (k > 1)).any() or bits.max() > MAX_BITS or (alive & (np.abs(f) > MAX_EXPONENT)).any():
        message = f"a format of {bits.max()} bits, up to {f[alive].max(initial=0)} of them fraction, is not sensible"
        raise CompileError("E027", message, origin=node.origin, hint=f"up to {MAX_BITS} bits are supported")
    # What has no bits takes the unit of the others, so that there are few kinds.
    f = np.where(alive, f, f[alive].max(initial=0))
    half = np.where(alive, 1 << np.maximum(bits - k, 0), 1)
    low = np.where(alive, k * -half, 0)
    if overflow == SYMMETRIC:
        low = np.where(alive, k * (1 - half), 0)
    unit = collapse(rationals(f))
    unit = np.asarray([Fraction(2) ** -int(v) for v in unit.reshape(-1)], object).reshape(unit.shape)
    signed = np.where(alive, k, 0)
    return _Format(unit, low, bits, signed, np.where(alive, half - 1, 0), rounding)


def _on_host(ctx: Context, node: OnnxNode, x: Stream, form: _Format, wraps: bool) -> Stream:
    """The format of the graph input moves to the host: its codes become the IR's input."""
    by = form.wrapping() if wraps else form.limited()
    ratio, _, low, high, _ = in_units(x, by)
    plain = (x.scale == 1).all() and (x.offset == 0).all() and (low == -inf).all() and (high == inf).all()
    if not wraps and not (plain and form.rounding in HOST_ROUNDINGS):
        return quantize(ctx, node, x, form.limited())
    if not plain or form.rounding not in HOST_ROUNDINGS:
        message = "what the host does to the input before its first quantizer is more than rounding"
        raise CompileError("E034", message, origin=node.origin, hint="give the input a type: --input-type int8")
    ends = [np.asarray(rationals(v), object) for v in (form.low, form.high)]
    port = ctx.model.inputs[0]
    if ctx.encode is not None:
        message = f"input {quoted(port.name)} is quantized in two different ways"
        hint = "say what its integers are, as in --input-type int8, so that both become hardware"
        raise CompileError("E032", message, origin=node.origin, hint=hint)
    found, repeat = port_rows(x.shape, port_order(ctx, x), ratio, *ends)
    rows = cast("list[tuple[Fraction, Fraction, Fraction]]", found)
    encode: dict[str, Any] = {
        "kind": "fixed",
        "exp": [r.numerator.bit_length() - r.denominator.bit_length() for r, _, _ in rows],
        "lo": [int(a) for _, a, _ in rows],
        "hi": [int(b) for _, _, b in rows],
        "rounding": HOST_ROUNDINGS[form.rounding],
        "wrap": wraps,
    }
    encode |= {"repeat": repeat} if repeat > 1 and len(rows) > 1 else {}
    if ctx.input_layout is not None:
        frame = ctx.input_layout.frame
    else:
        frame = x.frame if x.order is None else ctx.input_frame
    ctx.declare_input(TensorType.ranged(frame, [int(form.low.min())], [int(form.high.max())]), encode)
    return _result(ctx, node, x, by, INPUT)


HOST_ROUNDINGS = {"RND": "half_up", "RND_CONV": "half_even", "TRN": "floor"}


def _reach(ctx: Context, node: OnnxNode, x: Stream, form: _Format) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The least and the greatest code before anything overflows, by entry of an array that broadcasts to x."""
    arrays = (x.scale, x.offset, x.low, x.high, form.unit, form.low)
    shape = np.broadcast_shapes(*(a.shape for a in arrays))
    rounding, term = ROUNDINGS[form.rounding]
    ends: list[Any] = []
    for q in extent(ctx, x, shape):
        value = np.asarray(x.scale * q.astype(object) + x.offset, object)
        value = np.minimum(np.maximum(value, x.low), x.high) / form.unit + term
        codes = [rounding.round(Fraction(v)) for v in np.broadcast_to(value, shape).reshape(-1)]
        ends.append(np.array(codes, object).reshape(shape))
    first, last = np.minimum(*ends), np.maximum(*ends)
    if max(abs(first.min()), abs(last.max())) >= 1 << 61:
        raise CompileError("E036", "this needs integers wider than 62 bits", origin=node.origin)
    return first.astype(np.int64), last.astype(np.int64)


def _direct(ctx: Context, node: OnnxNode, x: Stream, form: _Format) -> str | None:
    """The rounded codes by a shift or a multiplication, without their overflow; None where that is not their form."""
    rounding, term = ROUNDINGS[form.rounding]
    parts = [collapse(np.asarray(v, object)) for v in (
        x.scale / form.unit, x.offset / form.unit + term, x.low / form.unit + term, x.high / form.unit + term
    )]  # fmt: skip
    rows = cast("list[tuple[Fraction, Fraction, Limit, Limit]]", shortest(wire_rows(x.shape, x.order, *parts)))
    if rounding is not Rounding.FLOOR or any(r.denominator & (r.denominator - 1) for r, *_ in rows):
        return None
    right = max(r.denominator.bit_length() - 1 for r, *_ in rows)
    m, b = [int(r * (1 << right)) for r, *_ in rows], [(o * (1 << right)).__floor__() for _, o, *_ in rows]
    type_ = ctx.types[cast(str, x.name)]
    reach = max(map(abs, m)) * max(abs(type_.min), abs(type_.max)) + max(map(abs, b))
    # A limit before rounding is one after it; those that cut nothing are left out.
    far = (reach >> right) + 1
    lows = {max(-far, min(far, row[2])).__floor__() for row in rows}
    highs = {max(-far, min(far, row[3])).__floor__() for row in rows}
    if reach >= 1 << 61 or len(lows) > 1 or len(highs) > 1:
        return None
    (low,), (high,) = lows, highs
    terms = np.array(b, np.int64)
    if len(set(m)) > 1 or m[0] <= 0 or m[0].bit_count() > 1:
        return ctx.emit(MulShift(np.array(m, np.int64), terms, right, low, high), cast(str, x.name), node.origin)
    left = m[0].bit_length() - 1
    if not left and not right and not any(b) and low <= type_.min and high >= type_.max:
        return cast(str, x.name)
    common = min(left, right) if not any(v & ((1 << min(left, right)) - 1) for v in b) else 0
    op = Shift(terms >> common, left - common, right - common, low, high)
    return ctx.emit(op, cast(str, x.name), node.origin)


def _whole(ctx: Context, node: OnnxNode, x: Stream, form: _Format) -> str:
    """The rounded codes by steps, without their overflow."""
    result = quantize(ctx, node, x, form.free())
    ctx.anchors.pop()
    # Codes may have been shifted, or left as they were in another unit: code = m · q + b.
    m = np.asarray(result.scale / form.unit, object)
    b = np.asarray(result.offset / form.unit, object)
    rows = cast("list[tuple[Fraction, Fraction]]", shortest(wire_rows(x.shape, x.order, collapse(m), collapse(b))))
    factors, terms = (np.array([int(v) for v in column], np.int64) for column in zip(*rows))
    name = cast(str, result.name)
    if (factors == 1).all() and not terms.any():
        return name
    far = (
        int(np.abs(factors).max()) * max(abs(ctx.types[name].min), abs(ctx.types[name].max))
        + int(np.abs(terms).max())
        + 1
    )
    same = (factors == 1).all()
    return ctx.emit(
        Shift(terms, 0, 0, -far, far) if same else MulShift(factors, terms, 0, -far, far), name, node.origin
    )


def _wrapped(ctx: Context, node: OnnxNode, x: Stream, form: _Format, rounded: str) -> Stream:
    """Codes wrapped, where any leaves its range."""
    by = form.wrapping()
    arrays = (form.low, form.high, form.bits, form.signed)
    rows = shortest(wire_rows(x.shape, x.order, *(np.asarray(rationals(v), object) for v in arrays)))
    low, high, bits, signed = (np.array([int(cast(Fraction, v)) for v in column], np.int64) for column in zip(*rows))
    type_ = ctx.types[rounded]
    period = int(np.lcm(len(low), len(type_.lo)))
    ends = [np.array(e, np.int64) for e in type_.bounds(period)]
    inside = (ends[0] >= np.resize(low, period)).all() and (ends[1] <= np.resize(high, period)).all()
    if not inside:
        rounded = ctx.emit(Wrap(bits, signed), rounded, node.origin)
    return _result(ctx, node, x, by, rounded)


def _result(ctx: Context, node: OnnxNode, x: Stream, by: Quantizer, name: str) -> Stream:
    result = Stream.start(name, x.shape, by.elem, by.out_scale, by.out_offset, 3, x.order)
    ctx.anchors.append(Anchor(node.outputs[0], x, by, result))
    return result
