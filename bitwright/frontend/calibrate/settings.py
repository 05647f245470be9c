"""What a user may choose about the quantization of a float model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import Enum

from ...errors import CompileError, quoted

LEAST_BITS, MOST_BITS = 2, 16


class Ranges(Enum):
    """How the range of an activation is chosen: the least mean square error, quantiles, or all that was seen."""

    MSE = "mse"
    PERCENTILE = "percentile"
    MINMAX = "minmax"


class Scales(Enum):
    """Which scales there are: of 12 significant bits, so that a product of two is still a float32; or powers of two."""

    FREE = "free"
    POWER_OF_TWO = "power-of-two"


@dataclass(frozen=True, slots=True)
class Bits:
    """Widths of one layer: of its weights and of its result; None where the general one holds."""

    weight: int | None
    activation: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Widths (2 to 16 bits), those of single layers by name, and the manner of scales and ranges."""

    weight_bits: int = 8
    activation_bits: int = 8
    bits: Mapping[str, Bits] = field(default_factory=dict[str, Bits])
    ranges: Ranges = Ranges.MSE
    scales: Scales = Scales.FREE
    per_tensor: bool = False
    """One scale for all weights of a layer, instead of one an output channel."""
    symmetric: bool = False
    """No zero points, also where activations lie more to one side."""
    bias_correction: bool = True
    equalise: bool = False
    """Channels are scaled from layer to layer until the weights on both sides of them are even."""

    def __post_init__(self) -> None:
        """Raise CompileError E063 for a width out of range."""
        _check_width("--weight-bits", self.weight_bits)
        _check_width("--activation-bits", self.activation_bits)

    def weights(self, names: Iterable[str]) -> int:
        """The width of the weights of a layer that has these names."""
        found = [b.weight for n in names if (b := self.bits.get(n)) is not None and b.weight is not None]
        return max(found, default=self.weight_bits)

    def activations(self, names: Iterable[str]) -> int:
        """The width of the result of layers that have these names: the greatest that is asked for."""
        found = [b.activation for n in names if (b := self.bits.get(n)) is not None and b.activation is not None]
        return max(found, default=self.activation_bits)

    def check_names(self, weighted: set[str], others: set[str]) -> None:
        """Raise CompileError E063 where widths are given for a layer that is not there or has no such part."""
        for name, bits in self.bits.items():
            if name not in weighted | others:
                close = get_close_matches(name, sorted(weighted | others), 3)
                hint = (
                    f"did you mean {', '.join(quoted(c) for c in close)}?" if close else "`bitwright check` lists them"
                )
                message = f"--bits names {quoted(name)}, but nothing that is quantized has that name"
                raise CompileError("E063", message, hint=hint)
            for width, known, what in ((bits.weight, weighted, "weights"), (bits.activation, others, "result")):
                if width is not None and name not in known:
                    raise CompileError("E063", f"--bits: {quoted(name)} has no {what} that are quantized here")


def parse_bits(texts: Iterable[str]) -> dict[str, Bits]:
    """`NAME=W:A`, `NAME=W` or `NAME=:A`, each name once. Raises CompileError E063."""
    found: dict[str, Bits] = {}
    for text in texts:
        name, equals, widths = text.rpartition("=")
        weight, _, activation = widths.partition(":")
        if not equals or not name or not widths.strip(":") or name in found:
            problem = "is given twice" if name in found else "is not NAME=W:A"
            hint = "as in --bits conv1=4:8 (weights:result), conv1=4 or x=:6"
            raise CompileError("E063", f"--bits {quoted(text)} {problem}", hint=hint)
        found[name] = Bits(_width(weight, text), _width(activation, text))
    return found


def _width(text: str, whole: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 3:
        raise CompileError("E063", f"--bits {quoted(whole)}: {quoted(text)} is no number of bits")
    _check_width(f"--bits {quoted(whole)}", int(text))
    return int(text)


def _check_width(what: str, bits: int) -> None:
    if not LEAST_BITS <= bits <= MOST_BITS:
        raise CompileError("E063", f"{what}: {bits} bits are outside {LEAST_BITS} to {MOST_BITS}")
