"""Movements that move nothing cost nothing: they become reshapes, or vanish."""

from dataclasses import replace

import numpy as np

from ...ir.graph import Graph, Node
from ...ir.op import Op
from ...ir.types import TensorType
from ...ops.permute import Permute
from ...ops.repeat import Repeat
from ...ops.reshape import Reshape
from ...ops.window import Window


def no_moves(graph: Graph) -> Graph:
    """No permutation, upsampling or window is left that keeps the order of the elements, and no reshape to the same shape."""
    nodes: list[Node] = []
    same: dict[str, str] = {}
    for node in graph.nodes:
        inputs = tuple(same.get(i, i) for i in node.inputs)
        x = graph.types[node.inputs[0]]
        if _still(node.op, x):
            if node.type.shape == x.shape and node.name not in graph.outputs:
                same[node.name] = inputs[0]
                continue
            node = replace(node, op=Reshape(np.array(node.type.shape)))
        nodes.append(replace(node, inputs=inputs))
    return graph.with_nodes(tuple(nodes))


def _still(op: Op, x: TensorType) -> bool:
    if isinstance(op, Permute):
        moving = [i for i in op.order.tolist() if x.shape[i] > 1]
        return moving == sorted(moving)
    if isinstance(op, Repeat):
        return op.rows == op.columns == 1
    if isinstance(op, Window):
        return op.taps == 1 and (op.stride == 1).all() and not op.pads.any()
    return isinstance(op, Reshape)
