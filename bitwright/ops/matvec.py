"""What dense and xnor share: the exact product in NumPy, and the folded matrix-vector unit in RTL."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import numpy as np
from numpy.typing import NDArray

from ..ir import chip
from ..ir.netlist import Block, Estimate, Fold, Kernel, Memory, Multiplier, Ram, Resources, Table
from ..ir.op import Codes
from ..ir.types import IntType, TensorType
from . import area, packing
from .channels import pack_words, table
from .packing import Packing

WRITTEN = 32
"""Bits of weights that are written at a time, at most."""

LARGEST_MASK = 1 << 14
"""Bits of a literal that every tool reads."""


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
    rows = x.reshape(-1, x.shape[-1]).astype(carrier)  # one product of two matrices, not one for each vector of them
    return (rows @ weight.T.astype(carrier)).astype(np.int64).reshape(*x.shape[:-1], len(weight))


def folds(rows: int, columns: int, fold: Fold) -> tuple[int, int]:
    """(NF, SF): how often a vector is read, and in how many words."""
    return ceil(rows / fold.pe), ceil(columns / fold.simd)


def latency(a: IntType, w: IntType, fold: Fold, pack: Packing, read: int) -> int:
    """Cycles from the issue of a fold's last slot to the result, as `rtl/bw_mvu.v` and `rtl/bw_dots.v` document it.

    `pack` says how the slices sum up, if there are any; weights are there after `read` cycles.
    """
    if fold.multiplier is Multiplier.XNOR:
        return 2 + read + area.clog2(ceil(fold.simd / 4))
    dsp, found = dsp_rows(fold), 0
    if dsp > 0:
        found = 1 + pack.chain + area.clog2(ceil(fold.simd / pack.chain))
    if dsp < fold.pe:
        multiply = area.multiply_cycles(a, w)
        found = max(found, multiply + area.clog2(fold.simd))
    return 1 + read + found


def dsp_rows(fold: Fold) -> int:
    """Of the PE rows those whose products come from DSPs, the first ones."""
    return fold.pe - min(fold.lut_rows, fold.pe) if fold.multiplier is Multiplier.DSP else 0


def packing_for(weight: Codes, a: IntType, fold: Fold, free: IntType | None = None) -> Packing:
    """How the DSPs of the unit are shared; without DSPs it says nothing. Weights that may change are any of a type."""
    rows = dsp_rows(fold)
    low, high = (int(weight.min()), int(weight.max())) if rows else (0, 0)
    if free is not None:
        low, high = free.lo, free.hi
    return packing.choose(low, high, a, rows, fold.simd)


def block(
    weight: Codes,
    bias: Codes,
    x: TensorType,
    y: TensorType,
    weight_type: IntType,
    fold: Fold,
    *,
    replay: bool = True,
    free: bool = False,
) -> Block:
    """The unit with its weight and bias memories; the builder adds the number of credits.

    Without `replay` the stream brings each vector NF times, and the unit keeps none. Weights that are `free` can be written.
    """
    rows, columns = weight.shape
    nf, sf = folds(rows, columns, fold)
    pack = packing_for(weight, x.elem, fold, weight_type if free else None)
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
    }
    if fold.multiplier is Multiplier.DSP:
        params |= {"DSP_ROWS": dsp_rows(fold), "PACK": pack.rows, "STEP": pack.step, "FIELD": pack.field,
                   "CHAIN": pack.chain, "OFFSET": int(pack.offset), "DSP_W_WIDTH": pack.stored.width}  # fmt: skip
    dead = ~_live(weight, fold, pack)
    if not free and dead.any() and dead.size <= LARGEST_MASK:
        params["DEAD"] = int("".join(map(str, dead.reshape(-1)[::-1].astype(int))), 2)
    bits, words = word_bits(weight_type, fold, pack), weight_words(weight, weight_type, fold, pack)
    params |= weight_parameters(words, bits, fold.weights, free=free)
    params |= {
        "REPLAY": int(replay),
        "BUFFER_DEPTH": 2 * sf,
        "BUFFER_STYLE": int(fold.buffer),
    }
    if bias.any():
        padded = np.zeros(nf * fold.pe, np.int64)
        padded[:rows] = bias
        words = pack_words(padded.reshape(nf, fold.pe), y.elem.width)
        params |= {"HAS_BIAS": 1, "BIAS": Memory(y.elem.width * fold.pe, words)}
    return Block("bw_mvu", params)


def kernel(
    weight: Codes,
    bias: Codes,
    x: TensorType,
    y: TensorType,
    weight_type: IntType,
    fold: Fold,
    *,
    replay: bool = True,
) -> Kernel:
    """The unit as a C++ function; without `replay` the stream brings each vector NF times."""
    xnor = fold.multiplier is Multiplier.XNOR
    nf, sf = folds(weight.shape[0], weight.shape[1], fold)
    words = _words(weight, fold, int(xnor)).reshape(-1, fold.pe, fold.simd)
    padded = np.zeros(nf * fold.pe, np.int64)
    padded[: len(bias)] = bias
    params: dict[str, int | IntType] = {
        "x": x.elem, "y": y.elem, "pe": fold.pe, "simd": fold.simd, "folds": nf, "words": sf,
        "vectors": x.size // x.vector, "repeated": int(not replay),
    }  # fmt: skip
    tables = {"weight": Table(weight_type, words), "bias": table(padded.reshape(nf, fold.pe))}
    return Kernel("xnor", params, tables) if xnor else Kernel("dense", params | {"dsp_rows": dsp_rows(fold)}, tables)


def weight_parameters(words: Sequence[int], bits: int, style: Ram, *, free: bool) -> dict[str, int | Memory]:
    """Those of a unit's weight memory: as words, or laid out to fill block RAMs; `free` weights can be written."""
    names = {"FILE": "WEIGHTS", "SEGMENTS": "WEIGHT_SEGMENTS", "ROWS": "WEIGHT_ROWS", "REST": "WEIGHTS_REST"}
    found = area.memory_parameters(words, bits, style, written=free)
    params: dict[str, int | Memory] = {"WEIGHT_STYLE": int(style), **{names[k]: v for k, v in found.items()}}
    if free:
        params |= {"WRITABLE": 1, "LANE": lane_bits(bits), "PLACE": place_bits(bits, len(words))}
    return params


