"""Several pixels a cycle: a layer that is too slow at its largest parallelism works on neighbouring pixels at a time.

M neighbouring pixels of a row become one of M times the channels. The elements keep their order, so this is a reshape, and
constants of elementwise operators come round anyway. A window that takes M pixels at a time gives N of its neighbours, so many
that none is made in vain: poolings, depthwise and bipolar layers work on them as on more channels or with the same weights. The
matrix of another convolution has a block of rows for each of N results instead, with zeros where a result's window does not
reach: where a multiplier meets nothing else it is left out. What moves elements moves more of them, and wires (`pick`) put
them in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Self

import numpy as np

from ..ir.graph import Graph, Node
from ..ir.op import Codes, Op
from ..ir.types import TensorType
from ..ops.concat import Concat
from ..ops.dense import Dense
from ..ops.depthwise import Depthwise
from ..ops.permute import Permute
from ..ops.pick import Pick
from ..ops.pool import Pool
from ..ops.repeat import Repeat
from ..ops.reshape import Reshape
from ..ops.total import Total
from ..ops.window import Window
from ..ops.writable import Writable
from ..ops.xnor import Xnor
from .layers import Kind, Layer, split

COUNTS = (2, 4, 8, 16)
"""Pixels at a time that are tried."""

LARGEST = 1 << 14
"""Weights of a matrix that this may make, zeros and all: units that multiply by more take tools long to build."""

MOST_PICKED = 1 << 10
"""Elements that wires put in order: literals of all tools hold so many indices."""


def widened(graph: Graph, fastest: Callable[[Sequence[Layer]], Sequence[int]], limit: int) -> Graph:
    """The graph with as few pixels at a time as bring each layer within `limit` cycles at its largest parallelism.

    `fastest` gives these cycles for every layer. Where no number does, as many as make it fastest.
    """
    layers = split(graph)
    chosen: dict[int, list[Node]] = {}
    for index, best in enumerate(fastest(layers)):
        shapes = forms(layers[index]) if best > limit else iter(())
        while best > limit and (nodes := next(shapes, None)):
            made = split(replaced(graph, layers, {index: nodes}))
            cycles = max(fastest(made)[index : index + 1 + len(made) - len(layers)])
            if cycles < best:
                best, chosen[index] = cycles, nodes
    return replaced(graph, layers, chosen) if chosen else graph


def replaced(graph: Graph, layers: Sequence[Layer], chosen: Mapping[int, list[Node]]) -> Graph:
    """The graph with other nodes for some of its layers, by their numbers."""
    made = {layers[i].nodes[0].name: nodes for i, nodes in chosen.items()}
    inside = {n.name for i in chosen for n in layers[i].nodes}
    nodes = [n for node in graph.nodes if node.name in made or node.name not in inside
             for n in made.get(node.name, [node])]  # fmt: skip
    return graph.with_nodes(tuple(nodes))


def forms(layer: Layer) -> Iterator[list[Node]]:
    """The nodes of a layer for more and more pixels at a time, as far as it can be had."""
    for given in (1, *COUNTS):
        stride = int(layer.window.op.stride[1]) if layer.window and isinstance(layer.window.op, Window) else 1
        for taken in sorted({given, given * stride}):
            if nodes := form(layer, taken, given):
                yield nodes


def form(layer: Layer, taken: int, given: int) -> list[Node]:
    """The nodes of a layer that takes so many pixels at a time and gives so many; none if that cannot be."""
    if not layer.nodes or layer.several or layer.shared > 1:
        return []
    if layer.head is not None and isinstance(layer.head.op, Writable):
        return []
    if layer.kind in (Kind.MOVE, Kind.TOTAL):
        assert layer.head is not None
        return _MOVES[type(layer.head.op)](layer, taken) if type(layer.head.op) in _MOVES else []
    return _layer(layer, taken, given) if _fits(layer, taken, given) else []


def _fits(layer: Layer, taken: int, given: int) -> bool:
    """Whether a layer that computes can have neighbouring pixels in one."""
    if taken == 1 or any(len(o.type.shape) != 3 or o.type.shape[1] % taken for o in layer.operands):
        return False
    if len(layer.y.shape) != 3 or layer.y.shape[1] % given:
        return False
    op = layer.head.op if layer.head else None
    if layer.window is None:
        return taken == given and not (isinstance(op, Dense) and _matrix(layer, taken, given)[1].size > LARGEST)
    if layer.head is not None and layer.head.inputs != (layer.window.name,):
        return False  # this window stands in no graph
    if given > 1 and isinstance(op, Dense):
        return _matrix(layer, taken, given)[1].size <= LARGEST
    return layer.taps * given <= MOST_PICKED and (op is not None or 1 in (given, layer.taps))


class _Chain:
    """Nodes behind one another, made for a layer's."""

    def __init__(self, node: Node, inputs: Sequence[str]) -> None:
        self.node, self.inputs, self.nodes = node, tuple(inputs), list[Node]()

    def add(self, op: Op, name: str = "") -> Self:
        """One more, under a name of its own if none is given."""
        name = name or f"{self.node.name}_{op.mnemonic}{len(self.nodes)}"
        self.nodes.append(Node(name, op, self.inputs, self.node.type, self.node.origin))
        self.inputs = (name,)
        return self

    def shape(self, *shape: int, name: str = "") -> Self:
        return self.add(Reshape(np.array(shape)), name)

    def done(self, y: TensorType) -> list[Node]:
        """All of them, the last with the name and shape of the node."""
        return self.shape(*y.shape, name=self.node.name).nodes


