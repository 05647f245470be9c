"""Random networks like trained ones of a format a channel: as arrays, with samples and what they give by floats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitwright.builder import FixedPoint

Arrays = Mapping[str, NDArray[Any]]

SAMPLES = 1000
MOST_BITS = 25_000
"""Of weights times those of activations: a thousand LUTs or two."""


def random_arrays(seed: int) -> dict[str, NDArray[Any]]:
    """3 to 5 layers of 8 to 64 neurons: widths of 0 to 10 bits, wrapped or saturated, rounded or cut off, pruned, with ReLU or without."""
    rng = np.random.default_rng(seed)
    sizes = (8 * 8 ** rng.random(int(rng.integers(4, 7))) ** 2).astype(np.int64)
    h = rng.integers(-4096, 4096, (SAMPLES, sizes[0])) * 2.0**-9
    arrays: dict[str, NDArray[Any]] = {"x": h}
    for n, (inputs, outputs) in enumerate(zip(sizes[:-1].tolist(), sizes[1:].tolist(), strict=True)):
        cut, saturated = (bool(n and rng.random() < 0.4) for _ in range(2))
        signed, whole, part = _formats(rng, h, saturated)
        ways = ("TRN" if cut else "RND"), ("SAT" if saturated else "WRAP")
        bits = int(rng.integers(1, 9))
        density = min(float(rng.choice([0.2, 0.5, 1.0])), MOST_BITS / len(sizes) / (inputs * outputs * bits * 5))
        limit = 1 << rng.integers(0, bits + 1, (inputs, outputs))  # a width a weight
        kernel = rng.integers(-limit, limit + 1) * (rng.random((inputs, outputs)) < density) * 2.0**-bits
        bias = rng.integers(-40, 41, outputs) * 2.0 ** -int(rng.integers(2, 7)) * (rng.random() < 0.8)
        relu = np.array(n + 2 < len(sizes) and rng.random() < 0.7)
        h = _quantized(h, signed, whole, part, *ways) @ kernel + bias
        h = np.maximum(h, 0) if relu else h
        found = {"kernel": kernel, "bias": bias, "relu": relu, "in_signed": signed, "in_int_bits": whole,
                 "in_frac_bits": part, "rounding": np.array(ways[0]), "overflow": np.array(ways[1])}  # fmt: skip
        arrays |= {f"layer{n}_{key}": value for key, value in found.items()}
    return arrays | {"y": h}


def _formats(rng: np.random.Generator, h: NDArray[np.float64], alike: bool) -> tuple[NDArray[np.int64], ...]:
    """Sign, integer and fraction bits of every channel: some of its values do not fit, and some channels have no bits.

    What never changes fits: the peers do not wrap constants.
    """
    channels = h.shape[1]
    still = (h == h[0]).all(axis=0)
    signed = (h.min(axis=0) < 0) & (still | (rng.random(channels) < 0.9))
    most = np.ceil(np.log2(np.abs(h).max(axis=0) + 2.0**-6)).astype(np.int64)
    whole = most + np.where(still, 1, rng.integers(-1, 2, channels))
    width = np.clip(rng.integers(2, 8) + rng.integers(-3, 4, channels), 0, 10)
    if alike:
        signed, whole, width = (np.full(channels, values.max()) for values in (signed, most - 1, np.minimum(width, 6)))
    return signed.astype(np.int64), whole, width - whole - signed


def _quantized(
    h: NDArray[np.float64], signed: NDArray[np.int64], whole: NDArray[np.int64], part: NDArray[np.int64], rounding: str, overflow: str
) -> NDArray[np.float64]:  # fmt: skip
    width = np.maximum(signed + whole + part, 0)
    codes = np.floor(h * 2.0**part + (0.5 if rounding == "RND" else 0.0))
    turn = 2.0**width
    low = np.where(signed > 0, -turn / 2, 0.0)
    inside = np.clip(codes, low, low + turn - 1) if overflow == "SAT" else low + np.mod(codes - low, turn)
    return np.where(width > 0, inside * 2.0**-part, 0.0)


def network(arrays: Arrays) -> tuple[FixedPoint, NDArray[np.int64]]:
    """The network of such arrays, and the codes of its samples; without a rounding and an overflow, half up and wrapping."""
    kinds = [
        tuple(arrays[f"layer{n}_in_{part}"].astype(int) for part in ("signed", "int_bits", "frac_bits"))
        for n in range(sum(key.endswith("_kernel") for key in arrays))
    ]
    net = FixedPoint(*kinds[0])
    for n, kind in enumerate(kinds):
        if n:
            cut, saturated = (
                str(arrays.get(f"layer{n}_{key}")) == way for key, way in (("rounding", "TRN"), ("overflow", "SAT"))
            )
            net.quantize(*kind, "down" if cut else "half_up", "saturate" if saturated else "wrap")
        net.dense(arrays[f"layer{n}_kernel"], arrays[f"layer{n}_bias"])
        if arrays[f"layer{n}_relu"]:
            net.relu()
    sign, whole, part = kinds[0]
    width = np.maximum(sign + whole + part, 0)
    low = np.where((sign > 0) & (width > 0), -(1 << np.maximum(width - 1, 0)), 0)
    codes = np.floor(arrays["x"] * 2.0**part + 0.5).astype(np.int64)
    return net, np.where(width > 0, ((codes - low) & ((1 << width) - 1)) + low, 0)
