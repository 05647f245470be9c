"""Two step functions in a row are one: a quantizer, a ReLU and another quantizer cost a single set of comparisons."""

from dataclasses import replace

import numpy as np

from ...ir.graph import Graph, Node
from ...ir.types import TensorType
from ...ops.threshold import Threshold


def compose_thresholds(graph: Graph) -> Graph:
    """No threshold is left whose operand is a threshold of a single use."""
    nodes: dict[str, Node] = {}
    for node in graph.nodes:
        first = nodes.get(node.inputs[0])
        if isinstance(node.op, Threshold) and first and isinstance(first.op, Threshold):
            if len(graph.users(node.input)) == 1 and node.input not in graph.outputs:
                x = graph.types[first.input]
                merged = _compose(first.op, node.op, x)
                del nodes[node.input]
                nodes[node.name] = replace(node, op=merged, inputs=first.inputs, origin=(*first.origin, *node.origin))
                continue
        nodes[node.name] = node
    return graph.with_nodes(tuple(nodes.values()))


def _compose(first: Threshold, second: Threshold, x: TensorType) -> Threshold:
    """second(first(x)). The second's step at u is met when the first's count passes u − base (or base − u if it falls)."""
    channels = int(np.lcm(len(first.base), len(second.base)))
    one, two = _tiled(first, channels), _tiled(second, channels)
    steps = one.thresholds.shape[1]
    # A first step that is always met, the first's own steps, and one that is never met.
    ladder = np.concatenate([np.full((channels, 1), x.min), one.thresholds, np.full((channels, 1), x.max + 1)], axis=1)
    rising = np.clip(two.thresholds - one.base[:, None], 0, steps + 1)
    falling = np.clip(one.base[:, None] - two.thresholds + 1, 0, steps + 1)[:, ::-1]
    up = (one.sign > 0)[:, None]
    thresholds = np.take_along_axis(ladder, np.where(up, rising, falling), axis=1)
    count = two.thresholds.shape[1]
    base = np.where(one.sign > 0, two.base, two.base + two.sign * count)
    return Threshold(np.sort(thresholds, axis=1), base, two.sign * one.sign)


def _tiled(op: Threshold, channels: int) -> Threshold:
    repeat = channels // len(op.base)
    return Threshold(np.tile(op.thresholds, (repeat, 1)), np.tile(op.base, repeat), np.tile(op.sign, repeat))
