"""mulshift: y = clip(⌊(m·x + b) / 2^shift⌋, lo, hi), a requantiser with one multiplication."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.netlist import Block, Fold
from ..ir.op import Codes, Op
from ..ir.types import IntType, TensorType
from .channels import by_channel, check_period, over_range, ranged


@dataclass(frozen=True, eq=False)
class MulShift(Op):
    """`m` and `b` have shape (channels,); m·x + b must fit 62 bits over the operand's range."""

    mnemonic: ClassVar[str] = "mulshift"
    m: Codes
    b: Codes
    shift: int
    lo: int
    hi: int

    def infer(self, x: TensorType) -> TensorType:
        check_period(x, len(self.m))
        return ranged(x.shape, self.evaluate(over_range(x, len(self.m))))

    def evaluate(self, x: Codes) -> Codes:
        view = by_channel(x, len(self.m))
        return np.clip((view * self.m + self.b) >> self.shift, self.lo, self.hi).reshape(x.shape)

    def to_rtl(self, x: TensorType, fold: Fold) -> Block | None:
        raise NotImplementedError

    @classmethod
    def samples(cls) -> Iterable[tuple[Op, TensorType]]:
        rng = np.random.default_rng(4)
        s8 = IntType(8, True)
        yield cls(np.array([1]), np.array([0]), 0, -128, 127), TensorType.of((4,), s8)
        yield cls(np.array([-3]), np.array([5]), 1, -8, 7), TensorType.of((4,), IntType(1, False))
        for channels, repeat, bits, shift, type_, lo, hi in (
            (4, 1, 14, 16, IntType(14, True), -128, 127), (3, 3, 8, 7, IntType(6, False), 0, 15),
            (5, 2, 18, 20, IntType(18, True), -2, 1), (1, 6, 16, 12, s8, 0, 255),
        ):  # fmt: skip
            m = rng.integers(-(1 << (bits - 1)), 1 << (bits - 1), channels)
            b = rng.integers(-(1 << shift), 1 << shift, channels)
            yield cls(m, b, shift, lo, hi), TensorType.of((repeat, channels), type_)
