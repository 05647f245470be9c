"""HGQ2's quantizers: fixed point with a width per tensor, channel or element; their formats are among the weights.

Definitions: HGQ2 0.2.0, quantizer/internal/fixed_point_quantizer.py, and quantizers 1.2.2, fixed_point.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import quoted
from ..fixed_reference import ROUND
from ..rules.fixed_point import MAX_BITS, MAX_EXPONENT, OVERFLOWS, ROUNDINGS
from .archive import Arrays
from .builder import Builder, Tensor, Weight

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Format:
    """k sign, i integer and f fraction bits, each of a shape that broadcasts to what is quantized."""

    k: Ints
    i: Ints
    f: Ints
    rounding: str
    overflow: str
    is_weight: bool
    """A weight's quantizer that would wrap only rounds."""
    scaler: float
    affine: tuple[float, float]

    def applied(self, net: Builder, x: Tensor) -> Tensor:
        """The quantizer on a tensor."""
        self._check(net, (1, *x.shape))
        y = x if self.scaler == 1 else net.apply("Div", x, net.floats(self.scaler))
        y = net.fixed_point(y, self.k, self.i, self.f, self.rounding, self.overflow)
        return net.add(net.mul(net.mul(y, self.scaler), self.affine[0]), self.affine[1])

    def quantized(self, net: Builder, x: Floats) -> Weight | Floats:
        """The quantizer on weights: integers of the finest unit of all."""
        self._check(net, x.shape)
        i = np.maximum(self.i, -self.f)
        alive = self.k + self.i + self.f > 0
        t = np.ldexp(x / np.float32(self.scaler), self.f)  # in float32, as the package does it
        code = ROUND[self.rounding](t).astype(np.float64)
        half = np.ldexp(1.0, i + self.f)
        low = -self.k * (half - (self.overflow == "SAT_SYM"))
        if self.overflow != "WRAP":
            code = np.clip(code, low, half - 1)
        elif not self.is_weight:
            code = np.mod(code - low, half - low) + low
        most = int(np.max(self.f, where=np.broadcast_to(alive, self.f.shape), initial=-MAX_EXPONENT))
        most = 0 if most == -MAX_EXPONENT else most
        code = np.where(alive, np.ldexp(code, most - self.f), 0)
        if np.abs(code).max(initial=0) >= 1 << 31:
            raise net.refuse("E027", "the weights of one layer, in their finest unit, need more than 32 bits")
        weight = Weight(code.astype(np.int64), np.asarray(2.0**-most, np.float32))
        if self.scaler == 1 and self.affine == (1.0, 0.0):
            return weight
        values = weight.codes * weight.scale.astype(np.float64) * self.scaler
        return (values * self.affine[0] + self.affine[1]).astype(np.float32)

    def _check(self, net: Builder, shape: tuple[int, ...]) -> None:
        for part in (self.k, self.i, self.f):
            try:
                np.broadcast_to(part, shape)
            except ValueError:
                message = (
                    f"a quantizer's format of shape {list(part.shape)} does not suit a tensor of shape {list(shape)}"
                )
                raise net.refuse("E049", message) from None


def read(net: Builder, conf: Any, arrays: Arrays) -> Format | None:
    """The quantizer of a QuantizerConfig; None where it quantizes nothing."""
    config = conf.get("config") if isinstance(conf, dict) else None
    if not isinstance(config, dict):
        raise net.refuse("E048", "a quantizer's configuration is missing")
    kind = str(config.get("q_type", ""))
    if kind == "dummy":
        return None
    if kind not in ("kbi", "kif"):
        raise net.refuse("E048", f"a quantizer of type {quoted(kind)} is not supported", "use kbi or kif")
    rounding, overflow = str(config.get("round_mode", "")).upper(), str(config.get("overflow_mode", "")).upper()
    rounding = rounding.removeprefix("S_")  # stochastic in training alone
    if rounding not in ROUNDINGS or overflow not in OVERFLOWS:
        message = f"rounding {quoted(rounding)} with overflow {quoted(overflow)} is not supported"
        hint = f"roundings: {', '.join(ROUNDINGS)}; overflows: {', '.join(OVERFLOWS)}"
        raise net.refuse("E048", message, hint)
    # Trainable variables come first; the integer bits of what wraps are not trained.
    first, second = ("b", "i") if kind == "kbi" else ("i", "f")
    names = (("b", "k", "i") if kind == "kbi" else ("f", "k", "i")) if overflow == "WRAP" else (first, second, "k")
    found = arrays.part("quantizer").variables(names)
    if set(names) - set(found):
        raise net.refuse("E049", f"a quantizer of the layer lacks its {', '.join(sorted(set(names) - set(found)))}")
    k, i = (_whole(net, found[n]) for n in ("k", "i"))
    f = _whole(net, found["b"]) - i if kind == "kbi" else _whole(net, found["f"])
    if ((k < 0) | (k > 1)).any() or (k + i + f > MAX_BITS).any() or (np.abs(f) > MAX_EXPONENT).any():
        message = f"a quantizer with {int((k + i + f).max())} bits, {int(f.max())} of them fraction, is not sensible"
        raise net.refuse("E027", message, f"up to {MAX_BITS} bits are supported")
    affine = config.get("affine") or (1.0, 0.0)
    scaler = config.get("scaler")
    try:
        numbers = float(1.0 if scaler is None else scaler), float(affine[0]), float(affine[1])
    except (TypeError, ValueError, LookupError) as error:
        raise net.refuse("E048", "scaler or affine of a quantizer is no number") from error
    if not np.isfinite(numbers).all() or numbers[0] <= 0:
        raise net.refuse("E026", f"a quantizer's scaler must be positive, not {numbers[0]}")
    weight = bool(config.get("is_weight", False)) and bool(config.get("trainable", True))
    only_rounds = weight and (kind == "kif" or rounding == "RND")
    return Format(k, i, f, rounding, overflow, only_rounds, numbers[0], (numbers[1], numbers[2]))


def _whole(net: Builder, values: np.ndarray) -> Ints:
    """Bits, rounded as the package does it where training left fractions."""
    if values.size and np.abs(values.astype(np.float64)).max() > 1 << 10:
        raise net.refuse("E027", "a quantizer has more than 1,024 bits, which is not sensible")
    return np.rint(values.astype(np.float32)).astype(np.int64)
