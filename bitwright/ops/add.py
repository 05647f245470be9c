"""add: y = left · a + right · b + bias, element by element of two streams; a residual connection."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..errors import CompileError
from ..ir.netlist import Block, Estimate, Fold, Kernel, Resources
from ..ir.op import Codes, Op
from ..ir.types import IntType, TensorType
from .channels import stream_beats


def paired(a: TensorType, b: TensorType) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """The ranges of two operands of one shape, channel by channel. Raises CompileError E110 if the shapes differ."""
    if a.shape != b.shape:
        raise CompileError("E110", f"operands of shapes {list(a.shape)} and {list(b.shape)} cannot meet")
    period = max(len(a.lo), len(b.lo))
    if period % len(a.lo) or period % len(b.lo):
        a, b = (TensorType(t.shape, t.elem, (t.min,), (t.max,)) for t in (a, b))
        period = 1
    return list(zip(*a.bounds(period), strict=True)), list(zip(*b.bounds(period), strict=True))


@dataclass(frozen=True, eq=False)
class Add(Op):
    """Operands of one shape, with constant integer factors."""

    mnemonic: ClassVar[str] = "add"
    left: int
    right: int
    bias: int

    def infer(self, a: TensorType, b: TensorType) -> TensorType:
        ranges = [
            sorted(self.left * u + self.right * v + self.bias for u in of_a for v in of_b)
            for of_a, of_b in zip(*paired(a, b), strict=True)
        ]
        return TensorType.ranged(a.shape, [r[0] for r in ranges], [r[-1] for r in ranges])

    def evaluate(self, a: Codes, b: Codes) -> Codes:
        return self.left * a + self.right * b + self.bias

    def to_rtl(self, a: TensorType, b: TensorType, fold: Fold) -> Block | None:
        return Block("bw_sum", {
            "LANES": fold.pe, "A_WIDTH": a.elem.width, "A_SIGNED": int(a.elem.signed), "B_WIDTH": b.elem.width,
            "B_SIGNED": int(b.elem.signed), "MA": self.left, "MB": self.right, "C": self.bias,
            "OUT_WIDTH": self.infer(a, b).elem.width,
        })  # fmt: skip

    def to_hls(self, a: TensorType, b: TensorType, fold: Fold) -> Kernel | None:
        y = self.infer(a, b)
        left = max(abs(self.left * v) for v in (a.min, a.max, 1))
        right = max(abs(self.right * v) for v in (b.min, b.max, 1))
        most = left + right + abs(self.bias)
        return Kernel("add", {
            "a": a.elem, "b": b.elem, "y": y.elem, "sum": IntType.covering(-most, most), "lanes": fold.pe,
            "frame": stream_beats(y, fold.pe), "left": self.left, "right": self.right, "bias": self.bias,
        })  # fmt: skip

    def estimate(self, a: TensorType, b: TensorType, y: TensorType, fold: Fold) -> Estimate:
        terms = digits(self.left) + digits(self.right) + int(self.bias != 0)
        adders = max(terms - 1, 0)
        width = y.elem.width * 0.8
        return Estimate(latency(self), Resources(lut=fold.pe * adders * width, ff=fold.pe * (adders + 1) * width))

    @classmethod
    def samples(cls) -> Iterable[tuple[Op, *tuple[TensorType, ...]]]:
        for left, right, bias, a, b in (
            (1, 1, 0, IntType(1, False), IntType(1, False)), (1, -1, 0, IntType(8, True), IntType(8, True)),
            (77, 45, -3, IntType(8, True), IntType(4, False)), (-3, 0, 7, IntType(3, False), IntType(5, True)),
        ):  # fmt: skip
            yield cls(left, right, bias), TensorType.of((2, 3, 5), a), TensorType.of((2, 3, 5), b)


def digits(n: int) -> int:
    """Non-zero digits of the canonical signed-digit form."""
    return bin(abs(n) ^ (3 * abs(n))).count("1")


def latency(op: Add) -> int:
    """Cycles through `rtl/bw_sum.v`, as it documents them."""
    terms = digits(op.left) + digits(op.right) + int(op.bias != 0)
    return max(1, int(np.ceil(np.log2(max(terms, 1)))))
