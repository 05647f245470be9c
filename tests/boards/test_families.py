"""Designs for the chips of each family: exact, in the computed cycles, with the multipliers and memories that the chip has."""

import re
from pathlib import Path

import pytest

import bitwright
from bitwright.boards import load_board, netlist, yosys
from bitwright.boards.family import load_family
from bitwright.ir import chip
from bitwright.ir.types import IntType
from bitwright.ops import area, packing

MODELS = Path(__file__).parents[1] / "models"


@pytest.mark.parametrize(
    ("board", "model", "cycles"),
    [
        ("ulx3s-85f", "hello_world", 16),
        ("icebreaker", "hello_world", 300),
        ("ice40-hx8k", "hello_world", 300),
        ("tang-nano-9k", "hello_world", 64),
        ("ulx3s-25f", "tfc_2w2a", 2_000),
        ("zcu104", "hello_world", 16),
    ],
)
def test_designs_are_exact(board, model, cycles, tmp_path):
    design = bitwright.compile(MODELS / f"{model}.onnx", tmp_path / "d", board=board, target_cycles=cycles)
    assert design.manifest["fits"]
    assert design.verify(samples=3).ok


def test_what_a_chip_has_not_is_not_used(tmp_path):
    design = bitwright.compile(MODELS / "hello_world.onnx", tmp_path / "d", board="ice40-hx8k", target_cycles=300)
    assert design.manifest["estimate"]["dsp"] == 0
    assert ".SHIFT(0)" not in (design.folder / "rtl" / "bw_accel.v").read_text()
    design = bitwright.compile(MODELS / "hello_world.onnx", tmp_path / "d", board="ulx3s-85f", target_cycles=300)
    top = (design.folder / "rtl" / "bw_accel.v").read_text()
    assert re.search(r"bw_fifo #\([^;]*\.SHIFT\(0\)", top)


def test_the_shell_is_part_of_the_estimate(tmp_path):
    design = bitwright.compile(MODELS / "hello_world.onnx", tmp_path / "d", board="ulx3s-85f", target_cycles=300)
    estimate, shell = design.manifest["estimate"], design.manifest["shell"]
    assert shell == {"lut": 500, "ff": 310, "bram36": 1.0, "dsp": 0}
    stages = design.manifest["stages"]
    assert estimate["lut"] > shell["lut"] + sum(s["estimate"]["lut"] for s in stages)
    assert design.board() == load_board("ulx3s-85f")


@pytest.mark.parametrize(
    ("name", "wide", "narrow", "most"),
    [("ecp5", 18, 18, 19), ("ice40", 16, 16, 17), ("gw1n", 18, 18, 21), ("xc7", 25, 18, 25)],
)
def test_slices_are_as_wide_as_the_chip_s(name, wide, narrow, most):
    """As synthesis counts them, which leaves a bit or two beyond a slice to LUTs on some chips: `most` is the widest in one."""
    with chip.targeting(load_family(name).chip):
        assert area.slices(narrow, wide) == area.slices(narrow, most) == 1 and area.slices(narrow, most + 1) == 2
        assert area.other_port(narrow) == wide
        found = packing.choose(-8, 7, IntType(4, False), 4, 1)
    assert found.rows > 1
    assert (found.rows - 1) * found.step + found.stored.width + int(not found.stored.signed) <= wide


@pytest.mark.parametrize(("name", "wide", "narrow"), [("ecp5", 19, 18), ("ice40", 17, 16)])
def test_slices_are_those_that_synthesis_takes(name, wide, narrow, tmp_path):
    """Of a product that just goes into one, and of one that is a bit wider."""
    a, b = wide - 1, narrow - 1
    (tmp_path / "top.v").write_text(f"""module top(
      input clk, input signed [{a}:0] a, input signed [{a + 1}:0] c, input signed [{b}:0] b, d,
      output reg signed [{a + b + 1}:0] y, output reg signed [{a + b + 2}:0] z);
      (* use_dsp = "yes" *) wire signed [{a + b + 1}:0] p = a * b;
      (* use_dsp = "yes" *) wire signed [{a + b + 2}:0] q = c * d;
      always @(posedge clk) begin y <= p; z <= q; end
    endmodule""")
    family = load_family(name)
    yosys.synthesise_alone(tmp_path, "top", tmp_path / "synth", family)
    cells = netlist.count_types(tmp_path / "synth" / "netlist.json", "top")
    assert family.synthesis is not None
    with chip.targeting(family.chip):
        wanted = area.slices(narrow, wide) + area.slices(narrow, wide + 1)
    assert wanted == 3 == sum(n for cell, n in cells.items() if cell in family.synthesis.dsp)


def test_block_rams_of_each_size():
    """Words of 16 bits: 256 in a block of 4 kb, 1,024 in one of 18 kb."""
    need = {}
    for name in ("ice40", "ecp5", "xc7"):
        family = load_family(name)
        with chip.targeting(family.chip):
            need[name] = round(area.block_rams(16, 1024) / family.chip.block)
    assert need == {"ice40": 4, "ecp5": 1, "xc7": 1}


def test_an_own_board_is_kept_with_its_design(tmp_path):
    """`bitwright synth` needs the board's file no more."""
    file = tmp_path / "own.toml"
    file.write_text('base = "icebreaker"\nname = "own"\nclock_mhz = 12.0\n[uart]\nled = "11"\n')
    design = bitwright.compile(MODELS / "hello_world.onnx", tmp_path / "d", board=str(file), target_cycles=300)
    file.unlink()
    assert design.board().name == "own" and design.board().usable == load_board("icebreaker").usable
    assert "set_io led 11\n" in (design.folder / "board" / "chip.pcf").read_text()


def test_synthesis_counts_what_the_estimate_counts(tmp_path):
    """On the Arty both are of the whole chip, shell included; the accelerator's netlist lies elsewhere."""
    design = bitwright.compile(MODELS / "hello_world.onnx", tmp_path / "d", board="arty", target_cycles=300)
    estimate, shell, found = design.manifest["estimate"], design.manifest["shell"], design.synthesise()
    assert shell["bram36"] == 1.0 and (found.bram36, found.dsp) == (estimate["bram36"], estimate["dsp"])
    assert abs(found.lut - estimate["lut"]) < 0.15 * estimate["lut"]
    assert '"bw_chip"' in (design.folder / "synth" / "netlist.json").read_text()
