"""threshold: y = base + sign · #{k : x ≥ thresholds[k]}, any monotone step function, a set of constants a channel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.netlist import Block, Fold
from ..ir.op import Codes, Op
from ..ir.types import IntType, TensorType
from .channels import by_channel, check_period, over_range, ranged

FEW = 24  # up to so many thresholds a comparison each is faster in NumPy than a binary search a channel


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
        raise NotImplementedError

    @classmethod
    def samples(cls) -> Iterable[tuple[Op, TensorType]]:
        rng = np.random.default_rng(3)
        for channels, steps, repeat, type_ in (
            (1, 1, 5, IntType(1, False)), (1, 1, 4, IntType(8, True)), (6, 1, 1, IntType(11, True)),
            (3, 3, 2, IntType(9, True)), (4, 7, 1, IntType(12, True)), (2, 15, 3, IntType(10, False)),
            (3, 6, 1, IntType(6, True)), (1, 200, 8, IntType(9, True)),
        ):  # fmt: skip
            thresholds = np.sort(rng.integers(type_.lo - 1, type_.hi + 2, (channels, steps)), axis=1)
            sign = rng.choice([-1, 1], channels) if channels > 1 else np.array([1])
            yield cls(thresholds, rng.integers(-4, 4, channels), sign), TensorType.of((repeat, channels), type_)
