"""boundary.json: what the host does before the accelerator's codes and after them."""

from __future__ import annotations

from fractions import Fraction
from math import inf
from typing import Any, cast

from ..errors import CompileError, quoted
from ..ir.types import TensorType
from .context import INPUT, Context
from .exact import shortest_period
from .layout import axes_of, inverse, port_rows, spread
from .values import HostTail, Stream


def boundary(ctx: Context, result: Stream | HostTail) -> dict[str, Any]:
    """The host's side of the whole model, JSON-able."""
    port = ctx.model.inputs[0]
    x = result.stream if isinstance(result, HostTail) else result
    name = cast(str, x.name)
    assert port.shape is not None
    return {
        "input": {
            "name": port.name,
            "shape": [cast(int, d) for d in port.shape[1:]],
            "dtype": port.elem.carrier.name,
            "code": _code(ctx.types[INPUT]),
            "encode": ctx.encode,
        }
        | _input_layout(ctx),
        "output": {
            "name": ctx.model.outputs[0].name,
            "shape": list(x.frame),
            "dtype": result.elem.carrier.name,
            "code": _code(ctx.types[name]),
            "decode": _decode(ctx, x),
            "post": list(result.post) if isinstance(result, HostTail) else None,
        }
        | _output_layout(x),
    }


def _input_layout(ctx: Context) -> dict[str, Any]:
    if ctx.input_layout is None:
        return {}
    return _layout(ctx.input_layout.dims, ctx.input_layout.axes, ctx.input_frame)


def _output_layout(x: Stream) -> dict[str, Any]:
    if x.order is None:
        return {}
    found = axes_of(inverse(x.order), x.frame)
    if found is None:
        message = f"the output's elements, of shape {list(x.shape)}, leave in an order that is no transposition"
        raise CompileError("E023", message)
    return _layout(*found, x.frame)


def _layout(dims: tuple[int, ...], axes: tuple[int, ...], frame: tuple[int, ...]) -> dict[str, Any]:
    """The wire carries the frame, seen as an array of shape `dims`, row-major over its axes in the order `axes`."""
    if list(axes) == sorted(axes):
        return {}
    return {"axes": list(axes)} | ({} if dims == frame else {"dims": list(dims)})


def _code(type_: TensorType) -> dict[str, Any]:
    return {"lo": type_.min, "hi": type_.max, "width": type_.elem.width, "signed": type_.elem.signed}


def _decode(ctx: Context, x: Stream) -> dict[str, Any]:
    found, repeat = port_rows(x.shape, None, x.scale, x.offset, x.low, x.high)
    rows = cast("list[tuple[Fraction, Fraction, Fraction | float, Fraction | float]]", found)
    type_ = ctx.types[cast(str, x.name)]
    least, most = spread((type_.lo, type_.hi), x.order, type_.size, len(rows), repeat)
    kept: list[tuple[str, str, str | None, str | None]] = []
    for (scale, offset, low, high), lo, hi in zip(rows, least, most):
        first, last = sorted((scale * lo + offset, scale * hi + offset))
        low, high = (low if first < low else -inf), (high if last > high else inf)
        kept.append((str(scale), str(offset), _limit(low), _limit(high)))
    if x.elem.is_integer:
        if {(s, a, b) for s, _, a, b in kept} != {("1", None, None)} or len({o for _, o, _, _ in kept}) > 1:
            message = f"output {quoted(ctx.model.outputs[0].name)} is computed on integers, not by a quantizer"
            raise CompileError("E021", message, hint="end the model at a QuantizeLinear or at a float tensor")
        return {"kind": "integer", "offset": int(rows[0][1])}
    kept = kept[: shortest_period(kept)]
    keys = ("scale", "offset", "lo", "hi")
    decode: dict[str, Any] = {"kind": "affine"} | {key: [row[i] for row in kept] for i, key in enumerate(keys)}
    return decode | ({"repeat": repeat} if repeat > 1 and len(kept) > 1 else {})


def _limit(value: Fraction | float) -> str | None:
    return None if isinstance(value, float) else str(value)
