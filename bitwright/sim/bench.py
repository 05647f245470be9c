"""The cocotb bench of an AXI4-Stream accelerator: frames in, frames out, random stalls, every rule of the protocol checked.

It runs inside the simulator; `cosim` starts it. One pass of a loop is one clock cycle: what is read after a rising edge
are the values before it, what is written takes effect after it.
"""

import json
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import First, RisingEdge, Timer, ValueChange
from cocotb.utils import get_sim_time

PERIOD_NS = 10
RESET_CYCLES = 3
# After the last beat: any further beat within this many cycles is one too many.
DRAIN_CYCLES = 64
# With nothing moving for this long, the bench sleeps until a handshake signal changes.
QUIET_CYCLES = 8
# cocotb's number for a deposit, as its own handles pass it to the simulator interface.
_DEPOSIT = 0


class ProtocolError(Exception):
    """The design broke a rule; the text says which, and when."""


class Pin:
    """A signal by its bits, as a string: what the simulator interface takes and gives, without objects in between."""

    def __init__(self, handle: Any) -> None:
        raw = handle._handle
        self.width = len(handle)
        self.read = raw.get_signal_val_binstr
        self._write = raw.set_signal_val_binstr

    def write(self, bits: str) -> None:
        self._write(_DEPOSIT, bits)


class Tied:
    """A signal that a design without a handshake does not have, and which is as if it were always high."""

    def read(self) -> str:
        return "1"

    def write(self, bits: str) -> None:
        pass


def bits_of(word: int, width: int) -> str:
    """`word`, which may be negative, as that many bits."""
    return format(word & ((1 << width) - 1), f"0{width}b")


def pattern(rng: random.Random, pause: float) -> Iterator[bool]:
    """Whether to go, cycle by cycle: coin tosses, mixed with long runs of either kind unless `pause` is 0 or 1."""
    if pause <= 0:
        while True:
            yield True
    while True:
        kind = rng.random()
        length = rng.randint(1, 40)
        if kind < 0.7:
            yield from [rng.random() >= pause for _ in range(length)]
        else:
            yield from [kind >= 0.7 + 0.3 * pause] * length


@dataclass(slots=True)
class Job:
    """What `cosim` asks for. Words are bit strings, so that the loop converts nothing."""

    frames: list[list[str]]
    out_beats: int
    seed: int
    stall: float
    idle: float
    reset_frame: int | None
    timeout: int
    monitors: list[str]
    watched: list[str]


@dataclass(slots=True)
class Result:
    """What was seen: output words of all frames in order, and for each frame its first and last cycle on either side."""

    words: list[str] = field(default_factory=list)
    first_in: list[int] = field(default_factory=list)
    last_in: list[int] = field(default_factory=list)
    first_out: list[int] = field(default_factory=list)
    last_out: list[int] = field(default_factory=list)
    monitored: dict[str, list[str]] = field(default_factory=dict)
    cycles: int = 0


@dataclass(slots=True)
class _Monitor:
    """An internal stream; without a ready signal every valid beat counts."""

    valid: Pin
    ready: Pin | None
    data: Pin
    words: list[str]


