"""Least cuts of directed graphs, by the flow that fills them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

ALWAYS = 1 << 40
"""Capacity of an edge that no cut may have."""


@dataclass
class Flow:
    """A graph with capacities; flows go along shortest paths first (Dinitz, 1970)."""

    nodes: int
    edges: list[list[int]] = field(init=False)
    """Of each node: numbers of edges; that of an edge's reverse differs in the last bit."""
    to: list[int] = field(default_factory=list[int])
    room: list[int] = field(default_factory=list[int])

    def __post_init__(self) -> None:
        self.edges = [[] for _ in range(self.nodes)]

    def add(self) -> int:
        """One node more."""
        self.edges.append([])
        self.nodes += 1
        return self.nodes - 1

    def edge(self, source: int, sink: int, capacity: int) -> None:
        self.edges[source].append(len(self.to))
        self.edges[sink].append(len(self.to) + 1)
        self.to += [sink, source]
        self.room += [capacity, 0]

    def cut(self, source: int, sink: int, *, most: bool) -> tuple[int, list[bool]]:
        """The least capacity that parts the two, and which nodes stay with the source: as many as can be, or as few."""
        total = 0
        depth = self._depths(source, sink)
        while depth[sink] >= 0:
            at = [0] * self.nodes
            while pushed := self._push(source, sink, depth, at):
                total += pushed
            depth = self._depths(source, sink)
        return total, [not r for r in self._reaching(sink)] if most else [d >= 0 for d in depth]

    def _depths(self, source: int, sink: int) -> list[int]:
        depth = [-1] * self.nodes
        depth[source] = 0
        queue = deque([source])
        while queue and depth[sink] < 0:
            node = queue.popleft()
            for e in self.edges[node]:
                if self.room[e] and depth[self.to[e]] < 0:
                    depth[self.to[e]] = depth[node] + 1
                    queue.append(self.to[e])
        return depth

    def _push(self, source: int, sink: int, depth: list[int], at: list[int]) -> int:
        """The flow along one more path of the layers; `at` is the next edge of each node to try."""
        to, room, path, node = self.to, self.room, list[int](), source
        while node != sink:
            edges = self.edges[node]
            while at[node] < len(edges):
                e = edges[at[node]]
                if room[e] and depth[to[e]] == depth[node] + 1:
                    break
                at[node] += 1
            if at[node] < len(edges):
                path.append(edges[at[node]])
                node = to[path[-1]]
            elif path:
                node = to[path.pop() ^ 1]
                at[node] += 1
            else:
                return 0
        pushed = min(room[e] for e in path)
        for e in path:
            room[e] -= pushed
            room[e ^ 1] += pushed
        return pushed

    def _reaching(self, sink: int) -> list[bool]:
        """Nodes from which there is room left to the sink."""
        found = [False] * self.nodes
        found[sink] = True
        queue = deque([sink])
        while queue:
            node = queue.popleft()
            for e in self.edges[node]:
                if self.room[e ^ 1] and not found[self.to[e]]:
                    found[self.to[e]] = True
                    queue.append(self.to[e])
        return found
