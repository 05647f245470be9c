"""A pipeline's netlist on NumPy: 64 samples a machine word, bit by bit, cells of a level at once.

Registers are wires whose stage is checked: all that a cell combines must have passed equally many of them. What has
memory beyond that (loops, RAMs) is for the simulator.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitwright.boards.netlist import DOUBLE_LUT, LUT_SIZES, Cell, read_netlist
from bitwright.errors import CompileError

Planes = NDArray[np.uint64]
"""Bits in the last but one axis, 64 samples of one in every word of the last."""

FULL = ~np.uint64(0)
UNKNOWN = np.uint64(0xAAAA_AAAA_AAAA_AAAA)
"""Of a constant that synthesis leaves open: zero for some samples, one for others."""
REGISTERS = {"FDRE": "R", "FDSE": "S", "FDCE": "CLR", "FDPE": "PRE"}
SETS = frozenset({"FDSE", "FDPE"})
SHIFTS = {"SRL16E": ("Q",), "SRLC32E": ("Q", "Q31")}
WIRES = frozenset({"BUFG", "INV"})


@dataclass(frozen=True)
class Pipeline:
    """The cells that lead to the outputs, level by level; `latency` registers lie between every input and output."""

    ports: Mapping[str, list[int | str]]
    cells: Sequence[Sequence[Cell]]
    outputs: Sequence[str]
    static: Mapping[str, int]
    latency: int

    def run(self, inputs: Mapping[str, Planes]) -> dict[str, Planes]:
        """The planes (bits, words) of each output for those of the inputs. CompileError E415 if a register stops."""
        words = next(iter(inputs.values())).shape[1]
        known: dict[int | str, Planes] = {
            "0": np.zeros(words, np.uint64),
            "1": np.full(words, FULL),
            "x": np.full(words, UNKNOWN),
            "z": np.full(words, UNKNOWN),
        }
        for port, level in self.static.items():
            known |= dict.fromkeys(self.ports[port], known[str(level)])
        for port, planes in inputs.items():
            known |= dict(zip(self.ports[port], planes, strict=True))
        for level in self.cells:
            for kind, cells in _by_type(level).items():
                _evaluated(kind, cells, known)
        return {port: np.stack([known[net] for net in self.ports[port]]) for port in self.outputs}


def read_pipeline(path: Path, top: str, outputs: Sequence[str], static: Mapping[str, int]) -> Pipeline:
    """What leads to `outputs` in a file of `write_json`; `static` are the levels of inputs that never change.

    CompileError E415: the netlist is no pipeline, or has a cell that is not known here.
    """
    module = json.loads(path.read_text(encoding="utf-8"))["modules"][top]
    ports: dict[str, list[int | str]] = {name: port["bits"] for name, port in module["ports"].items()}
    cells = read_netlist(path, top)
    drivers = {net: cell for cell in cells for net in _outputs(cell)}
    wanted = [net for port in outputs for net in ports[port]]
    ordered = _ordered(wanted, drivers)
    constant = {net for port in static for net in ports[port]}
    level: dict[int | str, int] = {}
    stage: dict[int | str, int] = {}
    for port, way in ((name, p["direction"]) for name, p in module["ports"].items()):
        if way == "input" and port not in static:
            stage |= dict.fromkeys(ports[port], 0)
    rows: dict[int, list[Cell]] = defaultdict(list)
    for cell in ordered:
        reads = _reads(cell)
        row = max((level.get(net, 0) for net in reads), default=0)
        rows[row].append(cell)
        level |= dict.fromkeys(_outputs(cell), row + 1)
        stages = {stage[net] for net in reads if net in stage and net not in constant}
        if len(stages) > 1:
            raise CompileError("E415", f"a {cell.type} combines values of stages {sorted(stages)} of the pipeline")
        if stages:
            (here,) = stages
            stage |= {net: here + _delay(cell, net) for net in _outputs(cell)}
    ends = {stage[net] for net in wanted if net in stage}
    if len(ends) > 1:
        raise CompileError("E415", f"the outputs are of stages {sorted(ends)} of the pipeline")
    return Pipeline(ports, [rows[k] for k in sorted(rows)], tuple(outputs), static, max(ends, default=0))


def planes(codes: NDArray[np.int64], width: int) -> Planes:
    """The low `width` bits of each column of codes (samples, columns), side by side, as planes."""
    count = len(codes)
    padded = np.zeros((-(-count // 64) * 64, codes.shape[1]), np.int64)
    padded[:count] = codes
    bits = (padded.T[:, None] >> np.arange(width)[:, None] & 1).astype(np.uint8)
    packed = np.ascontiguousarray(np.packbits(bits, axis=-1, bitorder="little")).view(np.uint64)
    return packed.reshape(-1, packed.shape[-1])


def codes(planes: Planes, width: int, signed: bool, count: int) -> NDArray[np.int64]:
    """The first `count` codes (samples, columns) of planes that hold `width` bits of each column."""
    bits = np.unpackbits(np.ascontiguousarray(planes).view(np.uint8), axis=-1, bitorder="little")[:, :count]
    weight = 1 << np.arange(width)
    weight[-1] *= -1 if signed else 1
    return np.einsum("cbs,b->sc", bits.reshape(-1, width, count).astype(np.int64), weight)


def _by_type(cells: Sequence[Cell]) -> dict[str, list[Cell]]:
    found: dict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        found[cell.type].append(cell)
    return found


def _outputs(cell: Cell) -> list[int]:
    return [n for port, nets in cell.connections.items() if port not in cell.inputs for n in nets if isinstance(n, int)]


def _reads(cell: Cell) -> list[int]:
    """The nets that its outputs are made of: not the clock."""
    ports = cell.inputs - {"C", "CLK"}
    return [n for port in ports for n in cell.connections[port] if isinstance(n, int)]


def _ordered(wanted: Sequence[int | str], drivers: Mapping[int, Cell]) -> list[Cell]:
    """The cells before the wanted nets, each after those that it reads."""
    done: list[Cell] = []
    state: dict[int, bool] = {}
    stack = [drivers[net] for net in wanted if isinstance(net, int) and net in drivers]
    while stack:
        cell = stack[-1]
        if state.get(id(cell)):
            stack.pop()
            continue
        before = [drivers[net] for net in _reads(cell) if net in drivers]
        if id(cell) not in state:
            state[id(cell)] = False
            missing = [c for c in before if not state.get(id(c))]
            if any(id(c) in state for c in missing):
                raise CompileError("E415", f"a {cell.type} is part of a loop")
            stack += missing
            continue
        stack.pop()
        state[id(cell)] = True
        done.append(cell)
    return done


def _delay(cell: Cell, net: int) -> int:
    """Registers between a cell's inputs and an output."""
    if cell.type in REGISTERS:
        return 1
    if cell.type not in SHIFTS:
        return 0
    address = [net for port in sorted(cell.inputs) if port.startswith("A") for net in cell.connections[port]]
    if net in cell.connections.get("Q31", []):
        return 32
    if any(bit not in ("0", "1") for bit in address):
        raise CompileError("E415", f"a {cell.type} has a delay that changes")
    return 1 + sum(int(bit) << k for k, bit in enumerate(address))


