"""The PYNQ handoff: the files, what may not be in them, and the Tcl run against a stub of Vivado."""

import ast
import importlib.util
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bitwright.boards import load_board, write_handoff
from bitwright.boards.pynq.handoff import Part, write_together
from bitwright.errors import CompileError
from tests.boards import tcl
from tests.boards.boundaries import boundary, code, stream

MANIFEST = {
    "clock_mhz": 125.0,
    "frame_cycles": 64,
    "latency_cycles": 500,
    "estimate": {"lut": 5300, "ff": 8100, "bram36": 12.5, "dsp": 0},
}
FILES = [
    "README.md",
    "boundary.json",
    "build.tcl",
    "control.py",
    "driver.py",
    "host.py",
    "notebook.ipynb",
    "predictor.py",
    "synth_ooc.tcl",
    "timing.xdc",
    "weights.py",
]


@pytest.fixture
def design(tmp_path: Path) -> Path:
    """A design's folder, with a blank in its path, RTL and the handoff."""
    folder = tmp_path / "a design"
    (folder / "rtl").mkdir(parents=True)
    for name in ("bw_accel.v", "bw_fifo.v", "w0.mem"):
        (folder / "rtl" / name).write_text("")
    write_handoff(load_board("pynq"), MANIFEST, boundary(), folder / "board")
    return folder


def test_files(tmp_path: Path) -> None:
    files = write_handoff(load_board("pynq"), MANIFEST, boundary(), tmp_path / "board")
    assert [path.name for path in files] == FILES == sorted(path.name for path in (tmp_path / "board").iterdir())


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path, design: Path) -> None:
    write_handoff(load_board("pynq"), MANIFEST, dict(reversed(boundary().items())), tmp_path / "board")
    for name in FILES:
        assert (tmp_path / "board" / name).read_bytes() == (design / "board" / name).read_bytes()


def test_names_of_the_model_are_in_the_boundary_only(tmp_path: Path, design: Path) -> None:
    evil = '"]; exec touch pwned; # {}\n@{part} \u202e'
    spec = boundary(input_name=evil, output_name=evil)
    write_handoff(load_board("pynq"), {**MANIFEST, "model": evil, "stages": [{"name": evil}]}, spec, tmp_path / "board")
    for name in FILES:
        same = (tmp_path / "board" / name).read_bytes() == (design / "board" / name).read_bytes()
        assert same == (name != "boundary.json")
    text = (tmp_path / "board" / "boundary.json").read_bytes()
    assert text.isascii()
    assert json.loads(text) == spec


@pytest.mark.parametrize("hostile", [{"clock_mhz": "100; exec ls"}, {"estimate": {"lut": "[exec ls]"}}])
def test_numbers_are_numbers(tmp_path: Path, hostile: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="could not convert string to float"):
        write_handoff(load_board("pynq"), {**MANIFEST, **hostile}, boundary(), tmp_path)
    assert not list(tmp_path.iterdir())


def test_readme_has_the_figures(design: Path) -> None:
    text = (design / "board" / "README.md").read_text(encoding="utf-8")
    for line in (
        "# This accelerator on the pynq-z2",
        "| clock | 125 MHz |",
        "| frames a second, at most | 1,953,125 |",
        "| latency | 4.00 µs |",
        "| BRAM (36 kb), estimated | 12.5 |",
        "| DSP, estimated | 0 |",
    ):
        assert line in text.splitlines()


