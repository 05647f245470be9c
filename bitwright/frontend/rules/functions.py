"""Functions of one number, by their ONNX definitions; a quantiser behind them makes them a table or steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from math import atan, cos, erf, exp, expm1, inf, log, log1p, pi, sin, sqrt, tanh
from math import pow as pow_
from typing import Any

import numpy as np

from ...errors import CompileError
from ..context import Context, parameter
from ..curve import Function, Sloped
from ..exact import floats
from ..model import OnnxNode
from ..registry import rule
from ..rounding import held_back
from ..trace import Through
from ..values import Stream
from .constants import elementwise

MAX_POWER = 16

Floats = Any
Bound = Callable[[Floats, Floats], tuple[Floats, Floats]]


@dataclass(frozen=True)
class Definition:
    """The function by the node's attributes, and what it makes of magnitudes and errors of its operand."""

    function: Callable[..., Callable[[Any], Any]]
    bound: Callable[..., Bound]
    attributes: tuple[tuple[str, float], ...] = ()
    rational: bool = False
    turns: Callable[..., tuple[float, ...] | None] = lambda *_: ()


def _sigmoid(x: float) -> float:
    return 1 / (1 + exp(-x)) if x >= 0 else exp(x) / (1 + exp(x))


def _softplus(x: float) -> float:
    return max(x, 0.0) + log1p(exp(-abs(x)))


def _gelu(x: float) -> float:
    return 0.5 * x * (1 + erf(x / sqrt(2)))


def _gelu_tanh(x: float) -> float:
    return 0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x * x * x)))


def _elu(alpha: float) -> Callable[[float], float]:
    return lambda x: x if x >= 0 else alpha * expm1(x)


def _selu(alpha: float, gamma: float) -> Callable[[float], float]:
    return lambda x: gamma * x if x > 0 else gamma * alpha * expm1(x)


def _celu(alpha: float) -> Callable[[float], float]:
    return lambda x: max(0.0, x) + min(0.0, alpha * expm1(x / alpha))


def _log(x: float) -> float:
    return log(x) if x else -inf


def _reciprocal(x: float) -> float:
    return 1 / x if x else inf


def _clamped(alpha: Any, beta: Any) -> Callable[[Any], Any]:
    a, b = Fraction(alpha), Fraction(beta)

    def hard(x: Any) -> Any:
        return min(max(a * Fraction(x) + b, Fraction(0)), Fraction(1))

    return hard


def _hard_swish(x: Any) -> Any:
    v = Fraction(x)
    return v * min(max(v / 6 + Fraction(1, 2), Fraction(0)), Fraction(1))


def _sign(x: Any) -> int:
    return (x > 0) - (x < 0)


def _up_to(most: float, slope: float) -> Callable[..., Bound]:
    return lambda *_: lambda size, error: (np.minimum(size * slope + most, most * 2 + 1), error * slope)


def _steep(slope: float, offset: float = 0.0) -> Callable[..., Bound]:
    return lambda *_: lambda size, error: (size * slope + offset, error * slope)


def _unknown(*_: float) -> Bound:
    """No bound: every difference behind it counts as explained."""
    return lambda size, error: (size + 1e6, error + np.inf)


DEFINITIONS = {
    "Sigmoid": Definition(lambda: _sigmoid, _up_to(1.0, 0.25)),
    "Tanh": Definition(lambda: tanh, _steep(1.0)),
    "Erf": Definition(lambda: erf, _steep(1.13)),
    "Exp": Definition(lambda: exp, lambda: lambda s, e: (np.exp(s), np.exp(s + e) * e)),
    "Log": Definition(lambda: _log, _unknown),
    "Sqrt": Definition(lambda: sqrt, lambda: lambda s, e: (np.sqrt(s), np.sqrt(e))),
    "Softplus": Definition(lambda: _softplus, _steep(1.0, 0.7)),
    "Softsign": Definition(lambda: lambda x: x / (1 + abs(x)), _steep(1.0), rational=True),
    "Elu": Definition(_elu, lambda a: _steep(max(1.0, abs(a)))(), (("alpha", 1.0),), turns=lambda a: () if a >= 0 else (0.0,)),
    "Selu": Definition(_selu, lambda a, g: _steep(abs(g) * max(1.0, abs(a)))(),
                       (("alpha", 1.67326319217681884765625), ("gamma", 1.05070102214813232421875)),
                       turns=lambda a, _: () if a >= 0 else (0.0,)),
    "Celu": Definition(_celu, lambda _: _steep(1.0)(), (("alpha", 1.0),), turns=lambda a: () if a > 0 else None),
    "HardSigmoid": Definition(_clamped, lambda a, b: _up_to(1.0, abs(a))(), (("alpha", 0.2), ("beta", 0.5)), True),
    "HardSwish": Definition(lambda: _hard_swish, _steep(1.5), rational=True, turns=lambda: (-1.5,)),
    "LeakyRelu": Definition(lambda a: lambda x: x if x >= 0 else x * (Fraction(a) if isinstance(x, Fraction) else a),
                            lambda a: _steep(max(1.0, abs(a)))(), (("alpha", 0.01),), True,
                            lambda a: () if a >= 0 else (0.0,)),
    "ThresholdedRelu": Definition(lambda a: lambda x: x if x > a else x * 0,
                                  lambda a: lambda s, e: (s, e + abs(a)), (("alpha", 1.0),), True,
                                  lambda a: () if a >= 0 else None),
    "Abs": Definition(lambda: abs, _steep(1.0), rational=True, turns=lambda: (0.0,)),
    "Sign": Definition(lambda: _sign, _unknown, rational=True),
    "Reciprocal": Definition(lambda: _reciprocal, _unknown, turns=lambda: None),
    "Sin": Definition(lambda: sin, _steep(1.0), turns=lambda: None),
    "Cos": Definition(lambda: cos, _steep(1.0, 1.0), turns=lambda: None),
    "Atan": Definition(lambda: atan, _steep(1.0)),
    "Mish": Definition(lambda: lambda x: x * tanh(_softplus(x)), _steep(1.2), turns=lambda: (-1.1924312,)),
    "Gelu": Definition(lambda: _gelu, _steep(1.2), turns=lambda: (-0.75179162,)),
}  # fmt: skip


