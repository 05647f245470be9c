"""The folding solver: within its limit, within the board, cheapest, and plain about what does not go."""

import re
from dataclasses import replace
from math import ceil

import numpy as np
import pytest

from bitwright.boards.family import load_family
from bitwright.errors import CompileError
from bitwright.ir.chip import targeting
from bitwright.ir.graph import Graph, Node
from bitwright.ir.netlist import Block, Estimate, Memory, Multiplier, Ram, Resources
from bitwright.ir.types import IntType, TensorType
from bitwright.lowering import build as build_module
from bitwright.lowering import folding
from bitwright.lowering.build import lower, without_constants
from bitwright.lowering.folding import Budget
from bitwright.lowering.layers import Circuits, Layer, Spatial, split
from bitwright.lowering.manager import run_passes
from bitwright.lowering.passes import PIPELINE
from bitwright.ops import area
from bitwright.ops.dense import Dense
from bitwright.ops.threshold import Threshold
from bitwright.ops.xnor import Xnor
from tests.harness import build, check
from tests.networks import random_images, random_network

PYNQ = Budget(lut=37_240, ff=53_200, bram36=112, dsp=176, stream_bits=64)
ROOMY = Budget(lut=1e9, ff=1e9, bram36=1e9, dsp=10**9, stream_bits=64)


def mlp(*widths: int, bits: int = 8) -> Graph:
    rng = np.random.default_rng(0)
    x = here = TensorType.of((widths[0],), IntType(bits, True))
    nodes: list[Node] = []
    for rows in widths[1:]:
        weight = rng.integers(-(1 << (bits - 1)), 1 << (bits - 1), (rows, here.vector))
        for op in (Dense(weight, np.zeros(rows, np.int64)), even_steps(rows, bits)):
            here_next = op.infer(here)
            nodes.append(Node(f"v{len(nodes)}", op, (nodes[-1].name if nodes else "x",), here_next))
            here = here_next
    return run_passes(Graph({"x": x}, tuple(nodes), (nodes[-1].name,)), PIPELINE)


