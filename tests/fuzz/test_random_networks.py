"""Random networks through every pass into RTL: equal to the reference under stalls, in exactly the computed cycles."""

from collections.abc import Callable

import numpy as np
import pytest

from bitwright.errors import CompileError
from bitwright.ir.graph import Graph
from bitwright.lowering.manager import run_passes
from bitwright.lowering.passes import PIPELINE
from bitwright.sim import reference
from tests.harness import Built, build, check
from tests.networks import random_images, random_network


def lowered(seed: int, folder, network: Callable[[int], Graph] = random_network) -> Built:
    """The network of a seed at a folding that the seed chooses, from fully parallel to one multiplier."""
    graph: Graph = run_passes(network(seed), PIPELINE)
    rng = np.random.default_rng(seed + 1_000_000)
    if rng.random() < 0.3:
        return build(graph, folder, None)
    slowest = max(graph.types[n.name].size * graph.types[n.inputs[0]].vector for n in graph.nodes)
    target = int(np.exp(rng.uniform(0, np.log(slowest + 1)))) + graph.types[graph.outputs[0]].size
    while True:
        try:
            return build(graph, folder, target)
        except CompileError as error:
            assert error.code == "E302", error
            target *= 2


@pytest.mark.parametrize("seed", range(16))
def test_rtl_of_a_random_network(seed, tmp_path):
    print(f"seed {seed}")
    check(lowered(seed, tmp_path), frames=6, seed=seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(16, 216))
def test_rtl_of_many_random_networks(seed, tmp_path):
    print(f"seed {seed}")
    check(lowered(seed, tmp_path), frames=6, seed=seed)


@pytest.mark.parametrize("seed", range(20))
def test_rtl_of_random_convolutions(seed, tmp_path):
    print(f"seed {seed}")
    check(lowered(seed, tmp_path, random_images), frames=5, seed=seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(20, 220))
def test_rtl_of_many_random_convolutions(seed, tmp_path):
    print(f"seed {seed}")
    check(lowered(seed, tmp_path, random_images), frames=5, seed=seed)


def test_the_check_sees_a_wrong_result(tmp_path):
    """The harness itself: one wrong weight in the RTL's memory is found."""
    built = lowered(2, tmp_path)
    memory = next(iter(sorted(built.rtl.glob("*_weights.mem"))))
    words = memory.read_text().split()
    memory.write_text("\n".join([f"{int(words[0], 16) ^ 1:0{len(words[0])}x}", *words[1:]]) + "\n")
    with pytest.raises(AssertionError):
        check(built)


def test_random_codes_reach_the_corners():
    graph = random_network(0)
    x = graph.inputs["x"]
    codes = reference.random_codes(x, 12, 0)
    assert (codes[0] == x.min).all() and (codes[1] == x.max).all()
    assert ((codes >= x.min) & (codes <= x.max)).all()
