"""What operators whose weights are written at run time share: all about them holds for any weights of a type."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from ..ir.op import Codes, Op
from ..ir.types import IntType


@dataclass(frozen=True, eq=False)
class Writable(ABC):
    """A base that comes before the operator with constant weights; `elem` is the type of all that there may be, as `s4`."""

    writable: ClassVar[bool] = True
    elem: str

    @cached_property
    def weight_type(self) -> IntType:
        return IntType.parse(self.elem)

    @property
    def weight_range(self) -> tuple[int, int]:
        return self.weight_type.lo, self.weight_type.hi

    def products(self, low: Codes, high: Codes) -> tuple[Codes, Codes]:
        """The least and the greatest of any weight times an activation from `low` to `high`, element by element."""
        w = self.weight_type
        ends = np.stack([w.lo * low, w.lo * high, w.hi * low, w.hi * high])
        return ends.min(axis=0), ends.max(axis=0)

    @property
    @abstractmethod
    def rows(self) -> Codes:
        """The weights that it starts with, (outputs, inputs of each)."""

    @abstractmethod
    def with_rows(self, rows: Codes) -> Op:
        """The operator with other weights."""
