"""depthwise: y[c] = Σₜ weight[t, c] · x[t, c] + bias[c]: a channel's own sum over the taps of its window, exact."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from ..errors import CompileError
from ..ir import chip
from ..ir.netlist import Block, Estimate, Fold, Kernel, Memory, Multiplier, Ram, Resources, Table
from ..ir.op import Codes, Op
from ..ir.types import IntType, TensorType
from . import area, matvec, packing
from .channels import pack_words, table
from .packing import Packing


@dataclass(frozen=True, eq=False)
class Depthwise(Op):
    """`weight` has shape (taps, channels), `bias` (channels,); the operand's vectors are taps · channels long."""

    mnemonic: ClassVar[str] = "depthwise"
    weight: Codes
    bias: Codes

    writable: ClassVar[bool] = False
    """Whether weights can be written at run time."""

    @property
    def taps(self) -> int:
        return len(self.weight)

    @property
    def weight_range(self) -> tuple[int, int]:
        """The least and the greatest weight that there may be."""
        return int(self.weight.min()), int(self.weight.max())

    def infer(self, x: TensorType) -> TensorType:
        taps, channels = self.weight.shape
        if x.vector != taps * channels:
            raise CompileError("E110", f"{taps} taps of {channels} channels do not fit vectors of {x}")
        lo, hi = x.bounds(max(x.vector, len(x.lo)))
        low = np.array(lo, np.int64).reshape(-1, taps, channels).min(axis=0)
        high = np.array(hi, np.int64).reshape(-1, taps, channels).max(axis=0)
        ends = np.stack([self.weight * low, self.weight * high])
        least, most = ends.min(axis=0).sum(axis=0) + self.bias, ends.max(axis=0).sum(axis=0) + self.bias
        return TensorType.ranged((*x.shape[:-1], channels), least.tolist(), most.tolist())

    def evaluate(self, x: Codes) -> Codes:
        return np.einsum("...tc,tc->...c", x.reshape(*x.shape[:-1], *self.weight.shape), self.weight) + self.bias

    @cached_property
    def weight_type(self) -> IntType:
        return IntType.covering(int(self.weight.min()), int(self.weight.max()))

    def to_rtl(self, x: TensorType, fold: Fold) -> Block | None:
        taps, channels = self.weight.shape
        groups, lanes, acc = channels // fold.pe, fold.pe, self.infer(x).elem.width
        words = self.weight.reshape(-1, fold.taps, groups, lanes).transpose(2, 0, 3, 1).reshape(-1, fold.simd)
        width, pack = self.weight_type.width, self.packing(x.elem, fold.taps)
        params: dict[str, int | Memory] = {
            "TAPS": taps, "GROUPS": groups, "LANES": lanes, "SIMD": fold.taps, "A_WIDTH": x.elem.width, "A_SIGNED": int(x.elem.signed),
            "W_WIDTH": width, "W_SIGNED": int(self.weight_type.signed), "ACC_WIDTH": acc, "KIND": int(fold.multiplier),
        }  # fmt: skip
        if fold.multiplier is Multiplier.DSP:
            params |= {"FIELD": pack.field, "CHAIN": pack.chain}
        packed = pack_words(words, width)
        params |= matvec.weight_parameters(packed, fold.simd * width, fold.weights, free=self.writable)
        if self.bias.any():
            params |= {"HAS_BIAS": 1, "BIAS": Memory(lanes * acc, pack_words(self.bias.reshape(groups, lanes), acc))}
        return Block("bw_depthwise", params)

    def packing(self, a: IntType, taps: int) -> Packing:
        """How slices sum up so many taps a cycle: in chains that need few registers, all of one length if that goes."""
        chain = next((c for c in (4, 3, 2) if taps % c == 0), min(taps, 4))
        return packing.single(*self.weight_range, a, chain)

    def to_hls(self, x: TensorType, fold: Fold) -> Kernel | None:
        taps, channels = self.weight.shape
        groups, steps = channels // fold.pe, taps // fold.taps
        weight = self.weight.reshape(steps, fold.taps, groups, fold.pe).transpose(2, 0, 1, 3)
        return Kernel("depthwise", {
            "x": x.elem, "y": self.infer(x).elem, "lanes": fold.pe, "taps": fold.taps, "steps": steps, "groups": groups,
            "vectors": x.size // x.vector, "dsp": int(fold.multiplier is Multiplier.DSP),
        }, {
            "weight": Table(self.weight_type, weight.reshape(-1, fold.taps, fold.pe)),
            "bias": table(self.bias.reshape(groups, fold.pe)),
        })  # fmt: skip

    def estimate(self, x: TensorType, y: TensorType, fold: Fold) -> Estimate:
        taps, channels = self.weight.shape
        groups, w, acc = channels // fold.pe, self.weight_type, y.elem.width
        words, pack = groups * taps // fold.taps, self.packing(x.elem, fold.taps)
        memory, shape = area.ram if self.writable else area.rom, (fold.simd * w.width, words, fold.weights)
        read = area.memory_cycles(*shape, written=self.writable)
        cost = Resources(lut=35 * chip.current().logic, ff=30) + memory(*shape)
        if fold.multiplier is Multiplier.DSP:
            each = matvec.slices(1, x.elem, acc, fold.taps, pack, fold.taps)
        else:
            term = min(x.elem.width + w.width, acc)
            one = area.product(x.elem, w, term)
            constant = 0.4 if words == 1 and not self.writable else 1.0  # weights that never change
            each = Resources(one.lut * constant, one.ff).scaled(fold.taps) + matvec.tree(1, fold.taps, term, acc, 1.0)
        each += Resources(lut=acc, ff=acc)
        cost += each.scaled(fold.pe) + Resources(ff=read * fold.simd * x.elem.width)
        if self.bias.any():
            cost += area.rom(fold.pe * acc, groups, Ram.DISTRIBUTED)
        unit = Fold(simd=fold.taps, multiplier=fold.multiplier)
        return Estimate(matvec.latency(x.elem, w, unit, pack, read), cost)

    @classmethod
    def samples(cls) -> Iterable[tuple[Op, *tuple[TensorType, ...]]]:
        rng = np.random.default_rng(11)
        for taps, channels, bias, low, high, elem in (
            (1, 1, 0, -1, 2, IntType(1, False)), (9, 4, 100, -128, 128, IntType(8, True)),
            (4, 3, 0, -8, 8, IntType(4, False)), (6, 6, 5, 0, 3, IntType(2, True)),
        ):  # fmt: skip
            weight = rng.integers(low, high, (taps, channels))
            yield cls(weight, rng.integers(-bias, bias + 1, channels)), TensorType.of((2, 2, taps * channels), elem)

    multipliers: ClassVar[tuple[Multiplier, ...]] = (Multiplier.LUT, Multiplier.DSP)
