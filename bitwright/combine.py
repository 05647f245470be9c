"""Several accelerators in one chip: their RTL side by side, and a handoff that has them all."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from . import __version__, saved
from .boards import Board
from .boards.pynq.handoff import Part, write_together
from .design import BOUNDARY, Design, load
from .errors import CompileError
from .report import RESOURCES
from .store import MANIFEST, build_directory, write_json


def combine(folders: list[str | Path], output: str | Path) -> dict[str, Any]:
    """Put the accelerators of some builds, or one build several times, into one chip; write `output` and return its manifest.

    The builds have a board and a clock in common, and each keeps its own DMA. Raises CompileError E504 if they do not go
    together, E490 if they do not fit the board together.
    """
    designs = [load(folder) for folder in folders]
    board = _common_board(designs)
    names = [f"accel_{i}/rtl" for i in range(len(designs))]
    manifest = _manifest(board, designs, names)
    _check_room(board, manifest)
    parts = [
        Part(name, design.manifest, saved.read(design.folder / BOUNDARY, saved.Boundary))
        for name, design in zip(names, designs, strict=True)
    ]
    with build_directory(Path(output)) as folder:
        for name, design in zip(names, designs, strict=True):
            shutil.copytree(design.folder / "rtl", folder / name)
        write_together(board, parts, folder / "board")
        write_json(folder / MANIFEST, manifest)
    return manifest


def _common_board(designs: list[Design]) -> Board:
    if not designs:
        raise CompileError("E504", "a chip has one accelerator at least", hint="name a build")
    board = designs[0].board()
    if board.flow != "pynq":
        raise CompileError(
            "E504", f"{board.name} has no processor to share accelerators", hint="compile for a Zynq board"
        )
    for design in designs:
        if design.board() != board:
            message = f"'{design.folder}' is for {design.board().name}, '{designs[0].folder}' for {board.name}"
            raise CompileError("E504", message, hint="compile them for one board, with the same board file")
        if design.manifest["clock_mhz"] != designs[0].manifest["clock_mhz"]:
            clocks = " and ".join(f"{d.manifest['clock_mhz']:g}" for d in (designs[0], design))
            raise CompileError("E504", f"the builds run at {clocks} MHz", hint="compile them with the same --clock")
        if design.manifest["options"]["ports"] != "axis":
            raise CompileError("E504", f"'{design.folder}' has no AXI4-Stream ports", hint="leave --ports out")
    return board


def _manifest(board: Board, designs: list[Design], names: list[str]) -> dict[str, Any]:
    told = ("model", "frame_cycles", "latency_cycles", "estimate")
    return {
        "bitwright": __version__,
        "board": board.name,
        "part": board.part,
        "clock_mhz": designs[0].manifest["clock_mhz"],
        "accelerators": [
            {"rtl": name} | {key: design.manifest[key] for key in told} for name, design in zip(names, designs, strict=True)
        ],
        "estimate": {key: sum(design.manifest["estimate"][key] for design in designs) for key in RESOURCES},
        "usable": {key: getattr(board.usable, key) for key in RESOURCES},
    }  # fmt: skip


def _check_room(board: Board, manifest: dict[str, Any]) -> None:
    for key, need in manifest["estimate"].items():
        if need > manifest["usable"][key]:
            message = f"together the accelerators take {need:,} {key}, but a plan for {board.name} may use {manifest['usable'][key]:,}"
            raise CompileError("E490", message, hint="compile them for fewer frames a second, or take fewer of them")
