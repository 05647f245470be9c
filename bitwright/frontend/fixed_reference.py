"""Our own operators in float32, as the packages that they come from evaluate them: for the comparison with a runtime."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Array = Any


def _signed(magnitude: Callable[[Array], Array]) -> Callable[[Array], Array]:
    return lambda t: np.sign(t) * magnitude(np.abs(t))


ROUND: Mapping[str, Callable[[Array], Array]] = {
    "RND": lambda t: np.floor(t + np.float32(0.5)),
    "RND_CONV": np.rint,
    "RND_MIN_INF": lambda t: np.ceil(t - np.float32(0.5)),
    "RND_INF": _signed(lambda t: np.floor(t + np.float32(0.5))),
    "RND_ZERO": _signed(lambda t: np.ceil(t - np.float32(0.5))),
    "TRN": np.floor,
    "TRN_ZERO": np.trunc,
}
"""Rounding to whole numbers by the names of fixed point."""


def fixed_point(x: Array, k: Array, i: Array, f: Array, rounding: str, overflow: str) -> Array:
    """k + i + f bits, the last of them 2^−f; without any, 0."""
    k, i, f = (np.asarray(v).astype(np.int64) for v in (k, i, f))
    alive = k + i + f > 0
    i = np.maximum(i, -f)
    code = ROUND[rounding](np.ldexp(np.asarray(x, np.float32), f)).astype(np.float64)
    half = np.ldexp(1.0, i + f)
    low = -k * (half - (overflow == "SAT_SYM"))
    code = np.mod(code - low, half - low) + low if overflow == "WRAP" else np.clip(code, low, half - 1)
    return np.where(alive, np.ldexp(code, -f), 0).astype(np.float32)


def dead_zone(x: Array, threshold: Array) -> Array:
    return (np.sign(x) * (np.abs(x) >= threshold)).astype(np.float32)


def run(op_type: str, operands: list[Array], attributes: Mapping[str, Any]) -> Array:
    if op_type == "DeadZone":
        return dead_zone(*operands)
    x, k, i, f = operands
    return fixed_point(x, k, i, f, str(attributes["rounding"]), str(attributes["overflow"]))