def lane_bits(bits: int) -> int:
    """Of a word that is written in lanes of at most 32 bits, as many as make them all alike."""
    return ceil(bits / ceil(bits / WRITTEN))


def place_bits(bits: int, words: int) -> int:
    """Bits that tell the lanes of so many words apart."""
    return area.clog2(words) + area.clog2(ceil(bits / WRITTEN))


def weight_words(weight: Codes, weight_type: IntType, fold: Fold, pack: Packing) -> tuple[int, ...]:
    """The words that the unit reads: a field for each multiplier, those of DSP rows first."""
    # A bipolar pad is a one: the stream's pad lanes are zero, so it never matches and counts nothing.
    words = _words(weight, fold, int(fold.multiplier is Multiplier.XNOR))
    dsp = dsp_rows(fold)
    rest = pack_words(words[:, dsp * fold.simd :], weight_type.width)
    if not dsp:
        return rest
    stored = packing.stored_weights(words[:, : dsp * fold.simd].reshape(-1, dsp, fold.simd), pack)
    first = pack_words(stored.reshape(len(words), -1), pack.stored.width)
    bits = pack.stored.width * dsp * fold.simd
    return tuple(a | b << bits for a, b in zip(first, rest, strict=True))


def word_bits(w: IntType, fold: Fold, pack: Packing) -> int:
    """Bits of a word of weights."""
    dsp = dsp_rows(fold)
    return fold.simd * (dsp * pack.stored.width + (fold.pe - dsp) * w.width)


