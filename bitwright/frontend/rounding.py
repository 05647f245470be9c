"""Quantisers spelt out as Div, Round, Add, Clip, Sub, Mul: rounding and the limits behind it become one quantiser.

A Round whose result only a limit or an offset reads is held back, with what follows, until something else reads it. Its
tensors stand meanwhile for what will be rounded: nothing but the chain itself sees them.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import cast

import numpy as np

from .context import MAX_ALL_FOLDED, Context, Quantizer, step_array
from .exact import filled, of_rank
from .held import Held
from .model import Constant, OnnxNode
from .quantize import quantize
from .steps import Grid, Rounding
from .values import Exact, Stream, exact_values

ROUNDINGS = {"Floor": Rounding.FLOOR, "Ceil": Rounding.CEIL, "Round": Rounding.HALF_EVEN}
CHAIN = ("Add", "Sub", "Clip", "Max", "Min", "Relu")
MOVES = ("Identity", "Transpose", "Reshape")
MAX_CODE = 1 << 24
"""Integers below it are exact in float32."""


def held_back(ctx: Context, node: OnnxNode, x: Stream) -> Stream:
    """A quantiser of step 1; held back where its limits may follow."""
    return _next(ctx, node, Held(node, x))


def followed(ctx: Context, node: OnnxNode) -> Stream | None:
    """The result of a node behind a rounding that is held back, if it is part of the quantiser; else None.

    The rounding is done now where the node is not: its rule finds the result.
    """
    for name in node.inputs:
        held = ctx.held.get(name)
        if held is None:
            continue
        further = _taken(ctx, node, held, name)
        if further is not None:
            return _next(ctx, node, further)
        ctx.values[name] = _done(ctx, name, held)
    return None


def _next(ctx: Context, node: OnnxNode, held: Held) -> Stream:
    """It waits on where one node alone reads it that may belong to it; else it is done."""
    name = node.outputs[0]
    readers = [(n.domain, n.op_type in CHAIN) for n in ctx.readers.get(name, [])]
    if readers == [("", True)] and name != ctx.model.outputs[0].name:
        ctx.held[name] = held
        return held.x
    return _done(ctx, name, held)


def _done(ctx: Context, name: str, held: Held) -> Stream:
    """The quantised tensor of that name."""
    x, rank = held.x, len(held.x.shape)
    if (held.low is None and (x.low == -inf).any()) or (held.high is None and (x.high == inf).any()):
        ctx.need_type(x, held.node.origin)
    one, zero = filled(1, rank), filled(0, rank)
    steps = step_array(Grid(ROUNDINGS[held.node.op_type], held.low, held.high), (1,) * rank)
    by = Quantizer(one, zero, steps, one, filled(held.shift, rank), x.elem)
    return quantize(ctx, replace(held.node, outputs=(name,)), x, by)


def _taken(ctx: Context, node: OnnxNode, held: Held, name: str) -> Held | None:
    """The quantiser with the node in it: an offset or limits that are one integer each; else None."""
    given = [None if not i or i == name else _integer(ctx, i) for i in node.inputs]
    if any(g is None for g, i in zip(given, node.inputs) if i and i != name):
        return None
    numbers = [g for g in given if g is not None]
    match node.op_type:
        case "Relu":
            return held.limited(0, inf)
        case "Max" | "Min" if len(numbers) == len(node.inputs) - 1:
            for number in numbers:
                held = held.limited(number, inf) if node.op_type == "Max" else held.limited(-inf, number)
            return held
        case "Clip" if node.inputs[0] == name and not {"min", "max"} & set(node.attributes):
            low, high = ([*given[1:], None, None][i] for i in (0, 1))
            return held.limited(-inf if low is None else low, inf if high is None else high)
        case "Clip" if len(node.inputs) == 1:
            low, high = (node.attribute(k, float, d) for k, d in (("min", -inf), ("max", inf)))
            return held.limited(low, high) if low == np.rint(low) and high == np.rint(high) else None
        case "Add" | "Sub" if len(numbers) == 1 and node.inputs[0] == name:
            return replace(held, shift=held.shift + (numbers[0] if node.op_type == "Add" else -numbers[0]))
        case "Add" if len(numbers) == 1:
            return replace(held, shift=held.shift + numbers[0])
        case _:
            return None


def _integer(ctx: Context, name: str) -> int | None:
    """The integer that a constant of one element holds, where it does."""
    value = ctx.values[name]
    if not isinstance(value, Constant) or value.array.size != 1 or value.array.ndim > 1:
        return None
    number = float(value.array.reshape(-1)[0])
    return int(number) if number.is_integer() and abs(number) < MAX_CODE else None


def note_codes(ctx: Context, node: OnnxNode) -> None:
    """Remember constants that were rounded: weights on their way to a scale. Shapes are vectors, and are not."""
    rounds = node.op_type in ROUNDINGS or (node.op_type in (*CHAIN, *MOVES) and node.inputs[0] in ctx.codes)
    result = ctx.values.get(node.outputs[0]) if rounds and not node.domain and node.outputs else None
    if isinstance(result, Constant) and result.elem.is_float and result.array.ndim > 1:
        ctx.codes.add(node.outputs[0])


def scaled_codes(ctx: Context, node: OnnxNode) -> Exact | None:
    """Codes times (or over) a constant scale, exactly, as DequantizeLinear has it; None where the node is not that."""
    if node.domain or node.op_type not in ("Mul", "Div") or len(node.inputs) != 2:
        return None
    for a, b in ((0, 1), (1, 0))[: 2 if node.op_type == "Mul" else 1]:
        if node.inputs[a] not in ctx.codes:
            continue
        codes, scale = (cast(Constant, ctx.values[node.inputs[i]]) for i in (a, b))
        array = codes.array.astype(np.float64)
        if np.broadcast_shapes(array.shape, scale.array.shape) != array.shape or (scale.array == 0).any():
            continue
        if (
            ctx.folded + array.size > MAX_ALL_FOLDED
            or (array != np.rint(array)).any()
            or np.abs(array).max(initial=0) >= MAX_CODE
        ):
            continue
        ctx.folded += array.size
        factor = exact_values(scale, node.origin)
        factor = np.asarray(1 / factor, object) if node.op_type == "Div" else factor
        return Exact(array.astype(np.int64), filled(1, array.ndim), codes.elem).scaled(of_rank(factor, array.ndim))
    return None
