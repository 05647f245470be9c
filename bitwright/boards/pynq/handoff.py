"""The PYNQ handoff: Vivado scripts, the driver, and what the driver needs to know, in a design's `board/` folder.

The texts are the files in `templates/`: a `*.in` has its `@{fields}` filled from the board and the manifest's numbers,
the others are copied as they are. Nothing that came from the model gets into them: its names are in `boundary.json`.
"""

import json
from pathlib import Path
from string import Template
from typing import Any

from bitwright.boards.board import Board
from bitwright.boards.host import Boundary
from bitwright.errors import CompileError

TEMPLATES = Path(__file__).parent / "templates"
HOST = Path(__file__).parent.parent / "host.py"
LENGTH_BITS = 26  # of the AXI DMA's length register: the most that it has
MAX_TRANSFER = (1 << LENGTH_BITS) - 1


class _Text(Template):
    """`@{field}`; a plain `@` is written `@@`."""

    delimiter = "@"


def write_handoff(board: Board, manifest: dict[str, Any], boundary: dict[str, Any], out: Path) -> list[Path]:
    """Write the folder `out`, beside the design's `rtl/`, and return its files, sorted.

    Of `manifest` only the numbers `clock_mhz`, `frame_cycles`, `latency_cycles` and `estimate` are read, and only the
    first has to be there. CompileError E405 or E406 where the board's DMA cannot carry the streams.
    """
    wire = Boundary(boundary)
    _check_streams(board, wire)
    texts = {path.name: path.read_text(encoding="utf-8") for path in sorted(TEMPLATES.iterdir()) if path.is_file()}
    fields = _fields(board, manifest, wire)
    files = {
        name.removesuffix(".in"): _Text(text).substitute(fields) if name.endswith(".in") else text
        for name, text in texts.items()
    }
    files["host.py"] = HOST.read_text(encoding="utf-8")
    files["boundary.json"] = json.dumps(boundary, indent=1, sort_keys=True, allow_nan=False) + "\n"
    out.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (out / name).write_text(text, encoding="utf-8", newline="\n")
    return sorted(out / name for name in files)


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
        "clock_mhz": _number(mhz),
        "period_ns": f"{1000 / mhz:.3f}",
        "input_bits": str(wire.input.tdata),
        "output_bits": str(wire.output.tdata),
        "input_bytes": str(wire.input.frame_bytes),
        "output_bytes": str(wire.output.frame_bytes),
        "length_bits": str(LENGTH_BITS),
        "figures": _figures(manifest, mhz),
    }


def _figures(manifest: dict[str, Any], mhz: float) -> str:
    """A Markdown table of the manifest's figures, as far as there are any."""
    rows = [("clock", f"{_number(mhz)} MHz")]
    frame_cycles, latency_cycles = manifest.get("frame_cycles"), manifest.get("latency_cycles")
    if frame_cycles:
        rows.append(("frames a second, at most", f"{mhz * 1e6 / int(frame_cycles):,.0f}"))
    if latency_cycles:
        rows.append(("latency", f"{int(latency_cycles) / mhz:,.2f} µs"))
    names = {"lut": "LUT", "ff": "flip-flops", "bram36": "BRAM (36 kb)", "dsp": "DSP"}
    estimate: dict[str, Any] = manifest.get("estimate") or {}
    rows += [(f"{names[key]}, estimated", _number(float(estimate[key]))) for key in names if key in estimate]
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])


def _number(value: float) -> str:
    """Without trailing zeros, and never in exponent form: 100, 62.5."""
    return f"{value:.3f}".rstrip("0").rstrip(".")
