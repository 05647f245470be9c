"""Streams whose codes are changed so that an operator can take them: limits applied, zero made a code, units shared.

All of it is exact: where no integers of moderate width represent the values, it is refused (E035).
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import inf, prod
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from ..errors import CompileError, Origin
from ..ops.mulshift import MulShift
from ..ops.shift import Shift
from .context import Context
from .exact import Rationals, collapse, common_integers, filled
from .layout import explicit, shortest, wire_rows
from .rewriting import wish_for
from .values import Stream

if TYPE_CHECKING:
    from .dense import Weights

MAX_FACTOR_BITS = 40


def extent(ctx: Context, x: Stream, shape: tuple[int, ...]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The least and the greatest code of the elements of the stream by entry of an array that broadcasts to it."""
    type_ = ctx.types[cast(str, x.name)]
    if len(type_.lo) == 1:
        return np.full(shape, type_.min), np.full(shape, type_.max)
    places = explicit(x.order, x.shape).reshape(x.shape)
    axes = tuple(a for a, d in enumerate(shape) if d == 1)
    lo, hi = (np.resize(np.array(b, np.int64), prod(x.shape))[places] for b in (type_.lo, type_.hi))
    return lo.min(axis=axes, keepdims=True), hi.max(axis=axes, keepdims=True)


def _cuts(ctx: Context, x: Stream) -> tuple[bool, bool]:
    """Whether the lower and the upper limit of the stream cut into its range."""
    if (x.low == -inf).all() and (x.high == inf).all():
        return False, False
    shape = np.broadcast_shapes(*(a.shape for a in (x.scale, x.offset, x.low, x.high)))
    lo, hi = extent(ctx, x, shape)
    ends = [np.asarray(x.scale * v.astype(object) + x.offset, object) for v in (lo, hi)]
    first, last = np.minimum(*ends), np.maximum(*ends)
    return bool((first < x.low).any()), bool((last > x.high).any())


def cuts(ctx: Context, x: Stream) -> bool:
    """Whether a limit of the stream cuts into its range."""
    return any(_cuts(ctx, x))


def materialize(ctx: Context, x: Stream, origin: Origin) -> Stream:
    """The stream without limits: where they cut into its range, an IR operation that applies them, exactly."""
    rank = len(x.shape)
    below, above = _cuts(ctx, x)
    if not below and not above:
        return replace(x, low=filled(-inf, rank), high=filled(inf, rank))
    return _recoded(ctx, x, origin, below, above, uniform=False)


def recode(ctx: Context, x: Stream, origin: Origin, *, uniform: bool = False) -> Stream:
    """The same values as codes without offset and without limits, the greater the value, the greater the code.

    With `uniform` they are of one unit for all channels.
    """
    below, above = _cuts(ctx, x)
    done = not below and not above and not (x.offset != 0).any() and not (uniform and x.scale.size > 1)
    if done and (x.scale > 0).all():
        return materialize(ctx, x, origin)
    return _recoded(ctx, x, origin, below, above, uniform=uniform)


def without_offset(ctx: Context, x: Stream, weights: Weights, origin: Origin) -> Stream:
    """The operand of a layer that is to be rewritable as codes of which 0 is the number 0, of one unit; else the operand itself.

    Zero points and the two values of bipolar codes are taken off before the product, as behind it they would be a sum of weights.
    """
    if wish_for(ctx, origin) is None or weights.source is None:
        return x
    if not (x.offset != 0).any() and x.scale.size == 1:
        return x
    try:
        return recode(ctx, x, origin, uniform=True)
    except CompileError:  # no integers of moderate width: the layer is refused, or not among `all`
        return x


def _recoded(ctx: Context, x: Stream, origin: Origin, below: bool, above: bool, *, uniform: bool) -> Stream:
    rank = len(x.shape)
    shape = np.broadcast_shapes(*(a.shape for a in (x.scale, x.offset, x.low, x.high)))
    entries = [np.broadcast_to(a, shape).reshape(-1).tolist() for a in (x.scale, x.offset, x.low, x.high)]
    rows = cast("list[tuple[Fraction, Fraction, Fraction | float, Fraction | float]]", list(zip(*entries)))
    lo, hi = extent(ctx, x, shape)
    reach = [
        abs(s) * max(abs(int(a)), abs(int(b))) + abs(o)
        for (s, o, _, _), a, b in zip(rows, lo.reshape(-1), hi.reshape(-1))
    ]
    # A limit that cuts nothing is left out; one that cuts is a multiple of the unit, and the same one everywhere. A scale
    # for all channels is kept one if that can be: sums over channels want it.
    why = ""
    for all_alike in (True,) if uniform else (True, False) if x.scale.size == 1 else (False, True):
        try:
            numbers = _in_units(rows, reach, below, above, alike=all_alike)
        except _NoUnitError as error:
            why = str(error)
            continue
        m, b, units, low, high = numbers
        emitted = ctx.emit(_operation(x, shape, m, b, low, high), cast(str, x.name), origin)
        scale = collapse(np.array(units, object).reshape(shape))
        free = {"low": filled(-inf, rank), "high": filled(inf, rank)}
        return replace(x, name=emitted, scale=scale, offset=filled(0, rank), **free)
    limited = "is limited (ReLU or Clip) but not quantized" if below or above else "needs other codes here"
    message = f"the operand {limited}, and {why}"
    raise CompileError("E035", message, origin=origin, hint="quantize the activation before this node")


