"""Networks whose layers are circuits of constants, whole accelerators in RTL: equal to the reference under stalls."""

from collections.abc import Callable

import numpy as np
import pytest

from bitwright.ir.graph import Graph
from bitwright.ir.types import IntType, TensorType
from bitwright.lowering.layers import Circuits, Spatial
from bitwright.lowering.manager import run_passes
from bitwright.lowering.passes import PIPELINE
from bitwright.ops.dense import Dense
from bitwright.ops.mulshift import MulShift
from tests.harness import Built, build, check
from tests.networks import random_images, random_network
from tests.spatial.circuits import chain, random_circuit


def built(seed: int, folder, network: Callable[[int], Graph]) -> Built:
    """The network of a seed for a clock that the seed chooses, from no register at all to one every few levels."""
    period = float(np.random.default_rng(seed).choice([2.5, 5.0, 10.0, 1000.0]))
    return build(run_passes(network(seed), PIPELINE), folder, None, spatial=Spatial(Circuits.MUST, period))


def count(made: Built, engine: str) -> int:
    return sum(s.engine == engine for s in made.lowered.netlist.stages)


@pytest.mark.parametrize("seed", range(8))
def test_rtl_of_random_circuits(seed, tmp_path):
    made = built(seed, tmp_path, random_circuit)
    assert count(made, "spatial") == len(made.lowered.netlist.stages) == 1
    check(made, frames=40, seed=seed)


@pytest.mark.parametrize("seed", [*range(5), 23])  # 23: few bits are read, in many places
def test_rtl_of_random_networks(seed, tmp_path):
    made = built(seed, tmp_path, random_network)
    assert count(made, "spatial") > 0
    check(made, frames=8, seed=seed)


@pytest.mark.parametrize(
    "seed", [*range(6), 39, 42, 50]
)  # 39, 42: sums shifted out; 50: a window on the shorter branch
def test_rtl_of_random_convolutions(seed, tmp_path):
    made = built(seed, tmp_path, random_images)
    assert not any(s.engine.startswith("folded") for s in made.lowered.netlist.stages)
    check(made, frames=5, seed=seed)


@pytest.mark.long
@pytest.mark.parametrize("network", [random_circuit, random_network, random_images])
@pytest.mark.parametrize("seed", range(20, 60))
def test_rtl_of_many(seed, network, tmp_path):
    print(f"seed {seed}")
    check(built(seed, tmp_path, network), frames=6, seed=seed)


def test_a_sum_that_a_later_layer_has_too(tmp_path):
    """Its bits leave the layer that makes it, though its word holds but some of them."""
    x = TensorType.of((2,), IntType(5, True))
    first = Dense(np.array([[1, 1], [1, 0], [0, 1]]), np.zeros(3, np.int64))
    halved = MulShift(np.array([1, 2, 2]), np.zeros(3, np.int64), 1, -100, 100)
    again = Dense(np.array([[0, 1, 1], [4, 0, 0]]), np.zeros(2, np.int64))
    check(build(chain(x, [first, halved, again]), tmp_path, None, spatial=Spatial(Circuits.MUST, 3.0)), frames=20)


def test_faster_clocks_take_more_registers(tmp_path):
    graph = run_passes(random_circuit(3, largest=20), PIPELINE)
    latency = [build(graph, tmp_path / str(p), None, spatial=Spatial(Circuits.MUST, p)).lowered.timing.latency_cycles
               for p in (1000.0, 10.0, 5.0, 3.0)]  # fmt: skip
    assert latency == sorted(latency) and latency[0] < latency[-1]
