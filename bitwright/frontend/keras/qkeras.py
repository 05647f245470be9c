"""QKeras' quantizers: of weights, computed as the package does in float32; of tensors, as nodes.

Definitions: qkeras 0.9.0, quantizers.py, and qkeras-v3 1.2.1 where it adds to it. Both evaluate in inference what is said
here; `use_stochastic_rounding` then rounds to nearest as well.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import quoted
from ..registry import OWN
from .builder import QONNX_DOMAIN, Builder, Tensor, Weight

Floats = NDArray[np.float32]
EPSILON = np.float32(1e-7)
LOG2 = np.float32(np.log(2.0))
MAX_BITS, MAX_INTEGER = 32, 64
_COMMON = ("bits", "integer", "symmetric", "keep_negative", "alpha", "use_stochastic_rounding", "scale_axis")
PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "quantized_bits": _COMMON,
    "quantized_linear": _COMMON,
    "quantized_relu": ("bits", "integer", "use_sigmoid", "negative_slope", "use_stochastic_rounding", "relu_upper_bound",
                       "is_quantized_clip"),
    "quantized_tanh": ("bits", "use_stochastic_rounding", "symmetric", "use_real_tanh"),
    "quantized_sigmoid": ("bits", "symmetric", "use_real_sigmoid", "use_stochastic_rounding"),
    "quantized_hswish": ("bits", "integer", "symmetric", "alpha"),
    "quantized_po2": ("bits", "max_value", "use_stochastic_rounding", "quadratic_approximation", "log2_rounding"),
    "quantized_relu_po2": ("bits", "max_value", "negative_slope", "use_stochastic_rounding", "quadratic_approximation",
                           "log2_rounding"),
    "binary": ("use_01", "alpha", "use_stochastic_rounding"),
    "ternary": ("alpha", "threshold", "use_stochastic_rounding", "number_of_unrolls"),
    "bernoulli": ("alpha",), "stochastic_ternary": ("alpha",), "stochastic_binary": ("alpha",),
    "quantized_ulaw": ("bits", "integer", "symmetric"),
}  # fmt: skip
"""The quantizers by name, with their parameters in order, as a text like "quantized_relu(4,2)" gives them."""
FUNCTIONS = ("hard_sigmoid", "smooth_sigmoid", "binary_sigmoid", "hard_tanh", "smooth_tanh", "binary_tanh")
REFUSED = {
    "bernoulli": "its results are random",
    "stochastic_ternary": "its results are random",
    "stochastic_binary": "its results are random",
    "quantized_ulaw": "its steps are no multiples of one unit",
}


@dataclass(frozen=True)
class Quantizer:
    """A quantizer as the configuration has it; absent parameters have the package's defaults."""

    name: str
    given: Mapping[str, Any]

    def number(self, net: Builder, name: str, default: float) -> float:
        value = self.given.get(name)
        value = default if value is None else value
        value = value[0] if isinstance(value, list) and len(value) == 1 else value
        if not isinstance(value, int | float) or not isfinite(value):
            raise net.refuse("E048", f"{name} of {self.name} is {quoted(str(value))}, not a number")
        return value

    def whole(self, net: Builder, name: str, default: int, least: int, most: int) -> int:
        value = self.number(net, name, default)
        if value != int(value) or not least <= value <= most:
            message = f"{name} of {self.name} is {value:g}; it must be a whole number from {least} to {most}"
            raise net.refuse("E048", message)
        return int(value)

    def flag(self, name: str, default: bool) -> bool:
        value = self.given.get(name)
        return default if value is None else bool(value)


def parse(net: Builder, value: Any) -> Quantizer | str | None:
    """A quantizer, the name of a function, or None. Raises E048 for what is neither; nothing is evaluated."""
    if value is None or value == "linear":
        return None
    if isinstance(value, str):
        return _of_text(net, value)
    if not isinstance(value, dict):
        raise net.refuse("E048", f"{quoted(str(value))} is no quantizer")
    name, config = str(value.get("class_name", "")).rsplit(">", 1)[-1], value.get("config")
    if name in PARAMETERS and isinstance(config, dict):
        return Quantizer(name, config)
    if name == "function" and isinstance(config, str):
        return _of_text(net, config)
    message = f"{quoted(name)} is no quantizer that is known"
    raise net.refuse("E048", message, f"known are {', '.join(n for n in PARAMETERS if n not in REFUSED)}")


