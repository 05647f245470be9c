"""The valid-only elementwise modules: every value exact, every latency as its header says."""

import random
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest

from bitwright.ops.threshold import search_trees
from tests.rtl.harness import Case, Run, clog2, pack, simulate, write_mem

RUNS = [Run(reset_cycles=2), Run(idle=0.5, seed=1), Run(idle=0.2, seed=2, stop_at=17), Run(idle=0.8, seed=3)]


def check(cases, latencies, folder):
    for seen in simulate(cases, folder, RUNS):
        for case, latency, s in zip(cases, latencies, seen):
            pairs = list(zip(s.in_cycles, s.out_cycles))
            assert all(o - i == latency for i, o in pairs), (case.module, case.params, latency, pairs[:3])


def limits(width, signed):
    return (-(1 << (width - 1)), (1 << (width - 1)) - 1) if signed else (0, (1 << width) - 1)


def codes(rng, width, signed, shape):
    """Random codes of a type, its extremes among them."""
    lo, hi = limits(width, signed)
    x = rng.integers(lo, hi + 1, shape)
    x[0], x[1] = lo, hi
    return x


def beats(x, lanes, width):
    """x[vector, channel] as words of `lanes` channels."""
    return [pack(v, width) for row in x.tolist() for v in (row[i : i + lanes] for i in range(0, len(row), lanes))]


def word(fields):
    """One word of (value, width) fields, the first lowest."""
    total = at = 0
    for value, width in fields:
        total |= (int(value) & ((1 << width) - 1)) << at
        at += width
    return total


@dataclass(frozen=True)
class Steps:
    lanes: int
    folds: int
    width: int
    signed: bool
    out: int
    count: int
    base: bool

    @property
    def latency(self):
        return (self.folds > 1) + ((self.folds > 64) + 1 if self.count <= 3 else clog2(self.count + 1)) + self.base


STEPS = [
    Steps(1, 1, 8, True, 4, 15, False),
    Steps(2, 3, 8, True, 4, 15, True),
    Steps(1, 1, 8, False, 1, 1, False),
    Steps(2, 1, 6, False, 2, 2, False),
    Steps(3, 2, 9, True, 2, 3, True),
    Steps(1, 4, 5, True, 3, 4, False),
    Steps(2, 2, 10, False, 3, 7, True),
    Steps(1, 3, 10, True, 4, 9, False),
    Steps(4, 1, 12, True, 5, 31, True),
    Steps(1, 2, 16, True, 6, 40, True),
    Steps(2, 5, 7, False, 2, 3, False),
    Steps(1, 1, 4, True, 8, 5, True),
    Steps(1, 65, 8, True, 3, 3, True),
    Steps(2, 70, 6, False, 1, 1, False),
    Steps(1, 80, 9, True, 5, 15, True),
]


