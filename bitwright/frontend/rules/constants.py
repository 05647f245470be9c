"""Operators that are only evaluated on constants: shape arithmetic, and what exporters leave to be folded."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from ...errors import CompileError
from ..context import Context
from ..model import Constant, OnnxNode
from ..registry import folded, rule
from ..tensors import MAX_FOLDED, check_shape

Arrays = list[Any]
COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "Equal": np.equal, "Less": np.less, "LessOrEqual": np.less_equal, "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal, "And": np.logical_and, "Or": np.logical_or, "Xor": np.logical_xor,
}  # fmt: skip
BROADCAST = ("Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Where", "Mod", *COMPARISONS)


def check_size(node: OnnxNode, v: Arrays) -> None:
    """Raise E004 before a constant is made that is too large. Those of `folded` look for themselves."""
    given = [a for a in v if a is not None]
    if node.op_type == "Concat":
        size = sum(a.size for a in given)
    elif node.op_type == "Gather":
        size = v[1].size * (v[0].size // max(v[0].shape[node.attribute("axis", int, 0)], 1))
    elif node.op_type in ("MatMul", "Gemm") and min(a.ndim for a in given[:2]) > 1:
        batch = np.broadcast_shapes(v[0].shape[:-2], v[1].shape[:-2])
        size = prod(batch) * max(v[0].shape[-2:]) * max(v[1].shape[-2:])
    elif node.op_type in BROADCAST:
        size = prod(np.broadcast_shapes(*(a.shape for a in given)))
    else:
        return
    if size > MAX_FOLDED:
        message = f"a constant of {size:,} elements is too large; the limit is {MAX_FOLDED:,}"
        raise CompileError("E004", message, origin=node.origin)


@rule("Constant")
def constant(ctx: Context, node: OnnxNode) -> Constant:
    """The tensor (or number) among the attributes."""
    attributes = node.attributes
    if isinstance(attributes.get("value"), Constant):
        return attributes["value"]
    for name, dtype in (("value_float", np.float32), ("value_floats", np.float32),
                        ("value_int", np.int64), ("value_ints", np.int64)):  # fmt: skip
        if name in attributes:
            return Constant.of(np.array(attributes[name], dtype))
    raise CompileError("E013", "this Constant has no tensor and no number", origin=node.origin)


def fold_gather(node: OnnxNode, v: Arrays) -> np.ndarray:
    return np.take(v[0], v[1].astype(np.int64), axis=node.attribute("axis", int, 0))


def fold_concat(node: OnnxNode, v: Arrays) -> np.ndarray:
    return np.concatenate(v, axis=node.attribute("axis", int, 0))


def fold_slice(node: OnnxNode, v: Arrays) -> np.ndarray:
    operands = [*v[1:], *[None] * (4 - len(v[1:]))]
    starts, ends, axes, steps = (None if o is None else [int(i) for i in o.reshape(-1)] for o in operands)
    starts = list(node.attribute("starts", tuple, ())) if starts is None else starts
    ends = list(node.attribute("ends", tuple, ())) if ends is None else ends
    axes = list(node.attribute("axes", tuple, tuple(range(len(starts))))) if axes is None else axes
    index: list[Any] = [slice(None)] * v[0].ndim
    for axis, start, end, step in zip(axes, starts, ends, steps or [1] * len(starts), strict=True):
        stop = None if step < 0 and end < -v[0].shape[axis] else end
        index[axis] = slice(start, stop, step)
    return v[0][tuple(index)]


@folded("ConstantOfShape")
def constant_of_shape(node: OnnxNode, v: Arrays) -> np.ndarray:
    shape = tuple(int(d) for d in v[0].reshape(-1))
    check_shape(shape, "the result", node.origin, MAX_FOLDED)
    value = node.attribute("value", Constant, Constant.of(np.zeros(1, np.float32)))
    return np.full(shape, value.array.reshape(-1)[0])


@folded("Expand")
def expand(node: OnnxNode, v: Arrays) -> np.ndarray:
    shape = np.broadcast_shapes(v[0].shape, tuple(int(d) for d in v[1].reshape(-1)))
    check_shape(tuple(shape), "the result", node.origin, MAX_FOLDED)
    return np.broadcast_to(v[0], shape)


@folded("Tile")
def tile(node: OnnxNode, v: Arrays) -> np.ndarray:
    repeats = [int(r) for r in v[1].reshape(-1)]
    check_shape(tuple(d * r for d, r in zip(v[0].shape, repeats, strict=True)), "the result", node.origin, MAX_FOLDED)
    return np.tile(v[0], repeats)


@folded("Range")
def range_(node: OnnxNode, v: Arrays) -> np.ndarray:
    start, limit, step = (x.item() for x in v)
    count = max(0, int(np.ceil((limit - start) / step)))
    if count > MAX_FOLDED:
        raise CompileError("E004", f"a Range of {count:,} elements is too large", origin=node.origin)
    return (start + np.arange(count) * step).astype(v[0].dtype)


@folded("Where")
def where(node: OnnxNode, v: Arrays) -> np.ndarray:
    return np.where(v[0], v[1], v[2])


@folded(*COMPARISONS)
def comparison(node: OnnxNode, v: Arrays) -> np.ndarray:
    return COMPARISONS[node.op_type](v[0], v[1])


@folded("Not")
def negation(node: OnnxNode, v: Arrays) -> np.ndarray:
    return np.logical_not(v[0])


@folded("Mod")
def modulo(node: OnnxNode, v: Arrays) -> np.ndarray:
    """Of the divisor's sign, or with fmod of the dividend's."""
    if v[1].dtype.kind in "iu" and (v[1] == 0).any():
        raise CompileError("E013", "this Mod divides by 0", origin=node.origin)
    return (np.fmod if node.attribute("fmod", int, 0) else np.mod)(v[0], v[1])


def elementwise(node: OnnxNode, v: Arrays) -> np.ndarray:
    if node.op_type == "Reciprocal":
        return (1 / v[0]).astype(v[0].dtype)
    return getattr(np, "rint" if node.op_type == "Round" else node.op_type.lower())(v[0])


@folded("ReduceProd")
def reduce(node: OnnxNode, v: Arrays) -> np.ndarray:
    given = v[1] if len(v) > 1 else None
    axes = node.attribute("axes", tuple, None) if given is None else tuple(int(a) for a in given.reshape(-1))
    if not axes and node.attribute("noop_with_empty_axes", int, 0):
        return v[0]
    function = {
        "ReduceProd": np.prod,
        "ReduceSum": np.sum,
        "ReduceMax": np.max,
        "ReduceMin": np.min,
        "ReduceMean": np.mean,
    }[node.op_type]
    kept = bool(node.attribute("keepdims", int, 1))
    return np.asarray(function(v[0], axis=axes or None, keepdims=kept)).astype(v[0].dtype)
