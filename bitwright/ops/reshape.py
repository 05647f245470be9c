"""reshape: the same elements in the same order under another frame shape. It costs no hardware."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from ..errors import CompileError
from ..ir.netlist import Block, Estimate, Fold, Kernel
from ..ir.op import Codes, Op
from ..ir.types import IntType, TensorType


@dataclass(frozen=True, eq=False)
class Reshape(Op):
    """`shape` is the new frame shape, a vector of dimensions."""

    mnemonic: ClassVar[str] = "reshape"
    shape: Codes

    def infer(self, x: TensorType) -> TensorType:
        shape = tuple(int(d) for d in self.shape)
        if prod(shape) != x.size:
            raise CompileError("E110", f"a frame of type {x} cannot be reshaped to {list(shape)}")
        vector = shape[-1] if shape else 1
        if (
            len(x.lo) > vector
            and x.lo[:vector] * (len(x.lo) // vector) == x.lo
            and x.hi[:vector] * (len(x.hi) // vector) == x.hi
        ):
            return TensorType(shape, x.elem, x.lo[:vector], x.hi[:vector])
        return x.with_shape(shape)

    def evaluate(self, x: Codes) -> Codes:
        return x.reshape(x.shape[0], *(int(d) for d in self.shape))

    def to_rtl(self, x: TensorType, fold: Fold) -> Block | None:
        return None

    def to_hls(self, x: TensorType, fold: Fold) -> Kernel | None:
        return None

    def estimate(self, x: TensorType, y: TensorType, fold: Fold) -> Estimate:
        return Estimate()

    @classmethod
    def samples(cls) -> Iterable[tuple[Op, *tuple[TensorType, ...]]]:
        yield cls(np.array([12])), TensorType.of((3, 4), IntType(3, True))
        yield cls(np.array([2, 6])), TensorType.of((12,), IntType(1, False))