def _layer(layer: Layer, taken: int, given: int) -> list[Node]:
    """The nodes of a layer on wide pixels, between reshapes."""
    first = layer.nodes[0]
    made: list[Node] = []
    inputs: list[str] = []
    for k, (name, operand) in enumerate(zip(first.inputs, layer.operands, strict=True)):
        rows, columns, channels = operand.type.shape
        op = Reshape(np.array([rows, columns // taken, channels * taken]))
        made.append(Node(f"{first.name}_in{k}", op, (name,), operand.type, first.origin))
        inputs.append(made[-1].name)
    for node in layer.nodes:
        op = node.op
        if node is layer.window:
            assert isinstance(op, Window)
            op = replace(op, pixels=np.array([taken, given]))
            if given > 1 and layer.head is not None and isinstance(layer.head.op, Dense):
                op = op.wide(_wide(layer.x, taken))
        elif node is layer.head:
            op = _head(layer, taken, given)
        made.append(replace(node, name=f"{node.name}_x{given}", op=op, inputs=tuple(inputs)))
        inputs = [made[-1].name]
    shape = Reshape(np.array(layer.y.shape))
    return [*made, Node(layer.value, shape, tuple(inputs), layer.y, layer.nodes[-1].origin)]


def _head(layer: Layer, taken: int, given: int) -> Op:
    """A layer's head for so many pixels at a time."""
    assert layer.head is not None
    op = layer.head.op
    if isinstance(op, Dense) and given > 1:
        return Dense(_matrix(layer, taken, given)[1], np.tile(op.bias, given))
    if isinstance(op, Depthwise):
        return Depthwise(np.tile(op.weight, (1, given)), np.tile(op.bias, given))
    return replace(op, pixels=given, run=layer.x.vector) if isinstance(op, Xnor) else op


def _wide(x: TensorType, taken: int) -> TensorType:
    rows, columns, channels = x.shape
    return x.with_shape((rows, columns // taken, channels * taken))


def _matrix(layer: Layer, taken: int, given: int) -> tuple[Window | None, Codes]:
    """The weights of `given` neighbouring results, over all taps of the window of `taken` pixels a word."""
    assert layer.head is not None and isinstance(layer.head.op, Dense)
    weight, wide = layer.head.op.weight, None
    picks, places = list(range(given)), taken
    if layer.window is not None:
        assert isinstance(layer.window.op, Window)
        several, x = replace(layer.window.op, pixels=np.array([taken, given])), _wide(layer.x, taken)
        picks, wide = several.picks(x), several.wide(x)
        places *= wide.taps
    found = np.zeros((given, len(weight), places, layer.x.vector), np.int64)
    taps = weight.reshape(len(weight), -1, layer.x.vector)
    for k, place in enumerate(picks):
        tap, result = divmod(k, given)
        found[result, :, place] = taps[:, tap]
    return wide, found.reshape(given * len(weight), -1)


def _total(layer: Layer, count: int) -> list[Node]:
    """A total of vectors of `count` pixels each, and a pooling of what these come to."""
    node, x = layer.head, layer.x
    assert node is not None and isinstance(node.op, Total)
    positions = x.size // x.vector
    if count == 1 or positions % count:
        return []
    chain = _Chain(node, node.inputs).shape(positions // count, count * x.vector).add(node.op)
    chain.add(Pool(count, node.op.largest), node.name)
    return [*chain.nodes, *layer.tail]


def _concat(layer: Layer, count: int) -> list[Node]:
    """The pixels of either operand behind one another, and then in turn."""
    node, y = layer.head, layer.y
    assert node is not None
    if count == 1 or len(y.shape) != 3 or y.shape[1] % count or y.vector * count > MOST_PICKED:
        return []
    made = [_Chain(replace(node, name=f"{node.name}_in{k}"), [name]).done(_wide(o.type, count))[0]
            for k, (name, o) in enumerate(zip(node.inputs, layer.operands, strict=True))]  # fmt: skip
    first = layer.operands[0].type.vector * count
    a, b = np.arange(first).reshape(count, -1), np.arange(first, y.vector * count).reshape(count, -1)
    chain = _Chain(node, [n.name for n in made]).add(node.op).add(Pick(np.concatenate([a, b], axis=1).reshape(-1)))
    return [*made, *chain.done(y)]


def _repeat(layer: Layer, count: int) -> list[Node]:
    """Rows are repeated as they are; wires repeat the pixels of a row."""
    node, x = layer.head, layer.x
    assert node is not None and isinstance(node.op, Repeat)
    op = node.op
    if x.shape[1] % count or count == op.columns == 1 or x.vector * count * op.columns > MOST_PICKED:
        return []
    chain = _Chain(node, node.inputs).shape(*_wide(x, count).shape)
    if op.rows > 1:
        chain.add(Repeat(op.rows, 1))
    if op.columns > 1:
        pixels = np.arange(count * x.vector).reshape(count, 1, -1)
        chain.add(Pick(np.tile(pixels, (1, op.columns, 1)).reshape(-1)))
    return chain.done(layer.y)


def _permute(layer: Layer, count: int) -> list[Node]:
    """Two axes change places: `count` of the longer one stay together, and wires put these in order before or after."""
    node, x = layer.head, layer.x
    assert node is not None and isinstance(node.op, Permute)
    loops, run = node.op.loops(x), node.op.run(x)
    if count == 1 or len(loops) != 2 or loops[0][1] != run or loops[1][1] != run * loops[0][0]:
        return []
    (columns, _), (rows, _) = loops
    long, short = max(rows, columns), min(rows, columns)
    if long % count or short * count * run > MOST_PICKED:
        return []
    blocks, order = x.size // (rows * columns * run), np.array([0, 2, 1, 3])
    chain = _Chain(node, node.inputs)
    if rows > columns:
        chain.shape(blocks * rows // count, count * columns * run).add(_turned(count, columns, run))
        if rows > count:
            chain.shape(blocks, rows // count, columns, count * run).add(Permute(order))
    else:
        if columns > count:
            chain.shape(blocks, rows, columns // count, count * run).add(Permute(order))
        chain.shape(blocks * columns // count, rows * count * run).add(_turned(rows, count, run))
    return chain.done(layer.y)


def _turned(rows: int, columns: int, run: int) -> Pick:
    """Two axes of vectors of as many runs change places."""
    return Pick(np.arange(rows * columns * run).reshape(rows, columns, run).swapaxes(0, 1).reshape(-1))


_MOVES: dict[type[Op], Callable[[Layer, int], list[Node]]] = {
    Total: _total, Concat: _concat, Repeat: _repeat, Permute: _permute,
}  # fmt: skip
