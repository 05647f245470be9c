"""Queues where branches meet: deep enough for the best interval, and no deeper where that would cost less."""

from dataclasses import replace

import pytest

from bitwright.ir.netlist import Fold
from bitwright.ir.types import IntType
from bitwright.lowering import build, schedule
from bitwright.lowering.folding import cycles, solve
from bitwright.lowering.layers import split
from tests import harness
from tests.harness import ROOMY
from tests.lowering.test_pixels import Net
from tests.networks import random_images


def built(seed, target):
    graph = random_images(seed)
    layers = split(graph)
    builder = build._Builder(layers, graph, solve(layers, build.layer_cost(layers), ROOMY, target))
    return builder, builder.lower().timing


BRANCHED = [seed for seed in range(40) if any(len(o.operands) > 1 for o in split(random_images(seed)))]


@pytest.mark.parametrize("target", [None, 10**9])
@pytest.mark.parametrize("seed", BRANCHED[:8])
def test_queues_keep_the_interval_of_endless_ones(seed, target):
    builder, timing = built(seed, target)
    assert builder.queues and builder._simulate() == timing
    for queue in builder.queues:
        queue.depth = 0
    assert builder._simulate().frame_cycles == timing.frame_cycles


@pytest.mark.parametrize("seed", BRANCHED[:8])
def test_a_queue_that_costs_clearly_less_would_slow_the_network(seed, monkeypatch):
    monkeypatch.setattr(build, "WORTH_A_TRY", 1)
    builder, timing = built(seed, None)
    for queue in builder.queues:
        kept, less = queue.depth, queue.cheaper(queue.depth * 0.8)
        if less:
            queue.depth = less
            assert not builder._keeps(timing)
            queue.depth = kept


def test_rows_of_wide_words_wait_in_front_of_the_gear(tmp_path, monkeypatch):
    """A layer of stride 2 gives its windows in every other row, twice as fast as the next one takes their words."""
    net = Net((8, 256, 2), IntType(4, False))
    net.window(stride=(2, 2), pads=(0, 0, 1, 1))
    net.dense(8)
    net.steps()
    net.window()
    net.depthwise(9)
    graph = net.graph()
    layers = split(graph)
    folds = Fold(pe=8, simd=18), Fold(pe=2, simd=18)
    slowest = max(cycles(layer, fold) for layer, fold in zip(layers, folds, strict=True))
    assert [layer.whole(fold) for layer, fold in zip(layers, folds, strict=True)] == [True, True]
    folding = replace(solve(layers, build.layer_cost(layers), ROOMY, None), in_lanes=2, folds=folds, cycles=slowest)
    monkeypatch.setattr(build, "solve", lambda *_: folding)
    made = harness.build(graph, tmp_path, None)
    assert made.lowered.timing.frame_cycles == slowest == 2048 + 4 * 129
    harness.check(made, frames=5)


def test_frames_are_simulated_until_they_are_alike():
    """A ring of 40 words hides a slow reader for some frames of 8: they are told apart from steady ones."""
    first, middle, last = schedule.Edge("first"), schedule.Edge("middle"), schedule.Edge("last")
    processes = [*schedule.queue(first, middle, 40, 1), schedule.narrow(middle, last, [3])]
    timing = schedule.simulate(processes, (first, middle, last), first, last, 8, 24, patience=schedule.Patience(30, 1))
    assert timing.frame_cycles == 8 * 3
    assert len(first.moved) >= 5 * 8
    assert all(edge.repeats(len(last.moved) // 24, 1, timing.frame_cycles) for edge in (first, middle, last))


def test_what_repeats_is_each_beat():
    edge = schedule.Edge(offered=[0] * 4, moved=[1, 3, 11, 13])
    assert edge.repeats(2, 1, 10)
    edge.moved[-1] = 14
    assert not edge.repeats(2, 1, 10)
    later = schedule.Edge(offered=[0] * 6, moved=[1, 3, 12, 14, 22, 24])
    assert later.repeats(3, 1, 10) and not later.repeats(3, 2, 10)
