"""Circuits as large as they can be: with branches, poolings and depthwise convolutions, and two streams that meet in front."""

import numpy as np
import pytest

from bitwright.ir.graph import Graph, Node, evaluate
from bitwright.ir.op import Op
from bitwright.ir.types import IntType, TensorType
from bitwright.lowering.folding import Budget
from bitwright.lowering.layers import Circuits, Spatial, split
from bitwright.lowering.manager import run_passes
from bitwright.lowering.passes import PIPELINE
from bitwright.lowering.plain import lower_plain
from bitwright.ops.add import Add
from bitwright.ops.concat import Concat
from bitwright.ops.dense import Dense
from bitwright.ops.depthwise import Depthwise
from bitwright.ops.pool import Pool
from bitwright.ops.reshape import Reshape
from bitwright.ops.shift import Shift
from bitwright.ops.total import Total
from bitwright.ops.window import Window
from bitwright.sim import reference
from bitwright.spatial.simulate import run
from tests.harness import build, check, check_cpp, written
from tests.networks import random_images, random_network
from tests.spatial.circuits import random_circuit

ALL = Spatial(Circuits.MUST, 5.0)
SMALL = Budget(lut=20000, ff=40000, bram36=50, dsp=0, stream_bits=64)


class Net:
    """A graph under construction; every value has a number."""

    def __init__(self, *shape: int, bits: int = 4) -> None:
        self.rng = np.random.default_rng(0)
        self.x = TensorType.of(shape, IntType(bits, False))
        self.nodes: list[Node] = []

    def add(self, op: Op, *operands: str) -> str:
        types = {"x": self.x} | {n.name: n.type for n in self.nodes}
        inputs = operands or (self.nodes[-1].name if self.nodes else "x",)
        self.nodes.append(Node(f"v{len(self.nodes)}", op, inputs, op.infer(*(types[i] for i in inputs))))
        return self.nodes[-1].name

    def dense(self, rows: int, source: str) -> str:
        """A dense layer and its requantiser."""
        columns = next((n.type for n in self.nodes if n.name == source), self.x).vector
        self.add(Dense(self.rng.integers(-2, 3, (rows, columns)), self.rng.integers(-9, 9, rows)), source)
        return self.add(Shift(np.zeros(1, np.int64), 0, 2, 0, 15))

    def conv(self, rows: int, source: str, size: int = 3) -> str:
        edge = size // 2
        return self.dense(rows, self.window(source, (size, size), (1, 1), edge))

    def window(self, source: str, kernel: tuple[int, int], stride: tuple[int, int], edge: int = 0) -> str:
        return self.add(Window(np.array(kernel), np.array(stride), np.ones(2, np.int64), np.full(4, edge), 0), source)

    def clip(self) -> str:
        return self.add(Shift(np.zeros(1, np.int64), 0, 0, 0, 15))

    @property
    def graph(self) -> Graph:
        return run_passes(Graph({"x": self.x}, tuple(self.nodes), (self.nodes[-1].name,)), PIPELINE)


def residual_vectors() -> Net:
    net = Net(6)
    first = net.dense(6, "x")
    second = net.dense(6, first)
    net.add(Add(1, 1, 0), net.dense(6, second), first)
    net.dense(4, net.clip())
    return net


def branches() -> Net:
    net = Net(5)
    left, right = net.dense(3, "x"), net.dense(4, "x")
    net.dense(5, net.add(Concat(), left, right))
    return net


def residual_images() -> Net:
    net = Net(5, 6, 3)
    start = net.conv(4, "x")
    net.add(Add(1, 3, -2), net.conv(4, net.conv(4, start)), start)
    net.add(Shift(np.zeros(1, np.int64), 0, 2, 0, 15))
    return net


def downsampled() -> Net:
    """Both branches have windows; their operands have other widths."""
    net = Net(6, 6, 2, bits=6)
    left = net.dense(3, net.window("x", (3, 3), (2, 2), 1))
    net.add(Dense(net.rng.integers(-2, 3, (3, 2)), np.zeros(3, np.int64)), net.window("x", (1, 1), (2, 2)))
    right = net.add(Shift(np.zeros(1, np.int64), 0, 1, 0, 63))
    net.add(Add(1, 1, 0), net.add(Pool(1, True), left), right)
    net.clip()
    return net


