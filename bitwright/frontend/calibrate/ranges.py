"""Scales: of activations from what was seen of them, of weights from the weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .settings import Ranges, Scales, Settings

Floats = NDArray[np.float64]
Snap = Callable[[Floats], Floats]
"""The least permitted scale that is not below the wanted one, element by element."""

SEEN = 1 << 16  # values of a tensor that a range is chosen by
STRIDE = 2654435761  # a prime: multiples of it, modulo a size, are spread evenly
DIGITS = 12
TAIL = 1e-4
CLIPS = np.linspace(1.0, 0.02, 99)
NARROW_CLIPS = np.linspace(1.0, 0.5, 51)  # of wide codes, which never gain by clipping more
MANY_BITS = 6
WORTH = 0.98  # a zero point must lower the error at least to this part


@dataclass(frozen=True, eq=False)
class Seen:
    """A tensor on the calibration data: its extremes and an even choice of its values."""

    low: float
    high: float
    values: Floats

    @classmethod
    def of(cls, tensor: Floats) -> Seen:
        flat = tensor.reshape(-1)
        values = flat if flat.size <= SEEN else flat[np.arange(SEEN) * STRIDE % flat.size]
        return cls(float(flat.min()), float(flat.max()), values)

    @classmethod
    def joined(cls, parts: Sequence[Seen]) -> Seen:
        values = np.concatenate([p.values for p in parts])
        return cls(min(p.low for p in parts), max(p.high for p in parts), values)


@dataclass(frozen=True, slots=True)
class Scale:
    """code = clip(round(x / scale + zero)) among the integers of `bits`, meaning scale · (code − zero)."""

    bits: int
    signed: bool
    scale: float
    zero: int

    def __call__(self, x: Floats) -> Floats:
        """The values nearest to x that the codes mean."""
        low, high = _codes(self.bits, self.signed)
        return (np.clip(np.rint(x / self.scale + self.zero), low, high) - self.zero) * self.scale

    def error(self, seen: Seen) -> float:
        """Mean square error."""
        return float(np.mean((self(seen.values) - seen.values) ** 2))


def free(scale: Floats) -> Floats:
    """Up to a number of 12 significant bits."""
    mantissa, exponent = np.frexp(scale)
    return np.ldexp(np.ceil(np.ldexp(mantissa, DIGITS)), exponent - DIGITS)


def power_of_two(scale: Floats) -> Floats:
    mantissa, exponent = np.frexp(scale)
    return np.ldexp(1.0, np.where(mantissa == 0.5, exponent - 1, exponent))


def related(mantissa: float) -> Snap:
    """Up to that number times a power of two."""
    return lambda scale: power_of_two(scale / mantissa) * mantissa


def snap_of(settings: Settings) -> Snap:
    return free if settings.scales is Scales.FREE else power_of_two


def of_activation(seen: Seen, bits: int, settings: Settings, snap: Snap) -> Scale:
    """The scale for a tensor that is not 0 throughout. Unsigned where nothing below 0 was seen."""
    low, high = min(seen.low, 0.0), max(seen.high, 0.0)
    if settings.ranges is Ranges.PERCENTILE:
        ends = np.quantile(seen.values, [TAIL, 1 - TAIL])
        clipped = min(float(ends[0]), 0.0), max(float(ends[1]), 0.0)
        low, high = clipped if clipped != (0.0, 0.0) else (low, high)
    clips = CLIPS if settings.ranges is Ranges.MSE else CLIPS[:1]
    make = _maker(bits, snap)
    if low == 0:
        return _best(seen, (make(0.0, high * c) for c in clips))
    plain = _best(seen, (_symmetric(bits, max(-low, high) * c, snap) for c in clips))
    if settings.symmetric:
        return plain
    skewed = _best(seen, (make(low * c, high * c) for c in clips))
    if settings.ranges is Ranges.MSE:
        bottom = -skewed.zero * skewed.scale
        top = bottom + skewed.scale * _codes(bits, False)[1]
        skewed = _best(seen, [skewed, *(make(bottom, high * c) for c in clips if high * c < 2 * top)])
        top = (_codes(bits, False)[1] - skewed.zero) * skewed.scale
        skewed = _best(seen, [skewed, *(make(low * c, top) for c in clips)])
    return skewed if skewed.error(seen) < WORTH * plain.error(seen) else plain


def of_family(seen: Sequence[Seen], bits: Sequence[int], settings: Settings) -> list[Scale]:
    """Scales for tensors that are added: in ratios of powers of two, with the least sum of relative errors."""
    own = [of_activation(s, b, settings, snap_of(settings)) for s, b in zip(seen, bits)]
    if settings.scales is Scales.POWER_OF_TWO or len(own) == 1:
        return own
    power = [max(float(np.mean(s.values**2)), np.finfo(np.float64).tiny) for s in seen]
    best, least = own, np.inf
    for mantissa in dict.fromkeys(float(np.frexp(s.scale)[0]) for s in own):
        found = [of_activation(s, b, settings, related(mantissa)) for s, b in zip(seen, bits)]
        total = sum(f.error(s) / p for f, s, p in zip(found, seen, power))
        if total < least:
            best, least = found, total
    return best


def of_weights(rows: Floats, bits: int, settings: Settings) -> Floats:
    """The scale of each row of weights (outputs, 1), symmetric: codes from −(2^(bits−1) − 1) to that. Rows of zeros get 1."""
    top = float((1 << (bits - 1)) - 1)
    own = rows.reshape(1, -1) if settings.per_tensor else rows
    largest = np.abs(own).max(axis=1, keepdims=True)
    snap, clips = snap_of(settings), NARROW_CLIPS if bits >= MANY_BITS else CLIPS
    clips = clips if settings.ranges is Ranges.MSE else clips[:1]
    largest = np.where(largest == 0, top, largest)
    best, least = snap(largest / top), np.full(largest.shape, np.inf)
    for clip in clips:
        scale = snap(largest * clip / top)
        error = ((rounded(own, scale, bits) * scale - own) ** 2).sum(axis=1, keepdims=True)
        best, least = np.where(error < least, scale, best), np.minimum(error, least)
    return np.broadcast_to(best, (len(rows), 1))


def rounded(weights: Floats, scale: Floats, bits: int) -> Floats:
    """The codes of weights."""
    top = float((1 << (bits - 1)) - 1)
    return np.clip(np.rint(weights / scale), -top, top)


def _codes(bits: int, signed: bool) -> tuple[int, int]:
    return (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)


def _symmetric(bits: int, magnitude: float, snap: Snap) -> Scale:
    return Scale(bits, True, float(snap(np.asarray(magnitude / _codes(bits, True)[1]))), 0)


def _maker(bits: int, snap: Snap) -> Callable[[float, float], Scale]:
    """Unsigned codes for the values from `low` ≤ 0 to `high` ≥ 0; 0 has a code."""
    most = _codes(bits, False)[1]

    def make(low: float, high: float) -> Scale:
        scale = float(snap(np.asarray((high - low) / most)))
        return Scale(bits, False, scale, min(most, round(-low / scale)))

    return make


def _best(seen: Seen, scales: Iterable[Scale]) -> Scale:
    """The scale of the least error, the first of several."""
    return min(dict.fromkeys(scales), key=lambda s: s.error(seen))
