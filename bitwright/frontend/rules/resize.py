"""Resize and Upsample to the nearest pixel, where that is repetition by whole numbers or leaving pixels out."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import ceil, floor

import numpy as np

from ...errors import CompileError, quoted
from ..context import MAX_FRAME, Context
from ..join import repeated
from ..model import OnnxNode
from ..recode import materialize
from ..registry import rule
from ..select import selected
from ..values import Stream


@rule("Resize", "Upsample")
def resize(ctx: Context, node: OnnxNode) -> Stream:
    """Each axis on its own; the batch axis stays."""
    x = ctx.number(node, 0)
    ctx.need_type(x, node.origin)
    mode = node.attribute("mode", str, "nearest")
    if mode != "nearest":
        message = f"{node.op_type} of mode {quoted(mode)} is not supported"
        raise CompileError("E021", message, origin=node.origin, hint="use the mode nearest, or a ConvTranspose")
    sizes, factors = _target(ctx, node, x)
    if sizes[0] != 1:
        raise CompileError("E015", f"{node.op_type} of the batch axis is not supported", origin=node.origin)
    repeats = [1] * len(x.shape)
    for axis in range(1, len(x.shape)):
        sources = _sources(ctx, node, x.shape[axis], sizes[axis], factors[axis])
        times = sizes[axis] // x.shape[axis]
        if times and sources == [i // times for i in range(sizes[axis])]:
            repeats[axis] = times
        else:
            steps = {b - a for a, b in pairwise(sources)}
            if len(steps) > 1 or (steps and min(steps) < 1):
                message = f"{node.op_type} from {x.shape[axis]} to {sizes[axis]} is no plain repetition or stride"
                raise CompileError(
                    "E021", message, origin=node.origin, hint="resize by a whole number, as with asymmetric"
                )
            x = selected(ctx, node, x, axis, sources)
    wide = [a for a, r in enumerate(repeats) if r > 1]
    if not wide:
        return x
    view, perm = ctx.physical(x, wide, node.origin)
    places = {4 - len(perm) + perm.index(a): repeats[a] for a in wide}
    if 3 in places:
        message = f"{node.op_type} of the channels is not supported"
        raise CompileError("E021", message, origin=node.origin)
    view = repeated(ctx, node, materialize(ctx, view, node.origin), places.get(1, 1), places.get(2, 1))
    return ctx.unphysical(view, perm)


def _target(ctx: Context, node: OnnxNode, x: Stream) -> tuple[list[int], list[Fraction]]:
    """The size of every axis of the result, and its factor."""
    rank = len(x.shape)
    if node.attribute("keep_aspect_ratio_policy", str, "stretch") != "stretch" or node.attribute("antialias", int, 0):
        raise CompileError(
            "E021", "Resize with antialias or an aspect ratio policy is not supported", origin=node.origin
        )
    index = 2 if node.op_type == "Resize" and ctx.model.opset >= 11 else 1
    axes = [a + rank if a < 0 else a for a in node.attribute("axes", tuple, tuple(range(rank)))]
    scales = node.attribute("scales", tuple, None)
    if ctx.operand(node, index) is not None and ctx.plain(node, index, "scales").size:
        scales = ctx.plain(node, index, "scales").reshape(-1).tolist()
    if scales is not None:
        given = [Fraction(float(s)) for s in scales]
    elif ctx.operand(node, 3) is not None:
        wanted = ctx.integers(node, 3, "sizes")
        given = [Fraction(n, x.shape[a]) for n, a in zip(wanted, axes)]
    else:
        raise CompileError("E013", f"{node.op_type} without scales or sizes", origin=node.origin)
    if len(given) != len(axes) or any(not 0 <= a < rank for a in axes) or min(given) <= 0:
        raise CompileError("E013", f"the scales do not fit {rank} axes", origin=node.origin)
    factors = [Fraction(1)] * rank
    for axis, factor in zip(axes, given):
        factors[axis] = factor
    sizes = [floor(d * f) for d, f in zip(x.shape, factors)]
    if min(sizes) < 1 or int(np.prod(sizes)) > MAX_FRAME:
        raise CompileError("E004", f"{node.op_type} to {sizes} is not sensible", origin=node.origin)
    return sizes, factors


def _sources(ctx: Context, node: OnnxNode, size: int, result: int, factor: Fraction) -> list[int]:
    """For each element of the result the nearest one of the operand, as the node's modes define it."""
    if factor == 1:
        return list(range(size))
    old = node.op_type == "Upsample" or ctx.model.opset < 11
    how = "asymmetric" if old else node.attribute("coordinate_transformation_mode", str, "half_pixel")
    rounding = "floor" if old else node.attribute("nearest_mode", str, "round_prefer_floor")
    half = Fraction(1, 2)
    places = {
        "half_pixel": lambda i: (i + half) / factor - half,
        "pytorch_half_pixel": lambda i: (i + half) / factor - half if result > 1 else Fraction(0),
        "asymmetric": lambda i: i / factor,
        "align_corners": lambda i: Fraction(i * (size - 1), result - 1) if result > 1 else Fraction(0),
        "tf_half_pixel_for_nn": lambda i: (i + half) / factor,
    }.get(how)
    rounded = {
        "round_prefer_floor": lambda t: ceil(t - half),
        "round_prefer_ceil": lambda t: floor(t + half),
        "floor": floor,
        "ceil": ceil,
    }.get(rounding)
    if places is None or rounded is None:
        message = f"Resize with {quoted(how)} and {quoted(rounding)} is not supported"
        raise CompileError("E021", message, origin=node.origin)
    return [min(max(rounded(places(i)), 0), size - 1) for i in range(result)]
