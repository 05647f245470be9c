"""Static timing of a flat 7-series netlist before placement: a band for the clock, never a promise.

Cell delays are those of speed grade -1, published in the prjxray database (CC0). A net takes A + B·ln(fan-out) ns, and
nothing where it stays inside a slice; A and B were fitted to routed paths, and the band comes from taking them a good
quarter smaller and greater.
"""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from bitwright.boards.netlist import DOUBLE_LUT, FLIP_FLOPS, LUT_RAMS, LUT_SIZES, SHIFT_REGISTERS, Cell

LOGIC = frozenset({*LUT_SIZES, DOUBLE_LUT, "CARRY4", "MUXF7", "MUXF8"})
CLOCKS = frozenset({"C", "CLK", "WCLK", "CLKARDCLK", "CLKBWRCLK"})
CASCADES = frozenset({"ACIN", "BCIN", "PCIN", "CARRYCASCIN", "MULTSIGNIN"})
CASCADE_OUTPUTS = frozenset({"ACOUT", "BCOUT", "PCOUT"})
MUXES = {"MUXF7": {"I0": 0.217, "I1": 0.223, "S": 0.296}, "MUXF8": {"I0": 0.217, "I1": 0.223, "S": 0.296}}
LUT_NS = 0.124
UNCERTAINTY_NS = 0.10  # of the clock, with skew
# CARRY4 in ps, to output bit 0…3; DI and S by input bit 0…3, where 0 means no path.
CARRY = {
    "CO": {
        "CYINIT": [[536, 494, 592, 580]],
        "CI": [[271, 157, 228, 114]],
        "DI": [[379, 465, 540, 526], [0, 445, 520, 507], [0, 0, 356, 398], [0, 0, 0, 385]],
        "S": [[340, 433, 512, 508], [0, 469, 548, 528], [0, 0, 292, 378], [0, 0, 0, 380]],
    },
    "O": {
        "CYINIT": [[482, 598, 584, 642]],
        "CI": [[222, 334, 239, 313]],
        "DI": [[0, 407, 556, 615], [0, 0, 537, 596], [0, 0, 0, 438], [0, 0, 0, 0]],
        "S": [[223, 400, 523, 582], [0, 205, 558, 618], [0, 0, 226, 330], [0, 0, 0, 227]],
    },
}
DSP_COMBINATIONAL = {"A": 3.841, "B": 3.656, "C": 1.6}


@dataclass(frozen=True, slots=True)
class NetModel:
    """The delay of a routed net in ns: a + b·ln(fan-out)."""

    a: float
    b: float


SLOW, FAST = NetModel(0.57, 0.28), NetModel(0.33, 0.16)


@dataclass(frozen=True, slots=True)
class Timing:
    """The clock band in MHz (pessimistic, optimistic) and the cells of the worst path under the pessimistic view."""

    fmax_mhz: tuple[float, float]
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Pin:
    """Output bit `index` of `port` of cell number `cell`."""

    cell: int
    port: str
    index: int


# A path through a cell: the input pin's net, port, and delay in ns.
_Arc = tuple[int, str, float]


def estimate(cells: list[Cell]) -> Timing | None:
    """None where no path runs from register to register."""
    slow, fast = _Analysis(cells, SLOW).worst(), _Analysis(cells, FAST).worst()
    if slow is None or fast is None:
        return None
    return Timing((round(1000 / slow[0], 1), round(1000 / fast[0], 1)), slow[1])


def levels(cells: list[Cell]) -> int:
    """The most LUTs, carry cells and multiplexers on a path: true paths through each cell; registers cut them."""
    drivers: dict[int, _Pin] = {}
    for number, cell in enumerate(cells):
        for port, nets in cell.connections.items():
            if port not in cell.inputs:
                drivers |= {net: _Pin(number, port, index) for index, net in enumerate(nets) if isinstance(net, int)}
    found: dict[int, int] = {}
    for wanted in drivers:
        stack = [wanted]
        while stack:
            net = stack[-1]
            before = _sources(cells, drivers, net)
            missing = [source for source in before if source not in found]
            if missing and len(stack) <= len(drivers):
                stack += missing
                continue
            stack.pop()
            pin = drivers.get(net)
            counted = pin is not None and cells[pin.cell].type in LOGIC
            found[net] = int(counted) + max((found.get(source, 0) for source in before), default=0)
    return max(found.values(), default=0)


def _sources(cells: list[Cell], drivers: dict[int, _Pin], net: int) -> list[int]:
    pin = drivers.get(net)
    return [source for source, _, _ in _arcs(cells[pin.cell], pin)] if pin else []


