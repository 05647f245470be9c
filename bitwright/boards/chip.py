"""From a design on a board with an open flow to a bitstream: Yosys, place and route, packing."""

import importlib.util
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bitwright.boards.board import Board
from bitwright.boards.place import REPORT, Step, open_tools
from bitwright.boards.uart.handoff import TOP, clock_of
from bitwright.boards.yosys import PACKAGE_ROOT, ChipCells, synthesise_chip
from bitwright.errors import CompileError

LOG = "place.log"
CALL = (
    "import importlib, sys; sys.exit(getattr(importlib.import_module(sys.argv.pop(1)), sys.argv.pop(1))(*{arguments}))"
)
EXTRA = "bitwright[open]"


@dataclass(frozen=True, slots=True)
class ChipResult:
    """What a chip with a design takes, its shell included, and how fast it is.

    `lut` is the logic that place and route counts, `lut_cells` the LUTs of the netlist; `bram` are block RAMs of the chip's
    own size. `fmax_mhz` is what the accelerator's clock reaches after routing, `clock_mhz` what it is; `path` the slowest
    path. `bitstream` is a file's path.
    """

    lut: int
    lut_cells: int
    ff: int
    bram: int
    bram36: float
    dsp: int
    fmax_mhz: float | None
    clock_mhz: float
    meets_clock: bool
    utilisation: dict[str, dict[str, int]]
    path: tuple[str, ...]
    cells: dict[str, int]
    bitstream: str
    seconds: float
    synthesis_seconds: float


def make_bitstream(design: Path, board: Board, clock_mhz: float) -> ChipResult:
    """Make the bitstream of the design in a build directory, in its `synth/`.

    CompileError E391 if place and route is missing, E416 where it fails, E491 if the chip is too small for the netlist.
    """
    clock = clock_of(board, clock_mhz)
    tools = open_tools(board).steps(board, clock.mhz)
    _check_installed(board, tools.commands)
    start, out = time.perf_counter(), design / "synth"
    made = synthesise_chip([design / "rtl", design / "board" / "rtl"], TOP, out, board.chip_family)
    _check_room(board, made)
    synthesised = time.perf_counter()
    name, text = open_tools(board).constraints(board)
    (out / name).write_text(text, encoding="utf-8")
    for file in (REPORT, tools.bitstream):
        (out / file).unlink(missing_ok=True)
    (out / LOG).write_bytes(b"")
    for step in tools.commands:
        _run(step, out)
    if not (out / tools.bitstream).is_file():
        raise CompileError("E416", f"place and route left no bitstream; see {out / LOG}")
    report: dict[str, Any] = json.loads((out / REPORT).read_text(encoding="utf-8"))
    # The accelerator's clock is the slowest: the oscillator drives nothing else.
    fmax = min((timed["achieved"] for timed in report["fmax"].values()), default=None)
    used = {name: entry for name, entry in report["utilization"].items() if entry["used"]}
    block = board.chip_family.chip.block
    return ChipResult(
        lut=sum(used[name]["used"] * cells for name, cells in open_tools(board).LOGIC.items() if name in used),
        lut_cells=made.lut,
        ff=made.ff,
        bram=made.bram,
        bram36=round(made.bram * block, 4),
        dsp=made.dsp,
        fmax_mhz=None if fmax is None else round(fmax, 2),
        clock_mhz=round(clock.mhz, 6),
        meets_clock=fmax is not None and fmax >= clock.mhz,
        utilisation=used,
        path=_slowest(report),
        cells=made.cells,
        bitstream=str(out / tools.bitstream),
        seconds=round(time.perf_counter() - start, 2),
        synthesis_seconds=round(synthesised - start, 2),
    )


def _check_installed(board: Board, steps: tuple[Step, ...]) -> None:
    for step in steps:
        package = step.package.partition(".")[0]
        if importlib.util.find_spec(package) is None:
            raise CompileError(
                "E391", f"a bitstream for {board.name} needs {board.chip_family.package}", hint=f"pip install '{EXTRA}'"
            )


def _check_room(board: Board, cells: ChipCells) -> None:
    """Place and route would say so too, but late."""
    bram = round(board.bram36 / board.chip_family.chip.block)
    for name, need, have in (
        ("block RAMs", cells.bram, bram),
        ("DSPs", cells.dsp, board.dsp),
        ("LUTs", cells.lut, board.lut),
    ):
        if need > have:
            message = f"the netlist has {need} {name}, and the chip of {board.name} {have}"
            raise CompileError("E491", message, hint="compile with a larger --margin, or for fewer frames a second")


def _run(step: Step, folder: Path) -> None:
    """A tool, in a process of its own and in the folder; its words go to the log."""
    arguments = "[]" if step.function == "main" else "[sys.argv[1:]]"
    command = [
        sys.executable,
        "-P",
        "-c",
        CALL.format(arguments=arguments),
        step.package,
        step.function,
        *step.arguments,
    ]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(PACKAGE_ROOT), os.environ.get("PYTHONPATH")])),
    }
    with (folder / LOG).open("ab") as log:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            check=False,
        )
    if done.returncode:
        lines = (folder / LOG).read_text(encoding="utf-8", errors="replace").splitlines()
        errors = [line.partition("ERROR: ")[2] for line in lines if "ERROR: " in line]
        reason = errors[0] if errors else f"it ended with status {done.returncode}"
        code = "E491" if re.search(r"unable to place|exceeds|too many|no more|not enough", reason, re.I) else "E416"
        raise CompileError(code, f"place and route failed: {reason}; see {folder / LOG}")


def _slowest(report: dict[str, Any]) -> tuple[str, ...]:
    """The cells and nets of the slowest path within the clock, with their delays in ns."""
    paths = [p for p in report.get("critical_paths", []) if p["from"] == p["to"]]
    steps = max((p["path"] for p in paths), key=lambda path: sum(s["delay"] for s in path), default=[])
    return tuple(f"{s['delay']:.2f} {s['type']} {s.get('net') or s['to']['cell']}" for s in steps)
