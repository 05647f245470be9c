"""The emulator gives what the reference gives."""

import numpy as np
import pytest

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
