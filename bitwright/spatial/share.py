"""Sums of three that neurons share: popcounts with common sub-counts.

Where weights are few (±1, or -1, 0 and 1), three operands meet with the same signs in many neurons, or with all signs
turned, as minus a sum is a sum: three inputs have four counts for all neurons together. Such a sum is a row built once;
every neuron then adds up one word instead of three.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..ir.op import Codes
from .circuit import Circuit, Sum, Word
from .digits import signed_digits
from .heap import Heap
from .steps import Linear, Term

LEAST = 2
"""Neurons that a sum is built for."""


def shared(circuit: Circuit, forms: Sequence[Linear]) -> list[Linear]:
    """The forms, told to add up sums that several of them have in common."""
    words = list(dict.fromkeys(t.word for form in forms for t in form.terms if t.word.bits))
    number = {word: k for k, word in enumerate(words)}
    signs = defaultdict[int, Codes](lambda: np.zeros((len(forms), len(words)), np.int64))
    parts = [list[Term]() for _ in forms]
    for row, form in enumerate(forms):
        for term in form.terms:
            k = number.get(term.word, -1)
            if k < 0 or signs[term.shift][row, k]:
                parts[row].append(term)
            else:
                signs[term.shift][row, k] = term.sign
    for shift, matrix in sorted(signs.items()):
        for common in _commons(matrix):
            word = _sum(circuit, [words[k] for k in common.columns], common.signs)
            for row, sign in zip(common.rows, common.turned, strict=True):
                parts[row].append(Term(word, shift, sign))
        for row, k in np.argwhere(matrix).tolist():
            parts[row].append(Term(words[k], shift, int(matrix[row, k])))
    return [replace(form, parts=tuple(found)) for form, found in zip(forms, parts, strict=True)]


def spared(weight: Codes) -> tuple[int, int]:
    """Terms of the sums of a matrix of weights, and how many of them sharing spares."""
    signs = defaultdict[int, Codes](lambda: np.zeros(weight.shape, np.int64))
    for row, k in np.argwhere(weight).tolist():
        for shift, sign in signed_digits(int(weight[row, k])):
            signs[shift][row, k] = sign
    terms = sum(int(np.count_nonzero(matrix)) for matrix in signs.values())
    return terms, sum(2 * len(c.rows) - len(c.columns) for matrix in signs.values() for c in _commons(matrix))


@dataclass(frozen=True, slots=True)
class _Common:
    """Three columns and their signs, the rows that have these, and in each of them the sign of the whole."""

    columns: tuple[int, int, int]
    signs: tuple[int, int, int]
    rows: list[int]
    turned: list[int]


def _commons(matrix: Codes) -> Iterator[_Common]:
    """Of a matrix of -1, 0 and 1, what many rows have in common; it is taken out of the matrix.

    Greedily: of the two columns that most rows have with the same signs, the third that most of these have.
    """
    product, both = matrix.T @ matrix, np.abs(matrix.T) @ np.abs(matrix)
    while True:
        pairs = both + np.abs(product)  # twice the rows that have the more frequent signs
        np.fill_diagonal(pairs, 0)
        i, j = (int(k) for k in np.unravel_index(pairs.argmax(), pairs.shape))
        if pairs[i, j] < 2 * LEAST:
            return
        second = 1 if product[i, j] >= 0 else -1
        rows = np.flatnonzero(matrix[:, i] * matrix[:, j] == second)
        relative = matrix[rows] * matrix[rows, i, None]
        ends = np.stack([(relative == sign).sum(axis=0) for sign in (1, -1)])
        ends[:, [i, j]] = 0
        way, k = (int(n) for n in np.unravel_index(ends.argmax(), ends.shape))
        if ends[way, k] < LEAST:
            return
        third = 1 - 2 * way
        rows = rows[relative[:, k] == third]
        yield _Common((i, j, k), (1, second, third), rows.tolist(), matrix[rows, i].tolist())
        three = [i, j, k]
        matrix[rows[:, None], three] = 0
        product[three] = matrix[:, three].T @ matrix
        both[three] = np.abs(matrix[:, three].T) @ np.abs(matrix)
        product[:, three], both[:, three] = product[three].T, both[three].T


def _sum(circuit: Circuit, words: Sequence[Word], signs: Sequence[int]) -> Word:
    """The sum of a few words; what is constant of it is its offset."""
    heap = Heap(max(len(word.bits) for word in words) + 2)
    for word, sign in zip(words, signs, strict=True):
        heap.add(word, 0, sign)
    most = sum(len(bits) << c for c, bits in heap.columns.items())
    heap.width, offset, heap.constant = most.bit_length(), heap.constant, 0
    terms = tuple(sorted((bit, 1 << c) for c, bits in heap.columns.items() for bit in bits))
    asked = Sum(terms, 0, heap.width)
    if asked not in circuit.sums:
        circuit.sums[asked] = heap.total(circuit)
    return Word(circuit.sums[asked], offset, offset + most, offset)
