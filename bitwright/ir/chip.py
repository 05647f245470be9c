"""What a cost model and the choice of multipliers and memories have to know of a chip family.

The figures come from the family's file (`boards/families`). A compile sets the chip with `targeting`; elsewhere it is
`XC7`, the one that the estimates were first fitted to.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from math import log


@dataclass(frozen=True, slots=True)
class LutRam:
    """A distributed memory of `words` words of `bits` bits with a write and a read port, in so many LUTs."""

    words: int
    bits: int
    luts: float


@dataclass(frozen=True, slots=True)
class Delays:
    """In ns: cells as the family's timing data tell, and nets of fan-out f as net + spread · ln f.

    `enter` is from a LUT into a carry chain and to the first sum bit, `bit` a bit further on it; `register` is clock to
    output, set-up and uncertainty.
    """

    lut: float
    net: float
    spread: float
    enter: float
    bit: float
    register: float

    def wire(self, fan_out: int) -> float:
        return self.net + self.spread * log(max(1, fan_out))


@dataclass(frozen=True, slots=True)
class Chip:
    """A family of chips.

    `cells` is the `FAMILY` of RTL modules with a chip's own cells, 0 for those that suit any. `wide` and `narrow` are the
    bits of a DSP slice's operands, both signed; `least` those of both operands together from which synthesis takes one,
    and `rest` the most of the last piece of a wider operand that take none.
    `shapes` lists the words, bits and 36 kb blocks of a block RAM as a simple dual-port memory. `ternary` are the LUTs of
    a bit of a sum of three numbers, `row` those of a bit of a row that selects and adds, `xnor` those of four pairs of bits
    that are compared and counted, `choice` those that choose between two tables of 16 words of a ROM, `logic` what
    multiplexers and control take over what they take in LUTs of six inputs. `shifts` tells that LUTs are shift registers,
    `adds` that synthesis takes registers and adders into DSP slices; `lone` is the share of the flip-flops that take a
    logic cell of their own.
    """

    family: str
    lut_inputs: int
    cells: int
    wide: int
    narrow: int
    least: int
    shapes: tuple[tuple[int, int, float], ...]
    lutram: LutRam | None
    delays: Delays
    ternary: float = 1.0
    row: float = 1.0
    xnor: float = 1.9
    logic: float = 1.0
    choice: float = 0.7
    shifts: bool = True
    adds: bool = True
    keeps: int = 4096
    lone: float = 0.0
    rest: int = 1

    @property
    def fifo_shift(self) -> int:
        """The `SHIFT` of the RTL's FIFOs: 0 where distributed RAM takes the place of shift registers."""
        return int(self.shifts or self.lutram is None)

    @property
    def block(self) -> float:
        """The smallest block RAM, in blocks of 36 kb."""
        return min(blocks for _, _, blocks in self.shapes)


XC7 = Chip(
    family="xc7",
    lut_inputs=6,
    cells=1,
    wide=25,
    narrow=18,
    least=9,
    shapes=((512, 72, 1.0), (1024, 36, 1.0), (2048, 18, 1.0), (4096, 9, 1.0), (8192, 4, 1.0), (16384, 2, 1.0),
            (32768, 1, 1.0), (512, 36, 0.5), (1024, 18, 0.5), (2048, 9, 0.5), (4096, 4, 0.5), (8192, 2, 0.5),
            (16384, 1, 0.5)),
    lutram=LutRam(32, 6, 4),
    delays=Delays(lut=0.124, net=0.57, spread=0.28, enter=0.6, bit=0.03, register=0.65),
)  # fmt: skip

_chip: ContextVar[Chip] = ContextVar("chip", default=XC7)


def current() -> Chip:
    """The chip that is compiled for."""
    return _chip.get()


@contextmanager
def targeting(chip: Chip) -> Generator[None]:
    """Within, `current()` is this chip."""
    before = _chip.set(chip)
    try:
        yield
    finally:
        _chip.reset(before)
