"""The Vitis handoff: the accelerator as an RTL kernel for an Alveo card, the scripts that package and link it, and the host.

The kernel's RTL is in `kernel/`, its top a template; the other texts are the files in `templates/`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bitwright.boards.board import Board, Vitis
from bitwright.boards.host import Boundary, Stream
from bitwright.boards.ip.handoff import SCRIPTS
from bitwright.boards.texts import HOST, MODULES, PREDICTOR, boundary_text, figures, number, templates, write_files
from bitwright.errors import CompileError

HERE = Path(__file__).parent
TOP = "bw_kernel"
PAGE = 12  # log2 of the bytes that no burst may cross a multiple of


def write_handoff(board: Board, manifest: dict[str, Any], boundary: dict[str, Any], out: Path) -> list[Path]:
    """Write the folder `out`, beside the design's `rtl/`, and return its files, sorted.

    CompileError E403 if the board says no platform, E405 where its memory cannot carry the streams.
    """
    if board.vitis is None:
        raise CompileError("E403", f"board {board.name}: the flow 'vitis' needs [vitis]", hint="see docs/boards.md")
    mhz, wire = float(manifest["clock_mhz"]), Boundary(boundary)
    for side, stream in (("input", wire.input), ("output", wire.output)):
        _check(board, side, stream)
    fields = {
        "board": board.name,
        "part": board.part,
        "platform": board.vitis.platform,
        "clock_mhz": number(mhz),
        "kernel_mhz": str(int(mhz)),
        "period_ns": f"{1000 / mhz:.3f}",
        "units": "\n".join(_units(board.vitis)),
        "memory_bits": str(board.stream_bits),
        "memory_bytes": str(board.stream_bits // 8),
        "memory_top": str(board.stream_bits - 1),
        "strobe_top": str(board.stream_bits // 8 - 1),
        "size": str(_log2(board.stream_bits // 8)),
        "input_top": str(wire.input.tdata - 1),
        "output_top": str(wire.output.tdata - 1),
        "reader": _mover(board, wire.input),
        "writer": _mover(board, wire.output),
        "input_bytes": str(wire.input.frame_bytes),
        "output_bytes": str(wire.output.frame_bytes),
        "figures": figures(manifest, mhz),
    }
    files = templates(HERE / "templates", fields) | templates(SCRIPTS, fields)
    files |= {f"kernel/{name}": text for name, text in templates(HERE / "kernel", fields).items()}
    files |= {
        "kernel/bw_axilite.v": (MODULES / "bw_axilite.v").read_text(encoding="utf-8"),
        "host.py": HOST.read_text(encoding="utf-8"),
        "predictor.py": PREDICTOR.read_text(encoding="utf-8"),
        "boundary.json": boundary_text(boundary),
    }
    (out / "kernel").mkdir(parents=True, exist_ok=True)
    return write_files(files, out)


def _check(board: Board, side: str, stream: Stream) -> None:
    bits = stream.tdata
    if bits > board.stream_bits or bits & (bits - 1):
        message = (
            f"the {side} stream is {bits} bits wide, but {board.name} carries powers of two up to {board.stream_bits}"
        )
        raise CompileError("E405", message, hint="use fewer lanes at the boundary")


def _units(vitis: Vitis) -> Iterator[str]:
    """Lines of link.cfg: a compute unit, and what those with the other memories would be."""
    yield f"nk={TOP}:1"
    for k in range(vitis.banks):
        yield f"{'# ' if k else ''}sp={TOP}_{k + 1}.m_axi_gmem:{vitis.memory}[{k}]"


def _log2(value: int) -> int:
    return value.bit_length() - 1


def _mover(board: Board, stream: Stream) -> str:
    """Parameters of what carries a stream. A narrow one needs few words on their way to keep up."""
    size, depth = _log2(board.stream_bits // 8), _log2(max(32, stream.tdata))
    burst = min(depth - 2, PAGE - size)
    return f".SIZE({size}), .BEAT({_log2(stream.tdata // 8)}), .BEATS({stream.beats}), .BURST({burst}), .DEPTH({depth})"
