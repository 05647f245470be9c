"""Registers in a circuit: the stage of every net, so that no path between registers takes longer than a clock period.

Cells stand first as early as they can, which takes the fewest stages. Then the registers between two neighbouring stages
move, one boundary after the other, to where the fewest nets cross. With the boundaries on either side where they are, a
cell may be in the earlier stage if it is ready in time from the boundary before, and in the later one if what
depends on it is ready in time up to the boundary behind: conditions on single cells, so that a least cut is exact.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..ir.chip import Delays
from .circuit import Cell, Circuit, Lut, Row, makes, reads
from .mincut import ALWAYS, Flow
from .places import places

SWEEPS = 4
"""Times that the boundaries are moved at most, there and back."""

SOURCE, SINK = 0, 1
"""Nodes of a flow: what stays in the earlier of two stages, and what stays in the later."""

NEVER = float("-inf")
ROUNDING = 1e-9
"""Of sums in another order."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The stage of every net (0 is where the inputs are), and of the outputs, which all leave together."""

    stage: tuple[int, ...]
    last: int
    registers: int


def pipelined(
    circuit: Circuit, cells: Sequence[Cell], outputs: Sequence[int], period: float, delays: Delays
) -> Pipeline:
    """The fewest stages for a period (ns), and few registers between them."""
    return _Retiming(circuit, cells, outputs, period, delays).run()


