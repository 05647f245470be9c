"""bw_mvu (and with it bw_mul, bw_tree, bw_xnor, bw_weights, bw_rom, bw_replay) against W x + b in Python integers."""

import random
from dataclasses import dataclass, replace

import numpy as np
import pytest

from bitwright.boards.family import load_family
from bitwright.ir import chip
from bitwright.ir.netlist import Fold, Memory, Multiplier, Ram
from bitwright.ir.types import IntType, TensorType
from bitwright.ops.dense import Dense
from bitwright.ops.rewritable import Rewritable
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
    replay: bool = True
    # Of DSPs: rows in one, bits between their products (the bits of a sum, or one less), columns in a chain.
    pack: int = 1
    step: int = 0
    chain: int = 1
    lut_rows: int = 0
    # Of a block memory: words in a row, and rows.
    layout: tuple[int, int] | None = None
    # Vectors at a time, and elements of each that stand together.
    pixels: int = 1
    run: int = 1

    @property
    def nf(self):
        return -(-self.rows // self.pe)

    @property
    def sf(self):
        return -(-self.cols // self.simd)

    @property
    def read(self):
        """Cycles of bw_weights."""
        return 3 if self.styles[0] == 1 and self.layout is not None and self.layout[1] < self.nf * self.sf else 2

    @property
    def latency(self):
        """The formula in the module's header."""
        wd = (-self.w + 1) // 2 if self.w < 0 else self.w // 2 + 1
        ad = (-self.a + 1) // 2 if self.a < 0 else self.a // 2 + 1
        mul = max(1, min(wd, ad) // 2) if self.kind == LUT and abs(self.a) + abs(self.w) > 6 else 1
        if self.kind == XNOR:
            return 1 + self.read + 1 + clog2(-(-self.simd // 4))
        dsp = 1 + self.chain + clog2(-(-self.simd // self.chain)) if self.kind == DSP and self.dsp_rows else 0
        lut = mul + clog2(self.simd) if self.kind == LUT or self.dsp_rows < self.pe else 0
        return 1 + self.read + max(dsp, lut)

    @property
    def dsp_rows(self):
        return self.pe - self.lut_rows if self.kind == DSP else 0

    @property
    def field(self):
        """Bits of the sum of a chain, and of the one that the field below it may take."""
        if self.kind != DSP:
            return 1
        (lo, hi), (alo, ahi) = limits(self.w), limits(self.a)
        ends = [w * a * self.chain for w in (lo, hi) for a in (alo, ahi)]
        return signed_bits(min(ends) - 1, max(ends))

    @property
    def stored(self):
        """Bits of a weight in the memory of DSP rows."""
        return abs(self.w) + (self.pack > 1 and self.w < 0)


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


def weight_word(shape, tile):
    """The fields of a word: those of DSP rows are digits of the operand that stands for all rows of a slice."""
    fields = []
    for at in range(0, shape.dsp_rows, shape.pack):
        rows = tile[at : min(at + shape.pack, shape.dsp_rows)]
        total = [sum(int(w) << (r * shape.step) for r, w in enumerate(column)) for column in rows.T]
        for r in range(len(rows)):
            last = r == len(rows) - 1
            for i, value in enumerate(total):
                digit = value if last else value % (1 << shape.step)
                if not last and shape.w < 0 and digit >> (shape.step - 1):
                    digit -= 1 << shape.step
                fields.append((digit, shape.stored))
                total[i] = value >> shape.step
    fields += [(w, abs(shape.w)) for w in tile[shape.dsp_rows :].ravel()]
    word = at = 0
    for value, width in fields:
        word |= (int(value) & ((1 << width) - 1)) << at
        at += width
    return word


def case(shape, index, folder, vectors=6):
    rng = np.random.default_rng(index)
    weights, x = matrices(shape, rng, vectors * shape.pixels)
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
        words += [weight_word(shape, tile[:, s * shape.simd : (s + 1) * shape.simd]) for s in range(shape.sf)]
    padded = np.zeros(shape.nf * shape.pe, int)
    padded[: shape.rows] = bias
    biases = [pack(b, acc) for b in padded.reshape(shape.nf, shape.pe)]
    segments, depth = shape.layout or (1, len(words))
    width = sum(
        shape.simd * rows * bits
        for rows, bits in ((shape.dsp_rows, shape.stored), (shape.pe - shape.dsp_rows, abs(shape.w)))
    )
    write_mem(folder / f"r{index}.mem", words[segments * depth :] or [0])
    words = words[: segments * depth] + [0] * (segments * depth - len(words))
    write_mem(folder / f"w{index}.mem", [pack(words[r::depth], width) for r in range(depth)])
    write_mem(folder / f"b{index}.mem", biases)
    xs = np.zeros((len(x), shape.sf * shape.simd), int)
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
        "DSP_ROWS": shape.dsp_rows,
        "PACK": shape.pack,
        "STEP": shape.step or shape.field,
        "FIELD": shape.field,
        "CHAIN": shape.chain,
        "DSP_W_WIDTH": shape.stored,
        "WEIGHTS": f"w{index}.mem",
        "WEIGHT_STYLE": shape.styles[0],
        "WEIGHT_SEGMENTS": segments,
        "WEIGHT_ROWS": depth,
        "WEIGHTS_REST": f"r{index}.mem",
        "HAS_BIAS": int(shape.bias),
        "BIAS": f"b{index}.mem",
        "REPLAY": int(shape.replay),
        "BUFFER_DEPTH": 2 * shape.sf,
        "BUFFER_STYLE": shape.styles[1],
        "CREDITS": shape.credits,
    }
    turns = 1 if shape.replay else shape.nf
    if shape.pixels > 1:
        params |= {"PIXELS": shape.pixels, "RUN": shape.run}
    # What stands side by side in a beat: the same columns, or rows, of every vector.
    columns = xs.reshape(vectors, shape.pixels, -1, shape.run).swapaxes(1, 2).reshape(vectors, -1)
    rows = out.reshape(vectors, shape.pixels, shape.nf, -1).swapaxes(1, 2).reshape(vectors, -1)
    simd, pe = shape.simd * shape.pixels, shape.pe * shape.pixels
    inputs = [pack(b, abs(shape.a)) for row in columns for _ in range(turns) for b in chunks(row.tolist(), simd)]
    expected = [pack(b, acc) for row in rows for b in chunks(row.tolist(), pe)]
    name = f"acc {acc}"
    return Case("bw_mvu", params, simd * abs(shape.a), pe * acc, inputs, expected, "credit", shape.credits, name)


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
# The stream brings each vector as often as it is read: as without folds, but for the memories.
REPEATED = [
    Shape(cols, rows, simd, pe, a, w, kind, bias, styles=(i % 2, 0), replay=False)
    for i, (cols, rows, simd, pe, a, w, kind, bias) in enumerate(
        [
            (8, 8, 4, 2, 4, -4, LUT, True),
            (8, 8, 8, 2, 4, -4, LUT, True),
            (7, 5, 3, 2, 8, -8, DSP, False),
            (9, 7, 4, 3, -4, -4, LUT, True),
            (6, 3, 6, 1, 4, -4, LUT, False),
            (5, 3, 5, 3, 4, -4, LUT, True),
            (21, 6, 7, 2, 1, 1, XNOR, True),
        ]
    )
]
DSPS = [Shape(7, 4, 3, 2, a, w, DSP, bias=a > 0) for a in (8, -8, 4, -3) for w in (-8, 8, -4)]
# Weights in block memories of rows: full, with pads behind the last word, and with a rest in LUTs.
LAYOUTS = [
    Shape(cols, rows, simd, pe, 4, -4, kind, bias=True, styles=(1, 0), layout=layout)
    for cols, rows, simd, pe, kind, layout in [
        (8, 8, 2, 2, LUT, (2, 8)),
        (8, 8, 2, 2, LUT, (1, 8)),
        (9, 6, 3, 2, LUT, (2, 4)),
        (9, 6, 3, 2, LUT, (1, 8)),
        (9, 6, 3, 2, DSP, (3, 4)),
        (10, 7, 1, 1, LUT, (5, 16)),
        (10, 7, 1, 1, LUT, (4, 16)),
        (10, 7, 1, 1, LUT, (2, 32)),
        (10, 7, 1, 1, LUT, (34, 2)),
        (10, 7, 1, 1, DSP, (9, 8)),
        (18, 2, 1, 2, LUT, (9, 2)),
        (32, 1, 2, 1, LUT, (8, 2)),
        (40, 4, 2, 4, DSP, (10, 2)),
    ]
]
# Several rows in a slice, several columns in a chain, both sums that have all their bits and sums that lack the top one.
PACKED = [
    Shape(cols, rows, simd, pe, a, w, DSP, i % 2 == 0, pack=pack, step=step, chain=chain, lut_rows=lut)
    for i, (cols, rows, simd, pe, a, w, pack, step, chain, lut) in enumerate(
        [
            (8, 8, 4, 4, 8, -8, 2, 16, 1, 0),
            (8, 8, 4, 4, 8, -7, 2, 17, 2, 0),
            (8, 8, 4, 4, 8, -8, 2, 16, 2, 0),
            (8, 8, 4, 4, -8, -8, 2, 16, 1, 0),
            (9, 6, 5, 3, -8, -7, 2, 16, 2, 0),
            (8, 8, 8, 8, 4, -4, 4, 7, 1, 0),
            (8, 8, 8, 4, 4, -4, 4, 8, 1, 0),
            (16, 6, 8, 6, 4, -4, 3, 10, 4, 0),
            (11, 7, 7, 7, -4, -3, 4, 7, 2, 0),
            (8, 8, 4, 8, 3, -3, 4, 7, 2, 0),
            (8, 8, 8, 8, 2, -2, 8, 3, 1, 0),
            (8, 9, 8, 9, 2, -2, 6, 4, 2, 0),
            (6, 8, 3, 8, -2, -2, 4, 7, 3, 0),
            (10, 6, 5, 6, -3, 3, 3, 7, 2, 0),
            (10, 6, 5, 6, 3, 3, 3, 7, 2, 0),
            (10, 5, 5, 5, 12, -9, 1, 0, 4, 0),
            (8, 8, 8, 8, 4, -4, 4, 7, 1, 3),
            (8, 8, 4, 4, 8, -8, 2, 16, 2, 1),
            (9, 5, 9, 5, 8, -8, 2, 16, 1, 3),
            (6, 5, 6, 5, 3, -3, 3, 9, 4, 2),
            (6, 5, 3, 5, 2, -2, 3, 9, 1, 5),
        ]
    )
]
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
# Several vectors at a time: all kinds, all folds.
SHARED = [
    Shape(cols, rows, simd, pe, a, w, kind, bias, pixels=pixels, run=run, styles=(i % 2, 0))
    for i, (cols, rows, simd, pe, a, w, kind, bias, pixels, run) in enumerate(
        [
            (12, 3, 12, 3, 1, 1, XNOR, True, 2, 4),
            (12, 3, 6, 3, 1, 1, XNOR, True, 2, 3),
            (8, 5, 2, 5, 1, 1, XNOR, False, 4, 2),
            (9, 4, 9, 2, 1, 1, XNOR, True, 3, 9),
            (6, 4, 3, 2, 4, -4, LUT, True, 2, 1),
            (8, 4, 4, 4, 8, -8, DSP, False, 2, 2),
        ]
    )
]


def check_timing(shapes, seen):
    for s, got in zip(shapes, seen):
        start = s.sf - 1
        issue = got.in_cycles[start] + (s.nf > 1 and s.replay)
        assert got.out_cycles[0] == issue + s.latency + 1, s
        # A credit is back SF + LATENCY + 2 cycles later; with enough of them a fold takes SF cycles and nothing is lost.
        if s.credits * s.sf >= s.sf + s.latency + 2:
            gaps = {b - a for a, b in zip(got.out_cycles, got.out_cycles[1:])}
            assert gaps == {s.sf}, s


@pytest.mark.parametrize(
    "shapes",
    [FOLDS, REPEATED, LAYOUTS, DSPS, PACKED, XNORS, SHARED],
    ids=["folds", "repeated", "layouts", "dsp", "packed", "xnor", "shared"],
)
def test_mvu(shapes, tmp_path):
    seen = simulate([case(s, i, tmp_path) for i, s in enumerate(shapes)], tmp_path)
    check_timing(shapes, seen[0])


@pytest.mark.parametrize("part", range(2))
def test_mvu_widths(part, tmp_path):
    shapes = WIDTHS[part::2]
    runs = [Run(), Run(stall=0.5, idle=0.3, seed=2)]
    seen = simulate([case(s, i, tmp_path, vectors=12) for i, s in enumerate(shapes)], tmp_path, runs)
    check_timing(shapes, seen[0])


def compiled(op, x, fold, index, folder, vectors=8):
    """A unit as the compiler makes it from an operator."""
    block, y = op.to_rtl(x, fold), op.infer(x)
    params = dict(block.params)
    for key, value in params.items():
        if isinstance(value, Memory):
            write_mem(folder / f"{key}{index}.mem", value.words)
            params[key] = f"{key}{index}.mem"
    rng = np.random.default_rng(index)
    codes = rng.integers(x.elem.lo, x.elem.hi + 1, (vectors, x.vector))
    codes[0], codes[1] = x.elem.lo, x.elem.hi
    # Worst cases: every product of the first row the least, then the greatest.
    codes[2] = np.where(op.weight[0] < 0, x.elem.hi, x.elem.lo)
    codes[3] = np.where(op.weight[0] < 0, x.elem.lo, x.elem.hi)
    want = op.evaluate(codes)
    rows, sf = y.vector, -(-x.vector // fold.simd)
    padded = np.zeros((vectors, -(-rows // fold.pe) * fold.pe), int)
    padded[:, :rows] = want
    inputs = [pack(b, x.elem.width) for row in codes for b in chunks(row.tolist(), fold.simd)]
    expected = [pack(b, y.elem.width) for row in padded for b in chunks(row.tolist(), fold.pe)]
    credits = -(-(op.estimate(x, y, fold).latency + 6) // sf) + 1
    params["CREDITS"] = credits
    widths = fold.simd * x.elem.width, fold.pe * y.elem.width
    unwritten = ", .write_valid(1'b0)" if "WRITABLE" in params else ""
    return Case("bw_mvu", params, *widths, inputs, expected, "credit", credits, name=str(fold), more=unwritten)


DENSE = [
    # bits of weights and activations (negative: signed), least weight left out, rows, columns, fold
    (-8, 8, False, 8, 16, Fold(8, 8, Multiplier.DSP)),
    (-8, -8, False, 8, 16, Fold(4, 8, Multiplier.DSP)),
    (-8, 8, True, 9, 13, Fold(5, 4, Multiplier.DSP, lut_rows=2)),
    (-4, 4, False, 8, 16, Fold(8, 8, Multiplier.DSP)),
    (-4, -4, True, 8, 16, Fold(8, 8, Multiplier.DSP)),
    (-3, 3, False, 16, 12, Fold(7, 5, Multiplier.DSP, lut_rows=3)),
    (-2, 2, False, 16, 16, Fold(8, 8, Multiplier.DSP)),
    (-2, -2, True, 16, 16, Fold(16, 8, Multiplier.DSP)),
    (-2, 1, True, 16, 12, Fold(16, 6, Multiplier.DSP)),
    (3, -5, False, 6, 12, Fold(6, 4, Multiplier.DSP)),
    (5, 2, False, 6, 12, Fold(6, 12, Multiplier.DSP, lut_rows=6)),
    (-8, -8, False, 5, 11, Fold(5, 7, Multiplier.DSP)),
    (-8, 8, False, 5, 11, Fold(5, 11, Multiplier.DSP, lut_rows=2)),
    (-4, 4, False, 9, 10, Fold(9, 5, Multiplier.DSP)),
    (-3, 2, False, 9, 10, Fold(9, 3, Multiplier.DSP)),
    (-8, -8, False, 5, 3, Fold(5, 1, Multiplier.DSP)),
    (-8, 8, False, 4, 3, Fold(4, 1, Multiplier.DSP)),
    (-2, 1, False, 13, 9, Fold(13, 3, Multiplier.DSP)),
    (-2, 2, False, 32, 36, Fold(1, 1, weights=Ram.BLOCK)),
    (-2, 2, False, 27, 64, Fold(1, 3, weights=Ram.BLOCK)),
    (-4, 4, True, 64, 45, Fold(2, 1, Multiplier.DSP, weights=Ram.BLOCK)),
    (-12, 16, False, 4, 8, Fold(4, 4, Multiplier.DSP)),
    (-6, 18, False, 4, 8, Fold(4, 4, Multiplier.DSP)),
]


def test_units_as_the_compiler_makes_them(tmp_path):
    cases, latencies = [], []
    for i, (w, a, narrow, rows, cols, fold) in enumerate(DENSE):
        rng = np.random.default_rng(i)
        lo, hi = limits(w)
        weight = rng.integers(lo + narrow, hi + 1, (rows, cols))
        weight[0], weight[-1], weight[rows // 2 :, 0] = lo + narrow, hi, lo + narrow
        op = Dense(weight, rng.integers(-9, 10, rows))
        x = TensorType.of((cols,), IntType(abs(a), a < 0))
        cases.append(compiled(op, x, fold, i, tmp_path))
        latencies.append(op.estimate(x, op.infer(x), fold).latency)
    seen = simulate(cases, tmp_path, MATRIX[:5])
    for case_, got, latency, (_, _, _, rows, cols, fold) in zip(cases, seen[0], latencies, DENSE):
        folds, words = -(-rows // fold.pe), -(-cols // fold.simd)
        assert got.out_cycles[0] == got.in_cycles[words - 1] + (folds > 1) + latency + 1, case_.name
        assert {b - a for a, b in zip(got.out_cycles, got.out_cycles[1:])} == {words}, case_.name


@pytest.mark.parametrize("written", [False, True])
def test_a_word_of_deep_weights_is_chosen_behind_its_block(written, tmp_path):
    """As the compiler makes units for a chip of small LUTs whose blocks have four words."""
    cases, latencies = [], []
    with chip.targeting(replace(load_family("ecp5").chip, shapes=((4, 20, 1.0),))):
        for i, fold in enumerate((Fold(2, 3, weights=Ram.BLOCK), Fold(1, 4, Multiplier.DSP, weights=Ram.BLOCK))):
            rng = np.random.default_rng(i)
            weight, bias = rng.integers(-8, 8, (6, 12)), rng.integers(-9, 10, 6)
            op = Rewritable(weight, bias, "s4") if written else Dense(weight, bias)
            x = TensorType.of((12,), IntType(4, True))
            cases.append(compiled(op, x, fold, i, tmp_path))
            assert cases[-1].params["WEIGHT_ROWS"] == 4
            latencies.append(op.estimate(x, op.infer(x), fold).latency)
    seen = simulate(cases, tmp_path, MATRIX[:4])
    for case_, got, latency in zip(cases, seen[0], latencies):
        assert got.out_cycles[0] == got.in_cycles[-(-12 // case_.params["SIMD"]) - 1] + 1 + latency + 1, case_.name


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