def steps_case(s, index, folder):
    rng = np.random.default_rng(index)
    channels = s.lanes * s.folds
    t_width = s.width + (0 if s.signed else 1) + index % 2
    lo, hi = limits(s.width, s.signed)
    # Thresholds nobody meets and that all meet, and equal ones, are legal.
    most = min(hi + 1, (1 << (t_width - 1)) - 1)
    t = np.sort(rng.integers(lo, most + 1, (channels, s.count)), axis=1)
    t[0, : s.count // 2] = lo
    base = rng.integers(-(1 << s.out), 1 << s.out, channels) if s.base else np.zeros(channels, int)
    minus = rng.integers(0, 2, channels) if s.base else np.zeros(channels, int)
    x = codes(rng, s.width, s.signed, (max(24, 60 // s.folds), channels))
    x[2:5, :] = np.minimum(t[:, : min(3, s.count)].T[[0, -1, 0]], hi)  # on a threshold
    met = (x[:, :, None] >= t[None]).sum(axis=2)
    y = base + np.where(minus == 1, -met, met)
    rows = t.reshape(s.folds, -1)
    if s.count > 3:  # what is absent is never read
        rows = search_trees(t.reshape(s.folds, s.lanes, s.count), lo)
    write_mem(folder / f"t{index}.mem", [word([(v, t_width) for v in row]) for row in rows])
    lanes = [[(c, f) for c in range(f * s.lanes, (f + 1) * s.lanes)] for f in range(s.folds)]
    write_mem(
        folder / f"s{index}.mem",
        [word([p for c, _ in row for p in ((base[c], s.out + 1), (minus[c], 1))]) for row in lanes],
    )
    params = {
        "LANES": s.lanes,
        "FOLDS": s.folds,
        "IN_WIDTH": s.width,
        "IN_SIGNED": int(s.signed),
        "OUT_WIDTH": s.out,
        "COUNT": s.count,
        "T_WIDTH": t_width,
        "THRESHOLDS": f"t{index}.mem",
        "HAS_BASE": int(s.base),
        "BASES": f"s{index}.mem",
    }
    inputs, expected = beats(x, s.lanes, s.width), beats(y, s.lanes, s.out)
    return Case("bw_threshold", params, s.lanes * s.width, s.lanes * s.out, inputs, expected, "pipe")


def test_threshold(tmp_path):
    check([steps_case(s, i, tmp_path) for i, s in enumerate(STEPS)], [s.latency for s in STEPS], tmp_path)


def digits(width, signed):
    return (width + 1) // 2 if signed else width // 2 + 1


def rows(a, c, width, signed, drop):
    """What bw_muladd makes of a * c, in units of 2^drop: a row a digit of c, each cut off below."""
    code, total = 2 * c, np.zeros_like(a)
    for i in range(digits(width, signed)):
        three = (code >> (2 * i)) & 7
        row = ((three & 1) + ((three >> 1) & 1) - 2 * (three >> 2)) * a
        cut = drop - 2 * i
        # A digit with the upper bit set misses its carry where the row is cut.
        total += (row - (three >> 2)) >> cut if cut > 0 else row << -cut
    return total


@pytest.mark.parametrize("drop", range(7))
@pytest.mark.parametrize("signed", [True, False])
def test_a_product_falls_short_by_no_more_than_its_digits(drop, signed):
    a, c = (np.arange(-128, 128)[:, None], np.arange(*limits(7, signed))[None, :])
    short = a * c - (rows(*np.broadcast_arrays(a, c), 7, signed, drop) << drop)
    assert short.min() >= 0 and short.max() <= min(digits(7, signed), (drop + 1) // 2) << drop


@dataclass(frozen=True)
class Scale:
    lanes: int
    folds: int
    width: int
    signed: bool
    m: int
    b: int
    shift: int
    out: int
    clip: tuple[int, int] | None
    kind: int = 0
    drop: int = 0
    seen: int = 0  # 0: all bits

    @property
    def bits(self):
        return self.seen or self.width

    @property
    def rest(self):
        """Bits of m beside a DSP slice."""
        port = 25 if self.bits + (not self.signed) <= 18 else 18
        return min(max(0, self.m - port), self.shift) if self.kind else 0

    @property
    def latency(self):
        mul = (min(digits(self.m, True), digits(self.bits, self.signed)) + 1) // 2
        if self.kind:
            mul = (digits(self.rest, False) + 1) // 2 + 1 if self.rest else 1
        return (self.folds > 1) + (self.folds > 64) + mul + 1 + (self.clip is not None)

    def sums(self, x, m, b):
        """Before the shift."""
        half = 1 << (self.bits - 1) if self.signed else 0
        x = (x + half) % (1 << self.bits) - half
        m = np.broadcast_to(m, x.shape)
        if self.kind:
            low = m % (1 << self.rest)
            made = (x * (m - low)) + (rows(x, low, self.rest, False, self.drop) << self.drop if self.rest else 0)
        elif digits(self.bits, self.signed) < digits(self.m, True):
            made = rows(m, x, self.bits, self.signed, self.drop) << self.drop
        else:
            made = rows(x, m, self.m, True, self.drop) << self.drop
        return made + (b << self.drop)


SCALES = [
    Scale(1, 1, 16, True, 16, 32, 16, 8, (-128, 127)),
    Scale(2, 4, 16, True, 14, 30, 15, 8, (0, 255)),
    Scale(1, 3, 18, True, 16, 20, 20, 8, (-128, 127), 1),
    Scale(2, 1, 12, False, 10, 24, 12, 4, (-8, 7)),
    Scale(1, 2, 3, True, 3, 5, 2, 4, (-8, 7)),
    Scale(1, 2, 2, False, 20, 24, 18, 6, None),
    Scale(1, 1, 20, True, 5, 30, 9, 8, (-100, 99)),
    Scale(2, 2, 10, True, 18, 28, 0, 40, None),
    Scale(1, 3, 11, False, 9, 8, 30, 3, (-4, 3)),
    Scale(1, 2, 8, True, 8, 16, 4, 8, (-128, 127), 1),
    Scale(1, 2, 24, True, 20, 44, 30, 8, (-128, 127)),
    Scale(3, 1, 9, False, 7, 4, 8, 8, (0, 10), 1),
    Scale(1, 2, 4, True, 4, 6, 3, 8, (100, 120)),
    Scale(1, 2, 4, True, 4, 6, 3, 8, (-120, -100)),
    Scale(1, 2, 1, False, 8, 9, 3, 8, (-16, 15)),
    Scale(1, 2, 1, True, 8, 9, 3, 8, (-16, 15)),
    Scale(1, 100, 12, True, 10, 20, 12, 8, (-128, 127)),
    Scale(2, 65, 9, False, 7, 14, 8, 8, (-128, 127), 1),
    # Columns left out, and bits of the operand that only the limits see.
    Scale(2, 3, 19, True, 26, 28, 32, 8, (-128, 127), 0, 11),
    Scale(1, 2, 21, True, 25, 29, 33, 8, (-128, 127), 0, 12, 18),
    Scale(1, 2, 12, False, 20, 21, 24, 8, (0, 255), 0, 9, 9),
    Scale(1, 1, 16, True, 9, 12, 12, 8, (-128, 127), 0, 7, 15),
    Scale(1, 2, 6, True, 20, 22, 20, 8, (-128, 127), 0, 4),
    # The upper bits of m in a slice.
    Scale(1, 3, 19, True, 26, 40, 33, 8, (-128, 127), 1),
    Scale(2, 2, 21, True, 26, 28, 32, 8, (-128, 127), 1, 12, 19),
    Scale(1, 2, 20, True, 27, 36, 32, 8, (-128, 127), 1, 3, 18),
    Scale(1, 2, 18, False, 25, 40, 30, 8, (0, 255), 1, 2),
    Scale(1, 2, 20, True, 22, 30, 2, 30, None, 1, 1),
    Scale(1, 2, 20, False, 19, 30, 24, 8, (-128, 127), 1, 8, 17),
]


def scale_case(s, index, folder):
    rng = np.random.default_rng(100 + index)
    channels = s.lanes * s.folds
    m, b = (rng.integers(-(1 << (w - 1)), 1 << (w - 1), channels) for w in (s.m, s.b))
    m[0], b[0] = -(1 << (s.m - 1)), (1 << (s.b - 1)) - 1
    m[-1], b[-1] = (1 << (s.m - 1)) - 1, -(1 << (s.b - 1))
    x = codes(rng, s.width, s.signed, (40, channels))
    x[2:12] = codes(rng, s.bits, s.signed, (10, channels))
    y = s.sums(x, m, b) >> s.shift
    if s.clip is not None:
        lo, hi = limits(s.bits, s.signed)
        y = np.where(x < lo, s.clip[0], np.where(x > hi, s.clip[1], np.clip(y, *s.clip)))
    folds = [range(f * s.lanes, (f + 1) * s.lanes) for f in range(s.folds)]
    write_mem(folder / f"m{index}.mem", [word([p for c in f for p in ((m[c], s.m), (b[c], s.b))]) for f in folds])
    lo, hi = s.clip or (0, 0)
    params = {
        "LANES": s.lanes,
        "FOLDS": s.folds,
        "IN_WIDTH": s.width,
        "IN_SIGNED": int(s.signed),
        "SEEN": s.bits,
        "M_WIDTH": s.m,
        "B_WIDTH": s.b,
        "DROP": s.drop,
        "SHIFT": s.shift,
        "OUT_WIDTH": s.out,
        "CLIP": int(s.clip is not None),
        "LO": lo,
        "HI": hi,
        "KIND": s.kind,
        "PARAMS": f"m{index}.mem",
    }
    inputs, expected = beats(x, s.lanes, s.width), beats(y, s.lanes, s.out)
    return Case("bw_mulshift", params, s.lanes * s.width, s.lanes * s.out, inputs, expected, "pipe")


def test_mulshift(tmp_path):
    check([scale_case(s, i, tmp_path) for i, s in enumerate(SCALES)], [s.latency for s in SCALES], tmp_path)


@dataclass(frozen=True)
class Shift:
    lanes: int
    folds: int
    width: int
    signed: bool
    bias: int  # bits of b; 0: none
    left: int
    shift: int
    out: int
    clip: tuple[int, int] | None
    even: bool = False

    @property
    def latency(self):
        return ((self.folds > 1) + (self.folds > 64) + 1 if self.bias else 0) + self.even + (self.clip is not None)


SHIFTS = [
    Shift(1, 1, 16, True, 16, 0, 4, 8, (-128, 127)),
    Shift(2, 3, 16, True, 12, 0, 7, 8, (0, 255)),
    Shift(1, 2, 8, False, 10, 3, 5, 6, (-32, 31)),
    Shift(2, 1, 12, True, 0, 0, 4, 8, (-128, 127)),
    Shift(1, 1, 9, False, 0, 2, 3, 8, None),
    Shift(3, 2, 7, True, 14, 0, 0, 16, None),
    Shift(1, 2, 5, False, 3, 0, 9, 4, (-8, 7)),
    Shift(1, 1, 6, True, 0, 0, 8, 4, (-3, 3)),
    Shift(1, 2, 8, True, 4, 4, 2, 5, (-16, 15)),
    Shift(2, 1, 10, False, 0, 0, 0, 10, None),
    Shift(1, 1, 10, False, 0, 0, 2, 8, (0, 255)),
    Shift(1, 1, 8, True, 0, 0, 0, 8, (0, 6)),
    Shift(1, 90, 12, True, 12, 0, 4, 8, (-128, 127)),
    Shift(2, 3, 12, True, 12, 0, 4, 8, (-128, 127), True),
    Shift(1, 2, 6, False, 8, 0, 1, 6, None, True),
    Shift(1, 1, 5, True, 0, 0, 7, 3, (-4, 3), True),
    Shift(3, 1, 9, False, 0, 1, 3, 8, (0, 255), True),
]


def shift_case(s, index, folder):
    rng = np.random.default_rng(200 + index)
    channels = s.lanes * s.folds
    b = rng.integers(-(1 << (s.bias - 1)), 1 << (s.bias - 1), channels) if s.bias else np.zeros(channels, int)
    x = codes(rng, s.width, s.signed, (40, channels))
    y = (x << s.left) + b
    if s.even:
        y = y + (1 << (s.shift - 1)) - 1 + ((y >> s.shift) & 1)
    y = y >> s.shift
    y = y if s.clip is None else np.clip(y, *s.clip)
    rows = [b[f * s.lanes : (f + 1) * s.lanes] for f in range(s.folds)]
    write_mem(folder / f"b{index}.mem", [pack(row, s.bias or 1) for row in rows])
    lo, hi = s.clip or (0, 0)
    params = {
        "LANES": s.lanes,
        "FOLDS": s.folds,
        "IN_WIDTH": s.width,
        "IN_SIGNED": int(s.signed),
        "HAS_BIAS": int(s.bias > 0),
        "B_WIDTH": s.bias or 1,
        "LEFT": s.left,
        "SHIFT": s.shift,
        "EVEN": int(s.even),
        "OUT_WIDTH": s.out,
        "CLIP": int(s.clip is not None),
        "LO": lo,
        "HI": hi,
        "PARAMS": f"b{index}.mem",
    }
    inputs, expected = beats(x, s.lanes, s.width), beats(y, s.lanes, s.out)
    return Case("bw_shift", params, s.lanes * s.width, s.lanes * s.out, inputs, expected, "pipe")


def test_shift(tmp_path):
    check([shift_case(s, i, tmp_path) for i, s in enumerate(SHIFTS)], [s.latency for s in SHIFTS], tmp_path)


def test_table(tmp_path):
    cases, latencies, rng = [], [], random.Random(3)
    for index, (lanes, width, out, style) in enumerate(
        [(1, 8, 8, 0), (3, 4, 6, 0), (1, 8, 8, 1), (2, 6, 9, 1), (5, 5, 3, 1), (1, 1, 2, 0), (4, 3, 1, 1)]
    ):
        table = [rng.getrandbits(out) for _ in range(1 << width)]
        write_mem(tmp_path / f"f{index}.mem", table)
        x = [[rng.getrandbits(width) for _ in range(lanes)] for _ in range(60)]
        params = {"LANES": lanes, "IN_WIDTH": width, "OUT_WIDTH": out, "TABLE": f"f{index}.mem", "STYLE": style}
        expected = [pack([table[a] for a in row], out) for row in x]
        cases.append(
            Case("bw_table", params, lanes * width, lanes * out, [pack(r, width) for r in x], expected, "pipe")
        )
        latencies.append(1 + style)
    check(cases, latencies, tmp_path)


@pytest.mark.parametrize("folds", [2, 5])
def test_the_first_beat_after_reset_is_fold_zero(folds, tmp_path):
    """A reset in the middle of a vector starts the constants anew."""
    s = Shift(1, folds, 8, True, 12, 0, 0, 13, None)
    case = shift_case(s, 50, tmp_path)
    runs = [Run(seed=i, stop_at=i + 3) for i in range(2 * folds)] + [Run()]
    seen = simulate([case], tmp_path, runs)
    assert all(b - a == 1 for a, b in pairwise(seen[-1][0].out_cycles))
