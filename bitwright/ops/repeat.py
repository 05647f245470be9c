"""repeat: each pixel as a block of equal ones: upsampling by whole numbers to the nearest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from typing import ClassVar

import numpy as np

from ..errors import CompileError
from ..ir.netlist import Block, Estimate, Fold, Kernel, Ram, Resources
from ..ir.op import Codes, Op
from ..ir.types import IntType, TensorType
from . import area


@dataclass(frozen=True, eq=False)
class Repeat(Op):
    """(H, W, C) → (rows · H, columns · W, C)."""

    mnemonic: ClassVar[str] = "repeat"
    rows: int
    columns: int

    def infer(self, x: TensorType) -> TensorType:
        if len(x.shape) != 3:
            raise CompileError("E110", f"only images of rows, columns and channels are upsampled, not {x}")
        height, width, channels = x.shape
        lo, hi = (x.lo, x.hi) if channels % len(x.lo) == 0 else ((x.min,), (x.max,))
        return TensorType((height * self.rows, width * self.columns, channels), x.elem, lo, hi)

    def evaluate(self, x: Codes) -> Codes:
        return np.repeat(np.repeat(x, self.rows, axis=1), self.columns, axis=2)

    def to_rtl(self, x: TensorType, fold: Fold) -> Block | None:
        return Block("bw_repeat", {
            "BITS": x.elem.width * fold.pe, "WORDS": ceil(x.vector / fold.pe), "WIDTH": x.shape[1],
            "RH": self.rows, "RW": self.columns, "DEPTH": self.depth(x, fold.pe), "STYLE": int(fold.buffer),
        })  # fmt: skip

    def depth(self, x: TensorType, lanes: int) -> int:
        """Words of the ring: a row, or a pixel if rows stay as they are, and two that are under way."""
        return ceil(x.vector / lanes) * (x.shape[1] if self.rows > 1 else 1) + 2

    def to_hls(self, x: TensorType, fold: Fold) -> Kernel | None:
        height, width, _ = x.shape
        pixels = width if self.rows > 1 else 1
        return Kernel("repeat", {
            "y": x.elem, "lanes": fold.pe, "words": ceil(x.vector / fold.pe), "pixels": pixels,
            "runs": height * width // pixels, "rows": self.rows, "columns": self.columns,
        })  # fmt: skip

    def estimate(self, x: TensorType, y: TensorType, fold: Fold) -> Estimate:
        word, depth = x.elem.width * fold.pe, self.depth(x, fold.pe)
        cost = Resources(lut=60 + word, ff=50 + 2 * word)
        if fold.buffer is Ram.BLOCK:
            return Estimate(0, cost + Resources(bram36=area.block_rams(word, depth, written=True)))
        return Estimate(0, cost + Resources(lut=area.lutram(word, depth)))

    @classmethod
    def samples(cls) -> Iterable[tuple[Op, *tuple[TensorType, ...]]]:
        for rows, columns, shape in ((1, 1, (1, 1, 1)), (2, 2, (3, 4, 3)), (3, 1, (2, 3, 4)), (1, 3, (2, 2, 5))):
            yield cls(rows, columns), TensorType.of(shape, IntType(3, True))
