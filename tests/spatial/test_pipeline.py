"""Stages keep to the clock and have few registers; cuts are least."""

from itertools import product

import numpy as np
import pytest

from bitwright.ir.chip import XC7
from bitwright.ir.types import IntType
from bitwright.spatial.absorb import absorbed
from bitwright.spatial.build import built
from bitwright.spatial.circuit import Circuit, live, makes, reads
from bitwright.spatial.mincut import Flow
from bitwright.spatial.pipeline import pipelined
from bitwright.spatial.unit import unit
from tests.spatial.circuits import random_circuit


@pytest.mark.parametrize("seed", range(40))
def test_cuts_are_least(seed):
    rng = np.random.default_rng(seed)
    nodes = int(rng.integers(3, 9))
    edges = [(*map(int, rng.choice(nodes, 2, replace=False)), int(rng.integers(1, 9))) for _ in range(3 * nodes)]
    costs = {
        sides: sum(c for a, b, c in edges if sides[a] and not sides[b])
        for sides in product((False, True), repeat=nodes)
        if sides[0] and not sides[1]
    }
    least = min(costs.values())
    for most in (False, True):
        flow = Flow(nodes)
        for edge in edges:
            flow.edge(*edge)
        total, side = flow.cut(0, 1, most=most)
        assert total == least == costs[tuple(side)]
        size = (max if most else min)(sum(s) for s, cost in costs.items() if cost == least)
        assert sum(side) == size


@pytest.mark.parametrize("period", [4.0, 5.5, 8.0])
@pytest.mark.parametrize("seed", range(12))
def test_stages_keep_to_the_clock(seed, period):
    graph = random_circuit(seed, largest=14)
    network = built(graph.inputs["x"], graph.nodes)
    outputs = [b for w in network.words for b in w.bits]
    cells = absorbed(live(network.circuit, outputs), outputs)
    found = pipelined(network.circuit, cells, outputs, period, XC7.delays)
    inside = [[c for c in cells if found.stage[makes(c)[0]] == k] for k in range(found.last + 1)]
    for cell in cells:
        here = {found.stage[net] for net in makes(cell)}
        assert len(here) == 1 and all(found.stage[net] <= min(here) for net in reads(cell) if net)
    for some in inside:  # what is in a stage would fit one stage of a circuit of its own
        made = [2 * net for c in some for net in makes(c)]
        assert pipelined(network.circuit, some, made, period, XC7.delays).last == 0


def test_registers_stand_where_few_nets_cross():
    """Four functions of two bits, read behind a long chain: the two bits wait, not the four."""
    circuit = Circuit()
    a, b, *others = circuit.input(IntType(12, False), 0, 4095).bits
    four = [circuit.lut((a, b), table) for table in (0b0001, 0b0010, 0b0100, 0b1000)]
    late = others[0]
    for bit in others[1:]:
        late = circuit.lut((late, bit), 0b0110)
    out = circuit.lut((*four, late), 0x6996_9669)
    found = pipelined(circuit, circuit.cells, [out], XC7.delays.register + 2.0, XC7.delays)
    assert found.last > 2
    assert all(found.stage[f >> 1] == found.last for f in four)


def test_few_stages_are_asked_for():
    for seed in range(6):
        graph = random_circuit(seed, largest=20)
        small, short = (
            unit(graph.nodes, graph.inputs["x"], 4.0, shortest=shortest).pipeline.last for shortest in (False, True)
        )
        assert short <= small
