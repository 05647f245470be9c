"""What follows a sum, a channel at a time: requantisers as bits, merged with the sum's adders where they can be.

`Linear` is a sum that has not been built yet; each function takes one and gives the word of the result.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..ir.types import IntType
from .circuit import MOST_INPUTS, ONE, ZERO, Circuit, Sum, Word
from .decompose import functions
from .digits import signed_digits
from .heap import Heap

SPARED = 3
"""Bits of a heap, for each of its sum, from which a row that makes it of another sum is worth its place in the path."""


@dataclass(frozen=True, slots=True)
class Term:
    """sign · 2^shift · word."""

    word: Word
    shift: int
    sign: int


@dataclass(frozen=True, slots=True)
class Linear:
    """The sum of the terms and a constant; `lo` and `hi` bound it."""

    terms: tuple[Term, ...]
    constant: int
    lo: int
    hi: int
    parts: tuple[Term, ...] = ()
    """Other terms of the same sum, which are added up in their place; some of them are sums of several terms."""

    @classmethod
    def of(cls, word: Word) -> Linear:
        return cls((Term(word, 0, 1),), 0, word.lo, word.hi)

    def times(self, factor: int, plus: int) -> Linear:
        """factor · self + plus, for a power of two, or one of few digits of a sum of one term."""
        ends = sorted((self.lo * factor + plus, self.hi * factor + plus))
        terms, parts = (
            tuple(Term(t.word, t.shift + shift, t.sign * sign) for t in some for shift, sign in signed_digits(factor))
            for some in (self.terms, self.parts)
        )
        return Linear(terms, self.constant * factor + plus, ends[0], ends[1], parts)

    def bits(self, circuit: Circuit, width: int) -> tuple[int, ...]:
        """The lowest `width` bits, in two's complement."""
        asked = Sum(tuple(sorted(self._counts())), self._offset() & ((1 << width) - 1), width)
        if asked not in circuit.sums:
            heap = Heap(width, self.constant)
            for term in self.parts or self.terms:
                heap.add(term.word, term.shift, term.sign)
            circuit.sums[asked] = (_like(circuit, asked, heap.bits) or heap).total(circuit)
            circuit.forms.setdefault(asked.terms, asked)
        return circuit.sums[asked]

    def _counts(self) -> Iterable[tuple[int, int]]:
        """How much every bit counts."""
        for term in self.terms:
            for k, bit in enumerate(term.word.bits):
                top = term.word.signed and k + 1 == len(term.word.bits)
                yield bit, (-term.sign if top else term.sign) << (term.shift + k)

    def _offset(self) -> int:
        return self.constant + sum(t.sign * t.word.offset << t.shift for t in self.terms)

    def word(self, circuit: Circuit) -> Word:
        """The sum itself."""
        if self.lo == self.hi:
            return Word.constant(self.lo)
        if len(self.terms) == 1 and self.terms[0].shift == 0 and self.terms[0].sign == 1:
            word = self.terms[0].word
            return replace(word, lo=self.lo, hi=self.hi, offset=word.offset + self.constant)
        return Word(self.bits(circuit, IntType.covering(self.lo, self.hi).width), self.lo, self.hi)


def _like(circuit: Circuit, asked: Sum, bits: int) -> Heap | None:
    """A sum from another of the same terms, or of these with all signs turned: that and a constant.

    It is there for nothing where there is no constant; else it is a row, which comes later, so that many bits must be spared.
    """
    minus = tuple(sorted((bit, -count) for bit, count in asked.terms))
    for terms, sign in ((asked.terms, 1), (minus, -1)):
        other = circuit.forms.get(terms)
        if other is None or other.width < asked.width:
            continue
        heap = Heap(asked.width, asked.constant - sign * other.constant)
        heap.add(Word(circuit.sums[other][: asked.width], 0, (1 << asked.width) - 1), 0, sign)
        if heap.constant % (1 << asked.width) == 0 or (circuit.heaps.shared and bits > SPARED * asked.width):
            return heap
    return None


