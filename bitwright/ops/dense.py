"""dense: y[j] = Σᵢ weight[j, i] · x[i] + bias[j] along the last axis, exact."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from ..errors import CompileError
from ..ir.netlist import Block, Estimate, Fold, Kernel, Multiplier
from ..ir.op import Codes, Op
from ..ir.types import IntType, TensorType
from . import matvec


@dataclass(frozen=True, eq=False)
class Dense(Op):
    """`weight` has shape (outputs, inputs), `bias` (outputs,)."""

    mnemonic: ClassVar[str] = "dense"
    weight: Codes
    bias: Codes

    writable: ClassVar[bool] = False
    """Whether weights can be written at run time."""

    def infer(self, x: TensorType) -> TensorType:
        outputs, inputs = self.weight.shape
        if x.vector != inputs:
            raise CompileError(
                "E110",
                f"a dense layer of {inputs} inputs got {x}",
                hint="a Flatten or Reshape before it may be missing",
            )
        # The exact range of each dot product from the operand's channels, so that a pruned row gets a narrow sum.
        lo, hi = x.bounds(max(inputs, len(x.lo)))
        low = np.array(lo, np.int64).reshape(-1, inputs).min(axis=0)
        high = np.array(hi, np.int64).reshape(-1, inputs).max(axis=0)
        positive, negative = np.maximum(self.weight, 0), np.minimum(self.weight, 0)
        least = positive @ low + negative @ high + self.bias
        most = positive @ high + negative @ low + self.bias
        return TensorType.ranged((*x.shape[:-1], outputs), least.tolist(), most.tolist())

    def evaluate(self, x: Codes) -> Codes:
        return matvec.product(self.weight, x) + self.bias

    @property
    def weight_range(self) -> tuple[int, int]:
        """The least and the greatest weight that there may be."""
        return int(self.weight.min()), int(self.weight.max())

    @cached_property
    def sparsity(self) -> float:
        """The share of zeros among the weights."""
        return 1.0 - np.count_nonzero(self.weight) / self.weight.size

    @cached_property
    def weight_type(self) -> IntType:
        """The narrowest type of all weights."""
        return IntType.covering(int(self.weight.min()), int(self.weight.max()))

    def to_rtl(self, x: TensorType, fold: Fold, *, replay: bool = True) -> Block | None:
        y, w = self.infer(x), self.weight_type
        return matvec.block(self.weight, self.bias, x, y, w, fold, replay=replay, free=self.writable)

    def to_hls(self, x: TensorType, fold: Fold, *, replay: bool = True) -> Kernel | None:
        return matvec.kernel(self.weight, self.bias, x, self.infer(x), self.weight_type, fold, replay=replay)

    def estimate(self, x: TensorType, y: TensorType, fold: Fold, *, replay: bool = True) -> Estimate:
        w, bias = self.weight_type, bool(self.bias.any())
        return matvec.estimate(
            self.weight, self.sparsity, w, x.elem, y.elem, fold, bias, replay=replay, free=self.writable
        )

    @classmethod
    def samples(cls) -> Iterable[tuple[Op, *tuple[TensorType, ...]]]:
        rng = np.random.default_rng(1)
        s8, u4, u1 = IntType(8, True), IntType(4, False), IntType(1, False)
        for outputs, inputs, low, high, type_, bias in (
            (1, 1, -128, -127, s8, 0), (1, 7, 1, 2, u1, 3), (3, 5, -8, 8, u4, 0), (6, 8, -128, 128, s8, 1000),
            (5, 12, -1, 2, IntType(2, True), 0), (4, 10, -2, 2, u1, -9), (4, 6, 0, 4, IntType(3, False), 0),
        ):  # fmt: skip
            weight = rng.integers(low, high, (outputs, inputs))
            yield cls(weight, rng.integers(-abs(bias), abs(bias) + 1, outputs)), TensorType.of((inputs,), type_)
        yield cls(rng.integers(-4, 4, (3, 4)), np.zeros(3, np.int64)), TensorType.of((5, 4), IntType(4, True))

    multipliers: ClassVar[tuple[Multiplier, ...]] = (Multiplier.LUT, Multiplier.DSP)
