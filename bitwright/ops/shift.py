"""shift: y = clip(⌊(x·2^left + b) / 2^right⌋, lo, hi), a requantiser without a multiplication."""

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
class Shift(Op):
    """`b` has shape (channels,)."""

    mnemonic: ClassVar[str] = "shift"
    b: Codes
    left: int
    right: int
    lo: int
    hi: int

    def infer(self, x: TensorType) -> TensorType:
        check_period(x, len(self.b))
        return ranged(x.shape, self.evaluate(over_range(x, len(self.b))))

    def evaluate(self, x: Codes) -> Codes:
        view = by_channel(x, len(self.b))
        return np.clip(((view << self.left) + self.b) >> self.right, self.lo, self.hi).reshape(x.shape)

    def to_rtl(self, x: TensorType, fold: Fold) -> Block | None:
        raise NotImplementedError

    @classmethod
    def samples(cls) -> Iterable[tuple[Op, TensorType]]:
        rng = np.random.default_rng(5)
        yield cls(np.array([0]), 0, 0, 0, 127), TensorType.of((4,), IntType(8, True))
        yield cls(np.array([1]), 0, 1, -1, 0), TensorType.of((3,), IntType(1, True))
        for channels, repeat, left, right, type_, lo, hi in (
            (4, 2, 0, 7, IntType(16, True), -128, 127), (3, 1, 3, 6, IntType(5, False), 0, 3),
            (5, 1, 0, 2, IntType(7, True), -16, 15), (1, 6, 2, 0, IntType(4, True), -64, 63),
        ):  # fmt: skip
            b = rng.integers(-(1 << right), 1 << (right + 1), channels)
            yield cls(b, left, right, lo, hi), TensorType.of((repeat, channels), type_)
