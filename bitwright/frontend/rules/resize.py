"""Resize and Upsample: plain repetition, leaving pixels out, or a matrix of exact interpolation weights along an axis."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor

import numpy as np

from ...errors import CompileError, quoted
from ..context import MAX_FRAME, Context, check_matrix
from ..dense import MAX_WEIGHT_BITS, dense, weights_of
from ..exact import filled
from ..join import repeated
from ..model import OnnxNode
from ..recode import materialize
from ..registry import rule
from ..select import selected
from ..values import Exact, Stream

ROUNDINGS = 64
"""What a float runtime's own weights may be off by, in roundings of the result."""


@rule("Resize", "Upsample")
def resize(ctx: Context, node: OnnxNode) -> Stream:
    """Each axis on its own; the batch axis stays."""
    x = ctx.number(node, 0)
    ctx.need_type(x, node.origin)
    mode = node.attribute("mode", str, "nearest")
    if mode not in ("nearest", "linear", "cubic"):
        raise CompileError("E013", f"{quoted(mode)} is no mode of {node.op_type}", origin=node.origin)
    sizes, factors = _target(ctx, node, x)
    if sizes[0] != 1:
        raise CompileError("E015", f"{node.op_type} of the batch axis is not supported", origin=node.origin)
    repeats = [1] * len(x.shape)
    for axis in range(1, len(x.shape)):
        if factors[axis] == 1 and sizes[axis] == x.shape[axis]:
            continue
        places = _places(ctx, node, x.shape[axis], sizes[axis], factors[axis])
        if mode != "nearest":
            x = _interpolated(ctx, node, x, axis, places, factors[axis], mode)
            continue
        sources = _nearest(ctx, node, places, x.shape[axis])
        times = sizes[axis] // x.shape[axis]
        if times and sources == [i // times for i in range(sizes[axis])]:
            repeats[axis] = times
        elif len(steps := {b - a for a, b in pairwise(sources)}) <= 1 and min(steps, default=1) > 0:
            x = selected(ctx, node, x, axis, sources)
        else:
            rows = [[(source, Fraction(1))] for source in sources]
            x = _along(ctx, node, x, axis, rows)
    wide = [a for a, r in enumerate(repeats) if r > 1]
    if not wide:
        return x
    view, perm = ctx.physical(x, wide, node.origin)
    at = {4 - len(perm) + perm.index(a): repeats[a] for a in wide}
    if 3 in at:
        message = f"{node.op_type} of the channels is not supported"
        raise CompileError("E021", message, origin=node.origin)
    view = repeated(ctx, node, materialize(ctx, view, node.origin), at.get(1, 1), at.get(2, 1))
    return ctx.unphysical(view, perm)


Row = list[tuple[int, Fraction]]
"""Which elements of the operand make one of the result, and their weights."""


def _along(ctx: Context, node: OnnxNode, x: Stream, axis: int, rows: list[Row]) -> Stream:
    """The matrix of those rows along an axis."""
    check_matrix(len(rows), x.shape[axis], node.origin)
    values = np.full((len(rows), x.shape[axis]), Fraction(0), object)
    for i, row in enumerate(rows):
        for source, weight in row:
            values[i, source] += weight
    refused = CompileError(
        "E029", f"the interpolation weights along axis {axis} need integers wider than {MAX_WEIGHT_BITS} bits",
        origin=node.origin, hint="resize by a ratio of small whole numbers; give it as sizes, where a scale is no exact one",
    )  # fmt: skip
    try:
        matrix = Exact.of(values, x.elem)
    except OverflowError:
        raise refused from None
    if np.abs(matrix.codes).max() >> (MAX_WEIGHT_BITS - 1):
        raise refused
    last = (*(a for a in range(len(x.shape)) if a != axis), axis)
    y = dense(ctx, x.transposed(last), weights_of(matrix, node.origin), node.origin)
    y = y.times(filled(Fraction(1), len(y.shape)), ROUNDINGS)
    return y.transposed([last.index(a) for a in range(len(last))])


def _interpolated(ctx: Context, node: OnnxNode, x: Stream, axis: int, places: list[Fraction], factor: Fraction,
                  mode: str) -> Stream:  # fmt: skip
    """By the kernel of the mode around each place; beyond the edges the operand goes on as its last element."""
    size = x.shape[axis]
    kernel, reach = (_linear, 1) if mode == "linear" else (_cubic(node), 2)
    narrowed = min(factor, Fraction(1)) if node.attribute("antialias", int, 0) else Fraction(1)
    outside = bool(node.attribute("exclude_outside", int, 0))
    rows: list[Row] = []
    for place in places:
        first, last = ceil(place - reach / narrowed), floor(place + reach / narrowed)
        if last - first > MAX_FRAME:
            raise CompileError("E004", f"{node.op_type} by {float(factor):g} is not sensible", origin=node.origin)
        taken = [(i, kernel((i - place) * narrowed)) for i in range(first, last + 1)]
        if outside:
            taken = [(i, weight) for i, weight in taken if 0 <= i < size]
        total = sum((weight for _, weight in taken), Fraction(0))
        if not total:
            message = f"{node.op_type}: every weight of an element lies outside of the tensor"
            raise CompileError("E013", message, origin=node.origin)
        rows.append([(min(max(i, 0), size - 1), weight / total) for i, weight in taken])
    return _along(ctx, node, x, axis, rows)


def _linear(t: Fraction) -> Fraction:
    return max(1 - abs(t), Fraction(0))


def _cubic(node: OnnxNode) -> Callable[[Fraction], Fraction]:
    """Keys' kernel: https://doi.org/10.1109/TASSP.1981.1163711, equation 4, a free."""
    a = Fraction(node.attribute("cubic_coeff_a", float, -0.75))

    def kernel(t: Fraction) -> Fraction:
        s = abs(t)
        if s <= 1:
            return (a + 2) * s**3 - (a + 3) * s**2 + 1
        return a * (s**3 - 5 * s**2 + 8 * s - 4) if s < 2 else Fraction(0)

    return kernel


def _target(ctx: Context, node: OnnxNode, x: Stream) -> tuple[list[int], list[Fraction]]:
    """The size of every axis of the result, and its factor."""
    rank = len(x.shape)
    policy = node.attribute("keep_aspect_ratio_policy", str, "stretch")
    if policy not in ("stretch", "not_larger", "not_smaller"):
        raise CompileError("E013", f"{quoted(policy)} is no policy of Resize", origin=node.origin)
    index = 2 if node.op_type == "Resize" and ctx.model.opset >= 11 else 1
    axes = [a + rank if a < 0 else a for a in node.attribute("axes", tuple, tuple(range(rank)))]
    scales = node.attribute("scales", tuple, None)
    if ctx.operand(node, index) is not None and ctx.plain(node, index, "scales").size:
        scales = ctx.plain(node, index, "scales").reshape(-1).tolist()
    if any(not 0 <= a < rank for a in axes) or len(set(axes)) != len(axes):
        raise CompileError("E013", f"the axes {axes} do not fit {rank}", origin=node.origin)
    if scales is not None:
        given = [Fraction(float(s)) for s in scales]
    elif ctx.operand(node, 3) is not None:
        wanted = ctx.integers(node, 3, "sizes")
        given = [Fraction(n, x.shape[a]) for n, a in zip(wanted, axes)]
        if policy != "stretch" and given:
            given = [(min if policy == "not_larger" else max)(given)] * len(given)
    else:
        raise CompileError("E013", f"{node.op_type} without scales or sizes", origin=node.origin)
    if len(given) != len(axes) or min(given, default=Fraction(1)) <= 0:
        raise CompileError("E013", f"the scales do not fit {len(axes)} axes", origin=node.origin)
    factors = [Fraction(1)] * rank
    for axis, factor in zip(axes, given):
        factors[axis] = factor
    half = Fraction(0 if policy == "stretch" or scales is not None else 1, 2)
    sizes = [floor(d * f + half) for d, f in zip(x.shape, factors)]
    if min(sizes) < 1 or int(np.prod(sizes, dtype=object)) > MAX_FRAME:
        raise CompileError("E004", f"{node.op_type} to {sizes} is not sensible", origin=node.origin)
    return sizes, factors


def _places(ctx: Context, node: OnnxNode, size: int, result: int, factor: Fraction) -> list[Fraction]:
    """For each element of the result its place in the operand, as the node's mode of coordinates defines it."""
    old = node.op_type == "Upsample" or ctx.model.opset < 11
    how = "asymmetric" if old else node.attribute("coordinate_transformation_mode", str, "half_pixel")
    if how == "align_corners" and factor * size != result:
        message = f"Resize with aligned corners and a scale of {float(factor):g} means several things: {size} elements"
        hint = "give sizes instead of scales"
        raise CompileError("E021", f"{message} become no whole number", origin=node.origin, hint=hint)
    half = Fraction(1, 2)
    excess = Fraction(size, 2) * (1 - result / (factor * size))
    place = {
        "half_pixel": lambda i: (i + half) / factor - half,
        "half_pixel_symmetric": lambda i: excess + (i + half) / factor - half,
        "pytorch_half_pixel": lambda i: (i + half) / factor - half if result > 1 else Fraction(0),
        "asymmetric": lambda i: i / factor,
        "align_corners": lambda i: Fraction(i * (size - 1), result - 1) if result > 1 else Fraction(0),
        "tf_half_pixel_for_nn": lambda i: (i + half) / factor,
    }.get(how)
    if place is None:
        raise CompileError("E021", f"Resize with coordinates of {quoted(how)} is not supported", origin=node.origin)
    return [Fraction(place(i)) for i in range(result)]


def _nearest(ctx: Context, node: OnnxNode, places: list[Fraction], size: int) -> list[int]:
    """The nearest element of the operand for each place."""
    old = node.op_type == "Upsample" or ctx.model.opset < 11
    rounding = "floor" if old else node.attribute("nearest_mode", str, "round_prefer_floor")
    half = Fraction(1, 2)
    rounded = {
        "round_prefer_floor": lambda t: ceil(t - half),
        "round_prefer_ceil": lambda t: floor(t + half),
        "floor": floor,
        "ceil": ceil,
    }.get(rounding)
    if rounded is None:
        raise CompileError("E013", f"{quoted(rounding)} is no way to the nearest element", origin=node.origin)
    return [min(max(rounded(t), 0), size - 1) for t in places]
