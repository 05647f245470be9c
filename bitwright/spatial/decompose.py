"""Functions of more bits than a LUT has, as LUTs behind LUTs.

Of some of the bits a function may need to know little: how many columns its table has that differ tells how many bits
can stand for them (Ashenhurst 1957, Curtis 1962). Of a sum and its requantiser that is little, as partial sums are few and
many steps alike. Where no bits are spared, a bit picks between the two halves of the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np

from ..ir.op import Codes
from .circuit import MOST_INPUTS, Circuit

LEAST_BOUND = 3
"""Bits that others stand for."""
ALL_TRIED = 10
"""Bits of a function up to which any of them are tried; of more, neighbours."""


@dataclass(frozen=True, slots=True)
class _Bound:
    """Places of bits, for each reading of them the number of its column, and how many bits that takes."""

    places: tuple[int, ...]
    number: Codes
    count: int


@dataclass(frozen=True, slots=True)
class _Tried:
    """Choices of some places, and where the columns of a table then are: shape (choices, readings of these, readings of the others).

    Columns that are alike have the same sum of their entries times the factors, modulo 2^64; others as good as never.
    """

    places: tuple[tuple[int, ...], ...]
    masks: Codes
    """The same, a bit a place."""
    entries: Codes
    factors: Codes


def functions(circuit: Circuit, bits: Sequence[int], codes: Codes, width: int) -> list[int]:
    """The `width` bits of a number that is entry i of `codes` where the bits, the first lowest, read i."""
    if len(bits) <= MOST_INPUTS:
        return [circuit.lut(bits, _packed(codes >> k & 1)) for k in range(width)]
    found = _bound(codes.tobytes(), len(bits))
    if found is None:
        halves = [functions(circuit, bits[:-1], half, width) for half in np.split(codes, 2)]
        return [circuit.lut((low, high, bits[-1]), 0b11001010) for low, high in zip(*halves, strict=True)]
    inside = [bits[i] for i in found.places]
    short = [circuit.lut(inside, _packed(found.number >> k & 1)) for k in range(found.count)]
    rest = [b for i, b in enumerate(bits) if i not in found.places]
    columns = _columns(codes, len(bits), found.places)
    first = np.zeros(1 << found.count, np.int64)
    first[found.number[::-1]] = np.arange(len(found.number))[::-1]
    return functions(circuit, [*short, *rest], columns[first].T.reshape(-1), width)


def _packed(values: Codes) -> int:
    return int.from_bytes(np.packbits(values.astype(np.uint8), bitorder="little").tobytes(), "little")


def _columns(codes: Codes, count: int, places: Sequence[int]) -> Codes:
    """Shape (readings of the places, readings of the others)."""
    cube = codes.reshape((2,) * count)  # axis 0 is the last bit
    others = [i for i in range(count) if i not in places]
    axes = [count - 1 - i for i in (*reversed(places), *reversed(others))]
    return np.ascontiguousarray(cube.transpose(axes).reshape(1 << len(places), -1))


@lru_cache(maxsize=4096)
def _bound(table: bytes, count: int) -> _Bound | None:
    """The places that spare the most bits, down to what a LUT has, for the fewest LUTs; None if none spares any."""
    codes = np.frombuffer(table, np.int64)
    best, places = (count, 0), tuple[int, ...]()
    above: Codes | None = None
    for size in range(min(MOST_INPUTS, count - 1), LEAST_BOUND - 1, -1):
        tried = _tried(count, size)
        some = np.arange(len(tried.places))
        if above is not None:  # fewer places spare no more bits than those that they are among
            some = np.flatnonzero((tried.masks[:, None] & above == tried.masks[:, None]).any(axis=1))
        sums = np.sort(codes[tried.entries[some]] @ tried.factors, axis=1)
        differ = np.count_nonzero(sums[:, 1:] != sums[:, :-1], axis=1) + 1
        found = [(max(count - size + short, MOST_INPUTS), short) for short in map(_bits, differ.tolist())]
        least = min(found, default=best)
        if least < best:
            best, places = least, tried.places[some[found.index(least)]]
        if not places:
            return None
        above = tried.masks[some[[left <= best[0] for left, _ in found]]]
    _, number = np.unique(_columns(codes, count, places), axis=0, return_inverse=True)
    return _Bound(places, number.reshape(-1), int(number.max()).bit_length())


def _bits(several: int) -> int:
    """That tell so many apart."""
    return (several - 1).bit_length()


@lru_cache(maxsize=64)
def _tried(count: int, size: int) -> _Tried:
    if count <= ALL_TRIED:
        places = tuple(combinations(range(count), size))
    else:
        places = tuple(tuple(range(low, low + size)) for low in range(count - size + 1))
    entries = np.stack([_columns(np.arange(1 << count), count, some) for some in places])
    masks = np.array([sum(1 << k for k in some) for some in places])
    return _Tried(places, masks, entries, np.random.default_rng(0).integers(-(1 << 62), 1 << 62, entries.shape[-1]))
