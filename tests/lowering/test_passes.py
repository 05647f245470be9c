"""Every pass keeps the meaning of random graphs, and establishes what it says."""

import numpy as np
import pytest

from bitwright.errors import CompileError
from bitwright.ir.graph import Graph, Node
from bitwright.ir.types import IntType, TensorType
from bitwright.lowering.manager import run_passes
from bitwright.lowering.passes import PIPELINE
from bitwright.lowering.passes.compose_thresholds import compose_thresholds
from bitwright.lowering.passes.dead import drop_dead
from bitwright.lowering.passes.narrow_sums import narrow_sums
from bitwright.lowering.passes.no_moves import no_moves
from bitwright.lowering.passes.prune import prune
from bitwright.lowering.passes.whole_windows import whole_windows
from bitwright.ops.add import Add
from bitwright.ops.dense import Dense
from bitwright.ops.permute import Permute
from bitwright.ops.pool import Pool
from bitwright.ops.repeat import Repeat
from bitwright.ops.threshold import Threshold
from bitwright.ops.window import Window
from bitwright.ops.xnor import Xnor
from bitwright.sim import reference
from tests.networks import random_images, random_network


def same_meaning(step, before, after):
    (source,) = before.inputs
    codes = reference.random_codes(before.inputs[source], 40, 5)
    np.testing.assert_array_equal(reference.run(before, codes), reference.run(after, codes), str(step))


@pytest.mark.parametrize("seed", range(60))
def test_passes_keep_the_meaning(seed):
    run_passes(random_network(seed), PIPELINE, same_meaning)


@pytest.mark.parametrize("seed", range(60))
def test_passes_keep_the_meaning_of_images(seed):
    run_passes(random_images(seed), PIPELINE, same_meaning)


@pytest.mark.parametrize("seed", range(20))
def test_nothing_descends_and_nothing_is_biased_before_a_step(seed):
    graph = run_passes(random_network(seed), PIPELINE[:-1])
    for node in graph.nodes:
        producer = next((n for n in graph.nodes if n.name == node.input), None)
        if isinstance(node.op, Threshold) and producer and isinstance(producer.op, Dense | Xnor):
            assert (node.op.sign > 0).all() and not producer.op.bias.any()


def test_steps_in_a_row_become_one():
    """Rising and falling steps, per channel or for all, in any order."""
    rng = np.random.default_rng(0)
    x = TensorType.of((6,), IntType(7, True))

    def steps(type_: TensorType, count: int) -> Threshold:
        channels = int(rng.choice([1, 6]))
        thresholds = np.sort(rng.integers(type_.min - 2, type_.max + 3, (channels, count)), axis=1)
        return Threshold(thresholds, rng.integers(-3, 3, channels), rng.choice([-1, 1], channels))

    for _ in range(100):
        first = steps(x, int(rng.integers(1, 9)))
        second = steps(first.infer(x), int(rng.integers(1, 9)))
        nodes = (Node("a", first, ("x",), first.infer(x)), Node("b", second, ("a",), second.infer(first.infer(x))))
        graph = run_passes(Graph({"x": x}, nodes, ("b",)), [compose_thresholds], same_meaning)
        assert [n.name for n in graph.nodes] == ["b"]


def test_bipolar_layers_become_xnor():
    x = TensorType.of((9,), IntType(1, False))
    weight = np.random.default_rng(0).choice([-1, 1], (4, 9))
    op = Dense(weight, np.arange(4))
    graph = run_passes(Graph({"x": x}, (Node("y", op, ("x",), op.infer(x)),), ("y",)), PIPELINE, same_meaning)
    assert [n.op.mnemonic for n in graph.nodes] == ["xnor"]


def test_dead_values_go():
    x = TensorType.of((2,), IntType(3, True))
    op = Dense(np.eye(2, dtype=np.int64), np.zeros(2, np.int64))
    nodes = tuple(Node(name, op, ("x",), op.infer(x)) for name in ("a", "b"))
    assert [n.name for n in drop_dead(Graph({"x": x}, nodes, ("b",))).nodes] == ["b"]


