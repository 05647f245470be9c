"""Neurons with few weights add up sums that they have in common."""

import numpy as np
import pytest

from bitwright.ir.graph import evaluate
from bitwright.ir.op import Op
from bitwright.ir.types import IntType, TensorType
from bitwright.ops.dense import Dense
from bitwright.ops.xnor import Xnor
from bitwright.spatial.build import Network, built
from bitwright.spatial.circuit import SHALLOW, Row, live, reads
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
    assert sum(inputs.issuperset(reads(c)) for c in network.circuit.cells) == 3 * 4


def test_a_sum_that_one_neuron_alone_has_is_not_shared():
    x = TensorType.of((9,), BIT)
    graph = chain(x, [of(np.array([[1, 0, 1, 1, 0, 0, 1, 1, 1]]))])
    plain, sharing = (built(x, graph.nodes, heaps) for heaps in (SHALLOW, SHARED))
    assert sharing.circuit.cells == plain.circuit.cells
