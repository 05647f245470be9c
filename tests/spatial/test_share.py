"""What neurons have in common is built once, and what is constant not at all."""

import numpy as np
import pytest

from bitwright.ir.graph import evaluate
from bitwright.ir.op import Op
from bitwright.ir.types import IntType, TensorType
from bitwright.ops.dense import Dense
from bitwright.ops.shift import Shift
from bitwright.ops.xnor import Xnor
from bitwright.spatial.build import Network, built
from bitwright.spatial.circuit import SHALLOW, Lut, Row, live, reads
from bitwright.spatial.places import luts
from bitwright.spatial.proof import prove
from bitwright.spatial.simulate import run
from bitwright.spatial.unit import SHARED, unit
from tests.spatial.circuits import chain, samples

BIT = IntType(1, False)


def of(weight: np.ndarray) -> Op:
    zero = np.zeros(len(weight), np.int64)
    return Dense(weight, zero) if weight.min() < 0 else Xnor(weight, zero)


def area(network: Network) -> int:
    outputs = [b for w in network.words for b in w.bits]
    return sum(luts(c) if isinstance(c, Row) else 1 for c in live(network.circuit, outputs))


@pytest.mark.parametrize(
    ("low", "high", "elem", "most"),
    [(0, 2, BIT, 0.65), (-1, 2, BIT, 0.75), (-2, 2, BIT, 0.95), (-1, 2, IntType(2, False), 0.9), (-1, 2, IntType(3, True), 0.9)],
)  # fmt: skip
def test_few_weights_share_sums(low, high, elem, most):
    rng = np.random.default_rng(0)
    x = TensorType.of((48,), elem)
    graph = chain(x, [of(rng.integers(low, high, (40, 48)))])
    plain, sharing = (built(x, graph.nodes, heaps) for heaps in (SHALLOW, SHARED))
    prove(sharing.circuit)
    codes = samples(x, 512, 1)
    np.testing.assert_array_equal(run(sharing, codes), evaluate(graph, {"x": codes})["v0"])
    assert area(sharing) < most * area(plain)
    made = unit(graph.nodes, x, 1e9)
    assert len(made.network.circuit.cells) == len(sharing.circuit.cells)


def test_three_inputs_have_four_counts():
    """All sign patterns of nine bits: no three of them are added up more than four times."""
    x = TensorType.of((9,), BIT)
    weight = np.arange(512)[:, None] >> np.arange(9) & 1
    network = built(x, chain(x, [of(weight)]).nodes, SHARED)
    inputs = set(network.circuit.inputs)
    assert sum(isinstance(c, Row) and inputs.issuperset(reads(c)) for c in network.circuit.cells) == 3 * 4


def test_a_sum_that_one_neuron_alone_has_is_not_shared():
    x = TensorType.of((9,), BIT)
    graph = chain(x, [of(np.array([[1, 0, 1, 1, 0, 0, 1, 1, 1]]))])
    plain, sharing = (built(x, graph.nodes, heaps) for heaps in (SHALLOW, SHARED))
    assert sharing.circuit.cells == plain.circuit.cells


def test_minus_a_sum_is_its_inverse():
    """-x - 1 of a sum x takes nothing, and another constant a row; so does a neuron that differs in its bias alone."""
    rng = np.random.default_rng(0)
    x = TensorType.of((8,), IntType(6, True))
    row = rng.integers(-15, 16, (1, 8))

    def network(rows: list[np.ndarray], bias: list[int]) -> Network:
        graph = chain(x, [Dense(np.vstack(rows), np.array(bias))])
        found = built(x, graph.nodes, SHARED)
        prove(found.circuit)
        codes = samples(x, 256, 2)
        np.testing.assert_array_equal(run(found, codes), evaluate(graph, {"x": codes})["v0"])
        return found

    one = network([row], [5])
    assert len(network([row, -row], [5, -6]).circuit.cells) == len(one.circuit.cells)
    assert len(network([row, -row], [5, 7]).circuit.cells) == len(one.circuit.cells) + 1
    assert len(network([row, row], [5, 8]).circuit.cells) == len(one.circuit.cells) + 1


def test_neurons_that_are_constant_take_nothing():
    """Of weights that are zero, or behind a saturation that they never leave."""
    rng = np.random.default_rng(1)
    x = TensorType.of((6,), IntType(4, True))
    weight, bias, after = rng.integers(-7, 8, (5, 6)), np.array([9, 9, 9, 9, 9000]), rng.integers(-7, 8, (4, 5))
    weight[3] = 0
    clip = Shift(np.zeros(1, np.int64), 0, 1, 0, 7)
    whole = chain(x, [Dense(weight, bias), clip, Dense(after, np.zeros(4, np.int64))])
    known = 4 * after[:, 3] + 7 * after[:, 4]
    part = chain(x, [Dense(weight[:3], bias[:3]), clip, Dense(after[:, :3], known)])
    assert area(built(x, whole.nodes)) == area(built(x, part.nodes))


def test_a_relu_is_in_the_rows_that_read_it():
    """Two numbers and two signs fit the LUTs of a row: of twelve gates one is left, where the carry chain begins."""
    x = TensorType.of((4,), IntType(6, True))
    relu = Shift(np.zeros(1, np.int64), 0, 0, 0, 1 << 40)
    first = Dense(np.array([[1, 1, 0, 0], [0, 0, 1, 1]]), np.zeros(2, np.int64))
    graph = chain(x, [first, relu, Dense(np.array([[1, 1]]), np.zeros(1, np.int64))])
    made = unit(graph.nodes, x, 1e9)
    assert sum(isinstance(c, Lut) for c in made.cells) == 1
    codes = samples(x, 256, 3)
    np.testing.assert_array_equal(run(made.network, codes, made.cells), evaluate(graph, {"x": codes})["v2"])
