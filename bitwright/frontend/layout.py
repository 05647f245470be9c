"""Where the elements of a tensor lie in the flat IR value that holds them.

An order is an integer array of the tensor's ONNX shape: the flat index in the IR value of each element. None stands for
the identity, row-major as ONNX counts. Reshapes and transpositions only change it; nothing moves until it must.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from math import prod
from typing import cast

import numpy as np
from numpy.typing import NDArray

from .exact import Rationals, period_rows, shortest_period

Order = NDArray[np.int64]
GLANCE = 1 << 12  # elements that are looked at before all of them are


def normal(order: Order) -> Order | None:
    """None where the order is the identity."""
    flat = order.reshape(-1)
    if (flat[:GLANCE] != np.arange(min(flat.size, GLANCE))).any():
        return order
    return None if (flat == np.arange(flat.size)).all() else order


def explicit(order: Order | None, shape: Sequence[int]) -> Order:
    """The order as an array."""
    return np.arange(prod(shape)).reshape(tuple(shape)) if order is None else order


def transposed(order: Order | None, shape: Sequence[int], perm: Sequence[int]) -> Order | None:
    """The order of the transposed tensor."""
    if order is None and [a for a in perm if shape[a] > 1] == sorted(a for a in perm if shape[a] > 1):
        return None
    return normal(explicit(order, shape).transpose(perm))


def same(a: Order | None, b: Order | None) -> bool:
    """Whether two orders of one number of elements are equal, whatever their shapes."""
    if a is None or b is None:
        return a is b
    return a is b or bool((a.reshape(-1) == b.reshape(-1)).all())


def inverse(order: Order) -> Order:
    """The flat ONNX index of each element of the IR value."""
    flat = order.reshape(-1)
    back = np.empty_like(flat)
    back[flat] = np.arange(flat.size)
    return back


def move(source: Order | None, target: Order | None, size: int) -> Order:
    """p such that element i of a value in the order `target` is element p[i] of one in the order `source`."""
    shape = (size,)
    moved = np.empty(size, np.int64)
    moved[explicit(target, shape).reshape(-1)] = explicit(source, shape).reshape(-1)
    return moved


def factored(p: Order) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """(dims, axes): i ↦ p[i] is the transposition by `axes` of an array of shape `dims`; None if it is none."""
    loops: list[tuple[int, int]] = []
    rest = p
    while rest.size > 1:
        stride = int(rest[1] - rest[0])
        breaks = np.flatnonzero(np.diff(rest) != stride)
        count = int(breaks[0]) + 1 if breaks.size else rest.size
        if rest.size % count:
            return None
        blocks = rest.reshape(-1, count)
        if not (blocks == blocks[:, :1] + stride * np.arange(count)).all():
            return None
        loops.append((stride, count))
        rest = blocks[:, 0]
    ranked = sorted(loops, reverse=True)
    for i, (stride, _) in enumerate(ranked):
        if stride != prod(count for _, count in ranked[i + 1 :]):
            return None
    if p[0] != 0:
        return None
    return tuple(count for _, count in ranked), tuple(ranked.index(loop) for loop in reversed(loops))


def axes_of(p: Order, shape: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """`factored` with the array's own axes where they do, so that dims is `shape`."""
    if len(shape) <= 5:
        index = np.arange(p.size).reshape(tuple(shape))
        for axes in permutations(range(len(shape))):
            if (index.transpose(axes).reshape(-1) == p).all():
                return tuple(shape), axes
    return factored(p)


def wire_rows(shape: Sequence[int], order: Order | None, *arrays: Rationals) -> list[tuple[object, ...]]:
    """The arrays (of the tensor's rank) along the flat IR value, as far as one period goes.

    The element at flat index e of the IR value has row e mod P, P the length of the list.
    """
    if order is None:
        return period_rows(shape, *arrays)
    joint = np.broadcast_shapes(*(a.shape for a in arrays))
    count = prod(joint)
    if count == 1:
        return period_rows(shape, *arrays)
    axes = sorted(range(len(shape)), key=lambda a: -order.strides[a])
    if normal(order.transpose(axes)) is None:  # a transposition: no array of the tensor's size is needed
        return period_rows([shape[a] for a in axes], *(a.transpose(axes) for a in arrays))
    rows = list(zip(*(np.broadcast_to(a, joint).reshape(-1).tolist() for a in arrays)))
    kind = np.arange(count).reshape(joint)
    flat = np.empty(order.size, np.int64)
    flat[order.reshape(-1)] = np.broadcast_to(kind, order.shape).reshape(-1)
    return [rows[i] for i in flat[: period(flat)].tolist()]


def port_rows(shape: Sequence[int], order: Order | None, *arrays: Rationals) -> tuple[list[tuple[object, ...]], int]:
    """(rows, R): the element at flat index e of the port has row (e // R) mod the number of rows.

    So a parameter by channel needs a row a channel, whether the channels are the last axis or not.
    """
    joint = np.broadcast_shapes(*(a.shape for a in arrays))
    number: dict[tuple[object, ...], int] = {}
    entries = zip(*(np.broadcast_to(a, joint).reshape(-1).tolist() for a in arrays))
    kinds = np.array([number.setdefault(row, len(number)) for row in entries]).reshape(joint)
    flat = np.empty(prod(shape), np.int64)
    flat[explicit(order, shape).reshape(-1)] = np.broadcast_to(kinds, tuple(shape)).reshape(-1)
    head = flat[: period(flat)]
    changes = np.flatnonzero(np.diff(head)) + 1
    repeat = int(np.gcd.reduce([*changes.tolist(), head.size]))
    table = list(number)
    return [table[k] for k in head[::repeat].tolist()], repeat


def shortest(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """One period of the rows."""
    return rows[: shortest_period(rows)]


def period(values: NDArray[np.int64]) -> int:
    """The least divisor P of the size with values[i] = values[i mod P]."""
    for p in range(1, values.size):
        if values.size % p == 0 and values[p] == values[0] and (values.reshape(-1, p) == values[:p]).all():
            return p
    return values.size


def contiguous(order: Order | None, shape: Sequence[int]) -> tuple[Order, Order] | None:
    """How the last axis lies, if each of its vectors is together in the IR value: else None.

    Returns (leads, places): vector v of the tensor is vector leads[v] of the value, its element k at places[k] there.
    """
    last = shape[-1]
    if order is None:
        return np.arange(prod(shape[:-1])), np.arange(last)
    rows = order.reshape(-1, last)
    starts = rows.min(axis=1)
    places = rows[0] - starts[0]
    together = (starts % last == 0).all() and (rows == starts[:, None] + places).all() and int(places.max()) < last
    return (starts // last, places) if together else None


def spread(
    bounds: tuple[Sequence[int], Sequence[int]], order: Order | None, size: int, rows: int, repeat: int
) -> tuple[list[int], list[int]]:
    """Ranges by flat IR index (repeating) as ranges by the row of the ONNX index, as `port_rows` has it."""
    places = explicit(order, (size,)).reshape(-1)
    lo, hi = (np.resize(np.array(b, np.int64), size)[places].reshape(-1, rows, repeat) for b in bounds)
    return cast("list[int]", lo.min(axis=(0, 2)).tolist()), cast("list[int]", hi.max(axis=(0, 2)).tolist())
