"""Circuits behind ports without a handshake: equal to the reference, in the cycles that were computed."""

import numpy as np
import pytest

from bitwright.errors import CompileError
from bitwright.ir.types import IntType, TensorType
from bitwright.lowering.layers import Circuits, Spatial
from bitwright.lowering.manager import run_passes
from bitwright.lowering.passes import PIPELINE
from bitwright.lowering.plain import lower_plain
from bitwright.ops.dense import Dense
from bitwright.sim import verify
from tests.harness import check, written
from tests.networks import random_images
from tests.spatial.circuits import chain, random_circuit


@pytest.mark.parametrize("seed", range(4))
def test_rtl_of_random_circuits(seed, tmp_path):
    graph = run_passes(random_circuit(seed), PIPELINE)
    lowered = lower_plain(graph, Spatial(Circuits.MUST, [2.5, 5.0, 1000.0][seed % 3]))
    check(written(graph, lowered, tmp_path), frames=20, seed=seed)


def test_several_vectors_a_frame(tmp_path):
    x = TensorType.of((3, 5), IntType(4, True))
    graph = chain(x, [Dense(np.arange(20).reshape(4, 5) - 7, np.arange(4))])
    check(written(graph, lower_plain(graph, Spatial(Circuits.MUST)), tmp_path), frames=12)


def test_a_window_needs_a_handshake():
    with pytest.raises(CompileError, match="no circuit of constants") as caught:
        lower_plain(run_passes(random_images(0), PIPELINE), Spatial(Circuits.MUST))
    assert caught.value.code == "E303"


def test_a_wrong_circuit_is_found(tmp_path):
    """The bench compares: another network's reference does not pass."""
    x = TensorType.of((4,), IntType(4, True))
    graphs = [chain(x, [Dense(np.array([[1, 2, 3, k]]), np.zeros(1, np.int64))]) for k in (4, 5)]
    made = written(graphs[0], lower_plain(graphs[0], Spatial(Circuits.MUST)), tmp_path)
    boundary = made.boundary
    manifest = {"stages": [{"name": "s0", "value": graphs[1].outputs[0], "origin": [], "stream": {
        "wire": "out", "lanes": 1, "vector": 1, "width": boundary.output.tdata, "signed": True}}],
        "queues": [], "latency_cycles": made.lowered.timing.latency_cycles, "frame_cycles": 1}  # fmt: skip
    assert verify.verify(made.rtl, graphs[0], manifest, boundary, 8, 0, 0.2).ok
    found = verify.verify(made.rtl, graphs[1], manifest, boundary, 8, 0, 0.2)
    assert found.mismatches and found.first is not None and found.first.stage == "s0"
