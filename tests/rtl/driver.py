"""The cocotb side of `harness`: drives every case of a wrapper at once, through every run of the job."""

import json
import os
import random
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from bitwright.sim.bench import PERIOD_NS, Pin, pattern

INVERSE = str.maketrans("01", "10")


class Case:
    """One instance: what it is fed, what must come out, and how far it got."""

    def __init__(self, dut, index, count, raw):
        self.bit = count - 1 - index
        self.inputs, self.expected = raw["inputs"], raw["expected"]
        self.pipe, self.prompt = raw["pipe"], raw["prompt"]
        self.in_data, self.out_data = Pin(getattr(dut, f"d{index}_in")), Pin(getattr(dut, f"d{index}_out"))

    def start(self, run, seed):
        self.go_in = pattern(random.Random(seed), run["idle"])
        self.go_out = pattern(random.Random(seed + 1), 0.0 if self.pipe else run["stall"])
        self.sent = self.got = 0
        self.driven, self.fresh, self.ready, self.held, self.error = False, False, True, None, None
        self.in_cycles, self.out_cycles = [], []

    def done(self):
        return self.error is not None or (self.sent == len(self.inputs) and self.got == len(self.expected))

    def sample(self, cycle, in_ready, out_valid):
        moved = False
        if self.driven and in_ready:
            self.driven, moved = False, True
            self.sent += 1
            self.in_cycles.append(cycle)
        if not out_valid:
            if self.held is not None:
                self.error = f"cycle {cycle}: valid fell while stalled"
            return moved
        word = self.out_data.read()
        if self.held is not None and word != self.held:
            self.error = f"cycle {cycle}: data changed while stalled"
        if not self.ready:
            self.held = word
            return moved
        self.held = None
        if self.got == len(self.expected):
            self.error = f"cycle {cycle}: a word too many"
        elif word != self.expected[self.got]:
            self.error = f"cycle {cycle}: word {self.got} is {word}, expected {self.expected[self.got]}"
        self.got += 1
        self.out_cycles.append(cycle)
        return True

    def drive(self):
        if not self.driven and self.sent < len(self.inputs) and next(self.go_in):
            self.in_data.write(self.inputs[self.sent])
            self.driven = self.fresh = True
        elif not self.driven and self.fresh:
            # Data that is not valid is no copy of the word before.
            self.in_data.write(self.inputs[self.sent - 1].translate(INVERSE))
            self.fresh = False
        self.ready = next(self.go_out)


class Driver:
    def __init__(self, dut, job):
        count = len(job["cases"])
        self.dut, self.edge = dut, RisingEdge(dut.clk)
        self.cases = [Case(dut, i, count, raw) for i, raw in enumerate(job["cases"])]
        self.reset = Pin(dut.rst_n)
        self.in_valid, self.in_ready = Pin(dut.in_valid), Pin(dut.in_ready)
        self.out_valid, self.out_ready = Pin(dut.out_valid), Pin(dut.out_ready)
        self.quiet = job["quiet"]
        self.select = Pin(dut.mutsel) if job["mutants"] else None
        if self.select is not None:
            self.select.write("0" * self.select.width)

    async def restart(self, cycles):
        # The pins stay as they are: a reset may meet a handshake.
        self.reset.write("0")
        for _ in range(cycles):
            await self.edge
        self.reset.write("1")

    def flags(self, name):
        return "".join("1" if getattr(c, name) else "0" for c in reversed(self.cases))

    async def run(self, run):
        """All cases once. A run ends when every case is done and nothing has moved for `quiet` cycles, or none will."""
        for i, case in enumerate(self.cases):
            case.start(run, run["seed"] * 1000 + 2 * i)
        await self.restart(run["reset_cycles"])
        cycle = moved = 0
        in_valid = out_ready = ""
        while True:
            for case in self.cases:
                case.drive()
            if (now := self.flags("driven")) != in_valid:
                in_valid = now
                self.in_valid.write(now)
            if (now := self.flags("ready")) != out_ready:
                out_ready = now
                self.out_ready.write(now)
            await self.edge
            cycle += 1
            accepting, valid = self.in_ready.read(), self.out_valid.read()
            if cycle == 1:
                for case in self.cases:
                    if valid[case.bit] != "0" and not case.prompt:
                        case.error = "valid right after reset"
            for case in self.cases:
                if case.error is None and case.sample(cycle, accepting[case.bit] == "1", valid[case.bit] == "1"):
                    moved = cycle
            if cycle == run["stop_at"]:
                return
            if self.select is not None and any(c.error for c in self.cases):
                return
            if cycle - moved > (self.quiet if all(c.done() for c in self.cases) else 20 * self.quiet):
                break
        for case in self.cases:
            if not case.done():
                case.error = f"stall: {case.sent} of {len(case.inputs)} in, {case.got} of {len(case.expected)} out"

    def report(self):
        return [{"error": c.error, "in_cycles": c.in_cycles, "out_cycles": c.out_cycles} for c in self.cases]


@cocotb.test()
async def cases(dut):
    folder = Path(os.environ["BITWRIGHT_JOB"])
    job = json.loads((folder / "job.json").read_text())
    driver = Driver(dut, job)
    Clock(dut.clk, PERIOD_NS, "ns").start()
    results = []
    if job["mutants"]:
        # What the unchanged design did, cycle by cycle: a mutant that is only slower is noticed too.
        unchanged = []
        for run in job["runs"]:
            await driver.run(run)
            unchanged.append(driver.report())
        for mutant in job["mutants"]:
            driver.select.write(format(mutant, f"0{driver.select.width}b"))
            killed = None
            for run, want in zip(job["runs"], unchanged):
                await driver.run(run)
                if driver.report() != want:
                    killed = next((c.error for c in driver.cases if c.error), "other cycles")
                    break
            results.append(killed)
        if any(c["error"] for report in unchanged for c in report):
            results = [f"unchanged design: {c['error']}" for report in unchanged for c in report]
    else:
        for run in job["runs"]:
            await driver.run(run)
            results.append(driver.report())
    (folder / "result.json").write_text(json.dumps(results))
