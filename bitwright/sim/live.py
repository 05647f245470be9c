"""A simulation that stays: an accelerator with a control port is read, written and fed as on a board, one request at a time."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from .cosim import TIMEOUT_CYCLES, TOP
from .verilator import SimulationFailed, run

LONGEST_PAUSE = 200
"""Cycles for which it is left stopped."""


class Live:
    """The accelerator. Every call raises SimulationFailed where the design breaks a rule, stalls, or has counted wrongly."""

    def __init__(self, requests: IO[bytes], answers: IO[str], done: Future[str]) -> None:
        self._requests, self._answers, self._done = requests, answers, done

    def read(self, offsets: Sequence[int]) -> list[int]:
        """The words at these byte addresses of the control port."""
        return self._ask({"read": list(offsets)})["values"]

    def write(self, *pairs: tuple[int, int]) -> None:
        """Words to byte addresses, one after the other."""
        self._ask({"write": pairs})

    def send(
        self, frames: Sequence[Sequence[int]], *, seed: int = 0, stall: float = 0.0, idle: float = 0.0,
        stops: Sequence[int] = (),
    ) -> list[int]:  # fmt: skip
        """Frames of words in, and the words of theirs that come out.

        `stops` are cycles from the start, or from the stop before, after which it is stopped, read, cleared and started.
        """
        words = [[format(word, "x") for word in frame] for frame in frames]
        request = {"frames": words, "seed": seed, "stall": stall, "idle": idle, "stops": list(stops)}
        return [int(word, 16) for word in self._ask(request)["words"]]

    def compare_counters(self) -> None:
        """Compare all counters with what was seen at the ports."""
        self._ask({"do": "compare"})

    def restart(self) -> None:
        """Reset."""
        self._ask({"do": "restart"})

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        with suppress(BrokenPipeError):
            self._requests.write(json.dumps(request).encode() + b"\n")
        line = self._answers.readline()
        if not line:
            self._done.result()  # raises what was wrong
            raise SimulationFailed("the simulator has ended")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise SimulationFailed(answer["error"])
        return answer


@contextmanager
def live(
    exe: Path, rtl: Path, in_beats: int, out_beats: int, *, seed: int = 0, timeout_cycles: int = TIMEOUT_CYCLES
) -> Generator[Live]:
    """Within, the simulator runs, out of its reset; `rtl` has the memory files.

    If nothing moves for so many cycles that is a stall.
    """
    with tempfile.TemporaryDirectory(prefix="bitwright-") as name, ThreadPoolExecutor(1) as pool:
        folder = Path(name)
        settings = {"in_beats": in_beats, "out_beats": out_beats, "seed": seed, "timeout": timeout_cycles}
        (folder / "settings.json").write_text(json.dumps(settings))
        for pipe in ("requests", "answers"):
            os.mkfifo(folder / pipe)
        env = {"BITWRIGHT_LIVE": name, "PYTHONWARNINGS": "ignore::DeprecationWarning"}
        done = pool.submit(
            run, exe, "bitwright.sim.live_bench", rtl, env, top=TOP, seed=seed, results=folder / "results.xml"
        )
        # Both ends are held open here until the simulator says that it has them, or ends: nobody waits for one that failed.
        held = [os.open(folder / pipe, os.O_RDWR) for pipe in ("requests", "answers")]
        with (folder / "requests").open("wb", 0) as requests, (folder / "answers").open() as answers:
            done.add_done_callback(lambda _: _release(held))
            answers.readline()
            _release(held)
            yield Live(requests, answers, done)
        done.result()


def _release(held: list[int]) -> None:
    while held:
        os.close(held.pop())
