"""mulshift: y = clip(⌊(m·x + b) / 2^shift⌋, lo, hi), a requantiser with one multiplication."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.netlist import Block, Estimate, Fold, Memory, Multiplier, Ram, Resources
from ..ir.op import Codes, Op
from ..ir.types import IntType, TensorType
from . import area
from .channels import beats, by_channel, check_period, fold_rows, over_range, pack_mixed, ranged, signed_width


def latency(x: IntType, folds: int, m_width: int, kind: Multiplier, clips: bool) -> int:
    """Cycles through `rtl/bw_mulshift.v`, as it documents them."""
    multiply = area.multiply_cycles(x, IntType(m_width, True)) if kind is Multiplier.LUT else 1
    return area.read_cycles(folds) + multiply + 1 + int(clips)


@dataclass(frozen=True, eq=False)
class MulShift(Op):
    """`m` and `b` have shape (channels,); m·x + b must fit 62 bits over the operand's range."""

    mnemonic: ClassVar[str] = "mulshift"
    m: Codes
    b: Codes
    shift: int
    lo: int
    hi: int

    def infer(self, x: TensorType) -> TensorType:
        check_period(x, len(self.m))
        return ranged(x.shape, self.evaluate(over_range(x, len(self.m))))

    def evaluate(self, x: Codes) -> Codes:
        view = by_channel(x, len(self.m))
        return np.clip((view * self.m + self.b) >> self.shift, self.lo, self.hi).reshape(x.shape)

    def to_rtl(self, x: TensorType, fold: Fold) -> Block | None:
        y, lanes = self.infer(x).elem, fold.pe
        kind = Multiplier.DSP if fold.multiplier is Multiplier.DSP else Multiplier.LUT
        m_width, b_width = signed_width(self.m), signed_width(self.b)
        fields = np.stack([self.m & ((1 << m_width) - 1), self.b], axis=1)
        rows = fold_rows(fields, x, lanes, np.zeros(2, np.int64)).reshape(-1, lanes, 2)
        words = pack_mixed(rows, (m_width, b_width))
        params: dict[str, int | Memory] = {
            "LANES": lanes,
            "FOLDS": len(rows),
            "IN_WIDTH": x.elem.width,
            "IN_SIGNED": int(x.elem.signed),
            "M_WIDTH": m_width,
            "B_WIDTH": b_width,
            "SHIFT": self.shift,
            "OUT_WIDTH": y.width,
            "CLIP": int(self.clips(x)),
            "LO": self.lo,
            "HI": self.hi,
            "KIND": int(kind),
            "PARAMS": Memory(lanes * (m_width + b_width), words),
        }
        return Block("bw_mulshift", params)

    def clips(self, x: TensorType) -> bool:
        """Whether any operand of the type leaves lo .. hi before clipping."""
        free = ((over_range(x, len(self.m)).reshape(2, -1, len(self.m)) * self.m) + self.b) >> self.shift
        return bool(free.min() < self.lo or free.max() > self.hi)

    def estimate(self, x: TensorType, y: TensorType, fold: Fold) -> Estimate:
        m_width, b_width, out = signed_width(self.m), signed_width(self.b), y.elem.width
        a_width, clips = x.elem.width + int(not x.elem.signed), self.clips(x)
        kind = Multiplier.DSP if fold.multiplier is Multiplier.DSP else Multiplier.LUT
        m_type, total = IntType(m_width, True), max(a_width + m_width, b_width) + 1
        lanes, own = fold.pe, len(np.unique(self.m)) > 1
        folds = beats(x, len(self.m), fold.pe)
        constant = 0.5 if folds == 1 else 0.9 if not own else 1.0
        clip = (total - self.shift) / 5 + out * 0.5 if clips else 0
        if kind is Multiplier.DSP:  # the slice adds b too
            cost = Resources(lut=clip * lanes, ff=out * lanes, dsp=lanes * area.slices(a_width, m_width))
        else:
            each = area.product(x.elem, m_type, a_width + m_width)
            cost = Resources(lut=(each.lut * constant + total + clip) * lanes, ff=(each.ff + total + out) * lanes)
        rom = lanes * (b_width + m_width * int(own))
        cost += area.rom(rom, folds, Ram.DISTRIBUTED) + Resources(lut=8 * (folds > 1), ff=6)
        return Estimate(latency(x.elem, folds, m_width, kind, clips), cost)

    @classmethod
    def samples(cls) -> Iterable[tuple[Op, *tuple[TensorType, ...]]]:
        rng = np.random.default_rng(4)
        s8 = IntType(8, True)
        yield cls(np.array([1]), np.array([0]), 0, -128, 127), TensorType.of((4,), s8)
        yield cls(np.array([-3]), np.array([5]), 1, -8, 7), TensorType.of((4,), IntType(1, False))
        for channels, repeat, bits, shift, type_, lo, hi in (
            (4, 1, 14, 16, IntType(14, True), -128, 127), (3, 3, 8, 7, IntType(6, False), 0, 15),
            (5, 2, 18, 20, IntType(18, True), -2, 1), (1, 6, 16, 12, s8, 0, 255),
        ):  # fmt: skip
            m = rng.integers(-(1 << (bits - 1)), 1 << (bits - 1), channels)
            b = rng.integers(-(1 << shift), 1 << shift, channels)
            yield cls(m, b, shift, lo, hi), TensorType.of((repeat, channels), type_)
