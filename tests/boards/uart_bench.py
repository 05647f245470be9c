"""The cocotb side of `test_uart`: the driver as it goes to the user, at the end of a simulated serial line, bit by bit."""

import importlib.util
import json
import os
import sys
from collections import deque
from pathlib import Path

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.task import bridge, resume
from cocotb.triggers import Event, FallingEdge, First, Timer

PERIOD_NS = 10
SILENCE = 60  # bytes' time without one until a read gives up: longer than a design is silent for


class Line:
    """A port: what the host writes goes to the chip's pin a bit at a time, and the chip's bits come back as bytes.

    `lose_to` and `lose_from` are places, counted over all bytes of a direction, at which the line loses a byte, `spoil_to`
    those at which it changes one.
    """

    def __init__(self, dut, div):
        self.dut, self.bit_ns = dut, div * PERIOD_NS
        self.outgoing, self.incoming = deque(), deque()
        self.wake, self.arrived = Event(), Event()
        self.sent = self.received = 0
        self.lose_to, self.lose_from, self.spoil_to = set(), set(), set()
        dut.rx.value = 1
        cocotb.start_soon(self._send())
        cocotb.start_soon(self._receive())

    def write(self, data):
        """For the driver, in a thread of its own."""
        resume(self._write)(data)

    def read(self, count):
        """Likewise: up to so many bytes, none after a silence."""
        return resume(self._read)(count)

    async def _write(self, data):
        self.outgoing.extend(data)
        self.wake.set()

    async def _read(self, count):
        idle = 0
        while not self.incoming and idle < SILENCE:
            self.arrived.clear()
            await First(self.arrived.wait(), Timer(10 * self.bit_ns, "ns"))
            idle = 0 if self.outgoing else idle + 1
        return bytes(self.incoming.popleft() for _ in range(min(count, len(self.incoming))))

    async def _send(self):
        while True:
            while not self.outgoing:
                self.wake.clear()
                await self.wake.wait()
            byte, place = self.outgoing.popleft(), self.sent
            self.sent += 1
            if place in self.lose_to:
                continue
            byte ^= 0x10 * (place in self.spoil_to)
            for bit in (0, *(byte >> k & 1 for k in range(8)), 1):
                self.dut.rx.value = bit
                await Timer(self.bit_ns, "ns")

    async def _receive(self):
        while True:
            await FallingEdge(self.dut.tx)
            await Timer(self.bit_ns * 3 // 2, "ns")
            byte = 0
            for k in range(8):
                byte |= int(self.dut.tx.value) << k
                await Timer(self.bit_ns, "ns")
            assert int(self.dut.tx.value) == 1, "no stop bit"
            self.received += 1
            if self.received - 1 not in self.lose_from:
                self.incoming.append(byte)
                self.arrived.set()


def driver(board):
    """The module `driver.py` of a design's folder."""
    sys.path.insert(0, str(board))
    spec = importlib.util.spec_from_file_location("driver", board / "driver.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cocotb.test()
async def run(dut):
    folder = Path(os.environ["BITWRIGHT_JOB"])
    job = json.loads((folder / "job.json").read_text())
    x = np.load(folder / "x.npy")
    cocotb.start_soon(Clock(dut.clk, PERIOD_NS, "ns").start())
    line, module = Line(dut, job["div"]), driver(Path(job["board"]))
    await Timer(300 * PERIOD_NS, "ns")  # the chip's own reset

    @bridge
    def session():
        line.write(bytes(job["garbage"]))
        accelerator = module.Accelerator(line)
        outputs = []
        for at, size in job["batches"]:
            for name in ("lose_to", "lose_from", "spoil_to"):
                here = line.received if name == "lose_from" else line.sent
                getattr(line, name).update(here + place for place in job[name])
            line.write(bytes(job["between"]))
            outputs.append(accelerator.predict(x[at : at + size]))
        return outputs, accelerator.restarts

    outputs, restarts = await session()
    np.savez(folder / "outputs.npz", *outputs)
    (folder / "result.json").write_text(json.dumps({"restarts": restarts, "led": int(dut.led.value)}))
