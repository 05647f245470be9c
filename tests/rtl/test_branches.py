"""bw_queue, bw_fork, bw_join, bw_concat, bw_repeat, bw_reorder: what comes out, and every cycle in which it does."""

import random
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest

from tests.rtl import timing
from tests.rtl.harness import MATRIX, Case, Run, simulate

rng = random.Random(0)


def words(count, width):
    return [rng.getrandbits(width) for _ in range(count)]


@dataclass
class Port(Case):
    """A port of a module with several: the last one's text holds the module, and what it says goes for `{i}` of its own.

    With `lacks` "in" or "out" there is no such side.
    """

    lacks: str = ""
    body: str = field(default="", repr=False)

    def text(self, i):
        tie = {"in": f"  assign in_ready[{i}] = 1'b0;\n", "out": f"  assign out_valid[{i}] = 1'b0;\n"}
        if self.lacks == "out":
            tie["out"] += f"  assign d{i}_out = 0;\n"
        return tie.get(self.lacks, "") + self.body.format(i=i, h=i - 1, g=i - 2)


CLOCK = ".clk(clk), .rst_n(rst_n)"


class QueueRules(timing.Stream):
    def __init__(self, depth, style):
        self.room, self.line = depth, timing.Line(1 + style)

    def ready(self):
        return self.room > 0

    def valid(self):
        return bool(self.line)

    def tick(self, put, get):
        self.room += get - put
        self.line.tick(put, get)


QUEUES = [(depth, 0) for depth in (1, 2, 3, 4, 7, 16, 31, 32, 33, 50, 64)] + [(d, 1) for d in (1, 2, 3, 5, 8, 20)]


def queue_case(depth, style, shift=1, width=9, count=100):
    data = words(count, width)
    params = {"WIDTH": width, "DEPTH": depth, "STYLE": style, "SHIFT": shift}
    return Case("bw_queue", params, width, width, data, data)


def test_queue(tmp_path):
    queues = [(*q, shift) for q in QUEUES for shift in (0, 1) if shift or q[0] <= 32]
    cases = [queue_case(*q) for q in queues]
    seen = simulate(cases, tmp_path)
    timing.check([lambda q=q: QueueRules(*q[:2]) for q in queues], cases, MATRIX, seen)
    for (depth, style, _), s in zip(queues, seen[0]):
        # A place is taken for as long as a word stays, and free in the cycle after.
        if depth > 1 + style:
            assert all(b - a == 1 for a, b in pairwise(s.out_cycles))


class ForkRules:
    def __init__(self, count):
        self.ports, self.served = count, [False] * count

    def step(self, offers, wants):
        gets = [offers[0] and want and not s for want, s in zip(wants, self.served)]
        served = [s or g for s, g in zip(self.served, gets)]
        put = offers[0] and all(served)
        self.served = [False] * self.ports if put else served
        return [put] + [False] * (self.ports - 1), gets


def fork_cases(count, width=6, beats=60):
    """The first port has the input and the first output, the others an output each."""
    assert 1 <= count <= 3
    data = words(beats, width)
    index = ["{i}", "{h}", "{g}"][:count]  # of the last output, of the one before, ...
    valid, ready = (", ".join(f"{s}[{k}]" for k in index) for s in ("out_valid", "out_ready"))
    body = (
        f"  wire [{width - 1}:0] fork{{i}};\n"
        f"  bw_fork #(.WIDTH({width}), .COUNT({count})) u{{i}} ({CLOCK}, .in_valid(in_valid[{index[-1]}]), "
        f".in_ready(in_ready[{index[-1]}]), .in_data(d{index[-1]}_in), "
        f".out_valid({{{{{valid}}}}}), .out_ready({{{{{ready}}}}}), .out_data(fork{{i}}));\n"
    ) + "".join(f"  assign d{k}_out = fork{{i}};\n" for k in index)
    params = {"WIDTH": width, "COUNT": count}
    return [
        Port("bw_fork", params, width, width, data if k == 0 else [], data, prompt=True, lacks="in" if k else "",
             body=body if k == count - 1 else "")
        for k in range(count)
    ]  # fmt: skip


def test_fork(tmp_path):
    cases = [c for count in (1, 2, 3) for c in fork_cases(count)]
    seen = simulate(cases, tmp_path)
    timing.check([lambda n=n: ForkRules(n) for n in (1, 2, 3)], cases, MATRIX, seen)


class JoinRules:
    ports = 2

    def __init__(self, credits):
        self.credits, self.line = timing.Credits(credits), timing.Line(1)

    def step(self, offers, wants):
        put = bool(offers[0] and offers[1] and self.credits)
        get = bool(wants[0] and self.line)
        self.credits.tick(put, get)
        self.line.tick(put, get)
        return [put, put], [get, False]