def test_figures_are_not_needed(tmp_path: Path) -> None:
    write_handoff(load_board("pynq"), {"clock_mhz": 62.5}, boundary(), tmp_path)
    assert "| clock | 62.5 MHz |\n\n" in (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "-period 16.000 " in (tmp_path / "timing.xdc").read_text(encoding="utf-8")


def test_python_for_the_board(design: Path) -> None:
    for name in ("driver.py", "control.py", "host.py", "predictor.py", "weights.py"):
        ast.parse((design / "board" / name).read_text(encoding="utf-8"), feature_version=(3, 8))


def test_notebook(design: Path) -> None:
    notebook = json.loads((design / "board" / "notebook.ipynb").read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 4)
    for cell in notebook["cells"]:
        keys = {"cell_type", "metadata", "source"}
        assert set(cell) == (keys | {"execution_count", "outputs"} if cell["cell_type"] == "code" else keys)
        if cell["cell_type"] == "code":
            ast.parse("".join(cell["source"]), feature_version=(3, 8))


def test_a_stream_too_wide_for_the_board(tmp_path: Path) -> None:
    wide = boundary(input_stream=stream(slot=8, lanes=16, vector=15, vectors=1))
    with pytest.raises(CompileError) as caught:
        write_handoff(load_board("pynq"), MANIFEST, wide, tmp_path)
    says = "E405: the input stream is 128 bits wide, but pynq-z2 carries 64\n  hint: use fewer lanes at the boundary"
    assert str(caught.value) == says


def test_a_frame_too_long_for_the_dma(tmp_path: Path) -> None:
    long = boundary(
        output_shape=[1 << 23],
        output_code=code(64, signed=True),
        output_stream=stream(slot=64, lanes=1, vector=1 << 23, vectors=1),
    )
    with pytest.raises(CompileError) as caught:
        write_handoff(load_board("pynq"), MANIFEST, long, tmp_path)
    assert str(caught.value).splitlines() == [
        "E406: a frame of the output is 67108864 bytes, but a DMA transfer at most 67108863",
        "  hint: use a smaller input",
    ]


@tcl.needed
def test_build(design: Path, golden: Callable[[str, str], None]) -> None:
    golden("build.calls", tcl.calls(design / "board" / "build.tcl"))
    made = {path.name for path in (design / "board").iterdir()} - set(FILES)
    assert made == {"bitwright.bit", "bitwright.hwh", "bitwright.xsa", "vivado"}


@tcl.needed
@pytest.mark.parametrize(("name", "installed"), [("kv260", ""), ("zcu104", "xilinx.com:zcu104:part0:1.1")])
def test_build_for_ultrascale(tmp_path: Path, golden: Callable[[str, str], None], name: str, installed: str) -> None:
    """The processor of the UltraScale+, by Vivado's file of the board or without it."""
    (tmp_path / "rtl").mkdir()
    (tmp_path / "rtl" / "bw_accel.v").write_text("")
    wide = boundary(input_stream=stream(slot=8, lanes=16, vector=15, vectors=1))
    write_handoff(load_board(name), MANIFEST, wide, tmp_path / "board")
    before = f"set board_parts {{{installed}}}"
    golden(f"build_{name}.calls", tcl.calls(tmp_path / "board" / "build.tcl", before=before))
    assert (tmp_path / "board" / "bitwright.bit").exists()


@tcl.needed
def test_build_of_five_accelerators(tmp_path: Path, golden: Callable[[str, str], None]) -> None:
    """The fifth shares a port into memory with the first."""
    for i in range(5):
        (tmp_path / f"accel_{i}" / "rtl").mkdir(parents=True)
        (tmp_path / f"accel_{i}" / "rtl" / "bw_accel.v").write_text("")
    parts = [Part(f"accel_{i}/rtl", MANIFEST, boundary()) for i in range(5)]
    files = write_together(load_board("pynq"), parts, tmp_path / "board")
    assert [path.name for path in files] == [
        "README.md", "boundary.json", *(f"boundary_{i}.json" for i in range(1, 5)),
        "build.tcl", "control.py", "driver.py", "host.py", "notebook.ipynb", "predictor.py",
        "weights.py",
    ]  # fmt: skip
    golden("build_five.calls", tcl.calls(tmp_path / "board" / "build.tcl"))
    assert "| 4 | 16 | 12 | 32 | 20 |" in (tmp_path / "board" / "README.md").read_text(encoding="utf-8")


@tcl.needed
def test_build_with_a_control_port(tmp_path: Path, golden: Callable[[str, str], None]) -> None:
    """Two accelerators, the first with a port of 64 KB."""
    for i in range(2):
        (tmp_path / f"accel_{i}" / "rtl").mkdir(parents=True)
        (tmp_path / f"accel_{i}" / "rtl" / "bw_accel.v").write_text("")
    controlled = boundary() | {"control": {"address_bits": 16}}
    parts = [Part("accel_0/rtl", MANIFEST, controlled), Part("accel_1/rtl", MANIFEST, boundary())]
    write_together(load_board("pynq"), parts, tmp_path / "board")
    golden("build_control.calls", tcl.calls(tmp_path / "board" / "build.tcl"))
    assert "\n## 4. Control\n" in (tmp_path / "board" / "README.md").read_text(encoding="utf-8")


def test_more_control_ports_than_masters(tmp_path: Path) -> None:
    controlled = boundary() | {"control": {"address_bits": 12}}
    parts = [Part(f"accel_{i}/rtl", MANIFEST, controlled) for i in range(9)]
    says = "E504: 18 DMAs and control ports; the processor's interconnect has 16 masters"
    with pytest.raises(CompileError, match=says):
        write_together(load_board("pynq"), parts, tmp_path)


def test_a_chip_without_a_processor(tmp_path: Path) -> None:
    board = replace(load_board("ulx3s"), flow="pynq")
    with pytest.raises(CompileError, match="E404: board ulx3s-85f: chips of family ecp5 have no processor"):
        write_handoff(board, MANIFEST, boundary(), tmp_path)


@tcl.needed
def test_build_again_and_in_another_interpreter(design: Path) -> None:
    first = tcl.calls(design / "board" / "build.tcl")
    if tcl.TCLSH and importlib.util.find_spec("_tkinter"):
        assert tcl.calls(design / "board" / "build.tcl", interpreter="tkinter") == first
    assert tcl.calls(design / "board" / "build.tcl") == first


@tcl.needed
def test_a_build_that_fails(design: Path) -> None:
    lines = tcl.calls(design / "board" / "build.tcl", before="set progress 57%").splitlines()
    assert lines[-1].startswith("FAILED: the implementation failed: see the logs in <design>/board/vivado/")
    assert not (design / "board" / "bitwright.bit").exists()


@tcl.needed
def test_a_build_that_misses_its_clock(design: Path) -> None:
    lines = tcl.calls(design / "board" / "build.tcl", before="set slack -0.3").splitlines()
    warning = "timing is not met at 125 MHz: the slack is -0.3 ns. Compile again with a lower --clock."
    assert [line for line in lines if "WARNING" in line] == [f"puts {{WARNING: {warning}}}"]
    assert (design / "board" / "bitwright.bit").exists()


@tcl.needed
@pytest.mark.parametrize(("arguments", "name"), [((), "synth_ooc.calls"), (("route",), "route_ooc.calls")])
def test_synth_ooc(design: Path, golden: Callable[[str, str], None], arguments: tuple[str, ...], name: str) -> None:
    golden(name, tcl.calls(design / "board" / "synth_ooc.tcl", *arguments))


@tcl.needed
def test_a_design_without_memories(design: Path) -> None:
    (design / "rtl" / "w0.mem").unlink()
    assert ".mem" not in tcl.calls(design / "board" / "build.tcl")
    assert "read_mem" not in tcl.calls(design / "board" / "synth_ooc.tcl")


@tcl.needed
def test_constraints(design: Path) -> None:
    assert tcl.calls(design / "board" / "timing.xdc").splitlines() == [
        "get_ports aclk",
        "create_clock -name aclk -period 8.000 <get_ports>",
    ]
