"""Runs frames through a built accelerator in the simulator and gives back what came out, and when."""

import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bitwright.sim import verilator
from bitwright.sim.verilator import SimulationFailed

TOP = "bw_accel"
# A design may compute for long between two beats; this many cycles without one is a stall.
TIMEOUT_CYCLES = 1_000_000


@dataclass(frozen=True, slots=True)
class Trace:
    """The output words of each frame; the cycles in which each frame's first and last beats passed on either side.

    Cycles count from the end of reset. `monitored` has the words of each internal stream, of all frames in order.
    """

    outputs: list[list[int]]
    first_in: list[int]
    last_in: list[int]
    first_out: list[int]
    last_out: list[int]
    cycles: int
    seconds: float
    monitored: dict[str, list[int]]


def simulate(
    exe: Path,
    frames: Sequence[Sequence[int]],
    out_beats: int,
    *,
    cwd: Path,
    seed: int = 0,
    stall: float = 0.0,
    idle: float = 0.0,
    reset_frame: int | None = None,
    monitors: Sequence[str] = (),
    watched: Sequence[str] = (),
    timeout_cycles: int = TIMEOUT_CYCLES,
    top: str = TOP,
    env: Mapping[str, str] | None = None,
) -> Trace:
    """Send `frames` (words of s_axis_tdata) back to back and collect `out_beats` words for each.

    `stall` and `idle` are the probabilities that the output is not ready and the input has nothing; with `reset_frame`
    the design is reset in the middle of that frame, and then everything is sent again. The words of the streams `monitors`
    are recorded, and those of `watched` that are full or empty named if the design stands still. `cwd` holds the memory files.
    Raises SimulationFailed, with the seed, if the design stalls or breaks a rule of AXI4-Stream.
    """
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="bitwright-") as name:
        folder = Path(name)
        job = {
            "frames": [[format(w, "x") for w in f] for f in frames],
            "out_beats": out_beats,
            "seed": seed,
            "stall": stall,
            "idle": idle,
            "reset_frame": reset_frame,
            "monitors": list(monitors),
            "watched": list(watched),
            "timeout": timeout_cycles,
        }
        (folder / "job.json").write_text(json.dumps(job))
        settings = {**(env or {}), "BITWRIGHT_JOB": name}
        printed = verilator.run(
            exe, "bitwright.sim.bench", cwd, settings, top=top, seed=seed, results=folder / "results.xml"
        )
        answer = folder / "result.json"
        if not answer.is_file():
            raise SimulationFailed(f"the bench left no result (seed {seed})\n{printed[-4000:]}")
        result: dict[str, Any] = json.loads(answer.read_text())
    if "error" in result:
        raise SimulationFailed(str(result["error"]))
    words = _numbers(result["words"])
    return Trace(
        outputs=[words[i : i + out_beats] for i in range(0, len(words), out_beats)],
        first_in=result["first_in"],
        last_in=result["last_in"],
        first_out=result["first_out"],
        last_out=result["last_out"],
        cycles=result["cycles"],
        seconds=time.perf_counter() - started,
        monitored={k: _numbers(v) for k, v in result["monitored"].items()},
    )


def _numbers(words: list[str]) -> list[int]:
    return [int(w, 16) for w in words]
