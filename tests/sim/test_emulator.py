"""The emulator gives what the reference gives."""

import numpy as np
import pytest

from bitwright.builder import FixedPoint
from bitwright.ir.graph import evaluate
from bitwright.ir.types import IntType, TensorType
from bitwright.lowering.manager import run_passes
from bitwright.lowering.passes import PIPELINE
from bitwright.ops.dense import Dense
from bitwright.ops.shift import Shift
from bitwright.sim.emulator import Emulator
from tests.spatial.circuits import chain, random_circuit, samples


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("passes", [(), PIPELINE])
def test_random_networks(seed, passes):
    graph = run_passes(random_circuit(seed), passes)
    (source,) = graph.inputs
    codes = samples(graph.inputs[source], 1500, seed)
    np.testing.assert_array_equal(Emulator(graph).run(codes), evaluate(graph, {source: codes})[graph.outputs[0]])


def test_channels_of_no_bits_and_blocks_that_are_not_full():
    """A channel that is wrapped to nothing has any scale; samples come in blocks, those in parts."""
    rng = np.random.default_rng(5)
    net = FixedPoint([1] * 20, 6, 1)
    net.dense(rng.integers(-40, 40, (20, 80)) * 0.25, rng.integers(-99, 99, 80) * 0.25)
    net.relu()
    net.quantize([0] * 80, rng.integers(1, 9, 80), np.where(rng.random(80) < 0.3, -40, rng.integers(-2, 3, 80)))
    net.dense(rng.integers(-9, 9, (80, 70)), rng.integers(-9, 9, 70))
    graph = run_passes(net.graph, PIPELINE)
    emulator = Emulator(graph)
    for count in (1, 63, emulator.block, emulator.block + 67):
        codes = rng.integers(-128, 128, (count, 20))
        np.testing.assert_array_equal(emulator.run(codes), evaluate(graph, {"x": codes})[graph.outputs[0]])


def test_many_weights_of_one_bit():
    """More products than one core does at once, of samples that do not lie beside each other."""
    rng = np.random.default_rng(6)
    net = FixedPoint([0] * 300, 1, 0)
    net.dense(2 * rng.integers(0, 2, (300, 70)) - 1, rng.integers(-9, 9, 70))
    graph = run_passes(net.graph, PIPELINE)
    codes = rng.integers(0, 2, (150, 600))
    found = evaluate(graph, {"x": codes[:, ::2]})[graph.outputs[0]]
    emulator = Emulator(graph)
    np.testing.assert_array_equal(emulator.run(codes[:, ::2]), found)
    np.testing.assert_array_equal(emulator.run(np.asfortranarray(codes[::-2, ::2])), found[::-2])


def test_channels_that_never_change():
    """Those between two layers are left out, and so are those that the second layer has no weights for; one stays."""
    rng = np.random.default_rng(7)
    x = TensorType.of((3,), IntType(4, True))
    first = Dense(rng.integers(-5, 6, (6, 3)) * np.array([[1], [0], [1], [0], [1], [1]]), rng.integers(-9, 9, 6))
    for read in ([1, 1, 0, 1, 0, 1], [0, 1, 0, 1, 0, 0], [0] * 6):
        last = Dense(rng.integers(1, 5, (4, 6)) * read, rng.integers(-9, 9, 4))
        graph = chain(x, [first, Shift(np.array([3, -2]), 0, 1, -6, 9), last])
        codes = rng.integers(-8, 8, (99, 3))
        (out,) = graph.outputs
        np.testing.assert_array_equal(Emulator(graph).run(codes), evaluate(graph, {"x": codes})[out])


@pytest.mark.parametrize("limit", [(1 << 24) + 1, (1 << 40) + 1, -(1 << 40) - 1])
def test_limits_beyond_the_sums(limit: int) -> None:
    """All that a requantiser gives may be a limit that is far greater than the sums."""
    x = TensorType.of((2,), IntType(3, True))
    graph = chain(
        x, [Dense(np.array([[1, 2], [3, -1]]), np.array([1, 0])), Shift(np.array([0]), 0, 1, limit, limit + 1)]
    )
    codes = np.array([[1, 2], [-4, 3]])
    (out,) = graph.outputs
    np.testing.assert_array_equal(Emulator(graph).run(codes), evaluate(graph, {"x": codes})[out])


def test_limits_behind_a_multiplication() -> None:
    x = TensorType.of((2,), IntType(3, True))
    for lo, hi in ((-20, 20), (0, 90), (-90, -1)):
        graph = chain(x, [Dense(np.array([[1, 2], [3, -1]]), np.array([0, 4])), Shift(np.array([0]), 3, 0, lo, hi)])
        codes = np.array([[1, 2], [-4, 3], [3, -4], [0, 0]])
        (out,) = graph.outputs
        np.testing.assert_array_equal(Emulator(graph).run(codes), evaluate(graph, {"x": codes})[out])