def even_steps(channels: int, bits: int) -> Threshold:
    count = (1 << bits) - 1
    steps = (np.arange(count) - count // 2) * 300
    base = np.full(channels, -(1 << (bits - 1)))
    return Threshold(np.tile(steps, (channels, 1)), base, np.ones(channels, np.int64))


@pytest.mark.parametrize("target", [64, 100, 1000, 10_000])
def test_the_target_is_met_with_the_formula(target):
    graph = mlp(64, 48, 32, 10)
    lowered = lower(graph, ROOMY, target)
    layers = [(48, 64), (32, 48), (10, 32)]
    for fold, stage, (rows, columns) in zip(lowered.folding.folds, lowered.netlist.stages, layers, strict=True):
        assert stage.cycles == ceil(rows / fold.pe) * ceil(columns / fold.simd) <= target
    slowest = max(s.cycles for s in lowered.netlist.stages)
    beats = max(lowered.netlist.source.beats, lowered.netlist.sink.beats)
    assert lowered.timing.frame_cycles == max(slowest, beats) <= target


@pytest.mark.parametrize("seed", range(24))
def test_the_target_is_met_by_the_whole_design(seed):
    """Not by each layer alone: the interval is that of the simulated streams, windows and branches among them."""
    graph = run_passes(random_images(seed), PIPELINE)
    slowest = lower(graph, ROOMY, 10**9).timing.frame_cycles
    for target in (slowest // 2, slowest // 5, slowest // 12):
        try:
            assert lower(graph, ROOMY, target).timing.frame_cycles <= target
        except CompileError as error:
            assert error.code == "E302", error


@pytest.mark.parametrize("code", ["E302", "E490"])
def test_a_target_that_only_the_layers_meet_is_refused(code, monkeypatch):
    """Tightened in vain, it is refused with the nearest design; a board that is too small is told as it is."""
    graph, target = run_passes(random_images(10), PIPELINE), 32
    aims: list[int] = []

    def solve_once(layers, cost, budget, aim):
        aims.append(aim)
        if aim < target:
            raise CompileError(code, "no more")
        return folding.solve(layers, cost, budget, aim)

    monkeypatch.setattr(build_module, "solve", solve_once)
    with pytest.raises(CompileError) as error:
        lower(graph, ROOMY, target)
    assert aims == [target, target - 1] and error.value.code == code
    assert ("cycles a frame or more" in str(error.value)) == (code == "E302")


def test_a_looser_target_never_costs_more():
    graph = mlp(64, 48, 32, 10)
    costs = [lower(graph, PYNQ, target).folding.need for target in (128, 512, 2048, 8192)]
    shares = [max(PYNQ.excess(c).values()) for c in costs]
    assert shares == sorted(shares, reverse=True)


def test_of_foldings_that_cost_alike_it_is_the_one_with_the_fewest_multipliers():
    layers = split(mlp(64, 48))
    counts = [
        folding.multipliers(layers[0], folding.solve(layers, lambda _, __: Resources(lut=100), ROOMY, cycles).folds[0])
        for cycles in (48, 100, 384, 3072)
    ]
    assert counts == [64, 32, 8, 1]


def test_without_a_target_it_is_the_fastest_that_fits():
    graph = mlp(128, 128, 64, 10)
    free = lower(graph, PYNQ, None)
    need = free.netlist.cost
    assert max(PYNQ.excess(need).values()) <= 1
    with pytest.raises(CompileError) as error:
        lower(graph, PYNQ, int(free.timing.frame_cycles * 0.7))
    assert error.value.code == "E490" and error.value.exit_status == 4


def test_multipliers_are_mixed_to_use_the_chip():
    """When LUTs run out, some layers take DSPs: neither is left idle while the other is full."""
    lowered = lower(mlp(128, 128, 128, 128, 128, 10), PYNQ, None)
    kinds = {f.multiplier for f in lowered.folding.folds}
    assert kinds == {Multiplier.LUT, Multiplier.DSP}


@pytest.mark.parametrize("seed", range(40))
def test_lane_counts_of_neighbours_divide_one_another(seed):
    graph = run_passes(random_network(seed), PIPELINE)
    lowered = lower(graph, ROOMY, 10**9)
    for instance in lowered.netlist.instances:
        if instance.module == "bw_gear":
            lanes = sorted(int(str(instance.params[k])) for k in ("IN_LANES", "OUT_LANES"))
            assert lanes[1] % lanes[0] == 0 and lanes[0] < lanes[1]


@pytest.mark.parametrize(("rows", "target"), [(26, 77), (64, 77), (64, 188)])
def test_rows_that_the_elements_do_not_divide_lose_their_padding(rows, target, tmp_path, monkeypatch):
    """Where results leave one after another, those of the rows that are only padding do not."""
    narrow = folding._narrow
    monkeypatch.setattr(folding, "_narrow", lambda *fold: narrow(*fold)[-1:])
    built = build(mlp(60, rows, 5), tmp_path, target)
    serials = [i.params for i in built.lowered.netlist.instances if i.module == "bw_serial"]
    assert any("LAST" in p for p in serials), serials
    check(built, frames=4)


def test_a_target_beyond_the_ports_is_refused():
    with pytest.raises(CompileError) as error:
        lower(mlp(64, 8), PYNQ, 7)
    assert str(error.value) == (
        "E302: the streams in and out need 8 cycles a frame, more than the target of 7\n"
        "  hint: ask for at least 8 cycles a frame"
    )


@pytest.mark.parametrize(
    ("lut", "lone", "free"), [(1000, 0, 1000), (999.7, 0, 999), (999.2, 0, 999), (3700, 0.5, 3555)]
)
def test_a_board_too_small_says_what_is_short(lut, lone, free):
    """In whole numbers that add up, even where the board's are shares of it, or flip-flops take LUTs; queues are set aside."""
    small = Budget(lut=lut, ff=10_000, bram36=0, dsp=2, stream_bits=64, lone=lone)
    with pytest.raises(CompileError) as error:
        lower(mlp(128, 128, 10), small, None)
    assert error.value.code == "E490" and "even at its slowest folding" in str(error.value)
    told = re.search(
        r"about (\d+) LUTs of (\d+) that may be used, (\d+) too many; this layer takes \d+", str(error.value)
    )
    assert told is not None
    need, have, over = map(int, told.groups())
    assert have == free and need - have == over > 0


def test_bits_of_a_rom_that_never_change_take_no_block_ram() -> None:
    words, full = tuple(range(512)), Estimate(2, Resources(lut=7, bram36=area.block_rams(64, 512)))
    params: dict[str, int | Memory] = {"WEIGHT_STYLE": int(Ram.BLOCK), "WEIGHTS": Memory(64, words)}
    assert full.cost.bram36 == 1.0
    assert without_constants(Block("bw_mvu", params), full).cost == Resources(lut=7, bram36=0.5)  # 9 bits of 64 change
    assert without_constants(Block("bw_mvu", params | {"WRITABLE": 1}), full) is full
    assert without_constants(Block("bw_mvu", params | {"WEIGHT_STYLE": int(Ram.DISTRIBUTED)}), full) is full


MAY = Spatial(Circuits.MAY, 5.0)


def one_layer(op: Dense | Xnor, bits: int) -> Graph:
    x = TensorType.of((op.weight.shape[1],), IntType(bits, False))
    return Graph({"x": x}, (Node("y", op, ("x",), op.infer(x)),), ("y",))


def wired(rng: np.random.Generator, kind: str) -> Dense | Xnor:
    bias = np.zeros(24, np.int64)
    if kind == "bipolar":
        return Xnor(rng.integers(0, 2, (24, 48)), bias)
    if kind == "alike":
        return Dense(2 * rng.integers(0, 2, (24, 48)) - 1, bias)
    return Dense(rng.integers(-100, 101, (24, 48)) * (rng.random((24, 48)) < (0.2 if kind == "pruned" else 1)), bias)


@pytest.mark.parametrize("family", ["xc7", "ecp5"])
@pytest.mark.parametrize(("kind", "bits"), [("bipolar", 1), ("alike", 3), ("dense", 4), ("pruned", 8)])
def test_a_circuit_takes_about_what_is_expected_of_it(family, kind, bits):
    with targeting(load_family(family).chip):
        (layer,) = split(one_layer(wired(np.random.default_rng(5), kind), bits), MAY)
        expected, made = folding._circuit_luts(layer), layer.unit.estimate().cost.lut
    assert 0.6 * made <= expected <= 1.1 * made


def test_circuits_that_would_not_be_chosen_are_not_made(monkeypatch):
    made, unit_of = [], Layer.unit.fget
    monkeypatch.setattr(Layer, "unit", property(lambda self: made.append(self) or unit_of(self)))
    graph = mlp(24, 16, 8, bits=4)
    slow = lower(graph, PYNQ, 400, MAY)
    assert not made and not any(f.spatial for f in slow.folding.folds)
    fast = lower(graph, replace(PYNQ, dsp=0), 2, MAY)
    assert made and any(f.spatial for f in fast.folding.folds)


def test_a_large_layer_is_no_circuit_unless_it_must_be():
    (layer,) = split(one_layer(Dense(np.full((200, 200), 5), np.zeros(200, np.int64)), 2), MAY)
    assert folding._circuit_luts(layer) == np.inf
    assert not lower(one_layer(layer.head.op, 2), ROOMY, 200, MAY).folding.folds[0].spatial
