"""bw_sparse as `ops/sparse.py` makes it, on random pruned matrices: values against NumPy, cycles against its rules."""

from dataclasses import replace

import numpy as np
import pytest

from bitwright.ir import chip
from bitwright.ir.netlist import Fold, Memory, Multiplier, Ram
from bitwright.ir.types import IntType, TensorType
from bitwright.ops import sparse
from bitwright.ops.dense import Dense
from tests.rtl.harness import MATRIX, RESETS, Case, chunks, pack, simulate, write_mem

LUT, DSP, BLOCK = Multiplier.LUT, Multiplier.DSP, Ram.BLOCK
# rows, columns, share of weights kept, bits of weights and activations (negative: signed), bias, fold, lanes, credits
UNITS = [
    (8, 8, 0.3, -4, 4, True, Fold(4, 4), 1, 16),
    (8, 8, 0.3, -4, 4, False, Fold(4, 2), 2, 16),
    (9, 13, 0.2, -3, -5, True, Fold(6, 3), 3, 16),
    (7, 13, 0.5, -8, 8, True, Fold(3, 1), 1, 12),
    (16, 32, 0.1, -8, -8, True, Fold(8, 8, DSP), 2, 12),
    (6, 10, 0.0, -2, 2, True, Fold(2, 5), 1, 8),
    (5, 6, 1.0, -2, 1, False, Fold(1, 6), 1, 8),
    (1, 1, 1.0, -2, 2, False, Fold(1, 1), 1, 8),
    (4, 4, 0.1, 3, 6, False, Fold(4, 4, DSP), 4, 8),
    (12, 9, 0.2, -6, 6, True, Fold(12, 3), 12, 8),
    (30, 64, 0.2, -2, 2, True, Fold(4, 8, weights=BLOCK), 2, 12),
    (40, 40, 0.6, -4, 4, True, Fold(1, 1, weights=BLOCK), 1, 12),
    (20, 16, 0.2, -4, 4, True, Fold(5, 8), 1, 2),
    (33, 7, 0.1, -4, 4, True, Fold(2, 7), 1, 1),
    (10, 24, 0.02, -4, 4, True, Fold(10, 1), 5, 3),
    (9, 5, 0.9, -8, 3, True, Fold(1, 1, weights=BLOCK), 1, 12),
    (9, 5, 0.4, -8, 3, False, Fold(2, 5, DSP, weights=BLOCK), 1, 12),
]


# For the mutants: few gates, several slots, words and beats.
SMALL = [
    (3, 3, 0.6, -2, 1, True, Fold(2, 1), 1, 3),
    (4, 4, 0.4, -2, 1, False, Fold(2, 2), 2, 2),
]


def unit(index, folder, vectors=7, units=UNITS):
    """A unit; a program in block RAM lies in many of them side by side, as they have four words each."""
    with chip.targeting(replace(chip.current(), shapes=((4, 20, 1.0),))):
        return _unit(index, folder, vectors, units)


def _unit(index, folder, vectors, units):
    rows, cols, kept, w, a, bias, fold, lanes, credits = units[index]
    rng = np.random.default_rng(index)
    lo, hi = (-(1 << (-w - 1)), (1 << (-w - 1)) - 1) if w < 0 else (0, (1 << w) - 1)
    weight = rng.integers(lo, hi + 1, (rows, cols)) * (rng.random((rows, cols)) < kept)
    weight[0, -1] = lo or hi
    op = Dense(weight, rng.integers(-20, 20, rows) * bias)
    x = TensorType.of((cols,), IntType(abs(a), a < 0))
    y = op.infer(x)
    block = sparse.block(weight, op.bias, x, y, op.weight_type, fold, lanes)
    params = dict(block.params) | {"CREDITS": credits}
    for key, value in params.items():
        if isinstance(value, Memory):
            write_mem(folder / f"{key}{index}.mem", value.words)
            params[key] = f"{key}{index}.mem"
    codes = rng.integers(x.elem.lo, x.elem.hi + 1, (vectors, cols))
    codes[0], codes[1] = x.elem.lo, x.elem.hi
    width, acc = x.elem.width, y.elem.width
    inputs = [pack(b, width) for row in codes for b in chunks(row.tolist(), fold.simd)]
    expected = [pack(b, acc) for row in op.evaluate(codes) for b in chunks(row.tolist(), lanes)]
    return Case(
        "bw_sparse", params, fold.simd * width, lanes * acc, inputs, expected, "credit", credits, str(units[index])
    )


def times(params, read, multiply, vectors, received, sent):
    """The rules in the module's header: cycles in which beats leave, from those in which words came and beats went."""
    words, beats, slots = -(-params["COLS"] // params["SIMD"]), -(-params["ROWS"] // params["LANES"]), params["SLOTS"]
    start, out = [], []
    for v in range(vectors):
        ready = [received[(v + 1) * words - 1] + 1]
        if v > 0:
            ready.append(start[v - 1] + slots)
        if v > 1:
            ready.append(out[(v - 1) * beats - 1] + 1)
        start.append(max(ready))
        for _ in range(beats):
            issue = max(start[v] + slots + read + multiply, out[-1] + 1 if out else 0)
            if len(out) >= params["CREDITS"]:
                issue = max(issue, sent[len(out) - params["CREDITS"]] + 2)
            out.append(issue)
    return start, out


def check_times(case, run, got, vectors=7):
    p = case.params
    types = (IntType(p["A_WIDTH"], bool(p["A_SIGNED"])), IntType(p["W_WIDTH"], bool(p["W_SIGNED"])))
    multiply = sparse.multiply_latency(*types, Multiplier(p["KIND"]))
    read = 3 if p["STYLE"] == 1 and "PROGRAM_ROWS" in p else 2
    start, issued = times(p, read, multiply, vectors, got.in_cycles, got.out_cycles)
    assert got.out_cycles == [u + sparse.BEAT_LATENCY + 1 for u in issued], case.name
    words = -(-p["COLS"] // p["SIMD"])
    for v in range(1, vectors if run.idle == 0 else 0):
        room = start[v - 2] + p["SLOTS"] + read - 1 if v > 1 else 0
        assert got.in_cycles[v * words] == max(room, got.in_cycles[v * words - 1] + 1), case.name


@pytest.mark.parametrize("part", range(3))
def test_sparse(part, tmp_path):
    cases = [unit(i, tmp_path) for i in range(part, len(UNITS), 3)]
    runs = (*MATRIX, *RESETS)
    for run, row in zip(runs, simulate(cases, tmp_path, runs)):
        if run.stall == 0 and run.stop_at is None:
            for case, got in zip(cases, row):
                check_times(case, run, got)


def test_rows_are_shared_out_evenly():
    rng = np.random.default_rng(0)
    counts = rng.binomial(64, 0.1, 128)
    for pe, lanes in ((1, 1), (8, 1), (8, 2), (16, 4)):
        found = sparse.plan(counts, pe, lanes)
        assert sorted(r for rows in found.rows for r in rows) == list(range(128))
        assert all(r % lanes == e // (pe // lanes) for e, rows in enumerate(found.rows) for r in rows)
        need = np.maximum(counts, 1).sum() / pe
        assert need <= found.slots <= 1.15 * need + 1
