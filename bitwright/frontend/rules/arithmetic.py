"""Add, Sub, Mul, Div, Neg, Pow: by constants, which only changes what the codes mean."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...errors import CompileError, quoted
from ..context import Context, parameter
from ..exact import Rationals, filled, of_rank
from ..join import both_streams, product_of, sum_of
from ..model import Constant, OnnxNode
from ..registry import rule
from ..values import Exact, Stream, Value, exact_of, exact_values
from .functions import to_power


def _divide(_: OnnxNode, v: list[np.ndarray]) -> np.ndarray:
    if v[0].dtype.kind == "f":
        return np.divide(v[0], v[1])
    return (np.abs(v[0]) // np.abs(v[1]) * (np.sign(v[0]) * np.sign(v[1]))).astype(v[0].dtype)  # toward zero


@rule("Add", fold=lambda _, v: np.add(v[0], v[1]))
def add(ctx: Context, node: OnnxNode) -> Value:
    """x + c, or x + y."""
    if both_streams(ctx, node):
        return sum_of(ctx, node, ctx.number(node, 0, curved=True), ctx.number(node, 1, curved=True))
    x, c = _split(ctx, node)
    if x is None:
        return _exact(ctx, node, lambda a, b: a + b)
    x, term = _aligned(ctx, node, x, c)
    return x.plus(term, doubt=ctx.doubt(node, c, term.ndim))


@rule("Sub", fold=lambda _, v: np.subtract(v[0], v[1]))
def sub(ctx: Context, node: OnnxNode) -> Value:
    """x − c, c − x, or x − y."""
    if both_streams(ctx, node):
        y = ctx.number(node, 1, curved=True)
        return sum_of(ctx, node, ctx.number(node, 0, curved=True), y.times(filled(-1, len(y.shape)), 0))
    x, c = _split(ctx, node)
    if x is None:
        return _exact(ctx, node, lambda a, b: a - b)
    x, term = _aligned(ctx, node, x, c)
    if c == 1:
        return x.plus(np.asarray(-term, object), doubt=ctx.doubt(node, c, term.ndim))
    return x.times(filled(-1, len(x.shape)), 0).plus(term, doubt=ctx.doubt(node, c, term.ndim))


@rule("Mul", fold=lambda _, v: np.multiply(v[0], v[1]))
def mul(ctx: Context, node: OnnxNode) -> Value:
    """x · c, or x · y."""
    if both_streams(ctx, node):
        return product_of(ctx, node, ctx.number(node, 0, curved=True), ctx.number(node, 1, curved=True))
    x, c = _split(ctx, node)
    if x is None:
        return _scaled(ctx, node, divide=False) or _exact(ctx, node, lambda a, b: a * b)
    x, factor = _aligned(ctx, node, x, c)
    return x.times(factor)


@rule("Div", fold=_divide)
def div(ctx: Context, node: OnnxNode) -> Value:
    """x / c."""
    x, c = _split(ctx, node)
    if x is None:
        _no_zero(ctx.exact(node, 1, "divisor"), node)
        return _scaled(ctx, node, divide=True) or _exact(ctx, node, lambda a, b: a / b)
    if c == 0:
        message = "a division by a tensor that depends on the input is not supported"
        raise CompileError("E022", message, origin=node.origin)
    if not x.elem.is_float:
        raise CompileError("E021", "Div of integers, which cuts off, is not supported", origin=node.origin)
    x, divisor = _aligned(ctx, node, x, c)
    _no_zero(divisor, node)
    return x.times(np.asarray(1 / divisor, object))


@rule("Neg", fold=lambda _, v: np.negative(v[0]))
def neg(ctx: Context, node: OnnxNode) -> Value:
    """−x."""
    value = ctx.required(node, 0)
    if isinstance(value, Exact):
        return replace(value, codes=-value.codes)
    x = ctx.number(node, 0, curved=True)
    return x.times(filled(-1, len(x.shape)), 0)


@rule("Pow", fold=lambda _, v: np.power(v[0], v[1].astype(v[0].dtype)))
def power(ctx: Context, node: OnnxNode) -> Value:
    """By one constant exponent, or x¹; powers of constants are folded."""
    x, exponent = ctx.number(node, 0, curved=True), ctx.exact(node, 1, "exponent")
    if not (exponent != 1).any():
        return x
    if exponent.size != 1 or not x.elem.is_float:
        message = "only powers of floats by one constant exponent are supported"
        raise CompileError("E021", message, origin=node.origin)
    return to_power(ctx, node, x, exponent.reshape(-1)[0])


def _split(ctx: Context, node: OnnxNode) -> tuple[Stream | None, int]:
    """The stream among two operands and the index of the constant; no stream if both are constants."""
    a, b = ctx.required(node, 0), ctx.required(node, 1)
    if isinstance(a, Stream) and isinstance(b, Stream):
        message = f"{quoted(node.op_type)[1:-1]} of two tensors that both depend on the input is not supported"
        raise CompileError("E022", message, origin=node.origin)
    if isinstance(a, Stream):
        return ctx.number(node, 0, curved=True), 1
    if isinstance(b, Stream):
        return ctx.number(node, 1, curved=True), 0
    return None, 1


def _aligned(ctx: Context, node: OnnxNode, x: Stream, c: int) -> tuple[Stream, Rationals]:
    """The stream and the constant in the rank of the result."""
    values = parameter(x.shape, ctx.exact(node, c, "other operand"), node.origin)
    if values.ndim > len(x.shape):
        x = ctx.reshape(x, (1,) * (values.ndim - len(x.shape)) + x.shape, node.origin)
    return x, values


def _no_zero(divisor: Rationals, node: OnnxNode) -> None:
    if (divisor == 0).any():
        raise CompileError("E009", "a division by zero", origin=node.origin)


def _scaled(ctx: Context, node: OnnxNode, *, divide: bool) -> Exact | None:
    """An exact constant times or over another that does not enlarge it; None if it is not that."""
    for a, b in ((0, 1),) if divide else ((0, 1), (1, 0)):
        value = ctx.required(node, a)
        factor = ctx.exact(node, b, "factor")
        if isinstance(value, Exact) and np.broadcast_shapes(value.shape, factor.shape) == value.shape:
            return value.scaled(np.asarray(1 / factor, object) if divide else factor)
    return None


def _exact(ctx: Context, node: OnnxNode, step: object) -> Exact:
    """Two constants, one of them exact at least, element by element."""
    operands = [ctx.constant(node, i, "operand") for i in (0, 1)]
    a, b = (exact_values(v, node.origin) for v in operands)
    rank = max(a.ndim, b.ndim)
    assert callable(step)
    elem = next(v.elem for v in operands if isinstance(v, Constant | Exact))
    return exact_of(np.asarray(step(of_rank(a, rank), of_rank(b, rank)), object), elem, node.origin)
