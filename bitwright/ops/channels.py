"""Constants with one entry a channel: P entries, the element at flat index e of a frame takes entry e mod P."""

from __future__ import annotations

from math import lcm

import numpy as np

from ..errors import CompileError
from ..ir.netlist import Table
from ..ir.op import Codes
from ..ir.types import IntType, TensorType


def check_period(x: TensorType, period: int) -> None:
    """Raise CompileError E111 unless `period` channels tile the frame."""
    if x.size % period:
        raise CompileError("E111", f"constants of {period} channels do not fit a frame of type {x}")


def by_channel(x: Codes, period: int) -> Codes:
    """View codes (frames, *shape) as (frames, repeats, period), so that constants (period,) broadcast."""
    return x.reshape(x.shape[0], -1, period)


def bounds(x: TensorType, period: int) -> tuple[Codes, Codes]:
    """The operand's ranges as two arrays of lcm(period, its own channels) entries."""
    lo, hi = x.bounds(lcm(period, len(x.lo)))
    return np.array(lo, np.int64), np.array(hi, np.int64)


def over_range(x: TensorType, period: int) -> Codes:
    """The least and the greatest code of every channel as a batch of two frames, shape (2, lcm(period, …))."""
    return np.stack(bounds(x, period))


def ranged(shape: tuple[int, ...], ends: Codes) -> TensorType:
    """The type of a result that is monotone in its operand, from its values at both ends, shape (2, channels)."""
    return TensorType.ranged(shape, ends.min(axis=0).tolist(), ends.max(axis=0).tolist())


def pack_words(values: Codes, width: int) -> tuple[int, ...]:
    """Memory words: row r of `values` (words, fields) as one word of two's-complement fields, field 0 lowest."""
    bits = ((values[:, :, None] >> np.arange(width)) & 1).astype(np.uint8)
    rows = np.packbits(bits.reshape(len(values), -1), axis=1, bitorder="little")
    return tuple(int.from_bytes(row.tobytes(), "little") for row in rows)


def fold_rows(values: Codes, x: TensorType, lanes: int, pad: Codes) -> Codes:
    """Constants (channels, fields) as the beats of a stream meet them: (folds, lanes · fields).

    Channels repeat every len(values) elements of the frame; each vector of it takes ⌈vector/lanes⌉ beats, and `pad`
    (fields,) fills the lanes behind its end. One channel for all needs one beat.
    """
    if len(values) == 1:
        return np.tile(values, (1, lanes))
    period = lcm(len(values), x.vector)
    beats = -(-x.vector // lanes)
    padded = np.empty((period // x.vector, beats * lanes, values.shape[1]), np.int64)
    padded[:] = pad
    padded[:, : x.vector] = np.tile(values, (period // len(values), 1)).reshape(-1, x.vector, values.shape[1])
    return padded.reshape(-1, lanes * values.shape[1])


def beats(x: TensorType, channels: int, lanes: int) -> int:
    """Words of `fold_rows`: beats after which the constants of `channels` channels come round again."""
    return 1 if channels == 1 else lcm(channels, x.vector) // x.vector * -(-x.vector // lanes)


def stream_beats(x: TensorType, lanes: int) -> int:
    """Beats of a frame."""
    return x.size // x.vector * -(-x.vector // lanes)


def kernel_params(x: TensorType, y: TensorType, lanes: int, folds: int) -> dict[str, int | IntType]:
    """The configuration that `hls_templates/bw/elementwise.h` asks for."""
    return {"x": x.elem, "y": y.elem, "lanes": lanes, "folds": folds, "frame": stream_beats(x, lanes)}


def table(values: Codes) -> Table:
    """Constants in the narrowest type that holds them."""
    return Table(IntType.covering(int(values.min()), int(values.max())), values)


def pack_mixed(rows: Codes, widths: tuple[int, ...]) -> tuple[int, ...]:
    """Memory words from (words, lanes, fields) with a width for each field; field 0 of lane 0 is lowest."""
    parts = [pack_words(rows[:, :, k], widths[k]) for k in range(len(widths))]
    lane_width, lanes = sum(widths), rows.shape[1]
    words = [0] * len(rows)
    for k, width in enumerate(widths):
        offset, mask = sum(widths[:k]), (1 << width) - 1
        for r, packed in enumerate(parts[k]):
            for lane in range(lanes):
                words[r] |= ((packed >> (lane * width)) & mask) << (lane * lane_width + offset)
    return tuple(words)


def signed_width(values: Codes) -> int:
    """Bits of the narrowest two's-complement type that holds them all."""
    return IntType.covering(min(int(values.min()), -1), max(int(values.max()), 0)).width
