"""Gates that the adders behind them take into their own LUTs: a ReLU then costs nothing.

A bit and a sign that clears it are two of the wires of a column; a LUT with two outputs has room for four, beside the
carry from the column below.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .circuit import Cell, Circuit, Lut, Row

WIRES = 4
"""Of a column, beside a carry."""

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
    gate = circuit.driver(net)
    if not isinstance(gate, Lut) or gate.table not in AND_NOT or len(gate.inputs) != 2:
        return 0
    return gate.inputs[0 if gate.table == AND_NOT[0] else 1] >> 1


def absorbed(cells: Sequence[Cell], outputs: Sequence[int]) -> list[Cell]:
    """The cells, without the gates that only rows read and that all of these have room for."""
    kept = {b >> 1 for b in outputs}
    gates: dict[int, _Gate] = {}
    for cell in cells:
        if isinstance(cell, Row):
            continue
        kept.update(b >> 1 for b in cell.inputs)
        if cell.table in AND_NOT and len(cell.inputs) == 2:
            bit, kill = (b >> 1 for b in (cell.inputs if cell.table == AND_NOT[0] else cell.inputs[::-1]))
            gates[cell.net] = _Gate(cell.net, bit, kill)
    places = defaultdict[int, list[tuple[int, int]]](list)
    wires: dict[tuple[int, int], set[int]] = {}
    for number, cell in enumerate(cells):
        if isinstance(cell, Row):
            for k, column in enumerate(cell.columns):
                wires[number, k] = {b >> 1 for b in column if b > 1}
                for bit in column:
                    places[bit >> 1].append((number, k))
    taken: dict[int, _Gate] = {}
    for gate in sorted(gates.values(), key=lambda g: len(places[g.net])):
        # A bit that is a gate itself stays one: it is read as a wire.
        if gate.net in kept or gate.bit in taken or gate.kill in taken:
            continue
        after = {place: (wires[place] - {gate.net}) | {gate.bit, gate.kill} for place in places[gate.net]}
        if all(len(found) <= WIRES for found in after.values()):
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
    columns, kills = list[tuple[int, ...]](), list[tuple[int, ...]]()
    for column in row.columns:
        gates = [taken.get(b >> 1) for b in column]
        columns.append(tuple(2 * g.bit + (b & 1) if g else b for b, g in zip(column, gates, strict=True)))
        kills.append(tuple(2 * g.kill if g else 0 for g in gates))
    return replace(row, columns=tuple(columns), kills=tuple(kills))
