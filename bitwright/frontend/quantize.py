"""Quantisers: of constants, of streams (IR thresholds), and of the untyped graph input (steps on the host)."""

from __future__ import annotations

from fractions import Fraction
from math import inf, lcm
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ..errors import CompileError, quoted
from ..ir.types import IntType, TensorType
from ..ops.threshold import Threshold
from .context import INPUT, Anchor, Context, Quantizer
from .exact import Rationals, collapse, floats, shortest_period
from .layout import Order, explicit, normal, port_rows, wire_rows
from .model import OnnxNode
from .quantize_curve import of_curve
from .shifts import as_shift
from .steps import Grid, Row, Steps, solve
from .values import Stream

MAX_STEPS = 1 << 16
MAX_TABLE = 1 << 24

Setting = tuple[Fraction, Fraction, Fraction | float, Fraction | float, Steps]
"""ratio, offset, low, high, steps of one channel: code = steps(clip(ratio · q + offset, low, high))."""


def quantize(ctx: Context, node: OnnxNode, x: Stream, by: Quantizer) -> Stream:
    """The quantised tensor that the node defines; appends what computes it, and its anchor."""
    if x.curve:
        return _finish(ctx, node, x, by, *of_curve(ctx, node, x, by))
    parts = in_units(x, by)
    if x.name is None:
        rows, repeat = port_rows(x.shape, port_order(ctx, x), *parts)
        return _on_host(ctx, node, x, by, cast("list[Setting]", rows), repeat)
    settings = cast("list[Setting]", wire_rows(x.shape, x.order, *parts))
    least, most = ranges(ctx.types[x.name], len(settings))
    kept = _identity(ctx, node, x, by, parts, settings, least, most)
    if kept is not None:
        return kept
    result = as_shift(settings, ctx.types[x.name]) if _too_many(settings, least, most) else None
    if result is not None:
        return _finish(ctx, node, x, by, ctx.emit(result, x.name, node.origin), 0)
    rows = _solve_all(settings, least, most)
    if max(len(r.thresholds) for r in rows) * len(rows) > MAX_TABLE:
        message = f"this quantizer needs {len(rows):,} channels of {max(len(r.thresholds) for r in rows):,} thresholds"
        raise CompileError("E034", message, origin=node.origin, hint="quantize to fewer bits")
    shift = _shift([r.base for r in rows] + [r.base + r.sign * len(r.thresholds) for r in rows])
    op = _threshold(rows, shift, most)
    return _finish(ctx, node, x, by, ctx.emit(op, x.name, node.origin), shift)


def port_order(ctx: Context, x: Stream) -> Order | None:
    """Where the elements of a tensor without a type lie in the ONNX input: the host encodes before it transposes."""
    if ctx.input_layout is None:
        return x.order
    port = np.argsort(ctx.input_layout.order.reshape(-1))
    return normal(port[explicit(x.order, x.shape)])


def in_units(x: Stream, by: Quantizer) -> tuple[Rationals, ...]:
    """The stream's meaning in units of the quantiser: ratio, offset, low, high; and the steps."""
    inverse = np.asarray(1 / by.scale, object)
    low = np.asarray(x.low * inverse + by.zero, object)
    high = np.asarray(x.high * inverse + by.zero, object)
    if (by.scale < 0).any():
        low, high = (np.asarray(f(low, high), object) for f in (np.minimum, np.maximum))
    parts = (x.scale * inverse, x.offset * inverse + by.zero, low, high, by.steps)
    return tuple(collapse(np.asarray(p, object)) for p in parts)


def ranges(type_: TensorType, period: int) -> tuple[list[int], list[int]]:
    """The operand's range by channel of a period: of all elements e with the same e mod period."""
    if len(type_.lo) == 1:
        return list(type_.lo) * period, list(type_.hi) * period
    both = lcm(len(type_.lo), period)
    lo, hi = (np.array(b, np.int64).reshape(-1, period) for b in type_.bounds(both))
    return lo.min(axis=0).tolist(), hi.max(axis=0).tolist()


def _ends(setting: Setting, least: int, most: int) -> tuple[int, int]:
    ratio, offset, low, high, steps = setting
    first, last = (steps.code(max(low, min(ratio * q + offset, high))) for q in (least, most))
    return min(first, last), max(first, last)


def _too_many(settings: list[Setting], least: list[int], most: list[int]) -> bool:
    ends = (_ends(*s) for s in zip(settings, least, most))
    return any(high - low > MAX_STEPS for low, high in ends)


def _solve_all(settings: list[Setting], least: list[int], most: list[int]) -> list[Row]:
    """One row a channel; equal channels are solved once."""
    solved: dict[Any, Row] = {}
    rows: list[Row] = []
    for setting, lo, hi in zip(settings, least, most):
        key = (*setting, lo, hi)
        if key not in solved:
            low, high = _ends(setting, lo, hi)
            if high - low > MAX_STEPS:
                message = f"a quantizer with {high - low:,} steps is not a shift; the limit is {MAX_STEPS:,}"
                raise CompileError("E034", message, hint="quantize to fewer bits, or by a power of two with FLOOR")
            solved[key] = solve(*setting, lo, hi)
        rows.append(solved[key])
    return rows


