"""permute: the elements of a frame in another order, which takes a memory of as much as changes places."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from ..errors import CompileError
from ..ir.netlist import Block, Estimate, Fold, Kernel, Ram, Resources
from ..ir.op import Codes, Op
from ..ir.types import IntType, TensorType
from . import area

LEVELS = 4


@dataclass(frozen=True, eq=False)
class Permute(Op):
    """Axis i of the result is axis order[i] of the operand."""

    mnemonic: ClassVar[str] = "permute"
    order: Codes

    def infer(self, x: TensorType) -> TensorType:
        if sorted(self.order.tolist()) != list(range(len(x.shape))):
            raise CompileError("E110", f"{self.order.tolist()} is no order of the axes of {x}")
        if len(self.loops(x)) + (self.run(x) > 1) > LEVELS:
            raise CompileError("E110", f"the order {self.order.tolist()} of {x} needs more than {LEVELS} loops")
        return TensorType(tuple(x.shape[int(i)] for i in self.order), x.elem, (x.min,), (x.max,))

    def evaluate(self, x: Codes) -> Codes:
        return np.ascontiguousarray(x.transpose(0, *(self.order + 1)))

    def block(self, x: TensorType) -> int:
        """Elements that are permuted among themselves."""
        kept = 0
        while kept < len(self.order) and self.order[kept] == kept:
            kept += 1
        return max(prod(x.shape[kept:]), self.run(x))

    def run(self, x: TensorType) -> int:
        """Elements that stay together."""
        last, kept = len(self.order) - 1, 0
        while kept <= last and self.order[last - kept] == last - kept:
            kept += 1
        return prod(x.shape[len(x.shape) - kept :])

    def loops(self, x: TensorType) -> list[tuple[int, int]]:
        """Count and stride in elements of each loop of the reader over a block of runs, outermost first; none is 1 long."""
        strides = [prod(x.shape[i + 1 :]) for i in range(len(x.shape))]
        block, run = self.block(x), self.run(x)
        found: list[tuple[int, int]] = []
        for i in self.order.tolist():
            count, stride = x.shape[i], strides[i]
            if count == 1 or stride >= block or stride < run:
                continue
            if found and found[-1][1] == count * stride:  # one walk through both
                count *= found.pop()[0]
            found.append((count, stride))
        return found

    def to_rtl(self, x: TensorType, fold: Fold) -> Block | None:
        loops = self._nest(x, fold)
        nest = {f"{name}{i}": v for i, loop in enumerate(loops) for name, v in zip(("COUNT", "STRIDE"), loop)}
        return Block("bw_reorder", {"WIDTH": x.elem.width * fold.pe, **nest, "STYLE": int(fold.buffer)})

    def to_hls(self, x: TensorType, fold: Fold) -> Kernel | None:
        block = self.block(x)
        nest = {
            f"{name}{i}": v for i, loop in enumerate(self._nest(x, fold)) for name, v in zip(("count", "stride"), loop)
        }
        params: dict[str, int | IntType] = {
            "y": x.elem,
            "lanes": fold.pe,
            "block": block // fold.pe,
            "blocks": x.size // block,
        }
        return Kernel("permute", params | nest)

    def _nest(self, x: TensorType, fold: Fold) -> list[tuple[int, int]]:
        """The loops over beats, filled up to as many as the module has."""
        loops = [(c, s // fold.pe) for c, s in self.loops(x)]
        if self.run(x) > fold.pe:
            loops.append((self.run(x) // fold.pe, 1))
        return [(1, 0)] * (LEVELS - len(loops)) + loops

    def estimate(self, x: TensorType, y: TensorType, fold: Fold) -> Estimate:
        word, depth = x.elem.width * fold.pe, 2 * self.block(x) // fold.pe
        cost = Resources(lut=80 + word, ff=60 + 2 * word)
        if fold.buffer is Ram.BLOCK:
            return Estimate(0, cost + Resources(bram36=area.block_rams(word, depth, written=True)))
        return Estimate(0, cost + Resources(lut=area.lutram(word, depth)))

    @classmethod
    def samples(cls) -> Iterable[tuple[Op, *tuple[TensorType, ...]]]:
        for shape, order in (
            ((3, 4), (1, 0)),
            ((2, 3, 2, 2, 5), (0, 2, 1, 3, 4)),
            ((3, 4, 5), (2, 0, 1)),
            ((2, 3, 4), (1, 0, 2)),
        ):
            yield cls(np.array(order)), TensorType.of(shape, IntType(4, True))
