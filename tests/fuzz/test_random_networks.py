"""Random networks through every pass into RTL: equal to the reference under stalls, in exactly the computed cycles."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from bitwright.boards.family import list_families, load_family
from bitwright.errors import CompileError
from bitwright.ir import chip
from bitwright.ir.graph import Graph
from bitwright.ir.netlist import Fold, Multiplier, Ram
from bitwright.lowering import build as builder
from bitwright.lowering import folding, pixels
from bitwright.lowering.folding import Folding
from bitwright.lowering.layers import Kind, Layer, split
from bitwright.lowering.manager import run_passes
from bitwright.lowering.passes import PIPELINE
from bitwright.sim import reference
from tests.harness import Built, build, check
from tests.networks import random_even_rows, random_images, random_lane_units, random_network


def lowered(seed: int, folder, network: Callable[[int], Graph] = random_network) -> Built:
    """The network of a seed at a folding that the seed chooses, from fully parallel to one multiplier."""
    graph: Graph = run_passes(network(seed), PIPELINE)
    rng = np.random.default_rng(seed + 1_000_000)
    if rng.random() < 0.3:
        return build(graph, folder, None)
    slowest = max(graph.types[n.name].size * graph.types[n.inputs[0]].vector for n in graph.nodes)
    return _reached(
        graph, folder, int(np.exp(rng.uniform(0, np.log(slowest + 1)))) + graph.types[graph.outputs[0]].size
    )


def _reached(graph: Graph, folder, target: int) -> Built:
    """The design for the least of the target, its double and so on that is within reach."""
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


@pytest.mark.parametrize("seed", [*range(20), 80, 91, 100, 135, 202])  # 17, 80 …: at several distances in turn
def test_rtl_of_random_convolutions(seed, tmp_path):
    print(f"seed {seed}")
    check(lowered(seed, tmp_path, random_images), frames=5, seed=seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(20, 220))
def test_rtl_of_many_random_convolutions(seed, tmp_path):
    print(f"seed {seed}")
    check(lowered(seed, tmp_path, random_images), frames=5, seed=seed)


OTHERS = [name for name in list_families() if name != "xc7"]


def for_another_chip(seed: int, folder, network: Callable[[int], Graph]) -> Built:
    """The multipliers and memories of another family of chips, which the seed chooses."""
    with chip.targeting(load_family(OTHERS[seed % len(OTHERS)]).chip):
        return lowered(seed, folder, network)


@pytest.mark.parametrize("network", [random_network, random_images])
@pytest.mark.parametrize("seed", range(300, 305))
def test_rtl_for_other_chips(seed, network, tmp_path):
    print(f"seed {seed}")
    check(for_another_chip(seed, tmp_path, network), frames=4, seed=seed)


@pytest.mark.long
@pytest.mark.parametrize("network", [random_network, random_images])
@pytest.mark.parametrize("seed", range(305, 405))
def test_more_rtl_for_other_chips(seed, network, tmp_path):
    print(f"seed {seed}")
    check(for_another_chip(seed, tmp_path, network), frames=4, seed=seed)


def wide_lanes(seed: int, folder, monkeypatch: pytest.MonkeyPatch) -> Built:
    """A network of units that work lane by lane, each at lanes and taps a cycle that the seed chooses."""
    rng = np.random.default_rng(seed)

    def chosen(layers: Sequence[Layer], *rest) -> Folding:
        found = folding.solve(layers, *rest)
        folds = list(found.folds)
        for k, layer in enumerate(layers):
            if layer.kind is not Kind.LANES:
                continue
            channels, taps = layer.x.vector, layer.columns // layer.x.vector
            lanes, each = (int(rng.choice([d for d in range(1, n + 1) if n % d == 0])) for n in (channels, taps))
            if not layer.window.op.slides:
                each = 1
            folds[k] = Fold(
                lanes, lanes * each, Multiplier(int(rng.integers(2)) if layer.macs else 0), Ram(int(rng.integers(2))),
                Ram(int(rng.integers(2))), lanes if each == taps or lanes > 1 else 1,
            )  # fmt: skip
        slowest = max(folding.cycles(layer, fold) for layer, fold in zip(layers, folds, strict=True))
        return replace(found, folds=tuple(folds), cycles=slowest)

    monkeypatch.setattr(builder, "solve", chosen)
    return build(run_passes(random_lane_units(seed), PIPELINE), folder)


@pytest.mark.parametrize("seed", range(16))
def test_rtl_of_random_lane_units(seed, tmp_path, monkeypatch):
    print(f"seed {seed}")
    check(wide_lanes(seed, tmp_path, monkeypatch), frames=4, seed=seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(16, 216))
def test_rtl_of_many_random_lane_units(seed, tmp_path, monkeypatch):
    print(f"seed {seed}")
    check(wide_lanes(seed, tmp_path, monkeypatch), frames=4, seed=seed)


def wide_pixels(seed: int, folder) -> Built:
    """A network in which most layers work on several pixels at a time, as many as the seed chooses."""
    graph, rng = run_passes(random_even_rows(seed), PIPELINE), np.random.default_rng(seed)
    layers = split(graph)
    forms = {k: list(pixels.forms(layer)) for k, layer in enumerate(layers)}
    chosen = {k: f[int(rng.integers(len(f)))] for k, f in forms.items() if f and rng.random() < 0.7}
    wide = pixels.replaced(graph, layers, chosen)
    codes = reference.random_codes(graph.types["x"], 4, seed)
    np.testing.assert_array_equal(reference.run(wide, codes), reference.run(graph, codes))
    if rng.random() < 0.3:
        return build(wide, folder, None)
    return _reached(wide, folder, 10 ** int(rng.integers(2, 6)))


@pytest.mark.parametrize("seed", range(24))
def test_rtl_of_random_networks_with_several_pixels(seed, tmp_path):
    print(f"seed {seed}")
    check(wide_pixels(seed, tmp_path), frames=4, seed=seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(24, 224))
def test_rtl_of_many_random_networks_with_several_pixels(seed, tmp_path):
    print(f"seed {seed}")
    check(wide_pixels(seed, tmp_path), frames=4, seed=seed)


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
