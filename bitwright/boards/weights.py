"""Weights of a rewritable layer: from the model's array to the words that the control port takes.

A copy of this file goes to the board beside the driver, so it stands alone: Python 3.8, NumPy, nothing of Bitwright. What is
particular to a layer is in `boundary.json`, under `control.weights`; `docs/control.md` describes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Codes = NDArray[np.int64]

Spec = dict[str, Any]


def rows(spec: Spec, codes: NDArray[Any]) -> Codes:
    """The integers of the model's array as rows of outputs; ValueError where their shape, type or range is not right."""
    codes, shape = np.asarray(codes), tuple(spec["shape"])
    if codes.dtype.kind not in "iub":
        raise ValueError(f"weights must be integers, not {codes.dtype}")
    if codes.shape != shape:
        raise ValueError(f"weights must have the shape {shape}, not {codes.shape}")
    if int(codes.min()) < spec["lo"] or int(codes.max()) > spec["hi"]:
        raise ValueError(
            "weights must be from {} to {}, not {} to {}".format(spec["lo"], spec["hi"], codes.min(), codes.max())
        )
    if spec["places"] is not None:  # groups and phases: zeros stand between them
        places = np.array(spec["places"])
        return np.where(places < 0, 0, codes.astype(np.int64).reshape(-1)[places])
    found = codes.astype(np.int64).transpose(spec["axes"]).reshape(spec["rows"], spec["columns"])
    return found if spec["order"] is None else found[:, spec["order"]]


def words(spec: Spec, codes: NDArray[Any]) -> NDArray[np.uint32]:
    """What to write from the layer's first word on, one after the other."""
    pe, simd, height, width = spec["pe"], spec["simd"], spec["rows"], spec["columns"]
    folds, steps = -(-height // pe), -(-width // simd)
    padded = np.zeros((folds * pe, steps * simd), np.int64)
    padded[:height, :width] = rows(spec, codes)
    slots = padded.reshape(folds, pe, steps, simd).transpose(0, 2, 1, 3).reshape(folds * steps, pe, simd)
    shared = spec["dsp_rows"]
    fields = [
        _bits(_stored(slots[:, :shared], spec), spec["stored_bits"]),
        _bits(slots[:, shared:], spec["bits"]),
    ]
    bits = np.concatenate(fields, axis=1)
    lanes = -(-bits.shape[1] // spec["lane"])
    stride = 1 << (lanes - 1).bit_length()
    whole = np.zeros((len(bits), stride * spec["lane"]), np.uint32)
    whole[:, : bits.shape[1]] = bits
    places = np.uint32(1) << np.arange(spec["lane"], dtype=np.uint32)
    return (whole.reshape(len(bits) * stride, spec["lane"]) * places).sum(axis=1, dtype=np.uint32)


def _stored(slots: Codes, spec: Spec) -> Codes:
    """Weights (words, rows, columns) of rows that share DSP slices: less one above a negative one, or with an offset."""
    stored, together = slots.copy(), spec["pack"]
    for row in range(slots.shape[1]):
        if spec["offset"]:
            if (row + 1) % together and row < slots.shape[1] - 1:
                stored[:, row] += 1 << (spec["stored_bits"] - 1)
        elif row % together:
            stored[:, row] -= stored[:, row - 1] < 0
    return stored


def _bits(values: Codes, width: int) -> NDArray[np.uint32]:
    """Fields of a word, the first lowest, bit by bit: (words, bits)."""
    flat = values.reshape(len(values), -1)
    return ((flat[:, :, None] >> np.arange(width)) & 1).astype(np.uint32).reshape(len(values), -1)
