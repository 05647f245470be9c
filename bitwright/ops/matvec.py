"""What dense and xnor share: the exact product in NumPy, and the folded matrix-vector unit in RTL."""

from __future__ import annotations

from math import ceil

import numpy as np

from ..ir.netlist import Block, Estimate, Fold, Memory, Multiplier, Ram, Resources
from ..ir.op import Codes
from ..ir.types import IntType, TensorType
from . import area
from .channels import pack_words


def product(weight: Codes, x: Codes) -> Codes:
    """weight (outputs, inputs) times x (…, inputs) → (…, outputs), exact.

    BLAS is the fast integer multiplier here: a sum whose terms add up to less than 2^24 (2^53) in magnitude is
    exact in single (double) precision, in any order; larger ones take int64 arithmetic.
    """
    if not x.size:
        return np.zeros((*x.shape[:-1], len(weight)), np.int64)
    bound = int(np.abs(weight).sum(axis=1).max()) * max(abs(int(x.min())), abs(int(x.max())))
    if bound >= 1 << 53:
        return x @ weight.T
    carrier = np.float32 if bound < 1 << 24 else np.float64
    return (x.astype(carrier) @ weight.T.astype(carrier)).astype(np.int64)


def folds(rows: int, columns: int, fold: Fold) -> tuple[int, int]:
    """(NF, SF): how often a vector is read, and in how many words."""
    return ceil(rows / fold.pe), ceil(columns / fold.simd)


