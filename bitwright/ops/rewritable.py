"""rewritable: a dense layer whose weights are written at run time. Everything about it holds for any weights of their type."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np

from ..ir.op import Codes, Op
from ..ir.types import IntType, TensorType
from .dense import Dense
from .writable import Writable


@dataclass(frozen=True, eq=False)
class Rewritable(Writable, Dense):
    """`weight` are those that it starts with; the C++ has them for good."""

    mnemonic: ClassVar[str] = "rewritable"

    def infer(self, x: TensorType) -> TensorType:
        sums = super().infer(x)
        inputs = self.weight.shape[1]
        least, most = self.products(
            *(np.array(end, np.int64).reshape(-1, inputs) for end in x.bounds(max(inputs, len(x.lo))))
        )
        low, high = int(least.min(axis=0).sum()), int(most.max(axis=0).sum())
        return TensorType.ranged(sums.shape, (self.bias + low).tolist(), (self.bias + high).tolist())

    @cached_property
    def sparsity(self) -> float:
        """No weight is known to be 0."""
        return 0.0

    @property
    def rows(self) -> Codes:
        return self.weight

    def with_rows(self, rows: Codes) -> Op:
        return replace(self, weight=rows)

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
