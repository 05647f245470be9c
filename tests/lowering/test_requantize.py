"""Each implementation of a requantiser against exact rational arithmetic, at every accumulator."""

from fractions import Fraction
from math import ceil, floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitwright.ir.types import IntType, TensorType
from bitwright.lowering.passes.requantize import Steps, candidates
from bitwright.ops.mulshift import MulShift
from bitwright.ops.shift import Shift
from bitwright.ops.threshold import Threshold


def half_even(v: Fraction) -> int:
    return round(v)


def half_up(v: Fraction) -> int:
    return floor(v + Fraction(1, 2))


def half_down(v: Fraction) -> int:
    return ceil(v - Fraction(1, 2))


def toward_zero(v: Fraction) -> int:
    return int(v)


def away(v: Fraction) -> int:
    return ceil(v) if v > 0 else floor(v)


ROUNDINGS = [half_even, half_up, half_down, floor, ceil, toward_zero, away]


def step_function(scale, offset, rounding, lo, hi, x) -> tuple[Threshold, np.ndarray]:
    """The requantiser by brute force over the operand's range: its steps, and its values (accumulators, channels)."""
    accumulators = range(x.min, x.max + 1)
    values = np.array(
        [[min(max(rounding(s * a + b), lo), hi) for s, b in zip(scale, offset, strict=True)] for a in accumulators]
    )
    never, rows, bases, signs = x.max + 1, [], [], []
    for column in values.T:
        sign = 1 if column[-1] >= column[0] else -1
        jumps = np.repeat(np.arange(1, len(column)), sign * np.diff(column)) + x.min
        rows.append(jumps)
        bases.append(int(column[0]))
        signs.append(sign)
    width = max(len(r) for r in rows)
    padded = [np.concatenate([r, np.full(width - len(r), never)]) for r in rows]
    return Threshold(np.array(padded, np.int64).reshape(len(rows), width), np.array(bases), np.array(signs)), values


float32 = st.floats(2.0**-12, 2.0, width=32)


@st.composite
def requantisers(draw):
    channels = draw(st.integers(1, 4))
    bits, signed = draw(st.integers(1, 10)), draw(st.booleans())
    x = TensorType.of((channels,), IntType(bits, signed))
    dyadic = st.builds(lambda f, negative: Fraction(f) * (-1 if negative else 1), float32, st.booleans())
    power = st.builds(
        lambda k, negative: Fraction(1, 1 << k) * (-1 if negative else 1), st.integers(0, 8), st.booleans()
    )
    scale = [draw(st.one_of(dyadic, power)) for _ in range(channels)]
    offset = [Fraction(draw(st.floats(-40, 40, width=32))) for _ in range(channels)]
    out = IntType(draw(st.integers(1, 8)), draw(st.booleans()))
    return scale, offset, draw(st.sampled_from(ROUNDINGS)), out, x


@given(requantisers())
@settings(max_examples=300)
def test_every_candidate_is_the_step_function(case):
    scale, offset, rounding, out, x = case
    op, values = step_function(scale, offset, rounding, out.lo, out.hi, x)
    codes = np.repeat(np.arange(x.min, x.max + 1)[:, None], len(scale), axis=1)
    found = candidates(op, x)
    for candidate in found:
        np.testing.assert_array_equal(candidate.evaluate(codes), values)
    if len(scale) == 1:
        assert {"threshold", "table"} <= {c.mnemonic for c in found}


def test_a_power_of_two_becomes_a_shift():
    x = TensorType.of((1,), IntType(16, True))
    op, _ = step_function([Fraction(1, 64)], [Fraction(3, 7)], half_up, -128, 127, x)
    (shift,) = [c for c in candidates(op, x) if isinstance(c, Shift)]
    assert (shift.left, shift.right, shift.even) == (0, 6, False)


@pytest.mark.parametrize("offset", [Fraction(0), Fraction(5, 8), Fraction(-3)])
def test_ties_to_even_at_a_power_of_two_become_a_shift(offset):
    x = TensorType.of((1,), IntType(14, True))
    op, values = step_function([Fraction(1, 32)], [offset], half_even, 0, 63, x)
    (shift,) = [c for c in candidates(op, x) if isinstance(c, Shift)]
    assert (shift.left, shift.right, shift.even) == (0, 5, True)
    np.testing.assert_array_equal(shift.evaluate(np.arange(x.min, x.max + 1)[:, None]), values)


