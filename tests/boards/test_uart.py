"""A whole chip in simulation: the driver at one end of a serial line, the accelerator's RTL behind its shell at the other."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

import bitwright
from bitwright.boards import load_board, write_handoff, yosys
from bitwright.boards.board import list_boards
from bitwright.boards.uart import driver
from bitwright.boards.uart.handoff import HERE, TOP, clock_of, divisor
from bitwright.errors import CompileError
from bitwright.sim import verilator
from tests.boards import tcl
from tests.boards.boundaries import boundary

MODELS = Path(__file__).parents[1] / "models"
OPEN = [board.name for board in list_boards() if board.flow == "uart"]
CLEAN = {"garbage": [], "between": [], "lose_to": [], "lose_from": [], "spoil_to": []}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A sine of one byte in and one out on an iCEBreaker: 12 cycles a bit."""
    folder = tmp_path_factory.mktemp("small") / "d"
    return bitwright.compile(MODELS / "hello_world.onnx", folder, board="icebreaker", target_cycles=600)


@pytest.fixture(scope="module")
def larger(tmp_path_factory):
    """784 inputs a frame, in several packets; words of four bytes; the clock from a PLL."""
    folder = tmp_path_factory.mktemp("larger") / "d"
    return bitwright.compile(MODELS / "tfc_1w1a.onnx", folder, board="ulx3s-85f", clock=16, target_cycles=1000)


def session(design, work, x, batches, sources=None, **faults):
    """What the driver gave for each batch, and how often it had to open the link anew."""
    rtl = sorted([*(design.folder / "rtl").glob("*.v"), *(design.folder / "board" / "rtl").glob("*.v")])
    exe = verilator.build(sources or rtl, TOP)
    board = design.board()
    div = divisor(board, clock_of(board, design.manifest["clock_mhz"]).mhz)
    job = {"board": str(design.folder / "board"), "div": div, "batches": batches, **CLEAN, **faults}
    (work / "job.json").write_text(json.dumps(job))
    np.save(work / "x.npy", x)
    settings = {"BITWRIGHT_JOB": str(work)}
    verilator.run(exe, "tests.boards.uart_bench", design.folder / "rtl", settings, top=TOP, results=work / "r.xml")
    with np.load(work / "outputs.npz") as stored:
        outputs = [stored[name] for name in stored.files]
    return outputs, json.loads((work / "result.json").read_text())


def samples(name, count):
    with np.load(MODELS / f"{name}.npz") as stored:
        x = next(stored[k] for k in stored.files if k.startswith("in:"))
    return np.resize(x, (count, *x.shape[1:]))


def check(design, work, x, batches, **faults):
    outputs, result = session(design, work, x, batches, **faults)
    for (at, size), found in zip(batches, outputs, strict=True):
        np.testing.assert_array_equal(found, design.predict(x[at : at + size]), strict=True)
    return result


def test_batches_back_to_back(small, tmp_path):
    result = check(small, tmp_path, samples("hello_world", 60), [(0, 40), (40, 1), (41, 19)])
    assert result["restarts"] == 0


def test_frames_of_many_packets(larger, tmp_path):
    result = check(larger, tmp_path, samples("tfc_1w1a", 7), [(0, 6), (6, 1)])
    assert result["restarts"] == 0


@pytest.mark.long
def test_the_netlist_of_a_chip(tmp_path):
    """What Yosys makes of an iCE40 chip, as its cells: LUTs, block RAM, multipliers, and flip-flops for distributed RAM."""
    design = bitwright.compile(
        MODELS / "hello_world.onnx", tmp_path / "d", board="icebreaker", clock=12, target_cycles=300
    )
    folders, out = [design.folder / "rtl", design.folder / "board" / "rtl"], tmp_path / "synth"
    made = yosys.synthesise_chip(folders, TOP, out, design.board().chip_family)
    assert made.dsp and made.bram
    models = tmp_path / "cells.v"
    head = "`define NO_ICE40_DEFAULT_ASSIGNMENTS\n/* verilator lint_off WIDTH */\n"
    models.write_text(head + yosys.cell_models("ice40/cells_sim.v").read_text())
    check(design, tmp_path, samples("hello_world", 12), [(0, 8), (8, 4)], sources=[models, yosys.write_verilog(out)])


