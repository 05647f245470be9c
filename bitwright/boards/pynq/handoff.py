"""The PYNQ handoff: Vivado scripts, the driver, and what the driver needs to know, in a design's `board/` folder.

The texts are the files in `templates/`: a `*.in` has its `@{fields}` filled from the board and the manifest's numbers,
the others are copied as they are. Nothing that came from the model gets into them: its names are in `boundary.json`.
"""

import json
from pathlib import Path
from typing import Any

from bitwright.boards.board import Board
from bitwright.boards.host import Boundary
from bitwright.boards.ip.handoff import SCRIPTS
from bitwright.boards.texts import HOST, figures, number, templates, write_files
from bitwright.errors import CompileError

TEMPLATES = Path(__file__).parent / "templates"
LENGTH_BITS = 26  # of the AXI DMA's length register: the most that it has
MAX_TRANSFER = (1 << LENGTH_BITS) - 1


def write_handoff(board: Board, manifest: dict[str, Any], boundary: dict[str, Any], out: Path) -> list[Path]:
    """Write the folder `out`, beside the design's `rtl/`, and return its files, sorted.

    Of `manifest` only the numbers `clock_mhz`, `frame_cycles`, `latency_cycles` and `estimate` are read, and only the
    first has to be there. CompileError E405 or E406 where the board's DMA cannot carry the streams.
    """
    wire = Boundary(boundary)
    _check_streams(board, wire)
    fields = _fields(board, manifest, wire)
    files = templates(TEMPLATES, fields) | templates(SCRIPTS, fields)
    files["host.py"] = HOST.read_text(encoding="utf-8")
    files["boundary.json"] = json.dumps(boundary, indent=1, sort_keys=True, allow_nan=False) + "\n"
    return write_files(files, out)


def _check_streams(board: Board, wire: Boundary) -> None:
    for side, stream in (("input", wire.input), ("output", wire.output)):
        if stream.tdata > board.stream_bits:
            raise CompileError(
                "E405",
                f"the {side} stream is {stream.tdata} bits wide, but {board.name} carries {board.stream_bits}",
                hint="use fewer lanes at the boundary",
            )
        if stream.frame_bytes > MAX_TRANSFER:
            raise CompileError(
                "E406",
                f"a frame of the {side} is {stream.frame_bytes} bytes, but a DMA transfer at most {MAX_TRANSFER}",
                hint="use a smaller input",
            )


def _fields(board: Board, manifest: dict[str, Any], wire: Boundary) -> dict[str, str]:
    """What the templates may say: words that `load_board` has checked, and numbers that are made into text here."""
    mhz = float(manifest["clock_mhz"])
    return {
        "board": board.name,
        "part": board.part,
        "clock_mhz": number(mhz),
        "period_ns": f"{1000 / mhz:.3f}",
        "input_bits": str(wire.input.tdata),
        "output_bits": str(wire.output.tdata),
        "input_bytes": str(wire.input.frame_bytes),
        "output_bytes": str(wire.output.frame_bytes),
        "length_bits": str(LENGTH_BITS),
        "figures": figures(manifest, mhz),
    }
