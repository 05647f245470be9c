"""Every module stands alone: Verilator -Wall is silent about it, as Verilog-2005 and as SystemVerilog, and Yosys maps it."""

import os
import re
import subprocess
import sys

import pytest

from bitwright.sim import verilator
from tests.rtl.harness import RTL

YOSYS = """
import sys
from pyosys import libyosys
design = libyosys.Design()
for line in sys.argv[1:]:
    libyosys.run_pass(line, design)
"""


def yosys(*commands, cwd=None):
    done = subprocess.run([sys.executable, "-c", YOSYS, *commands], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize("path", RTL, ids=lambda p: p.stem)
def test_verilator_has_nothing_to_say(path):
    tools = verilator.find_tools()
    env = {**os.environ, "VERILATOR_ROOT": str(tools.root)}
    for language in ("1364-2005", "1800-2017"):
        command = [str(tools.verilator), "--lint-only", "-Wall", "--quiet-stats", "--default-language", language]
        done = subprocess.run([*command, "-y", str(path.parent), str(path)], env=env, capture_output=True, text=True)
        assert done.returncode == 0 and "%" not in done.stderr, done.stderr


def test_yosys_reads_all_as_one_design():
    log = yosys(*(f"read_verilog {p}" for p in RTL), "hierarchy -check -auto-top", "proc", "check -assert")
    assert "Warning" not in log


@pytest.mark.parametrize("path", RTL, ids=lambda p: p.stem)
def test_one_module_a_file_with_its_contract(path):
    text = path.read_text()
    assert re.findall(r"^module (\w+)", text, re.MULTILINE) == [path.stem]
    assert "// LATENCY: " in text.split("\nmodule ")[0]
    # A comment stands above the first of each group of parameters.
    for before, line in zip(text.splitlines(), text.splitlines()[1:]):
        if line.startswith("  parameter "):
            assert before.startswith(("  //", "  parameter ")), line


def cells(commands, cwd=None):
    log = yosys(*(f"read_verilog -defer {p}" for p in RTL), *commands, cwd=cwd)
    statistics = log[log.rindex("Printing statistics") :]
    return {name: int(count) for count, name in re.findall(r"^\s+(\d+)\s+(\w+)$", statistics, re.MULTILINE)}


SYNTH = ("synth_xilinx -family xc7 -flatten -noiopad -noclkbuf", "stat")


def test_a_fifo_is_shift_registers():
    found = cells(["hierarchy -top bw_fifo -chparam WIDTH 24 -chparam DEPTH 20", *SYNTH])
    assert found.get("SRLC32E", 0) == 24, found
    assert sum(n for name, n in found.items() if name.startswith("FD")) <= 8


def test_a_replay_buffer_is_memory():
    top = "hierarchy -top bw_replay -chparam WIDTH 32 -chparam WORDS {} -chparam PASSES 4 -chparam DEPTH {} -chparam STYLE {}"
    block = cells([top.format(300, 512, 1), *SYNTH])
    assert block.get("RAMB18E1", 0) + block.get("RAMB36E1", 0) == 1, block
    distributed = cells([top.format(16, 32, 0), *SYNTH])
    assert distributed.get("RAM32M", 0) == 6, distributed


def test_a_dsp_unit_uses_dsps_and_a_lut_unit_none():
    top = "hierarchy -top bw_mvu -chparam KIND {} -chparam COLS 4 -chparam ROWS 2 -chparam PE 2 -chparam WEIGHT_STYLE 1"
    assert cells([top.format(1), *SYNTH]).get("DSP48E1", 0) == 8
    assert "DSP48E1" not in cells([top.format(0), *SYNTH])
