"""Puts many instances of library modules, with different parameters, into one wrapper and runs them all in one simulator."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from bitwright.sim import verilator

HERE = Path(__file__).parent
RTL = sorted((HERE.parents[1] / "bitwright" / "rtl").glob("bw_*.v"))

STREAM = ".in_valid({v}), .in_ready({r}), .in_data({d}), .out_valid({ov}), .out_ready({or}), .out_data({od})"
PIPE = ".in_valid({v}), .in_data({d}), .out_valid({ov}), .out_data({od})"


@dataclass
class Case:
    """A module with parameters, its input words and the output words that must follow.

    kind: "stream" ready/valid on both sides; "pipe" valid only; "credit" ready/valid in, valid out, closed with a bw_fifo
    of `credits` words; "gathered" a stream whose output a bw_gear gathers, `beats` a word, which takes all beats after the
    first as they come; or a text with the ports to connect.
    """

    module: str
    params: dict
    in_width: int
    out_width: int
    inputs: list[int]
    expected: list[int]
    kind: str = "stream"
    credits: int = 4
    beats: int = 1
    name: str = ""
    prompt: bool = False  # out_valid may follow in_valid in the same cycle
    more: str = ""  # of "credit": further ports, as they are connected

    def text(self, i):
        wires = {"v": f"in_valid[{i}]", "r": f"in_ready[{i}]", "ov": f"out_valid[{i}]", "or": f"out_ready[{i}]"}
        wires |= {"d": f"d{i}_in", "od": f"d{i}_out"}
        params = ", ".join(f".{k}({literal(v)})" for k, v in self.params.items())
        open_ = f"  {self.module} #({params}) u{i} (.clk(clk), .rst_n(rst_n), "
        if self.kind == "stream":
            return open_ + STREAM.format(**wires) + ");\n"
        if self.kind == "pipe":
            return f"  assign in_ready[{i}] = 1'b1;\n" + open_ + PIPE.format(**wires) + ");\n"
        if self.kind == "credit":
            ports = ".in_valid({v}), .in_ready({r}), .in_data({d}), .out_valid(v{i}), .out_data(w{i}), .credit(c{i})"
            fifo = (
                f"  bw_fifo #(.WIDTH({self.out_width}), .DEPTH({self.credits})) f{i} (.clk(clk), .rst_n(rst_n), "
                f".in_valid(v{i}), .in_data(w{i}), .out_valid(out_valid[{i}]), .out_ready(out_ready[{i}]), "
                f".out_data(d{i}_out), .credit(c{i}));\n"
            )
            nets = f"  wire v{i}, c{i};\n  wire [{self.out_width - 1}:0] w{i};\n"
            return nets + open_ + ports.format(i=i, **wires) + self.more + ");\n" + fifo
        if self.kind == "gathered":
            beat = self.out_width // self.beats
            gear = (
                f"  bw_gear #(.ELEM({beat}), .IN_LANES(1), .OUT_LANES({self.beats}), .VECTOR({self.beats})) g{i} (.clk(clk), "
                f".rst_n(rst_n), .in_valid(v{i}), .in_ready(r{i}), .in_data(w{i}), .out_valid(out_valid[{i}]), "
                f".out_ready(out_ready[{i}]), .out_data(d{i}_out));\n"
            )
            nets = f"  wire v{i}, r{i};\n  wire [{beat - 1}:0] w{i};\n"
            inner = wires | {"ov": f"v{i}", "or": f"r{i}", "od": f"w{i}"}
            return nets + open_ + STREAM.format(**inner) + ");\n" + gear
        return open_ + self.kind.format(**wires) + ");\n"


@dataclass
class Run:
    """One pass over all cases. With `stop_at` it is cut off in that cycle, so that the next run resets in mid-stream."""

    idle: float = 0.0
    stall: float = 0.0
    seed: int = 0
    stop_at: int | None = None
    reset_cycles: int = 1


# Idle × back-pressure, and a reset in mid-stream.
MATRIX = (
    Run(reset_cycles=2),
    Run(idle=0.5, seed=1),
    Run(stall=0.5, seed=2),
    Run(idle=0.3, stall=0.3, seed=3),
    Run(stall=0.85, seed=4, stop_at=40),
    Run(idle=0.6, stall=0.6, seed=5),
    Run(seed=6, stop_at=23),
    Run(idle=0.1, stall=0.8, seed=7),
    Run(stall=0.93, seed=8),  # so rarely taken that every buffer fills
    Run(stall=0.97, seed=9),
)

# Resets of one cycle, in whatever state.
RESETS = tuple(Run(idle=0.2 * (i % 3), stall=0.3 * (i % 3), seed=20 + i, stop_at=7 + 2 * i) for i in range(10))


@dataclass
class Seen:
    error: str | None
    in_cycles: list[int] = field(default_factory=list)
    out_cycles: list[int] = field(default_factory=list)


def literal(value):
    if isinstance(value, str):
        return json.dumps(value)
    if type(value) is int and value.bit_length() > 31:
        return f"{value.bit_length()}'h{value:x}"
    return format(value)


def bits(words, width):
    return [format(w & ((1 << width) - 1), f"0{width}b") for w in words]


def wrapper(cases, extra=""):
    n = len(cases)
    ports = [
        "input clk",
        "input rst_n",
        *[
            f"{d} [{n - 1}:0] {s}"
            for d, s in (("input", "in_valid"), ("output", "in_ready"), ("input", "out_ready"), ("output", "out_valid"))
        ],
    ]
    for i, c in enumerate(cases):
        ports += [f"input [{c.in_width - 1}:0] d{i}_in", f"output [{c.out_width - 1}:0] d{i}_out"]
    body = "".join(c.text(i) for i, c in enumerate(cases))
    return f"module bw_test({', '.join(ports)}{extra});\n{body}endmodule\n"


def job(cases, runs, mutants=(), quiet=48):
    return {
        "cases": [
            {
                "inputs": bits(c.inputs, c.in_width),
                "expected": bits(c.expected, c.out_width),
                "pipe": c.kind == "pipe",
                "prompt": c.prompt or c.kind == "pipe",
            }
            for c in cases
        ],
        "runs": [vars(r) for r in runs],
        "mutants": list(mutants),
        "quiet": quiet,
    }


def execute(exe, work, task, seed=1):
    (work / "job.json").write_text(json.dumps(task))
    verilator.run(exe, "tests.rtl.driver", work, {"BITWRIGHT_JOB": str(work)}, top="bw_test", seed=seed)
    return json.loads((work / "result.json").read_text())


def simulate(cases, work, runs=MATRIX, check=True, quiet=48):
    """Seen[run][case]. The wrapper and its memory files are in `work`."""
    (work / "bw_test.v").write_text(wrapper(cases))
    exe = verilator.build([work / "bw_test.v", *RTL], "bw_test")
    seen = [[Seen(**s) for s in run] for run in execute(exe, work, job(cases, runs, quiet=quiet))]
    if check:
        bad = [
            f"run {vars(r)}\n  {c.module} {c.name} {c.params}: {s.error}"
            for r, row in zip(runs, seen)
            for c, s in zip(cases, row)
            if s.error
        ]
        assert not bad, "\n".join(bad[:10])
    return seen


def clog2(n):
    return (n - 1).bit_length()


def pack(values, width):
    """Lane 0 lowest."""
    total = 0
    for i, v in enumerate(values):
        total |= (int(v) & ((1 << width) - 1)) << (i * width)
    return total


def chunks(values, lanes):
    """Beats of `lanes` elements, the last padded with zeros."""
    values = list(values)
    values += [0] * (-len(values) % lanes)
    return [values[i : i + lanes] for i in range(0, len(values), lanes)]


def write_mem(path, words):
    path.write_text("".join(f"{w:x}\n" for w in words))