class _NoUnitError(Exception):
    pass


def _in_units(rows: list[tuple[Fraction, Fraction, Fraction | float, Fraction | float]], reach: list[Fraction],
              below: bool, above: bool, *, alike: bool) -> tuple[list[int], list[int], list[Fraction], int, int]:  # fmt: skip
    """scale = m · unit and offset = b · unit of every row, and the two limits in units."""
    factors: list[list[int]] = []
    units: list[Fraction] = []
    parts = [[s, o, *_ends(low, high, r, below, above)] for (s, o, low, high), r in zip(rows, reach)]
    if alike:
        numbers, unit = common_integers([v for part in parts for v in part])
        factors = [numbers[4 * i : 4 * i + 4] for i in range(len(parts))]
        units = [unit] * len(parts)
    else:
        for part in parts:
            numbers, unit = common_integers(part)
            factors.append(numbers)
            units.append(unit)
    most = [-(-r // u) for r, u in zip(reach, units)]
    if max(max(abs(n) for n in f) for f in factors) >> MAX_FACTOR_BITS or max(most) >> MAX_FACTOR_BITS:
        raise _NoUnitError("no common unit of moderate width represents it")
    lows, highs = ({f[k] for f in factors} for k in (2, 3))
    if (below and len(lows) > 1) or (above and len(highs) > 1):
        raise _NoUnitError("its limits differ by channel")
    low = lows.pop() if below else -max(most)
    high = highs.pop() if above else max(most)
    return [f[0] for f in factors], [f[1] for f in factors], units, low, high


def _ends(low: Fraction | float, high: Fraction | float, reach: Fraction, below: bool, above: bool) -> list[Fraction]:
    first = Fraction(max(low, -reach)) if below else Fraction(0)
    return [first, Fraction(min(high, reach)) if above else Fraction(0)]


def _operation(x: Stream, shape: tuple[int, ...], m: list[int], b: list[int], low: int, high: int) -> Shift | MulShift:
    """clip(m · q + b, low, high) by entry of an array of that shape."""
    arrays = (np.array(v, object).reshape(shape) for v in (m, b))
    rows = cast("list[tuple[int, int]]", shortest(wire_rows(x.shape, x.order, *arrays)))
    factors, terms = (np.array(v, np.int64) for v in zip(*rows))
    same = len(set(factors.tolist())) == 1
    if same and factors[0] > 0 and int(factors[0]).bit_count() == 1:
        return Shift(terms, int(factors[0]).bit_length() - 1, 0, low, high)
    return MulShift(factors, terms, 0, low, high)


def zero_code(ctx: Context, x: Stream, origin: Origin) -> tuple[Stream, int]:
    """The stream without limits, and the one code whose value is 0 for every element; recoded if there is none."""
    x = materialize(ctx, x, origin)
    codes = {-o / s if s else Fraction(0) for s, o in _pairs(x)}
    if len(codes) == 1:
        code = codes.pop()
        if code.denominator == 1 and all(s for s, _ in _pairs(x)) and abs(code) < 1 << MAX_FACTOR_BITS:
            return x, int(code)
    return recode(ctx, x, origin), 0


def _pairs(x: Stream) -> list[tuple[Fraction, Fraction]]:
    shape = np.broadcast_shapes(x.scale.shape, x.offset.shape)
    scale, offset = (np.broadcast_to(a, shape).reshape(-1).tolist() for a in (x.scale, x.offset))
    return list(zip(scale, offset))


def over_positions(values: Rationals) -> bool:
    """Whether parameters of a (1, H, W, C) stream change over its positions."""
    return max(values.shape[1:-1]) > 1


def by_channel(ctx: Context, x: Stream, origin: Origin) -> Stream:
    """A (1, H, W, C) stream without limits whose scale and offset are the same at every position."""
    x = materialize(ctx, x, origin)
    if over_positions(x.scale) or over_positions(x.offset):
        return recode(ctx, x, origin, uniform=True)
    return x
