"""Which nodes of a graph make one circuit of constants.

What leads to a node, as far as nothing else uses it, is computed with it (a fanout-free cone): streams then meet no
handshake and no FIFO on the way, and what branches and meets again within a vector stays in one circuit. A cone begins at
streams: at most two, of which one may go through a window.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container
from dataclasses import dataclass, replace

from ..ir.graph import Graph, Node
from ..ops.add import Add
from ..ops.concat import Concat
from ..ops.dense import Dense
from ..ops.depthwise import Depthwise
from ..ops.reshape import Reshape
from ..ops.window import Window
from ..ops.xnor import Xnor
from ..spatial.build import STEPS
from ..spatial.unit import holds

MOST_OPERANDS = 2
"""Streams that meet in front of a circuit."""


@dataclass(frozen=True, slots=True)
class Cone:
    """Nodes in order, by the names of the values that they use, and the window in front of the first of the operands."""

    window: Node | None
    nodes: tuple[Node, ...]
    operands: tuple[str, ...]


def cones(graph: Graph, chosen: Container[str] | None = None) -> dict[str, Cone]:
    """Those that have weights, by the name of the value that leaves each; as large as they can be.

    Where there are `chosen` nodes, no other one is in a cone but elementwise operators, residual sums and concatenations.
    """
    return _Search(graph, chosen).run()


class _Search:
    def __init__(self, graph: Graph, chosen: Container[str] | None) -> None:
        self.graph, self.chosen = graph, chosen
        self.nodes = {n.name: n for n in graph.nodes}
        self.order = {n.name: k for k, n in enumerate(graph.nodes)}
        self.users = defaultdict[str, set[str]](set)
        for node in graph.nodes:
            if not self._same(node):
                for name in node.inputs:
                    self.users[self._source(name)].add(node.name)
        for name in graph.outputs:
            self.users[self._source(name)].add("")

    def run(self) -> dict[str, Cone]:
        found, taken = dict[str, Cone](), set[str]()
        for node in reversed(self.graph.nodes):
            if node.name in taken or not self._may(node):
                continue
            members, window = self._grown(node, taken)
            self._trim(members, node.name)
            if any(isinstance(self.nodes[m].op, Dense | Xnor | Depthwise) for m in members):
                found[node.name] = self._cone(members, window)
                taken |= members | ({window.name} if window else set[str]())
        return found

    def _grown(self, root: Node, taken: set[str]) -> tuple[set[str], Node | None]:
        """The members of the cone of a node, and its window."""
        members, window, refused = {root.name}, None, set[str]()
        while True:
            before = self._operands(members, window) - refused
            name = max(
                (n for n in before if n in self.nodes and n not in taken), key=self.order.__getitem__, default=""
            )
            if not name:
                return members, window
            node = self.nodes[name]
            if isinstance(node.op, Window):
                if window is None and self.users[name] <= members and not node.op.several:
                    window = node
                refused.add(name)
            elif self._may(node) and self.users[name] <= members and self._few(members | {name}, window):
                members.add(name)
            else:
                refused.add(name)

    def _may(self, node: Node) -> bool:
        """Whether it may be a member."""
        free = self.chosen is None or isinstance(node.op, (*STEPS, Add, Concat))
        return holds(node) and (free or node.name in (self.chosen or ()))

    def _trim(self, members: set[str], root: str) -> None:
        """Leave what follows a sum with it: it makes the stream narrow."""
        while loose := {m for m in members - {root} if self._follows(m, members)}:
            members -= loose

    def _follows(self, name: str, members: set[str]) -> bool:
        """Whether a node is elementwise, behind a sum that is not a member."""
        source = self._source(self.nodes[name].inputs[0])
        return (
            isinstance(self.nodes[name].op, STEPS)
            and source not in members
            and source in self.nodes
            and holds(self.nodes[source])
        )

    def _few(self, members: set[str], window: Node | None) -> bool:
        """Whether streams can bring what the members use: one window among them."""
        operands = self._operands(members, window)
        windows = sum(n in self.nodes and isinstance(self.nodes[n].op, Window) for n in operands)
        return len(operands) + (window is not None) <= MOST_OPERANDS and windows + (window is not None) <= 1

    def _operands(self, members: set[str], window: Node | None) -> set[str]:
        """What the members use of others, but for the window."""
        read = {self._source(name) for m in members for name in self.nodes[m].inputs}
        return read - members - ({window.name} if window else set[str]())

    def _cone(self, members: set[str], window: Node | None) -> Cone:
        nodes = tuple(
            replace(n, inputs=tuple(self._source(name) for name in n.inputs)) for n in self.graph.nodes if n.name in members
        )  # fmt: skip
        others = sorted(self._operands(members, window), key=lambda name: self.order.get(name, -1))
        return Cone(window, nodes, (*window.inputs, *others) if window else tuple(others))

    def _same(self, node: Node) -> bool:
        """Whether a node leaves every vector as it is."""
        return isinstance(node.op, Reshape) and self.graph.types[node.inputs[0]].vector == node.type.vector

    def _source(self, name: str) -> str:
        """The value, in front of reshapes that leave its vectors as they are."""
        while name in self.nodes and self._same(self.nodes[name]):
            (name,) = self.nodes[name].inputs
        return name
