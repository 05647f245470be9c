"""Layers whose weights are to be rewritable: which these are, and where each weight stands in the model."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import CompileError, Origin, quoted
from ..ir.types import IntType

if TYPE_CHECKING:
    from .context import Context
    from .dense import Weights
    from .values import Stream

ALL = "all"
MOST_BITS = 16
MOST_PLACES = 1 << 16
_TYPE = re.compile(r"(u?)int(\d{1,2})")


@dataclass(frozen=True, slots=True)
class Wish:
    """A layer by the name of its node, its result or its weights, or `all`; and the type of its weights, if it is said."""

    name: str
    elem: IntType | None


@dataclass(frozen=True, slots=True)
class Source:
    """Weights as the model has them: their shape, and the axes by which they become rows of outputs."""

    shape: tuple[int, ...]
    axes: tuple[int, ...]

    def places(self, rows: int) -> NDArray[np.int64]:
        """Which elements of the flat array become the rows."""
        return np.arange(prod(self.shape)).reshape(self.shape).transpose(self.axes).reshape(rows, -1)


@dataclass(frozen=True, eq=False)
class Written:
    """A rewritable layer: an array of `source.shape`, transposed by its axes and with one row an output, has its columns in
    the order `order`; or `places` tells of each which element of the flat array it is, -1 for a zero that stays one. `scale`
    is what a weight counts, one for all or one a row.
    """

    layer: str
    source: Source
    order: NDArray[np.int64]
    elem: IntType
    scale: tuple[str, ...]
    places: NDArray[np.int64] | None = None


def parse_wishes(text: str) -> tuple[Wish, ...]:
    """`conv1,fc=int4` or `all`. Raises E042 where a type is none."""
    found: list[Wish] = []
    for part in filter(None, (p.strip() for p in text.split(","))):
        name, _, type_ = part.rpartition("=") if "=" in part else (part, "", "")
        match = _TYPE.fullmatch(type_)
        if type_ and (match is None or not 1 <= int(match[2]) <= MOST_BITS):
            hint = f"int<N> or uint<N>, as in fc=int4; N from 1 to {MOST_BITS}"
            raise CompileError("E042", f"{quoted(type_)} is no type of weights", hint=hint)
        found.append(Wish(name, IntType(int(match[2]), not match[1]) if match else None))
    return tuple(found)


def wish_for(ctx: Context, origin: Origin) -> Wish | None:
    """What is wished for a node of the model."""
    node = next((n for n in ctx.model.nodes if n.origin == origin), None)
    names = {origin.name, *(node.outputs if node else ()), *(node.inputs[1:2] if node else ())}
    named = next((w for w in ctx.wishes if w.name in names), None)
    return named or next((w for w in ctx.wishes if w.name == ALL), None)


def rewritable_type(ctx: Context, x: Stream, weights: Weights, origin: Origin) -> IntType | None:
    """The type of the weights of a layer if it is to be rewritable, else None.

    Raises E042 where that cannot be, and None is it for `all`.
    """
    wish = wish_for(ctx, origin)
    if wish is None:
        return None
    low, high = int(weights.codes.min()), int(weights.codes.max())
    elem = wish.elem or IntType.covering(low, high)
    reason, hint = "", "leave this layer out"
    if weights.source is None:
        reason = "its weights are not an array of the model's: an interpolation has them, or several share one"
    elif weights.places is not None and weights.places.size > MOST_PLACES:
        reason = f"its groups or phases make a matrix of {weights.places.size:,} places, more than {MOST_PLACES:,}"
    elif weights.scale.shape[1] > 1 or x.scale.shape[-1] > 1:
        reason = "its weights are scaled by input"
    elif (x.offset != 0).any():
        reason = "code 0 of its operand is not the number 0, so that the steps behind it depend on its weights"
        hint = "quantize its operand to multiples of one number; or leave this layer out"
    elif elem.width > MOST_BITS or not elem.lo <= low <= high <= elem.hi:
        reason = f"its weights are from {low} to {high}, which no {elem.width} bits hold"
        hint = f"say a type of at most {MOST_BITS} bits that holds them, as in NAME=int8"
    if not reason:
        return elem
    return refused(ctx, origin, reason, hint)


def refused(ctx: Context, origin: Origin, reason: str, hint: str = "leave this layer out") -> None:
    """Raise E042 if the layer was asked for by name."""
    wish = wish_for(ctx, origin)
    if wish is not None and wish.name != ALL:
        raise CompileError("E042", f"this layer cannot be rewritable: {reason}", origin=origin, hint=hint)


def note(ctx: Context, value: str, weights: Weights, order: NDArray[np.int64], elem: IntType, origin: Origin) -> None:
    """Keep where the weights of an IR value come from."""
    assert weights.source is not None
    node = next((n for n in ctx.model.nodes if n.origin == origin), None)
    taken = {w.layer for w in ctx.written.values()}
    names = [origin.name, *(node.outputs if node else ()), value]
    name = next(n for n in names if n and n not in taken)
    scale = tuple(str(s) for s in weights.scale[:, 0])
    places = None if weights.places is None else weights.places[:, order]
    ctx.written[value] = Written(name, weights.source, order, elem, scale, places)
    wish = wish_for(ctx, origin)
    assert wish is not None
    ctx.met.add(wish)


def check_met(ctx: Context) -> None:
    """Raise E042 if nothing came of a wish."""
    missing = [w.name for w in ctx.wishes if w not in ctx.met]
    if not missing:
        return
    layers = [w.layer for w in ctx.written.values()]
    if missing == [ALL]:
        message = "no layer of the model can be rewritable"
        raise CompileError("E042", message, hint="name one of them, and the message says why not")
    message = f"the model has no layer {quoted(missing[0])} with weights"
    hint = "the name of a Conv, Gemm or MatMul, or of its result"
    raise CompileError(
        "E042", message, hint=hint + (f"; found: {', '.join(map(quoted, layers[:10]))}" if layers else "")
    )
