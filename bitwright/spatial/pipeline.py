"""Registers in a circuit: the stage of every net, so that no path between registers takes longer than a clock period."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ..ir.chip import Delays
from .circuit import Cell, Circuit, Lut, Row, makes, reads


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The stage of every net (0 is where the inputs are), and of the outputs, which all leave together."""

    stage: tuple[int, ...]
    last: int
    registers: int


def pipelined(
    circuit: Circuit, cells: Sequence[Cell], outputs: Sequence[int], period: float, delays: Delays
) -> Pipeline:
    """Each cell as early as its operands and the period (ns) allow: sums have fewer bits than what they add up."""
    fan_out = Counter[int]()
    for cell in cells:
        fan_out.update(net for net in reads(cell))
    stage, arrival = [0] * len(circuit.level), [0.0] * len(circuit.level)
    budget = period - delays.register
    for cell in cells:
        nets = reads(cell)
        at = max(stage[n] for n in nets)
        here = {n: (arrival[n] if stage[n] == at else 0.0) + delays.wire(fan_out[n]) for n in nets}
        times = _times(cell, here, delays)
        if max(times) > budget:
            at += 1
            times = _times(cell, {n: delays.wire(fan_out[n]) for n in nets}, delays)
        for net, time in zip(makes(cell), times, strict=True):
            stage[net], arrival[net] = at, time
    last = max((stage[b >> 1] for b in outputs), default=0)
    until = dict.fromkeys((b >> 1 for b in outputs), last)
    for cell in cells:
        for net in reads(cell):
            until[net] = max(until.get(net, 0), stage[makes(cell)[0]])
    return Pipeline(tuple(stage), last, sum(end - stage[net] for net, end in until.items() if net))


def _times(cell: Cell, arrival: dict[int, float], delays: Delays) -> list[float]:
    """When each output is there."""
    if isinstance(cell, Lut):
        return [max(arrival[b >> 1] for b in cell.inputs) + delays.lut]
    return _chain(cell, arrival, delays)


def _chain(row: Row, arrival: dict[int, float], delays: Delays) -> list[float]:
    ternary, found, chain, below = row.operands > 2, list[float](), 0.0, 0.0
    for k in range(len(row.nets)):
        column = row.columns[k] + (row.kills[k] if row.kills else ()) if k < len(row.columns) else ()
        here = max((arrival[b >> 1] for b in column), default=0.0)
        chain = max(chain + delays.bit, max(here, below) + delays.lut)
        found.append(chain + delays.enter)
        # In a row of three, a first LUT makes the carry into the next column.
        below = here + delays.lut + delays.wire(2) if ternary and column else 0.0
    return found
