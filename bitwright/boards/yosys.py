"""Synthesis with Yosys: for 7-series chips an estimate of size and clock without a vendor's tool, for others the netlist to place.

Yosys runs in a process of its own (`python -m bitwright.boards.yosys …`), because an error in it ends the process.
"""

import importlib
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bitwright.boards import netlist, timing
from bitwright.boards.family import Family, load_family
from bitwright.errors import CompileError

PACKAGE_ROOT = Path(__file__).resolve().parents[2]
LOG = "yosys.log"
NETLIST = "netlist.json"
VERILOG = "netlist.v"
SCRIPT = "yosys.ys"
COUNTED = ("xc7", "xcup")
"""The families of which `synthesise` counts what an accelerator alone takes."""


@dataclass(frozen=True, slots=True)
class SynthResult:
    """What Yosys made of a design.

    `lut` estimates what Vivado would count (±10 %), `lut_cells` is the plain number of LUTs that Yosys used. `fmax_mhz`
    is a pre-placement band for a 7-series chip of speed grade -1, None where no path runs from register to register and
    for other chips; `path` its worst.
    """

    lut: int
    lut_cells: int
    ff: int
    bram36: float
    dsp: int
    carry4: int
    srl: int
    lutram: int
    fmax_mhz: tuple[float, float] | None
    path: tuple[str, ...]
    cells: dict[str, int]
    seconds: float


def synthesise(
    rtl_dir: Path, top: str, out: Path, family: str = "xc7", timeout: float | None = None, shell: Path | None = None
) -> SynthResult:
    """Synthesise every `*.v` in `rtl_dir` out of context for a chip of AMD's, as `synthesise_alone` does, and count.

    With those in `shell` too, `top` is a whole chip.
    """
    if family not in COUNTED:
        known = ", ".join(COUNTED)
        raise CompileError(
            "E411", f"Yosys' counts for chips of family {family} are not known", hint=f"families: {known}"
        )
    start = time.perf_counter()
    synthesise_alone(rtl_dir, top, out, load_family(family), timeout, shell)
    cells = netlist.read_netlist(out / NETLIST, top)
    counts, clock = netlist.count(cells), timing.estimate(cells) if family == "xc7" else None
    return SynthResult(
        lut=counts.lut,
        lut_cells=counts.lut_cells,
        ff=counts.ff,
        bram36=counts.bram36,
        dsp=counts.dsp,
        carry4=counts.carry4,
        srl=counts.srl,
        lutram=counts.lutram,
        fmax_mhz=clock.fmax_mhz if clock else None,
        path=clock.path if clock else (),
        cells=counts.cells,
        seconds=round(time.perf_counter() - start, 2),
    )


def synthesise_alone(
    rtl_dir: Path, top: str, out: Path, family: Family, timeout: float | None = None, shell: Path | None = None
) -> None:
    """Synthesise every `*.v` in `rtl_dir` (and in `shell`) without pins, and write `netlist.json` and `yosys.log` into `out`.

    Memory files are found in `rtl_dir`. CompileError E390: pyosys is missing; E411: no such synthesis; E412: Yosys
    refused the design; E413: it took longer than `timeout` seconds.
    """
    if family.alone is None:
        raise CompileError("E411", f"Yosys' netlists for chips of family {family.name} are not known here")
    sources = _sources([rtl_dir] if shell is None else [rtl_dir, shell])
    _synthesise(rtl_dir, alone_commands(sources, top, family), out, timeout)


@dataclass(frozen=True, slots=True)
class ChipCells:
    """What Yosys made of a whole chip: LUTs, flip-flops, block RAMs and DSPs as its cells count them."""

    lut: int
    ff: int
    bram: int
    dsp: int
    cells: dict[str, int]


def synthesise_chip(folders: Sequence[Path], top: str, out: Path, family: Family) -> ChipCells:
    """Synthesise every `*.v` in the folders for a chip of the family, pins and all; `netlist.json` goes into `out`.

    Memory files are found in the first folder. CompileError E390, E411 or E412, as `synthesise` raises them.
    """
    if family.synthesis is None:
        raise CompileError("E411", f"there is no synthesis of whole chips of family {family.name}")
    _synthesise(folders[0], _chip_commands(_sources(folders), top, family), out, None)
    counted = netlist.count_types(out / NETLIST, top)
    rules = family.synthesis
    return ChipCells(
        lut=sum(rules.lut.get(cell, 0) * n for cell, n in counted.items()),
        ff=sum(n for cell, n in counted.items() if cell in rules.ff),
        bram=sum(n for cell, n in counted.items() if cell in rules.bram),
        dsp=sum(n for cell, n in counted.items() if cell in rules.dsp),
        cells=counted,
    )


