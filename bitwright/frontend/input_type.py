"""`--input-type`: the integers that a graph input without a quantiser consists of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ..errors import CompileError, quoted
from ..ir.types import IntType

MAX_WIDTH = 32

_PLAIN = re.compile(r"(u?)int(\d{1,3})")
_FIXED = re.compile(r"(u?)fixed<\s*(\d{1,3})\s*,\s*(-?\d{1,3})\s*>")


@dataclass(frozen=True, slots=True)
class InputType:
    """Codes of `elem` mean scale · code + offset; `encode` is the host's rule in boundary.json."""

    elem: IntType
    scale: Fraction
    offset: Fraction
    encode: dict[str, Any]


def parse_input_type(text: str) -> InputType:
    """`int8`, `uint4`, `fixed<16,6>` (6 integer bits, the sign among them), `ufixed<8,0>`, `bipolar`. Raises E031."""
    plain, fixed = _PLAIN.fullmatch(text.strip()), _FIXED.fullmatch(text.strip())
    if text.strip() == "bipolar":
        encode = {"kind": "steps", "base": [0], "sign": [1], "edges": [[(0.0).hex()]]}
        return InputType(IntType(1, False), Fraction(2), Fraction(-1), encode)
    match = plain or fixed
    if match is None or not 1 <= int(match[2]) <= MAX_WIDTH:
        message = f"{quoted(text)} is not an input type"
        hint = f"use int<N> or uint<N> (as in int8), fixed<W,I> or ufixed<W,I>, or bipolar; widths 1 to {MAX_WIDTH}"
        raise CompileError("E031", message, hint=hint)
    elem = IntType(int(match[2]), not match[1])
    exponent = elem.width - int(match[3]) if fixed else 0
    encode = {"kind": "grid", "exp": exponent, "lo": elem.lo, "hi": elem.hi}
    return InputType(elem, Fraction(2) ** -exponent, Fraction(0), encode)
