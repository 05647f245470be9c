"""Verification of an accelerator's control port: what it says of itself, stops in mid-stream, and every counter."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from ..boards.weights import words
from ..ir.registers import IDENTITY, OFFSETS, REFUSED, RUN, STOPPED
from .live import LONGEST_PAUSE, Live, live
from .verilator import SimulationFailed

if TYPE_CHECKING:
    from ..boards.host import Boundary

STOPS = 4
MOST_CYCLES = 100_000  # watched one by one
MOST_POLLS = 100_000
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
        came = accelerator.send(sent, seed=seed, stall=stall, idle=stall, stops=stops)
        accelerator.compare_counters()
    return [came[k : k + size] for k in range(0, len(came), size)]


def write_weights(accelerator: Live, boundary: Boundary, weights: Mapping[str, NDArray[Any]]) -> None:
    """Stop, write the weights of rewritable layers, and start. Raises SimulationFailed where they are refused."""
    assert boundary.control is not None
    accelerator.write((OFFSETS["run"], 0))
    if not any(accelerator.read([OFFSETS["status"]])[0] & STOPPED for _ in range(MOST_POLLS)):
        raise SimulationFailed("the accelerator was told to stop, but its status never says that it has")
    for name, codes in weights.items():
        spec = boundary.control["weights"][name]
        accelerator.write(*((spec["base"] + 4 * k, word) for k, word in enumerate(words(spec, codes).tolist())))
    if accelerator.read([OFFSETS["status"]])[0] & REFUSED:
        raise SimulationFailed("the accelerator refused weights although it was stopped")
    accelerator.write((OFFSETS["run"], RUN))
