"""The sparse matrix-vector unit: weights that are not zero, one a cycle in each element, in an order made here.

A row belongs to one element, which visits its non-zero weights in a row of slots (a row without any takes one). Rows
leave in order, LANES a beat, so an element of lane l has rows r ≡ l (mod LANES) only; within a lane the row with the most
weights goes to the element with the fewest slots so far.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heapify, heapreplace
from math import ceil

import numpy as np

from ..ir.netlist import Block, Estimate, Fold, Kernel, Memory, Multiplier, Ram, Resources, Table
from ..ir.op import Codes
from ..ir.types import IntType, TensorType
from . import area
from .channels import pack_words, table

BEAT_LATENCY = 4
"""Cycles from a beat's issue to the unit's output."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Which rows each element has, in the order in which it visits them, and the slots that a vector takes."""

    rows: tuple[tuple[int, ...], ...]
    slots: int

    @property
    def row_bits(self) -> int:
        """Bits of the number of a row in its element."""
        return max(1, area.clog2(max(len(rows) for rows in self.rows)))


def plan(counts: Codes, pe: int, lanes: int) -> Plan:
    """Share out rows of so many non-zero weights each, (rows,), among `pe` elements, `pe`/`lanes` for each lane."""
    ways = pe // lanes
    need = np.zeros(ceil(len(counts) / lanes) * lanes, np.int64)
    need[: len(counts)] = counts
    need = np.maximum(need, 1)
    owned: list[list[int]] = [[] for _ in range(pe)]
    most = 0
    for lane in range(lanes):
        elements = [(0, lane * ways + k) for k in range(ways)]
        heapify(elements)
        for row in sorted(range(lane, len(need), lanes), key=lambda r: -int(need[r])):
            load, element = elements[0]
            heapreplace(elements, (load + int(need[row]), element))
            owned[element].append(row)
            most = max(most, load + int(need[row]))
    return Plan(tuple(tuple(rows) for rows in owned), most)


def read_latency(weight: Codes, w: IntType, fold: Fold, slots: int) -> int:
    """Cycles in which a slot of the program is read."""
    return area.memory_cycles(fold.pe * _field(weight.shape[1], w, fold), slots, fold.weights)


def multiply_latency(a: IntType, w: IntType, kind: Multiplier) -> int:
    """Cycles of `rtl/bw_dots.v` for one row and one column."""
    if kind is Multiplier.DSP:
        return 2
    return area.multiply_cycles(a, w)


def block(
    weight: Codes, bias: Codes, x: TensorType, y: TensorType, weight_type: IntType, fold: Fold, lanes: int
) -> Block:
    """The unit with its program; `fold.pe` elements, words of `fold.simd` columns in and of `lanes` rows out."""
    found, acc = plan(np.count_nonzero(weight, axis=1), fold.pe, lanes), y.elem.width
    params: dict[str, int | Memory] = {
        "COLS": weight.shape[1],
        "ROWS": weight.shape[0],
        "SIMD": fold.simd,
        "LANES": lanes,
        "PE": fold.pe,
        "A_WIDTH": x.elem.width,
        "A_SIGNED": int(x.elem.signed),
        "W_WIDTH": weight_type.width,
        "W_SIGNED": int(weight_type.signed),
        "ACC_WIDTH": acc,
        "KIND": int(fold.multiplier),
        "SLOTS": found.slots,
        "STYLE": int(fold.weights),
        "ROW": found.row_bits,
        "ORDER": Memory(lanes * _entry(found, fold.pe, lanes), _order(found, fold.pe, lanes)),
    }
    words, width = _program(weight, weight_type, found, fold), _field(weight.shape[1], weight_type, fold) * fold.pe
    for key, value in area.memory_parameters(words, width, fold.weights).items():
        params[{"FILE": "PROGRAM", "SEGMENTS": "SEGMENTS", "ROWS": "PROGRAM_ROWS", "REST": "PROGRAM_REST"}[key]] = value
    if bias.any():
        padded = np.zeros(ceil(len(bias) / lanes) * lanes, np.int64)
        padded[: len(bias)] = bias
        params |= {"HAS_BIAS": 1, "BIAS": Memory(lanes * acc, pack_words(padded.reshape(-1, lanes), acc))}
    return Block("bw_sparse", params)