def estimate(
    weight: Codes,
    sparsity: float,
    w: IntType,
    a: IntType,
    y: IntType,
    fold: Fold,
    bias: bool,
    *,
    replay: bool = True,
    pixels: int = 1,
    free: bool = False,
) -> Estimate:
    """Multipliers, adder trees, accumulators, weights, replay buffer and control of the unit.

    Of several pixels each has the rows and columns a cycle of the fold, and the weights serve all. Weights that are `free`
    can be written.
    """
    nf, sf = folds(weight.shape[0], weight.shape[1], fold)
    pack = packing_for(weight, a, fold, w if free else None)
    shape, live = (word_bits(w, fold, pack), nf * sf, fold.weights), np.ones((fold.pe, fold.simd), np.bool_)
    memory, read = area.ram(*shape) if free else area.rom(*shape), area.memory_cycles(*shape, written=free)
    if read > 2:
        memory += Resources(ff=pixels * fold.simd * a.width)  # activations wait for them
    # In a layer that is not mostly zeros, a multiplier that takes turns soon sees a weight that is not.
    if not free and (sparsity > 0.5 or nf * sf <= 8):
        live = _live(weight, fold, pack)
        if fold.weights is Ram.DISTRIBUTED and nf * sf > 8 and fold.multiplier is not Multiplier.XNOR:
            memory = _sparse_rom(_words(weight, fold, 0), w.width)
    cost = _cost(weight.shape, w, a, y.width, fold, pack, bias, live, changes=free)
    cost += _buffer(weight.shape, a, fold, replay)
    return Estimate(latency(a, w, fold, pack, read), memory + cost.scaled(pixels))


def _words(weight: Codes, fold: Fold, pad: int) -> Codes:
    """Weights as the unit reads them: row nf·SF + sf has, for every PE p and lane i, row nf·PE + p, column sf·SIMD + i."""
    rows, columns = weight.shape
    nf, sf = folds(rows, columns, fold)
    padded = np.full((nf * fold.pe, sf * fold.simd), pad, np.int64)
    padded[:rows, :columns] = weight
    return padded.reshape(nf, fold.pe, sf, fold.simd).transpose(0, 2, 1, 3).reshape(nf * sf, -1)


def _live(weight: Codes, fold: Fold, pack: Packing) -> NDArray[np.bool_]:
    """Of every row and column a cycle, whether there is a multiplier: where a weight is not 0, or one that shares its slice."""
    if fold.multiplier is Multiplier.XNOR:
        return np.ones((fold.pe, fold.simd), np.bool_)
    live = (_words(weight, fold, 0) != 0).any(axis=0).reshape(fold.pe, fold.simd)
    dsp = dsp_rows(fold)
    for row in range(0, dsp, pack.rows):
        live[row : min(row + pack.rows, dsp)] = live[row : min(row + pack.rows, dsp)].any(axis=0)
    return live


SPARSE_TABLE = 1.45
"""LUTs of six inputs that synthesis takes for a table of 64 words of a deeper ROM, if most words are 0: 1.3 to 1.9."""


