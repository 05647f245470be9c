"""The Vitis handoff: the files, what may not be in them, and the scripts run against stubs of Vivado and Vitis."""

import ast
import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import bitwright
from bitwright.boards import load_board, write_handoff
from bitwright.boards.board import Vitis
from bitwright.errors import CompileError
from tests.boards import tcl
from tests.boards.boundaries import boundary, stream

MODELS = Path(__file__).parents[1] / "models"
MANIFEST = {"clock_mhz": 300.0, "frame_cycles": 64, "latency_cycles": 600, "estimate": {"lut": 5300}}
FILES = [
    "Makefile",
    "README.md",
    "boundary.json",
    "driver.py",
    "host.py",
    "kernel/bw_axilite.v",
    "kernel/bw_kernel.v",
    "kernel/bw_kernel_control.v",
    "kernel/bw_kernel_fifo.v",
    "kernel/bw_kernel_plan.v",
    "kernel/bw_kernel_read.v",
    "kernel/bw_kernel_write.v",
    "link.cfg",
    "package_kernel.tcl",
    "predictor.py",
    "synth_ooc.tcl",
    "timing.xdc",
]


@pytest.fixture
def design(tmp_path: Path) -> Path:
    """A design's folder, with a blank in its path, RTL and the handoff."""
    folder = tmp_path / "a design"
    (folder / "rtl").mkdir(parents=True)
    for name in ("bw_accel.v", "bw_fifo.v", "w0.mem"):
        (folder / "rtl" / name).write_text("")
    files = write_handoff(load_board("u250"), MANIFEST, boundary(), folder / "board")
    assert [path.relative_to(folder / "board").as_posix() for path in files] == FILES
    return folder


def test_names_of_the_model_are_in_the_boundary_only(tmp_path: Path, design: Path) -> None:
    evil = '"]; exec touch pwned; # {}\n@{part} $(shell ls) \u202e'
    spec = boundary(input_name=evil, output_name=evil)
    write_handoff(load_board("u250"), {**MANIFEST, "model": evil}, spec, tmp_path / "board")
    for name in FILES:
        same = (tmp_path / "board" / name).read_bytes() == (design / "board" / name).read_bytes()
        assert same == (name != "boundary.json")


def test_python_for_the_host(design: Path) -> None:
    for name in ("driver.py", "host.py", "predictor.py"):
        ast.parse((design / "board" / name).read_text(encoding="utf-8"), feature_version=(3, 8))


def test_the_kernel_suits_its_streams(design: Path) -> None:
    """16 bits in, 9 beats a frame; 32 out, 5 beats; 512 to memory."""
    text = (design / "board" / "kernel" / "bw_kernel.v").read_text()
    assert "bw_kernel_read #(.SIZE(6), .BEAT(1), .BEATS(6), .BURST(3), .DEPTH(5)) read (" in text
    assert "bw_kernel_write #(.SIZE(6), .BEAT(2), .BEATS(5), .BURST(3), .DEPTH(5)) write (" in text
    readme = (design / "board" / "README.md").read_text(encoding="utf-8")
    assert "reads `frames` frames of 12 bytes from the address `source`" in readme
    assert "| frames a second, at most | 4,687,500 |" in readme.splitlines()


def test_link(tmp_path: Path, design: Path) -> None:
    lines = (design / "board" / "link.cfg").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        "[connectivity]",
        "nk=bw_kernel:1",
        "sp=bw_kernel_1.m_axi_gmem:DDR[0]",
    ]
    assert lines[-1] == "# sp=bw_kernel_4.m_axi_gmem:DDR[3]"


@tcl.needed
def test_package(design: Path, golden: Callable[[str, str], None]) -> None:
    golden("package_kernel.calls", tcl.calls(design / "board" / "package_kernel.tcl"))


@tcl.needed
def test_package_without_memories(design: Path) -> None:
    (design / "rtl" / "w0.mem").unlink()
    assert ".mem" not in tcl.calls(design / "board" / "package_kernel.tcl")


