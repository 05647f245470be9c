"""A quantiser behind functions: the exact steps of the whole, as a table or as thresholds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any, cast

import numpy as np

from ..errors import CompileError
from ..ir.op import Codes
from ..ir.types import IntType, TensorType
from ..ops.table import Table
from ..ops.threshold import Threshold
from .context import Context, Quantizer
from .curve import Step, Undefined, arrays_of, evaluate, turning
from .layout import shortest, wire_rows
from .model import OnnxNode
from .recode import extent
from .values import Stream

MAX_POINTS = 1 << 16  # codes that are evaluated one by one
FEW = 1 << 9  # codes that are evaluated one by one without looking for something better
MAX_ROWS = 1 << 12
TABLE_WIDTH = 8
NEAR = 4  # codes around a turning point that are looked at one by one


@dataclass(frozen=True, slots=True)
class Jumps:
    """A step function of the codes from `least` on: `first`, then code `values[i]` from `at[i]` on."""

    least: int
    most: int
    first: int
    at: tuple[int, ...]
    values: tuple[int, ...]

    def pieces(self) -> list[int]:
        """+1 and −1 as it rises and falls, without repetitions."""
        found: list[int] = []
        for a, b in zip((self.first, *self.values), self.values):
            sign = 1 if b > a else -1
            if not found or found[-1] != sign:
                found.append(sign)
        return found


def of_curve(ctx: Context, node: OnnxNode, x: Stream, by: Quantizer) -> tuple[str, int]:
    """The IR value of the codes less a shift, and that shift."""
    ctx.need_type(x, node.origin)
    name = cast(str, x.name)
    type_ = ctx.types[name]
    arrays = (x.scale, x.offset, x.low, x.high, by.scale, by.zero, by.steps, *arrays_of(x.curve))
    shape = np.broadcast_shapes(*(a.shape for a in arrays))
    lo, hi = extent(ctx, x, shape)
    rows = shortest(wire_rows(x.shape, x.order, *arrays, lo.astype(object), hi.astype(object)))
    if len(rows) > MAX_ROWS:
        message = f"a function with {len(rows):,} kinds of elements is not supported; the limit is {MAX_ROWS:,}"
        raise CompileError("E034", message, origin=node.origin, hint="quantize per tensor or per channel")
    known: dict[Any, Jumps] = {}
    try:
        for row in rows:
            if row not in known:
                known[row] = _jumps(x.curve, row)
    except Undefined as error:
        raise CompileError("E021", f"{error}, which its operand reaches", origin=node.origin) from None
    found = [known[row] for row in rows]
    codes = [c for j in known.values() for c in (j.first, *j.values)]
    low, high = min(codes), max(codes)
    shift = low if IntType.covering(0, high - low).width < IntType.covering(low, high).width else 0
    if len(set(known.values())) == 1 and type_.elem.width <= TABLE_WIDTH:
        return ctx.emit(_table(found[0], type_, shift), name, node.origin), shift
    return _thresholds(ctx, node, name, found, shift), shift


def _jumps(chain: tuple[Step, ...], row: tuple[object, ...]) -> Jumps:
    """All changes of code along the operand's codes, by one element's parameters."""
    scale, offset, low, high, unit, zero, steps, *parameters, least, most = cast("tuple[Any, ...]", row)

    def code(q: int) -> int:
        base = Fraction(max(low, min(scale * q + offset, high)))
        return steps.code(evaluate(chain, base, parameters) / unit + zero)

    memo: dict[int, int] = {}

    def cached(q: int) -> int:
        if q not in memo:
            memo[q] = code(q)
        return memo[q]

    if most - least < FEW:
        points = [(q, cached(q)) for q in range(least, most + 1)]
    else:
        turns = turning(chain, parameters)
        if turns is None:
            if most - least >= MAX_POINTS:
                raise Undefined(
                    f"a function that is not monotone of {most - least:,} codes has too many steps, or no number"
                )
            points = [(q, cached(q)) for q in range(least, most + 1)]
        else:
            points = _changes(cached, least, most, _cuts(turns, scale, offset, least, most))
    at: list[int] = []
    values: list[int] = []
    last = points[0][1]
    for q, value in points[1:]:
        if value != last:
            at.append(q)
            values.append(value)
            last = value
    return Jumps(least, most, points[0][1], tuple(at), tuple(values))


def _cuts(turns: list[float], scale: Fraction, offset: Fraction, least: int, most: int) -> list[int]:
    """Codes that bound stretches in which the function is monotone."""
    cuts = {least, most}
    for turn in turns:
        if not scale:
            continue
        middle = round((Fraction(turn) - offset) / scale)
        cuts |= {q for q in range(middle - NEAR, middle + NEAR + 1) if least < q < most}
    return sorted(cuts)


def _changes(code: Callable[[int], int], least: int, most: int, cuts: list[int]) -> list[tuple[int, int]]:
    """(q, its code) for the first code and every q whose code differs from that before it."""
    found = [(least, code(least))]
    for a, b in pairwise(cuts):
        q = a
        while code(q) != code(b):
            # The first q' in (q, b] with another code than q's: the function is monotone here. Steps are often alike
            # in length, so look about as far as the last one went before halving what is left.
            here, near, far = code(q), q, b
            stride = max(1, q - found[-2][0]) if len(found) > 1 and found[-2][0] >= a else max(1, (b - q) // 256)
            while near + stride < far:
                if code(near + stride) == here:
                    near += stride
                    stride *= 2
                else:
                    far = near + stride
            while far - near > 1:
                middle = (near + far) // 2
                near, far = (middle, far) if code(middle) == here else (near, middle)
            found.append((far, code(far)))
            q = far
    return found


def _table(jumps: Jumps, type_: TensorType, shift: int) -> Table:
    """One code for every code of the operand's type, by its bits."""
    index = np.arange(1 << type_.elem.width)
    if type_.elem.signed:
        index = np.where(index >> (type_.elem.width - 1), index - (1 << type_.elem.width), index)
    place = np.searchsorted(np.array(jumps.at, np.int64), index, side="right")
    return Table(np.array([jumps.first, *jumps.values], np.int64)[place] - shift)


