"""Networks of a format a channel: floats, the reference, the circuit and the emulator give the same."""

import numpy as np
import pytest

from bitwright.ir.graph import evaluate
from bitwright.lowering.manager import run_passes
from bitwright.lowering.passes import PIPELINE
from bitwright.sim.emulator import Emulator
from bitwright.spatial.simulate import run
from bitwright.spatial.unit import unit
from tests.spatial.networks import network, random_arrays


@pytest.mark.parametrize("seed", range(8))
def test_random_networks(seed: int) -> None:
    arrays = random_arrays(seed)
    net, codes = network(arrays)
    expected = np.rint(arrays["y"] / net.output_scale).astype(np.int64)
    graph = run_passes(net.graph, PIPELINE)
    np.testing.assert_array_equal(evaluate(graph, {"x": codes})[graph.outputs[0]], expected)
    np.testing.assert_array_equal(Emulator(graph).run(codes), expected)
    made = unit(graph.nodes, graph.inputs["x"], 1e9)
    np.testing.assert_array_equal(run(made.network, codes, made.cells), expected)