def shifted(
    circuit: Circuit, x: Linear, right: int, lo: int, hi: int, *, even: bool = False, wrap: IntType | None = None
) -> Word:
    """clip(⌊x / 2^right⌋, lo, hi), or rounded to nearest, ties to even; then reduced to a type by `wrap`, if given.

    With `even`, x has half of 2^right in it already.
    """
    low, high = x.lo >> right, x.hi >> right
    even = even and right > 0
    if even:
        low -= low & 1
    under, over = low < lo, high > hi
    if not under and not over and wrap is not None:
        return _field(circuit, x, right, even, wrap)
    # Bits count from a base that makes the lower limit, or the least value, 0.
    least, most = max(lo, low), min(hi, high)
    if least >= most:
        value = min(max(low, lo), hi)
        return Word.constant(value if wrap is None else ((value - wrap.lo) & ((1 << wrap.width) - 1)) + wrap.lo)
    base = lo if under else min(low, 0) if over else 0
    base -= base & 1 if even else 0
    moved = replace(x, constant=x.constant - (base << right), lo=x.lo - (base << right), hi=x.hi - (base << right))
    whole = _quotient(circuit, moved, right, even)
    limit = most - base
    if not under and not over:
        word = Word(whole, low, high, base)
        return word if wrap is None else _wrapped(circuit, word, wrap)
    out = limit.bit_length()
    bits = list(whole[:out])
    if over:
        bits = _at_most(circuit, whole, limit, out, signed=low < base)
    if under:
        if low < base:
            bits = [circuit.lut((b, whole[-1]), 0b0010) for b in bits]
        if lo > base:  # an odd limit over an even base: 0 becomes 1
            none = _any(circuit, bits) ^ 1
            bits[0] = circuit.lut((bits[0], none), 0b1110)
    word = Word(tuple(bits), least, most, base)
    return _signed(word) if wrap is None else _wrapped(circuit, word, wrap)


def _quotient(circuit: Circuit, x: Linear, right: int, even: bool) -> tuple[int, ...]:
    """The bits of ⌊x / 2^right⌋ in two's complement, or in binary if it is never negative."""
    width = IntType.covering(x.lo, x.hi).width
    bits = x.bits(circuit, width)
    if x.lo < 0:  # of a sum that is shifted out altogether the sign is left
        bits += bits[-1:] * (right + 1 - width)
    rest, whole = bits[:right], list(bits[right:])
    if even and whole:
        whole[0] = circuit.lut((whole[0], _any(circuit, rest)), 0b1000)
    return tuple(whole)


def _field(circuit: Circuit, x: Linear, right: int, even: bool, type_: IntType) -> Word:
    """The bits of ⌊x / 2^right⌋ that the type has; those above are not computed."""
    low, high = x.lo >> right, x.hi >> right
    turn = (low - type_.lo) >> type_.width
    if turn == (high - type_.lo) >> type_.width and not even:  # no wrap: the range stays known
        low, high = low - (turn << type_.width), high - (turn << type_.width)
    else:
        low, high = type_.lo, type_.hi
    bits = x.bits(circuit, right + type_.width)
    whole = list(bits[right:])
    if even:
        whole[0] = circuit.lut((whole[0], _any(circuit, bits[:right])), 0b1000)
    if low >= 0 and type_.signed:
        whole = whole[:-1]
    return Word(tuple(whole[: IntType.covering(low, high).width]), low, high)


def _wrapped(circuit: Circuit, word: Word, type_: IntType) -> Word:
    """The field of a word."""
    if word.offset & ((1 << type_.width) - 1):
        return _field(circuit, Linear.of(word), 0, False, type_)
    sign = word.bits[-1] if word.signed and word.bits else ZERO
    bits = (*word.bits, *([sign] * type_.width))[: type_.width]
    if type_.lo <= word.lo and word.hi <= type_.hi:
        return Word(bits[: IntType.covering(word.lo, word.hi).width], word.lo, word.hi)
    return Word(bits, type_.lo, type_.hi)


def _signed(word: Word) -> Word:
    """Without an offset, if inverting the top bit is all that it takes."""
    width = len(word.bits)
    if width and word.offset == -(1 << (width - 1)) and not word.signed:
        return Word((*word.bits[:-1], word.bits[-1] ^ 1), word.lo, word.hi)
    return word


def _at_most(circuit: Circuit, bits: Sequence[int], limit: int, out: int, *, signed: bool) -> list[int]:
    """min(bits, limit) on `out` bits; what it gives for a negative number does not matter."""
    top = bits[out : len(bits) - int(signed)]
    if limit + 1 == 1 << out:
        over = _any(circuit, top)
        return [circuit.lut((b, over), 0b1110) for b in bits[:out]]
    over = at_least(circuit, bits[: len(bits) - int(signed)], limit + 1)
    return [circuit.lut((b, over), 0b1110 if limit >> k & 1 else 0b0010) for k, b in enumerate(bits[:out])]


