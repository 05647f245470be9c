"""Gates that the adders behind them take into their own LUTs: a ReLU then costs nothing.

A bit and a sign that clears it are two of the wires of a column; a LUT with two outputs has room for five, the carry
of a compressor among them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .circuit import Cell, Circuit, Lut, Row
from .places import columns

AND_NOT = (0b0010, 0b0100)
"""The first input without the second, and the second without the first."""


@dataclass(frozen=True, slots=True)
class _Gate:
    """The net of `net` is `bit` where `kill` is zero; both are nets."""

    net: int
    bit: int
    kill: int


def gated_bit(circuit: Circuit, net: int) -> int:
    """The net in front of the gate that makes a net; 0 if no gate makes it."""
    gate = _gate(circuit.driver(net))
    return gate.bit if gate else 0


def is_gate(cell: Cell) -> bool:
    """Whether a cell is a gate that rows may take in."""
    return _gate(cell) is not None


def _gate(cell: Cell | None) -> _Gate | None:
    """The cell as a gate, if it is one."""
    if not isinstance(cell, Lut) or cell.table not in AND_NOT or len(cell.inputs) != 2:
        return None
    bit, kill = (b >> 1 for b in (cell.inputs if cell.table == AND_NOT[0] else cell.inputs[::-1]))
    return _Gate(cell.net, bit, kill)


def absorbed(cells: Sequence[Cell], outputs: Sequence[int]) -> list[Cell]:
    """The cells, without the gates that only rows read and that all of these have room for."""
    kept = {b >> 1 for b in outputs}
    gates: dict[int, _Gate] = {}
    for cell in cells:
        kept.update(b >> 1 for b in (cell.carries if isinstance(cell, Row) else cell.inputs))
        if gate := _gate(cell):
            gates[gate.net] = gate
    places = defaultdict[int, list[tuple[int, int]]](list)
    wires: dict[tuple[int, int], set[int]] = {}
    room: dict[tuple[int, int], int] = {}
    for number, cell in enumerate(cells):
        if isinstance(cell, Row):
            if not any(bit >> 1 in gates for column in cell.columns for bit in column):
                continue
            for k, (column, place) in enumerate(zip(cell.columns, columns(cell), strict=False)):
                wires[number, k], room[number, k] = set(place.wires), place.room
                for bit in column:
                    places[bit >> 1].append((number, k))
    taken: dict[int, _Gate] = {}
    for gate in sorted(gates.values(), key=lambda g: len(places[g.net])):
        # A bit that is a gate itself stays one: it is read as a wire.
        if gate.net in kept or gate.bit in taken or gate.kill in taken:
            continue
        after = {place: (wires[place] - {gate.net}) | {gate.bit, gate.kill} for place in places[gate.net]}
        if all(len(found) <= room[place] for place, found in after.items()):
            wires |= after
            taken[gate.net] = gate
            kept |= {gate.bit, gate.kill}
    found = list[Cell]()
    for cell in cells:
        if isinstance(cell, Lut):
            if cell.net not in taken:
                found.append(cell)
        else:
            found.append(_gated(cell, taken))
    return found


def _gated(row: Row, taken: dict[int, _Gate]) -> Row:
    """The row, its bits read in front of their gates."""
    if not any(b >> 1 in taken for column in row.columns for b in column):
        return row
    bits, kills = list[tuple[int, ...]](), list[tuple[int, ...]]()
    for column in row.columns:
        gates = [taken.get(b >> 1) for b in column]
        bits.append(tuple(2 * g.bit + (b & 1) if g else b for b, g in zip(column, gates, strict=True)))
        kills.append(tuple(2 * g.kill if g else 0 for g in gates))
    return replace(row, columns=tuple(bits), kills=tuple(kills))