GARBAGE = np.random.default_rng(5).integers(0, 256, 700).tolist()


@pytest.mark.parametrize(
    ("faults", "restarts"),
    [
        ({"garbage": GARBAGE}, 0),
        ({"garbage": [driver.SYNC, 0x21, 255, 1, 2]}, 0),  # a packet that never ends
        ({"between": [0x55, 0x00]}, 0),  # between packets nobody listens
        ({"between": GARBAGE[:90] + [driver.SYNC, 0x21, 200]}, 1),
        ({"lose_to": [0]}, 1),
        ({"lose_to": [2]}, 1),
        ({"lose_to": [40]}, 1),
        ({"spoil_to": [1]}, 1),
        ({"spoil_to": [30]}, 1),
        ({"lose_from": [0]}, 1),
        ({"lose_from": [2]}, 1),
        ({"lose_from": [7]}, 1),
        ({"lose_to": [20], "lose_from": [9], "spoil_to": [300]}, 1),
    ],
)
def test_faults_of_the_line(small, tmp_path, faults, restarts):
    result = check(small, tmp_path, samples("hello_world", 60), [(0, 60)], **faults)
    assert (result["restarts"] > 0) == (restarts > 0)


def test_a_fault_in_a_long_frame(larger, tmp_path):
    result = check(larger, tmp_path, samples("tfc_1w1a", 4), [(0, 4)], lose_to=[300])
    assert result["restarts"] == 1


class Mute:
    """A port at which nobody is."""

    def write(self, data):
        self.last = data

    def read(self, count):
        return b""


class Other(Mute):
    """A chip with another design."""

    def read(self, count):
        token = self.last[-3]
        answer, self.last = driver.packet(driver.OPENED, 0, bytes([token, driver.VERSION]) + bytes(8)), None
        return answer


def test_what_the_driver_says_when_nobody_answers(small):
    with pytest.raises(driver.LinkError, match="the chip does not answer: is its bitstream loaded"):
        driver.Accelerator(Mute(), small.folder)
    with pytest.raises(RuntimeError, match="the chip holds another design"):
        driver.Accelerator(Other(), small.folder / "board")


def test_crc():
    """The check value of CRC-16 with these parameters."""
    assert driver.crc16(b"123456789") == 0x29B1


@pytest.mark.parametrize("name", OPEN)
def test_clocks(name):
    """The default clock of each board is made exactly, and does for its serial line."""
    board = load_board(name)
    clock = clock_of(board, board.clock_mhz)
    assert abs(clock.mhz - board.clock_mhz) < 0.02 * board.clock_mhz
    assert divisor(board, clock.mhz) >= 8


@pytest.mark.parametrize(
    ("name", "mhz"),
    [
        (name, mhz)
        for name in OPEN
        for mhz in (20.0, 33.3, 40.0, 61.0, 90.0, 150.0)
        if mhz >= (load_board(name).clock_pin_mhz or 0)
    ],
)
def test_plls(name, mhz):
    """Never above what is asked, near it, and within the range of the PLL's oscillator."""
    board = load_board(name)
    clock, (low, high) = clock_of(board, mhz), board.chip_family.vco
    assert 0.93 * mhz < clock.mhz <= mhz
    p, source = clock.parameters, board.clock_pin_mhz
    made = {
        "bw_pll_ecp5": lambda: (source * p["FEEDBACK"] / p["INPUT"], p["OUTPUT"]),
        "bw_pll_ice40": lambda: (source * (p["DIVF"] + 1) / (p["DIVR"] + 1) / 2 ** p["DIVQ"], 2 ** p["DIVQ"]),
        "bw_pll_gowin": lambda: (source * (p["FBDIV"] + 1) / (p["IDIV"] + 1), p["ODIV"]),
        "bw_pll_xc7": lambda: (source * p["MULTIPLY"] / p["DIVIDE"] / p["OUTPUT"], p["OUTPUT"]),
    }
    frequency, times = made[clock.module]()
    assert frequency == pytest.approx(clock.mhz)
    assert low <= frequency * times <= high


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("ulx3s-85f", {"INPUT": 5, "FEEDBACK": 16, "OUTPUT": 7}),
        ("icebreaker", {"PAD": 1, "DIVR": 0, "DIVF": 63, "DIVQ": 5, "RANGE": 1}),
        ("ice40-hx8k", {"PAD": 0, "DIVR": 0, "DIVF": 63, "DIVQ": 4, "RANGE": 1}),
        ("tang-nano-9k", {"DEVICE": "GW1NR-9C", "FCLKIN": "27", "IDIV": 0, "FBDIV": 1, "ODIV": 8}),
    ],
)
def test_plls_of_default_clocks(name, parameters):
    """What ecppll, icepll and gowin_pll say for the same clocks."""
    board = load_board(name)
    assert clock_of(board, board.clock_mhz).parameters == parameters


