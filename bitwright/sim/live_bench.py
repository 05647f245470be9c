"""The cocotb side of `live`: does what it is asked, with a model beside it of what the control port must count.

Between two requests no time passes. The model takes what the stream ports hold in a cycle, and a write to a register as
done in the cycle in which its response appears: see `rtl/bw_control.v`.
"""

import json
import os
from collections import deque
from collections.abc import Awaitable, Generator
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge
from cocotbext.axi import AxiLiteBus, AxiLiteMaster

from bitwright.ir.registers import CAPTURE, CLEAR, COUNTERS, OFFSETS, RUN, STOPPED
from bitwright.sim.bench import PERIOD_NS, Bench, Job, Pin, ProtocolError, bits_of, hexed
from bitwright.sim.live import LONGEST_PAUSE

LAG = 3  # samples: an event's way into a counter, and that counter's into what is kept of it
NAMES = tuple(r.name for r in COUNTERS)


class Watch:
    """What the registers of bw_control hold, from the pins of the streams."""

    def __init__(self, dut: Any, beats: int) -> None:
        self.beats = beats
        names = ("s_axis_tvalid", "s_axis_tready", "s_axis_tlast", "m_axis_tvalid", "m_axis_tready", "m_axis_tlast")
        self.pins = [Pin(getattr(dut, name)) for name in names]
        self.answer = Pin(dut.s_axi_control_bvalid)
        self.restart()

    def restart(self) -> None:
        """As right after reset."""
        self.run = self.open = True
        self.place = self.flight = 0
        self.answered = False
        self.pending: tuple[int, int] | None = None
        self.kept = (0,) * len(NAMES)
        self._clear()

    def _clear(self) -> None:
        self.history = deque([(0,) * len(NAMES)] * LAG, LAG)

    @property
    def stopped(self) -> bool:
        """Whether nothing enters and nothing is on its way."""
        return not self.open and self.flight == 0

    def sample(self) -> None:
        """One cycle. Raises ProtocolError where the gate is not as it must be."""
        answer = self.answer.read() == "1"
        if answer and not self.answered and self.pending:
            self._written(*self.pending)
            self.pending = None
        self.answered = answer
        tvalid, tready, tlast, valid, ready, last = (pin.read() == "1" for pin in self.pins)
        if tready and not self.open:
            raise ProtocolError("s_axis_tready is high although the accelerator is stopped")
        accept = tvalid and tready
        ends = accept and (tlast or self.place == self.beats - 1)
        leaves = valid and ready and last
        seen = (ends, leaves, not self.stopped, not self.stopped and tvalid and not tready, tready and not tvalid,
                valid and not ready)  # fmt: skip
        self.history.append(tuple(a + b for a, b in zip(self.history[-1], seen, strict=True)))
        self.flight += int(accept and self.place == 0) - int(leaves)
        self.place = (0 if ends else self.place + 1) if accept else self.place
        self.open = self.run or self.place > 0

    def _written(self, offset: int, value: int) -> None:
        if offset == OFFSETS["run"]:
            self.run = bool(value & RUN)
        if offset == OFFSETS["command"] and value & CAPTURE:
            self.kept = self.history[0]
        if offset == OFFSETS["command"] and value & CLEAR:
            self._clear()


