"""What the hardware of a requantiser leaves out, by brute force over its operand's range."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bitwright.ir.netlist import Multiplier
from bitwright.ir.types import IntType, TensorType
from bitwright.ops import area
from bitwright.ops.mulshift import MulShift, product_of


@st.composite
def operators(draw):
    channels = draw(st.integers(1, 3))
    bits, signed = draw(st.integers(3, 9)), draw(st.booleans())
    own = [sorted(draw(st.lists(st.integers(-200, 200), min_size=2, max_size=2))) for _ in range(channels)]
    elem = IntType(bits, signed)
    lo, hi = ([int(np.clip(pair[k], elem.lo, elem.hi)) for pair in own] for k in (0, 1))
    x = TensorType((channels,), elem, tuple(lo), tuple(hi)) if draw(st.booleans()) else TensorType.of((channels,), elem)
    shift = draw(st.integers(0, 14))
    low = draw(st.sampled_from([0, -900]))
    m = [draw(st.integers(low, 900)) for _ in range(channels)]
    b = [draw(st.integers(-(1 << 15), 1 << 15)) for _ in range(channels)]
    first = draw(st.integers(-20, 20))
    return MulShift(np.array(m), np.array(b), shift, first, first + draw(st.integers(0, 20))), x


def channel_values(op, x, c):
    lo, hi = x.bounds(len(op.m))
    return np.arange(lo[c], hi[c] + 1)


@given(operators())
@settings(max_examples=300)
def test_spare_is_what_no_result_sees(case):
    op, x = case
    spare, clips = op.spare(x), op.clips(x)
    changed = False
    for c, (m, b) in enumerate(zip(op.m, op.b, strict=True)):
        a = channel_values(op, x, c)

        def result(less, m=m, b=b, a=a):
            free = (m * a + b - less) >> op.shift
            return np.clip(free, op.lo, op.hi) if clips else free

        for less in {0, spare // 3, spare}:
            np.testing.assert_array_equal(result(less), result(0))
        changed = changed or (result(spare + 1) != result(0)).any()
    assert changed or spare == (1 << op.shift) - 1


@given(operators())
@settings(max_examples=300)
def test_what_is_beyond_the_bits_seen_is_clipped(case):
    op, x = case
    seen = op.seen(x)
    assert seen.signed == x.elem.signed and seen.width <= x.elem.width
    for c in range(len(op.m)):
        a = channel_values(op, x, c)
        y = np.clip((op.m[c] * a + op.b[c]) >> op.shift, op.lo, op.hi)
        assert (y[a > seen.hi] == op.hi).all() and (y[a < seen.lo] == op.lo).all()
    if seen != x.elem:
        assert op.clips(x)


@given(operators(), st.sampled_from([Multiplier.LUT, Multiplier.DSP]))
@settings(max_examples=300)
def test_no_more_columns_are_dropped_than_are_spare(case, kind):
    op, x = case
    product = product_of(op, x, kind)
    digits = area.digits(product.rows[1]) if kind is Multiplier.LUT or product.rest else 0
    lost = min(digits, (product.drop + 1) // 2) << product.drop
    lost += int((op.b - (product.b << product.drop)).max())
    assert lost <= op.spare(x) or product.drop == 0
    assert product.drop <= max(0, product.rows[0].width - 2)


def test_a_slice_takes_the_upper_bits_and_an_operand_that_fits_takes_no_more_than_it():
    x = TensorType.of((2,), IntType(20, True))
    wide = MulShift(np.array([0xF0F0F0, 0xABCDEF]), np.array([5, 7]), 37, -128, 127)
    assert product_of(wide, x, Multiplier.DSP).slice_bits == (20, 18)
    assert product_of(wide, x, Multiplier.DSP).cost.dsp == 1
    narrow = product_of(wide, TensorType.of((2,), IntType(18, True)), Multiplier.DSP)
    assert narrow.rest == 0 and narrow.slice_bits == (18, 25) and narrow.cost.lut == 0
