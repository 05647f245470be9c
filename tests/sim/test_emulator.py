"""The emulator gives what the reference gives."""

import numpy as np
import pytest

from bitwright.builder import FixedPoint
from bitwright.ir.graph import evaluate
from bitwright.lowering.manager import run_passes
from bitwright.lowering.passes import PIPELINE
from bitwright.sim.emulator import Emulator
from tests.spatial.circuits import random_circuit, samples


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
