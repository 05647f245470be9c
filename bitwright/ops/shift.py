"""shift: y = clip(round((x·2^left + b) / 2^right), lo, hi), a requantiser without a multiplication."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.netlist import Block, Estimate, Fold, Kernel, Memory, Ram, Resources
from ..ir.op import Codes, Op
from ..ir.types import IntType, TensorType
from . import area
from .channels import (
    beats,
    by_channel,
    check_period,
    fold_rows,
    kernel_params,
    over_range,
    pack_words,
    ranged,
    signed_width,
    table,
)


def latency(folds: int, biased: bool, even: bool, clips: bool) -> int:
    """Cycles through `rtl/bw_shift.v`, as it documents them."""
    return (area.read_cycles(folds) + 1 if biased else 0) + int(even) + int(clips)


@dataclass(frozen=True, eq=False)
class Shift(Op):
    """`b` has shape (channels,). With `even` it rounds to nearest, ties to even; without, down."""

    mnemonic: ClassVar[str] = "shift"
    b: Codes
    left: int
    right: int
    lo: int
    hi: int
    even: bool = False

    def infer(self, x: TensorType) -> TensorType:
        check_period(x, len(self.b))
        return ranged(x.shape, self.evaluate(over_range(x, len(self.b))))

    def evaluate(self, x: Codes) -> Codes:
        view = by_channel(x, len(self.b))
        return np.clip(self._round(view), self.lo, self.hi).reshape(x.shape)

    def _round(self, x: Codes) -> Codes:
        """Before clipping; x has the channels along its last axis."""
        value = (x << self.left) + self.b
        if self.even and self.right:
            value = value + ((1 << (self.right - 1)) - 1) + ((value >> self.right) & 1)
        return value >> self.right

    def to_rtl(self, x: TensorType, fold: Fold) -> Block | None:
        y, lanes, b_width = self.infer(x).elem, fold.pe, signed_width(self.b)
        rows = fold_rows(self.b[:, None], x, lanes, np.zeros(1, np.int64))
        params: dict[str, int | Memory] = {
            "LANES": lanes,
            "FOLDS": len(rows),
            "IN_WIDTH": x.elem.width,
            "IN_SIGNED": int(x.elem.signed),
            "B_WIDTH": b_width,
            "LEFT": self.left,
            "SHIFT": self.right,
            "EVEN": int(self.even),
            "OUT_WIDTH": y.width,
            "CLIP": int(self.clips(x)),
            "LO": self.lo,
            "HI": self.hi,
            "HAS_BIAS": int(self.b.any()),
            "PARAMS": Memory(lanes * b_width, pack_words(rows, b_width)),
        }
        return Block("bw_shift", params)

    def clips(self, x: TensorType) -> bool:
        """Whether any operand of the type leaves lo .. hi before clipping."""
        free = self._round(over_range(x, len(self.b)).reshape(2, -1, len(self.b)))
        return bool(free.min() < self.lo or free.max() > self.hi)

    def to_hls(self, x: TensorType, fold: Fold) -> Kernel | None:
        y, rows = self.infer(x), fold_rows(self.b[:, None], x, fold.pe, np.zeros(1, np.int64))
        free = (over_range(x, len(self.b)).reshape(2, -1, len(self.b)) << self.left) + self.b
        half = (1 << self.right) >> 1 if self.even else 0
        ends = [*free.reshape(-1)[[free.argmin(), free.argmax()]].tolist(), x.min << self.left, x.max << self.left]
        sums = IntType.covering(min(*ends, -1), max(ends) + half)
        params = kernel_params(x, y, fold.pe, len(rows)) | {"sum": sums, "left": self.left, "right": self.right, "even": int(self.even),
                  "clip": int(self.clips(x)), "lo": self.lo, "hi": self.hi}  # fmt: skip
        return Kernel("shift", params, {"b": table(rows)})

    def estimate(self, x: TensorType, y: TensorType, fold: Fold) -> Estimate:
        b_width, biased, out = signed_width(self.b), bool(self.b.any()), y.elem.width
        clips, folds = self.clips(x), beats(x, len(self.b), fold.pe)
        total = max(x.elem.width + self.left, b_width) + 1
        lut = (
            (total if biased else 0)
            + (total - self.right + self.right / 5 if self.even else 0)
            + ((total - self.right) / 3 + out if clips else 0)
        )
        cost = Resources(lut=lut * fold.pe, ff=(2 * total + out) * fold.pe)
        cost += area.rom(fold.pe * b_width * int(biased), folds, Ram.DISTRIBUTED)
        return Estimate(latency(folds, biased, self.even, clips), cost)

    @classmethod
    def samples(cls) -> Iterable[tuple[Op, *tuple[TensorType, ...]]]:
        rng = np.random.default_rng(5)
        yield cls(np.array([0]), 0, 0, 0, 127), TensorType.of((4,), IntType(8, True))
        yield cls(np.array([1]), 0, 1, -1, 0), TensorType.of((3,), IntType(1, True))
        for channels, repeat, left, right, type_, lo, hi in (
            (4, 2, 0, 7, IntType(16, True), -128, 127), (3, 1, 3, 6, IntType(5, False), 0, 3),
            (5, 1, 0, 2, IntType(7, True), -16, 15), (1, 6, 2, 0, IntType(4, True), -64, 63),
        ):  # fmt: skip
            b = rng.integers(-(1 << right), 1 << (right + 1), channels)
            yield cls(b, left, right, lo, hi), TensorType.of((repeat, channels), type_)
            yield cls(b * (channels > 3), left, right, lo, hi, True), TensorType.of((repeat, channels), type_)
