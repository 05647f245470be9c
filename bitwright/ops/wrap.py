"""wrap: the code that is congruent to x modulo 2^width and lies in 0 .. 2^width − 1, or about 0 where it is signed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..ir.netlist import Block, Estimate, Fold, Kernel, Memory, Ram, Resources
from ..ir.op import Codes, Op
from ..ir.types import IntType, TensorType
from . import area
from .channels import beats, by_channel, check_period, fold_rows, kernel_params, over_range, pack_words, ranged, table


def latency(folds: int, uniform: bool) -> int:
    """Cycles through `rtl/bw_wrap.v`, as it documents them."""
    return 0 if uniform else area.read_cycles(folds) + 1


@dataclass(frozen=True, eq=False)
class Wrap(Op):
    """`width` (bits, the sign among them) and `signed` (0 or 1) have shape (channels,); of width 0 is the constant 0."""

    mnemonic: ClassVar[str] = "wrap"
    width: Codes
    signed: Codes

    @property
    def low(self) -> Codes:
        """The least code of each channel."""
        return -self._sign

    @property
    def _sign(self) -> Codes:
        """What the sign bit of each channel counts; 0 if it has none."""
        return np.where((self.signed > 0) & (self.width > 0), 1 << np.maximum(self.width - 1, 0), 0)

    def infer(self, x: TensorType) -> TensorType:
        check_period(x, len(self.width))
        ends = by_channel(over_range(x, len(self.width)), len(self.width))
        turns = (ends - self.low) >> self.width
        low, high = np.broadcast_arrays(self.low, self.low + (1 << self.width) - 1)
        whole = np.stack([np.broadcast_to(e, ends[0].shape) for e in (low, high)])
        return ranged(x.shape, np.where(turns[0] == turns[1], self._wrapped(ends), whole).reshape(2, -1))

    def evaluate(self, x: Codes) -> Codes:
        return self._wrapped(by_channel(x, len(self.width))).reshape(x.shape)

    def _wrapped(self, x: Codes) -> Codes:
        return ((x - self.low) & ((1 << self.width) - 1)) + self.low

    @property
    def uniform(self) -> bool:
        """Whether all channels are alike, so that it is wires alone."""
        return bool(self.width[0]) and len(set(zip(self.width.tolist(), self.signed.tolist()))) == 1

    def to_rtl(self, x: TensorType, fold: Fold) -> Block | None:
        out, lanes = self.infer(x).elem.width, fold.pe
        mask, sign = (1 << self.width) - 1, self._sign
        cut = (1 << out) - 1  # a channel that never reaches its upper bits may leave the type fewer
        fields = np.stack([mask & cut, sign & cut], axis=1)
        rows = fold_rows(fields[:1] if self.uniform else fields, x, lanes, np.zeros(2, np.int64))
        params: dict[str, int | Memory] = {
            "LANES": lanes,
            "FOLDS": len(rows),
            "IN_WIDTH": x.elem.width,
            "IN_SIGNED": int(x.elem.signed),
            "OUT_WIDTH": out,
            "UNIFORM": int(self.uniform),
            "BITS": int(self.width[0]),
            "SIGNED": int(self.signed[0]),
            "PARAMS": Memory(rows.shape[1] * out, pack_words(rows, out)),
        }
        return Block("bw_wrap", params)

    def to_hls(self, x: TensorType, fold: Fold) -> Kernel | None:
        mask = (1 << self.width) - 1
        rows = fold_rows(np.stack([mask, self.low], axis=1), x, fold.pe, np.zeros(2, np.int64)).reshape(-1, fold.pe, 2)
        most = max(abs(x.min), abs(x.max)) + int(mask.max()) + int(np.abs(self.low).max())
        params = kernel_params(x, self.infer(x), fold.pe, len(rows)) | {"sum": IntType.covering(-most - 1, most)}
        return Kernel("wrap", params, {"mask": table(rows[:, :, 0]), "low": table(rows[:, :, 1])})

    def estimate(self, x: TensorType, y: TensorType, fold: Fold) -> Estimate:
        folds, out = beats(x, len(self.width), fold.pe), y.elem.width
        if self.uniform:
            return Estimate(0, Resources())
        cost = Resources(lut=fold.pe * (out + out / 3), ff=fold.pe * out)
        return Estimate(latency(folds, False), cost + area.rom(fold.pe * 2 * out, folds, Ram.DISTRIBUTED))

    @classmethod
    def samples(cls) -> Iterable[tuple[Op, *tuple[TensorType, ...]]]:
        rng = np.random.default_rng(8)
        for width, signed, repeat, type_ in (
            ([4], [1], 5, IntType(9, True)), ([3], [0], 4, IntType(7, True)), ([1], [1], 3, IntType(4, False)),
            ([6], [1], 2, IntType(5, False)), ([2, 5, 3], [1, 0, 1], 2, IntType(8, True)), ([4, 4], [1, 0], 3, IntType(6, False)),
        ):  # fmt: skip
            yield cls(np.array(width), np.array(signed)), TensorType.of((repeat, len(width)), type_)
        width = rng.integers(0, 8, 70)
        signed = (width > 0) * rng.integers(0, 2, 70)
        yield cls(width, signed), TensorType.of((2, 70), IntType(10, True))
