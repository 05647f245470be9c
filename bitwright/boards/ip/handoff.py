"""The handoff of an accelerator alone: for chips without a shell here, it is synthesised out of context and built in by hand."""

from pathlib import Path
from typing import Any

from bitwright.boards.board import Board
from bitwright.boards.host import Boundary
from bitwright.boards.texts import HOST, WEIGHTS, boundary_text, figures, templates, write_files

TEMPLATES = Path(__file__).parent / "templates"
SCRIPTS = Path(__file__).parent / "scripts"
"""Vivado's synthesis out of context, with fields `board`, `part` and `period_ns`."""


def write_handoff(board: Board, manifest: dict[str, Any], boundary: dict[str, Any], out: Path) -> list[Path]:
    """Write Vivado's out-of-context scripts, `host.py` and `boundary.json` into `out`, and return the files, sorted."""
    mhz, wire = float(manifest["clock_mhz"]), Boundary(boundary)
    fields = {
        "board": board.name,
        "part": board.part,
        "period_ns": f"{1000 / mhz:.3f}",
        "input_bits": str(wire.input.tdata),
        "output_bits": str(wire.output.tdata),
        "control": _control(wire),
        "figures": figures(manifest, mhz),
    }
    files = templates(TEMPLATES, fields) | templates(SCRIPTS, fields)
    files["host.py"] = HOST.read_text(encoding="utf-8")
    if wire.control is not None:
        files["weights.py"] = WEIGHTS.read_text(encoding="utf-8")
    files["boundary.json"] = boundary_text(boundary)
    return write_files(files, out)


def _control(wire: Boundary) -> str:
    if wire.control is None:
        return ""
    bits = int(wire.control["address_bits"])
    return (
        f" Its registers are behind `s_axi_control`, AXI4-Lite with addresses of {bits} bits; `boundary.json` has the map, "
        "and `weights.py` makes the words of weights."
    )
