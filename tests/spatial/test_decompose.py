"""Functions of many bits as LUTs behind LUTs."""

import numpy as np
import pytest

from bitwright.ir.graph import evaluate
from bitwright.ir.types import IntType, TensorType
from bitwright.ops.dense import Dense
from bitwright.ops.shift import Shift
from bitwright.ops.threshold import Threshold
from bitwright.spatial.circuit import Circuit, Lut, live, simulate
from bitwright.spatial.decompose import functions
from bitwright.spatial.simulate import run
from bitwright.spatial.unit import unit
from tests.spatial.circuits import chain


def made(count: int, codes: np.ndarray, width: int) -> tuple[Circuit, list[int]]:
    circuit = Circuit()
    bits = circuit.input(IntType(count, False), 0, (1 << count) - 1).bits
    return circuit, functions(circuit, bits, codes, width)


def read(circuit: Circuit, bits: list[int], count: int) -> np.ndarray:
    """What the bits are for every reading of the inputs."""
    readings = np.arange(1 << count)
    inside = [
        np.packbits((readings >> k & 1).astype(np.uint8), bitorder="little").view(np.uint64) for k in range(count)
    ]
    planes = simulate(circuit, inside, bits)
    return sum(np.unpackbits(p.view(np.uint8), bitorder="little").astype(np.int64) << k for k, p in enumerate(planes))


@pytest.mark.parametrize("count", [6, 7, 8, 9, 11])
@pytest.mark.parametrize("kind", ["any", "sum", "steps"])
def test_all_readings(count, kind):
    rng = np.random.default_rng(count)
    bits = np.arange(1 << count)[:, None] >> np.arange(count) & 1
    codes = rng.integers(0, 16, 1 << count)
    if kind != "any":
        codes = bits @ rng.integers(0, 4, count)
    if kind == "steps":
        codes = np.clip((codes - 3) >> 1, 0, 3)
    width = int(codes.max()).bit_length()
    circuit, found = made(count, codes, width)
    np.testing.assert_array_equal(read(circuit, found, count), codes)


def test_few_columns_differ():
    """The ones among nine bits, at most three: those of six bits are four numbers of ones, two bits."""
    ones = (np.arange(1 << 9)[:, None] >> np.arange(9) & 1).sum(axis=1)
    circuit, found = made(9, np.minimum(ones, 3), 2)
    assert len(live(circuit, found)) == 4


@pytest.mark.parametrize("seed", range(6))
def test_neurons_of_few_bits_are_tables(seed):
    """Four operands of two bits, and a few steps: no row is left where tables are smaller."""
    rng = np.random.default_rng(seed)
    x = TensorType.of((4,), IntType(2, False))
    weight = rng.choice([-5, -3, -2, 2, 3, 5], (3, 4))
    step = Threshold(np.sort(rng.integers(-9, 10, (3, 3)), axis=1), np.zeros(3, np.int64), np.ones(3, np.int64))
    if seed % 2:
        step = Shift(np.zeros(1, np.int64), 0, 2, 0, 3)
    graph = chain(x, [Dense(weight, np.zeros(3, np.int64)), step])
    found = unit(graph.nodes, x, 1e9)
    codes = np.stack(np.meshgrid(*[np.arange(4)] * 4), axis=-1).reshape(-1, 4)
    np.testing.assert_array_equal(run(found.network, codes, found.cells), evaluate(graph, {"x": codes})["v1"])
    assert all(isinstance(cell, Lut) for cell in found.cells)
