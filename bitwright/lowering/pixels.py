"""Several pixels a cycle: a layer that is too slow at its largest parallelism works on neighbouring pixels at a time.

M neighbouring pixels of a row become one of M times the channels. The elements keep their order, so this is a reshape. The
matrix of a convolution then has a block of rows for each of M neighbouring results, with zeros where a result's window does not
reach: where a multiplier meets nothing else it is left out. Constants of elementwise operators come round anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ..ir.graph import Graph, Node
from ..ir.op import Codes
from ..ops.dense import Dense
from ..ops.depthwise import Depthwise
from ..ops.reshape import Reshape
from ..ops.window import Window
from .layers import Kind, Layer, split

COUNTS = (2, 4, 8)
"""Pixels at a time that are tried."""

LARGEST = 1 << 14
"""Weights of a matrix that this may make, zeros and all: units that multiply by more take tools long to build."""


def widened(graph: Graph, fastest: Callable[[Sequence[Layer]], Sequence[int]], limit: int) -> Graph:
    """The graph with as few pixels at a time as bring each layer within `limit` cycles at its largest parallelism.

    `fastest` gives these cycles for every layer. Where no number does, a layer stays as it is.
    """
    layers = split(graph)
    chosen: dict[int, int] = {}
    for index, cycles in enumerate(fastest(layers)):
        if cycles <= limit:
            continue
        for count in (n for n in COUNTS if fits(layers[index], n)):
            if fastest(split(widen(graph, layers, {index: count})))[index] <= limit:
                chosen[index] = count
                break
    return widen(graph, layers, chosen) if chosen else graph


def fits(layer: Layer, count: int) -> bool:
    """Whether `count` neighbouring pixels of a layer's operands, and of its result, can be one."""
    if layer.kind not in (Kind.MATVEC, Kind.LANES, Kind.STREAM, Kind.JOIN) or not layer.nodes:
        return False
    types = [*(o.type for o in layer.operands), layer.y]
    if any(len(t.shape) != 3 or t.shape[1] % count for t in types):
        return False
    if layer.head is None or layer.kind is Kind.JOIN:
        return layer.window is None
    if not isinstance(layer.head.op, Dense | Depthwise):
        return False
    if layer.window is not None and layer.head.inputs != (layer.window.name,):
        return False  # this window stands in no graph
    return _matrix(layer, count).size <= LARGEST


def widen(graph: Graph, layers: Sequence[Layer], counts: Mapping[int, int]) -> Graph:
    """The graph with so many pixels at a time in some of its layers, by their numbers; each of them `fits`."""
    wide = {layers[i].nodes[0].name: _layer(layers[i], count) for i, count in counts.items()}
    inside = {n.name for i in counts for n in layers[i].nodes}
    nodes = [n for node in graph.nodes if node.name in wide or node.name not in inside
             for n in wide.get(node.name, [node])]  # fmt: skip
    return graph.with_nodes(tuple(nodes))


def _layer(layer: Layer, count: int) -> list[Node]:
    """The nodes of a layer on wide pixels, between reshapes."""
    first = layer.nodes[0]
    made: list[Node] = []
    inputs: list[str] = []
    for k, (name, operand) in enumerate(zip(first.inputs, layer.operands, strict=True)):
        rows, columns, channels = operand.type.shape
        op = Reshape(np.array([rows, columns // count, channels * count]))
        made.append(Node(f"{first.name}_in{k}", op, (name,), operand.type, first.origin))
        inputs.append(made[-1].name)
    for node in layer.nodes:
        op = node.op
        if node is layer.window:
            assert isinstance(op, Window)
            op = _window(op, layer, count)
        elif node is layer.head and isinstance(op, Dense | Depthwise):
            op = Dense(_matrix(layer, count), np.tile(op.bias, count))
        made.append(replace(node, name=f"{node.name}_x{count}", op=op, inputs=tuple(inputs)))
        inputs = [made[-1].name]
    shape = Reshape(np.array(layer.y.shape))
    return [*made, Node(layer.value, shape, tuple(inputs), layer.y, layer.nodes[-1].origin)]


def _reach(op: Window, count: int) -> tuple[int, int]:
    """The first and the last wide pixel, across, of the first wide window."""
    left, across = int(op.pads[1]), (int(op.kernel[1]) - 1) * int(op.dilation[1])
    return -left // count, ((count - 1) * int(op.stride[1]) - left + across) // count


def _window(op: Window, layer: Layer, count: int) -> Window:
    """The window over wide pixels that reaches all that `count` neighbouring windows need."""
    first, last = _reach(op, count)
    columns, taps = layer.inner.shape[1] // count, last - first + 1
    right = (columns - 1) * int(op.stride[1]) + taps + first - layer.x.shape[1] // count
    top, _, bottom, _ = op.pads.tolist()
    return Window(
        np.array([op.kernel[0], taps]), op.stride, np.array([op.dilation[0], 1]), np.array([top, -first, bottom, right]),
        op.pad,
    )  # fmt: skip


def _matrix(layer: Layer, count: int) -> Codes:
    """The weights of `count` neighbouring results, over all taps of a wide window."""
    assert layer.head is not None and isinstance(layer.head.op, Dense | Depthwise)
    op, channels = layer.head.op, layer.x.vector
    weight = op.weight
    if isinstance(op, Depthwise):
        weight = (op.weight.T[:, :, None] * np.eye(channels, dtype=np.int64)[:, None]).reshape(channels, -1)
    down, across, stride, dilation, left, first, last = 1, 1, 1, 1, 0, 0, 0
    if layer.window is not None:
        assert isinstance(layer.window.op, Window)
        window = layer.window.op
        (down, across), stride, dilation = window.kernel.tolist(), int(window.stride[1]), int(window.dilation[1])
        left, (first, last) = int(window.pads[1]), _reach(window, count)
    found = np.zeros((count, len(weight), down, last - first + 1, count, channels), np.int64)
    taps = weight.reshape(len(weight), down, across, channels)
    for phase in range(count):
        for tap in range(across):
            pixel, place = divmod(phase * stride - left + tap * dilation, count)
            found[phase, :, :, pixel - first, place] = taps[:, :, tap]
    return found.reshape(count * len(weight), -1)
