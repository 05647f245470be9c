"""Falling steps rise once the rows that feed them are negated: then no hardware is spent on a sign."""

from dataclasses import replace

import numpy as np

from ...ir.graph import Graph, Node
from ...ops.dense import Dense
from ...ops.rewritable import Rewritable
from ...ops.threshold import Threshold


def ascending(graph: Graph) -> Graph:
    """After a dense layer of a single use, every channel of a threshold has sign +1."""
    nodes: dict[str, Node] = {n.name: n for n in graph.nodes}
    for node in graph.nodes:
        producer = nodes.get(node.inputs[0])
        if not (isinstance(node.op, Threshold) and producer and isinstance(producer.op, Dense)):
            continue
        if isinstance(producer.op, Rewritable):
            continue  # whoever writes its weights would have to know
        if (node.op.sign > 0).all() or len(graph.users(producer.name)) > 1 or producer.name in graph.outputs:
            continue
        rows = len(producer.op.weight)
        if rows % len(node.op.sign):
            continue  # constants that vary along another axis than the layer's rows
        falling = np.resize(node.op.sign < 0, rows)
        sign = np.where(falling, -1, 1)
        dense = Dense(producer.op.weight * sign[:, None], producer.op.bias * sign)
        nodes[producer.name] = replace(producer, op=dense)
        nodes[node.name] = replace(node, op=_rising(node.op))
    return graph.with_nodes(tuple(nodes[n.name] for n in graph.nodes))


def _rising(op: Threshold) -> Threshold:
    """The step function of −x: base − #{x ≥ t} = (base − steps) + #{−x ≥ 1 − t}."""
    steps, falling = op.thresholds.shape[1], op.sign < 0
    mirrored = np.sort(1 - op.thresholds, axis=1)
    return Threshold(
        np.where(falling[:, None], mirrored, op.thresholds),
        np.where(falling, op.base - steps, op.base),
        np.ones_like(op.sign),
    )
