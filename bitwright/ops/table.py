"""table: y = table[x], any function of one code; the same for every element."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..errors import CompileError
from ..ir.netlist import Block, Estimate, Fold, Kernel, Memory, Ram, Resources
from ..ir.op import Codes, Op
from ..ir.types import IntType, TensorType
from . import area
from .channels import kernel_params, pack_words, table

LATENCY = 1
"""Cycles through `rtl/bw_table.v`, as it documents them."""


@dataclass(frozen=True, eq=False)
class Table(Op):
    """`table` has 2^width entries; a code indexes it by its bits as they are on the wire."""

    mnemonic: ClassVar[str] = "table"
    table: Codes

    def infer(self, x: TensorType) -> TensorType:
        if len(self.table) != 1 << x.elem.width:
            raise CompileError("E110", f"a table of {len(self.table)} entries got codes of type {x.elem}")
        reached = [self.table[np.arange(lo, hi + 1) & (len(self.table) - 1)] for lo, hi in zip(x.lo, x.hi, strict=True)]
        return TensorType.ranged(x.shape, [int(r.min()) for r in reached], [int(r.max()) for r in reached])

    def evaluate(self, x: Codes) -> Codes:
        return self.table[x & (len(self.table) - 1)]

    def to_rtl(self, x: TensorType, fold: Fold) -> Block | None:
        y, lanes = self.infer(x).elem, fold.pe
        params: dict[str, int | Memory] = {
            "LANES": lanes,
            "IN_WIDTH": x.elem.width,
            "OUT_WIDTH": y.width,
            "TABLE": Memory(y.width, pack_words(self.table[:, None], y.width)),
            "STYLE": int(Ram.DISTRIBUTED),
        }
        return Block("bw_table", params)

    def to_hls(self, x: TensorType, fold: Fold) -> Kernel | None:
        params = kernel_params(x, self.infer(x), fold.pe, 1) | {"bits": x.elem.width}
        return Kernel("table", params, {"values": table(self.table)})

    def estimate(self, x: TensorType, y: TensorType, fold: Fold) -> Estimate:
        one = area.rom(y.elem.width, len(self.table), Ram.DISTRIBUTED)
        return Estimate(LATENCY, Resources(lut=one.lut * fold.pe, ff=one.ff * fold.pe))

    @classmethod
    def samples(cls) -> Iterable[tuple[Op, *tuple[TensorType, ...]]]:
        rng = np.random.default_rng(6)
        for width, signed, lo, hi in ((1, False, 0, 1), (4, True, -8, 8), (8, True, -128, 128), (6, False, 0, 200)):
            yield cls(rng.integers(lo, hi, 1 << width)), TensorType.of((5,), IntType(width, signed))
