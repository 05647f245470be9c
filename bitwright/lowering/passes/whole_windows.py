"""A window that covers the whole image needs no generator: its taps are the image, in order."""

from dataclasses import replace

import numpy as np

from ...ir.graph import Graph, Node
from ...ir.types import TensorType
from ...ops.depthwise import Depthwise
from ...ops.pool import Pool
from ...ops.reshape import Reshape
from ...ops.total import Total
from ...ops.window import Window


def whole_windows(graph: Graph) -> Graph:
    """A window with a single position that is the whole image is a reshape; with a pooling behind it, a total."""
    whole = {n.name: n for n in graph.nodes if isinstance(n.op, Window) and _covers(n.op, graph.types[n.inputs[0]])}
    nodes: list[Node] = []
    for node in graph.nodes:
        window = whole.get(node.inputs[0])
        if node.name in whole:
            if (
                all(isinstance(u.op, Depthwise | Pool) for u in graph.users(node.name))
                and node.name not in graph.outputs
            ):
                nodes.append(node)  # dead, if all of them are poolings
            else:
                nodes.append(replace(node, op=Reshape(np.array(node.type.shape))))
        elif window is not None and isinstance(node.op, Pool) and node.op.taps == window.op.taps:  # pyright: ignore
            total = f"{node.name}_total"
            origin = (*window.origin, *node.origin)
            nodes.append(replace(node, name=total, op=Total(node.op.largest), inputs=window.inputs, origin=origin))
            nodes.append(Node(node.name, Reshape(np.array(node.type.shape)), (total,), node.type, node.origin))
        else:
            nodes.append(node)
    used = {i for n in nodes for i in n.inputs} | set(graph.outputs)
    return graph.with_nodes(tuple(n for n in nodes if n.name not in whole or n.name in used))


def _covers(op: Window, x: TensorType) -> bool:
    return op.kernel.tolist() == list(x.shape[:2]) and (op.dilation == 1).all() and not op.pads.any()
