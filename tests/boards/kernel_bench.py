"""The cocotb side of `test_vitis_rtl`: a kernel between AXI models that pause on every channel, and the host's driver over it."""

import itertools
import json
import os
import random
from pathlib import Path

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.task import bridge, resume
from cocotb.triggers import ClockCycles, RisingEdge
from cocotb.utils import get_sim_time
from cocotbext.axi import AxiBus, AxiLiteBus, AxiLiteMaster, AxiRam, AxiResp

from bitwright.boards.vitis.standin import POISON, StandIn
from tests.boards.drivers import loaded

PERIOD_NS = 10
BASE = 0x5_4000_0000  # addresses of 64 bits
SIZE = 1 << 20
CONTROL, ENABLE, ENABLES, STATUS = 0x00, 0x04, 0x08, 0x0C
SOURCE, TARGET, FRAMES = 0x10, 0x1C, 0x28
START, DONE, IDLE, READY = 1, 2, 4, 8
PATIENCE = 2000  # reads of the control register until a run must be over


def pauses(seed, share):
    rng = random.Random(seed)
    return itertools.cycle([rng.random() < share for _ in range(991)])


CHANNELS = {"aw": ("addr", "len"), "w": ("data", "strb", "last"), "ar": ("addr", "len")}


class Watch:
    """Judges the memory port in every cycle: what waits stays, a burst's words come without a gap; counts what is under way."""

    def __init__(self, dut):
        self.dut = dut
        self.reads = self.writes = self.most_reads = self.most_writes = 0
        self.lengths = []

    def _signal(self, name):
        return getattr(self.dut, f"m_axi_gmem_{name}").value

    def _passes(self, channel):
        return self._signal(f"{channel}valid") == 1 and self._signal(f"{channel}ready") == 1

    async def run(self):
        waiting, begun = dict.fromkeys(CHANNELS), False
        while True:
            await RisingEdge(self.dut.ap_clk)
            if self.dut.ap_rst_n.value == 0:
                waiting, begun, self.reads, self.writes = dict.fromkeys(CHANNELS), False, 0, 0
                continue
            assert not begun or self._signal("wvalid") == 1, "a burst began before all of it was there"
            if self._passes("w"):
                begun = self._signal("wlast") == 0
            for channel, names in CHANNELS.items():
                valid = self._signal(f"{channel}valid") == 1
                now = [int(self._signal(f"{channel}{name}")) for name in names] if valid else None
                assert waiting[channel] is None or waiting[channel] == now, f"{channel} did not wait"
                waiting[channel] = None if self._passes(channel) else now
                if valid and channel != "w":
                    assert BASE <= now[0] < BASE + SIZE, hex(now[0])
            if self._passes("ar"):
                self.lengths.append(int(self._signal("arlen")) + 1)
            self.reads += self._passes("ar") - (self._passes("r") and self._signal("rlast") == 1)
            self.writes += self._passes("aw") - self._passes("b")
            self.most_reads, self.most_writes = max(self.most_reads, self.reads), max(self.most_writes, self.writes)


class Card:
    """The kernel, its memory and the master of its registers."""

    def __init__(self, dut):
        self.dut, self.watch = dut, Watch(dut)
        self.ram = AxiRam(AxiBus.from_prefix(dut, "m_axi_gmem"), dut.ap_clk, dut.ap_rst_n, False, size=SIZE)
        self.master = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi_control"), dut.ap_clk, dut.ap_rst_n, False)
        self.ram.write(0, bytes([POISON]) * SIZE)

    def pace(self, share, seed):
        """Pauses on every channel, each at a share of its own up to twice `share`."""
        rng = random.Random(seed)
        for side, names in (("write_if", ("aw", "w", "b")), ("read_if", ("ar", "r"))):
            for port in (self.ram, self.master):
                for name in names:
                    channel = getattr(getattr(port, side), f"{name}_channel")
                    channel.set_pause_generator(pauses(rng.random(), min(0.95, 2 * share * rng.random())))

    async def start(self):
        self.dut.ap_rst_n.value = 0
        cocotb.start_soon(Clock(self.dut.ap_clk, PERIOD_NS, "ns").start())
        cocotb.start_soon(self.watch.run())
        await self.reset()

    async def reset(self):
        self.dut.ap_rst_n.value = 0
        await ClockCycles(self.dut.ap_clk, 4)
        self.dut.ap_rst_n.value = 1
        await ClockCycles(self.dut.ap_clk, 4)

    async def set(self, offset, value, size=4):
        answer = await self.master.write(offset, value.to_bytes(size, "little"))
        assert answer.resp == AxiResp.OKAY

    async def get(self, offset, size=4):
        answer = await self.master.read(offset, size)
        assert answer.resp == AxiResp.OKAY
        return int.from_bytes(answer.data, "little")

    async def begin(self, source, target, frames):
        await self.set(SOURCE, source, 8)
        await self.set(TARGET, target, 8)
        await self.set(FRAMES, frames)
        await self.set(CONTROL, START)

    async def run(self, source, target, frames):
        """As XRT does it; gives whether the run ended."""
        await self.begin(source, target, frames)
        for _ in range(PATIENCE):
            state = await self.get(CONTROL)
            if state & DONE:
                assert state == DONE | IDLE | READY
                assert self.watch.reads == self.watch.writes == 0
                assert await self.get(CONTROL) == IDLE
                return True
            assert state == START
        return False

    # For the stand-in: the driver is in a thread of its own.
    def unit(self, source, target, frames):
        return resume(self.run)(source, target, frames)

    def read(self, address, length):
        return self.ram.read(address % SIZE, length)

    def write(self, address, data):
        self.ram.write(address % SIZE, data)


