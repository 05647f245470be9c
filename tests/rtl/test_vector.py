"""bw_sum, bw_product, bw_depthwise, bw_pool, bw_total against Python integers; every latency as their headers say."""

import random
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest

from tests.rtl import timing
from tests.rtl.harness import MATRIX, Case, Run, clog2, pack, simulate, write_mem

PIPES = [Run(reset_cycles=2), Run(idle=0.5, seed=1), Run(idle=0.2, seed=2, stop_at=17), Run(idle=0.8, seed=3)]


def limits(bits):
    """Range of a code: signed where negative."""
    return (-(1 << (-bits - 1)), (1 << (-bits - 1)) - 1) if bits < 0 else (0, (1 << bits) - 1)


def codes(rng, bits, shape):
    """Random codes of a type, and every combination of its extremes in the first four rows."""
    lo, hi = limits(bits)
    x = rng.integers(lo, hi + 1, shape)
    x[0], x[1], x[2], x[3] = lo, hi, lo, hi
    return x


def signed_bits(lo, hi):
    return max(1 + max(int(hi), -int(lo) - 1).bit_length(), 1)


def pairs(rng, a, b, lanes, beats=60):
    x, y = codes(rng, a, (beats, lanes)), codes(rng, b, (beats, lanes))
    y[2], y[3] = y[1], y[0].copy()
    words = [pack(p, abs(a)) | pack(q, abs(b)) << (lanes * abs(a)) for p, q in zip(x.tolist(), y.tolist())]
    return x.astype(object), y.astype(object), words


def check_pipes(cases, latencies, folder):
    for seen in simulate(cases, folder, PIPES):
        for case, latency, s in zip(cases, latencies, seen):
            assert all(o - i == latency for i, o in zip(s.in_cycles, s.out_cycles)), (case.module, case.params)


class Wide(int):
    """A parameter of more than 32 bits."""

    def __format__(self, _):
        return f"{'-' if self < 0 else ''}64'sd{abs(int(self))}"


@dataclass(frozen=True)
class Sum:
    a: int  # bits; negative: signed
    b: int
    ma: int
    mb: int
    c: int = 0
    lanes: int = 1
    narrow: int = 0  # bits fewer than the result needs

    @property
    def latency(self):
        terms = sum((m ^ 3 * m).bit_count() if m >= 0 else (-m ^ -3 * m).bit_count() for m in (self.ma, self.mb))
        return max(1, clog2(max(1, terms + (self.c != 0))))

    def case(self, index):
        x, y, words = pairs(np.random.default_rng(index), self.a, self.b, self.lanes)
        out = self.ma * x + self.mb * y + self.c
        corners = [self.ma * p + self.mb * q + self.c for p in limits(self.a) for q in limits(self.b)]
        width = max(1, signed_bits(min(corners), max(corners)) - self.narrow)
        params = {
            "LANES": self.lanes,
            "A_WIDTH": abs(self.a),
            "A_SIGNED": int(self.a < 0),
            "B_WIDTH": abs(self.b),
            "B_SIGNED": int(self.b < 0),
            "MA": Wide(self.ma),
            "MB": Wide(self.mb),
            "C": Wide(self.c),
            "OUT_WIDTH": width,
        }
        in_width = self.lanes * (abs(self.a) + abs(self.b))
        return Case(
            "bw_sum", params, in_width, self.lanes * width, words, [pack(r, width) for r in out.tolist()], "pipe"
        )


SUMS = [
    Sum(8, 8, 1, 1),
    Sum(-8, -8, 1, -1, lanes=3),
    Sum(-8, 8, -1, 1),
    Sum(4, -4, -1, -1),
    Sum(8, -8, -3, -5, -7, lanes=2),
    Sum(8, 5, 0, 1),
    Sum(8, 5, -1, 0),
    Sum(3, 3, 0, 0, 5),
    Sum(3, 3, 0, 0, 0),
    Sum(-8, -8, 91, 237, 1 << 12),
    Sum(8, 8, -1000, 12345, -99999, lanes=2),
    Sum(8, 8, 0x55555555, -0x2AAAAAAB, 1),
    Sum(-12, 6, 1 << 20, -1, 3, narrow=5),
    Sum(1, -1, 7, 7, -1),
    Sum(-1, 1, -8, 64),
    Sum(16, -16, 32767, -32768, 1 << 40, narrow=3),
    Sum(8, -8, -85, -85, 0),
    Sum(8, 8, -7, 0, 0),
]