@rule("Sigmoid", "Tanh", "Erf", "Softplus", "Softsign", "Elu", "Selu", "Celu", "HardSigmoid", "HardSwish", "LeakyRelu",
      "ThresholdedRelu", "Sin", "Cos", "Atan", "Mish", "Gelu")  # fmt: skip
def function(ctx: Context, node: OnnxNode) -> Stream:
    """Applied to the value of the stream as it is then."""
    return applied(ctx, node, ctx.real(node, 0, curved=True))


@rule("Exp", "Log", "Sqrt", "Abs", "Sign", "Reciprocal", fold=elementwise)
def function_or_fold(ctx: Context, node: OnnxNode) -> Stream:
    """Those that exporters also leave on constants."""
    return applied(ctx, node, ctx.real(node, 0, curved=True))


def applied(ctx: Context, node: OnnxNode, x: Stream) -> Stream:
    definition = DEFINITIONS[node.op_type]
    values = [float(node.attribute(name, float, default)) for name, default in definition.attributes]
    function = definition.function(*values)
    turns = definition.turns(*values)
    if node.op_type == "Gelu" and node.attribute("approximate", str, "none") == "tanh":
        function, turns = _gelu_tanh, (-0.75246142,)
    step = Function(node.op_type, function, definition.rational, turns)
    before = x.before if x.curve else node.inputs[0]
    return replace(x, curve=(*x.curve, step), trace=x.trace.then(Through(definition.bound(*values))), before=before)


def to_power(ctx: Context, node: OnnxNode, x: Stream, exponent: Fraction) -> Stream:
    """x to a constant; exact where that is a small whole number."""
    e = float(exponent)
    whole = e.is_integer() and 0 <= e <= MAX_POWER
    turns = ((0.0,) if e % 2 == 0 else ()) if whole else () if e > 0 and not e.is_integer() else None

    def bound(size: Floats, error: Floats) -> tuple[Floats, Floats]:
        if e < 1:
            return size**e + 1, error + np.inf
        return size**e, np.minimum((size + error) ** e, e * (size + error) ** (e - 1) * error)

    function: Callable[[Any], Any] = (lambda v: v ** int(e)) if whole else (lambda v: pow_(v, e))
    step = Function("Pow", function, whole, turns)
    before = x.before if x.curve else node.inputs[0]
    return replace(x, curve=(*x.curve, step), trace=x.trace.then(Through(bound)), before=before)


@rule("PRelu")
def prelu(ctx: Context, node: OnnxNode) -> Stream:
    """x where it is positive, slope · x elsewhere; the slope broadcasts to x."""
    x = ctx.real(node, 0, curved=True)
    slope = parameter(x.shape, ctx.exact(node, 1, "slope"), node.origin)
    if slope.ndim != len(x.shape):
        message = f"a slope of {slope.ndim} axes does not fit a tensor of shape {list(x.shape)}"
        raise CompileError("E011", message, origin=node.origin)
    steepest = max(1.0, float(np.abs(floats(slope)).max()))
    trace = x.trace.then(Through(lambda size, error: (size * steepest, error * steepest)))
    return replace(x, curve=(*x.curve, Sloped(slope)), trace=trace)


@rule("Floor", "Ceil", "Round", fold=elementwise)
def rounded(ctx: Context, node: OnnxNode) -> Stream:
    """A quantiser of step 1 with the limits that follow; Round takes ties to even."""
    return held_back(ctx, node, ctx.real(node, 0, curved=True))
