"""xnor: y[j] = #{i : x[i] = weight[j, i]} + bias[j], the dense layer of bipolar codes (0 means −1, 1 means +1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..errors import CompileError
from ..ir.netlist import Block, Estimate, Fold, Kernel, Multiplier
from ..ir.op import Codes, Op
from ..ir.types import IntType, TensorType
from . import matvec


@dataclass(frozen=True, eq=False)
class Xnor(Op):
    """`weight` has shape (outputs, inputs) with entries 0 and 1, `bias` (outputs,); the operand is of type u1."""

    mnemonic: ClassVar[str] = "xnor"
    weight: Codes
    bias: Codes

    def infer(self, x: TensorType) -> TensorType:
        outputs, inputs = self.weight.shape
        if x.vector != inputs or x.elem != IntType(1, False):
            raise CompileError("E110", f"a bipolar dense layer of {inputs} inputs got {x}")
        return TensorType.ranged((*x.shape[:-1], outputs), self.bias.tolist(), (self.bias + inputs).tolist())

    def evaluate(self, x: Codes) -> Codes:
        # With w = 2·weight − 1: the matches are Σ w·x plus the number of zero weights.
        return matvec.product(2 * self.weight - 1, x) + ((self.weight == 0).sum(axis=1) + self.bias)

    def to_rtl(self, x: TensorType, fold: Fold, *, replay: bool = True) -> Block | None:
        return matvec.block(self.weight, self.bias, x, self.infer(x), IntType(1, False), fold, replay=replay)

    def to_hls(self, x: TensorType, fold: Fold, *, replay: bool = True) -> Kernel | None:
        return matvec.kernel(self.weight, self.bias, x, self.infer(x), IntType(1, False), fold, replay=replay)

    def estimate(self, x: TensorType, y: TensorType, fold: Fold, *, replay: bool = True) -> Estimate:
        bit = IntType(1, False)
        return matvec.estimate(self.weight, 0.0, bit, bit, y.elem, fold, bool(self.bias.any()), replay=replay)

    @classmethod
    def samples(cls) -> Iterable[tuple[Op, *tuple[TensorType, ...]]]:
        rng = np.random.default_rng(2)
        for outputs, inputs, bias in ((1, 1, 0), (4, 6, 0), (5, 17, -9), (3, 40, 7)):
            weight = rng.integers(0, 2, (outputs, inputs))
            yield cls(weight, np.full(outputs, bias)), TensorType.of((inputs,), IntType(1, False))

    multipliers: ClassVar[tuple[Multiplier, ...]] = (Multiplier.XNOR,)