def _any(circuit: Circuit, bits: Sequence[int]) -> int:
    """Whether any of the bits is one."""
    found = [b for b in bits if b != ZERO]
    while len(found) > 1:
        found = [circuit.lut(found[k : k + MOST_INPUTS], (1 << (1 << len(found[k : k + MOST_INPUTS]))) - 2)
                 for k in range(0, len(found), MOST_INPUTS)]  # fmt: skip
    return found[0] if found else ZERO


def at_least(circuit: Circuit, bits: Sequence[int], limit: int) -> int:
    """Whether the bits, an unsigned number, are at least a constant."""
    if limit <= 0:
        return ONE
    if limit >> len(bits):
        return ZERO
    carry, k = ONE, 0
    while k < len(bits):
        part = bits[k : k + MOST_INPUTS - 1]
        want = limit >> k & ((1 << len(part)) - 1)
        table = 0
        for row in range(1 << (len(part) + 1)):
            value, below = row & ((1 << len(part)) - 1), row >> len(part)
            table |= int(value > want or (value == want and below)) << row
        carry = circuit.lut((*part, carry), table)
        k += len(part)
    return carry


def counted(circuit: Circuit, x: Linear, thresholds: Sequence[int], base: int, sign: int) -> Word:
    """base + sign · #{k : x ≥ thresholds[k]}; the thresholds ascend."""
    met = sum(t <= x.lo for t in thresholds)
    base, steps = base + sign * met, [t for t in thresholds if x.lo < t <= x.hi]
    if not steps:
        return Word.constant(base)
    if sign < 0:  # count those that are not met
        base -= len(steps)
    ends = (base, base + len(steps))
    if len(steps) == 1:
        moved = replace(x, constant=x.constant - steps[0], lo=x.lo - steps[0], hi=x.hi - steps[0])
        below = moved.bits(circuit, IntType.covering(moved.lo, moved.hi).width)[-1]
        return Word((below if sign < 0 else below ^ 1,), *ends, base)
    moved = replace(x, constant=x.constant - x.lo, lo=0, hi=x.hi - x.lo)
    bits = moved.bits(circuit, IntType.covering(0, moved.hi).width)
    reached = [at_least(circuit, bits, t - x.lo) for t in steps]
    if sign < 0:
        reached = [r ^ 1 for r in reversed(reached)]
    return Word(tuple(_count(circuit, reached)), *ends, base)


def _count(circuit: Circuit, reached: Sequence[int]) -> list[int]:
    """The number of ones of a row of bits that descends, as bits."""
    width = len(reached).bit_length()
    padded = [*reached, *([ZERO] * ((1 << width) - 1 - len(reached)))]
    found = list[int]()
    for k in reversed(range(width)):  # the top bit first; each bit picks one half of what is left
        middle = padded[(len(padded) // 2)]
        found.insert(0, middle)
        low, high = padded[: len(padded) // 2], padded[len(padded) // 2 + 1 :]
        padded = [circuit.lut((a, b, middle), 0b11001010) for a, b in zip(low, high, strict=True)] if k else []
    return found


def looked_up(circuit: Circuit, words: Sequence[Word], values: Sequence[int]) -> Word:
    """A function of the bits of the words, the first lowest: entry i of `values` where they read i."""
    lo, hi = min(values), max(values)
    type_ = IntType.covering(lo, hi)
    offset = type_.lo if (hi - lo).bit_length() == type_.width else lo
    codes, bits = np.array(values) - offset, [b for w in words for b in w.bits]
    nets = list(dict.fromkeys(b >> 1 for b in bits if b > ONE))
    if len(nets) < len(bits) or any(b & 1 for b in bits):  # a bit may be there twice, inverted or constant
        reading = np.arange(1 << len(nets))
        index = np.zeros(len(reading), np.int64)
        for k, b in enumerate(bits):
            index |= ((reading >> nets.index(b >> 1) & 1 if b > ONE else 0) ^ (b & 1)) << k
        codes = codes[index]
    found = functions(circuit, [2 * n for n in nets], codes, (hi - offset).bit_length())
    return _signed(Word(tuple(found), lo, hi, offset))
