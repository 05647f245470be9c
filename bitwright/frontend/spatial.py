"""Sliding windows: the attributes that say where they lie, and the IR window with what its elements mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ..errors import CompileError, Origin, quoted
from ..ops.window import Window
from .context import MAX_FRAME, Context
from .exact import Rationals
from .model import OnnxNode
from .values import Stream

MAX_KERNEL = 1 << 16

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Geometry:
    """All (vertical, horizontal); `pads` is (top, left, bottom, right), `result` the number of positions."""

    kernel: Pair
    stride: Pair
    dilation: Pair
    pads: tuple[int, int, int, int]
    explicit: tuple[int, int, int, int]
    """The pads that the node states: ceil_mode may look beyond them, and they count as part of an average."""
    result: Pair

    @property
    def taps(self) -> int:
        return self.kernel[0] * self.kernel[1]

    @property
    def padded(self) -> bool:
        return max(self.pads) > 0

    @property
    def trivial(self) -> bool:
        """Whether every window is its pixel."""
        return self.taps == 1 and self.stride == (1, 1) and not any(self.pads)

    def window(self, pad: int) -> Window:
        kernel, stride, dilation, pads = (
            np.array(v, np.int64) for v in (self.kernel, self.stride, self.dilation, self.pads)
        )
        return Window(kernel, stride, dilation, pads, pad)

    def inside(self, size: Sequence[int], pads: Sequence[int]) -> NDArray[np.int64]:
        """Taps of each window within the image and so much around it, shape (rows, columns)."""
        counts: list[NDArray[np.int64]] = []
        for a in (0, 1):
            at = np.arange(self.result[a])[:, None] * self.stride[a] - self.pads[a]
            taps = at + np.arange(self.kernel[a]) * self.dilation[a]
            counts.append(((taps >= -pads[a]) & (taps < size[a] + pads[a + 2])).sum(axis=1))
        return counts[0][:, None] * counts[1][None, :]


def geometry(node: OnnxNode, spatial: Sequence[int], kernel: Sequence[int] | None = None) -> Geometry:
    """From a node's attributes; `spatial` is one or two dimensions, `kernel` what the weights say."""
    rank = len(spatial)
    shape = attribute_numbers(node, "kernel_shape", rank, kernel)
    if kernel is not None and tuple(shape) != tuple(kernel):
        message = f"kernel_shape {list(shape)} contradicts the weights, whose kernel is {list(kernel)}"
        raise CompileError("E011", message, origin=node.origin)
    stride, dilation = (
        attribute_numbers(node, "strides", rank, (1,) * rank),
        attribute_numbers(node, "dilations", rank, (1,) * rank),
    )
    extents = [d * (k - 1) + 1 for k, d in zip(shape, dilation)]
    begin, end, result = [], [], []
    given = _pads(node, spatial, extents, stride)
    ceil = bool(node.attribute("ceil_mode", int, 0))
    for a in range(rank):
        first, last = given[a], given[a + rank]
        room = spatial[a] + first + last - extents[a]
        if room < 0:
            message = f"a kernel of {list(shape)} with dilation {list(dilation)} does not fit into {list(spatial)}"
            raise CompileError("E011", message, origin=node.origin)
        count = (-(-room // stride[a]) if ceil else room // stride[a]) + 1
        if ceil and (count - 1) * stride[a] >= spatial[a] + first:
            count -= 1  # a window that would start behind the image
        begin.append(first)
        end.append((count - 1) * stride[a] + extents[a] - spatial[a] - first)
        result.append(count)
    if prod(result) > MAX_FRAME:
        raise CompileError(
            "E004", f"{node.op_type} has {prod(result):,} positions, which is too many", origin=node.origin
        )
    flat = [tuple(v) if rank == 2 else (fill, *v) for v, fill in
            ((shape, 1), (stride, 1), (dilation, 1), (begin, 0), (end, 0), (result, 1))]  # fmt: skip
    stated = tuple(given) if rank == 2 else (0, given[0], 0, given[1])
    k, s, d, first, last, count = cast("list[Pair]", flat)
    return Geometry(k, s, d, (*first, *last), cast("tuple[int, int, int, int]", stated), count)


def attribute_numbers(node: OnnxNode, name: str, rank: int, default: Sequence[int] | None) -> tuple[int, ...]:
    """An attribute of one positive number an axis."""
    values = node.attribute(name, tuple, None)
    values = default if values is None else values
    if values is None:
        raise CompileError("E013", f"attribute {quoted(name)} is missing", origin=node.origin)
    if len(values) != rank or any(not isinstance(v, int) or not 1 <= v <= MAX_KERNEL for v in values):
        message = f"attribute {quoted(name)} must be {rank} numbers from 1 to {MAX_KERNEL:,}, not {list(values)}"
        raise CompileError("E013", message, origin=node.origin)
    return tuple(values)


def _pads(node: OnnxNode, spatial: Sequence[int], extents: Sequence[int], stride: Sequence[int]) -> list[int]:
    """Begin of every axis, then end of every axis."""
    rank = len(spatial)
    auto = node.attribute("auto_pad", str, "NOTSET") or "NOTSET"
    pads = node.attribute("pads", tuple, (0,) * (2 * rank))
    if len(pads) != 2 * rank or any(not isinstance(p, int) or not 0 <= p <= MAX_KERNEL for p in pads):
        message = f"attribute 'pads' must be {2 * rank} numbers from 0 to {MAX_KERNEL:,}, not {list(pads)}"
        raise CompileError("E013", message, origin=node.origin)
    if auto == "NOTSET":
        return list(pads)
    if any(pads):
        raise CompileError("E013", f"auto_pad {auto} and explicit pads exclude each other", origin=node.origin)
    if auto == "VALID":
        return [0] * (2 * rank)
    if auto not in ("SAME_UPPER", "SAME_LOWER"):
        raise CompileError("E013", f"auto_pad {quoted(auto)} is unknown", origin=node.origin)
    total = [max((-(-n // s) - 1) * s + e - n, 0) for n, e, s in zip(spatial, extents, stride)]
    small, large = [t // 2 for t in total], [t - t // 2 for t in total]
    return [*small, *large] if auto == "SAME_UPPER" else [*large, *small]


def windows(ctx: Context, x: Stream, where: Geometry, pad: int, origin: Origin) -> Stream:
    """(1, H, W, C) → (1, OH, OW, taps · C); scale and offset of x do not depend on the position."""
    if where.trivial:
        return x
    name = ctx.emit(where.window(pad), cast(str, x.name), origin)
    free = where.window(0)
    arrays = {k: _tiled(getattr(x, k), where.taps) for k in ("scale", "offset", "low", "high")}
    shape = (1, *ctx.types[name].shape)
    return replace(x, name=name, shape=shape, trace=x.trace.moved(free.evaluate), **arrays)


def _tiled(values: Rationals, taps: int) -> Rationals:
    return values if values.shape[-1] == 1 else np.tile(values, taps)
