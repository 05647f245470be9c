"""Channels that nobody needs: those that a pruned network multiplies by zeros only, and those that never change.

A channel whose code is the same for every input goes into the bias of the dense layers behind it. A channel that no dense
layer behind it reads is not computed. As many are kept as a multiple of a power of two needs, so that lanes stay even.
Layers whose weights are rewritable keep all of theirs, and read all.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...ir.graph import Graph, Node
from ...ir.op import Op
from ...ir.types import TensorType
from ...ops.dense import Dense
from ...ops.depthwise import Depthwise
from ...ops.mulshift import MulShift
from ...ops.pool import Pool
from ...ops.reshape import Reshape
from ...ops.rewritable import Rewritable
from ...ops.shift import Shift
from ...ops.table import Table
from ...ops.threshold import Threshold
from ...ops.total import Total
from ...ops.window import Window
from ...ops.wrap import Wrap
from ...ops.writable import Writable

Mask = NDArray[np.bool_]
"""Of every channel of a value (an element of its vectors)."""


def prune(graph: Graph) -> Graph:
    """No dense layer computes a channel that is constant or unread, but for those that fill up to an even number."""
    return _drop(_settle(graph))


def _settle(graph: Graph) -> Graph:
    """Constant channels are read by no dense layer."""
    nodes = {n.name: n for n in graph.nodes}
    for node in graph.nodes:
        if not isinstance(node.op, Dense) or isinstance(node.op, Rewritable):
            continue
        before = nodes.get(node.inputs[0])
        x = graph.types[node.inputs[0]]
        if before is not None and isinstance(before.op, Window) and before.op.padded:
            continue  # the range of its operand does not tell the padding from the channel
        if x.vector % len(x.lo) or len(x.lo) == 1:
            continue
        lo, hi = (np.array(end, np.int64) for end in x.bounds(x.vector))
        still = (lo == hi) & (node.op.weight != 0).any(axis=0)
        if still.any():
            bias = node.op.bias + node.op.weight[:, still] @ lo[still]
            op = Dense(np.where(still, 0, node.op.weight), bias)
            nodes[node.name] = replace(node, op=op)
    return graph.with_nodes(tuple(nodes[n.name] for n in graph.nodes))


def _drop(graph: Graph) -> Graph:
    """Unread channels leave the dense layers that make them, and all that comes between."""
    read = _read(graph)
    kept: dict[str, Mask] = {name: np.ones(x.vector, np.bool_) for name, x in graph.inputs.items()}
    nodes: list[Node] = []
    for node in graph.nodes:
        before = [kept[i] for i in node.inputs]
        op, here = _narrowed(node.op, graph.types[node.inputs[0]], before, read[node.name], node.type)
        kept[node.name] = here
        nodes.append(replace(node, op=op))
    return graph.with_nodes(tuple(nodes))


def _read(graph: Graph) -> dict[str, Mask]:
    """Which channels of each value somebody needs."""
    read = {name: np.zeros(t.vector, np.bool_) for name, t in graph.types.items()}
    for name in graph.outputs:
        read[name][:] = True
    for node in reversed(graph.nodes):
        for operand in node.inputs:
            read[operand] |= _needs(node.op, graph.types[operand], read[node.name], node.type)
    return read


def _needs(op: Op, x: TensorType, mask: Mask, y: TensorType) -> Mask:
    """Which channels of an operand are needed for those of the result."""
    if isinstance(op, Dense) and not isinstance(op, Rewritable):
        return np.logical_or.reduce(op.weight[mask] != 0, axis=0)
    if isinstance(op, Window):
        return _any(mask, x.vector)
    if isinstance(op, Depthwise | Pool) and not isinstance(op, Writable):
        return np.tile(mask, x.vector // y.vector)
    if isinstance(op, Total | Table) or _sliced(op, x) is not None:
        return mask
    if isinstance(op, Reshape) and (x.vector == y.vector or _flattens(x, y)):
        return _any(mask, x.vector)
    return np.ones(x.vector, np.bool_)


def _any(mask: Mask, channels: int) -> Mask:
    """Of masks behind each other, those of any."""
    return np.logical_or.reduce(mask.reshape(-1, channels), axis=0)


def _narrowed(op: Op, x: TensorType, before: list[Mask], mask: Mask, y: TensorType) -> tuple[Op, Mask]:
    """The operator on the channels that are left, and which of its own are."""
    operand = before[0]
    if isinstance(op, Dense) and not isinstance(op, Rewritable):
        keep = _even(mask)
        return Dense(op.weight[np.ix_(keep, operand)], op.bias[keep]), keep
    if operand.all() and all(b.all() for b in before):
        return op, np.ones(y.vector, np.bool_)
    if isinstance(op, Window):
        return op, np.tile(operand, op.taps)
    if isinstance(op, Depthwise):
        channels = operand[: y.vector]
        return Depthwise(op.weight[:, channels], op.bias[channels]), channels
    if isinstance(op, Pool):
        return op, operand[: y.vector]
    if isinstance(op, Total | Table):
        return op, operand
    if isinstance(op, Reshape) and (x.vector == y.vector or _flattens(x, y)):
        left = int(operand.sum())
        shape = op.shape.copy()
        shape[-1] = shape[-1] // x.vector * left
        return Reshape(shape), np.tile(operand, y.vector // x.vector)
    sliced = _sliced(op, x)
    assert sliced is not None, "a channel was dropped in front of an operator that needs all"
    return sliced(operand), operand


def _flattens(x: TensorType, y: TensorType) -> bool:
    """Whether whole vectors stay together in longer ones."""
    return y.vector % x.vector == 0


def _sliced(op: Op, x: TensorType) -> Callable[[Mask], Op] | None:
    """How an elementwise operator is narrowed to some of its channels; None if it has constants that are not theirs."""
    if isinstance(op, Threshold) and len(op.base) in (1, x.vector):
        if len(op.base) == 1:
            return lambda mask: op
        return lambda mask: Threshold(op.thresholds[mask], op.base[mask], op.sign[mask])
    if isinstance(op, Shift) and len(op.b) in (1, x.vector):
        return lambda mask: op if len(op.b) == 1 else replace(op, b=op.b[mask])
    if isinstance(op, MulShift) and len(op.b) in (1, x.vector):
        return lambda mask: op if len(op.b) == 1 else replace(op, m=op.m[mask], b=op.b[mask])
    if isinstance(op, Wrap) and len(op.width) in (1, x.vector):
        return lambda mask: op if len(op.width) == 1 else Wrap(op.width[mask], op.signed[mask])
    return None


def _even(mask: Mask) -> Mask:
    """The channels that are read, and others up to a number that folds well."""
    step = 8 if len(mask) >= 32 else 4 if len(mask) >= 8 else 1
    wanted = min(len(mask), max(1, -(-int(mask.sum()) // step) * step))
    keep = mask.copy()
    keep[np.flatnonzero(~mask)[: wanted - int(mask.sum())]] = True
    return keep
