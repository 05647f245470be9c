"""mulshift: y = clip(⌊(m·x + b) / 2^shift⌋, lo, hi), a requantiser with one multiplication."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from ..ir import chip
from ..ir.chip import Chip
from ..ir.netlist import Block, Estimate, Fold, Kernel, Memory, Multiplier, Ram, Resources
from ..ir.op import Codes, Op
from ..ir.types import IntType, TensorType
from . import area
from .channels import (
    beats,
    by_channel,
    check_period,
    fold_rows,
    kernel_params,
    over_range,
    pack_mixed,
    ranged,
    signed_width,
    table,
)

MOST_STEPS = 4096  # of a channel; of one with more it is not asked what its result does not see


@dataclass(frozen=True, slots=True)
class Product:
    """How `rtl/bw_mulshift.v` computes m·x + b: what it need not, as the result is proved not to see it, is left out.

    `seen` bits of x are multiplied, and of the sum the columns from `drop` on are kept. `rest` bits of m are left to LUTs
    beside a DSP slice. `b` is that of the hardware, in units of 2^drop.
    """

    x: IntType
    kind: Multiplier
    m_width: int
    rest: int
    drop: int
    b: Codes

    @property
    def rows(self) -> tuple[IntType, IntType]:
        """The operand of which each row of LUTs holds a multiple, and the recoded one, which has the fewer digits."""
        if self.kind is Multiplier.DSP:
            return self.x, IntType(max(self.rest, 1), False)
        m = IntType(self.m_width, True)
        return (m, self.x) if area.digits(self.x) < area.digits(m) else (self.x, m)

    @property
    def slice_bits(self) -> tuple[int, int]:
        """Bits of the operands of the DSP."""
        return self.x.width + int(not self.x.signed), self.m_width - self.rest

    @property
    def cycles(self) -> int:
        """Cycles to the sum."""
        multiply = (area.digits(self.rows[1]) + 1) // 2
        if self.kind is Multiplier.DSP:
            return (multiply + 1 if self.rest else 1) + 1
        return multiply + 1

    @property
    def cost(self) -> Resources:
        """Of a lane: the rows, the bits of b that they leave to an adder, and the registers."""
        b_width = signed_width(self.b)
        if self.kind is Multiplier.LUT:
            return area.product_sum(*self.rows, b_width, self.drop)
        slices = area.slices(*self.slice_bits)
        made = area.product_sum(*self.rows, b_width, self.drop) if self.rest else Resources(ff=b_width)
        if not chip.current().adds:
            pieces = (slices - 1) * (min(self.slice_bits) + 6)
            total = max(sum(self.slice_bits), b_width + self.drop - self.rest) + 1
            made += Resources(total + pieces, sum(self.slice_bits) * (self.cycles - 1) + total)
        return made + Resources(dsp=slices)


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
        product = product_of(self, x, _kind(fold))
        m_width, b_width = product.m_width, signed_width(product.b)
        fields = np.stack([self.m & ((1 << m_width) - 1), product.b], axis=1)
        rows = fold_rows(fields, x, lanes, np.zeros(2, np.int64)).reshape(-1, lanes, 2)
        words = pack_mixed(rows, (m_width, b_width))
        params: dict[str, int | Memory] = {
            "LANES": lanes,
            "FOLDS": len(rows),
            "IN_WIDTH": x.elem.width,
            "IN_SIGNED": int(x.elem.signed),
            "SEEN": product.x.width,
            "M_WIDTH": m_width,
            "B_WIDTH": b_width,
            "DROP": product.drop,
            "SHIFT": self.shift,
            "OUT_WIDTH": y.width,
            "CLIP": int(self.clips(x)),
            "LO": self.lo,
            "HI": self.hi,
            "KIND": int(product.kind),
            "PARAMS": Memory(lanes * (m_width + b_width), words),
        }
        port = area.other_port(product.slice_bits[0])
        if product.kind is Multiplier.DSP and port != (25 if product.slice_bits[0] <= 18 else 18):
            params["PORT"] = port
        return Block("bw_mulshift", params)

    def to_hls(self, x: TensorType, fold: Fold) -> Kernel | None:
        rows = fold_rows(np.stack([self.m, self.b], axis=1), x, fold.pe, np.zeros(2, np.int64)).reshape(-1, fold.pe, 2)
        products = over_range(x, len(self.m)).reshape(2, -1, len(self.m)) * self.m
        sums = products + self.b
        low, high = min(int(products.min()), int(sums.min()), -1), max(int(products.max()), int(sums.max()))
        params = kernel_params(x, self.infer(x), fold.pe, len(rows)) | {
            "sum": IntType.covering(low, high), "right": self.shift, "clip": int(self.clips(x)), "lo": self.lo, "hi": self.hi,
            "dsp": int(fold.multiplier is Multiplier.DSP),
        }  # fmt: skip
        return Kernel("mulshift", params, {"m": table(rows[:, :, 0]), "b": table(rows[:, :, 1])})

    def clips(self, x: TensorType) -> bool:
        """Whether any operand of the type leaves lo .. hi before clipping."""
        free = ((over_range(x, len(self.m)).reshape(2, -1, len(self.m)) * self.m) + self.b) >> self.shift
        return bool(free.min() < self.lo or free.max() > self.hi)

    def seen(self, x: TensorType) -> IntType:
        """The type of the lowest bits of x that are enough: whatever is not of this type becomes lo or hi."""
        if (self.m < 0).any() or not self.clips(x):
            return x.elem
        low, high = over_range(x, len(self.m))
        found = x.elem
        while found.width > 2:
            less = IntType(found.width - 1, found.signed)
            below, above = (((end * self.m) + self.b) >> self.shift for end in (less.lo - 1, less.hi + 1))
            wrong = (high > less.hi) & np.resize(above < self.hi, len(high))
            wrong |= (low < less.lo) & np.resize(below > self.lo, len(low))
            if wrong.any():
                break
            found = less
        return found

    def spare(self, x: TensorType) -> int:
        """How much can be taken from m·x + b without any result changing: the least that a value exceeds its bound by."""
        period = over_range(x, len(self.m)).shape[1]
        m, b = np.resize(self.m, period), np.resize(self.b, period)
        low, high = over_range(x, len(self.m))
        low, high = np.where(m < 0, -high, low), np.where(m < 0, -low, high)
        m = np.abs(m)
        first, last = (m * low + b) >> self.shift, (m * high + b) >> self.shift
        if self.clips(x):  # what is clipped may fall as it likes
            first, last = np.maximum(first, self.lo + 1), np.minimum(last, self.hi)
        steps = max(0, int((last - first).max()) + 1)
        if steps > MOST_STEPS:
            return 0
        bound = (first[:, None] + np.arange(steps)) << self.shift
        at = np.maximum(low[:, None], -((b[:, None] - bound) // np.maximum(m, 1)[:, None]))
        over = m[:, None] * at + b[:, None] - bound
        within = np.arange(steps) <= (last - first)[:, None]
        return int(np.where(within, over, (1 << self.shift) - 1).min(initial=(1 << self.shift) - 1))

    def estimate(self, x: TensorType, y: TensorType, fold: Fold) -> Estimate:
        product, out, clips = product_of(self, x, _kind(fold)), y.elem.width, self.clips(x)
        b_width, lanes, own = signed_width(product.b), fold.pe, len(np.unique(self.m)) > 1
        folds = beats(x, len(self.m), lanes)
        if chip.current().lut_inputs == 4:  # a row of a constant digit is an adder alone
            constant = 0.4 if folds == 1 else 0.5 if not own else 1.0
        else:
            constant = 0.5 if folds == 1 else 0.9 if not own else 1.0
        # Of the registers: what is constant is nowhere, and what only waits is in shift registers where there are some.
        if chip.current().shifts:
            held, waits = 0.67 if own else 0.45, 0
        else:
            held, waits = 0.8 if folds > 1 else 0.6, area.read_cycles(folds) * lanes * x.elem.width + 2 * product.cycles
        made, cut = product.cost, x.elem.width - product.x.width
        total = max(product.x.width + product.m_width, b_width + product.drop) + 1
        clip = (total - self.shift) / 5 + out * 0.5 + cut / 4 if clips else 0
        cost = Resources((made.lut * constant + clip) * lanes, (made.ff * held + out) * lanes, dsp=made.dsp * lanes)
        rom = lanes * (b_width + product.m_width * int(own))
        cost += area.rom(rom, folds, Ram.DISTRIBUTED) + Resources(lut=8 * (folds > 1), ff=6 + waits)
        return Estimate(area.read_cycles(folds) + product.cycles + int(clips), cost)

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
        for channels, shift, type_ in ((4, 24, IntType(13, True)), (3, 28, IntType(16, False))):
            # Few of many bits of x and of the product matter.
            m, b = rng.integers(1 << 21, 1 << 22, channels), np.full(channels, (1 << shift) - (1 << (shift - 6)))
            yield cls(m & -(1 << 16), b, shift, -8, 7), TensorType.of((2, channels), type_)


def _kind(fold: Fold) -> Multiplier:
    return Multiplier.DSP if fold.multiplier is Multiplier.DSP else Multiplier.LUT


def product_of(op: MulShift, x: TensorType, kind: Multiplier) -> Product:
    """What of the product is computed, by which multiplier."""
    return _product_of(op, x, kind, chip.current())


@lru_cache(maxsize=1024)
def _product_of(op: MulShift, x: TensorType, kind: Multiplier, _: Chip) -> Product:
    seen, m_width, spare = op.seen(x), signed_width(op.m), op.spare(x)
    port = area.other_port(seen.width + int(not seen.signed))
    rest = min(max(0, m_width - port), op.shift) if kind is Multiplier.DSP else 0
    whole = Product(seen, kind, m_width, rest, 0, op.b)
    rows, recoded = whole.rows
    digits = area.digits(recoded) if kind is Multiplier.LUT or rest else 0
    drop = 0
    for more in range(1, min(rows.width - 2, op.shift) + 1):
        lost = min(digits, (more + 1) // 2) * (1 << more) + int((op.b & ((1 << more) - 1)).max())
        if lost <= spare:
            drop = more
    return Product(seen, kind, m_width, rest, drop, op.b >> drop)
