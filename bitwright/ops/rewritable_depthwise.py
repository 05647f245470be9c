"""rewritable_depthwise: a depthwise layer whose weights are written at run time. Everything about it holds for any weights of their type."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from ..ir.op import Codes, Op
from ..ir.types import IntType, TensorType
from .depthwise import Depthwise
from .writable import Writable


@dataclass(frozen=True, eq=False)
class RewritableDepthwise(Writable, Depthwise):
    """`weight` are those that it starts with."""

    mnemonic: ClassVar[str] = "rewritable_depthwise"

    def infer(self, x: TensorType) -> TensorType:
        sums, (taps, channels) = super().infer(x), self.weight.shape
        least, most = self.products(
            *(np.array(end, np.int64).reshape(-1, taps, channels) for end in x.bounds(max(x.vector, len(x.lo))))
        )
        low, high = least.min(axis=0).sum(axis=0) + self.bias, most.max(axis=0).sum(axis=0) + self.bias
        return TensorType.ranged(sums.shape, low.tolist(), high.tolist())

    @property
    def rows(self) -> Codes:
        return self.weight.T

    def with_rows(self, rows: Codes) -> Op:
        return replace(self, weight=np.ascontiguousarray(rows.T))

    @classmethod
    def samples(cls) -> Iterable[tuple[Op, *tuple[TensorType, ...]]]:
        rng = np.random.default_rng(23)
        for taps, channels, elem, type_ in (
            (1, 1, "s2", IntType(3, True)), (9, 4, "s8", IntType(8, True)), (4, 3, "u3", IntType(4, False)),
            (6, 6, "s4", IntType(2, True)),
        ):  # fmt: skip
            w = IntType.parse(elem)
            weight = rng.integers(w.lo, w.hi, (taps, channels), endpoint=True)
            yield cls(weight, rng.integers(-9, 10, channels), elem), TensorType.of((2, 2, taps * channels), type_)
