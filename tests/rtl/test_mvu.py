"""bw_mvu (and with it bw_mul, bw_tree, bw_xnor, bw_rom, bw_replay) against W x + b in Python integers."""

import random
from dataclasses import dataclass

import numpy as np
import pytest

from tests.rtl.harness import MATRIX, Case, Run, chunks, clog2, pack, simulate, write_mem

LUT, DSP, XNOR = 0, 1, 2


@dataclass(frozen=True)
class Shape:
    cols: int
    rows: int
    simd: int
    pe: int
    a: int  # bits of an activation; negative: signed
    w: int  # bits of a weight; negative: signed
    kind: int = LUT
    bias: bool = False
    styles: tuple[int, int] = (0, 0)
    credits: int = 12

    @property
    def nf(self):
        return -(-self.rows // self.pe)

    @property
    def sf(self):
        return -(-self.cols // self.simd)

    @property
    def latency(self):
        """The formula in the module's header."""
        wd = (-self.w + 1) // 2 if self.w < 0 else self.w // 2 + 1
        ad = (-self.a + 1) // 2 if self.a < 0 else self.a // 2 + 1
        mul = max(1, min(wd, ad) // 2) if self.kind == LUT and abs(self.a) + abs(self.w) > 6 else 1
        return 3 + mul + clog2(-(-self.simd // 4) if self.kind == XNOR else self.simd)


def limits(bits):
    """Range of a code: signed where negative."""
    return (-(1 << (-bits - 1)), (1 << (-bits - 1)) - 1) if bits < 0 else (0, (1 << bits) - 1)


def signed_bits(lo, hi):
    return max(1 + max(int(hi), -int(lo) - 1).bit_length(), 1)


def matrices(shape, rng, vectors):
    lo, hi = limits(shape.w)
    weights = rng.integers(lo, hi + 1, (shape.rows, shape.cols))
    # Corners: a row of the least and a row of the greatest weights.
    weights[0], weights[-1] = lo, hi
    alo, ahi = limits(shape.a)
    x = rng.integers(alo, ahi + 1, (vectors, shape.cols))
    x[0], x[1] = alo, ahi
    return weights, x


def case(shape, index, folder, vectors=6):
    rng = np.random.default_rng(index)
    weights, x = matrices(shape, rng, vectors)
    if shape.kind == XNOR:
        y = (x[:, None, :] == weights[None]).sum(axis=2)
    else:
        y = x @ weights.T
    bias = rng.integers(-50, 50, shape.rows) if shape.bias else np.zeros(shape.rows, int)
    y = y + bias
    # As narrow as the final values allow: what is in between may wrap.
    acc = max(signed_bits(y.min(), y.max()), signed_bits(bias.min(), bias.max()))
    pad = 1 if shape.kind == XNOR else 0
    full = np.full((shape.nf * shape.pe, shape.sf * shape.simd), pad)
    full[: shape.rows, : shape.cols] = weights
    if shape.kind == XNOR and shape.rows % shape.pe:
        full[shape.rows :] = 0  # pad rows: what they count is nobody's concern, but the test must know it
    words, biases = [], []
    for nf in range(shape.nf):
        tile = full[nf * shape.pe : (nf + 1) * shape.pe]
        words += [pack(tile[:, s * shape.simd : (s + 1) * shape.simd].ravel(), abs(shape.w)) for s in range(shape.sf)]
    padded = np.zeros(shape.nf * shape.pe, int)
    padded[: shape.rows] = bias
    biases = [pack(b, acc) for b in padded.reshape(shape.nf, shape.pe)]
    write_mem(folder / f"w{index}.mem", words)
    write_mem(folder / f"b{index}.mem", biases)
    xs = np.zeros((vectors, shape.sf * shape.simd), int)
    xs[:, : shape.cols] = x
    if shape.kind == XNOR:
        out = (xs[:, None, :] == full[None]).sum(axis=2) + padded
    else:
        out = xs @ full.T + padded
    assert (out[:, : shape.rows] == y).all()
    params = {
        "COLS": shape.cols,
        "ROWS": shape.rows,
        "SIMD": shape.simd,
        "PE": shape.pe,
        "A_WIDTH": abs(shape.a),
        "A_SIGNED": int(shape.a < 0),
        "W_WIDTH": abs(shape.w),
        "W_SIGNED": int(shape.w < 0),
        "ACC_WIDTH": acc,
        "KIND": shape.kind,
        "WEIGHTS": f"w{index}.mem",
        "WEIGHT_STYLE": shape.styles[0],
        "HAS_BIAS": int(shape.bias),
        "BIAS": f"b{index}.mem",
        "BUFFER_DEPTH": 2 * shape.sf,
        "BUFFER_STYLE": shape.styles[1],
        "CREDITS": shape.credits,
    }
    inputs = [pack(b, abs(shape.a)) for row in xs for b in chunks(row.tolist(), shape.simd)]
    expected = [pack(b, acc) for row in out for b in chunks(row.tolist(), shape.pe)]
    name = f"acc {acc}"
    return Case(
        "bw_mvu", params, shape.simd * abs(shape.a), shape.pe * acc, inputs, expected, "credit", shape.credits, name
    )


# Folding: every combination of one or several folds, whole or with pads.
FOLDS = [
    Shape(cols, rows, simd, pe, 4, -4, bias=bias, styles=(i % 2, i // 2 % 2))
    for i, (cols, rows, simd, pe, bias) in enumerate(
        [
            (8, 8, 8, 8, False),
            (8, 8, 8, 8, True),
            (8, 8, 4, 8, False),
            (8, 8, 2, 8, True),
            (8, 8, 8, 4, False),
            (8, 8, 8, 2, True),
            (8, 8, 4, 2, False),
            (8, 8, 2, 4, True),
            (8, 8, 1, 1, True),
            (9, 7, 4, 3, True),
            (7, 5, 3, 2, False),
            (5, 3, 5, 2, True),
            (3, 5, 2, 5, False),
            (1, 1, 1, 1, True),
            (1, 6, 1, 2, False),
            (12, 2, 5, 2, True),
            (13, 4, 13, 4, False),
            (6, 3, 6, 1, True),
            (17, 3, 3, 1, False),
            (2, 9, 1, 4, True),
        ]
    )
]
# Arithmetic: all widths and signs.
WIDTHS = [
    Shape(6, 4, 3, 2, a, w, bias=(a + w) % 2 == 0)
    for a in (1, 2, 3, 4, 5, 8, -1, -2, -4, -8)
    for w in (1, 3, 8, -1, -2, -3, -4, -7, -8)
    if (a + w) % 3 or abs(w) == abs(a)
]
DSPS = [Shape(7, 4, 3, 2, a, w, DSP, bias=a > 0) for a in (8, -8, 4, -3) for w in (-8, 8, -4)]
XNORS = [
    Shape(cols, rows, simd, pe, 1, 1, XNOR, bias)
    for cols, rows, simd, pe, bias in [
        (1, 1, 1, 1, False),
        (4, 4, 4, 2, True),
        (16, 4, 8, 4, False),
        (9, 4, 3, 2, True),
        (21, 5, 7, 5, False),
        (30, 6, 16, 2, True),
        (64, 4, 32, 2, False),
        (5, 3, 2, 2, False),
        (33, 2, 33, 1, True),
    ]
]


def check_timing(shapes, seen):
    for s, got in zip(shapes, seen):
        start = s.sf - 1
        issue = got.in_cycles[start] + (s.nf > 1)
        assert got.out_cycles[0] == issue + s.latency + 1, s
        # A credit is back SF + LATENCY + 2 cycles later; with enough of them a fold takes SF cycles and nothing is lost.
        if s.credits * s.sf >= s.sf + s.latency + 2:
            gaps = {b - a for a, b in zip(got.out_cycles, got.out_cycles[1:])}
            assert gaps == {s.sf}, s


@pytest.mark.parametrize("shapes", [FOLDS, DSPS, XNORS], ids=["folds", "dsp", "xnor"])
def test_mvu(shapes, tmp_path):
    seen = simulate([case(s, i, tmp_path) for i, s in enumerate(shapes)], tmp_path)
    check_timing(shapes, seen[0])


@pytest.mark.parametrize("part", range(2))
def test_mvu_widths(part, tmp_path):
    shapes = WIDTHS[part::2]
    runs = [Run(), Run(stall=0.5, idle=0.3, seed=2)]
    seen = simulate([case(s, i, tmp_path, vectors=12) for i, s in enumerate(shapes)], tmp_path, runs)
    check_timing(shapes, seen[0])


def test_few_credits(tmp_path):
    """Any number of credits works; few are slow."""
    shapes = [Shape(8, 8, 4, 4, 4, -4, credits=c) for c in (1, 2, 3, 5)] + [
        Shape(8, 4, 8, 4, 4, -4, credits=c) for c in (1, 2)
    ]
    simulate([case(s, i, tmp_path) for i, s in enumerate(shapes)], tmp_path, MATRIX[:4])


@pytest.mark.long
def test_random_shapes(tmp_path):
    rng = random.Random(5)
    shapes = []
    for _ in range(60):
        kind = rng.choice([LUT, LUT, DSP, XNOR])
        cols, rows = rng.randint(1, 40), rng.randint(1, 20)
        a = 1 if kind == XNOR else rng.choice([1, -1]) * rng.randint(1, 8)
        w = 1 if kind == XNOR else rng.choice([1, -1]) * rng.randint(1, 8)
        simd, pe = rng.randint(1, cols), rng.randint(1, rows)
        styles = (rng.randint(0, 1), rng.randint(0, 1))
        shapes.append(Shape(cols, rows, simd, pe, a, w, kind, rng.random() < 0.5, styles, rng.randint(1, 20)))
    for at in range(0, len(shapes), 20):
        part = shapes[at : at + 20]
        seen = simulate([case(s, i, tmp_path) for i, s in enumerate(part)], tmp_path)
        check_timing(part, seen[0])