def _threshold(rows: list[Row], shift: int, most: list[int]) -> Threshold:
    """The rows as arrays, with as few channels as the frame repeats; short rows end in steps that are never reached."""
    steps = max(len(r.thresholds) for r in rows)
    full = [(r.base, r.sign, (*r.thresholds, *[hi + 1] * (steps - len(r.thresholds)))) for r, hi in zip(rows, most)]
    full = full[: shortest_period(full)]
    thresholds = np.array([f[2] for f in full], np.int64).reshape(len(full), steps)
    base = np.array([f[0] - shift for f in full], np.int64)
    return Threshold(thresholds, base, np.array([f[1] for f in full], np.int64))


def _shift(codes: list[int]) -> int:
    """What to subtract from the codes so that they need fewer bits; 0 if that gains nothing."""
    low, high = min(codes), max(codes)
    return low if IntType.covering(0, high - low).width < IntType.covering(low, high).width else 0


def _finish(ctx: Context, node: OnnxNode, x: Stream, by: Quantizer, name: str, shift: int) -> Stream:
    """The result's meaning, and the anchor where a runtime's codes can be compared with it."""
    offset = np.asarray(by.out_offset + by.out_scale * shift, object)
    roundings = 0 if by.elem.is_integer else 3
    result = Stream.start(name, x.shape, by.elem, by.out_scale, offset, roundings, x.order)
    ctx.anchors.append(Anchor(node.outputs[0], x, by, result))
    return result


def _identity(ctx: Context, node: OnnxNode, x: Stream, by: Quantizer, parts: tuple[Rationals, ...],
              settings: list[Setting], least: list[int], most: list[int]) -> Stream | None:  # fmt: skip
    """The stream itself, if every one of its values is already a code of the quantiser; else None."""
    for (ratio, offset, low, high, steps), lo, hi in zip(settings, least, most):
        if not isinstance(steps, Grid) or steps.ratio is not None:
            return None
        if not ratio or ratio.denominator != 1 or offset.denominator != 1 or (by.elem.is_integer and ratio != 1):
            return None
        first, last = sorted((ratio * lo + offset, ratio * hi + offset))
        bottom, top = (-inf if steps.low is None else steps.low), (inf if steps.high is None else steps.high)
        if first < max(low, bottom) or last > min(high, top):
            return None
    ratio, offset = parts[0], parts[1]
    scale = np.asarray(by.out_scale * ratio, object)
    meaning = np.asarray(by.out_scale * offset + by.out_offset, object)
    result = Stream.start(x.name, x.shape, by.elem, collapse(scale), collapse(meaning), 3, x.order)
    ctx.anchors.append(Anchor(node.outputs[0], x, by, result))
    return result


def _on_host(ctx: Context, node: OnnxNode, x: Stream, by: Quantizer, settings: list[Setting], repeat: int) -> Stream:
    """The quantiser of the graph input moves to the host; its codes become the IR's input."""
    port = ctx.model.inputs[0]
    if ctx.encode is not None:
        message = f"input {quoted(port.name)} is quantized in two different ways"
        hint = "say what its integers are, as in --input-type int8, so that both become hardware"
        raise CompileError("E032", message, origin=node.origin, hint=hint)
    ends: list[tuple[int, int]] = []
    for ratio, offset, low, high, steps in settings:
        if ratio == 0:
            ends.append((steps.code(offset), steps.code(offset)))
            continue
        if (steps.low is None and low == -inf) or (steps.high is None and high == inf):
            message = "the first quantizer has no least or greatest code"
            raise CompileError("E034", message, origin=node.origin, hint="give the input a type: --input-type int8")
        ends.append((steps.code(low), steps.code(high)))
    shift = _shift([k for pair in ends for k in pair])
    low, high = min(a for a, _ in ends) - shift, max(b for _, b in ends) - shift
    grid = _as_grid(settings, shift)
    encode = grid or _as_steps(settings, ends, shift, port.elem.carrier, node)
    encode |= {"repeat": repeat} if repeat > 1 and len(settings) > 1 else {}
    if ctx.input_layout is not None:
        frame = ctx.input_layout.frame
    else:
        frame = x.frame if x.order is None else ctx.input_frame
    ctx.declare_input(TensorType.ranged(frame, [low], [high]), encode)
    return _finish(ctx, node, x, by, INPUT, shift)


def _as_grid(settings: list[Setting], shift: int) -> dict[str, Any] | None:
    """clip(round_half_even(x · 2^exp)), if that is what the quantiser is."""
    ratio, offset, low, high, steps = settings[0]
    power = ratio > 0 and 1 in (ratio.numerator, ratio.denominator)
    power = power and (ratio.numerator * ratio.denominator).bit_count() == 1
    plain = isinstance(steps, Grid) and steps.ratio is None and steps.rounding.name == "HALF_EVEN"
    if len(settings) > 1 or not power or not plain or offset or shift:
        return None
    exponent = ratio.numerator.bit_length() - ratio.denominator.bit_length()
    return {"kind": "grid", "exp": exponent, "lo": steps.code(low), "hi": steps.code(high)}


