"""Integer types: exact widths, ranges, and text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitwright.ir.text import parse_type
from bitwright.ir.types import IntType, TensorType


@given(st.integers(-(1 << 60), 1 << 60), st.integers(-(1 << 60), 1 << 60))
def test_covering_is_the_narrowest(a, b):
    lo, hi = min(a, b), max(a, b)
    found = IntType.covering(lo, hi)
    assert found.lo <= lo and hi <= found.hi
    assert found.signed == (lo < 0)
    if found.width > 1:
        narrower = IntType(found.width - 1, found.signed)
        assert lo < narrower.lo or hi > narrower.hi


@pytest.mark.parametrize(
    "lo, hi, text", [(0, 0, "u1"), (0, 1, "u1"), (-1, 0, "s1"), (-1, -1, "s1"), (-3, 3, "s3"), (0, 255, "u8")]
)
def test_small_cases(lo, hi, text):
    assert str(IntType.covering(lo, hi)) == text
    assert IntType.parse(text) == IntType.covering(lo, hi)


def test_widths_are_limited():
    with pytest.raises(ValueError, match=r"63 bits is outside 1\.\.62"):
        IntType(63, True)


@pytest.mark.parametrize("text", ["4xs8", "3x4xu2[0..2]", "s5[-3..3]", "1xs1"])
def test_type_text_round_trip(text):
    assert str(parse_type(text)) == text


def test_channels_collapse_when_they_are_equal():
    assert TensorType.ranged((4,), [-1, -1], [5, 5]) == TensorType.ranged((4,), [-1], [5])
    assert TensorType.ranged((4,), [-1, 0], [5, 5]).bounds(4) == ((-1, 0, -1, 0), (5, 5, 5, 5))
