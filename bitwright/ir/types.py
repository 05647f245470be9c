"""Integer types. A value is a tensor of integer codes; what a code means in real numbers lives at the boundary only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

MAX_WIDTH = 62  # so that NumPy's int64 holds every code and every comparison with one


@dataclass(frozen=True, slots=True)
class IntType:
    """A two's-complement or unsigned integer of `width` bits."""

    width: int
    signed: bool

    def __post_init__(self) -> None:
        if not 1 <= self.width <= MAX_WIDTH:
            raise ValueError(f"a width of {self.width} bits is outside 1..{MAX_WIDTH}")

    @property
    def lo(self) -> int:
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def hi(self) -> int:
        return (1 << (self.width - int(self.signed))) - 1

    @classmethod
    def covering(cls, lo: int, hi: int) -> IntType:
        """The narrowest type that holds every integer of [lo, hi]; unsigned when lo ≥ 0."""
        signed = lo < 0
        width = max((~lo if signed else lo).bit_length(), (hi if hi >= 0 else ~hi).bit_length()) + int(signed)
        return cls(max(width, 1), signed)

    @classmethod
    def parse(cls, text: str) -> IntType:
        """The inverse of `str`: `s8`, `u4`."""
        return cls(int(text[1:]), {"s": True, "u": False}[text[0]])

    def __str__(self) -> str:
        return f"{'s' if self.signed else 'u'}{self.width}"


@dataclass(frozen=True, slots=True)
class TensorType:
    """Shape of one frame (no batch axis), element type, and the exact range of its codes.

    `lo` and `hi` have one entry, or one a channel: with P entries, the element at flat index e has range
    `lo[e mod P] .. hi[e mod P]`.
    """

    shape: tuple[int, ...]
    elem: IntType
    lo: tuple[int, ...]
    hi: tuple[int, ...]

    @classmethod
    def of(cls, shape: Sequence[int], elem: IntType) -> TensorType:
        """A tensor that may hold every code of its type."""
        return cls(tuple(shape), elem, (elem.lo,), (elem.hi,))

    @classmethod
    def ranged(cls, shape: Sequence[int], lo: Sequence[int], hi: Sequence[int]) -> TensorType:
        """A tensor of known ranges, in the narrowest type that holds them."""
        low, high = tuple(lo), tuple(hi)
        if len(set(zip(low, high, strict=True))) == 1:
            low, high = low[:1], high[:1]
        return cls(tuple(shape), IntType.covering(min(low), max(high)), low, high)

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def vector(self) -> int:
        """Elements along the last axis: what a dense layer consumes and produces at a time."""
        return self.shape[-1] if self.shape else 1

    @property
    def min(self) -> int:
        return min(self.lo)

    @property
    def max(self) -> int:
        return max(self.hi)

    def bounds(self, period: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """`lo` and `hi` with exactly `period` entries; `period` is a multiple of the number that there are."""
        repeat = period // len(self.lo)
        return self.lo * repeat, self.hi * repeat

    def with_shape(self, shape: Sequence[int]) -> TensorType:
        return TensorType(tuple(shape), self.elem, self.lo, self.hi)

    def __str__(self) -> str:
        shape = "".join(f"{d}x" for d in self.shape)
        full = (self.min, self.max) == (self.elem.lo, self.elem.hi)
        return f"{shape}{self.elem}" + ("" if full else f"[{self.min}..{self.max}]")