def _thresholds(ctx: Context, node: OnnxNode, name: str, found: list[Jumps], shift: int) -> str:
    """Monotone functions are thresholds; others, thresholds that count cells and a table of the cells' codes."""
    shapes = [j.pieces() for j in found]
    if all(len(s) <= 1 for s in shapes):
        rows = [_monotone(j) for j in found]
        width = max(len(r) for r in rows)
        filled = [(*r, *[j.most + 1] * (width - len(r))) for r, j in zip(rows, found)]
        base = np.array([j.first - shift for j in found], np.int64)
        sign = np.array([s[0] if s else 1 for s in shapes], np.int64)
        return ctx.emit(Threshold(np.array(filled, np.int64).reshape(len(rows), width), base, sign), name, node.origin)
    longest = max(shapes, key=len)
    if any(not _within(s, longest) for s in shapes):
        message = "a function that rises and falls differently by channel is not supported"
        raise CompileError("E034", message, origin=node.origin, hint="quantize its operand per tensor")
    cells = _cells(found, longest)
    rows = [_reached(j, cells) for j in found]
    thresholds = np.array(rows, np.int64).reshape(len(rows), len(cells) - 1)
    zeros, ones = np.zeros(len(rows), np.int64), np.ones(len(rows), np.int64)
    counted = ctx.emit(Threshold(thresholds, zeros, ones), name, node.origin)
    table = np.full(1 << ctx.types[counted].elem.width, cells[-1] - shift, np.int64)
    entries: Codes = np.array(cells[: len(table)], np.int64) - shift
    table[: len(entries)] = entries
    return ctx.emit(Table(table), counted, node.origin)


def _monotone(jumps: Jumps) -> list[int]:
    """A threshold for every code that is passed."""
    passed: list[int] = []
    last = jumps.first
    for q, value in zip(jumps.at, jumps.values):
        passed += [q] * abs(value - last)
        last = value
    return passed


def _within(part: list[int], whole: list[int]) -> bool:
    """Whether one sequence is contained in the other, in order."""
    rest = iter(whole)
    return all(any(w == p for w in rest) for p in part)


def _cells(found: list[Jumps], signs: list[int]) -> list[int]:
    """A walk over all codes that rises and falls as told; every function is a part of it."""
    codes = [c for j in found for c in (j.first, *j.values)]
    low, high = min(codes), max(codes)
    cells = [high if signs[0] < 0 else low]
    for sign in signs:
        end = high if sign > 0 else low
        while cells[-1] != end:
            cells.append(cells[-1] + sign)
    return cells


def _reached(jumps: Jumps, cells: list[int]) -> list[int]:
    """For each cell but the first, the least operand that is in it or in a later one."""
    place = cells.index(jumps.first)
    thresholds = [jumps.least] * place
    for q, value in zip(jumps.at, jumps.values):
        while cells[place] != value:
            place += 1
            thresholds.append(q)
    return thresholds + [jumps.most + 1] * (len(cells) - 1 - len(thresholds))