def separable() -> Net:
    net = Net(5, 5, 3)
    net.window("x", (3, 3), (1, 1), 1)
    net.add(Depthwise(net.rng.integers(-3, 4, (9, 3)), net.rng.integers(-5, 5, 3)))
    net.dense(4, net.add(Shift(np.zeros(1, np.int64), 0, 2, -8, 7)))
    return net


def pooled(largest: bool) -> Net:
    net = Net(6, 6, 2)
    net.conv(3, "x")
    net.window(net.nodes[-1].name, (2, 2), (2, 2))
    net.dense(4, net.add(Pool(4, largest)))
    return net


def whole() -> Net:
    """A small residual network from pixels to classes."""
    net = Net(6, 6, 2)
    start = net.conv(4, "x")
    net.add(Add(1, 1, 0), net.conv(4, start), start)
    net.window(net.clip(), (2, 2), (2, 2))
    net.conv(4, net.add(Pool(4, True)), 1)
    net.add(Total(False))
    net.add(Shift(np.zeros(1, np.int64), 0, 3, 0, 15))
    net.add(Reshape(np.array([4])))
    net.add(Dense(net.rng.integers(-8, 9, (3, 4)), np.zeros(3, np.int64)))
    return net


NETS = {
    "residual_vectors": (residual_vectors, ["dense+shift+dense+shift+dense+shift+add+shift+dense+shift"]),
    "branches": (branches, ["dense+shift+dense+shift+concat+dense+shift"]),
    "residual_images": (residual_images, ["window+dense+shift"] * 2 + ["window+dense+shift+add+shift"]),
    "downsampled": (downsampled, ["window+dense+shift", "window+dense+shift+pool+add+shift"]),
    "separable": (separable, ["window+depthwise+shift+dense+shift"]),
    "greatest": (lambda: pooled(True), ["window+dense+shift", "window+pool+dense+shift"]),
    "average": (lambda: pooled(False), ["window+dense+shift", "window+pool+dense+shift"]),
    "whole": (
        whole,
        ["window+dense+shift", "window+dense+shift+add+shift", "window+pool+dense+shift", "total", "shift+dense"],
    ),
}


@pytest.mark.parametrize("name", NETS)
def test_rtl_of_large_circuits(name, tmp_path):
    make, stages = NETS[name]
    made = build(make().graph, tmp_path, None, spatial=ALL)
    assert [s.op for s in made.lowered.netlist.stages] == stages
    assert all(s.engine == "spatial" or s.op == "total" for s in made.lowered.netlist.stages)
    check(made, frames=5)
    check_cpp(made, tmp_path / "hls", frames=5)


def test_neighbours_that_become_circuits_are_one(tmp_path):
    """With a budget without DSP slices the solver makes circuits of all that have weights."""
    made = build(residual_vectors().graph, tmp_path, None, SMALL, Spatial(Circuits.MAY, 5.0))
    assert [s.op for s in made.lowered.netlist.stages] == NETS["residual_vectors"][1]
    check(made, frames=5)
    check_cpp(made, tmp_path / "hls", frames=5)


def test_branches_behind_ports_without_a_handshake(tmp_path):
    graph = residual_vectors().graph
    check(written(graph, lower_plain(graph, ALL), tmp_path), frames=12)


@pytest.mark.parametrize("seed", [3, 8, 9])
def test_rtl_of_mixed_designs(seed, tmp_path):
    graph = run_passes((random_images if seed % 2 else random_network)(seed), PIPELINE)
    made = build(graph, tmp_path, None, SMALL, Spatial(Circuits.MAY, 5.0))
    assert len({s.engine for s in made.lowered.netlist.stages}) > 1
    check(made, frames=5)


@pytest.mark.parametrize("seed", range(150))
def test_cones_compute_what_their_nodes_say(seed):
    graph = run_passes((random_images if seed % 3 else random_circuit)(seed), PIPELINE)
    values = evaluate(graph, {"x": reference.random_codes(graph.types["x"], 4, seed)})
    for layer in split(graph, ALL):
        if not layer.cone:
            continue
        vectors = [values[name].reshape(-1, o.type.vector) for name, o in zip(layer.names, layer.operands, strict=True)]
        if layer.window is not None:
            vectors[0] = values[layer.window.name].reshape(-1, layer.inner.vector)
        found = run(layer.unit.network, np.concatenate(vectors, axis=1), layer.unit.cells)
        np.testing.assert_array_equal(found, values[layer.value].reshape(-1, layer.rows))