def job():
    folder = Path(os.environ["BITWRIGHT_JOB"])
    return folder, json.loads((folder / "job.json").read_text())


def frames_of(folder):
    """Frames as bytes on the wire, and what the kernel must make of them."""
    with np.load(folder / "frames.npz") as stored:
        return stored["inputs"], stored["outputs"]


def check(card, target, expected):
    """The outputs are there, and around them nothing was written."""
    at, size = target % SIZE, expected.size
    assert card.ram.read(at, size) == expected.tobytes()
    for place in (at - 4096, at + size):
        assert card.ram.read(place, 4096) == bytes([POISON]) * 4096
    card.ram.write(at, bytes([POISON]) * size)


@cocotb.test()
async def runs(dut):
    """Runs of several lengths, at several addresses, with and without pauses; and one that a reset ends."""
    folder, told = job()
    inputs, outputs = frames_of(folder)
    card, paces = Card(dut), []
    await card.start()
    for seed, (frames, source, target, share, cut) in enumerate(told["runs"]):
        card.pace(share, seed)
        card.write(BASE + source, inputs[:frames].tobytes())
        if cut:
            await card.begin(BASE + source, BASE + target, frames)
            await ClockCycles(dut.ap_clk, cut)
            await card.reset()
            card.ram.write(0, bytes([POISON]) * SIZE)
            card.write(BASE + source, inputs[:frames].tobytes())
        began = get_sim_time("ns")
        assert await card.run(BASE + source, BASE + target, frames), f"run {seed} did not end"
        if not share:
            paces.append((frames, (get_sim_time("ns") - began) / PERIOD_NS))
        check(card, BASE + target, outputs[:frames])
    watch = card.watch
    seen = {"reads": watch.most_reads, "writes": watch.most_writes, "lengths": watch.lengths, "paces": paces}
    (folder / "result.json").write_text(json.dumps(seen))


@cocotb.test()
async def registers(dut):
    """The register map by itself: arguments byte by byte, places that are not there, interrupts."""
    folder, _ = job()
    inputs, outputs = frames_of(folder)
    card = Card(dut)
    await card.start()
    card.pace(0.3, 5)
    assert await card.get(CONTROL) == IDLE and dut.interrupt.value == 0
    await card.set(SOURCE, 0x1122334455667788, 8)
    await card.set(SOURCE + 5, 0xAB, 1)
    assert await card.get(SOURCE, 8) == 0x1122AB4455667788
    for offset in (0x18, 0x24, 0x2C, 0x40, 0xFFC):
        await card.set(offset, 0xFFFFFFFF)
        assert await card.get(offset) == 0
    assert await card.get(SOURCE, 8) == 0x1122AB4455667788

    card.write(BASE, inputs[:1].tobytes())
    for enable, enables, status in ((0, 1, 1), (1, 0, 0), (1, 1, 1), (1, 2, 2), (1, 3, 3)):
        await card.set(ENABLE, enable)
        await card.set(ENABLES, enables)
        assert (await card.get(ENABLE), await card.get(ENABLES)) == (enable, enables)
        assert await card.run(BASE, BASE + 0x10000, 1)
        check(card, BASE + 0x10000, outputs[:1])
        assert await card.get(STATUS) == status
        assert dut.interrupt.value == (1 if enable and status else 0)
        await card.set(STATUS, status)
        assert await card.get(STATUS) == 0 and dut.interrupt.value == 0

    # Started again while it runs, it runs once; of no frames, it is over at once.
    await card.begin(BASE, BASE + 0x10000, 1)
    await card.set(CONTROL, START)
    while not await card.get(CONTROL) & DONE:
        pass
    check(card, BASE + 0x10000, outputs[:1])
    await ClockCycles(dut.ap_clk, 200)
    assert await card.get(CONTROL) == IDLE
    assert await card.run(BASE, BASE + 0x10000, 0)
    check(card, BASE + 0x10000, outputs[:0])


@cocotb.test()
async def driver(dut):
    """What the host's driver gives for the samples in x.npy, a batch and one more."""
    folder, told = job()
    x = np.load(folder / "x.npy")
    card = Card(dut)
    await card.start()
    card.pace(0.2, 7)
    standin = StandIn(card, card.unit, base=BASE)

    @bridge
    def session():
        with loaded(Path(told["board"]), standin) as module, module.Accelerator() as accelerator:
            return accelerator.predict(x), accelerator.predict(x[:1])

    batch, one = await session()
    np.savez(folder / "outputs.npz", batch=batch, one=one)