def test_what_no_layer_reads_and_what_never_changes_is_not_computed():
    """Of 16 channels one is constant behind its steps, and nine are multiplied by zeros: eight are left of the others."""
    rng = np.random.default_rng(0)
    x = TensorType.of((4, 4, 3), IntType(4, True))
    first = Dense(rng.integers(-8, 8, (16, 3)), np.where(np.arange(16) == 2, 10_000, 0))
    steps = Threshold(np.array([[-5, 0, 5]]), np.array([0]), np.array([1]))
    window = Window(np.array([3, 3]), np.array([1, 1]), np.array([1, 1]), np.zeros(4, np.int64), 0)
    weight = rng.integers(1, 9, (5, 9, 16))
    weight[:, :, 7:] = 0
    net: list[Node] = []
    for op in (first, steps, window, Dense(weight.reshape(5, -1), np.zeros(5, np.int64))):
        here = net[-1].type if net else x
        net.append(Node(f"v{len(net)}", op, (net[-1].name if net else "x",), op.infer(here)))
    graph = run_passes(Graph({"x": x}, tuple(net), ("v3",)), [prune], same_meaning)
    dense = [n.op for n in graph.nodes if isinstance(n.op, Dense)]
    assert [op.weight.shape for op in dense] == [(8, 3), (5, 72)] and dense[1].bias.any()


def test_a_sum_of_streams_gets_short_factors():
    x = TensorType.of((2, 3), IntType(8, True))
    add = Add(23_456_789, 61_234_567, 1_234_567_891)
    steps = Threshold(np.arange(-60, 60)[None] * 99_000_001 + 65_536, np.array([-60]), np.array([1]))
    nodes = (Node("a", add, ("x", "x"), add.infer(x, x)), Node("b", steps, ("a",), steps.infer(add.infer(x, x))))
    graph = run_passes(Graph({"x": x}, nodes, ("b",)), [narrow_sums], same_meaning)
    found = graph.nodes[0].op
    assert isinstance(found, Add) and graph.nodes[1].op.mnemonic == "shift"
    assert abs(found.left) < add.left and abs(found.right) < add.right


@pytest.mark.parametrize("largest", [True, False])
def test_windows_over_the_whole_image_vanish(largest):
    x = TensorType.of((3, 4, 5), IntType(4, True))
    window = Window(np.array([3, 4]), np.array([2, 1]), np.array([1, 1]), np.zeros(4, np.int64), 0)
    pool = Pool(12, largest)
    nodes = (Node("a", window, ("x",), window.infer(x)), Node("b", pool, ("a",), pool.infer(window.infer(x))))
    graph = run_passes(Graph({"x": x}, nodes, ("b",)), [whole_windows], same_meaning)
    assert [n.op.mnemonic for n in graph.nodes] == ["total", "reshape"]
    graph = run_passes(Graph({"x": x}, nodes[:1], ("a",)), [whole_windows], same_meaning)
    assert [n.op.mnemonic for n in graph.nodes] == ["reshape"]


def test_movements_that_move_nothing_vanish():
    x = TensorType.of((1, 4, 5), IntType(4, True))
    nodes: list[Node] = []
    for op in (Permute(np.array([1, 0, 2])), Permute(np.array([1, 0, 2])), Repeat(1, 1), Repeat(2, 1)):
        here = nodes[-1].type if nodes else x
        nodes.append(Node(f"v{len(nodes)}", op, (nodes[-1].name if nodes else "x",), op.infer(here)))
    graph = run_passes(Graph({"x": x}, tuple(nodes), ("v3",)), [no_moves], same_meaning)
    assert [n.op.mnemonic for n in graph.nodes] == ["reshape", "reshape", "repeat"]


def test_a_pass_that_breaks_the_graph_is_caught():
    def broken(graph: Graph) -> Graph:
        return Graph(graph.inputs, graph.nodes[::-1], graph.outputs)

    with pytest.raises(CompileError, match="E102"):
        run_passes(random_network(3), [broken])


def test_a_pass_that_changes_the_meaning_is_caught():
    def wrong(graph: Graph) -> Graph:
        first = graph.nodes[0]
        assert isinstance(first.op, Dense)
        spoiled = Dense(first.op.weight, first.op.bias + 1000)
        return graph.with_nodes((Node(first.name, spoiled, first.inputs, first.type), *graph.nodes[1:]))

    with pytest.raises(AssertionError):
        run_passes(random_network(3), [wrong], same_meaning)


def test_a_window_that_never_meets_the_image_is_refused():
    """Rows −1 and 1 of an image of one row: nothing would ever be read."""
    op = Window(np.array([1, 1]), np.array([2, 1]), np.array([1, 1]), np.array([1, 0, 1, 0]), 0)
    with pytest.raises(CompileError, match="lie in the padding"):
        op.infer(TensorType.of((1, 5, 4), IntType(1, True)))
