"""Many samples a second: a chain of layers in single or double precision, exact.

Sums whose terms add up to less than 2^24 (2^53) in magnitude are exact in single (double) precision, in any order, and
so is scaling by a power of two; rounding down, limits and wrapping then are operations of a few vector instructions. A
layer that this does not suit is evaluated as the reference does it. Samples go through all layers a block at a time,
which stays in the cache; constants a channel are repeated for every sample of a block, so that vector instructions
run on over the ends of samples. Channels that the next layer does not read are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CompileError
from ..ir.graph import Graph, Node
from ..ir.op import Codes, Op
from ..ir.types import TensorType
from ..ops.channels import bounds
from ..ops.dense import Dense
from ..ops.mulshift import MulShift
from ..ops.shift import Shift
from ..ops.wrap import Wrap
from ..ops.xnor import Xnor

VALUES = 1 << 16
"""Of the widest layer at a time: a quarter of a megabyte in single precision."""

PRODUCTS = 1 << 18
"""Multiplications up to which OpenBLAS stays on one core: more cores at so little work take longer, and far more CPU."""
LEAST = 64
"""Samples of a matrix product at least."""

Step = Callable[[NDArray[Any]], NDArray[Any]]
"""From values of shape (samples, channels) to others."""


@dataclass(frozen=True, eq=False)
class _Scale:
    """y = clip(⌊(x + b) / 2^right⌋) of every channel: a requantiser by a power of two."""

    b: Codes
    right: Codes
    lo: int
    hi: int

    def ends(self, x: TensorType) -> Sequence[Codes]:
        """Least and greatest y of every channel before the limits."""
        left, right = np.maximum(-self.right, 0), np.maximum(self.right, 0)
        return [(end + self.b << left) >> right for end in bounds(x, x.vector)]


class Emulator:
    """The network on codes (samples, inputs); it must be a chain over one vector. Raises CompileError E301 if it is none."""

    def __init__(self, graph: Graph) -> None:
        (source,), (output,) = graph.inputs, graph.outputs
        ends = [source, *(n.name for n in graph.nodes)]
        if any(n.inputs != (before,) for n, before in zip(graph.nodes, ends, strict=False)) or output != ends[-1]:
            raise CompileError("E301", "only a chain of layers can be emulated")
        self.x = graph.inputs[source]
        self.y = graph.types[output]
        lean = _narrowed(graph)
        self.block = max(LEAST, VALUES // max(t.size for t in lean.types.values()))
        """Samples at a time."""
        self._steps = list(self._compiled(lean))

    def run(self, codes: Codes) -> Codes:
        """Codes (samples, outputs)."""
        given = codes.reshape(len(codes), self.x.size)
        found = np.empty((len(codes), self.y.size), np.int64)
        for first in range(0, len(codes), self.block):
            values: NDArray[Any] = given[first : first + self.block]
            for step in self._steps:
                values = step(values)
            # Of single precision, all of it less than 2^24, the way over 32 bits takes half the time.
            found[first : first + self.block] = values.astype(np.int32) if values.dtype == np.float32 else values
        return found

    def _compiled(self, graph: Graph) -> Iterator[Step]:
        nodes, here, k = graph.nodes, self.x, 0
        moved: Codes | int = 0  # by how much the values at hand exceed the codes
        while k < len(nodes):
            node = nodes[k]
            scale, wrap = _followers(nodes[k : k + 3])
            if isinstance(node.op, Dense) and scale and wrap and not wrap.width.all():
                node, scale = _without(node, node.op, here, scale, wrap.width == 0)
            ahead = np.minimum(wrap.low, 0) * -1 if wrap else 0
            bound = _bound(node, here, moved, scale, ahead)
            if not isinstance(node.op, Dense) or bound >= 1 << 53:
                if np.any(moved):
                    yield _less(moved)
                    moved = 0
                yield _evaluated(node, here)
                here, k = node.type, k + 1
                continue
            carrier = np.float32 if bound < 1 << 24 else np.float64
            bias = node.op.bias - node.op.weight @ np.broadcast_to(moved, here.shape)
            moved = ahead
            yield _sum(node.op, bias, scale, moved, carrier, self.block)
            if scale is not None:
                yield from _limits(scale, node.type, moved, wrap is not None, carrier, self.block)
            if wrap is not None:
                yield _masked(wrap, self.block)
            k += 1 + (scale is not None) + (wrap is not None)
            here = nodes[k - 1].type
        if np.any(moved):
            yield _less(moved)


def _as_sum(node: Node) -> Node:
    """A bipolar layer counts its bits 1 or −1, from what it gives for none."""
    op = node.op
    if not isinstance(op, Xnor):
        return node
    none = op.evaluate(np.zeros((1, op.weight.shape[1]), np.int64))[0]
    return replace(node, op=Dense(np.where(op.weight > 0, 1, -1), none))


def _narrowed(graph: Graph) -> Graph:
    """The chain, without the channels between two dense layers that the second has no weights for or that never change."""
    nodes, first = [_as_sum(n) for n in graph.nodes], -1
    for k, node in enumerate(nodes):
        if len(node.type.shape) != 1 or not isinstance(node.op, Dense | Shift | MulShift | Wrap):
            first = -1
        elif isinstance(node.op, Dense):
            if first >= 0:
                lo, hi = bounds(nodes[k - 1].type, nodes[k - 1].type.vector)
                read = (lo < hi) & node.op.weight.any(axis=0)
                read[0] = True
                bias = node.op.bias + node.op.weight @ np.where(read, 0, lo)
                nodes[k] = replace(node, op=Dense(node.op.weight[:, read], bias))
                nodes[first:k] = [replace(n, op=_some(n.op, read)) for n in nodes[first:k]]
            first = k
    return graph.with_nodes(tuple(nodes))


def _some(op: Op, read: NDArray[np.bool_]) -> Op:
    """Some of the channels of an operator."""
    if isinstance(op, Dense):
        return Dense(op.weight[read], op.bias[read])

    def of(values: Codes) -> Codes:
        return np.resize(values, len(read))[read]

    if isinstance(op, Wrap):
        return Wrap(of(op.width), of(op.signed))
    if isinstance(op, Shift):
        return replace(op, b=of(op.b))
    assert isinstance(op, MulShift)
    return replace(op, m=of(op.m), b=of(op.b))


def _followers(nodes: Sequence[Node]) -> tuple[_Scale | None, Wrap | None]:
    """A scaling behind the first of the nodes, and a wrapping of at most 31 bits behind that."""
    if len(nodes) < 2 or (scale := _scale(nodes[1], nodes[0].type)) is None:
        return None, None
    wrap = nodes[2].op if len(nodes) > 2 else None
    if not isinstance(wrap, Wrap) or len(wrap.width) != nodes[1].type.vector:
        return scale, None
    short = nodes[1].type.min >= -(1 << 30) and nodes[1].type.max < 1 << 30
    return scale, wrap if short else None


def _without(node: Node, op: Dense, x: TensorType, scale: _Scale, dead: NDArray[np.bool_]) -> tuple[Node, _Scale]:
    """Sums of zero for channels that are wrapped to nothing: their scales may be far from the others'."""
    op = Dense(np.where(dead[:, None], 0, op.weight), np.where(dead, 0, op.bias))
    scale = replace(scale, b=np.where(dead, 0, scale.b), right=np.where(dead, 0, scale.right))
    return replace(node, op=op, type=op.infer(x)), scale


