"""Many samples a second: a chain of layers in single or double precision, exact.

Sums whose terms add up to less than 2^24 (2^53) in magnitude are exact in single (double) precision, in any order, and
so is scaling by a power of two; rounding down, limits and wrapping then are operations of a few vector instructions. A
layer that this does not suit is evaluated as the reference does it. Samples go through all layers a block at a time,
which stays in the cache, a channel's samples beside each other; the codes of the input and the output lie as they are given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CompileError
from ..ir.graph import Graph, Node
from ..ir.op import Codes
from ..ir.types import TensorType
from ..ops.channels import bounds
from ..ops.dense import Dense
from ..ops.mulshift import MulShift
from ..ops.shift import Shift
from ..ops.wrap import Wrap
from ..ops.xnor import Xnor

VALUES = 1 << 18
"""Of the widest layer at a time: a megabyte in single precision."""

PRODUCTS = 1 << 18
"""Multiplications up to which OpenBLAS stays on one core: more cores at so little work take longer, and far more CPU."""
LEAST = 64
"""Samples of a matrix product at least."""

Step = Callable[[NDArray[Any]], NDArray[Any]]
"""From values of shape (channels, samples) to others."""


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
        self.block = max(LEAST, VALUES // max(t.size for t in graph.types.values()))
        """Samples at a time."""
        self._steps = list(self._compiled(graph))

    def run(self, codes: Codes) -> Codes:
        """Codes (samples, outputs)."""
        given = codes.reshape(len(codes), self.x.size)
        found = np.empty((len(codes), self.y.size), np.int64)
        for first in range(0, len(codes), self.block):
            values: NDArray[Any] = given[first : first + self.block].T
            for step in self._steps:
                values = step(values)
            found[first : first + self.block] = values.T
        return found

    def _compiled(self, graph: Graph) -> Iterator[Step]:
        nodes, here, k = [_as_sum(n) for n in graph.nodes], self.x, 0
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
            if scale is not None:
                yield _sum(node.op, bias, scale, moved, carrier)
                yield from _limits(scale, node.type, moved, wrap is not None, carrier)
            else:
                yield (
                    _last(node.op, bias, carrier, self.block)
                    if k + 1 == len(nodes)
                    else _sum(node.op, bias, None, 0, carrier)
                )
            if wrap is not None:
                yield _masked(wrap)
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
    """In the unit of its lowest bit, no sum of some of a layer's terms is greater, where x and y are `moved` and `ahead`."""
    op = node.op
    if not isinstance(op, Dense) or len(node.type.shape) != 1:
        return 1 << 53
    lo, hi = (ends + moved for ends in bounds(x, x.vector))
    bias = op.bias - op.weight @ np.broadcast_to(moved, x.shape)
    if scale is None:
        return int((np.abs(op.weight) @ np.maximum(-lo, hi) + np.abs(bias)).max())
    terms = np.abs(op.weight) @ np.maximum(-lo, hi) + np.abs(bias + scale.b)
    return int(((terms << np.maximum(-scale.right, 0)) + (ahead << np.maximum(scale.right, 0))).max())


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
    offset = bool(biases.any())

    def step(x: NDArray[Any]) -> NDArray[Any]:
        y = _product(weight, x.astype(carrier, order="K", copy=False))
        return np.add(y, biases, out=y) if offset else y

    return step


def _last(op: Dense, bias: Codes, carrier: type[np.floating], block: int) -> Step:
    """x · weight + bias, the sums of a sample beside each other."""
    weight, biases = op.weight.astype(carrier), np.tile(bias.astype(carrier), (block, 1))

    def step(x: NDArray[Any]) -> NDArray[Any]:
        y = np.empty((x.shape[1], len(weight)), carrier)
        _product(weight, x.astype(carrier, order="K", copy=False), y.T)
        y += biases[: len(y)]
        return y.T

    return step


def _product(weight: NDArray[Any], x: NDArray[Any], out: NDArray[Any] | None = None) -> NDArray[Any]:
    """weight · x, so many samples at a time that one core does it alone."""
    samples = x.shape[1]
    y = np.empty((len(weight), samples), weight.dtype) if out is None else out
    size = max(LEAST, PRODUCTS // weight.size)
    whole = samples - samples % size
    if whole:
        np.matmul(weight, _parted(x[:, :whole], size), out=_parted(y[:, :whole], size))
    np.matmul(weight, x[:, whole:], out=y[:, whole:])
    return y


def _parted(x: NDArray[Any], size: int) -> NDArray[Any]:
    """The same values, of shape (parts, channels, size)."""
    channels, samples = x.shape
    return np.lib.stride_tricks.as_strided(x, (samples // size, channels, size), (size * x.strides[1], *x.strides))


def _limits(
    scale: _Scale, x: TensorType, moved: Codes | int, whole: bool, carrier: type[np.floating]
) -> Iterator[Step]:
    """The limits that can be reached, and rounding down, which the conversion to integers does where none is negative."""
    b, right = scale.b, scale.right
    floor = np.any(right) and not (whole and scale.lo >= 0)
    if floor:
        yield lambda y: np.floor(y, out=y)
    least, most = bounds(x, x.vector)
    below, above = ((least + b) >> right).min() < scale.lo, ((most + b) >> right).max() > scale.hi
    if not below and not above:
        return
    lo, hi = ((end + np.unique(moved)).astype(carrier) for end in (scale.lo, scale.hi))
    if len(lo) == 1:  # far quicker than a limit a channel
        yield lambda y: np.clip(y, lo[0], hi[0], out=y)
        return
    lows, highs = ((end + np.reshape(moved, (-1, 1))).astype(carrier) for end in (scale.lo, scale.hi))
    if below:
        yield lambda y: np.maximum(y, lows, out=y)
    if above:
        yield lambda y: np.minimum(y, highs, out=y)


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
