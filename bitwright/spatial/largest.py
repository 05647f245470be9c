"""The greatest of several numbers."""

from __future__ import annotations

from collections.abc import Sequence

from ..ir.types import IntType
from .circuit import MOST_INPUTS, Circuit, Word
from .steps import Linear, Term, looked_up


def largest(circuit: Circuit, words: Sequence[Word]) -> Word:
    """By pairs, then pairs of these."""
    found = [word for word in words if word.hi >= max(w.lo for w in words)]
    while len(found) > 1:
        pairs = [_greater(circuit, a, b) for a, b in zip(found[::2], found[1::2], strict=False)]
        found = pairs + found[2 * len(pairs) :]
    return found[0]


def _greater(circuit: Circuit, a: Word, b: Word) -> Word:
    """A table where both fit a LUT; else the sign of the difference picks one of them, bit by bit."""
    if a.lo >= b.hi or a == b:
        return a
    if b.lo >= a.hi:
        return b
    lo, hi = max(a.lo, b.lo), max(a.hi, b.hi)
    both = len(a.bits) + len(b.bits)
    if both <= MOST_INPUTS:
        values = [max(_read(a, n), _read(b, n >> len(a.bits))) for n in range(1 << both)]
        return looked_up(circuit, (a, b), [min(max(v, lo), hi) for v in values])
    difference = Linear((Term(a, 0, 1), Term(b, 0, -1)), 0, a.lo - b.hi, a.hi - b.lo)
    less = difference.bits(circuit, IntType.covering(difference.lo, difference.hi).width)[-1]
    width = IntType.covering(min(a.lo, b.lo), hi).width
    columns = zip(_wide(circuit, a, width), _wide(circuit, b, width), strict=True)
    bits = [circuit.lut((p, q, less), 0b11001010) for p, q in columns]
    return Word(tuple(bits[: IntType.covering(lo, hi).width]), lo, hi)


def _read(word: Word, reading: int) -> int:
    """What a word is whose bits read so, within its range."""
    code = reading & ((1 << len(word.bits)) - 1)
    if word.signed:
        code -= code >> (len(word.bits) - 1) << len(word.bits)
    return min(max(code + word.offset, word.lo), word.hi)


def _wide(circuit: Circuit, word: Word, width: int) -> tuple[int, ...]:
    """The bits of a word in two's complement."""
    return Linear.of(word).bits(circuit, width) if word.offset else _extended(word, width)


def _extended(word: Word, width: int) -> tuple[int, ...]:
    top = word.bits[-1] if word.signed else 0
    return (*word.bits, *([top] * width))[:width]
