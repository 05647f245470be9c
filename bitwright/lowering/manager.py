"""The pass manager: a pass takes a valid graph and returns a valid graph of the same meaning."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..ir.graph import Graph, verify

Pass = Callable[[Graph], Graph]
"""A pass; its docstring says what it establishes. It may not change what any input evaluates to."""

Watcher = Callable[[Pass, Graph, Graph], None]
"""Called with a pass, the graph before and after; tests re-run the reference on both here."""


def run_passes(graph: Graph, passes: Sequence[Pass], watch: Watcher | None = None) -> Graph:
    """Apply the passes in order, verifying the graph before the first and after each."""
    verify(graph)
    for step in passes:
        before, graph = graph, step(graph)
        verify(graph)
        if watch:
            watch(step, before, graph)
    return graph
