"""total: y[c] = max or Σ over all vectors of a frame, a channel for itself: global pooling."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from typing import ClassVar

from ..ir import chip
from ..ir.netlist import Block, Estimate, Fold, Kernel, Resources
from ..ir.op import Codes, Op
from ..ir.types import IntType, TensorType
from . import area

LATENCY = 1
"""Cycles from a beat of the last position to its result in `rtl/bw_total.v`, as it documents them."""


@dataclass(frozen=True, eq=False)
class Total(Op):
    """(…, C) → (C,); `largest` takes the maximum, else it is the sum."""

    mnemonic: ClassVar[str] = "total"
    largest: bool

    def infer(self, x: TensorType) -> TensorType:
        count = x.size // x.vector
        lo, hi = (x.lo, x.hi) if x.vector % len(x.lo) == 0 else ((x.min,), (x.max,))
        if self.largest:
            return TensorType((x.vector,), x.elem, lo, hi)
        return TensorType.ranged((x.vector,), [v * count for v in lo], [v * count for v in hi])

    def evaluate(self, x: Codes) -> Codes:
        vectors = x.reshape(len(x), -1, x.shape[-1])
        return vectors.max(axis=1) if self.largest else vectors.sum(axis=1)

    def to_rtl(self, x: TensorType, fold: Fold) -> Block | None:
        return Block("bw_total", {
            "POSITIONS": x.size // x.vector, "WORDS": ceil(x.vector / fold.pe), "LANES": fold.pe,
            "WIDTH": x.elem.width, "SIGNED": int(x.elem.signed), "OUT_WIDTH": self.infer(x).elem.width,
            "KIND": int(not self.largest),
        })  # fmt: skip

    def to_hls(self, x: TensorType, fold: Fold) -> Kernel | None:
        return Kernel("total", {
            "x": x.elem, "y": self.infer(x).elem, "lanes": fold.pe, "words": ceil(x.vector / fold.pe),
            "vectors": x.size // x.vector, "largest": int(self.largest),
        })  # fmt: skip

    def estimate(self, x: TensorType, y: TensorType, fold: Fold) -> Estimate:
        word = fold.pe * y.elem.width
        each = x.elem.width * 1.6 if self.largest else y.elem.width
        store, others = Resources(), ceil(x.vector / fold.pe) - 1
        if others:
            store = (
                Resources(lut=area.lutram(word, others + 1)) if chip.current().shifts else Resources(ff=word * others)
            )
        return Estimate(LATENCY, Resources(lut=30 + fold.pe * each, ff=30 + word) + store)

    @classmethod
    def samples(cls) -> Iterable[tuple[Op, *tuple[TensorType, ...]]]:
        for shape, elem in (((1, 3), IntType(1, False)), ((3, 4, 6), IntType(5, True)), ((7, 1), IntType(8, False))):
            for largest in (True, False):
                yield cls(largest), TensorType.of(shape, elem)
