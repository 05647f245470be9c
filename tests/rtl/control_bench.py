"""The cocotb side of `test_control`: bw_control behind a master that pauses on every channel, whatever the streams do."""

import itertools
import json
import os
import random
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp

from bitwright.ir.registers import CAPTURE, CLEAR, COUNTERS, OFFSETS, REFUSED, STOPPED


def pauses(seed, share):
    rng = random.Random(seed)
    return itertools.cycle([rng.random() < share for _ in range(991)])


class Device:
    def __init__(self, dut):
        self.dut, self.words = dut, []
        self.master = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), dut.clk, dut.rst_n, False)
        self.channels = [
            *(getattr(self.master.write_if, f"{name}_channel") for name in ("aw", "w", "b")),
            *(getattr(self.master.read_if, f"{name}_channel") for name in ("ar", "r")),
        ]

    def pace(self, shares, seed):
        for k, (channel, share) in enumerate(zip(self.channels, shares, strict=True)):
            channel.set_pause_generator(pauses(seed + k, share))

    async def listen(self):
        while True:
            await RisingEdge(self.dut.clk)
            if self.dut.out_valid.value == 1:
                self.words.append(int(self.dut.out_data.value))

    async def write(self, offset, data):
        answer = await self.master.write(offset, bytes(data))
        assert answer.resp == AxiResp.OKAY

    async def read(self, offset):
        answer = await self.master.read(offset, 4)
        assert answer.resp == AxiResp.OKAY
        return int.from_bytes(answer.data, "little")


async def started():
    dut = cocotb.top
    for name in ("s_axis_tvalid", "s_axis_tlast", "gate_tready", "m_axis_tvalid", "m_axis_tready", "m_axis_tlast"):
        getattr(dut, name).value = 0
    dut.rst_n.value = 0
    Clock(dut.clk, 10, "ns").start()
    device = Device(dut)
    for _ in range(3):
        await RisingEdge(dut.clk)
    dut.rst_n.value = 1
    await RisingEdge(dut.clk)
    cocotb.start_soon(device.listen())
    return device


def job():
    return json.loads((Path(os.environ["BITWRIGHT_JOB"]) / "job.json").read_text())


@cocotb.test()
async def accesses(dut):
    """Reads and writes at once, in any order of address and data: every one is answered once, with what it asked for."""
    device, identity = await started(), job()["identity"]
    window = 1 << 12
    await device.write(OFFSETS["run"], [0])
    rng = random.Random(3)
    paces = [(0,) * 5, (0.7, 0, 0, 0, 0), (0, 0.7, 0, 0, 0), (0, 0, 0.8, 0, 0.8), (0.5, 0.5, 0.5, 0.5, 0.5)]
    for seed, shares in enumerate(paces):
        device.pace(shares, 100 * seed)
        device.words.clear()
        sent = [(rng.randrange(1 << 10), rng.getrandbits(32)) for _ in range(60)]
        offsets = [rng.choice([*range(0, 4 * len(identity), 4), 0xC0, 0xFFC, 0x1FFC]) for _ in range(60)]
        writes = [cocotb.start_soon(device.write(window + 4 * p, v.to_bytes(4, "little"))) for p, v in sent]
        reads = [cocotb.start_soon(device.read(offset)) for offset in offsets]
        for task in writes:
            await task
        found = [await task for task in reads]
        assert found == [identity[o // 4] if o < 4 * len(identity) else 0 for o in offsets]
        await RisingEdge(dut.clk)
        await RisingEdge(dut.clk)
        assert device.words == [p << 32 | v for p, v in sent], shares
    assert not await device.read(OFFSETS["status"]) & REFUSED


@cocotb.test()
async def strobes(dut):
    """Only the bytes that are written change a register; a part of a word of weights, or one while it runs, is refused."""
    device = await started()
    run, status, window = OFFSETS["run"], OFFSETS["status"], 1 << 12
    await device.write(run + 1, [0, 0, 0])
    assert await device.read(run) == 1
    await device.write(run, [0xFE])
    assert await device.read(run) == 0 and await device.read(status) == STOPPED
    device.words.clear()
    await device.write(window, [1, 2, 3])
    assert await device.read(status) == STOPPED | REFUSED and not device.words
    await device.write(OFFSETS["command"] + 1, [CLEAR])
    assert await device.read(status) == STOPPED | REFUSED
    await device.write(OFFSETS["command"], [CLEAR])
    assert await device.read(status) == STOPPED
    await device.write(run, [1])
    await device.write(window, [1, 2, 3, 4])
    assert await device.read(status) == 1 | REFUSED and not device.words


@cocotb.test()
async def frames(dut):
    """A frame that has begun ends, by its beats or by TLAST, and then the gate is shut until it is told otherwise."""
    device = await started()
    for beats, early in ((3, False), (2, True), (1, True)):
        dut.gate_tready.value = 1
        dut.s_axis_tvalid.value = 1
        dut.s_axis_tlast.value = int(early and beats == 1)
        await RisingEdge(dut.clk)
        while dut.s_axis_tready.value == 0:
            await RisingEdge(dut.clk)
        dut.s_axis_tvalid.value = 0
        await device.write(OFFSETS["run"], [0])
        for beat in range(1, beats):
            assert await device.read(OFFSETS["status"]) == 1
            dut.s_axis_tvalid.value = 1
            dut.s_axis_tlast.value = int(early and beat == beats - 1)
            await RisingEdge(dut.clk)
            assert dut.s_axis_tready.value == 1 and dut.gate_tvalid.value == 1
            dut.s_axis_tvalid.value = 0
        dut.s_axis_tvalid.value = 1
        for _ in range(20):
            await RisingEdge(dut.clk)
            assert dut.s_axis_tready.value == 0 and dut.gate_tvalid.value == 0
        dut.s_axis_tvalid.value = 0
        assert await device.read(OFFSETS["status"]) == 0  # a frame is on its way
        dut.m_axis_tvalid.value = dut.m_axis_tready.value = dut.m_axis_tlast.value = 1
        await RisingEdge(dut.clk)
        dut.m_axis_tvalid.value = 0
        assert await device.read(OFFSETS["status"]) == STOPPED
        await device.write(OFFSETS["command"], [CAPTURE])
        counts = {r.name: await device.read(r.offset) for r in COUNTERS}
        assert (counts["frames_in"], counts["frames_out"]) == (1, 1)
        await device.write(OFFSETS["command"], [CLEAR | CAPTURE])
        await device.write(OFFSETS["command"], [CAPTURE])
        assert not any([await device.read(r.offset) for r in COUNTERS])
        await device.write(OFFSETS["run"], [1])


@cocotb.test()
async def all_bits(dut):
    """Counters of few bits come round to 0."""
    device, bits = await started(), job()["count"]
    dut.gate_tready.value = 1
    for _ in range((1 << bits) + 5):
        await RisingEdge(dut.clk)
    await device.write(OFFSETS["run"], [0])
    await device.write(OFFSETS["command"], [CAPTURE])
    low = await device.read(OFFSETS["accelerator_waits"])
    high = await device.read(OFFSETS["accelerator_waits"] + 4)
    assert high == 0 and 0 < low < 40
    assert await device.read(OFFSETS["input_waits"]) == 0
