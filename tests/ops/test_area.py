"""Estimates of area beside what synthesis made of the same; `benchmarks/area.py` has more, and measures anew."""

import numpy as np
import pytest

from bitwright.boards.family import load_family
from bitwright.ir.chip import targeting
from bitwright.ir.netlist import Fold, Multiplier, Ram
from bitwright.ir.types import IntType, TensorType
from bitwright.ops import area
from bitwright.ops.dense import Dense
from bitwright.ops.xnor import Xnor

# Bits, words; and the smallest blocks that Yosys takes for a memory of these with a read port, and with a write port too.
DEEP = [
    (224, 2944, 38, 38), (8, 2944, 2, 2), (20, 2944, 4, 5), (50, 1500, 5, 5), (100, 3000, 17, 18), (30, 5000, 9, 10),
    (64, 600, 4, 4), (36, 1100, 3, 3), (100, 1100, 9, 9), (54, 4100, 14, 14), (17, 9000, 9, 9), (13, 4096, 3, 4),
]  # fmt: skip
BLOCKS = {
    "xc7": DEEP,
    "ecp5": DEEP,
    "ice40": [(20, 700, 4, 4), (50, 600, 10, 10), (33, 1500, 13, 13), (8, 3000, 6, 6), (100, 1100, 32, 32)],
    "gw2a": [(20, 700, 2, 2), (50, 600, 3, 3), (33, 1500, 3, 3), (8, 3000, 2, 2), (100, 1100, 9, 9)],
}


@pytest.mark.parametrize("family", BLOCKS)
def test_words_that_share_an_address_share_blocks(family):
    chip = load_family(family).chip
    with targeting(chip):
        for width, depth, read, written in BLOCKS[family]:
            assert round(area.block_rams(width, depth) / chip.block) == read, (width, depth)
            assert round(area.block_rams(width, depth, written=True) / chip.block) == written, (width, depth)


@pytest.mark.parametrize("family", ["ecp5", "ice40", "gw2a"])  # on others there are none
def test_segments_that_are_written_take_whole_enabled_parts(family):
    chip, several = load_family(family).chip, 0
    with targeting(chip):
        for width in range(5, 60):
            for depth in (1100, 3000, 9000, 20_000):
                layout = area.block_rom(width, depth, written=True)
                if layout.rows < depth:
                    several += 1
                    each = area.block_rams(width, layout.rows, written=True)
                    assert layout.cost.bram36 == pytest.approx(layout.segments * each), (width, depth)
    assert several > 0


# Rows and columns, PE and SIMD, and what `synth_xilinx` makes of the unit: LUTs, flip-flops.
COUNTED = [
    (64, 256, 8, 64, 1408, 1540),
    (64, 784, 64, 16, 2965, 3151),
    (64, 64, 2, 64, 383, 452),
    (10, 64, 1, 16, 94, 117),
]


@pytest.mark.parametrize(("rows", "columns", "pe", "simd", "lut", "ff"), COUNTED)
def test_units_of_equal_bits(rows, columns, pe, simd, lut, ff):
    op = Xnor(np.random.default_rng(0).integers(0, 2, (rows, columns)), np.zeros(rows, np.int64))
    x = TensorType.of((columns,), IntType(1, False))
    cost = op.estimate(x, op.infer(x), Fold(pe, simd, Multiplier.XNOR)).cost
    assert cost.lut == pytest.approx(lut, rel=0.1) and cost.ff == pytest.approx(ff, rel=0.15)


def test_trees_of_gated_weights():
    """`synth_xilinx` on two rows of 120 columns a cycle of weights of two bits in block RAM, by bits: 952 LUTs, 2,322 flip-flops."""
    rng = np.random.default_rng(0)
    op, x = Dense(rng.integers(-1, 2, (40, 600)), np.zeros(40, np.int64)), TensorType.of((600,), IntType(1, False))
    fold = Fold(2, 120, weights=Ram.BLOCK)
    cost = op.estimate(x, op.infer(x), fold).cost
    assert cost.lut == pytest.approx(952, rel=0.1) and cost.ff == pytest.approx(2322, rel=0.05)
    few = Dense(op.weight * (np.arange(600) % 120 < 12), op.bias)
    pruned = few.estimate(x, few.infer(x), fold).cost
    assert pruned.lut < 0.4 * cost.lut and pruned.lut / cost.lut < pruned.ff / cost.ff  # a term alone is a register
