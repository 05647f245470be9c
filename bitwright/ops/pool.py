"""pool: y[c] = max or Σ over the taps of a window, a channel for itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from ..errors import CompileError
from ..ir.netlist import Block, Estimate, Fold, Kernel, Resources
from ..ir.op import Codes, Op
from ..ir.types import IntType, TensorType
from . import area, matvec


@dataclass(frozen=True, eq=False)
class Pool(Op):
    """The operand's vectors are `taps` times the channels long; `largest` takes the maximum, else it is the sum."""

    mnemonic: ClassVar[str] = "pool"
    taps: int
    largest: bool

    def infer(self, x: TensorType) -> TensorType:
        if x.vector % self.taps:
            raise CompileError("E110", f"{self.taps} taps do not fit vectors of {x}")
        channels = x.vector // self.taps
        shape = (*x.shape[:-1], channels)
        lo, hi = (x.lo, x.hi) if channels % len(x.lo) == 0 else ((x.min,), (x.max,))
        if self.largest:
            return TensorType(shape, x.elem, lo, hi)
        return TensorType.ranged(shape, [v * self.taps for v in lo], [v * self.taps for v in hi])

    def evaluate(self, x: Codes) -> Codes:
        taps = x.reshape(*x.shape[:-1], self.taps, -1)
        return taps.max(axis=-2) if self.largest else taps.sum(axis=-2)

    def to_rtl(self, x: TensorType, fold: Fold) -> Block | None:
        return Block("bw_pool", {
            "TAPS": self.taps, "LANES": fold.pe, "SIMD": fold.taps, "WIDTH": x.elem.width, "SIGNED": int(x.elem.signed),
            "OUT_WIDTH": self.infer(x).elem.width, "KIND": int(not self.largest),
        })  # fmt: skip

    def to_hls(self, x: TensorType, fold: Fold) -> Kernel | None:
        y = self.infer(x)
        return Kernel("pool", {
            "x": x.elem, "y": y.elem, "lanes": fold.pe, "taps": fold.taps, "steps": self.taps // fold.taps,
            "results": y.size // fold.pe, "largest": int(self.largest),
        })  # fmt: skip

    def estimate(self, x: TensorType, y: TensorType, fold: Fold) -> Estimate:
        """The latency is that of `rtl/bw_pool.v`; beside the control a step of each lane, and the tree in front of it."""
        bits = x.elem.width
        if self.largest:
            each = Resources(lut=fold.taps * bits, ff=(fold.taps + (fold.taps > 1)) * bits)
        else:
            each = Resources(lut=y.elem.width, ff=y.elem.width) + matvec.tree(1, fold.taps, bits, y.elem.width, 1.0)
        return Estimate(1 + area.clog2(fold.taps), Resources(lut=15, ff=15) + each.scaled(fold.pe))

    @classmethod
    def samples(cls) -> Iterable[tuple[Op, *tuple[TensorType, ...]]]:
        for taps, channels, elem in ((1, 3, IntType(1, False)), (4, 5, IntType(6, True)), (9, 2, IntType(8, False))):
            for largest in (True, False):
                yield cls(taps, largest), TensorType.of((3, 2, taps * channels), elem)