def test_clocks_that_cannot_be(tmp_path):
    board = load_board("icebreaker")
    with pytest.raises(CompileError, match=r"E407: board icebreaker makes no clock of 5 MHz or less from its 12 MHz"):
        clock_of(board, 5.0)
    with pytest.raises(
        CompileError, match=r"E407: board icebreaker: 1000000 baud are 5\.00 clock cycles a bit at 5 MHz"
    ):
        divisor(board, 5.0)


def test_a_board_without_pins(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text('base = "pynq-z2"\nname = "own"\nflow = "uart"\n')
    with pytest.raises(CompileError, match=r"E403: board own: the flow 'uart' needs \[uart\], clock_pin and"):
        write_handoff(load_board(path), {"clock_mhz": 100}, {}, tmp_path)


@tcl.needed
def test_vivado_for_a_chip_without_open_place_and_route(tmp_path, golden):
    """The Arty: its pins and clock as constraints, and Vivado's script."""
    (tmp_path / "rtl").mkdir()
    (tmp_path / "rtl" / "bw_accel.v").write_text("")
    (tmp_path / "rtl" / "w0.mem").write_text("")
    board = load_board("arty")
    write_handoff(board, {"clock_mhz": 150.0}, boundary(), tmp_path / "board")
    calls = tcl.calls(tmp_path / "board" / "chip.xdc") + tcl.calls(tmp_path / "board" / "build.tcl")
    golden("build_arty.calls", calls)
    assert (
        "bw_pll_xc7 #(.DIVIDE(1), .MULTIPLY(9), .OUTPUT(6), .PERIOD(10000)) clocking"
        in (tmp_path / "board" / "rtl" / "bw_chip.v").read_text()
    )
    assert "vivado -mode batch -source build.tcl" in (tmp_path / "board" / "README.md").read_text()
    assert board.open_flow == "synthesis"


def test_the_same_design_gives_the_same_files(small, tmp_path):
    again = bitwright.compile(MODELS / "hello_world.onnx", tmp_path / "d", board="icebreaker", target_cycles=600)
    files = sorted(p.relative_to(again.folder) for p in (again.folder / "board").rglob("*") if p.is_file())
    assert {Path("board/rtl/bw_chip.v"), Path("board/chip.pcf"), Path("board/driver.py")} < set(files)
    for file in files:
        assert (again.folder / file).read_bytes() == (small.folder / file).read_bytes()


@pytest.mark.parametrize("file", sorted((HERE / "rtl").glob("*.v")), ids=lambda p: p.stem)
def test_lint(file):
    tools = verilator.find_tools()
    env = {**os.environ, "VERILATOR_ROOT": str(tools.root)}
    command = [str(tools.verilator), "--lint-only", "-Wall", "--quiet-stats", "--default-language", "1364-2005"]
    done = subprocess.run([*command, "-y", str(HERE / "rtl"), str(file)], env=env, capture_output=True, text=True)
    assert done.returncode == 0 and "%" not in done.stderr, done.stderr
