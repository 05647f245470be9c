"""A dense layer of ±1 weights on bipolar codes counts matches: an XNOR a weight instead of a multiplication."""

from dataclasses import replace

import numpy as np

from ...ir.graph import Graph, Node
from ...ir.types import IntType
from ...ops.dense import Dense
from ...ops.rewritable import Rewritable
from ...ops.xnor import Xnor


def bipolar_to_xnor(graph: Graph) -> Graph:
    """No dense layer is left whose weights are all ±1 and whose operand is of type u1."""

    def convert(node: Node) -> Node:
        one_bit = graph.types[node.inputs[0]].elem == IntType(1, False)
        if isinstance(node.op, Rewritable) or not (
            isinstance(node.op, Dense) and one_bit and (np.abs(node.op.weight) == 1).all()
        ):
            return node
        # Σ w·x over codes x ∈ {0, 1} is the number of matches minus the number of weights −1.
        negative = (node.op.weight < 0).sum(axis=1)
        return replace(node, op=Xnor((node.op.weight > 0).astype(np.int64), node.op.bias - negative))

    return graph.with_nodes(tuple(convert(n) for n in graph.nodes))