@pytest.mark.parametrize("bits, channels", [(14, 16), (16, 4)])
def test_a_free_scale_becomes_one_multiplication(bits, channels):
    """Eight bits out of a wide accumulator at any float32 scale: 14 to 20 bit multipliers are enough in practice."""
    rng = np.random.default_rng(0)
    x = TensorType.of((channels,), IntType(bits, True))
    scale = [Fraction(float(np.float32(2.0 ** (8 - bits) * rng.uniform(0.6, 1.2))))] * channels
    offset = [Fraction(float(np.float32(rng.uniform(-20, 20)))) for _ in range(channels)]
    op, values = step_function(scale, offset, half_even, -128, 127, x)
    (product,) = [c for c in candidates(op, x) if isinstance(c, MulShift)]
    assert len(set(product.m.tolist())) == 1 and int(product.m[0]).bit_length() <= 22
    codes = np.repeat(np.arange(x.min, x.max + 1)[:, None], channels, axis=1)
    np.testing.assert_array_equal(product.evaluate(codes), values)


def test_an_implementation_that_is_off_by_one_step_is_not_proved():
    """Move one breakpoint by one accumulator: no line runs through all of them any more."""
    x = TensorType.of((1,), IntType(12, True))
    op, _ = step_function([Fraction(1, 16)], [Fraction(0)], half_up, -128, 127, x)
    moved = op.thresholds.copy()
    moved[0, 100] += 5
    found = candidates(Threshold(moved, op.base, op.sign), x)
    assert [type(c).__name__ for c in found] == ["Threshold"]


def least_multiplier(values: np.ndarray, x: TensorType, lo: int, hi: int) -> tuple[int, int]:
    """The least shift at which multipliers and offsets give all the values (accumulators, channels), and the multipliers'
    bits there, by trying all."""
    a = np.arange(x.min, x.max + 1)
    for shift in range(12):
        m = np.arange(0, hi - lo + 2 << shift)[:, None]
        bits = 0
        for column in values.T:
            low = np.where(column > lo, (column << shift) - m * a, -(1 << 40)).max(axis=1)
            high = np.where(column < hi, (column + 1 << shift) - 1 - m * a, 1 << 40).min(axis=1)
            good = np.flatnonzero(low <= high)
            if not len(good):
                break
            bits = max(bits, int(good[0]).bit_length())
        else:
            return shift, bits
    raise AssertionError("no multiplier was found")


@pytest.mark.parametrize("seed", range(30))
def test_the_narrowest_multipliers_are_found(seed):
    rng = np.random.default_rng(seed)
    x = TensorType.of((channels := int(rng.integers(1, 4)),), IntType(int(rng.integers(3, 7)), bool(rng.integers(2))))
    scale = [Fraction(int(rng.integers(1, 64)), int(rng.integers(7, 90))) for _ in range(channels)]
    offset = [Fraction(int(rng.integers(-40, 40)), 7) for _ in range(channels)]
    op, values = step_function(scale, offset, half_up, lo := -8, hi := 7, x)
    steps = Steps.of(op, x)
    assert steps is not None
    found = list(steps.as_mulshifts())
    shift, bits = least_multiplier(values, x, int(values.min()), int(values.max()))
    assert min(c.shift for c in found) == shift
    assert min(int(c.m.max()).bit_length() for c in found if c.shift == shift) == bits
    codes = np.repeat(np.arange(x.min, x.max + 1)[:, None], channels, axis=1)
    for candidate in found:
        assert lo <= candidate.lo and candidate.hi <= hi
        np.testing.assert_array_equal(candidate.evaluate(codes), values)


def test_offsets_are_no_wider_than_the_widest_must_be():
    """A channel that is always clipped admits any offset below."""
    x = TensorType.of((2,), IntType(14, True))
    op, _ = step_function([Fraction(1, 50), Fraction(1, 50)], [Fraction(0), Fraction(-1000)], half_up, 0, 63, x)
    (product,) = [c for c in candidates(op, x) if isinstance(c, MulShift)]
    assert abs(product.b).max() < 1 << 16
