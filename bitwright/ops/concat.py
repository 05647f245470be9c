"""concat: two streams of one length behind each other, vector by vector: the channels of both."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..errors import CompileError
from ..ir.netlist import Block, Estimate, Fold, Kernel, Resources
from ..ir.op import Codes, Op
from ..ir.types import IntType, TensorType


@dataclass(frozen=True, eq=False)
class Concat(Op):
    """Along the last axis; the result's element type holds both operands'."""

    mnemonic: ClassVar[str] = "concat"

    def infer(self, a: TensorType, b: TensorType) -> TensorType:
        if a.shape[:-1] != b.shape[:-1]:
            raise CompileError("E110", f"operands of shapes {list(a.shape)} and {list(b.shape)} cannot be joined")
        lo: tuple[int, ...] = ()
        hi: tuple[int, ...] = ()
        for t in (a, b):
            even = t.vector % len(t.lo) == 0
            low, high = t.bounds(t.vector) if even else ((t.min,) * t.vector, (t.max,) * t.vector)
            lo, hi = lo + low, hi + high
        return TensorType.ranged((*a.shape[:-1], a.vector + b.vector), lo, hi)

    def evaluate(self, a: Codes, b: Codes) -> Codes:
        return np.concatenate([a, b], axis=-1)

    def to_rtl(self, a: TensorType, b: TensorType, fold: Fold) -> Block | None:
        return Block("bw_concat", {
            "WIDTH": self.infer(a, b).elem.width * fold.pe, "A_BEATS": a.vector // fold.pe, "B_BEATS": b.vector // fold.pe,
        })  # fmt: skip

    def to_hls(self, a: TensorType, b: TensorType, fold: Fold) -> Kernel | None:
        y = self.infer(a, b)
        return Kernel("concat", {
            "y": y.elem, "lanes": fold.pe, "a_beats": a.vector // fold.pe, "b_beats": b.vector // fold.pe,
            "vectors": y.size // y.vector,
        })  # fmt: skip

    def estimate(self, a: TensorType, b: TensorType, y: TensorType, fold: Fold) -> Estimate:
        return Estimate(0, Resources(lut=8 + fold.pe * y.elem.width * 0.6, ff=8))

    @classmethod
    def samples(cls) -> Iterable[tuple[Op, *tuple[TensorType, ...]]]:
        for c, d, a, b in ((1, 1, IntType(1, False), IntType(1, False)), (4, 6, IntType(3, True), IntType(5, False))):
            yield cls(), TensorType.of((2, 3, c), a), TensorType.of((2, 3, d), b)