def _bound(node: Node, x: TensorType, moved: Codes | int, scale: _Scale | None, ahead: Codes | int) -> int:
    """In the unit of its lowest bit, no sum of some of a layer's terms is greater, and no result, where x and y are `moved` and `ahead`."""
    op = node.op
    if not isinstance(op, Dense) or len(node.type.shape) != 1:
        return 1 << 53
    lo, hi = (ends + moved for ends in bounds(x, x.vector))
    bias = op.bias - op.weight @ np.broadcast_to(moved, x.shape)
    if scale is None:
        return int((np.abs(op.weight) @ np.maximum(-lo, hi) + np.abs(bias)).max())
    terms = np.abs(op.weight) @ np.maximum(-lo, hi) + np.abs(bias + scale.b)
    most = ((terms << np.maximum(-scale.right, 0)) + (ahead << np.maximum(scale.right, 0))).max()
    results = [np.abs(np.clip(end, scale.lo, scale.hi)) for end in scale.ends(node.type)]
    return int(max(most, (np.max(results, axis=0) + ahead).max()))


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


def _sum(
    op: Dense, bias: Codes, scale: _Scale | None, moved: Codes | int, carrier: type[np.floating], block: int
) -> Step:
    """(x · weight + bias) / 2^right + moved."""
    factor = np.exp2(-scale.right) if scale else np.ones(len(op.weight))
    weight = np.ascontiguousarray((op.weight * factor[:, None]).T.astype(carrier))
    biases = _repeated((bias + (scale.b if scale else 0)) * factor + moved, carrier, block)
    offset = bool(biases.any())

    def step(x: NDArray[Any]) -> NDArray[Any]:
        y = _product(x.astype(carrier, order="C", copy=False), weight)
        return np.add(y, biases[: len(y)], out=y) if offset else y

    return step


