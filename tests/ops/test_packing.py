"""Packings of DSP slices are exact: the arithmetic of `rtl/bw_dsp.v` in integers, on the worst and on random operands."""

import numpy as np
import pytest

from bitwright.ir.types import IntType
from bitwright.ops import packing

RANGES = [
    (-8, 7),
    (-7, 7),
    (-4, 3),
    (-2, 1),
    (-1, 1),
    (-1, 0),
    (-128, 127),
    (-127, 127),
    (0, 15),
    (0, 1),
    (-32, 31),
    (-100, 3),
]
ACTIVATIONS = [IntType(w, s) for w in (1, 2, 3, 4, 6, 8) for s in (False, True)]


def sums(weight, x, p):
    """Sums of weight (rows, chain) times x (chain,) from the fields of one product sum."""
    stored = packing.stored_weights(weight[None], p)[0]
    top = stored if not p.offset else stored[-1:]
    assert p.stored.lo <= top.min() and top.max() <= p.stored.hi
    assert not p.offset or (stored[:-1].min() >= 0 and stored[:-1].max() < 1 << p.stored.width)
    places = [1 << (r * p.step) for r in range(len(stored))]
    # The operand's fields are disjoint: it holds what is stored, sign-extended up to the next field.
    mask = (1 << p.step) - 1
    wide = [
        sum(
            (int(w) & mask) << (r * p.step) if r < len(column) - 1 else int(w) * places[r] for r, w in enumerate(column)
        )
        for column in stored.T
    ]
    assert all(-(1 << 24) <= w < 1 << 24 for w in wide)
    total = sum(w * int(a) for w, a in zip(wide, x))
    if p.offset:
        excess = sum(int(x.sum()) << (p.stored.width - 1) << (r * p.step) for r in range(len(weight) - 1))
        total += ~excess
        assert len(weight) == 2 or 0 <= int(x.sum()) << (p.stored.width - 1) < 1 << p.step
    found, carry = [], int(p.offset)
    for r in range(len(weight)):
        field = (total >> (r * p.step)) & ((1 << p.field) - 1)
        if p.field > p.step and r < len(weight) - 1:
            odd = int(weight[r + 1] @ x) & 1
            field = (field & mask) | ((field >> p.step ^ odd) & 1) << p.step
        negative = field >> (p.field - 1)
        found.append(field - (negative << p.field) + carry)
        carry = negative
    return found


@pytest.mark.parametrize("low, high", RANGES)
def test_packed_products_are_exact(low, high):
    rng = np.random.default_rng(abs(low) * 1000 + high)
    for a in ACTIVATIONS:
        for pe, simd in ((2, 1), (4, 4), (8, 8), (16, 3)):
            p = packing.choose(low, high, a, pe, simd)
            assert p.field <= p.step + 1 and p.rows <= pe
            for k in range(24):
                choice = (
                    rng.integers(low, high + 1, (p.rows, p.chain))
                    if k % 2
                    else rng.choice([low, high], (p.rows, p.chain))
                )
                x = rng.integers(a.lo, a.hi + 1, p.chain) if k % 3 else np.full(p.chain, a.lo if k % 4 else a.hi)
                assert sums(choice, x, p) == (choice @ x).tolist(), (p, a, choice, x)


@pytest.mark.parametrize(
    "low, high, a, rows, chain",
    [
        (-127, 127, "u8", 2, 4),
        (-128, 127, "u8", 2, 2),
        (-7, 7, "u4", 4, 1),
        (-8, 7, "u4", 4, 1),
        (-8, 7, "s4", 3, 4),
        (-1, 1, "u2", 8, 2),
    ],
)
def test_how_many_products_share_a_slice(low, high, a, rows, chain):
    found = packing.choose(low, high, IntType.parse(a), 8, 8)
    assert (-(-8 // found.rows), found.chain) == (-(-8 // rows), chain)
