"""The registers of an accelerator's AXI4-Lite port: the one place from which RTL, driver, simulation and docs have them."""

from __future__ import annotations

from dataclasses import dataclass

from .netlist import Lanes

MAGIC = 0x43415742
"""The bytes `BWAC`."""

VERSION = 1
"""Of this map."""

PAGE_BITS = 12
"""Bits of the byte addresses of an accelerator without writable weights."""


@dataclass(frozen=True, slots=True)
class Register:
    """A word of 32 bits at a byte address; counters are two, the lower first. Access is `r`, `w` or `rw`."""

    name: str
    offset: int
    access: str
    text: str


def _words(first: int, step: int, *rows: tuple[str, str, str]) -> tuple[Register, ...]:
    return tuple(Register(name, first + step * k, access, text) for k, (name, access, text) in enumerate(rows))


IDENTITY = _words(
    0x00, 4,
    ("magic", "r", "0x43415742, the bytes `BWAC`"),
    ("version", "r", "of this map: 1"),
    ("model_low", "r", "the first 64 bits of the model's SHA-256, as manifest.json has it: their lower half"),
    ("model_high", "r", "their upper half"),
    ("design_low", "r", "the first 64 bits of a SHA-256 over the accelerator that was built: their lower half"),
    ("design_high", "r", "their upper half"),
    ("input_type", "r", "of an element of `s_axis` its bits (7:0), the bits of its slot (15:8), whether it is signed (16)"),
    ("input_lanes", "r", "elements a beat"),
    ("input_bytes", "r", "bytes a frame"),
    ("output_type", "r", "the same of `m_axis`"),
    ("output_lanes", "r", "elements a beat"),
    ("output_bytes", "r", "bytes a frame"),
    ("weights", "r", "byte address from which the upper half of all addresses is writable weights; 0: there are none"),
)  # fmt: skip
"""What never changes."""

CONTROLS = _words(
    0x40, 4,
    ("run", "rw", "bit 0: frames may enter; 1 after reset. Once it is 0, the frame under way is finished and none enters"),
    ("status", "r", "bit 0: the input is open; bit 1: stopped, nothing is on its way; bit 2: a write to weights was refused"),
    ("command", "w", "bit 0: keep all counters for reading, at one instant; bit 1: clear them, and bit 2 of `status`"),
)  # fmt: skip

COUNTERS = _words(
    0x80, 8,
    ("frames_in", "r", "frames that came in whole"),
    ("frames_out", "r", "frames that went out whole"),
    ("cycles", "r", "clock cycles in which it was not stopped"),
    ("input_waits", "r", "of these, those in which the input had data and the accelerator did not take them"),
    ("accelerator_waits", "r", "those in which the accelerator would have taken data and the input had none"),
    ("output_stalls", "r", "those in which the output had data and nobody took them"),
)  # fmt: skip

REGISTERS = (*IDENTITY, *CONTROLS, *COUNTERS)
OFFSETS = {r.name: r.offset for r in REGISTERS}
RUN, STOPPED, REFUSED, CAPTURE, CLEAR = 1, 2, 4, 1, 2
"""Bits of `run`, `status` and `command`."""

BITS = {"run": RUN, "stopped": STOPPED, "refused": REFUSED, "capture": CAPTURE, "clear": CLEAR}
"""The same, as boundary.json tells them."""


def identity(
    model: str, design: str, source: Lanes, slots: tuple[int, int], sink: Lanes, window: int = 0
) -> dict[str, int]:
    """The words that say what an accelerator is. `model` and `design` are digests in hexadecimal digits."""
    digests = [int(digest[:16], 16) for digest in (model, design)]
    found = [MAGIC, VERSION, *(half for d in digests for half in (d & 0xFFFFFFFF, d >> 32))]
    for lanes, slot in zip((source, sink), slots, strict=True):
        kind = lanes.elem.width | slot << 8 | int(lanes.elem.signed) << 16
        found += [kind, lanes.lanes, lanes.beats * lanes.lanes * slot // 8]
    return dict(zip((r.name for r in IDENTITY), [*found, window], strict=True))