def _of_text(net: Builder, text: str) -> Quantizer | str:
    """`quantized_bits(8, 0, alpha='auto')`, read as a call with literal arguments, never run."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        call = tree if isinstance(tree, ast.Call) else None
        head = call.func if call else tree
        if not isinstance(head, ast.Name):
            raise ValueError("it is no name")
        if call is None or head.id not in PARAMETERS:
            return Quantizer(head.id, {}) if head.id in PARAMETERS else head.id
        names = PARAMETERS[head.id]
        if len(call.args) > len(names) or any(k.arg is None for k in call.keywords):
            raise ValueError("it has too many arguments")
        given = {name: ast.literal_eval(a) for name, a in zip(names, call.args)}
        return Quantizer(head.id, given | {str(k.arg): ast.literal_eval(k.value) for k in call.keywords})
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError) as error:
        message = f"{quoted(text)} is no quantizer that can be read"
        raise net.refuse("E048", message, "write it as in quantized_bits(8, 0, alpha='auto_po2')") from error


# Of weights.


def quantized(net: Builder, by: Quantizer, x: Floats, *, kernel: bool) -> Weight:
    """The weights' codes and scale. A kernel's quantizer without alpha gets auto_po2, as the layers of QKeras do it."""
    if by.name in REFUSED:
        raise net.refuse("E048", f"{by.name} is not supported: {REFUSED[by.name]}")
    alpha = alpha_of(net, by)
    trains = by.name in ("quantized_bits", "quantized_linear", "binary", "ternary")
    by = Quantizer(by.name, {**by.given, "symmetric": True}) if kernel and trains and alpha is None else by
    alpha = "auto_po2" if kernel and trains and alpha is None else alpha
    if by.number(net, "qnoise_factor", 1.0) != 1.0:
        raise net.refuse("E048", f"{by.name} with qnoise_factor below 1 quantizes only in part")
    find = WEIGHTS.get(by.name)
    if find is None:
        raise net.refuse("E048", f"{by.name} is not supported on weights", "use quantized_bits")
    if not x.size:
        raise net.refuse("E010", "the layer's weights have no elements")
    with np.errstate(all="ignore"):
        weight = find(net, by, np.asarray(x, np.float32), alpha)
    if not np.isfinite(weight.scale).all():
        raise net.refuse("E009", f"the scale that {by.name} gives is NaN or infinite")
    try:
        np.broadcast_to(weight.scale, x.shape)
    except ValueError:
        message = f"alpha of shape {list(weight.scale.shape)} does not suit weights of shape {list(x.shape)}"
        raise net.refuse("E011", message) from None
    return weight


def alpha_of(net: Builder, by: Quantizer) -> str | Floats | None:
    """None, "auto", "auto_po2", or numbers."""
    alpha: Any = by.given.get("alpha")
    if isinstance(alpha, dict):  # an array as Keras writes it
        alpha = (alpha.get("config") or {}).get("value") if isinstance(alpha.get("config"), dict) else None
        alpha = "?" if alpha is None else alpha
    if alpha is None or (isinstance(alpha, str) and alpha in ("auto", "auto_po2")):
        return alpha
    try:
        array = np.asarray(alpha, np.float32)
    except (ValueError, TypeError):
        array = np.zeros(0, np.float32)
    if not array.size or array.ndim > 8 or not np.isfinite(array).all() or isinstance(alpha, str):
        raise net.refuse(
            "E048", f"alpha of {by.name} is {quoted(str(alpha))}; it must be a number, 'auto' or 'auto_po2'"
        )
    return array


def _axes(by: Quantizer, x: Floats) -> tuple[int, ...]:
    axis = by.given.get("scale_axis")
    keep = x.ndim - 1 if not isinstance(axis, int) else axis
    return tuple(a for a in range(x.ndim) if a != keep)


def _least_squares(x: Floats, q: Floats, axes: tuple[int, ...], po2: bool) -> Floats:
    """The scale with the least squared error of scale · q against x, by channel."""
    if x.ndim > 1:
        qx, qq = ((v).mean(axis=axes, keepdims=True, dtype=np.float64).astype(np.float32) for v in (x * q, q * q))
    else:
        qx, qq = x * q, q * q
    scale = np.asarray(qx / (qq + EPSILON), np.float32)
    return _po2(scale) if po2 else scale


def _po2(scale: Floats) -> Floats:
    return np.exp2(np.rint(np.log(scale + EPSILON) / LOG2))


def _sizes(net: Builder, by: Quantizer) -> tuple[int, int, int, float]:
    """bits, integer, bits without the sign, and the unit."""
    bits = by.whole(net, "bits", 8, 1, MAX_BITS)
    integer = by.whole(net, "integer", 0, -MAX_INTEGER, MAX_INTEGER)
    unsigned = bits - int(by.flag("keep_negative", True))
    return bits, integer, unsigned, 2.0 ** (integer - unsigned)


def _bits(net: Builder, by: Quantizer, x: Floats, alpha: str | Floats | None) -> Weight:
    bits, integer, unsigned, unit = _sizes(net, by)
    symmetric = by.flag("symmetric", by.name == "quantized_linear")
    if isinstance(alpha, str):
        if by.name == "quantized_linear":
            return _auto_linear(by, x, alpha, bits, symmetric)
        return _auto(net, by, x, alpha, bits, integer)
    factor = np.float32(1) if alpha is None else alpha
    if unsigned == 0:
        code = np.where(x >= 0, 1, -1) if by.flag("keep_negative", True) else (x >= 0).astype(np.int64)
        if by.name == "quantized_linear":
            raise net.refuse("E048", "quantized_linear of one bit is not supported", "use binary")
        return Weight(code, np.asarray(factor, np.float32))
    inner = np.float32(unit) * (factor if by.name == "quantized_linear" else np.float32(1))
    low = -(1 << unsigned) + int(symmetric) if by.flag("keep_negative", True) else 0
    code = np.clip(np.rint(x / inner), low, (1 << unsigned) - 1).astype(np.int64)
    return Weight(code, np.asarray(np.float32(unit) * factor, np.float32))


def _auto(net: Builder, by: Quantizer, x: Floats, alpha: str, bits: int, integer: int) -> Weight:
    """Symmetric steps of a scale by channel: so that the greatest weight just fits, or a power of two by least squares."""
    for name in ("elements_per_scale", "min_po2_exponent", "max_po2_exponent"):
        if by.given.get(name) is not None:
            raise net.refuse("E048", f"{by.name} with {name} is not supported")
    if bits < 2:
        raise net.refuse("E048", f"{by.name} of one bit with alpha {quoted(alpha)} has no steps", "use binary")
    high, axes = np.float32((1 << (bits - 1)) - 1), _axes(by, x) if x.ndim > 1 else (0,)
    m_i = np.float32(2.0**integer)
    x = x / m_i

    def codes(scale: Floats) -> Floats:
        return np.sign(x) * np.minimum(np.floor(np.abs(x) / scale + np.float32(0.5)), high)

    trained = by.given.get("post_training_scale")
    if trained is not None:
        m = np.float32(2.0 ** (bits - int(by.flag("keep_negative", True))))
        scale = (
            np.asarray(trained.get("config", {}).get("value") if isinstance(trained, dict) else trained, np.float32) / m
        )
        return Weight(codes(scale).astype(np.int64), m_i * scale)
    scale = np.abs(x).max(axis=axes, keepdims=True) * np.float32(2) / (np.float32(2) * high)
    z = codes(scale)
    if alpha == "auto_po2":
        scale = _po2(scale)
        for _ in range(5):
            z = codes(scale)
            scale = _least_squares(x, z, axes, True)
        if "post_training_scale" in by.given:  # newer releases round once more with the final scale
            z = codes(scale)
    return Weight(np.where(np.isfinite(z), z, 0).astype(np.int64), m_i * scale)


def _auto_linear(by: Quantizer, x: Floats, alpha: str, bits: int, symmetric: bool) -> Weight:
    """As `_auto`, by the definition of quantized_linear."""
    signed, axes = by.flag("keep_negative", True), _axes(by, x)
    sign = bits == 1 and signed
    high = 0.5 if sign else float((1 << (bits - int(signed))) - 1)
    low = -0.5 if sign else (-high - 1 + int(symmetric) if signed else 0.0)
    most = np.abs(x).max(axis=axes, keepdims=True) * np.float32(2) if signed else x.max(axis=axes, keepdims=True)
    scale = np.maximum(most / np.float32(high - low), EPSILON)

    def codes(scale: Floats) -> Floats:
        shift = np.float32(0.5 * sign)
        return np.rint(np.clip(x / scale, np.float32(low), np.float32(high)) - shift) + shift

    if alpha == "auto_po2":
        scale = _po2(scale)
        for _ in range(1 if sign else 5):
            last, scale = scale, _least_squares(x, codes(scale), axes, True)
            if (last == scale).all():
                break
    double = codes(scale) * 2
    return Weight(double.astype(np.int64), scale / np.float32(2))


def _binary(net: Builder, by: Quantizer, x: Floats, alpha: str | Floats | None) -> Weight:
    sign = np.where(x >= 0, 1, -1)
    if by.flag("use_01", False):
        sign = (sign + 1) // 2
    return Weight(sign, _scale_of(by, x, sign.astype(np.float32), alpha))


def _ternary(net: Builder, by: Quantizer, x: Floats, alpha: str | Floats | None) -> Weight:
    if not isinstance(alpha, str):
        threshold = np.float32(by.number(net, "threshold", 0.33))
        code = (np.abs(x) >= threshold) * np.sign(x)
        return Weight(code.astype(np.int64), np.asarray(1 if alpha is None else alpha, np.float32))
    axes = tuple(range(x.ndim - 1)) or None
    scale = np.float32(2) * np.abs(x).max(axis=axes, keepdims=True) / np.float32(3)
    if alpha == "auto_po2":
        scale = _po2(scale)
    code = np.zeros_like(x)
    for _ in range(by.whole(net, "number_of_unrolls", 5, 1, 100)):
        code = (np.abs(scale * np.rint(x / scale)) >= scale / np.float32(2)) * np.sign(x)
        scale = _scale_of(by, x, np.asarray(code, np.float32), alpha)
    return Weight(code.astype(np.int64), scale)


def _scale_of(by: Quantizer, x: Floats, q: Floats, alpha: str | Floats | None) -> Floats:
    if isinstance(alpha, str):
        return _least_squares(x, q, _axes(by, x), alpha == "auto_po2")
    return np.asarray(1 if alpha is None else alpha, np.float32)


def _po2_weights(net: Builder, by: Quantizer, x: Floats, _: str | Floats | None) -> Weight:
    exponent, negative = _exponents(net, by, np.abs(x)), x < 0
    return _powers(np.where(negative, -1, 1), exponent)


def _relu_po2_weights(net: Builder, by: Quantizer, x: Floats, _: str | Floats | None) -> Weight:
    slope = by.number(net, "negative_slope", 0.0)
    up = (x >= 0) | (slope == 0)
    exponent = _exponents(net, by, np.where(up, np.maximum(x, 0), -x * np.float32(slope)))
    return _powers(np.where(up, 1, -1), exponent)


def _powers(sign: np.ndarray, exponent: np.ndarray) -> Weight:
    least = int(exponent.min())
    return Weight(sign * (1 << (exponent - least)), np.asarray(2.0**least, np.float32))


def _exponents(net: Builder, by: Quantizer, x: Floats) -> NDArray[np.int64]:
    """The exponents that x ≥ 0 is rounded to, as integers."""
    signed = int(by.name == "quantized_po2")
    bits = by.whole(net, "bits", 8, 1 + signed, 16)
    most = None if by.given.get("max_value") is None else np.float32(by.number(net, "max_value", 1.0))
    quadratic = by.flag("quadratic_approximation", False)
    # One bit of the exponent is its sign, unless nothing above 1 is wanted.
    effective = bits - signed - int(most is None or most > 1)
    if effective < 0:
        raise net.refuse("E048", f"{by.name} of {bits} bits has none for its exponent")
    low, high = -(1 << effective), (1 << effective) - 1
    if quadratic:
        high = 2 * (high // 2)
    kept = np.where(x < EPSILON, EPSILON, x)
    kept = kept if most is None else np.minimum(kept, most)
    kept = np.sqrt(kept) if quadratic else kept
    power = np.log(kept) / LOG2
    power = np.floor(power) if by.given.get("log2_rounding", "rnd") == "floor" else np.rint(power)
    factor = 2 if quadratic else 1
    exponent = np.where(x < EPSILON, low, factor * np.clip(power, low, high))
    if np.abs(exponent).max() > 120 or exponent.max() - exponent.min() > 30:
        message = (
            f"{by.name} gives weights from 2^{exponent.min():g} to 2^{exponent.max():g}, too far apart for integers"
        )
        raise net.refuse("E048", message, "use fewer bits, or a max_value")
    return exponent.astype(np.int64)


_Weights = Callable[[Builder, Quantizer, Floats, "str | Floats | None"], Weight]
WEIGHTS: Mapping[str, _Weights] = {
    "quantized_bits": _bits,
    "quantized_linear": _bits,
    "binary": _binary,
    "ternary": _ternary,
    "quantized_po2": _po2_weights,
    "quantized_relu_po2": _relu_po2_weights,
}


# Of tensors.


def applied(net: Builder, by: Quantizer, x: Tensor) -> Tensor:
    """The quantizer as nodes."""
    if by.name in REFUSED:
        raise net.refuse("E048", f"{by.name} is not supported: {REFUSED[by.name]}")
    if by.number(net, "qnoise_factor", 1.0) != 1.0:
        raise net.refuse("E048", f"{by.name} with qnoise_factor below 1 quantizes only in part")
    make = TENSORS.get(by.name)
    if make is None:
        raise net.refuse("E048", f"{by.name} of a tensor is not supported: its steps are no multiples of one unit",
                         "use quantized_bits or quantized_relu")  # fmt: skip
    alpha = alpha_of(net, by)
    if isinstance(alpha, str):
        message = f"{by.name} of a tensor with alpha {quoted(alpha)} changes its scale with every input"
        raise net.refuse("E048", message, "give alpha a number, as in alpha=1")
    if alpha is not None and not _suits(alpha.shape, (1, *x.shape)):
        raise net.refuse("E011", f"alpha of shape {list(alpha.shape)} does not suit a tensor of shape {list(x.shape)}")
    y = make(net, by, x)
    return y if alpha is None else net.mul(y, alpha)


def _suits(shape: tuple[int, ...], whole: tuple[int, ...]) -> bool:
    """Whether a constant of that shape broadcasts to a tensor without enlarging it."""
    try:
        return np.broadcast_shapes(shape, whole) == whole
    except ValueError:
        return False


def _bits_nodes(net: Builder, by: Quantizer, x: Tensor) -> Tensor:
    bits, _, unsigned, unit = _sizes(net, by)
    signed = by.flag("keep_negative", True)
    symmetric = by.flag("symmetric", by.name == "quantized_linear")
    if by.name == "quantized_linear" and (unsigned == 0 or alpha_of(net, by) is not None):
        raise net.refuse("E048", "quantized_linear of a tensor with one bit, or with alpha, is not supported")
    if unsigned == 0:
        return _sign(net, x)
    return net.quant(x, unit, bits, signed=signed, narrow=symmetric and signed)


def _sign(net: Builder, x: Tensor) -> Tensor:
    return net.apply("BipolarQuant", x, net.floats(1.0), domain=QONNX_DOMAIN)


def _binary_nodes(net: Builder, by: Quantizer, x: Tensor) -> Tensor:
    y = _sign(net, x)
    return net.add(net.mul(y, 0.5), 0.5) if by.flag("use_01", False) else y


def _ternary_nodes(net: Builder, by: Quantizer, x: Tensor) -> Tensor:
    return net.apply("DeadZone", x, net.floats(by.number(net, "threshold", 0.33)), domain=OWN[0])


def _relu_nodes(net: Builder, by: Quantizer, x: Tensor) -> Tensor:
    bits = by.whole(net, "bits", 8, 1, MAX_BITS)
    integer = by.whole(net, "integer", 0, -MAX_INTEGER, MAX_INTEGER)
    slope = by.number(net, "negative_slope", 0.0)
    if by.flag("use_sigmoid", False):
        y = _relu_of_sigmoid(net, by, x, bits, integer, slope)
    elif slope:
        y = _leaky_nodes(net, x, bits, integer, slope)
    else:
        y = net.quant(x, 2.0 ** (integer - bits), bits, signed=False)
    bound = by.number(net, "relu_upper_bound", 0.0)
    if bound and not by.flag("is_quantized_clip", True):
        y = net.apply("Clip", y, net.floats(-(2.0**MAX_INTEGER)), net.floats(bound))
    return y


def _leaky_nodes(net: Builder, x: Tensor, bits: int, integer: int, slope: float) -> Tensor:
    """Of one bit less, it rounds x up to 2^integer and slope · x down to −slope · 2^integer."""
    unit, low = 2.0 ** (integer - bits + 1), -slope * 2.0**integer
    if slope < 0 or np.frexp(slope)[0] != 0.5 or low / unit != int(low / unit) or slope > 1 or bits < 2:
        message = f"quantized_relu of {bits} bits with negative_slope {slope:g} is not supported"
        raise net.refuse("E048", message, "the slope must be a power of two from one step's share up to 1")
    y = net.apply("LeakyRelu", x, alpha=slope)
    return net.quant(net.clip(y, low, 2.0**integer - unit), unit, bits, signed=True)


def _relu_of_sigmoid(net: Builder, by: Quantizer, x: Tensor, bits: int, integer: int, slope: float) -> Tensor:
    if slope or bits >= MAX_BITS:
        raise net.refuse("E048", "quantized_relu with use_sigmoid and a negative_slope is not supported")
    p = net.quant(_hard(net, net.mul(x, 2.0**-integer)), 2.0**-bits, bits + 1, signed=False)
    y = net.mul(net.add(net.mul(p, 2.0), -1.0), 2.0**integer)
    return net.quant(y, 2.0 ** (integer - bits), bits, signed=False)


def _hard(net: Builder, x: Tensor, slope: float = 0.5) -> Tensor:
    return net.clip(net.add(net.mul(x, slope), 0.5), 0.0, 1.0)


def _tanh_nodes(net: Builder, by: Quantizer, x: Tensor) -> Tensor:
    bits = by.whole(net, "bits", 8, 2, MAX_BITS)
    y = net.apply("Tanh", x) if by.flag("use_real_tanh", False) else net.clip(x, -1.0, 1.0)
    return net.quant(y, 2.0 ** (1 - bits), bits, signed=True, narrow=by.flag("symmetric", False))


def _sigmoid_nodes(net: Builder, by: Quantizer, x: Tensor) -> Tensor:
    bits = by.whole(net, "bits", 8, 1, MAX_BITS)
    y = net.apply("Sigmoid", x) if by.flag("use_real_sigmoid", False) else _hard(net, x)
    if by.flag("symmetric", False):
        y = net.clip(y, 2.0**-bits, 1.0)
    return net.quant(y, 2.0**-bits, bits, signed=False)


def _hswish_nodes(net: Builder, by: Quantizer, x: Tensor) -> Tensor:
    if by.number(net, "relu_shift", 3) != 3 or by.number(net, "relu_upper_bound", 6) != 6:
        raise net.refuse("E048", "quantized_hswish with another shift than 3 or bound than 6 is not supported")
    # HardSwish came with opset 14: the same by its parts.
    gate = net.clip(net.add(x, 3.0), 0.0, 6.0)
    y = net.apply("Div", net.apply("Mul", x, gate.name), net.floats(6.0))
    return _bits_nodes(net, by, y)


TENSORS: Mapping[str, Callable[[Builder, Quantizer, Tensor], Tensor]] = {
    "quantized_bits": _bits_nodes,
    "quantized_linear": _bits_nodes,
    "binary": _binary_nodes,
    "ternary": _ternary_nodes,
    "quantized_relu": _relu_nodes,
    "quantized_tanh": _tanh_nodes,
    "quantized_sigmoid": _sigmoid_nodes,
    "quantized_hswish": _hswish_nodes,
}


def function(net: Builder, name: str, x: Tensor) -> Tensor | None:
    """QKeras' functions without parameters; None if it is none of them."""
    if name not in FUNCTIONS:
        return None
    kind, what = name.split("_")
    slope = 0.1875 if kind == "smooth" else 0.5
    y = _hard(net, x, slope)
    if kind == "binary":
        y = net.quant(y, 1.0, 1, signed=False)
    return net.add(net.mul(y, 2.0), -1.0) if what == "tanh" else y
