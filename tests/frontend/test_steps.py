"""Step functions against their definitions, tie by tie, and their thresholds against plain search."""

from fractions import Fraction
from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitwright.frontend.shifts import as_shift
from bitwright.frontend.steps import SIGN, Grid, Levels, Rounding, solve
from bitwright.ir.types import IntType, TensorType
from tests.frontend.onnx_exact import rounded

EIGHTHS = [Fraction(n, 8) for n in range(-40, 41)]
RATIOS = st.fractions(-5, 5, max_denominator=12)


@pytest.mark.parametrize("mode", Rounding)
def test_rounding_of_every_eighth(mode):
    assert [mode.round(t) for t in EIGHTHS] == [rounded(mode.value, t) for t in EIGHTHS]


@pytest.mark.parametrize("mode", Rounding)
def test_rounding_is_that_of_qonnx(mode):
    from qonnx.custom_op.general.quant import resolve_rounding_mode

    theirs = resolve_rounding_mode(mode.value)(np.array([float(t) for t in EIGHTHS]))
    assert [mode.round(t) for t in EIGHTHS] == theirs.tolist()


@pytest.mark.parametrize("mode", Rounding)
def test_bounds_say_where_codes_begin(mode):
    for t in EIGHTHS:
        for k in range(-6, 7):
            twice, strict = mode.bound(k)
            assert (mode.round(t) >= k) == (2 * t > twice if strict else 2 * t >= twice)


@given(RATIOS, RATIOS, RATIOS, RATIOS, st.sampled_from(Rounding), st.sampled_from([None, Fraction(2), Fraction(1, 2)]),
       st.integers(-30, 30), st.integers(0, 30))  # fmt: skip
def test_solved_thresholds_are_the_function(ratio, offset, a, b, mode, inner, least, span):
    steps = Grid(mode, -9, 8, inner)
    low, high = min(a, b), max(a, b)
    for limits in ((low, high), (-inf, high), (low, inf), (-inf, inf)):
        row = solve(ratio, offset, *limits, steps, least, least + span)
        assert all(least < t <= least + span for t in row.thresholds)
        for q in range(least, least + span + 1):
            expected = steps.code(max(limits[0], min(ratio * q + offset, limits[1])))
            assert row.base + row.sign * sum(q >= t for t in row.thresholds) == expected


@given(RATIOS, RATIOS, st.lists(RATIOS, max_size=6), st.integers(-20, 20), st.integers(0, 20))
def test_solved_levels_are_the_function(ratio, offset, levels, least, span):
    steps = Levels(tuple(sorted(levels)))
    row = solve(ratio, offset, -inf, inf, steps, least, least + span)
    for q in range(least, least + span + 1):
        expected = sum(ratio * q + offset >= level for level in levels)
        assert row.base + row.sign * sum(q >= t for t in row.thresholds) == expected


def test_the_sign_of_zero_is_positive():
    assert [SIGN.code(Fraction(t)) for t in (-1, 0, 1)] == [0, 1, 1]
    assert SIGN.code(-inf) == 0 and SIGN.code(inf) == 1


@given(st.integers(-3, 3), st.fractions(-9, 9, max_denominator=16), st.sampled_from(Rounding))
def test_a_shift_is_the_function_or_is_refused(exponent, offset, mode):
    ratio, steps = Fraction(2) ** exponent, Grid(mode, -11, 13)
    settings = [(ratio, offset, Fraction(-5), inf, steps)]
    shift = as_shift(settings, TensorType.of((1,), IntType(7, True)))
    codes = np.arange(-64, 64)
    expected = [steps.code(max(Fraction(-5), ratio * q + offset)) for q in codes.tolist()]
    if shift is not None:
        assert shift.evaluate(codes.reshape(-1, 1)).reshape(-1).tolist() == expected
    ties = any((2 * (ratio * q + offset)) % 2 == 1 for q in codes.tolist())
    halves = mode in (Rounding.HALF_EVEN, Rounding.HALF_UP, Rounding.HALF_DOWN)
    assert (shift is not None) == (mode in (Rounding.FLOOR, Rounding.CEIL) or (halves and not ties))
