"""A weighted sum of two streams and the steps behind it: short factors and a shift, proved over all pairs of codes.

The factors of two scales to a common unit are as long as the scales' mantissas. What the steps make of them can nearly
always be had as ⌊(m·a + n·b + c) / 2^s⌋ with a dozen bits each. For given m, n and s every pair of codes whose result is
v demands v·2^s ≤ m·a + n·b + c < (v + 1)·2^s; if the interval of c that is left is not empty, the form is equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ...ir.graph import Graph, Node
from ...ir.op import Codes
from ...ir.types import TensorType
from ...ops.add import Add, digits
from ...ops.shift import Shift
from ...ops.threshold import Threshold

MOST_PAIRS = 1 << 18
WIDEST_SHIFT = 24


def narrow_sums(graph: Graph) -> Graph:
    """An add whose only user is a threshold of one channel becomes an add of short factors and a shift where that is equal."""
    nodes: dict[str, Node] = {n.name: n for n in graph.nodes}
    for node in graph.nodes:
        add = nodes.get(node.inputs[0])
        if not (isinstance(node.op, Threshold) and add and isinstance(add.op, Add)) or len(node.op.base) > 1:
            continue
        if len(graph.users(add.name)) > 1 or add.name in graph.outputs:
            continue
        a, b = (graph.types[i] for i in add.inputs)
        if (a.max - a.min + 1) * (b.max - b.min + 1) > MOST_PAIRS:
            continue
        found = _narrowed(add.op, node.op, a, b)
        if found is not None:
            nodes[add.name], nodes[node.name] = replace(add, op=found[0]), replace(node, op=found[1])
    return graph.with_nodes(tuple(nodes[n.name] for n in graph.nodes))


def _narrowed(add: Add, steps: Threshold, a: TensorType, b: TensorType) -> tuple[Add, Shift] | None:
    """The shortest factors with their shift, or None if none were found."""
    u = np.arange(a.min, a.max + 1)[:, None]
    v = np.arange(b.min, b.max + 1)[None, :]
    result = steps.evaluate(add.evaluate(u, v).reshape(1, -1)).reshape(u.size, v.size)
    lo, hi = int(result.min()), int(result.max())
    slope = _slope(steps)
    if lo == hi or slope is None:
        return None
    for shift in range(WIDEST_SHIFT + 1):
        exact = add.left * slope * 2.0**shift, add.right * slope * 2.0**shift
        proved = [
            (digits(m) + digits(n) + digits(c), m, n, c)
            for m, n in _near(*exact)
            if (c := _offset(m * u + n * v, result, lo, hi, shift)) is not None
        ]
        if proved:
            _, m, n, c = min(proved)
            return Add(m, n, c), Shift(np.zeros(1, np.int64), 0, shift, lo, hi)
    return None


def _slope(steps: Threshold) -> float | None:
    """Codes of the result a unit of the sum."""
    at = steps.thresholds[0]
    inner = at[(at > at[0]) & (at < at[-1])] if len(at) > 3 else at
    if len(inner) < 2 or inner[0] == inner[-1]:
        return None
    return float(steps.sign[0]) * (len(inner) - 1) / float(inner[-1] - inner[0])


def _near(m: float, n: float) -> Iterator[tuple[int, int]]:
    for i in (0, 1):
        for j in (0, 1):
            yield int(np.floor(m)) + i, int(np.floor(n)) + j


def _offset(sums: Codes, result: Codes, lo: int, hi: int, shift: int) -> int | None:
    """A c for which ⌊(sums + c) / 2^shift⌋, clipped to lo .. hi, is the result everywhere: of the shortest; None if none is."""
    least = np.where(result > lo, (result << shift) - sums, -(1 << 60)).max()
    most = np.where(result < hi, ((result + 1) << shift) - sums - 1, 1 << 60).min()
    if least > most:
        return None
    return min(_round_numbers(int(least), int(most)), key=digits)


def _round_numbers(least: int, most: int) -> Iterator[int]:
    """The end points, and the multiples of powers of two between them."""
    yield least
    for bit in range((most - least).bit_length() + 1):
        rounded = -(-least >> bit) << bit
        if rounded <= most:
            yield rounded