class Bench:
    """The pins of one design, and the loop that runs them.

    `watch` is called in every cycle with what its pins hold before the edge; then no cycle is slept through.
    """

    def __init__(self, dut: Any, job: Job, watch: Callable[[], None] | None = None) -> None:
        self.dut, self.job, self.watch = dut, job, watch
        self.edge = RisingEdge(dut.aclk)
        self.reset = Pin(dut.aresetn)
        self.stalls = hasattr(dut, "s_axis_tready")
        if watch is None and hasattr(dut, "s_axi_control_awvalid"):  # nobody is there to control it
            for name in ("awvalid", "wvalid", "bready", "arvalid", "rready"):
                Pin(getattr(dut, f"s_axi_control_{name}")).write("0")
        if not self.stalls:
            self.in_valid, self.in_data = Pin(dut.in_valid), Pin(dut.in_data)
            self.out_valid, self.out_data = Pin(dut.out_valid), Pin(dut.out_data)
            self.in_ready = self.in_last = self.out_ready = self.out_last = Tied()
            return
        self.in_valid, self.in_ready = Pin(dut.s_axis_tvalid), Pin(dut.s_axis_tready)
        self.in_data, self.in_last = Pin(dut.s_axis_tdata), Pin(dut.s_axis_tlast)
        self.out_valid, self.out_ready = Pin(dut.m_axis_tvalid), Pin(dut.m_axis_tready)
        self.out_data, self.out_last = Pin(dut.m_axis_tdata), Pin(dut.m_axis_tlast)

    async def restart(self) -> None:
        """Reset; TVALID must be low from the second cycle of reset to the first cycle after it."""
        self.reset.write("0")
        self.in_valid.write("0")
        self.out_ready.write("1")
        await self.edge
        for cycle in range(RESET_CYCLES):
            await self.edge
            if cycle == RESET_CYCLES - 1:
                self.reset.write("1")
            self._must_be_quiet()
        await self.edge
        self._must_be_quiet()

    def _must_be_quiet(self) -> None:
        if self.out_valid.read() != "0":
            raise ProtocolError("m_axis_tvalid is high in or right after reset")

    def monitors(self, result: Result) -> list[_Monitor]:
        found: list[_Monitor] = []
        for name in self.job.monitors:
            words = result.monitored.setdefault(name, [])
            ready = getattr(self.dut, f"{name}_ready", None)
            valid, data = getattr(self.dut, f"{name}_valid"), getattr(self.dut, f"{name}_data")
            found.append(_Monitor(Pin(valid), Pin(ready) if ready is not None else None, Pin(data), words))
        return found

    async def frames(self, stop_after: int | None = None) -> Result:
        """Send all frames back to back and take what comes; with `stop_after`, only until so many beats went in."""
        job, result = self.job, Result()
        beats = [(word, "1" if i == len(f) - 1 else "0", i == 0) for f in job.frames for i, word in enumerate(f)]
        go_in = pattern(random.Random(job.seed * 2 + 1), job.idle)
        go_out = pattern(random.Random(job.seed * 2 + 2), job.stall if self.stalls else 0)
        monitors = self.monitors(result)
        expected = len(job.frames) * job.out_beats
        words = result.words
        driven, ready = False, True
        at = cycle = moved = drained = 0
        held: tuple[str, str] | None = None
        begin = get_sim_time("ns")

        while drained < DRAIN_CYCLES:
            await self.edge
            cycle += 1
            if self.watch:
                self.watch()
            if driven and self.in_ready.read() == "1":
                driven, moved = False, cycle
                _, last, is_first = beats[at]
                at += 1
                if is_first:
                    result.first_in.append(cycle)
                if last == "1":
                    result.last_in.append(cycle)
                if at == stop_after:
                    return result
            if self.out_valid.read() == "1":
                beat = (self.out_data.read(), self.out_last.read())
                if held is not None and beat != held:
                    raise ProtocolError(f"cycle {cycle}: tdata or tlast changed while stalled, {_where(words, job)}")
                held = None if ready else beat
                if ready:
                    moved = cycle
                    self._take(result, beat, cycle)
            elif held is not None:
                raise ProtocolError(f"cycle {cycle}: m_axis_tvalid fell while stalled, {_where(words, job)}")
            for m in monitors:
                if m.valid.read() == "1" and (m.ready is None or m.ready.read() == "1"):
                    m.words.append(m.data.read())

            if not driven:
                if at < len(beats) and next(go_in):
                    word, last, _ = beats[at]
                    self.in_data.write(word)
                    self.in_last.write(last)
                    self.in_valid.write("1")
                    driven = True
                else:
                    self.in_valid.write("0")
            wish = next(go_out)
            if wish != ready:
                ready = wish
                self.out_ready.write("1" if ready else "0")

            if at == len(beats) and len(words) == expected:
                drained += 1
            elif cycle - moved > job.timeout:
                raise ProtocolError(self._stalled(at, len(beats), words))
            elif cycle - moved > QUIET_CYCLES and not (monitors or self.watch) and ready and held is None:
                # Nothing can happen before a handshake signal changes, if we have nothing to add ourselves.
                if driven or at == len(beats):
                    await self._sleep(job.timeout, driven)
                    cycle = round((get_sim_time("ns") - begin) / PERIOD_NS)
        result.cycles = cycle - DRAIN_CYCLES
        return result

    async def _sleep(self, timeout: int, offering: bool) -> None:
        """Skip the cycles in which no handshake can happen: nothing is offered by either side, or nothing is taken."""
        await Timer(PERIOD_NS / 4, "ns")  # past the edge: what it changed is seen
        if self.out_valid.read() == "1" or (offering and self.in_ready.read() == "1"):
            return
        if not self.stalls:
            changes = [ValueChange(self.dut.out_valid)]
        else:
            changes = [ValueChange(self.dut.s_axis_tready), ValueChange(self.dut.m_axis_tvalid)]
        await First(*changes, Timer((timeout + 1) * PERIOD_NS, "ns"))
        await Timer(PERIOD_NS / 4, "ns")

    def _take(self, result: Result, beat: tuple[str, str], cycle: int) -> None:
        place = len(result.words) % self.job.out_beats
        if len(result.words) == len(self.job.frames) * self.job.out_beats:
            raise ProtocolError(f"cycle {cycle}: a beat after the last frame")
        if place == 0:
            result.first_out.append(cycle)
        last = place == self.job.out_beats - 1
        if self.stalls and (beat[1] == "1") != last:
            raise ProtocolError(f"cycle {cycle}: tlast is {beat[1]}, {_where(result.words, self.job)}")
        if last:
            result.last_out.append(cycle)
        result.words.append(beat[0])

    def _stalled(self, at: int, total: int, words: list[str]) -> str:
        accepting = self.in_ready.read()
        states: dict[str, list[str]] = {"10": [], "01": []}
        for name in self.job.watched:
            state = "".join(Pin(getattr(self.dut, f"{name}_{p}")).read() for p in ("valid", "ready") if self.stalls)
            states.get(state, []).append(name)
        full, empty = (", ".join(names) or "none" for names in states.values())
        return (
            f"stall: nothing moved for {self.job.timeout} cycles; {at} of {total} beats went in "
            f"(s_axis_tready {accepting}), next out: {_where(words, self.job)} of {len(self.job.frames)} frames; "
            f"streams that are full: {full}; that wait for data: {empty}"
        )