def _repeated(values: NDArray[Any], carrier: type[np.number], block: int) -> NDArray[Any]:
    """Constants a channel, for every sample of a block."""
    return np.tile(values.astype(carrier), (block, 1))


def _product(x: NDArray[Any], weight: NDArray[Any]) -> NDArray[Any]:
    """x · weight, in parts that one core does alone."""
    samples, (inputs, outputs) = len(x), weight.shape
    y = np.empty((samples, outputs), weight.dtype)
    size = max(LEAST, PRODUCTS // weight.size)
    some = max(1, PRODUCTS // (size * inputs))
    whole = samples - samples % size
    for first in range(0, outputs, some):
        part, out = weight[:, first : first + some], y[:, first : first + some]
        if whole:
            np.matmul(x[:whole].reshape(-1, size, inputs), part, out=out[:whole].reshape(-1, size, part.shape[1]))
        np.matmul(x[whole:], part, out=out[whole:])
    return y


def _limits(
    scale: _Scale, x: TensorType, moved: Codes | int, whole: bool, carrier: type[np.floating], block: int
) -> Iterator[Step]:
    """The limits that can be reached, and rounding down, which the conversion to integers does where none is negative."""
    floor = np.any(scale.right) and not (whole and scale.lo >= 0)
    if floor:
        yield lambda y: np.floor(y, out=y)
    least, most = scale.ends(x)
    below, above = least.min() < scale.lo, most.max() > scale.hi
    lows, highs = (np.broadcast_to(end + moved, scale.b.shape) for end in (scale.lo, scale.hi))
    if below:
        lowest = _repeated(lows, carrier, block)
        yield lambda y: np.maximum(y, lowest[: len(y)], out=y)
    if above:
        highest = _repeated(highs, carrier, block)
        yield lambda y: np.minimum(y, highest[: len(y)], out=y)


def _masked(op: Wrap, block: int) -> Step:
    """The code moved to where its least is 0: the lowest bits of an integer."""
    mask = _repeated((1 << op.width) - 1, np.int32, block)

    def step(x: NDArray[Any]) -> NDArray[Any]:
        codes = x.astype(np.int32)
        codes &= mask[: len(codes)]
        return codes

    return step


def _less(moved: Codes | int) -> Step:
    return lambda values: values.astype(np.int64) - moved


def _evaluated(node: Node, x: TensorType) -> Step:
    """As the reference does it."""
    shape, op = x.shape, node.op

    def step(values: NDArray[Any]) -> NDArray[Any]:
        codes = values.astype(np.int64).reshape(-1, *shape)
        return op.evaluate(codes).reshape(len(codes), -1)

    return step
