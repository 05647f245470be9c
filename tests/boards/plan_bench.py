"""The cocotb side of `test_plans`: bw_kernel_plan by itself, with any number of frames."""

import json
import os
import random
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge

SHOWN = 40  # bursts of a long run that are looked at


async def plan(dut, address, frames, rng):
    """Words, beats of the last one less one, and the first bursts: address, words, whether it is the last."""
    dut.address.value, dut.frames.value, dut.start.value = address, frames, 1
    await RisingEdge(dut.clk)
    dut.start.value, dut.frames.value = 0, rng.getrandbits(32)
    cycles = 0
    while dut.counted.value == 0:
        await RisingEdge(dut.clk)
        cycles += 1
    words, tail, bursts = int(dut.words.value), int(dut.tail.value), []
    while words and len(bursts) < SHOWN and not (bursts and bursts[-1][2]):
        dut.out_ready.value = rng.random() < 0.7
        await RisingEdge(dut.clk)
        if dut.out_valid.value == 1 and dut.out_ready.value == 1:
            assert int(dut.out_length.value) == int(dut.out_words.value) - 1
            bursts.append((int(dut.out_address.value), int(dut.out_words.value), int(dut.out_last.value)))
    return cycles, words, tail, bursts


@cocotb.test()
async def plans(dut):
    folder = Path(os.environ["BITWRIGHT_JOB"])
    told, rng, found = json.loads((folder / "job.json").read_text()), random.Random(1), []
    dut.start.value = dut.out_ready.value = dut.rst_n.value = 0
    cocotb.start_soon(Clock(dut.clk, 10, "ns").start())
    for address, frames in told["runs"]:
        dut.rst_n.value = 0
        await ClockCycles(dut.clk, 2)
        dut.rst_n.value = 1
        await ClockCycles(dut.clk, 2)
        found.append(await plan(dut, address, frames, rng))
    (folder / "result.json").write_text(json.dumps(found))
