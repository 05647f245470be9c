"""threshold: y = base + sign · #{k : x ≥ thresholds[k]}, any monotone step function, a set of constants a channel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir import chip
from ..ir.netlist import Block, Estimate, Fold, Kernel, Memory, Ram, Resources, Table
from ..ir.op import Codes, Op
from ..ir.types import IntType, TensorType
from . import area
from .channels import beats, by_channel, check_period, fold_rows, kernel_params, over_range, pack_words, ranged, table

PARALLEL = 3  # up to so many, the hardware compares with all of them at a time
FEW = 24  # up to so many thresholds a comparison each is faster in NumPy than a binary search a channel


def latency(folds: int, count: int, based: bool) -> int:
    """Cycles through `rtl/bw_threshold.v`, as it documents them."""
    search = int(folds > 1) + area.clog2(count + 1)
    return (area.read_cycles(folds) + 1 if count <= 3 else search) + int(based)


def _cost(lanes: int, folds: int, count: int, width: int, out: int, based: bool) -> Resources:
    """Comparators beside each other up to three steps, a binary search above; two bits of a comparison a LUT."""
    parallel, depth = count <= 3, area.clog2(count + 1)
    constant = 0.8 if folds == 1 else 1.0
    two = 1.0 if folds > 1 or chip.current().lut_inputs > 4 else 2.6  # carry chains of LUT4 take a constant's every bit
    compare = (count if parallel else depth) * width * 0.5 * two * constant
    # A search keeps at each level the operand, what it found, and of several folds the threshold.
    search = (depth - 1) * width + depth * (depth + 1) / 2 + (depth + 1) * width * (folds > 1)
    pipe = search if not parallel else width + out if folds > 1 else out
    cost = Resources(lut=8 * (folds > 1) + lanes * compare, ff=6 + lanes * pipe)
    if parallel:
        cost += area.rom(lanes * count * width, folds, Ram.DISTRIBUTED)
    else:  # a ROM a level; the comparison is in the same cycle, which makes Yosys spend more on the deep ones
        levels = ((folds << d, 1.25 if folds << d > 512 else 1.0) for d in range(depth))
        cost += Resources(lut=sum(area.rom(lanes * width, n, Ram.DISTRIBUTED).lut * more for n, more in levels))
    if based:
        cost += Resources(lut=lanes * out * constant, ff=lanes * out) + area.rom(
            lanes * (out + 2), folds, Ram.DISTRIBUTED
        )
    return cost


def search_trees(thresholds: Codes, never: int) -> Codes:
    """Thresholds (folds, lanes, steps) as the words of a search tree a fold: (folds · 2^levels, lanes).

    Node n of a level with 2^d of them is at n = 2^d … 2^(d+1) - 1 and follows node n / 2; node 0 is not read.
    """
    folds, lanes, steps = thresholds.shape
    levels = area.clog2(steps + 1)
    full = np.full((folds, lanes, 1 << levels), never)
    full[:, :, :steps] = thresholds
    trees = np.full((folds, 1 << levels, lanes), never)
    for level in range(levels):
        half = 1 << (levels - 1 - level)
        trees[:, 1 << level : 2 << level] = full[:, :, half - 1 :: 2 * half].swapaxes(1, 2)
    return trees.reshape(-1, lanes)


@dataclass(frozen=True, eq=False)
class Threshold(Op):
    """`thresholds` has shape (channels, steps), ascending; `base` and `sign` (±1) have shape (channels,)."""

    mnemonic: ClassVar[str] = "threshold"
    thresholds: Codes
    base: Codes
    sign: Codes

    def infer(self, x: TensorType) -> TensorType:
        check_period(x, len(self.thresholds))
        return ranged(x.shape, self.evaluate(over_range(x, len(self.thresholds))))

    def evaluate(self, x: Codes) -> Codes:
        channels, steps = self.thresholds.shape
        view = by_channel(x, channels)
        count = np.zeros(view.shape, np.int64)
        if steps <= FEW:
            for k in range(steps):
                count += view >= self.thresholds[:, k]
        else:
            for c in range(channels):
                count[:, :, c] = np.searchsorted(self.thresholds[c], view[:, :, c], side="right")
        return (self.base + self.sign * count).reshape(x.shape)

    def to_rtl(self, x: TensorType, fold: Fold) -> Block | None:
        y, lanes, count = self.infer(x).elem, fold.pe, self.count
        never, width = x.max + 1, self.threshold_width(x)
        thresholds = np.full((len(self.base), count), never)
        thresholds[:, : self.thresholds.shape[1]] = np.clip(self.thresholds, x.min, never)
        folded = fold_rows(thresholds, x, lanes, np.full(count, never))
        rows = folded if count <= PARALLEL else search_trees(folded.reshape(len(folded), lanes, count), never)
        params: dict[str, int | Memory] = {
            "LANES": lanes,
            "FOLDS": len(folded),
            "IN_WIDTH": x.elem.width,
            "IN_SIGNED": int(x.elem.signed),
            "OUT_WIDTH": y.width,
            "COUNT": count,
            "T_WIDTH": width,
            "THRESHOLDS": Memory(rows.shape[1] * width, pack_words(rows, width)),
        }
        if self.based:
            field = y.width + 1
            codes = np.where(self.sign < 0, 1 << field, 0) | (self.base & ((1 << field) - 1))
            codes = fold_rows(np.resize(codes, len(thresholds))[:, None], x, lanes, np.zeros(1, np.int64))
            params |= {"HAS_BASE": 1, "BASES": Memory(lanes * (field + 1), pack_words(codes, field + 1))}
        return Block("bw_threshold", params)

    def to_hls(self, x: TensorType, fold: Fold) -> Kernel | None:
        lanes, count = fold.pe, self.count
        never = x.max + 1
        thresholds = np.full((len(self.base), count), never)
        thresholds[:, : self.thresholds.shape[1]] = np.clip(self.thresholds, x.min, never)
        folded = fold_rows(thresholds, x, lanes, np.full(count, never)).reshape(-1, lanes, count)
        ends = fold_rows(np.stack([self.base, self.sign], axis=1), x, lanes, np.zeros(2, np.int64)).reshape(
            -1, lanes, 2
        )
        rows = max(len(folded), len(ends))
        folded, ends = (np.tile(a, (rows // len(a), 1, 1)) for a in (folded, ends))
        tables = {"base": table(ends[:, :, 0]), "sign": table(ends[:, :, 1])}
        wide = IntType(self.threshold_width(x), True)
        params = kernel_params(x, self.infer(x), lanes, rows) | {"wide": wide}
        if count <= PARALLEL:
            tables = {"thresholds": Table(wide, folded.swapaxes(1, 2))} | tables
            return Kernel("threshold", params | {"count": count}, tables)
        levels = area.clog2(count + 1)
        trees = search_trees(folded, never).reshape(rows, -1, lanes)
        each = np.full((levels, lanes, rows << (levels - 1)), never)
        for level in range(levels):
            nodes = trees[:, 1 << level : 2 << level]
            each[level, :, : rows << level] = nodes.transpose(2, 0, 1).reshape(lanes, -1)
        return Kernel(
            "threshold_search", params | {"levels": levels}, {"tree": Table(wide, each)} | tables, "threshold"
        )

    @property
    def count(self) -> int:
        """Steps that the hardware compares with; a constant is built as one that is never met."""
        return max(1, self.thresholds.shape[1])

    @property
    def based(self) -> bool:
        """Whether the count is not the result as it is."""
        return bool(self.base.any() or (self.sign < 0).any())

    @staticmethod
    def threshold_width(x: TensorType) -> int:
        """Bits of a signed type for every operand and for a threshold that none of them reaches."""
        return IntType.covering(min(x.min, -1), max(x.max + 1, 0)).width

    def estimate(self, x: TensorType, y: TensorType, fold: Fold) -> Estimate:
        folds, out = beats(x, len(self.base), fold.pe), y.elem.width
        cost = _cost(fold.pe, folds, self.count, self.threshold_width(x), out, self.based)
        return Estimate(latency(folds, self.count, self.based), cost)

    @classmethod
    def samples(cls) -> Iterable[tuple[Op, *tuple[TensorType, ...]]]:
        rng = np.random.default_rng(3)
        for channels, steps, repeat, type_ in (
            (1, 1, 5, IntType(1, False)), (1, 1, 4, IntType(8, True)), (6, 1, 1, IntType(11, True)),
            (3, 3, 2, IntType(9, True)), (4, 7, 1, IntType(12, True)), (2, 15, 3, IntType(10, False)),
            (3, 6, 1, IntType(6, True)), (1, 200, 8, IntType(9, True)),
        ):  # fmt: skip
            thresholds = np.sort(rng.integers(type_.lo - 1, type_.hi + 2, (channels, steps)), axis=1)
            sign = rng.choice([-1, 1], channels) if channels > 1 else np.array([1])
            yield cls(thresholds, rng.integers(-4, 4, channels), sign), TensorType.of((repeat, channels), type_)
