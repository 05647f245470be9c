"""Weights whose scale was multiplied out in float32, as exporters do that fold a DequantizeLinear of constants."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from .exact import Rationals, filled, rationals

MAX_LEVEL = 255
MAX_ROWS = 1 << 16
SCREENED = 64  # weights of a row that must suit a scale before the others are looked at
NEAR = 2.0**-22


def factored(w: NDArray[np.float64]) -> tuple[NDArray[np.int64], Rationals] | None:
    """(codes, scale): codes · scale, rounded to float32, is each of those float32 numbers (rows, columns), bit for bit.

    The scale is a float32, one for all if it can be, else one a row; None where codes of up to ±MAX_LEVEL do not do.
    """
    whole = _row(w.reshape(-1))
    if whole is not None:
        return whole[0].reshape(w.shape), filled(Fraction(whole[1]), 2)
    rows: list[NDArray[np.int64]] = []
    scales: list[list[float]] = []
    for values in w if len(w) <= MAX_ROWS else ():
        row = _row(values)
        if row is None:
            return None
        rows.append(row[0])
        scales.append([row[1]])
    return (np.array(rows), rationals(np.array(scales))) if rows else None


def _row(w: NDArray[np.float64]) -> tuple[NDArray[np.int64], float] | None:
    """The coarsest scale of one row, and its codes."""
    top = np.abs(w).max()
    if not top:
        return np.zeros(w.shape, np.int64), 1.0
    levels = np.arange(1, MAX_LEVEL + 1)[:, None]
    first = w[np.flatnonzero(w)[:SCREENED]] / top * levels
    suits = (np.abs(first - np.rint(first)) <= levels * NEAR).all(axis=1)
    for level in levels[suits, 0].tolist():
        codes = np.rint(w / top * level)
        near = np.float32(top / level)
        for scale in (near, np.nextafter(near, np.float32(0)), np.nextafter(near, np.float32(np.inf))):
            with np.errstate(over="ignore", under="ignore"):
                if ((codes * np.float64(scale)).astype(np.float32) == w).all():
                    return codes.astype(np.int64), float(scale)
    return None
