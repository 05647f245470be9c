"""Boards, and the flows that hand a design over to them.

A board is a TOML file in this folder; a flow is a folder here with a `handoff.py`, named by the board's `flow`. To add
either is to add files.
"""

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bitwright.boards.board import Board, Limits, Resources, list_boards, load_board
from bitwright.errors import CompileError

if TYPE_CHECKING:
    from bitwright.boards.uart.driver import Accelerator

__all__ = ["Accelerator", "Board", "Limits", "Resources", "list_boards", "load_board", "write_handoff"]


def __getattr__(name: str) -> Any:
    """`Accelerator`, the driver of a chip behind a serial line, on first use."""
    if name != "Accelerator":
        raise AttributeError(f"module 'bitwright.boards' has no attribute {name!r}")
    return importlib.import_module(f"{__name__}.uart.driver").Accelerator


def write_handoff(board: Board, manifest: dict[str, Any], boundary: dict[str, Any], out: Path) -> list[Path]:
    """Write what the board's flow needs into `out` (a design's `board/` folder, beside its `rtl/`).

    Returns the files, sorted. The same arguments give the same bytes.
    """
    flows = sorted(path.parent.name for path in Path(__file__).parent.glob("*/handoff.py"))
    if board.flow not in flows:
        known = ", ".join(flows)
        raise CompileError("E404", f"board {board.name}: there is no flow {board.flow!r}", hint=f"flows: {known}")
    return importlib.import_module(f"{__name__}.{board.flow}.handoff").write_handoff(board, manifest, boundary, out)
