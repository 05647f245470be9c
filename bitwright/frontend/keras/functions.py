"""Activations: Keras' functions, which changed between its generations, and QKeras' quantizers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...errors import quoted
from . import qkeras
from .builder import Builder, Tensor


def _relu6(net: Builder, x: Tensor) -> Tensor:
    return net.clip(x, 0.0, 6.0)


def _leaky(net: Builder, x: Tensor) -> Tensor:
    return net.apply("LeakyRelu", x, alpha=0.2)


def _silu(net: Builder, x: Tensor) -> Tensor:
    return net.apply("Mul", x, net.apply("Sigmoid", x).name)


def _hard_sigmoid(net: Builder, x: Tensor) -> Tensor:
    if net.generation < 3:
        return net.clip(net.add(net.mul(x, 0.2), 0.5), 0.0, 1.0)
    return net.apply("Div", net.clip(net.add(x, 3.0), 0.0, 6.0), net.floats(6.0))


def _hard_silu(net: Builder, x: Tensor) -> Tensor:
    return net.apply("Mul", x, _hard_sigmoid(net, x).name)


def _softmax(net: Builder, x: Tensor) -> Tensor:
    return net.apply("Softmax", x, axis=-1)


def _plain(op_type: str) -> Callable[[Builder, Tensor], Tensor]:
    return lambda net, x: net.apply(op_type, x)


FUNCTIONS: Mapping[str, Callable[[Builder, Tensor], Tensor]] = {
    "relu": _plain("Relu"),
    "relu6": _relu6,
    "leaky_relu": _leaky,
    "sigmoid": _plain("Sigmoid"),
    "tanh": _plain("Tanh"),
    "softplus": _plain("Softplus"),
    "softsign": _plain("Softsign"),
    "elu": _plain("Elu"),
    "selu": _plain("Selu"),
    "exponential": _plain("Exp"),
    "silu": _silu,
    "swish": _silu,
    "hard_sigmoid": _hard_sigmoid,
    "hard_silu": _hard_silu,
    "hard_swish": _hard_silu,
    "softmax": _softmax,
}


def activated(net: Builder, value: Any, x: Tensor, *, of_qkeras: bool = False) -> Tensor:
    """A tensor through an activation as a configuration has it. `of_qkeras`: names are QKeras' first."""
    found = qkeras.parse(net, value)
    if found is None:
        return x
    if isinstance(found, qkeras.Quantizer):
        return qkeras.applied(net, found, x)
    if of_qkeras or found not in FUNCTIONS:
        y = qkeras.function(net, found, x)
        if y is not None:
            return y
    if found not in FUNCTIONS:
        message = f"the activation {quoted(found)} is not supported"
        raise net.refuse("E047", message, f"supported are {', '.join(FUNCTIONS)} and QKeras' quantizers")
    return FUNCTIONS[found](net, x)
