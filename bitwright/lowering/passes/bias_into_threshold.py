"""A bias before a step function moves the steps, and then costs nothing."""

from dataclasses import replace

import numpy as np

from ...ir.graph import Graph, Node
from ...ops.dense import Dense
from ...ops.threshold import Threshold
from ...ops.xnor import Xnor


def bias_into_threshold(graph: Graph) -> Graph:
    """A dense or xnor layer whose only user is a threshold has no bias."""
    nodes: dict[str, Node] = {n.name: n for n in graph.nodes}
    for node in graph.nodes:
        producer = nodes.get(node.inputs[0])
        if not (isinstance(node.op, Threshold) and producer and isinstance(producer.op, Dense | Xnor)):
            continue
        bias = producer.op.bias
        if not bias.any() or len(graph.users(producer.name)) > 1 or producer.name in graph.outputs:
            continue
        channels = int(np.lcm(len(bias), len(node.op.base)))
        repeat = channels // len(node.op.base)
        thresholds = np.tile(node.op.thresholds, (repeat, 1)) - np.resize(bias, channels)[:, None]
        moved = Threshold(thresholds, np.tile(node.op.base, repeat), np.tile(node.op.sign, repeat))
        nodes[producer.name] = replace(producer, op=replace(producer.op, bias=np.zeros_like(bias)))
        nodes[node.name] = replace(node, op=moved)
    return graph.with_nodes(tuple(nodes[n.name] for n in graph.nodes))