@tcl.needed
def test_synth_ooc(design: Path) -> None:
    lines = tcl.calls(design / "board" / "synth_ooc.tcl").splitlines()
    assert "synth_design -top bw_accel -part xcu250-figd2104-2L-e -mode out_of_context" in lines


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize("target", ["hw", "hw_emu"])
def test_make(design: Path, golden: Callable[[str, str], None], target: str) -> None:
    """Stubs in place of the tools: they log their arguments, and make the file that each is there to make."""
    tools = design / "tools"
    tools.mkdir()
    made = {"vivado": "bw_kernel.xo", "v++": '"$out"', "emconfigutil": "emconfig.json"}
    for name, file in made.items():
        script = f'echo "{name} $*" >> calls.log\nwhile [ $# -gt 0 ]; do [ "$1" = -o ] && out=$2; shift; done\ntouch {file}\n'
        (tools / name).write_text("#!/bin/sh\n" + script)
        (tools / name).chmod(0o755)
    board = design / "board"
    command = ["make", f"TARGET={target}"]
    for _ in range(2):  # the second finds nothing to do
        subprocess.run(command, cwd=board, env={"PATH": f"{tools}:/usr/bin:/bin"}, check=True, capture_output=True)
    golden(f"make_{target}.calls", (board / "calls.log").read_text())
    xclbin = board / ("bitwright.xclbin" if target == "hw" else "bitwright.hw_emu.xclbin")
    assert xclbin.exists() and (board / "emconfig.json").exists() == (target == "hw_emu")


@pytest.mark.parametrize(("lanes", "bits"), [(128, 1024), (3, 24)])
def test_streams_that_the_memory_cannot_carry(tmp_path: Path, lanes: int, bits: int) -> None:
    wide = boundary(input_stream=stream(slot=8, lanes=lanes, vector=15, vectors=1))
    with pytest.raises(CompileError) as caught:
        write_handoff(load_board("u250"), MANIFEST, wide, tmp_path)
    assert str(caught.value).splitlines() == [
        f"E405: the input stream is {bits} bits wide, but alveo-u250 carries powers of two up to 512",
        "  hint: use fewer lanes at the boundary",
    ]
    assert not list(tmp_path.iterdir())


def test_a_board_without_a_platform(tmp_path: Path) -> None:
    board = replace(load_board("u250"), vitis=None)
    with pytest.raises(CompileError, match=r"E403: board alveo-u250: the flow 'vitis' needs \[vitis\]"):
        write_handoff(board, MANIFEST, boundary(), tmp_path)


def test_boards_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text('base = "alveo-u250"\nname = "own"\n[vitis]\nplatform = "xilinx_u250_own"\n')
    assert load_board(path).vitis == Vitis("xilinx_u250_own", "DDR", 4)
    for line, says in (
        ('platform = "a b"', r"\[vitis\]: platform must be a word of letters"),
        ("banks = 0", r"\[vitis\]: banks must be a whole number from 1"),
        ("slr = 2", r"\[vitis\]: unknown key 'slr'"),
    ):
        path.write_text(f'base = "alveo-u250"\nname = "own"\n[vitis]\n{line}\n')
        with pytest.raises(CompileError, match=says):
            load_board(path)


def test_a_control_port_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CompileError) as caught:
        bitwright.compile(MODELS / "hello_world.onnx", tmp_path / "d", board="u250", control="axilite")
    assert str(caught.value).splitlines() == [
        "E504: --control axilite: on alveo-u250 the host runs kernels, and XRT's Python reaches no other registers",
        '  hint: leave --control out, or take a board file of your own with flow = "ip"',
    ]


def test_a_build_keeps_its_platform(tmp_path: Path) -> None:
    """The same design gives the same files, and knows its board again."""
    folders = [tmp_path / name for name in ("first", "second")]
    designs = [bitwright.compile(MODELS / "hello_world.onnx", f, board="u250", target_cycles=64) for f in folders]
    for name in FILES:
        assert (folders[0] / "board" / name).read_bytes() == (folders[1] / "board" / name).read_bytes()
    assert designs[0].board() == load_board("u250")
    assert json.loads((folders[0] / "board" / "boundary.json").read_text())["input"]["stream"]["tdata"] == 8