def _where(words: list[str], job: Job) -> str:
    return f"beat {len(words) % job.out_beats} of frame {len(words) // job.out_beats}"


def _load(path: Path, width: int) -> Job:
    raw: dict[str, Any] = json.loads(path.read_text())
    frames = [[bits_of(int(w, 16), width) for w in f] for f in raw.pop("frames")]
    return Job(frames=frames, **raw)


def hexed(words: list[str]) -> list[str]:
    """Bit strings in hexadecimal digits."""
    return [format(int(w, 2), "x") for w in words]


def _store(path: Path, result: Result) -> None:
    text = {
        "words": hexed(result.words),
        "first_in": result.first_in,
        "last_in": result.last_in,
        "first_out": result.first_out,
        "last_out": result.last_out,
        "cycles": result.cycles,
        "monitored": {k: hexed(v) for k, v in result.monitored.items()},
    }
    path.write_text(json.dumps(text))


@cocotb.test()
async def stream(dut: Any) -> None:
    """Run the job in BITWRIGHT_JOB and leave the result, or the broken rule, beside it."""
    folder = Path(os.environ["BITWRIGHT_JOB"])
    job = _load(folder / "job.json", len(dut.s_axis_tdata if hasattr(dut, "s_axis_tdata") else dut.in_data))
    bench = Bench(dut, job)
    Clock(dut.aclk, PERIOD_NS, "ns").start()
    try:
        await bench.restart()
        if job.reset_frame is not None:
            before = sum(len(f) for f in job.frames[: job.reset_frame])
            await bench.frames(stop_after=before + max(1, len(job.frames[job.reset_frame]) // 2))
            await bench.restart()
        _store(folder / "result.json", await bench.frames())
    except ProtocolError as error:
        (folder / "result.json").write_text(json.dumps({"error": f"{error} (seed {job.seed})"}))
