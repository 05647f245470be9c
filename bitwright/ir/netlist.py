"""The hardware netlist: library modules joined by streams, and the stages that a user sees in the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, IntEnum

import numpy as np
from numpy.typing import NDArray

from ..errors import Origin
from .types import IntType


class Multiplier(IntEnum):
    """How products are made; the number is the `KIND` parameter of the RTL modules."""

    LUT = 0
    DSP = 1
    XNOR = 2


class Protocol(Enum):
    """The ports of a design."""

    AXIS = "axis"
    VALID = "valid"  # data and a valid wire on either side, and no handshake


class Ram(IntEnum):
    """Where words are kept; the number is the `*_STYLE` parameter of the RTL modules."""

    DISTRIBUTED = 0
    BLOCK = 1


@dataclass(frozen=True, slots=True)
class Fold:
    """A choice of parallelism for one layer: `pe` rows by `simd` columns a cycle, and what it is built from.

    `narrow` results at a time pass its elementwise operators and leave it; 0 means all `pe`. Where `multiplier` is DSP,
    the last `lut_rows` of the `pe` rows are made of LUTs all the same. A `sparse` layer has `pe` elements that visit a
    weight that is not zero each; its `simd` only says how wide words come in. A unit that sums up a window's taps lane by
    lane has `pe` lanes, and `simd` / `pe` taps a cycle. A `spatial` layer is a circuit of constants.
    """

    pe: int = 1
    simd: int = 1
    multiplier: Multiplier = Multiplier.LUT
    weights: Ram = Ram.DISTRIBUTED
    buffer: Ram = Ram.DISTRIBUTED
    narrow: int = 0
    lut_rows: int = 0
    sparse: bool = False
    spatial: bool = False

    @property
    def lanes(self) -> int:
        """Elements a beat of what leaves the layer."""
        return self.narrow or self.pe

    @property
    def taps(self) -> int:
        """Taps a cycle of a unit that works lane by lane."""
        return self.simd // self.pe

    @property
    def parts(self) -> int:
        """Beats in which a result of the layer's unit leaves."""
        return 1 if self.sparse else self.pe // self.lanes


@dataclass(frozen=True, slots=True)
class Resources:
    """An estimate in the units of the target: LUTs, flip-flops, 36 kb block RAMs (halves count), DSP slices."""

    lut: float = 0
    ff: float = 0
    bram36: float = 0
    dsp: int = 0

    def scaled(self, factor: int) -> Resources:
        return Resources(self.lut * factor, self.ff * factor, self.bram36 * factor, self.dsp * factor)

    def most(self, other: Resources) -> Resources:
        """The greater of each."""
        return Resources(
            max(self.lut, other.lut), max(self.ff, other.ff), max(self.bram36, other.bram36), max(self.dsp, other.dsp)
        )

    def placed(self, lone: float) -> Resources:
        """With the LUTs that flip-flops take on a chip where the share `lone` of them has a logic cell for itself."""
        return replace(self, lut=self.lut + lone * self.ff)

    def __add__(self, other: Resources) -> Resources:
        return Resources(self.lut + other.lut, self.ff + other.ff, self.bram36 + other.bram36, self.dsp + other.dsp)


@dataclass(frozen=True, slots=True)
class Memory:
    """The contents of a ROM, one word a line of a .mem file; its file is named after its instance and parameter."""

    width: int
    words: tuple[int, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Block:
    """One library module with its parameters; or one that is made for this place, of which `texts` tells the modules.

    `texts` is given the name of the first of them.
    """

    module: str
    params: Mapping[str, int | Memory]
    texts: Callable[[str], Mapping[str, str]] | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Constants of a kernel: integers of one type, in the shape that the C++ function declares."""

    elem: IntType
    values: NDArray[np.int64] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Kernel:
    """A function template of the C++ layer library, the members of its configuration, and the tables it is called with.

    Its header has the function's name unless it says another.
    """

    function: str
    params: Mapping[str, int | IntType]
    tables: Mapping[str, Table] = field(default_factory=dict[str, Table])
    header: str = ""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a block takes: cycles from its last input to its output (exact), and resources (a fit)."""

    latency: int = 0
    cost: Resources = field(default_factory=Resources)


@dataclass(frozen=True, slots=True)
class Wire:
    """`width` bits of data between modules, with a valid and (if it is a stream) a ready wire beside it.

    The copies of a fork share the data of the first of them.
    """

    name: str
    width: int
    ready: bool
    shares: str = ""

    @property
    def data(self) -> str:
        """The net of the data."""
        return self.shares or f"{self.name}_data"


@dataclass(frozen=True, slots=True)
class Instance:
    """A placed module. `ports` maps each of its ports to a net of the top; `stage` names the stage it belongs to."""

    name: str
    module: str
    params: Mapping[str, int | Memory]
    ports: Mapping[str, str]
    stage: str
    cost: Resources
    texts: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)


@dataclass(frozen=True, slots=True)
class Lanes:
    """How a value travels: `lanes` elements a beat, in vectors of `vector` elements, `vectors` a frame.

    A vector takes ⌈vector/lanes⌉ beats; element i is in lane i mod lanes; pad lanes of its last beat hold code 0.
    """

    elem: IntType
    lanes: int
    vector: int
    vectors: int

    @property
    def beats(self) -> int:
        return self.vectors * -(-self.vector // self.lanes)

    @property
    def width(self) -> int:
        return self.lanes * self.elem.width


@dataclass(frozen=True, slots=True)
class Stage:
    """A layer as the user sees it: `rows` results of `columns` operands. `value` leaves it on the wires `stream`.

    `inputs` are the stages that its operands come from, and "" for the accelerator's input.
    """

    name: str
    inputs: tuple[str, ...]
    op: str
    engine: str
    value: str
    stream: Wire
    lanes: Lanes
    fold: Fold
    rows: int
    columns: int
    cycles: int
    macs: int
    cost: Resources
    origin: tuple[Origin, ...]


@dataclass(frozen=True, slots=True)
class Queue:
    """A FIFO of `depth` words of `width` bits in front of a stage where branches meet; its words leave on `stream`."""

    stage: str
    stream: Wire
    depth: int
    width: int


@dataclass(frozen=True, slots=True)
class Netlist:
    """A whole accelerator: instances, wires, single-bit nets (credits), and its stages in dataflow order."""

    instances: tuple[Instance, ...]
    wires: tuple[Wire, ...]
    nets: tuple[str, ...]
    stages: tuple[Stage, ...]
    queues: tuple[Queue, ...]
    source: Lanes
    sink: Lanes
    ports: Protocol = Protocol.AXIS
    control: int = 0
    """Bits of the addresses of the AXI4-Lite port; 0: there is none."""

    @property
    def cost(self) -> Resources:
        """Of all instances."""
        return sum((i.cost for i in self.instances), Resources())
