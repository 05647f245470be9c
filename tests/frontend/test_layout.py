"""Parameters of a tensor along the IR value that holds it, in any order."""

from fractions import Fraction

import numpy as np
import pytest

from bitwright.frontend.layout import normal, wire_rows

RNG = np.random.default_rng(41)


def rationals(shape):
    values = np.empty(shape, object)
    values.reshape(-1)[:] = [Fraction(v) for v in RNG.integers(0, 3, values.size).tolist()]
    return values


@pytest.mark.parametrize("kind", ["view", "copy", "random"])
def test_the_row_of_every_element(kind):
    for _ in range(200):
        rank = int(RNG.integers(2, 5))
        dims = RNG.integers(1, 5, rank)
        order = np.arange(dims.prod()).reshape(dims).transpose(RNG.permutation(rank))
        if kind == "copy":
            order = order.copy()
        elif kind == "random":
            order = RNG.permutation(order.size).reshape(order.shape)
        arrays = [rationals([d if RNG.random() < 0.5 else 1 for d in order.shape]) for _ in (1, 2)]
        rows = wire_rows(order.shape, order, *arrays)
        entries = zip(*(np.broadcast_to(a, order.shape).reshape(-1).tolist() for a in arrays))
        assert order.size % len(rows) == 0
        assert all(rows[place % len(rows)] == entry for place, entry in zip(order.reshape(-1).tolist(), entries))


def test_orders_that_differ_from_the_identity_late():
    order = np.arange(9000)
    assert normal(order) is None and normal(order.reshape(90, 100)) is None
    order[[8000, 8001]] = 8001, 8000
    assert normal(order) is order
