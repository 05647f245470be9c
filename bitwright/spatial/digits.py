"""Canonical signed digits of constants."""

from __future__ import annotations

from functools import cache


@cache
def signed_digits(value: int) -> tuple[tuple[int, int], ...]:
    """`value` as Σ sign · 2^shift with the fewest terms, no two of them neighbours; ((shift, sign), …), lowest first.

    The recoding is Reitwiesner's, Binary arithmetic, 1960.
    """
    found, shift, rest = list[tuple[int, int]](), 0, abs(value)
    while rest:
        if rest & 1:
            digit = 2 - (rest & 3)
            rest -= digit
            found.append((shift, digit if value > 0 else -digit))
        rest, shift = rest >> 1, shift + 1
    return tuple(found)
