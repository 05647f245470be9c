"""Softmax, ArgMax, TopK right before the graph's output: computed by the host, from exact values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...errors import CompileError, quoted
from ..context import Context
from ..curve import Function
from ..elem import Elem
from ..model import OnnxNode
from ..registry import rule
from ..values import HostTail, Stream


@rule("Softmax")
def softmax(ctx: Context, node: OnnxNode) -> HostTail:
    """Along one axis. Before opset 13 it is over all axes from `axis` on, which must then be one of size above 1."""
    shape = _shape(ctx, node)
    axis = _axis(node, len(shape), -1 if ctx.model.opset >= 13 else 1)
    if ctx.model.opset < 13:
        long = [a for a in range(axis, len(shape)) if shape[a] > 1]
        if len(long) > 1:
            message = f"a Softmax over several axes of shape {list(shape)} is not supported"
            raise CompileError("E021", message, origin=node.origin, hint="convert the model to opset 13 or newer")
        axis = long[0] if long else axis
    return _tail(ctx, node, shape, None, {"kind": "softmax", "axis": axis})


@rule("ArgMax")
def argmax(ctx: Context, node: OnnxNode) -> HostTail:
    shape = _shape(ctx, node)
    axis = _axis(node, len(shape), 0)
    keepdims = bool(node.attribute("keepdims", int, 1))
    last = bool(node.attribute("select_last_index", int, 0))
    result = (*shape[:axis], *((1,) if keepdims else ()), *shape[axis + 1 :])
    post = {"kind": "argmax", "axis": axis, "keepdims": keepdims, "select_last_index": last}
    return _tail(ctx, node, result, Elem.INT64, post)


@rule("TopK")
def topk(ctx: Context, node: OnnxNode) -> tuple[HostTail, HostTail]:
    shape = _shape(ctx, node)
    axis = _axis(node, len(shape), -1)
    k = node.attribute("k", int, None) if ctx.operand(node, 1) is None else ctx.integers(node, 1, "k")[0]
    if k is None or not 1 <= k <= shape[axis]:
        raise CompileError("E013", f"k must be from 1 to {shape[axis]}, not {k}", origin=node.origin)
    if not node.attribute("sorted", int, 1):
        raise CompileError("E021", "TopK with sorted = 0 is not supported", origin=node.origin)
    result = (*shape[:axis], int(k), *shape[axis + 1 :])
    post = {"kind": "topk", "k": int(k), "axis": axis, "largest": bool(node.attribute("largest", int, 1))}
    return (
        _tail(ctx, node, result, None, post | {"output": "values"}),
        _tail(ctx, node, result, Elem.INT64, post | {"output": "indices"}),
    )


HOST_FUNCTIONS = ("Sigmoid", "Tanh", "Exp", "Erf", "Softplus", "Softsign", "Abs")


def host_function(x: Stream, name: str) -> HostTail:
    """A function right before the output: the host computes it, in float64 from exact values."""
    step = x.curve[0]
    if len(x.curve) > 1 or not isinstance(step, Function) or step.name not in HOST_FUNCTIONS:
        what = ", ".join(s.name for s in x.curve if isinstance(s, Function)) or "a function"
        message = f"output {quoted(name)} is a function ({what}) of the last layer that is not quantized"
        hint = f"quantize the output, or end the model before it; the host computes one of {', '.join(HOST_FUNCTIONS)}"
        raise CompileError("E039", message, hint=hint)
    trace = x.trace.operands[0]
    return HostTail(replace(x, curve=(), trace=trace), x.before, x.shape, x.elem, ({"kind": step.name.lower()},))


def _shape(ctx: Context, node: OnnxNode) -> tuple[int, ...]:
    value = ctx.operand(node, 0)
    if not isinstance(value, HostTail):
        value = ctx.stream(node, 0)
        ctx.need_type(value, node.origin)
    return value.shape


def _axis(node: OnnxNode, rank: int, default: int) -> int:
    axis = node.attribute("axis", int, default)
    if not -rank <= axis < rank:
        raise CompileError("E013", f"axis {axis} is outside {rank} axes", origin=node.origin)
    axis = axis + rank if axis < 0 else axis
    if axis == 0:
        raise CompileError("E015", f"{node.op_type} along the batch axis is not supported", origin=node.origin)
    return axis


def _tail(ctx: Context, node: OnnxNode, shape: tuple[int, ...], elem: Elem | None, post: dict[str, Any]) -> HostTail:
    value = ctx.operand(node, 0)
    if isinstance(value, HostTail):
        return HostTail(value.stream, value.tensor, shape, elem or value.elem, (*value.post, post))
    assert isinstance(value, Stream)
    return HostTail(value, node.inputs[0], shape, elem or value.elem, (post,))
