"""rewritable_depthwise: a depthwise layer whose weights are written at run time. Everything about it holds for any weights of their type."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np

from ..ir.op import Codes, Op
from ..ir.types import IntType, TensorType
from .depthwise import Depthwise
from .rewritable import Writable


@dataclass(frozen=True, eq=False)
class RewritableDepthwise(Depthwise, Writable):
    """`weight` are those that it starts with, `elem` the type of all that there may be, as `s4`."""

    mnemonic: ClassVar[str] = "rewritable_depthwise"
    writable: ClassVar[bool] = True
    elem: str

    def infer(self, x: TensorType) -> TensorType:
        sums, (taps, channels) = super().infer(x), self.weight.shape
        low, high = (np.array(end, np.int64).reshape(-1, taps, channels) for end in x.bounds(max(x.vector, len(x.lo))))
        w = self.weight_type
        ends = np.stack([w.lo * low, w.lo * high, w.hi * low, w.hi * high])
        least, most = ends.min(axis=(0, 1)).sum(axis=0), ends.max(axis=(0, 1)).sum(axis=0)
        return TensorType.ranged(sums.shape, (self.bias + least).tolist(), (self.bias + most).tolist())

    @property
    def weight_range(self) -> tuple[int, int]:
        return self.weight_type.lo, self.weight_type.hi

    @cached_property
    def weight_type(self) -> IntType:
        return IntType.parse(self.elem)

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