def _as_steps(settings: list[Setting], ends: list[tuple[int, int]], shift: int, dtype: np.dtype[Any],
              node: OnnxNode) -> dict[str, Any]:  # fmt: skip
    """The quantiser as the least floats that reach each code."""
    base: list[int] = []
    signs: list[int] = []
    edges: list[list[str]] = []
    if sum(b - a for a, b in ends) > MAX_STEPS * 4:
        message = f"the first quantizer has {sum(b - a for a, b in ends):,} steps, too many for the host"
        raise CompileError("E034", message, origin=node.origin, hint="give the input a type: --input-type int8")
    for (ratio, offset, _, _, steps), (first, last) in zip(settings, ends):
        falls = ratio < 0
        base.append((last if falls else first) - shift)
        signs.append(-1 if falls else 1)
        codes = range(last, first, -1) if falls else range(first + 1, last + 1)
        row: list[str] = []
        for k in codes:
            n, d, strict = steps.bound(k)
            point = (Fraction(n, d) - offset) / ratio
            # Falling, code k is lost where its condition ceases to hold: the two kinds of bound change places.
            row.append(least_float(point, strict != falls, dtype).hex())
        edges.append(row)
    count = shortest_period(list(zip(base, signs, edges)))
    return {"kind": "steps", "base": base[:count], "sign": signs[:count], "edges": edges[:count]}


def least_float(point: Fraction, strict: bool, dtype: np.dtype[Any]) -> float:
    """The least float of that type that is ≥ `point` (> if strict); infinite if only infinity is."""

    def reaches(f: np.floating[Any]) -> bool:
        value = float(f)
        if value in (inf, -inf):
            return value > 0
        return Fraction(value) > point if strict else Fraction(value) >= point

    kind = dtype.type
    try:
        near = float(point)
    except OverflowError:
        near = inf if point > 0 else -inf
    with np.errstate(over="ignore", under="ignore"):
        f = kind(near)
        while not reaches(f):
            f = np.nextafter(f, kind(inf))
        while reaches(np.nextafter(f, kind(-inf))):
            f = np.nextafter(f, kind(-inf))
    return float(f)


def quantize_constant(values: np.ndarray, by: Quantizer) -> NDArray[np.int64]:
    """Codes of a constant (in the file's element type), exactly. `by.steps` holds Grids of one rounding."""
    grid = by.steps.reshape(-1)[0]
    grids = np.broadcast_to(by.steps, values.shape)
    scale, zero = (np.broadcast_to(floats(v), values.shape) for v in (by.scale, by.zero))
    with np.errstate(over="ignore"):
        t = values.astype(np.float64) / scale + zero
    nearest = np.floor(t) + 0.5 if grid.rounding.at_halves else np.rint(t)
    doubt = (np.abs(t - nearest) <= 2.0**-48 * (np.abs(t) + np.abs(zero) + 1)) | (np.abs(t) > 2.0**40)
    low, high = (
        np.array([getattr(g, end) for g in by.steps.reshape(-1)]).reshape(by.steps.shape) for end in ("low", "high")
    )
    codes = np.clip(_round_clear(np.where(doubt, 0, t), grid), low, high)
    exact_scale, exact_zero = (np.broadcast_to(v, values.shape) for v in (by.scale, by.zero))
    known: dict[Any, int] = {}
    for index in zip(*np.nonzero(doubt)):
        key = (float(values[index]), exact_scale[index], exact_zero[index], grids[index])
        if key not in known:
            known[key] = cast(Grid, grids[index]).code(Fraction(key[0]) / key[1] + key[2])
        codes[index] = known[key]
    return codes


def in_doubt(values: np.ndarray, by: Quantizer, roundoff: float) -> bool:
    """Whether float arithmetic might give some value of a constant another code: it is that near a step."""
    grid = by.steps.reshape(-1)[0]
    scale, zero = floats(by.scale), floats(by.zero)
    t = values.astype(np.float64) / scale + zero
    nearest = np.floor(t) + 0.5 if grid.rounding.at_halves else np.rint(t)
    return bool((np.abs(t - nearest) <= constant_reach(t, zero, roundoff)).any())


def constant_reach(t: NDArray[np.float64], zero: NDArray[np.float64], roundoff: float) -> NDArray[np.float64]:
    """A bound on the float error of t = x / scale + zero: two roundings, and some."""
    return 4 * roundoff * (np.abs(t) + 2 * np.abs(zero))


def _round_clear(t: NDArray[np.float64], grid: Grid) -> NDArray[np.int64]:
    """Rounding of numbers that are clear of every step of their mode."""
    name = grid.rounding.name
    if grid.rounding.at_halves:
        rounded = np.rint(t)
    elif name in ("CEIL", "FLOOR"):
        rounded = np.ceil(t) if name == "CEIL" else np.floor(t)
    else:
        rounded = np.sign(t) * np.ceil(np.abs(t)) if name == "UP" else np.trunc(t)
    return rounded.astype(np.int64)