class _Analysis:
    """Arrival times by net, each found once, without recursion. A combinational loop is cut where it closes."""

    def __init__(self, cells: list[Cell], model: NetModel) -> None:
        self.cells, self.model = cells, model
        self.drivers: dict[int, _Pin] = {}
        self.fan_out: Counter[int] = Counter()
        for number, cell in enumerate(cells):
            for port, nets in cell.connections.items():
                for index, net in enumerate(nets):
                    if not isinstance(net, int):
                        continue
                    if port not in cell.inputs:
                        self.drivers[net] = _Pin(number, port, index)
                    elif port not in CLOCKS:
                        self.fan_out[net] += 1
        self.arrivals: dict[int, float | None] = {}
        self.before: dict[int, int | None] = {}

    def worst(self) -> tuple[float, tuple[str, ...]] | None:
        """The longest register-to-register time in ns with its cells from start to end."""
        worst: tuple[float, int, Cell] | None = None
        for cell in self.cells:
            for port, net, setup in _endpoints(cell):
                arrival = self._arrival(net)
                if arrival is None:
                    continue
                time = arrival + self._net(net, cell, port) + setup + UNCERTAINTY_NS
                if worst is None or time > worst[0]:
                    worst = (time, net, cell)
        if worst is None:
            return None
        time, net, end = worst
        return time, (*self._path(net), end.type)

    def _path(self, last: int) -> list[str]:
        types: list[str] = []
        net: int | None = last
        while net is not None:
            types.append(self.cells[self.drivers[net].cell].type)
            net = self.before.get(net)
        return types[::-1]

    def _arrival(self, wanted: int) -> float | None:
        """When the net has its value, in ns after the clock; None if no register is before it."""
        stack = [wanted]
        while stack:
            net = stack[-1]
            if net in self.arrivals:
                stack.pop()
                continue
            pin = self.drivers.get(net)
            if pin is None:
                self.arrivals[net] = None
                continue
            arcs = list(_arcs(self.cells[pin.cell], pin))
            missing = [source for source, _, _ in arcs if source not in self.before]
            if net not in self.before:
                self.before[net] = None  # now under way: a loop that comes back here stops
                if missing:
                    stack.extend(missing)
                    continue
            self.arrivals[net] = self._latest(net, pin, arcs)
        return self.arrivals[wanted]

    def _latest(self, net: int, pin: _Pin, arcs: list[_Arc]) -> float | None:
        cell = self.cells[pin.cell]
        best = _launch(cell, pin.port)
        for source, port, delay in arcs:
            arrival = self.arrivals.get(source)
            if arrival is None:
                continue
            time = arrival + self._net(source, cell, port) + delay
            if best is None or time > best:
                best, self.before[net] = time, source
        return best

    def _net(self, net: int, sink: Cell, port: str) -> float:
        """The net's delay from its driver to `port` of `sink`."""
        pin, fan_out = self.drivers[net], self.fan_out[net]
        source = self.cells[pin.cell].type
        if _inside_slice(source, pin.port, sink.type, port, fan_out == 1):
            return 0.0
        time = self.model.a + self.model.b * math.log(max(fan_out, 1))
        if source == "CARRY4" and sink.type in LUT_SIZES:
            time += 0.18  # out of the carry chain's output and through the fabric
        if sink.type == "CARRY4" and port == "DI":
            time += 0.10
        return time


def _inside_slice(source: str, source_port: str, sink: str, port: str, only_sink: bool) -> bool:
    """True where the connection does not use the fabric's routing."""
    from_lut = source in LUT_SIZES or (source == DOUBLE_LUT and source_port == "O6")
    if sink == "CARRY4":
        return (source == "CARRY4" and source_port == "CO" and port == "CI") or (port == "S" and from_lut and only_sink)
    if sink in MUXES:
        return port != "S" and (from_lut or source in MUXES)
    if sink in FLIP_FLOPS:
        return port == "D" and only_sink and (from_lut or source == "CARRY4" or source in MUXES)
    return source_port in CASCADE_OUTPUTS or source in ("IBUF", "BUFG")


def _launch(cell: Cell, port: str) -> float | None:
    """Clock to output in ns; None where the output is combinational."""
    if cell.type in FLIP_FLOPS:
        return 0.478
    if cell.type in SHIFT_REGISTERS:
        return 1.63
    if cell.type in LUT_RAMS:
        return 1.34
    if cell.type.startswith("RAMB"):
        side = "A" if port.startswith(("DOA", "DOPA")) else "B"
        return 0.882 if cell.is_set(f"DO{side}_REG") else 2.454
    if cell.type == "DSP48E1":
        if cell.is_set("PREG"):
            return 0.434
        if cell.is_set("MREG"):
            return 1.82
        if cell.is_set("AREG") or cell.is_set("BREG"):
            return 3.2
    return None