def _evaluated(kind: str, cells: Sequence[Cell], known: dict[int | str, Planes]) -> None:
    """Adds the outputs of cells of one type."""

    def pins(port: str, index: int = 0, default: str = "0") -> Planes:
        return np.stack([known[(c.connections.get(port) or [default])[index]] for c in cells])

    def put(port: str, index: int, values: Planes) -> None:
        for cell, value in zip(cells, values, strict=True):
            nets = cell.connections.get(port, [])
            if index < len(nets):
                known[nets[index]] = value

    if kind in LUT_SIZES:
        inputs = [pins(f"I{k}") for k in range(LUT_SIZES[kind])]
        put("O", 0, looked_up([_number(c) for c in cells], inputs))
    elif kind == DOUBLE_LUT:
        inputs = [pins(f"I{k}") for k in range(6)]
        put("O6", 0, looked_up([_number(c) for c in cells], inputs))
        put("O5", 0, looked_up([_number(c) & 0xFFFF_FFFF for c in cells], inputs[:5]))
    elif kind == "CARRY4":
        carry = pins("CI") | pins("CYINIT")
        for k in range(4):
            select = pins("S", k)
            put("O", k, select ^ carry)
            carry = (select & carry) | (~select & pins("DI", k))
            put("CO", k, carry)
    elif kind in ("MUXF7", "MUXF8"):
        select = pins("S")
        put("O", 0, (select & pins("I1")) | (~select & pins("I0")))
    elif kind in WIRES:
        put("O", 0, ~pins("I") if kind == "INV" else pins("I"))
    elif kind in REGISTERS:
        _registered(kind, cells, pins, put)
    elif kind in SHIFTS:
        _must(pins("CE"), kind)
        for port in SHIFTS[kind]:
            put(port, 0, pins("D"))
    else:
        raise CompileError("E415", f"a {kind} is not a cell of a pipeline")


def _registered(kind: str, cells: Sequence[Cell], pins: Callable[[str], Planes], put: Callable[..., None]) -> None:
    """What they hold after the clock; those that are not enabled would hold something older."""
    port = REGISTERS[kind]
    reset = pins(port) ^ _flags(cells, f"IS_{port}_INVERTED")
    _must(pins("CE") | reset, kind)
    data = pins("D") ^ _flags(cells, "IS_D_INVERTED")
    put("Q", 0, data | reset if kind in SETS else data & ~reset)


def _flags(cells: Sequence[Cell], parameter: str) -> Planes:
    return np.array([[FULL if c.is_set(parameter) else 0] for c in cells], np.uint64)


def _must(enabled: Planes, kind: str) -> None:
    if not (enabled == FULL).all():
        raise CompileError("E415", f"a {kind} of the pipeline stops")


def _number(cell: Cell) -> int:
    value: Any = cell.parameters["INIT"]
    return int(value.replace("x", "0"), 2) if isinstance(value, str) else int(value)


def looked_up(tables: Sequence[int], inputs: Sequence[Planes]) -> Planes:
    """The outputs (cells, words): the tables halved by the last input, then by the one before."""
    size = 1 << len(inputs)
    found = np.array([[FULL if t >> i & 1 else 0 for i in range(size)] for t in tables], np.uint64)[:, :, None]
    for plane in reversed(inputs):
        low, high = np.split(found, 2, axis=1)
        found = low ^ ((low ^ high) & plane[:, None])
    return found[:, 0]
