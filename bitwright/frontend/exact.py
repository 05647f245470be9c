"""Exact rational arrays: NumPy object arrays of Fraction. Limits may hold ±inf (floats) besides."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import gcd, inf, lcm

import numpy as np
from numpy.typing import NDArray

Rationals = NDArray[np.object_]
"""An object array whose entries are Fraction (in a limit also ±inf)."""


def rationals(values: np.ndarray) -> Rationals:
    """Every entry as the exact rational that it is; `values` holds finite floats, integers or booleans."""
    flat = np.ascontiguousarray(values).reshape(-1)
    if flat.size > 64:
        present, where = np.unique(flat, return_inverse=True)
        if present.size * 2 < flat.size:
            return rationals(present)[where.reshape(-1)].reshape(values.shape)
    out = np.empty(flat.size, object)
    out[:] = [Fraction(v) for v in flat.tolist()]
    return out.reshape(values.shape)


def filled(value: Fraction | int | float, rank: int) -> Rationals:
    """One value as an array of shape (1,)·rank."""
    out = np.empty((1,) * rank, object)
    out[...] = value if isinstance(value, float) else Fraction(value)
    return out


def of_rank(values: Rationals, rank: int) -> Rationals:
    """The array with leading axes of size 1 added, or removed, until it has `rank` axes."""
    extra = values.ndim - rank
    return values.reshape(values.shape[extra:]) if extra > 0 else values.reshape((1,) * -extra + values.shape)


def collapse(values: Rationals) -> Rationals:
    """The smallest array that broadcasts to the same: size 1 along every axis on which nothing changes."""
    for axis in range(values.ndim):
        if values.shape[axis] > 1:
            first = values.take([0], axis=axis)
            if bool((values == first).all()):
                values = first
    return values


def reshaped(values: Rationals, old: Sequence[int], new: Sequence[int]) -> Rationals:
    """What broadcasts to shape `old`, seen through a reshape of that to `new`."""
    if values.size == 1:
        return values.reshape((1,) * len(new))
    # The numbers of the distinct values move, not the values: a frame may have a million elements.
    number: dict[object, int] = {}
    kinds = np.array([number.setdefault(v, len(number)) for v in values.reshape(-1).tolist()]).reshape(values.shape)
    moved = np.broadcast_to(kinds, old).reshape(new)
    for axis in range(moved.ndim):
        first = moved.take([0], axis=axis)
        if moved.shape[axis] > 1 and (moved == first).all():
            moved = first
    table = np.empty(len(number), object)
    table[:] = list(number)
    return table[moved]


def times(factor: Rationals, limit: Rationals) -> Rationals:
    """factor · limit where the limit may be infinite and the factor is not zero (zero gives zero)."""
    out = np.empty(np.broadcast_shapes(factor.shape, limit.shape), object)
    pairs = zip(np.broadcast_to(factor, out.shape).reshape(-1), np.broadcast_to(limit, out.shape).reshape(-1))
    out.reshape(-1)[:] = [f * v if f else Fraction(0) for f, v in pairs]
    return out


def floats(values: Rationals) -> NDArray[np.float64]:
    """Every entry rounded to float64; beyond its range ±inf."""
    out = np.empty(values.size, np.float64)
    for i, v in enumerate(values.reshape(-1)):
        try:
            out[i] = float(v)
        except OverflowError:
            out[i] = inf if v > 0 else -inf
    return out.reshape(values.shape)


def common_integers(values: Sequence[Fraction]) -> tuple[list[int], Fraction]:
    """The smallest integers m and the scale f > 0 with values = m·f; f = 1 where all are zero."""
    denominator = lcm(*(v.denominator for v in values))
    numbers = [v.numerator * (denominator // v.denominator) for v in values]
    divisor = gcd(*numbers) or denominator
    return [n // divisor for n in numbers], Fraction(divisor, denominator)


def first_varying(*arrays: Rationals) -> int:
    """The first axis along which one of the arrays (all of one rank) changes; the rank if none does."""
    rank = arrays[0].ndim
    return next((axis for axis in range(rank) if any(a.shape[axis] > 1 for a in arrays)), rank)


def period_rows(shape: Sequence[int], *arrays: Rationals) -> list[tuple[object, ...]]:
    """The arrays along the flattened frame, one tuple an element, as far as one period goes.

    `arrays` broadcast to `shape`; the element at flat index e of a frame has row e mod P, P the length of the list.
    """
    axis = first_varying(*arrays)
    inner = tuple(shape[axis:])
    flat = [np.broadcast_to(a.reshape(a.shape[axis:]), inner).reshape(-1) for a in arrays]
    return list(zip(*(f.tolist() for f in flat)))


def shortest_period(rows: Sequence[object]) -> int:
    """The least divisor P of the length such that rows[i] == rows[i mod P]."""
    n = len(rows)
    for p in range(1, n):
        if n % p == 0 and all(rows[i] == rows[i - p] for i in range(p, n)):
            return p
    return n