def _sparse_rom(words: Codes, width: int) -> Resources:
    """A ROM of LUTs with many constant columns: only tables of 64 words of a bit, or 16, that are not constant cost one."""
    depth, columns = words.shape
    target = chip.current()
    table = 1 << target.lut_inputs
    blocks = np.zeros((-(-depth // table) * table, columns), np.int64)
    blocks[:depth] = words
    lut = ff = 0
    for bit in range(width):
        plane = ((blocks >> bit) & 1).reshape(-1, table, columns)
        varied = plane.any(axis=1) & ~plane.all(axis=1)
        lut, ff = lut + int(varied.sum()), ff + int(varied.any(axis=0).sum())
    each = 1.0 if depth > 16 else 0.6
    if target.lut_inputs == 4 and depth > 16:
        each += target.choice
    elif depth > table:
        each = SPARSE_TABLE
    return Resources(lut=lut * each, ff=ff)


def _cost(
    shape: tuple[int, ...], w: IntType, a: IntType, acc: int, fold: Fold, pack: Packing, bias: bool,
    live: NDArray[np.bool_], *, changes: bool = False,
) -> Resources:  # fmt: skip
    """Control, products, adder trees and accumulators; weights change from slot to slot, or because they are written."""
    nf, sf = folds(shape[0], shape[1], fold)
    target = chip.current()
    cost, dsp = Resources(lut=45 * (1 + target.logic) / 2, ff=40), dsp_rows(fold)
    if fold.multiplier is Multiplier.XNOR:
        cost += _matches(fold.simd, acc).scaled(fold.pe)
    if dsp:
        cost += slices(dsp, a, acc, fold.simd, pack, int(live[: dsp : pack.rows].sum()))
    if fold.multiplier is not Multiplier.XNOR and dsp < fold.pe:
        term = min(a.width + w.width, acc)
        gate = not a.signed and a.width == 1  # lets a weight through or not: the product has a bit less to it
        share = max(0.02, float(live[dsp:].mean()))
        units, each = (fold.pe - dsp) * fold.simd * share, area.product(a, w, term)
        constant = 0.4 if nf * sf == 1 and not changes else 1.0  # weights that never change
        cost += Resources(units * each.lut * constant, units * each.ff)
        cost += tree(fold.pe - dsp, fold.simd, min(term, a.width + w.width - gate), acc, share)
    if sf > 1:
        cost += Resources(lut=fold.pe * acc, ff=fold.pe * acc)
    if bias:
        cost += area.rom(fold.pe * acc, nf, Ram.DISTRIBUTED)
    return cost


def _matches(pairs: int, acc: int) -> Resources:
    """What counts the equal pairs of bits of a row, as `rtl/bw_xnor.v` and the adder tree behind it do.

    Each four pairs are a sum of three and a carry, which waits for the level of the tree that adds it.
    """
    target, sums, width = chip.current(), ceil(pairs / 4), min(2, acc)
    found = Resources(lut=sums * target.xnor + 2, ff=sums * (width + 1))
    carries, level = sums, 0
    while sums > 1:
        carries, level = carries - sums // 2, level + 1
        sums, width = ceil(sums / 2), min(width + 1, acc)
        found += Resources(lut=sums * width, ff=sums * width)
        if not target.shifts or level < 2:
            found += Resources(ff=carries)
        elif level == 2:  # those that wait so long are in shift registers from the first
            found += Resources(lut=carries, ff=-2 * carries)
    return found


def _buffer(shape: tuple[int, ...], a: IntType, fold: Fold, replay: bool) -> Resources:
    """The activations of a slot: the ring that keeps two vectors, or only registers."""
    (nf, sf), word = folds(shape[0], shape[1], fold), fold.simd * a.width
    if nf == 1 or not replay:
        return Resources(ff=2 * word)
    if fold.buffer is Ram.BLOCK:
        return Resources(bram36=area.block_rams(word, 2 * sf, written=True), ff=word)
    return Resources(lut=area.lutram(word, 2 * sf) + 20 * (chip.current().logic - 1), ff=word)


def slices(rows: int, a: IntType, acc: int, simd: int, pack: Packing, live: int) -> Resources:
    """The `live` slices, and the adder trees of what comes out of all."""
    terms, share = ceil(simd / pack.chain), live / (ceil(rows / pack.rows) * simd)
    cost = Resources(dsp=live) + tree(rows, terms, min(pack.field, acc), acc, share)
    if chip.current().adds:
        # The columns of a chain wait for one another, the first two cycles in registers of the slices.
        waits = terms * sum(max(0, place - 2) for place in range(pack.chain))
        cost += Resources(ff=waits * (rows * pack.stored.width + a.width))
    else:
        operands = a.width + int(not a.signed) + (pack.rows - 1) * pack.step + pack.stored.width
        total, sums = operands + area.clog2(pack.chain), 1 - 1 / pack.chain + int(pack.offset)
        registers = operands + total * (1 + int(pack.offset)) + operands * (pack.chain - 1) / 2
        cost += Resources(live * sums * total, live * registers)
    if pack.field > pack.step:
        shared = rows - ceil(rows / pack.rows)
        cost += Resources(lut=shared * simd * 0.75, ff=shared * simd * 2)
    return cost


def tree(rows: int, terms: int, width: int, acc: int, live: float) -> Resources:
    """The adder trees of all rows: a level halves the terms and adds a bit.

    Of the terms only the share `live` is ever something but 0: two such make an adder, and one a register.
    """
    lut, ff, level = 0.0, 0.0, 0
    while terms > 1:
        terms, level = ceil(terms / 2), level + 1
        bits, none = terms * min(width + level, acc), 1 - live
        lut, ff, live = lut + bits * live**2, ff + bits * (1 - none**2), 1 - none**2
    return Resources(lut=rows * lut * area.ADDER, ff=rows * ff)
