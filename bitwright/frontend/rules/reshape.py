"""Reshape, Flatten, Squeeze, Unsqueeze, and what changes nothing: Identity, Dropout, Cast between floats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

import numpy as np

from ...errors import CompileError, quoted
from ..context import Context
from ..elem import Elem
from ..model import Constant, OnnxNode
from ..registry import rule
from ..tensors import check_shape
from ..values import Exact, HostTail, Stream, Value, shape_of


@rule("Reshape")
def reshape(ctx: Context, node: OnnxNode) -> Value:
    """0 keeps a dimension (unless allowzero), −1 takes what is left."""
    value, wanted = _operand(ctx, node), ctx.integers(node, 1, "shape")
    old = shape_of(value)
    zero_kept = not node.attribute("allowzero", int, 0)
    shape = [old[i] if d == 0 and zero_kept and i < len(old) else d for i, d in enumerate(wanted)]
    if shape.count(-1) == 1:
        rest = prod(d for d in shape if d != -1)
        shape[shape.index(-1)] = prod(old) // rest if rest else 0
    if any(d < 0 for d in shape) or prod(shape) != prod(old):
        message = f"a tensor of shape {list(old)} cannot be reshaped to {list(wanted)}"
        raise CompileError("E011", message, origin=node.origin)
    return _reshaped(ctx, node, value, shape)


@rule("Flatten")
def flatten(ctx: Context, node: OnnxNode) -> Value:
    value = _operand(ctx, node)
    shape = shape_of(value)
    axis = node.attribute("axis", int, 1)
    if not -len(shape) <= axis <= len(shape):
        raise CompileError("E013", f"axis {axis} is outside a shape of {len(shape)} axes", origin=node.origin)
    axis = axis + len(shape) if axis < 0 else axis
    return _reshaped(ctx, node, value, (prod(shape[:axis]), prod(shape[axis:])))


@rule("Squeeze")
def squeeze(ctx: Context, node: OnnxNode) -> Value:
    value = _operand(ctx, node)
    shape = shape_of(value)
    given = _axes(ctx, node)
    axes = [i for i, d in enumerate(shape) if d == 1] if given is None else normal_axes(given, len(shape), node)
    if any(shape[a] != 1 for a in axes):
        message = f"axes {sorted(axes)} of shape {list(shape)} are not all of size 1"
        raise CompileError("E011", message, origin=node.origin)
    return _reshaped(ctx, node, value, [d for i, d in enumerate(shape) if i not in axes])


@rule("Unsqueeze")
def unsqueeze(ctx: Context, node: OnnxNode) -> Value:
    value = _operand(ctx, node)
    given = _axes(ctx, node)
    if given is None:
        raise CompileError("E013", "Unsqueeze without axes", origin=node.origin)
    shape = list(shape_of(value))
    for axis in sorted(normal_axes(given, len(shape) + len(given), node)):
        shape.insert(axis, 1)
    return _reshaped(ctx, node, value, shape)


@rule("Identity")
def identity(ctx: Context, node: OnnxNode) -> Value:
    value = ctx.operand(node, 0)
    return value if isinstance(value, HostTail) else ctx.required(node, 0)


@rule("Dropout")
def dropout(ctx: Context, node: OnnxNode) -> Value:
    """Nothing, in inference."""
    training = ctx.operand(node, 2)
    if isinstance(training, Constant) and training.array.any():
        raise CompileError("E021", "Dropout in training mode is not supported", origin=node.origin)
    return ctx.required(node, 0)


@rule("Cast")
def cast(ctx: Context, node: OnnxNode) -> Value:
    """Of constants; of streams where no value changes, but for the rounding to a float, which is arithmetic like any."""
    code = node.attribute("to", int, 0)
    return _cast(ctx, node, Elem.of_code(code, f"the result of {quoted(node.op_type)[1:-1]}", node.origin))


@rule("CastLike")
def cast_like(ctx: Context, node: OnnxNode) -> Value:
    """To the type of the second operand."""
    return _cast(ctx, node, ctx.required(node, 1).elem)


def _cast(ctx: Context, node: OnnxNode, elem: Elem) -> Value:
    tail = ctx.operand(node, 0)
    if isinstance(tail, HostTail):
        if elem.is_integer and not tail.elem.is_integer:
            message = "a Cast to integers of what the host computes is not supported"
            raise CompileError("E024", message, origin=node.origin, hint="end the model before it")
        return replace(tail, elem=elem)
    value = ctx.required(node, 0)
    if isinstance(value, Constant):
        source = value.array
        return Constant(elem.rounded(np.trunc(source) if elem.is_integer and value.elem.is_float else source), elem)
    if isinstance(value, Exact):
        raise CompileError("E021", "a Cast of a quantized constant is not supported", origin=node.origin)
    assert isinstance(value, Stream)
    wider = not value.elem.is_float or elem.digits >= value.elem.digits if elem.is_float else value.elem.is_integer
    if elem is not value.elem and (not wider or not (elem.is_float or elem.is_integer)):
        message = f"a Cast from {value.elem.label} to {elem.label} changes values; it is not supported here"
        raise CompileError("E021", message, origin=node.origin)
    return replace(value, elem=elem, trace=value.trace.moved(lambda v: v, 1))


def _operand(ctx: Context, node: OnnxNode) -> Value:
    """The first operand, which may be what the host computes."""
    value = ctx.operand(node, 0)
    return value if isinstance(value, HostTail) else ctx.required(node, 0)


def _reshaped(ctx: Context, node: OnnxNode, value: Value, shape: Sequence[int]) -> Value:
    new = tuple(int(d) for d in shape)
    check_shape(new, "the result", node.origin)
    if isinstance(value, Constant):
        return Constant(value.array.reshape(new), value.elem)
    if isinstance(value, Exact):
        return value.reshaped(new)
    if isinstance(value, HostTail):
        if not new or new[0] != 1:
            message = f"{node.op_type} gives shape {list(new)}, which moves the batch axis (axis 0, size 1)"
            raise CompileError("E015", message, origin=node.origin, hint="keep one frame a batch entry")
        return value.then({"kind": "reshape", "shape": list(new[1:])}, shape=new)
    return ctx.reshape(value, new, node.origin)


def _axes(ctx: Context, node: OnnxNode) -> tuple[int, ...] | None:
    """The axes: an attribute before opset 13, an operand after."""
    if ctx.operand(node, 1) is not None:
        return ctx.integers(node, 1, "axes")
    return node.attribute("axes", tuple, None)


def normal_axes(axes: tuple[int, ...], rank: int, node: OnnxNode) -> list[int]:
    normal = [a + rank if a < 0 else a for a in axes]
    if any(not 0 <= a < rank for a in normal) or len(set(normal)) != len(normal):
        message = f"axes {list(axes)} are outside {rank} axes, or named twice"
        raise CompileError("E013", message, origin=node.origin)
    return normal
