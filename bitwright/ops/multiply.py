"""multiply: y = (a − za) · (b − zb), element by element of two streams."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from ..ir.netlist import Block, Estimate, Fold, Kernel, Multiplier, Resources
from ..ir.op import Codes, Op
from ..ir.types import IntType, TensorType
from . import area
from .add import paired
from .channels import stream_beats


@dataclass(frozen=True, eq=False)
class Multiply(Op):
    """Operands of one shape, with their zero points."""

    mnemonic: ClassVar[str] = "multiply"
    za: int
    zb: int

    def infer(self, a: TensorType, b: TensorType) -> TensorType:
        ranges = [
            sorted((u - self.za) * (v - self.zb) for u in of_a for v in of_b)
            for of_a, of_b in zip(*paired(a, b), strict=True)
        ]
        return TensorType.ranged(a.shape, [r[0] for r in ranges], [r[-1] for r in ranges])

    def evaluate(self, a: Codes, b: Codes) -> Codes:
        return (a - self.za) * (b - self.zb)

    def to_rtl(self, a: TensorType, b: TensorType, fold: Fold) -> Block | None:
        return Block("bw_product", {
            "LANES": fold.pe, "A_WIDTH": a.elem.width, "A_SIGNED": int(a.elem.signed), "B_WIDTH": b.elem.width,
            "B_SIGNED": int(b.elem.signed), "ZA": self.za, "ZB": self.zb, "OUT_WIDTH": self.infer(a, b).elem.width,
            "KIND": int(fold.multiplier is Multiplier.DSP),
        })  # fmt: skip

    def to_hls(self, a: TensorType, b: TensorType, fold: Fold) -> Kernel | None:
        y = self.infer(a, b)
        return Kernel("multiply", {
            "a": a.elem, "b": b.elem, "y": y.elem, "da": _difference(a.elem, self.za), "db": _difference(b.elem, self.zb),
            "sum": IntType(y.elem.width + int(not y.elem.signed), True), "lanes": fold.pe, "frame": stream_beats(y, fold.pe), "za": self.za,
            "zb": self.zb, "dsp": int(fold.multiplier is Multiplier.DSP),
        })  # fmt: skip

    def estimate(self, a: TensorType, b: TensorType, y: TensorType, fold: Fold) -> Estimate:
        each = area.product(a.elem, b.elem, y.elem.width) + Resources(lut=(self.za != 0) * 9 + (self.zb != 0) * 9)
        if fold.multiplier is Multiplier.DSP:
            each = Resources(lut=10, ff=20, dsp=1)
        return Estimate(latency(self, a.elem, b.elem, fold), each.scaled(fold.pe))

    @classmethod
    def samples(cls) -> Iterable[tuple[Op, *tuple[TensorType, ...]]]:
        for za, zb, a, b in (
            (0, 0, IntType(1, False), IntType(1, False)), (-7, 3, IntType(8, True), IntType(4, False)),
            (0, -128, IntType(2, True), IntType(8, True)),
        ):  # fmt: skip
            yield cls(za, zb), TensorType.of((3, 4), a), TensorType.of((3, 4), b)


def latency(op: Multiply, a: IntType, b: IntType, fold: Fold) -> int:
    """Cycles through `rtl/bw_product.v`, as it documents them."""
    shifted = int(op.za != 0 or op.zb != 0)
    if fold.multiplier is Multiplier.DSP:
        return shifted + 1
    return shifted + 1 + area.multiply_cycles(_difference(a, op.za), _difference(b, op.zb))


def _difference(t: IntType, zero: int) -> IntType:
    """The type in which the module holds an operand less its zero point."""
    if zero == 0:
        return t
    return IntType.covering(min(t.lo - zero, -1), max(t.hi - zero, 0))