def _sources(folders: Sequence[Path]) -> list[str]:
    """Every `*.v` in the folders, as seen from the first."""
    first = folders[0].resolve()
    return [os.path.relpath(file, first) for folder in folders for file in sorted(folder.resolve().glob("*.v"))]


def _synthesise(rtl_dir: Path, commands: list[str], out: Path, timeout: float | None) -> None:
    """Run a script among the sources; `netlist.json`, the script and the log are left in `out`."""
    if importlib.util.find_spec("pyosys") is None:
        raise CompileError("E390", "synthesis needs Yosys", hint="pip install pyosys")
    out.mkdir(parents=True, exist_ok=True)
    (out / NETLIST).unlink(missing_ok=True)
    (out / SCRIPT).write_text("\n".join(commands) + "\n", encoding="utf-8")
    _run(out / LOG, [out / NETLIST], timeout, "synthesis", str(rtl_dir.resolve()), str(out.resolve()))


def write_verilog(folder: Path) -> Path:
    """Write the netlist in `folder` as Verilog beside it, instances of the chip's cells; its file. CompileError E412."""
    file = folder / VERILOG
    file.unlink(missing_ok=True)
    _run(folder / "verilog.log", [file], None, "verilog", str(folder.resolve()))
    return file


def cell_models(name: str) -> Path:
    """A file of Yosys' with Verilog models of a chip's cells, as "xilinx/cells_sim.v". CompileError E390 if pyosys is missing."""
    spec = importlib.util.find_spec("pyosys")
    for place in (spec.submodule_search_locations or []) if spec else []:
        file = Path(place) / "share" / name
        if file.is_file():
            return file
    raise CompileError("E390", "a netlist's cells need Yosys' models", hint="pip install pyosys")


def _run(log: Path, made: list[Path], timeout: float | None, *arguments: str) -> None:
    """Run this module's `main` elsewhere, its output in the log; `made` are the files that it must leave."""
    paths = [str(PACKAGE_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-P", "-m", __spec__.name, *arguments]
    with log.open("wb") as sink:
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env=environment,
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise CompileError("E413", f"Yosys took longer than {timeout} s; see {log}") from None
    if done.returncode or not all(file.is_file() for file in made):
        raise CompileError("E412", f"Yosys failed: {_reason(log, done.returncode)}; see {log}")


def _reason(log: Path, status: int) -> str:
    """Yosys' error line, else how the process ended."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return errors[-1] if errors else f"it ended with status {status}"


def alone_commands(sources: list[str], top: str, family: Family) -> list[str]:
    """The script for an accelerator alone. The equivalence check inside abc9 can take hours on adders, so it is off."""
    assert family.alone is not None
    return [
        *([f"read_verilog -lib {family.alone.library}"] if family.alone.library else []),
        *(f"read_verilog {json.dumps(source)}" for source in sources),
        "scratchpad -set abc9.verify false",
        *_passes_of(f"{family.alone.command} -top {top}", family),
        "check",
    ]


def _passes_of(command: str, family: Family) -> list[str]:
    """The command, with what has to come between its first part, which flattens the design, and the rest."""
    if family.synthesis is None or not family.synthesis.prepare:
        return [command]
    return [f"{command} -run begin:coarse", *family.synthesis.prepare, f"{command} -run coarse:"]


def _chip_commands(sources: list[str], top: str, family: Family) -> list[str]:
    """The script for a whole chip."""
    assert family.synthesis is not None
    reads = [f"read_verilog -DSYNTHESIS {json.dumps(source)}" for source in sources]
    passes = _passes_of(f"{family.synthesis.command} -top {top}", family)
    return [*reads, "scratchpad -set abc9.verify false", *passes, "check"]


def _synthesis(rtl_dir: str, out: str) -> None:
    """In the process of its own. Names inside `rtl_dir` are relative, so that its path may hold anything."""
    os.chdir(rtl_dir)
    design = _passes((Path(out) / SCRIPT).read_text(encoding="utf-8").splitlines())
    os.chdir(out)
    _passes([f"write_json {NETLIST}"], design)


def _verilog(folder: str) -> None:
    os.chdir(folder)
    # Names of nets and cells tell where they come from, at great length: numbers do.
    _passes([f"read_json {NETLIST}", "rename -hide w:* c:*", f"write_verilog -noattr {VERILOG}"])


def _passes(commands: list[str], design: Any = None) -> Any:
    libyosys = importlib.import_module("pyosys.libyosys")
    design = design or libyosys.Design()
    for command in commands:
        libyosys.run_pass(command, design)
    return design


MAIN = {"synthesis": _synthesis, "verilog": _verilog}

if __name__ == "__main__":
    MAIN[sys.argv[1]](*sys.argv[2:])
