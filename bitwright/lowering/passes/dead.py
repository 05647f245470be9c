"""Dead values, which no output depends on, are dropped."""

from ...ir.graph import Graph


def drop_dead(graph: Graph) -> Graph:
    """Keep only the nodes that an output depends on."""
    live = set(graph.outputs)
    for node in reversed(graph.nodes):
        if node.name in live:
            live.update(node.inputs)
    return graph.with_nodes(tuple(n for n in graph.nodes if n.name in live))