def join_cases(credits, a=5, b=7, beats=60):
    left, right = words(beats, a), words(beats, b)
    body = (
        f"  wire v{{i}}, c{{i}};\n  wire [{a + b - 1}:0] w{{i}};\n"
        f"  bw_join #(.WIDTH_A({a}), .WIDTH_B({b}), .CREDITS({credits})) u{{i}} ({CLOCK}, .a_valid(in_valid[{{h}}]), "
        ".a_ready(in_ready[{h}]), .a_data(d{h}_in), .b_valid(in_valid[{i}]), .b_ready(in_ready[{i}]), .b_data(d{i}_in), "
        ".out_valid(v{i}), .out_data(w{i}), .credit(c{i}));\n"
        f"  bw_fifo #(.WIDTH({a + b}), .DEPTH({credits})) f{{i}} ({CLOCK}, .in_valid(v{{i}}), .in_data(w{{i}}), "
        ".out_valid(out_valid[{h}]), .out_ready(out_ready[{h}]), .out_data(d{h}_out), .credit(c{i}));\n"
    )
    params = {"WIDTH_A": a, "WIDTH_B": b, "CREDITS": credits}
    joined = [r << a | k for k, r in zip(left, right)]
    return [
        Port("bw_join", params, a, a + b, left, joined),
        Port("bw_join", params, b, 1, right, [], lacks="out", body=body),
    ]


def test_join(tmp_path):
    cases = [c for credits in (1, 3, 4) for c in join_cases(credits)]
    seen = simulate(cases, tmp_path)
    timing.check([lambda n=n: JoinRules(n) for n in (1, 3, 4)], cases, MATRIX, seen)


class ConcatRules:
    ports = 2

    def __init__(self, a, b):
        self.turns, self.at = [0] * a + [1] * b, 0

    def step(self, offers, wants):
        puts = [False, False]
        turn = self.turns[self.at]
        puts[turn] = offers[turn] and wants[0]
        self.at = (self.at + puts[turn]) % len(self.turns)
        return puts, [puts[turn], False]


CONCATS = [(1, 1), (2, 1), (1, 3), (2, 2), (5, 3)]


def concat_cases(a, b, width=6, vectors=14):
    left, right = words(a * vectors, width), words(b * vectors, width)
    body = (
        f"  bw_concat #(.WIDTH({width}), .A_BEATS({a}), .B_BEATS({b})) u{{i}} ({CLOCK}, .a_valid(in_valid[{{h}}]), "
        ".a_ready(in_ready[{h}]), .a_data(d{h}_in), .b_valid(in_valid[{i}]), .b_ready(in_ready[{i}]), .b_data(d{i}_in), "
        ".out_valid(out_valid[{h}]), .out_ready(out_ready[{h}]), .out_data(d{h}_out));\n"
    )
    params = {"WIDTH": width, "A_BEATS": a, "B_BEATS": b}
    both = [w for v in range(vectors) for w in (*left[v * a : (v + 1) * a], *right[v * b : (v + 1) * b])]
    return [
        Port("bw_concat", params, width, width, left, both, prompt=True),
        Port("bw_concat", params, width, 1, right, [], lacks="out", body=body),
    ]


def test_concat(tmp_path):
    cases = [c for shape in CONCATS for c in concat_cases(*shape)]
    seen = simulate(cases, tmp_path)
    timing.check([lambda c=c: ConcatRules(*c) for c in CONCATS], cases, MATRIX, seen)
    for s in seen[0][::2]:
        assert all(b - a == 1 for a, b in pairwise(s.out_cycles))


@dataclass(frozen=True)
class Repeat:
    words: int
    width: int
    rw: int
    rh: int
    extra: int = 2
    style: int = 0

    @property
    def least_depth(self):
        return self.words * (self.width if self.rh > 1 else 1)

    def case(self, bits=5, rows=7):
        data = words(rows * self.width * self.words, bits)
        image = np.array(data, object).reshape(rows, self.width, self.words)
        out = image.repeat(self.rh, 0).repeat(self.rw, 1).ravel().tolist()
        params = {
            "BITS": bits,
            "WORDS": self.words,
            "WIDTH": self.width,
            "RW": self.rw,
            "RH": self.rh,
            "DEPTH": self.least_depth + self.extra,
            "STYLE": self.style,
        }
        return Case("bw_repeat", params, bits, bits, data, out)


class RepeatRules(timing.Stream):
    def __init__(self, shape):
        self.depth = shape.least_depth + shape.extra
        row = [
            (c * shape.words + w, copy)
            for c in range(shape.width)
            for copy in range(shape.rw)
            for w in range(shape.words)
        ]
        # Of each issue in a row of pixels: the word, whether it is its first time, and whether its last.
        self.walk = [
            (word, turn == copy == 0, turn == shape.rh - 1 and copy == shape.rw - 1)
            for turn in range(shape.rh)
            for word, copy in row
        ]
        self.row = shape.width * shape.words
        self.written = self.freed = self.at = self.rows = 0
        self.credits, self.line = timing.Credits(5), timing.Line(3)

    def ready(self):
        return self.written < self.freed + self.depth

    def valid(self):
        return bool(self.line)

    def tick(self, put, get):
        word, first, last = self.walk[self.at]
        issue = bool(self.credits) and not (first and self.written <= self.rows * self.row + word)
        self.credits.tick(issue, get)
        self.line.tick(issue, get)
        self.freed += issue and last
        self.written += put
        self.at += issue
        if self.at == len(self.walk):
            self.at, self.rows = 0, self.rows + 1


