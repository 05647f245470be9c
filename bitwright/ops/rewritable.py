"""rewritable: a dense layer whose weights are written at run time. Everything about it holds for any weights of their type."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np

from ..ir.netlist import Block, Estimate, Fold, Kernel
from ..ir.op import Codes, Op
from ..ir.types import IntType, TensorType
from . import matvec
from .dense import Dense


class Writable(ABC):
    """An operator whose weights are written at run time, a row for each output."""

    @property
    @abstractmethod
    def rows(self) -> Codes:
        """The weights that it starts with, (outputs, inputs of each)."""

    @abstractmethod
    def with_rows(self, rows: Codes) -> Op:
        """The operator with other weights."""


@dataclass(frozen=True, eq=False)
class Rewritable(Dense, Writable):
    """`weight` are those that it starts with, `elem` the type of all that there may be, as `s4`."""

    mnemonic: ClassVar[str] = "rewritable"
    elem: str

    def infer(self, x: TensorType) -> TensorType:
        sums = super().infer(x)
        inputs = self.weight.shape[1]
        low, high = (np.array(end, np.int64).reshape(-1, inputs) for end in x.bounds(max(inputs, len(x.lo))))
        w = self.weight_type
        ends = np.stack([w.lo * low, w.lo * high, w.hi * low, w.hi * high])
        least, most = int(ends.min(axis=(0, 1)).sum()), int(ends.max(axis=(0, 1)).sum())
        return TensorType.ranged(sums.shape, (self.bias + least).tolist(), (self.bias + most).tolist())

    @property
    def weight_range(self) -> tuple[int, int]:
        return self.weight_type.lo, self.weight_type.hi

    @cached_property
    def sparsity(self) -> float:
        """No weight is known to be 0."""
        return 0.0

    @cached_property
    def weight_type(self) -> IntType:
        return IntType.parse(self.elem)

    @property
    def rows(self) -> Codes:
        return self.weight

    def with_rows(self, rows: Codes) -> Op:
        return replace(self, weight=rows)

    def to_rtl(self, x: TensorType, fold: Fold, *, replay: bool = True) -> Block | None:
        y, w = self.infer(x), self.weight_type
        return matvec.block(self.weight, self.bias, x, y, w, fold, replay=replay, free=True)

    def to_hls(self, x: TensorType, fold: Fold, *, replay: bool = True) -> Kernel | None:
        """With the weights that it starts with."""
        return matvec.kernel(self.weight, self.bias, x, self.infer(x), self.weight_type, fold, replay=replay)

    def estimate(self, x: TensorType, y: TensorType, fold: Fold, *, replay: bool = True) -> Estimate:
        w, bias = self.weight_type, bool(self.bias.any())
        return matvec.estimate(self.weight, 0.0, w, x.elem, y.elem, fold, bias, replay=replay, free=True)

    @classmethod
    def samples(cls) -> Iterable[tuple[Op, *tuple[TensorType, ...]]]:
        rng = np.random.default_rng(17)
        for outputs, inputs, elem, type_ in (
            (1, 1, "s2", IntType(3, True)), (5, 7, "s4", IntType(4, False)), (3, 9, "u3", IntType(8, True)),
            (6, 4, "s8", IntType(8, True)),
        ):  # fmt: skip
            w = IntType.parse(elem)
            weight = rng.integers(w.lo, w.hi, (outputs, inputs), endpoint=True)
            yield cls(weight, rng.integers(-9, 10, outputs), elem), TensorType.of((inputs,), type_)
