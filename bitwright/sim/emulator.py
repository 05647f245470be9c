"""Many samples a second: a chain of layers in single or double precision, exact.

Sums whose terms add up to less than 2^24 (2^53) in magnitude are exact in single (double) precision, in any order, and
so is scaling by a power of two; rounding down, limits and wrapping then are operations of a few vector instructions. A
layer that this does not suit is evaluated as the reference does it. Samples go through all layers a block at a time,
which stays in the cache, a channel's samples beside each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CompileError
from ..ir.graph import Graph, Node
from ..ir.op import Codes
from ..ir.types import TensorType
from ..ops.dense import Dense
from ..ops.mulshift import MulShift
from ..ops.shift import Shift
from ..ops.wrap import Wrap

BLOCK = 4096
"""Samples at a time."""

Step = Callable[[NDArray[Any]], NDArray[Any]]
"""From values of shape (channels, samples) to others."""


@dataclass(frozen=True, eq=False)
class _Scale:
    """y = clip(⌊(x + b) / 2^right⌋) of every channel: a requantiser by a power of two."""

    b: Codes
    right: Codes
    lo: int
    hi: int

    @property
    def up(self) -> int:
        """Bits by which it makes any channel greater."""
        return max(0, -int(self.right.min()))


class Emulator:
    """The network on codes (samples, inputs); it must be a chain over one vector. Raises CompileError E301 if it is none."""

    def __init__(self, graph: Graph) -> None:
        (source,), (output,) = graph.inputs, graph.outputs
        ends = [source, *(n.name for n in graph.nodes)]
        if any(n.inputs != (before,) for n, before in zip(graph.nodes, ends, strict=False)) or output != ends[-1]:
            raise CompileError("E301", "only a chain of layers can be emulated")
        self.x = graph.inputs[source]
        self.y = graph.types[output]
        self._steps = list(self._compiled(graph))

    def run(self, codes: Codes) -> Codes:
        """Codes (samples, outputs)."""
        given = codes.reshape(len(codes), self.x.size)
        found = np.empty((len(codes), self.y.size), np.int64)
        for first in range(0, len(codes), BLOCK):
            values: NDArray[Any] = given[first : first + BLOCK].T
            for step in self._steps:
                values = step(values)
            found[first : first + BLOCK] = values.T
        return found

    def _compiled(self, graph: Graph) -> Iterator[Step]:
        nodes, here, k = graph.nodes, self.x, 0
        moved: Codes | int = 0  # by how much the values at hand exceed the codes
        while k < len(nodes):
            node = nodes[k]
            scale = _scale(nodes[k + 1], node.type) if k + 1 < len(nodes) else None
            bound = (
                _bound(node.op, here, scale) if isinstance(node.op, Dense) and len(node.type.shape) == 1 else 1 << 53
            )
            if not isinstance(node.op, Dense) or bound >= 1 << 53:
                if np.any(moved):
                    yield _less(moved)
                    moved = 0
                yield _evaluated(node, here)
                here, k = node.type, k + 1
                continue
            carrier = np.float32 if bound < 1 << 24 else np.float64
            bias = node.op.bias - node.op.weight @ np.broadcast_to(moved, here.shape)
            moved = 0
            if scale is None:
                yield _sum(node.op, bias, None, 0, carrier)
                here, k = node.type, k + 1
                continue
            wrap = nodes[k + 2].op if k + 2 < len(nodes) else None
            if isinstance(wrap, Wrap) and len(wrap.width) == node.type.vector and bound << scale.up < 1 << 30:
                moved = np.minimum(wrap.low, 0) * -1
            else:
                wrap = None
            yield _sum(node.op, bias, scale, moved, carrier)
            yield from _limits(scale, node.type, moved, wrap is not None)
            if wrap is not None:
                yield _masked(wrap)
            k += 2 if wrap is None else 3
            here = nodes[k - 1].type
        if np.any(moved):
            yield _less(moved)


def _bound(op: Dense, x: TensorType, scale: _Scale | None) -> int:
    """No sum of some of the terms is greater in magnitude; twice that leaves room for what is moved."""
    terms = np.abs(op.weight).sum(axis=1) * max(-x.min, x.max) + np.abs(op.bias)
    return 2 * int((terms + (np.abs(scale.b) if scale else 0)).max())


def _scale(node: Node, x: TensorType) -> _Scale | None:
    """A requantiser that only scales, if the node is one: (m·x + b) / 2^s = (x + ⌊b/m⌋) / (2^s / m), rounded down."""
    op, channels = node.op, x.vector
    if isinstance(op, Shift) and not op.even and channels % len(op.b) == 0:
        b = np.tile(op.b, channels // len(op.b)) >> op.left
        found = _Scale(b, np.full(channels, op.right - op.left), op.lo, op.hi)
    elif isinstance(op, MulShift) and channels % len(op.m) == 0 and (op.m > 0).all() and not (op.m & (op.m - 1)).any():
        power = np.round(np.log2(op.m)).astype(np.int64)
        b, right = op.b >> power, op.shift - power
        found = _Scale(np.tile(b, channels // len(b)), np.tile(right, channels // len(b)), op.lo, op.hi)
    else:
        return None
    exact = ((found.right >= 0) | (found.b == 0)).all()
    return found if exact else None


def _sum(op: Dense, bias: Codes, scale: _Scale | None, moved: Codes | int, carrier: type[np.floating]) -> Step:
    """(x · weight + bias) / 2^right + moved."""
    factor = np.exp2(-scale.right) if scale else np.ones(len(op.weight))
    weight = (op.weight * factor[:, None]).astype(carrier)
    biases = ((bias + (scale.b if scale else 0)) * factor + moved).astype(carrier)[:, None]

    def step(x: NDArray[Any]) -> NDArray[Any]:
        y = weight @ x.astype(carrier, order="C", copy=False)
        y += biases
        return y

    return step if biases.any() else lambda x: weight @ x.astype(carrier, order="C", copy=False)


def _limits(scale: _Scale, x: TensorType, moved: Codes | int, whole: bool) -> Iterator[Step]:
    """The limits that can be reached, and rounding down, which the conversion to integers does where none is negative."""
    b, right = scale.b, scale.right
    floor = np.any(right) and not (whole and scale.lo >= 0)
    if floor:
        yield lambda y: np.floor(y, out=y)
    if ((x.min + b) >> right).min() < scale.lo:
        lo = (scale.lo + np.asarray(moved)).astype(np.float64)
        least = lo.astype(np.float32)[:, None] if lo.ndim else float(lo)
        yield lambda y: np.maximum(y, least, out=y)
    if ((x.max + b) >> right).max() > scale.hi:
        hi = (scale.hi + np.asarray(moved)).astype(np.float64)
        most = hi.astype(np.float32)[:, None] if hi.ndim else float(hi)
        yield lambda y: np.minimum(y, most, out=y)


def _masked(op: Wrap) -> Step:
    """The code moved to where its least is 0: the lowest bits of an integer."""
    mask = ((1 << op.width) - 1).astype(np.int32)[:, None]

    def step(x: NDArray[Any]) -> NDArray[Any]:
        codes = x.astype(np.int32)
        codes &= mask
        return codes

    return step


def _less(moved: Codes | int) -> Step:
    return lambda values: values.astype(np.int64) - np.reshape(moved, (-1, 1))


def _evaluated(node: Node, x: TensorType) -> Step:
    """As the reference does it."""
    shape, op = x.shape, node.op

    def step(values: NDArray[Any]) -> NDArray[Any]:
        codes = values.T.astype(np.int64).reshape(-1, *shape)
        return op.evaluate(codes).reshape(len(codes), -1).T

    return step