def kernel(
    weight: Codes, bias: Codes, x: TensorType, y: TensorType, weight_type: IntType, fold: Fold, lanes: int
) -> Kernel:
    """The unit as a C++ function."""
    found = plan(np.count_nonzero(weight, axis=1), fold.pe, lanes)
    fields, most = _visits(weight, found, fold.pe), max(map(len, found.rows))
    places = np.zeros((sum(map(len, found.rows)), 2), np.int64)
    for element, rows in enumerate(found.rows):
        places[list(rows)] = [(element, number) for number in range(len(rows))]
    beats = len(places) // lanes
    padded = np.zeros(len(places), np.int64)
    padded[: len(bias)] = bias
    params: dict[str, int | IntType] = {
        "x": x.elem, "y": y.elem, "pe": fold.pe, "simd": fold.simd, "words": ceil(weight.shape[1] / fold.simd),
        "vectors": x.size // x.vector, "lanes": lanes, "beats": beats, "slots": found.slots, "most": most,
        "dsp": int(fold.multiplier is Multiplier.DSP),
    }  # fmt: skip
    return Kernel("sparse", params, {
        "weight": Table(weight_type, fields[:, :, 0]), "column": table(fields[:, :, 1]), "last": table(fields[:, :, 2]),
        "element": table(places[:, 0].reshape(beats, lanes)), "number": table(places[:, 1].reshape(beats, lanes)),
        "bias": table(padded.reshape(beats, lanes)),
    })  # fmt: skip


def _column_bits(columns: int, fold: Fold) -> tuple[int, int]:
    """Bits of a lane, and of a word's address without its bank."""
    return max(1, area.clog2(fold.simd)), max(1, area.clog2(ceil(columns / fold.simd)))


def _field(columns: int, w: IntType, fold: Fold) -> int:
    """Bits of a slot of one element: weight, lane, word, end of a row."""
    return w.width + sum(_column_bits(columns, fold)) + 1


def _entry(found: Plan, pe: int, lanes: int) -> int:
    """Bits of a row's place: its number in its element, and which element of the lane."""
    return found.row_bits + max(1, area.clog2(pe // lanes))


def _visits(weight: Codes, found: Plan, pe: int) -> Codes:
    """Of every slot and element (slots, pe, 3): the weight, its column, and whether it is the last of its row."""
    fields = np.zeros((found.slots, pe, 3), np.int64)
    for element, rows in enumerate(found.rows):
        slot = 0
        for row in rows:
            columns = np.flatnonzero(weight[row]) if row < len(weight) else np.zeros(0, np.int64)
            size = max(1, len(columns))
            if len(columns):
                fields[slot : slot + size, element, 0] = weight[row, columns]
                fields[slot : slot + size, element, 1] = columns
            slot += size
            fields[slot - 1, element, 2] = 1
    return fields


def _program(weight: Codes, w: IntType, found: Plan, fold: Fold) -> tuple[int, ...]:
    lane_bits, _ = _column_bits(weight.shape[1], fold)
    weights, columns, last = np.moveaxis(_visits(weight, found, fold.pe), 2, 0)
    at = columns // fold.simd << lane_bits | columns % fold.simd
    width = _field(weight.shape[1], w, fold)
    return pack_words(at << w.width | weights & ((1 << w.width) - 1) | last << (width - 1), width)


def _order(found: Plan, pe: int, lanes: int) -> tuple[int, ...]:
    ways = pe // lanes
    places = np.zeros(sum(map(len, found.rows)), np.int64)
    for element, rows in enumerate(found.rows):
        for number, row in enumerate(rows):
            places[row] = element % ways << found.row_bits | number
    return pack_words(places.reshape(-1, lanes), _entry(found, pe, lanes))


def cycles(weight: Codes, fold: Fold, lanes: int) -> int:
    """Cycles a vector at full rate: the slots, or the words in, or the beats out."""
    rows, columns = weight.shape
    found = plan(np.count_nonzero(weight, axis=1), fold.pe, lanes)
    return max(found.slots, ceil(columns / fold.simd), ceil(rows / lanes))


def estimate(weight: Codes, w: IntType, a: IntType, y: IntType, fold: Fold, lanes: int, bias: bool) -> Estimate:
    """Elements, their copies of the vectors and sums, the program, and control; the latency is that of a beat."""
    (rows, columns), acc = weight.shape, y.width
    found = plan(np.count_nonzero(weight, axis=1), fold.pe, lanes)
    word = 1 << area.clog2(ceil(columns / fold.simd)) + 1
    vectors = area.lutram(fold.simd * a.width, word) + a.width * area.multiplexer(fold.simd)
    sums = area.lutram(acc, 2 << found.row_bits)
    each = Resources(lut=vectors + sums + 2 * acc + 8, ff=a.width + w.width + acc + found.row_bits + 12)
    if fold.multiplier is Multiplier.DSP:
        each += Resources(dsp=1)
    else:
        product = area.product(a, w, min(a.width + w.width, acc))
        each += Resources(lut=product.lut, ff=product.ff)
    cost = Resources(lut=70, ff=60) + each.scaled(fold.pe)
    cost += area.rom(fold.pe * _field(columns, w, fold), found.slots, fold.weights)
    cost += area.rom(lanes * _entry(found, fold.pe, lanes), ceil(rows / lanes), Ram.DISTRIBUTED)
    cost += Resources(lut=lanes * acc * area.multiplexer(fold.pe // lanes), ff=2 * lanes * acc)
    if bias:
        cost += area.rom(lanes * acc, ceil(rows / lanes), Ram.DISTRIBUTED) + Resources(lut=lanes * acc, ff=lanes * acc)
    return Estimate(BEAT_LATENCY, cost)