def latency(a: IntType, w: IntType, fold: Fold) -> int:
    """Cycles from the issue of a fold's last slot to the result, as `rtl/bw_mvu.v` documents it."""
    if fold.multiplier is Multiplier.XNOR:
        return 4 + area.clog2(ceil(fold.simd / 4))
    multiply = 1
    if fold.multiplier is Multiplier.LUT and a.width + w.width > 6:
        multiply = max(1, min(area.digits(a), area.digits(w)) // 2)
    return 3 + multiply + area.clog2(fold.simd)


def block(weight: Codes, bias: Codes, x: TensorType, y: TensorType, weight_type: IntType, fold: Fold) -> Block:
    """The unit with its weight and bias memories; the builder adds the number of credits."""
    rows, columns = weight.shape
    nf, sf = folds(rows, columns, fold)
    params: dict[str, int | Memory] = {
        "COLS": columns,
        "ROWS": rows,
        "SIMD": fold.simd,
        "PE": fold.pe,
        "A_WIDTH": x.elem.width,
        "A_SIGNED": int(x.elem.signed),
        "W_WIDTH": weight_type.width,
        "W_SIGNED": int(weight_type.signed),
        "ACC_WIDTH": y.elem.width,
        "KIND": int(fold.multiplier),
        "WEIGHTS": weight_memory(weight, weight_type, fold),
        "WEIGHT_STYLE": int(fold.weights),
        "BUFFER_DEPTH": 2 * sf,
        "BUFFER_STYLE": int(fold.buffer),
    }
    if bias.any():
        padded = np.zeros(nf * fold.pe, np.int64)
        padded[:rows] = bias
        words = pack_words(padded.reshape(nf, fold.pe), y.elem.width)
        params |= {"HAS_BIAS": 1, "BIAS": Memory(y.elem.width * fold.pe, words)}
    return Block("bw_mvu", params)


def weight_memory(weight: Codes, weight_type: IntType, fold: Fold) -> Memory:
    """The words that the unit reads, a field of `weight_type` for each multiplier."""
    # A bipolar pad is a one: the stream's pad lanes are zero, so it never matches and counts nothing.
    words = _words(weight, fold, int(fold.multiplier is Multiplier.XNOR))
    return Memory(weight_type.width * fold.pe * fold.simd, pack_words(words, weight_type.width))


def estimate(weight: Codes, sparsity: float, w: IntType, a: IntType, y: IntType, fold: Fold, bias: bool) -> Estimate:
    """Multipliers, adder trees, accumulators, weights, replay buffer and control of the unit."""
    nf, sf = folds(weight.shape[0], weight.shape[1], fold)
    live, rom = 1.0, area.rom(fold.pe * fold.simd * w.width, nf * sf, fold.weights)
    # In a layer that is not mostly zeros, a multiplier that takes turns soon sees a weight that is not.
    if fold.multiplier is not Multiplier.XNOR and (sparsity > 0.5 or nf * sf <= 8):
        words = _words(weight, fold, 0)
        live = max(0.02, float((words != 0).any(axis=0).mean()))
        if fold.weights is Ram.DISTRIBUTED and nf * sf > 8:
            rom = _sparse_rom(words, w.width)
    return Estimate(latency(a, w, fold), rom + _cost(weight.shape, w, a, y.width, fold, bias, live))


def _words(weight: Codes, fold: Fold, pad: int) -> Codes:
    """Weights as the unit reads them: row nf·SF + sf has, for every PE p and lane i, row nf·PE + p, column sf·SIMD + i."""
    rows, columns = weight.shape
    nf, sf = folds(rows, columns, fold)
    padded = np.full((nf * fold.pe, sf * fold.simd), pad, np.int64)
    padded[:rows, :columns] = weight
    return padded.reshape(nf, fold.pe, sf, fold.simd).transpose(0, 2, 1, 3).reshape(nf * sf, -1)


def _sparse_rom(words: Codes, width: int) -> Resources:
    """A ROM of LUTs with many constant columns: only blocks of 64 words of a bit that is not constant there cost one."""
    depth, columns = words.shape
    blocks = np.zeros((-(-depth // 64) * 64, columns), np.int64)
    blocks[:depth] = words
    lut = ff = 0
    for bit in range(width):
        plane = ((blocks >> bit) & 1).reshape(-1, 64, columns)
        varied = plane.any(axis=1) & ~plane.all(axis=1)
        lut, ff = lut + int(varied.sum()), ff + int(varied.any(axis=0).sum())
    return Resources(lut=lut * (1.0 if depth > 16 else 0.6), ff=ff)


def _cost(shape: tuple[int, ...], w: IntType, a: IntType, acc: int, fold: Fold, bias: bool, live: float) -> Resources:
    nf, sf = folds(shape[0], shape[1], fold)
    cost, units = Resources(lut=45, ff=40), fold.pe * fold.simd * live
    if fold.multiplier is Multiplier.XNOR:
        cost += Resources(lut=fold.pe * (fold.simd * 1.05 + 2), ff=fold.pe * fold.simd * 1.1)
    elif fold.multiplier is Multiplier.DSP:
        # The slice takes the products, the first level of the trees, and the registers of both operands.
        cost += Resources(dsp=fold.pe * fold.simd) + _tree(fold, min(a.width + w.width, acc), acc, 2, live)
    else:
        each = area.product(a, w, min(a.width + w.width, acc))
        constant = 0.4 if nf * sf == 1 else 1.0  # weights that never change
        cost += Resources(units * each.lut * constant, units * each.ff) + _tree(
            fold, min(a.width + w.width, acc), acc, 1, live
        )
    if sf > 1:
        cost += Resources(lut=fold.pe * acc, ff=fold.pe * acc)
    if bias:
        cost += area.rom(fold.pe * acc, nf, Ram.DISTRIBUTED)
    word = fold.simd * a.width
    if nf == 1:
        return cost + Resources(ff=2 * word)
    if fold.buffer is Ram.BLOCK:
        return cost + Resources(bram36=area.block_rams(word, 2 * sf), ff=word)
    return cost + Resources(lut=area.lutram(word, 2 * sf), ff=word)


def _tree(fold: Fold, width: int, acc: int, first: int, live: float) -> Resources:
    """The adder trees of all PEs from level `first` on: a level halves the terms and adds a bit."""
    lut, terms, level = 0.0, fold.simd, 0
    while terms > 1:
        terms, level = ceil(terms / 2), level + 1
        if level >= first:
            lut += terms * min(width + level, acc)
    return Resources(lut=fold.pe * lut * live * area.ADDER, ff=fold.pe * lut * live)
