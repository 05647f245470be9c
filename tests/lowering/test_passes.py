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
from bitwright.ops.dense import Dense
from bitwright.ops.threshold import Threshold
from bitwright.ops.xnor import Xnor
from bitwright.sim import reference
from tests.networks import random_network


def same_meaning(step, before, after):
    (source,) = before.inputs
    codes = reference.random_codes(before.inputs[source], 40, 5)
    np.testing.assert_array_equal(reference.run(before, codes), reference.run(after, codes), str(step))


@pytest.mark.parametrize("seed", range(60))
def test_passes_keep_the_meaning(seed):
    run_passes(random_network(seed), PIPELINE, same_meaning)


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