REPEATS = [
    Repeat(1, 4, 2, 2),
    Repeat(2, 3, 2, 2),
    Repeat(3, 3, 3, 1),
    Repeat(1, 5, 1, 3, 2, 1),
    Repeat(2, 4, 2, 3, 0),
    Repeat(1, 1, 2, 2, 2, 1),
    Repeat(4, 1, 2, 1, 0),
    Repeat(1, 6, 2, 1, 0),
    Repeat(3, 2, 1, 2, 1, 1),
    Repeat(1, 3, 1, 1),
    Repeat(2, 3, 2, 2, 9),
]


def test_repeat(tmp_path):
    cases = [r.case() for r in REPEATS]
    seen = simulate(cases, tmp_path)
    timing.check([lambda r=r: RepeatRules(r) for r in REPEATS], cases, MATRIX, seen)
    for r, s in zip(REPEATS, seen[0]):
        if r.extra >= 2:
            assert all(b - a == 1 for a, b in pairwise(s.out_cycles)), r


@dataclass(frozen=True)
class Reorder:
    counts: tuple[int, int, int, int]
    strides: tuple[int, int, int, int]
    style: int = 0

    @property
    def walk(self):
        grids = np.indices(self.counts).reshape(4, -1)
        return (np.array(self.strides) @ grids).tolist()

    def case(self, bits=6, blocks=6):
        walk = self.walk
        assert sorted(walk) == list(range(len(walk))), self
        data = words(blocks * len(walk), bits)
        out = [data[b * len(walk) + w] for b in range(blocks) for w in walk]
        params = {"WIDTH": bits, "STYLE": self.style}
        params |= {f"COUNT{k}": n for k, n in enumerate(self.counts)}
        params |= {f"STRIDE{k}": n for k, n in enumerate(self.strides)}
        return Case("bw_reorder", params, bits, bits, data, out)


class ReorderRules(timing.Stream):
    def __init__(self, shape):
        self.block = len(shape.walk)
        self.written = self.issued = 0
        self.credits, self.line = timing.Credits(5), timing.Line(3)

    def ready(self):
        return self.written // self.block - self.issued // self.block < 2

    def valid(self):
        return bool(self.line)

    def tick(self, put, get):
        issue = bool(self.credits) and self.written // self.block > self.issued // self.block
        self.credits.tick(issue, get)
        self.line.tick(issue, get)
        self.issued += issue
        self.written += put


REORDERS = [
    Reorder((1, 1, 4, 2), (0, 0, 1, 4)),
    Reorder((1, 1, 1, 1), (0, 0, 0, 0)),
    Reorder((1, 1, 1, 5), (0, 0, 0, 1)),
    Reorder((2, 3, 2, 2), (2, 4, 12, 1), 1),
    Reorder((3, 2, 2, 2), (1, 12, 3, 6)),
    Reorder((1, 3, 1, 5), (0, 1, 0, 3), 1),
    Reorder((2, 2, 2, 2), (8, 2, 4, 1)),
    Reorder((1, 1, 1, 2), (0, 0, 0, 1)),
]


def test_reorder(tmp_path):
    cases = [r.case() for r in REORDERS]
    seen = simulate(cases, tmp_path)
    timing.check([lambda r=r: ReorderRules(r) for r in REORDERS], cases, MATRIX, seen)
    for s in seen[0]:
        for cycles in (s.in_cycles, s.out_cycles):
            assert all(b - a == 1 for a, b in pairwise(cycles))


@pytest.mark.long
def test_random_repeats_and_reorders(tmp_path):
    draw = random.Random(4)
    repeats = [
        Repeat(
            draw.randint(1, 4), draw.randint(1, 6), draw.randint(1, 3), draw.randint(1, 3), draw.randint(0, 6), n % 2
        )
        for n in range(20)
    ]
    reorders = []
    for n in range(20):
        counts = [draw.choice([1, 1, 2, 3, 4]) for _ in range(4)]
        order, strides, step = draw.sample(range(4), 4), [0] * 4, 1
        for axis in order:
            strides[axis], step = step, step * counts[axis]
        reorders.append(Reorder(tuple(counts), tuple(strides), n % 2))
    cases = [s.case() for s in (*repeats, *reorders)]
    runs = [Run(), Run(stall=0.5, idle=0.3, seed=2), Run(stall=0.8, seed=3)]
    seen = simulate(cases, tmp_path, runs)
    models = [lambda r=r: RepeatRules(r) for r in repeats] + [lambda r=r: ReorderRules(r) for r in reorders]
    timing.check(models, cases, runs, seen)
