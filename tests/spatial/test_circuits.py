"""Circuits of constants compute what the operators say, bit for bit, and their adders are proved."""

import numpy as np
import pytest

from bitwright.errors import CompileError
from bitwright.ir.graph import Graph, evaluate
from bitwright.ir.types import IntType, TensorType
from bitwright.ops.dense import Dense
from bitwright.spatial.absorb import absorbed
from bitwright.spatial.build import built
from bitwright.spatial.circuit import SHALLOW, Heaps, Row, live
from bitwright.spatial.proof import prove
from bitwright.spatial.simulate import run
from bitwright.spatial.unit import SHARED
from tests.spatial.circuits import STEPS, chain, random_circuit, samples, step


def check(graph: Graph, seed: int, heaps: Heaps = SHALLOW, count: int = 512) -> None:
    network = built(graph.inputs["x"], graph.nodes, heaps)
    prove(network.circuit)
    codes = samples(graph.inputs["x"], count, seed)
    values = evaluate(graph, {"x": codes})
    np.testing.assert_array_equal(run(network, codes), values[graph.outputs[0]])
    outputs = [b for w in network.words for b in w.bits]
    cells = absorbed(live(network.circuit, outputs), outputs)
    np.testing.assert_array_equal(run(network, codes, cells), values[graph.outputs[0]])


@pytest.mark.parametrize("heaps", [SHALLOW, SHARED], ids=["plain", "shared"])
@pytest.mark.parametrize("seed", range(100))
def test_random_networks(seed, heaps):
    check(random_circuit(seed), seed, heaps)


@pytest.mark.parametrize("kind", STEPS)
@pytest.mark.parametrize("seed", range(12))
def test_every_step_on_every_code(kind, seed):
    rng = np.random.default_rng(seed)
    x = TensorType.of((3,), IntType(int(rng.integers(2, 8)), bool(seed % 2)))
    sums = Dense(np.diag(rng.choice([-3, 1, 2, 5], 3)), rng.integers(-9, 9, 3))
    graph = chain(x, [sums, *step(kind, rng, sums.infer(x))])
    network = built(x, graph.nodes)
    codes = np.repeat(np.arange(x.min, x.max + 1)[:, None], 3, axis=1)
    np.testing.assert_array_equal(run(network, codes), evaluate(graph, {"x": codes})[graph.outputs[0]])


def test_equal_neurons_are_built_once():
    x = TensorType.of((6,), IntType(4, True))
    rng = np.random.default_rng(0)
    row = rng.integers(-7, 8, (1, 6))
    one = built(x, chain(x, [Dense(row, np.zeros(1, np.int64))]).nodes)
    two = built(x, chain(x, [Dense(np.repeat(row, 5, axis=0), np.zeros(5, np.int64))]).nodes)
    assert len(two.circuit.cells) == len(one.circuit.cells)


@pytest.mark.parametrize("largest", [1, 15])
@pytest.mark.parametrize("seed", range(20))
def test_a_row_that_is_wrong_is_not_proved(seed, largest):
    rng = np.random.default_rng(seed)
    x = TensorType.of((8,), IntType(5, True))
    weight, bias = rng.integers(-largest, largest + 1, (4, 8)), rng.integers(-50, 50, 4)
    network = built(x, chain(x, [Dense(weight, bias)]).nodes, SHARED)
    circuit = network.circuit
    prove(circuit)
    number = int(rng.choice([k for k, c in enumerate(circuit.cells) if isinstance(c, Row)]))
    row = circuit.cells[number]
    assert isinstance(row, Row)
    place = int(rng.choice([k for k, c in enumerate(row.columns) if any(b > 1 for b in c)]))
    bits = list(row.columns[place])
    which = next(i for i, b in enumerate(bits) if b > 1)
    bits[which] = int(rng.choice([0, 1, bits[which] ^ 1]))
    columns = (*row.columns[:place], tuple(bits), *row.columns[place + 1 :])
    circuit.cells[number] = Row(columns, row.nets)
    with pytest.raises(CompileError, match="does not compute its sum"):
        prove(circuit)