class _Retiming:
    """Stages of cells, which go by their number here."""

    def __init__(
        self, circuit: Circuit, cells: Sequence[Cell], outputs: Sequence[int], period: float, delays: Delays
    ) -> None:
        self.cells, self.delays = cells, delays
        self.nets = len(circuit.level)
        self.reads = [sorted({n for n in reads(c) if n}) for c in cells]
        self.makes = [tuple(makes(c)) for c in cells]
        self.chains = [places(c) if isinstance(c, Row) else () for c in cells]
        self.driver = {net: k for k, made in enumerate(self.makes) for net in made}
        self.readers = defaultdict[int, list[int]](list)
        for k, read in enumerate(self.reads):
            for net in read:
                self.readers[net].append(k)
        fan_out = Counter(net for cell in cells for net in reads(cell) if net)
        self.wire = {net: delays.wire(count) for net, count in fan_out.items()}
        self.leaves = {b >> 1 for b in outputs if b > 1}
        self.budget = period - delays.register
        self.stage = self._earliest()
        self.last = max((self.stage[self.driver[n]] for n in self.leaves if n in self.driver), default=0)
        self.within = [list[int]() for _ in range(max(self.stage, default=0) + 1)]
        """The cells of each stage, in order."""
        for k, stage in enumerate(self.stage):
            self.within[stage].append(k)

    def run(self) -> Pipeline:
        for _ in range(SWEEPS):
            later = sum(self._move(k, early=False) for k in reversed(range(self.last)))
            earlier = sum(self._move(k, early=True) for k in range(self.last))
            if not later + earlier:
                break
        stage = [0] * self.nets
        for k, made in enumerate(self.makes):
            for net in made:
                stage[net] = self.stage[k]
        until = {n: max(self.stage[k] for k in found) for n, found in self.readers.items()}
        until |= dict.fromkeys(self.leaves, self.last)
        return Pipeline(tuple(stage), self.last, sum(end - stage[net] for net, end in until.items()))

    def _earliest(self) -> list[int]:
        stage, arrival = list[int](), dict[int, tuple[int, float]]()
        for k, nets in enumerate(self.reads):
            found = {n: arrival.get(n, (0, 0.0)) for n in nets}
            here = max((at for at, _ in found.values()), default=0)
            times = self._times(k, {n: time for n, (at, time) in found.items() if at == here})
            if max(times) > self.budget:
                here += 1
                times = self._times(k, {})
                if max(times) > self.budget:  # a cell that takes longer than the period by itself sets the pace for all
                    self.budget = max(max(self._times(k, {})) for k in range(len(self.cells)))
                    return self._earliest()
            stage.append(here)
            arrival |= {net: (here, time) for net, time in zip(self.makes[k], times, strict=True)}
        return stage

    def _move(self, boundary: int, *, early: bool) -> int:
        """Put the registers behind stage `boundary` where the fewest nets cross; by how many they are fewer.

        Of such places, with `early` the one with the most cells in the earlier stage, or else with the fewest: there and
        back, what neither costs nor saves gets out of the way of what saves.
        """
        region = sorted(self.within[boundary] + self.within[boundary + 1])
        node = self._nodes(region)
        flow, now = Flow(2 + sum(n > SINK for n in node.values())), 0
        groups = Counter[tuple[int, frozenset[int]]]()
        for net in {n for k in region for n in (*self.reads[k], *self.makes[k])}:
            driver, readers = self.driver.get(net, -1), self.readers.get(net, [])
            start = node.get(driver, SOURCE)
            ends = {node[k] if k in node else SINK if self.stage[k] > boundary else SOURCE for k in readers}
            if net in self.leaves:
                ends.add(SINK)
            late = net in self.leaves or any(self.stage[k] > boundary for k in readers)
            now += late and (driver < 0 or self.stage[driver] <= boundary)
            if start != SOURCE:
                for end in sorted(ends - {SINK, start}):
                    flow.edge(end, start, ALWAYS)
            ends -= {SOURCE, start}
            if start != SINK and ends:
                groups[start, frozenset((SINK,) if SINK in ends else ends)] += 1
        for (start, ends), count in sorted(groups.items(), key=lambda item: (item[0][0], sorted(item[0][1]))):
            if len(ends) == 1:
                flow.edge(start, min(ends), count)
                continue
            middle = flow.add()
            flow.edge(start, middle, count)
            for end in sorted(ends):
                flow.edge(middle, end, ALWAYS)
        least, first = flow.cut(SOURCE, SINK, most=early)
        self.within[boundary] = [k for k in region if first[node[k]]]
        self.within[boundary + 1] = [k for k in region if not first[node[k]]]
        for k in region:
            self.stage[k] = boundary if first[node[k]] else boundary + 1
        return now - least

    def _nodes(self, region: Sequence[int]) -> dict[int, int]:
        """Of the cells of two stages: SOURCE if only the earlier will do, SINK if only the later."""
        arrival, tails, node = dict[int, float](), dict[int, float](), dict[int, int]()
        for k in region:
            times = self._times(k, arrival)
            arrival |= zip(self.makes[k], times, strict=True)
            if max(times) > self.budget + ROUNDING:
                node[k] = SINK
        for k in reversed(region):
            found = self._tails(k, tails)
            for net, time in found.items():
                tails[net] = max(tails.get(net, 0.0), time)
            if max(found.values(), default=0.0) > self.budget + ROUNDING:
                node[k] = SOURCE
        free = (k for k in region if k not in node)
        return node | {k: SINK + 1 + i for i, k in enumerate(free)}

    def _times(self, k: int, arrival: Mapping[int, float]) -> list[float]:
        """When each output of a cell is there, if its inputs are there when they are told to be, or else at once."""
        cell = self.cells[k]
        at = {n: arrival.get(n, 0.0) + self.wire[n] for n in self.reads[k]}
        if isinstance(cell, Lut):
            return [max(at.values(), default=0.0) + self.delays.lut]
        found = list[float]()
        chain, below = (max((at[b >> 1] for b in cell.carries if b > 1), default=0.0),) * 2
        for place in self.chains[k]:
            here = max((at[n] for n in place.wires), default=0.0)
            chain = max(chain + self.delays.bit, max(here, below) + self.delays.lut)
            if cell.nets[place.low]:
                found.append(chain + self.delays.enter)
            # In a compressor, a first LUT makes the carry into the next place.
            below = here + self.delays.lut + self.delays.wire(2) if place.compress else 0.0
        return found

    def _tails(self, k: int, tails: Mapping[int, float]) -> dict[int, float]:
        """How long it is from each input of a cell to the last output of what depends on it: `_times` backwards."""
        cell, delays = self.cells[k], self.delays
        if isinstance(cell, Lut):
            return {n: self.wire[n] + delays.lut + tails.get(cell.net, 0.0) for n in self.reads[k]}
        found = dict[int, float]()
        chain = below = NEVER
        for place in reversed(self.chains[k]):
            chain += delays.bit
            if net := cell.nets[place.low]:
                chain = max(chain, delays.enter + tails.get(net, 0.0))
            here = chain + delays.lut
            if place.compress:
                here = max(here, below + delays.lut + delays.wire(2))
            for n in place.wires:
                found[n] = max(found.get(n, NEVER), here + self.wire[n])
            below = chain + delays.lut
        for bit in cell.carries:
            if bit > 1:
                found[bit >> 1] = max(found.get(bit >> 1, NEVER), max(chain + delays.bit, below) + self.wire[bit >> 1])
        return found
