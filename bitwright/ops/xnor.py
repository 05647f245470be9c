"""xnor: y[j] = #{i : x[i] = weight[j, i]} + bias[j], the dense layer of bipolar codes (0 means −1, 1 means +1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from ..errors import CompileError
from ..ir.netlist import Block, Estimate, Fold, Kernel, Multiplier
from ..ir.op import Codes, Op
from ..ir.types import IntType, TensorType
from . import matvec


@dataclass(frozen=True, eq=False)
class Xnor(Op):
    """`weight` has shape (outputs, inputs) with entries 0 and 1, `bias` (outputs,); the operand is of type u1.

    The operand's vectors may be those of several `pixels`, side by side `run` inputs at a time: the first `run` of each,
    then the next; the results are those of one pixel after the other.
    """

    mnemonic: ClassVar[str] = "xnor"
    weight: Codes
    bias: Codes
    pixels: int = 1
    run: int = 1

    def infer(self, x: TensorType) -> TensorType:
        outputs, inputs = self.weight.shape
        if x.vector != inputs * self.pixels or inputs % self.run or x.elem != IntType(1, False):
            raise CompileError("E110", f"a bipolar dense layer of {inputs} inputs got {x}")
        shape = (*x.shape[:-1], outputs * self.pixels)
        return TensorType.ranged(shape, self.bias.tolist(), (self.bias + inputs).tolist())

    def evaluate(self, x: Codes) -> Codes:
        outputs, inputs = self.weight.shape
        each = x.reshape(*x.shape[:-1], inputs // self.run, self.pixels, self.run).swapaxes(-3, -2)
        # With w = 2·weight − 1: the matches are Σ w·x plus the number of zero weights.
        found = matvec.product(2 * self.weight - 1, each.reshape(*x.shape[:-1], self.pixels, inputs))
        found += (self.weight == 0).sum(axis=1) + self.bias
        return found.reshape(*x.shape[:-1], self.pixels * outputs)

    def to_rtl(self, x: TensorType, fold: Fold, *, replay: bool = True) -> Block | None:
        """Several pixels share the weights: the unit has all rows of each."""
        each = self._each(fold)
        block = matvec.block(self.weight, self.bias, x, self.infer(x), IntType(1, False), each, replay=replay)
        if self.pixels == 1:
            return block
        return replace(block, params={**block.params, "PIXELS": self.pixels, "RUN": self.run})

    def to_hls(self, x: TensorType, fold: Fold, *, replay: bool = True) -> Kernel | None:
        each = self._each(fold)
        kernel = matvec.kernel(self.weight, self.bias, x, self.infer(x), IntType(1, False), each, replay=replay)
        return replace(kernel, params={**kernel.params, "pixels": self.pixels, "run": self.run})

    def estimate(self, x: TensorType, y: TensorType, fold: Fold, *, replay: bool = True) -> Estimate:
        bit = IntType(1, False)
        each, bias = self._each(fold), bool(self.bias.any())
        return matvec.estimate(self.weight, 0.0, bit, bit, y.elem, each, bias, replay=replay, pixels=self.pixels)

    def _each(self, fold: Fold) -> Fold:
        """Rows and columns a cycle of each pixel."""
        return replace(fold, pe=max(1, fold.pe // self.pixels), simd=max(1, fold.simd // self.pixels))

    @classmethod
    def samples(cls) -> Iterable[tuple[Op, *tuple[TensorType, ...]]]:
        rng = np.random.default_rng(2)
        for outputs, inputs, bias in ((1, 1, 0), (4, 6, 0), (5, 17, -9), (3, 40, 7)):
            weight = rng.integers(0, 2, (outputs, inputs))
            yield cls(weight, np.full(outputs, bias)), TensorType.of((inputs,), IntType(1, False))
        for outputs, inputs, pixels, run, bias in ((1, 1, 2, 1, 0), (3, 12, 2, 3, 4), (5, 6, 4, 6, -3)):
            weight = rng.integers(0, 2, (outputs, inputs))
            op = cls(weight, rng.integers(min(bias, 0), max(bias, 0) + 1, outputs), pixels, run)
            yield op, TensorType.of((2, 3, inputs * pixels), IntType(1, False))

    multipliers: ClassVar[tuple[Multiplier, ...]] = (Multiplier.XNOR,)