class Live:
    """The design and its two masters."""

    def __init__(self, dut: Any, settings: dict[str, Any]) -> None:
        self.dut, self.settings = dut, settings
        self.edge = RisingEdge(dut.aclk)
        self.watch = Watch(dut, settings["in_beats"])
        self.bench = Bench(dut, self._job([]), self.watch.sample)
        self.master: Any = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi_control"), dut.aclk, dut.aresetn, False)
        for k, channel in enumerate((self.master.write_if, self.master.read_if)):
            for name in ("aw_channel", "w_channel", "ar_channel", "r_channel"):  # with B, a response is seen at once
                if hasattr(channel, name):
                    getattr(channel, name).set_pause_generator(_pauses(settings["seed"] + k))

    def _job(self, frames: list[list[str]], seed: int = 0, stall: float = 0.0, idle: float = 0.0) -> Job:
        return Job(
            frames=frames, out_beats=self.settings["out_beats"], seed=seed, stall=stall, idle=idle, reset_frame=None,
            timeout=self.settings["timeout"], monitors=[], watched=[],
        )  # fmt: skip

    async def restart(self) -> None:
        await self.bench.restart()
        self.watch.restart()

    async def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do one request."""
        if request == {"do": "restart"}:
            await self.restart()
            return {}
        if request == {"do": "compare"}:
            await self._meanwhile(self.compare())
            return {}
        if "read" in request:
            return {"values": await self._meanwhile(self._reads(request["read"]))}
        if "write" in request:
            return {"values": await self._meanwhile(self._writes(request["write"]))}
        return await self._frames(**request)

    async def _meanwhile(self, work: Awaitable[Any]) -> Any:
        """Watch until the work is done."""
        task = cocotb.start_soon(_caught(work))
        while not task.done():
            await self.edge
            self.watch.sample()
        return _result(task.result())

    async def _reads(self, offsets: list[int]) -> list[int]:
        return [await self.master.read_dword(offset) for offset in offsets]

    async def _writes(self, pairs: list[tuple[int, int]]) -> list[int]:
        for offset, value in pairs:
            self.watch.pending = offset, value
            await self.master.write_dword(offset, value)
        return []

    async def _frames(self, frames: list[list[str]], stops: list[int], **pace: Any) -> dict[str, Any]:
        width = len(self.dut.s_axis_tdata)
        words = [[bits_of(int(word, 16), width) for word in frame] for frame in frames]
        self.bench.job = self._job(words, **pace)
        stopping = cocotb.start_soon(_caught(self._stops(stops, Random(pace["seed"]))))

        def watch() -> None:
            self.watch.sample()
            if stopping.done():
                _result(stopping.result())

        self.bench.watch = watch
        result = await self.bench.frames()
        self.bench.out_ready.write("1")
        while not stopping.done():
            await self.edge
            watch()
        _result(stopping.result())
        return {"words": hexed(result.words)}

    async def _stops(self, moments: list[int], rng: Random) -> None:
        """Stop after so many cycles each, compare all counters, clear them, and go on."""
        for moment in moments:
            for _ in range(moment):
                await self.edge
            await self._writes([(OFFSETS["run"], 0)])
            for _ in range(self.settings["timeout"]):
                if await self.master.read_dword(OFFSETS["status"]) & STOPPED:
                    break
            else:
                raise ProtocolError("it was told to stop, but the status never says that it has")
            if not self.watch.stopped:
                raise ProtocolError("the status says that it is stopped, but frames are on their way")
            await self.compare()
            for _ in range(rng.randint(1, LONGEST_PAUSE)):
                await self.edge
            await self.compare()
            await self._writes([(OFFSETS["command"], CLEAR), (OFFSETS["run"], RUN)])

    async def compare(self) -> None:
        """Read all counters at one instant. Raises ProtocolError where they are not what was seen."""
        await self._writes([(OFFSETS["command"], CAPTURE)])
        found = await self._reads([r.offset + half for r in COUNTERS for half in (0, 4)])
        for name, low, high, seen in zip(NAMES, found[::2], found[1::2], self.watch.kept, strict=True):
            if low | high << 32 != seen:
                raise ProtocolError(f"counter {name} says {low | high << 32}, but {seen} were seen")


async def _caught(work: Awaitable[Any]) -> Any:
    """A broken rule as a result: an exception in a task would end the simulation."""
    try:
        return await work
    except ProtocolError as error:
        return error


def _result(found: Any) -> Any:
    if isinstance(found, ProtocolError):
        raise found
    return found


def _pauses(seed: int) -> Generator[bool]:
    rng = Random(seed)
    yield from cycle([rng.random() < 0.5 for _ in range(997)])


@cocotb.test()
async def serve(dut: Any) -> None:
    """Answer the requests that come through one pipe on another, until it ends."""
    folder = Path(os.environ["BITWRIGHT_LIVE"])
    live = Live(dut, json.loads((folder / "settings.json").read_text()))
    Clock(dut.aclk, PERIOD_NS, "ns").start()
    await live.restart()
    with (folder / "requests").open() as requests, (folder / "answers").open("w") as answers:
        print("ready", file=answers, flush=True)
        for line in requests:
            request = json.loads(line)
            try:
                found = await live.answer(request)
            except ProtocolError as error:
                found = {"error": str(error)}
            print(json.dumps(found), file=answers, flush=True)