def random_sums(count):
    rng = random.Random(8)

    def factor():
        return rng.choice([0, 1, -1, rng.randint(-300, 300), rng.randint(-(1 << 24), 1 << 24)])

    for _ in range(count):
        a, b = (rng.choice([1, -1]) * rng.randint(1, 12) for _ in range(2))
        c = rng.choice([0, 0, rng.randint(-1000, 1000), rng.randint(-(1 << 40), 1 << 40)])
        yield Sum(a, b, factor(), factor(), c, rng.randint(1, 3), rng.choice([0, 0, 2]))


def test_sum(tmp_path):
    sums = [*SUMS, *random_sums(20)]
    check_pipes([s.case(i) for i, s in enumerate(sums)], [s.latency for s in sums], tmp_path)


@dataclass(frozen=True)
class Product:
    a: int
    b: int
    za: int = 0
    zb: int = 0
    kind: int = 0
    lanes: int = 1
    width: int = 0  # bits beyond what the result needs; negative: fewer

    @property
    def latency(self):
        def operand(bits, zero):
            lo, hi = limits(bits)
            width = signed_bits(lo - zero, hi - zero) if zero else abs(bits)
            return width, (width + 1 if zero or bits < 0 else width + 2) // 2

        (aw, ad), (bw, bd) = operand(self.a, self.za), operand(self.b, self.zb)
        mul = 1 if aw + bw <= 6 else max(1, min(ad, bd) // 2)
        return (self.za != 0 or self.zb != 0) + (1 if self.kind else mul + 1)

    def case(self, index):
        x, y, words = pairs(np.random.default_rng(index), self.a, self.b, self.lanes)
        out = (x - self.za) * (y - self.zb)
        corners = [(p - self.za) * (q - self.zb) for p in limits(self.a) for q in limits(self.b)]
        width = max(1, signed_bits(min(corners), max(corners)) + self.width)
        params = {
            "LANES": self.lanes,
            "A_WIDTH": abs(self.a),
            "A_SIGNED": int(self.a < 0),
            "B_WIDTH": abs(self.b),
            "B_SIGNED": int(self.b < 0),
            "ZA": self.za,
            "ZB": self.zb,
            "OUT_WIDTH": width,
            "KIND": self.kind,
        }
        in_width = self.lanes * (abs(self.a) + abs(self.b))
        return Case(
            "bw_product", params, in_width, self.lanes * width, words, [pack(r, width) for r in out.tolist()], "pipe"
        )


PRODUCTS = [
    Product(a, b, za, zb, kind, 1 + n % 3, (0, 3, -2)[n % 3])
    for n, (a, b, za, zb, kind) in enumerate(
        (a, b, za, zb, kind)
        for a, b in ((8, 8), (-8, -8), (8, -8), (3, 3), (-2, 5), (1, 1), (-8, 3), (4, -12))
        for za, zb in ((0, 0), (1, 0), (0, 2), (3, -1))
        for kind in (0, 1)
    )
]


def test_product(tmp_path):
    check_pipes([p.case(i) for i, p in enumerate(PRODUCTS)], [p.latency for p in PRODUCTS], tmp_path)


@dataclass(frozen=True)
class Depthwise:
    taps: int
    groups: int
    lanes: int
    a: int
    w: int
    kind: int = 0
    style: int = 0
    bias: bool = False
    credits: int = 12
    simd: int = 1  # taps a beat
    chain: int = 1
    segments: int = 1  # words in a row of a block memory

    @property
    def beats(self):
        return self.taps // self.simd

    @property
    def latency(self):
        wd, ad = ((-v + 1) // 2 if v < 0 else v // 2 + 1 for v in (self.w, self.a))
        read = 3 if self.segments > 1 else 2
        if self.kind:
            return 2 + read + self.chain + clog2(-(-self.simd // self.chain))
        return 1 + read + (max(1, min(wd, ad) // 2) if abs(self.a) + abs(self.w) > 6 else 1) + clog2(self.simd)

    def case(self, index, folder, vectors=6):
        rng = np.random.default_rng(index)
        shape = (self.groups, self.taps, self.lanes)
        lo, hi = limits(self.w)
        weights = rng.integers(lo, hi + 1, shape)
        weights[0], weights[-1] = lo, hi
        x = codes(rng, self.a, (vectors, *shape))
        bias = (
            rng.integers(-50, 50, (self.groups, self.lanes)) if self.bias else np.zeros((self.groups, self.lanes), int)
        )
        y = (x * weights).sum(axis=2) + bias
        # As narrow as the final values allow: what is in between may wrap.
        acc = max(signed_bits(y.min(), y.max()), signed_bits(bias.min(), bias.max()))
        words = weights.reshape(-1, self.simd, self.lanes).transpose(0, 2, 1).reshape(-1, self.simd * self.lanes)
        words = [pack(v, abs(self.w)) for v in words]
        depth = len(words) // self.segments
        rows = [pack(words[r::depth], abs(self.w) * self.simd * self.lanes) for r in range(depth)]
        write_mem(folder / f"w{index}.mem", rows)
        ends = [p * q for p in (lo, hi) for q in limits(self.a)]
        write_mem(folder / f"b{index}.mem", [pack(v, acc) for v in bias])
        params = {
            "TAPS": self.taps,
            "GROUPS": self.groups,
            "LANES": self.lanes,
            "A_WIDTH": abs(self.a),
            "A_SIGNED": int(self.a < 0),
            "W_WIDTH": abs(self.w),
            "W_SIGNED": int(self.w < 0),
            "ACC_WIDTH": acc,
            "KIND": self.kind,
            "SIMD": self.simd,
            "CHAIN": self.chain,
            "FIELD": signed_bits(min(-1, self.chain * min(ends) - 1), self.chain * max(ends)),
            "WEIGHTS": f"w{index}.mem",
            "WEIGHT_STYLE": self.style,
            "WEIGHT_SEGMENTS": self.segments,
            "WEIGHT_ROWS": depth,
            "HAS_BIAS": int(self.bias),
            "BIAS": f"b{index}.mem",
            "CREDITS": self.credits,
        }
        inputs = [pack(v, abs(self.a)) for v in x.reshape(-1, self.simd * self.lanes)]
        expected = [pack(v, acc) for v in y.reshape(-1, self.lanes)]
        return Case(
            "bw_depthwise", params, self.simd * self.lanes * abs(self.a), self.lanes * acc, inputs, expected,
            "credit", self.credits,
        )  # fmt: skip


DEPTHWISE = [
    Depthwise(9, 2, 2, 8, -8),
    Depthwise(9, 1, 3, -8, -8, bias=True),
    Depthwise(4, 3, 1, 4, -4, 1, 1, True),
    Depthwise(1, 4, 2, 3, -3, bias=True),
    Depthwise(1, 1, 1, 8, -8, bias=True),
    Depthwise(1, 1, 2, -4, 4),
    Depthwise(2, 5, 2, 1, -1, style=1),
    Depthwise(3, 2, 1, 8, 8, 1),
    Depthwise(6, 2, 4, 2, -8, credits=1),
    Depthwise(3, 3, 1, -8, 2, 0, 1, True, 2),
    Depthwise(25, 3, 1, 5, -3, 1, 0, True),
    Depthwise(2, 2, 2, -1, -1, 1),
    Depthwise(9, 2, 2, 8, -8, simd=3),
    Depthwise(9, 3, 2, -8, -8, bias=True, simd=9),
    Depthwise(9, 2, 1, 8, -8, 1, 1, True, simd=3, chain=3),
    Depthwise(9, 1, 2, 8, -8, 1, simd=9, chain=3),
    Depthwise(9, 2, 1, -4, 8, 1, bias=True, simd=9, chain=4),
    Depthwise(4, 1, 1, 2, -2, 0, bias=True, simd=4),
    Depthwise(6, 2, 3, 3, -3, simd=2, credits=2),
    Depthwise(25, 2, 1, 8, 8, 1, simd=5, chain=4),
    Depthwise(4, 4, 2, 4, -4, style=1, bias=True, segments=8),
    Depthwise(9, 4, 2, 4, -4, style=1, bias=True, segments=9),
    Depthwise(4, 9, 1, -8, -8, 1, style=1, segments=9, simd=2, chain=2),
]


def domain_checks(cases, models, busy, folder):
    """`busy`: the cycles between results at full rate, None where a case has too few credits for it."""
    seen = simulate(cases, folder)
    timing.check(models, cases, MATRIX, seen)
    for case, cycles, s in zip(cases, busy, seen[0]):
        if cycles is not None:
            assert {b - a for a, b in pairwise(s.out_cycles)} <= {cycles}, case.params


def test_depthwise(tmp_path):
    cases = [d.case(i, tmp_path) for i, d in enumerate(DEPTHWISE)]
    models = [lambda d=d: timing.Domain(d.beats, d.latency, d.credits) for d in DEPTHWISE]
    busy = [d.beats if d.credits * d.beats >= d.beats + d.latency + 2 else None for d in DEPTHWISE]
    domain_checks(cases, models, busy, tmp_path)


@dataclass(frozen=True)
class Pool:
    taps: int
    lanes: int
    bits: int
    total: bool = False  # sum, else maximum
    wider: int = 0
    credits: int = 6
    simd: int = 1  # taps a beat

    @property
    def beats(self):
        return self.taps // self.simd

    @property
    def latency(self):
        return 1 + clog2(self.simd)

    def case(self, index, groups=24):
        x = codes(np.random.default_rng(index), self.bits, (groups, self.taps, self.lanes))
        y = x.sum(axis=1) if self.total else x.max(axis=1)
        width = abs(self.bits) + self.wider
        params = {
            "TAPS": self.taps,
            "LANES": self.lanes,
            "SIMD": self.simd,
            "WIDTH": abs(self.bits),
            "SIGNED": int(self.bits < 0),
            "KIND": int(self.total),
            "OUT_WIDTH": width,
            "CREDITS": self.credits,
        }
        inputs = [pack(v, abs(self.bits)) for v in x.reshape(-1, self.simd * self.lanes)]
        return Case(
            "bw_pool", params, self.simd * self.lanes * abs(self.bits), self.lanes * width, inputs,
            [pack(v, width) for v in y], "credit", self.credits,
        )  # fmt: skip


POOLS = [
    Pool(4, 2, 8),
    Pool(4, 2, -8),
    Pool(9, 1, 5, True, 4),
    Pool(3, 3, -4, True, 2),
    Pool(2, 1, 1, False, 1),
    Pool(1, 2, 4),
    Pool(1, 1, -4, True, 3),
    Pool(2, 2, -1, True, 2, 1),
    Pool(5, 1, -3, False, 2, 2),
    Pool(6, 1, 6, True, 0),  # modulo
    Pool(9, 2, 8, simd=3),
    Pool(9, 3, -8, simd=9),
    Pool(9, 2, 8, True, 4, simd=9),
    Pool(4, 2, -3, True, 2, 8, simd=2),
    Pool(6, 1, -4, False, 1, 2, simd=3),
    Pool(5, 2, 4, True, 1, 9, simd=5),  # modulo
    Pool(4, 1, 1, credits=8, simd=4),
]


def test_pool(tmp_path):
    cases = [p.case(i) for i, p in enumerate(POOLS)]
    models = [lambda p=p: timing.Domain(p.beats, p.latency, p.credits) for p in POOLS]
    domain_checks(
        cases, models, [p.beats if p.credits * p.beats >= p.beats + p.latency + 2 else None for p in POOLS], tmp_path
    )


@dataclass(frozen=True)
class Total:
    positions: int
    words: int
    lanes: int
    bits: int
    total: bool = True
    wider: int = 4
    credits: int = 6

    def case(self, index, frames=6):
        x = codes(np.random.default_rng(index), self.bits, (frames, self.positions, self.words, self.lanes))
        y = x.sum(axis=1) if self.total else x.max(axis=1)
        width = abs(self.bits) + self.wider
        params = {
            "POSITIONS": self.positions,
            "WORDS": self.words,
            "LANES": self.lanes,
            "WIDTH": abs(self.bits),
            "SIGNED": int(self.bits < 0),
            "KIND": int(self.total),
            "OUT_WIDTH": width,
            "CREDITS": self.credits,
        }
        inputs = [pack(v, abs(self.bits)) for v in x.reshape(-1, self.lanes)]
        expected = [pack(v, width) for v in y.reshape(-1, self.lanes)]
        return Case(
            "bw_total",
            params,
            self.lanes * abs(self.bits),
            self.lanes * width,
            inputs,
            expected,
            "credit",
            self.credits,
        )


class TotalRules(timing.Domain):
    def __init__(self, t):
        super().__init__(1, 1, t.credits)
        self.t, self.taken = t, 0

    def pays(self):
        return self.taken // self.t.words % self.t.positions == self.t.positions - 1

    def tick(self, put, get):
        result = put and self.pays()
        self.credits.tick(result, get)
        self.line.tick(result, get)
        self.taken += put


TOTALS = [
    Total(4, 3, 2, 8),
    Total(9, 1, 1, -5),
    Total(5, 2, 1, 6, False, 0),
    Total(3, 6, 2, -4, False, 1),
    Total(1, 3, 1, 5),
    Total(1, 1, 2, -3, False, 0),
    Total(2, 1, 1, 4, credits=1),
    Total(2, 40, 1, 3, credits=2),
    Total(8, 2, 1, 6, wider=0),  # modulo
    Total(2, 2, 3, 1, wider=1),
]


def test_total(tmp_path):
    cases = [t.case(i) for i, t in enumerate(TOTALS)]
    seen = simulate(cases, tmp_path)
    timing.check([lambda t=t: TotalRules(t) for t in TOTALS], cases, MATRIX, seen)
    for t, s in zip(TOTALS, seen[0]):
        if t.credits > 3:
            assert all(b - a == 1 for a, b in pairwise(s.in_cycles)), t


@pytest.mark.long
def test_many_sums(tmp_path):
    sums = list(random_sums(200))[20:]
    check_pipes([s.case(i) for i, s in enumerate(sums)], [s.latency for s in sums], tmp_path)
