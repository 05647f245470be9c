"""Many samples a second: a chain of layers in single or double precision, exact.

Sums whose terms add up to less than 2^24 (2^53) in magnitude are exact in single (double) precision, in any order, and
so is scaling by a power of two; rounding down, limits and wrapping then are operations of a few vector instructions. A
layer that this does not suit is evaluated as the reference does it. Samples go through all layers a block at a time,
which stays in the cache.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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

BLOCK = 1024
"""Samples at a time."""

Floats = NDArray[np.floating]
Step = Callable[[Floats], Floats]


@dataclass(frozen=True, eq=False)
class _Scale:
    """y = clip(⌊(x + b) / 2^right⌋) of every channel: a requantiser by a power of two."""

    b: Codes
    right: Codes
    lo: int
    hi: int


class Emulator:
    """The network on codes (samples, inputs); it must be a chain over one vector. Raises CompileError E301 if it is none."""

    def __init__(self, graph: Graph) -> None:
        (source,), (output,) = graph.inputs, graph.outputs
        ends = [source, *(n.name for n in graph.nodes)]
        if any(n.inputs != (before,) for n, before in zip(graph.nodes, ends, strict=False)) or output != ends[-1]:
            raise CompileError("E301", "only a chain of layers can be emulated")
        self.x = graph.inputs[source]
        self.y = graph.types[output]
        self._carrier = _carrier(graph)
        self._steps = list(self._compiled(graph))

    def run(self, codes: Codes) -> Codes:
        """Codes (samples, outputs)."""
        given = codes.reshape(len(codes), self.x.size)
        found = np.empty((len(codes), self.y.size), np.int64)
        for first in range(0, len(codes), BLOCK):
            values = given[first : first + BLOCK].astype(self._carrier)
            for step in self._steps:
                values = step(values)
            found[first : first + BLOCK] = values
        return found

    def _compiled(self, graph: Graph) -> list[Step]:
        steps, k, here = list[Step](), 0, self.x
        nodes = graph.nodes
        while k < len(nodes):
            node = nodes[k]
            follower = _scale(nodes[k + 1], node.type) if k + 1 < len(nodes) else None
            if isinstance(node.op, Dense) and len(node.type.shape) == 1 and _exact(node.op, here, self._carrier):
                steps.append(_sum(node.op, follower, self._carrier))
                if follower:
                    k += 1
                    steps += _limits(follower, node.type)
            elif isinstance(node.op, Wrap):
                steps.append(_wrapped(node.op, self._carrier))
            else:
                steps.append(_evaluated(node, here, self._carrier))
            here = nodes[k].type
            k += 1
        return steps


def _carrier(graph: Graph) -> type[np.floating]:
    """Single precision where all values and sums fit it."""
    here, single = next(iter(graph.inputs.values())), True
    for node in graph.nodes:
        single &= max(-node.type.min, node.type.max) < 1 << 24
        single &= not isinstance(node.op, Dense) or _bound(node.op, here) < 1 << 24
        here = node.type
    return np.float32 if single else np.float64


def _bound(op: Dense, x: TensorType) -> int:
    return int((np.abs(op.weight).sum(axis=1) * max(-x.min, x.max) + np.abs(op.bias)).max())


def _exact(op: Dense, x: TensorType, carrier: type[np.floating]) -> bool:
    return _bound(op, x) < (1 << 24 if carrier is np.float32 else 1 << 53)


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
    largest = max(-x.min, x.max) + int(np.abs(found.b).max())
    return found if largest < 1 << 24 and (found.right >= 0).all() else None


def _sum(op: Dense, scale: _Scale | None, carrier: type[np.floating]) -> Step:
    factor = np.exp2(-scale.right) if scale else np.ones(len(op.weight))
    weight = np.ascontiguousarray((op.weight * factor[:, None]).T.astype(carrier))
    bias = ((op.bias + (scale.b if scale else 0)) * factor).astype(carrier)

    def step(x: Floats) -> Floats:
        y = x @ weight
        y += bias
        return y

    return step if bias.any() else lambda x: x @ weight


def _limits(scale: _Scale, x: TensorType) -> list[Step]:
    """Rounding down and the limits that can be reached."""
    found = list[Step]()
    if scale.right.any():
        found.append(lambda y: np.floor(y, out=y))
    b, right = scale.b, scale.right
    if ((x.min + b) >> right).min() < scale.lo:
        lo = scale.lo
        found.append(lambda y: np.maximum(y, lo, out=y))
    if ((x.max + b) >> right).max() > scale.hi:
        hi = scale.hi
        found.append(lambda y: np.minimum(y, hi, out=y))
    return found


def _wrapped(op: Wrap, carrier: type[np.floating]) -> Step:
    """x − ⌊(x − low) / 2^width⌋ · 2^width."""
    low = op.low.astype(carrier)
    turn = np.exp2(op.width).astype(carrier)
    share = (1 / turn).astype(carrier)
    offset = (-low * share).astype(carrier)

    def step(x: Floats) -> Floats:
        turns = x * share
        turns += offset
        np.floor(turns, out=turns)
        turns *= turn
        x -= turns
        return x

    return step


def _evaluated(node: Node, x: TensorType, carrier: type[np.floating]) -> Step:
    """As the reference does it."""
    shape, op = x.shape, node.op
    return lambda values: (
        op.evaluate(values.astype(np.int64).reshape(len(values), *shape)).reshape(len(values), -1).astype(carrier)
    )