def _arcs(cell: Cell, pin: _Pin) -> Iterator[_Arc]:
    """The combinational paths to an output bit."""
    kind, nets = cell.type, cell.connections
    if kind in LUT_SIZES or kind == "INV":
        delays = dict.fromkeys(cell.inputs, LUT_NS)
    elif kind == DOUBLE_LUT:
        delays = {f"I{k}": LUT_NS for k in range(5) if _depends(cell, pin.port, k)}
    elif kind in MUXES:
        delays = MUXES[kind]
    elif kind == "CARRY4":
        yield from _carry_arcs(cell, pin)
        return
    elif kind in SHIFT_REGISTERS or kind in LUT_RAMS:
        addresses = (port for port in cell.inputs if port.startswith(("A", "DPRA")))
        delays = {port: LUT_NS for port in addresses if _reads(kind, port, pin.port)}
    elif kind == "DSP48E1" and _launch(cell, pin.port) is None:
        delays = DSP_COMBINATIONAL
    elif kind in FLIP_FLOPS or kind == "DSP48E1" or kind.startswith("RAMB"):
        return
    else:
        delays = dict.fromkeys(cell.inputs, 0.0)
    for port, delay in delays.items():
        for net in nets.get(port, []):
            if isinstance(net, int):
                yield net, port, delay


def _depends(cell: Cell, output: str, k: int) -> bool:
    """True if an output of a LUT of two depends on input number k: O5 on what the lower half of the table does."""
    table = int(cell.parameters["INIT"], 2)
    half = table & 0xFFFFFFFF if output == "O5" else table >> 32
    return any((half >> i ^ half >> (i | 1 << k)) & 1 for i in range(32) if not i >> k & 1)


def _reads(kind: str, port: str, output: str) -> bool:
    """True if the address `port` selects what is at `output`: ADDRA and DOA, DPRA and DPO, else all of them."""
    if kind.endswith("M"):
        return port[-1] == output[-1]
    if kind.endswith("D"):
        return port.startswith("DPRA") == (output == "DPO")
    return True


def _carry_arcs(cell: Cell, pin: _Pin) -> Iterator[_Arc]:
    for port, rows in CARRY[pin.port].items():
        for row, net in zip(rows, cell.connections.get(port, [])):
            if isinstance(net, int) and row[pin.index]:
                yield net, port, row[pin.index] / 1000


def _endpoints(cell: Cell) -> Iterator[tuple[str, int, float]]:
    """The input bits where a path ends: port, net, setup time in ns."""
    for port in cell.inputs - CLOCKS:
        setup = _setup(cell, port)
        if setup is None:
            continue
        for net in cell.connections.get(port, []):
            if isinstance(net, int):
                yield port, net, setup


def _setup(cell: Cell, port: str) -> float | None:
    """None where no path ends."""
    kind = cell.type
    if kind in FLIP_FLOPS:
        return {"D": 0.03, "CE": 0.205, "R": 0.524, "S": 0.524}.get(port, 0.0)
    if kind in SHIFT_REGISTERS:
        return 0.15 if port in ("D", "CE") else None
    if kind in LUT_RAMS:
        return 0.3 if port.startswith(("D", "WE")) and not port.startswith("DPRA") else None
    if kind.startswith("RAMB"):
        return 0.566 if port.startswith("ADDR") else 0.443 if port.startswith("EN") else 0.737
    if kind == "DSP48E1":
        return _dsp_setup(cell, port)
    return None


def _dsp_setup(cell: Cell, port: str) -> float | None:
    if port in CASCADES or not any(map(cell.is_set, ("PREG", "MREG", "AREG", "BREG"))):
        return None
    if port in ("A", "B"):
        registered, to_product, to_sum = (0.362, 1.7, 3.1) if port == "A" else (0.433, 1.6, 3.0)
        return registered if cell.is_set(f"{port}REG") else to_product if cell.is_set("MREG") else to_sum
    if port == "C":
        return 0.26 if cell.is_set("CREG") else 1.7
    if port == "OPMODE":
        return 0.25 if cell.is_set("OPMODEREG") else 1.8
    return 0.55 if port.startswith(("CE", "RST")) else 0.3
