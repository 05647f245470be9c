"""pick: elements of each vector in another order, some left out, some several times. Wires only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..errors import CompileError
from ..ir.netlist import Block, Estimate, Fold, Kernel
from ..ir.op import Codes, Op
from ..ir.types import IntType, TensorType
from .channels import table

INDEX_BITS = 16
"""Of an index in a parameter of the modules that pick."""


def indices(picks: Sequence[int]) -> int:
    """All of them as one number, the first lowest."""
    return sum(place << INDEX_BITS * k for k, place in enumerate(picks))


def kernel(x: TensorType, picks: Sequence[int]) -> Kernel:
    """The C++ function, on whole vectors of x."""
    params: dict[str, int | IntType] = {
        "x": x.elem, "in": x.vector, "out": len(picks), "frame": x.size // x.vector,
    }  # fmt: skip
    return Kernel("pick", params, {"index": table(np.array(picks, np.int64))})


@dataclass(frozen=True, eq=False)
class Pick(Op):
    """y[k] = x[index[k]] along the last axis. A vector comes in one beat."""

    mnemonic: ClassVar[str] = "pick"
    index: Codes

    def infer(self, x: TensorType) -> TensorType:
        if self.index.min() < 0 or self.index.max() >= x.vector:
            raise CompileError(
                "E110", f"elements {self.index.min()} to {self.index.max()} are not all in vectors of {x}"
            )
        lo, hi = (x.min,), (x.max,)
        if x.vector % len(x.lo) == 0 and len(x.lo) > 1:
            lo, hi = (tuple(v[i] for i in self.index.tolist()) for v in x.bounds(x.vector))
        return TensorType((*x.shape[:-1], len(self.index)), x.elem, lo, hi)

    def evaluate(self, x: Codes) -> Codes:
        return x[..., self.index]

    def to_rtl(self, x: TensorType, fold: Fold) -> Block | None:
        return Block("bw_pick", {
            "WIDTH": x.elem.width, "IN_LANES": x.vector, "OUT_LANES": len(self.index), "PICKS": indices(self.index.tolist()),
        })  # fmt: skip

    def to_hls(self, x: TensorType, fold: Fold) -> Kernel | None:
        return kernel(x, self.index.tolist())

    def estimate(self, x: TensorType, y: TensorType, fold: Fold) -> Estimate:
        return Estimate()

    @classmethod
    def samples(cls) -> Iterable[tuple[Op, *tuple[TensorType, ...]]]:
        for index, shape in (((0,), (1,)), ((3, 1, 1, 0, 2), (2, 3, 4)), ((2, 4), (3, 5))):
            yield cls(np.array(index)), TensorType.of(shape, IntType(3, True))
