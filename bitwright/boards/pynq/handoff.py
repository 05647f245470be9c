"""The PYNQ handoff: Vivado scripts, the driver, and what the driver needs to know, in a design's `board/` folder.

A Zynq of either generation has its processor in `processors/`, a piece of the block design's script by family.

The texts are the files in `templates/`: a `*.in` has its `@{fields}` filled from the board and the manifest's numbers,
the others are copied as they are. Nothing that came from the model gets into them: its names are in `boundary.json`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bitwright.boards.board import Board
from bitwright.boards.host import Boundary
from bitwright.boards.ip.handoff import SCRIPTS
from bitwright.boards.texts import HOST, PREDICTOR, WEIGHTS, boundary_text, figures, number, templates, write_files
from bitwright.errors import CompileError

TEMPLATES = Path(__file__).parent / "templates"
PROCESSORS = Path(__file__).parent / "processors"
LENGTH_BITS = 26  # of the AXI DMA's length register: the most that it has
MAX_TRANSFER = (1 << LENGTH_BITS) - 1
MEMORY = {"xc7": (64, 32), "xcup": (128, 40)}
"""Family → bits of the processor's ports into memory, and of addresses there."""
MOST = 16
"""Accelerators in one chip: the control's interconnect has no more masters."""

CONTROL = """
## 4. Control

Through the AXI4-Lite port `s_axi_control` the accelerator is started, stopped and counted:

    accelerator.stop()                        # finishes the frames inside, lets none enter
    accelerator.start()
    print(accelerator.counters())             # frames in and out, cycles, cycles in which somebody waited
    print(accelerator.identification)         # compared with boundary.json when the bitstream is loaded
    accelerator.write_weights("conv1", codes) # of a layer that was compiled with --rewritable
"""


@dataclass(frozen=True, slots=True)
class Part:
    """An accelerator of the chip: its folder of RTL, seen from the folder around `board/`, its manifest and boundary.

    Of the manifest only the numbers `clock_mhz`, `frame_cycles`, `latency_cycles` and `estimate` are read, and only the
    first has to be there.
    """

    rtl: str
    manifest: dict[str, Any]
    boundary: dict[str, Any]


def write_handoff(board: Board, manifest: dict[str, Any], boundary: dict[str, Any], out: Path) -> list[Path]:
    """Write the folder `out`, beside the design's `rtl/`, and return its files, sorted.

    CompileError E404, E405 or E406 where the chip has no processor, or the board's DMA cannot carry the streams.
    """
    fields = _fields(board, [Part("rtl", manifest, boundary)])
    return _write(templates(TEMPLATES, fields) | templates(SCRIPTS, fields), [boundary], out)


def write_together(board: Board, parts: list[Part], out: Path) -> list[Path]:
    """Write the folder `out` of a chip with several accelerators at one clock, and return its files, sorted.

    Their folders lie beside it. Raises CompileError as `write_handoff` does.
    """
    return _write(templates(TEMPLATES, _fields(board, parts)), [part.boundary for part in parts], out)


def _write(files: dict[str, str], boundaries: list[dict[str, Any]], out: Path) -> list[Path]:
    files["host.py"] = HOST.read_text(encoding="utf-8")
    files["predictor.py"] = PREDICTOR.read_text(encoding="utf-8")
    files["weights.py"] = WEIGHTS.read_text(encoding="utf-8")
    for i, boundary in enumerate(boundaries):
        files[_boundary_name(i)] = boundary_text(boundary)
    return write_files(files, out)


def _boundary_name(index: int) -> str:
    return f"boundary_{index}.json" if index else "boundary.json"


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


def _fields(board: Board, parts: list[Part]) -> dict[str, str]:
    """What the templates may say: words that `load_board` has checked, and numbers that are made into text here."""
    if board.family not in MEMORY:
        hint = f"families with one: {', '.join(MEMORY)}; flows: ip, uart"
        raise CompileError("E404", f"board {board.name}: chips of family {board.family} have no processor", hint=hint)
    wires = [Boundary(part.boundary) for part in parts]
    for wire in wires:
        _check_streams(board, wire)
    masters = len(wires) + sum(wire.control is not None for wire in wires)
    if masters > MOST:
        message = f"{masters} DMAs and control ports; the processor's interconnect has {MOST} masters"
        raise CompileError("E504", message, hint="combine fewer accelerators, or compile them without --control")
    mhz = float(parts[0].manifest["clock_mhz"])
    memory_bits, address_bits = MEMORY[board.family]
    return {
        "board": board.name,
        "board_part": board.board_part,
        "part": board.part,
        "clock_mhz": number(mhz),
        "period_ns": f"{1000 / mhz:.3f}",
        "length_bits": str(LENGTH_BITS),
        "memory_bits": str(memory_bits),
        "address_bits": str(address_bits),
        "accelerators": "\n".join(
            f"    {{{part.rtl} {wire.input.tdata} {wire.output.tdata} {address_bits_of(wire)}}}"
            for part, wire in zip(parts, wires, strict=True)
        ),
        "processor": (PROCESSORS / f"{board.family}.tcl").read_text(encoding="utf-8"),
        "figures": "\n\n".join(_heading(i, parts) + figures(part.manifest, mhz) for i, part in enumerate(parts)),
        "control": CONTROL if any(wire.control for wire in wires) else "",
        "streams": "\n".join(_stream(i, wire) for i, wire in enumerate(wires)),
        "boundaries": "  ".join(map(_boundary_name, range(len(parts)))),
    }


def address_bits_of(wire: Boundary) -> int:
    """Bits of the byte addresses of an accelerator's control port; 0 if it has none."""
    return int(wire.control["address_bits"]) if wire.control else 0


def _heading(index: int, parts: list[Part]) -> str:
    return f"Accelerator {index}, `{parts[index].rtl}`\n\n" if len(parts) > 1 else ""


def _stream(index: int, wire: Boundary) -> str:
    """A row of the README's table."""
    given, taken = wire.input, wire.output
    return f"| {index} | {given.tdata} | {given.frame_bytes} | {taken.tdata} | {taken.frame_bytes} |"
