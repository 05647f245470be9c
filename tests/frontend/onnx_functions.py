"""Exact evaluators of functions of one number: rational ones exactly, others in float64 as the definition says."""

from fractions import Fraction
from math import atan, ceil, cos, erf, exp, expm1, floor, log, log1p, pi, sin, sqrt, tanh

import numpy as np


def each(function, x):
    out = np.empty(x.shape, object)
    out.reshape(-1)[:] = [Fraction(function(v)) for v in x.reshape(-1)]
    return out


def real(function):
    return lambda k, x, **__: each(lambda v: function(float(v)), x)


def softplus(v):
    return max(v, 0.0) + log1p(exp(-abs(v)))


op_sigmoid = real(lambda v: 1 / (1 + exp(-v)) if v >= 0 else exp(v) / (1 + exp(v)))
op_tanh, op_erf, op_exp, op_log, op_sqrt = real(tanh), real(erf), real(exp), real(log), real(sqrt)
op_sin, op_cos, op_atan, op_softplus = real(sin), real(cos), real(atan), real(softplus)
op_mish = real(lambda v: v * tanh(softplus(v)))
op_reciprocal = real(lambda v: 1 / v)


def op_pow(_, x, exponent, **__):
    e = exponent.reshape(-1)[0]
    return each(lambda v: v ** int(e) if e.denominator == 1 else float(v) ** float(e), x)


def op_gelu(k, x, **__):
    if k.get("approximate", b"none") == b"tanh":
        return each(lambda v: 0.5 * v * (1 + tanh(sqrt(2 / pi) * (v + 0.044715 * v * v * v))), obj_floats(x))
    return each(lambda v: 0.5 * v * (1 + erf(v / sqrt(2))), obj_floats(x))


def obj_floats(x):
    return np.frompyfunc(float, 1, 1)(x)


def op_elu(k, x, **__):
    a = k.get("alpha", 1.0)
    return each(lambda v: v if v >= 0 else a * expm1(v), obj_floats(x))


def op_selu(k, x, **__):
    a, g = k.get("alpha", 1.67326319217681884765625), k.get("gamma", 1.05070102214813232421875)
    return each(lambda v: g * v if v > 0 else g * a * expm1(v), obj_floats(x))


def op_celu(k, x, **__):
    a = k.get("alpha", 1.0)
    return each(lambda v: max(0.0, v) + min(0.0, a * expm1(v / a)), obj_floats(x))


def op_softsign(_, x, **__):
    return each(lambda v: v / (1 + abs(v)), x)


def op_abs(_, x, **__):
    return each(abs, x)


def op_sign(_, x, **__):
    return each(lambda v: (v > 0) - (v < 0), x)


def op_leakyrelu(k, x, **__):
    a = Fraction(k.get("alpha", 0.01))
    return each(lambda v: v if v >= 0 else a * v, x)


def op_thresholdedrelu(k, x, **__):
    a = Fraction(k.get("alpha", 1.0))
    return each(lambda v: v if v > a else 0, x)


def op_prelu(_, x, slope, **__):
    return np.where(x >= 0, x, x * slope)


def op_hardsigmoid(k, x, **__):
    a, b = Fraction(k.get("alpha", 0.2)), Fraction(k.get("beta", 0.5))
    return each(lambda v: min(max(a * v + b, Fraction(0)), Fraction(1)), x)


def op_hardswish(_, x, **__):
    return each(lambda v: v * min(max(v / 6 + Fraction(1, 2), Fraction(0)), Fraction(1)), x)


def op_floor(_, x, **__):
    return each(floor, x)


def op_ceil(_, x, **__):
    return each(ceil, x)


def op_round(_, x, **__):
    return each(round, x)
