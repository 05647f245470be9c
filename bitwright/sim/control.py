"""Verification of an accelerator's control port: what it says of itself, stops in mid-stream, and every counter."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from ..ir.registers import IDENTITY
from .live import LONGEST_PAUSE, live
from .verilator import SimulationFailed

if TYPE_CHECKING:
    from ..boards.host import Boundary

STOPS = 4
MOST_CYCLES = 100_000  # watched one by one
PATIENCE = 20  # the time that a frame takes, as often, until one that does not come is missed


def run(
    exe: Path, rtl: Path, boundary: Boundary, frames: list[list[int]], seed: int, stall: float, manifest: dict[str, Any]
) -> list[list[int]]:
    """Send as many of the frames as there is time for, with stops; give the words of theirs that came out.

    Raises SimulationFailed where the identification or a counter is wrong.
    """
    assert boundary.control is not None
    frame_cycles = manifest["frame_cycles"]
    timeout = PATIENCE * (frame_cycles + manifest["latency_cycles"] + LONGEST_PAUSE)
    sent = frames[: max(2, MOST_CYCLES // frame_cycles)]
    rng, about = Random(seed), max(2, len(sent) * frame_cycles // STOPS)
    size = boundary.output.beats
    with live(exe, rtl, boundary.input.beats, size, seed=seed, timeout_cycles=timeout) as accelerator:
        found = dict(zip((r.name for r in IDENTITY), accelerator.read([r.offset for r in IDENTITY]), strict=True))
        if found != boundary.control["identity"]:
            raise SimulationFailed(f"the accelerator says that it is {found}, not {boundary.control['identity']}")
        stops = [rng.randint(1, about) for _ in range(STOPS)]
        words = accelerator.send(sent, seed=seed, stall=stall, idle=stall, stops=stops)
        accelerator.compare_counters()
    return [words[k : k + size] for k in range(0, len(words), size)]
