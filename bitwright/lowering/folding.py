"""The folding solver: PE and SIMD, multipliers and memories of every layer, for a target or for a board.

For a limit T on the cycles of a frame each layer has candidates (PE, SIMD, multiplier, memories) that keep it within
T; a dynamic programme over the layers picks one each so that neighbours' lane counts divide one another (where
branches meet, any will do, at the price of a second width converter) and the sum of the resources, each weighted by
what the board has of it, is least. If the sum does not fit, the weight of what is short is raised and the programme run
again. Without a target, T is the least for which something fits.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from math import ceil, floor, gcd, inf

import numpy as np
from numpy.typing import NDArray

from ..errors import CompileError
from ..ir import chip
from ..ir.netlist import Fold, Multiplier, Ram, Resources
from ..ir.types import IntType, TensorType
from ..ops import area, packing, sparse
from ..ops.dense import Dense
from ..ops.depthwise import Depthwise
from ..ops.mulshift import MulShift
from ..ops.pick import Pick
from ..ops.window import Window
from ..ops.xnor import Xnor
from ..spatial.digits import signed_digits
from .layers import Circuits, Kind, Layer

SPARSE = 0.5  # share of zeros from which the sparse engine is tried
BALANCING = (0.5, 1.0)  # powers of a resource's use by which it is weighted, to use idle ones first
DESCENTS = 4  # how often these weights follow what is used
BUSY = 1.0  # LUTs that a multiplier counts for, beyond what it takes, for each bit of one operand and of the other
ROUNDS = 12  # how often the weights of scarce resources are raised
ALIKE, UNLIKE = 0.35, 0.4  # LUTs of six inputs for a bit that a circuit adds up, on the low side
LARGE_CIRCUIT = 1 << 17  # such bits beyond which a layer becomes a circuit only where it must: making it takes 15 s
SMALL_MEMORY, LARGE_MEMORY = 1024, 1 << 19  # bits below which no block RAM pays, and above which nothing else does
RESOURCES: tuple[str, ...] = ("lut", "ff", "bram36", "dsp")
NAMES = {"lut": "LUTs", "ff": "flip-flops", "bram36": "block RAMs (36 kb)", "dsp": "DSP slices"}
SLOTS = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True, slots=True)
class Budget:
    """What a design may use, and the widest AXI4-Stream word in bits; of its flip-flops the share `lone` takes LUTs too."""

    lut: float
    ff: float
    bram36: float
    dsp: int
    stream_bits: int
    lone: float = 0.0

    def less(self, reserve: Resources) -> Budget:
        """What is left when `reserve` is set aside."""
        taken = reserve.placed(self.lone)
        left = {name: max(0, getattr(self, name) - getattr(taken, name)) for name in RESOURCES}
        return replace(self, **left)

    @property
    def amounts(self) -> NDArray[np.float64]:
        """In the order of RESOURCES; never zero, so that one can divide by them."""
        return np.array([max(getattr(self, name), 1e-6) for name in RESOURCES], np.float64)

    def excess(self, need: Resources) -> dict[str, float]:
        """For each resource the ratio of need to budget."""
        return dict(zip(RESOURCES, self.shares(_row(need)).tolist(), strict=True))

    def shares(self, needs: NDArray[np.float64]) -> NDArray[np.float64]:
        """The same for a row of resources, or for many."""
        taken = needs.copy()
        taken[..., 0] += self.lone * taken[..., 1]
        return taken / self.amounts


def _row(need: Resources) -> NDArray[np.float64]:
    return np.array([need.lut, need.ff, need.bram36, need.dsp], np.float64)


@dataclass(frozen=True, slots=True)
class Folding:
    """The solution: lanes of the AXI4-Stream ports, a fold a layer, the frame interval that it is for, and its sum."""

    in_lanes: int
    out_lanes: int
    folds: tuple[Fold, ...]
    cycles: int
    need: Resources


Measure = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Of a row of resources, or of each of many."""

Cost = Callable[[int, Fold], Resources]
"""The resources of layer number i at a fold, everything between its input stream and its output stream."""


def slot_width(elem: IntType) -> int:
    """Bits that an element takes on the AXI4-Stream ports: the next power of two."""
    return next(s for s in SLOTS if s >= elem.width)


def solve(layers: Sequence[Layer], cost: Cost, budget: Budget, target: int | None) -> Folding:
    """The cheapest folding within `target` cycles a frame, or, without a target, the fastest that fits the budget.

    Raises CompileError E490 if nothing fits and E302 if the target is out of reach of the streams.
    """
    solver = _Solver(layers, cost, budget)
    floor = solver.floor()
    slowest = max(solver.slowest(), floor)
    if target is not None:
        if target < floor:
            message = f"the streams in and out need {floor} cycles a frame, more than the target of {target}"
            raise CompileError("E302", message, hint=f"ask for at least {floor} cycles a frame")
        found = solver.fit(min(target, slowest))
        if found is None:
            raise solver.refusal(min(target, slowest), f" at {target} cycles a frame")
        return solver.balanced(found, min(target, slowest))
    best = solver.fit(slowest)
    if best is None:
        raise solver.refusal(slowest, " even at its slowest folding")
    low, high = floor, best.cycles
    while low < high:
        middle = (low + high) // 2
        found = solver.fit(middle)
        if found is None:
            low = middle + 1
        else:
            best, high = found, min(middle, found.cycles)
    return solver.balanced(best, best.cycles)


def fastest(layers: Sequence[Layer], budget: Budget) -> list[int]:
    """The cycles of each layer at its largest parallelism, and at the widest port if it has one."""
    solver = _Solver(layers, lambda _, __: Resources(), budget)
    ports = solver.port_cycles()
    found = solver.fastest()
    return (
        [max(found[0], ports[0]), *found[1:-1], max(found[-1], ports[1])] if len(found) > 1 else [max(*found, *ports)]
    )


@dataclass(frozen=True, slots=True)
class _Candidate:
    """`weighed` is what it counts for: `need`, and what its multipliers add to that; `lanes` are those of its input."""

    fold: Fold
    need: Resources
    cycles: int
    lanes: int
    weighed: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _Options:
    """The candidates of a layer, the lanes of their inputs, and the share of each resource of the board that each counts for.

    Where `padded`, the unit counts pad lanes unless they are zero, so there must be a gear in front, which clears them.
    """

    all: list[_Candidate]
    lanes: NDArray[np.int64]
    padded: NDArray[np.bool_]
    shares: NDArray[np.float64]

    @classmethod
    def of(cls, options: list[_Candidate], layer: Layer, budget: Budget) -> _Options:
        needs = np.array([c.weighed for c in options], np.float64).reshape(-1, len(RESOURCES))
        simd = np.array([c.fold.simd for c in options], np.int64)
        lanes = np.array([c.lanes for c in options], np.int64)
        padded = (layer.columns % simd != 0) & (lanes == simd) & layer.bipolar
        return cls(options, lanes, padded, needs / budget.amounts)


class _Solver:
    def __init__(self, layers: Sequence[Layer], cost: Cost, budget: Budget) -> None:
        self.layers, self.budget = layers, budget
        self.dsp_pays = [_slice_bits(layer) >= chip.current().least for layer in layers]
        self.pe_counts = [_counts(layer.rows, ()) if layer.shared == 1 else [layer.rows] for layer in layers]
        self.cost = lru_cache(maxsize=None)(cost)
        self.kinds = lru_cache(maxsize=None)(self._kinds)
        self.sparse_kinds = lru_cache(maxsize=None)(self._sparse_kinds)
        self.exchanges = lru_cache(maxsize=None)(self._exchanges)
        self.circuit_luts = lru_cache(maxsize=None)(lambda index: _circuit_luts(layers[index]))
        self.made = {i for i, layer in enumerate(layers) if layer.circuits is Circuits.MUST}

    def port_cycles(self) -> list[int]:
        """Cycles that the AXI4-Stream ports in and out need for a frame, at their widest."""
        return [
            (t.size // t.vector) * ceil(t.vector / max(1, self.budget.stream_bits // slot_width(t.elem)))
            for t in (self.layers[0].x, self.layers[-1].y)
        ]

    def floor(self) -> int:
        return max(self.port_cycles())

    def fastest(self) -> list[int]:
        """Cycles of every layer at its largest parallelism."""
        return [min(cycles(layer, fold) for fold in self._widest(i)) for i, layer in enumerate(self.layers)]

    def slowest(self) -> int:
        return max(
            min(cycles(layer, f) for f in self._widest(i)) if layer.circuits is Circuits.MUST else cycles(layer, Fold())
            for i, layer in enumerate(self.layers)
        )

    def fit(self, limit: int) -> Folding | None:
        """The cheapest folding within `limit` cycles that fits the budget, or None."""
        weights = dict[str, float].fromkeys(RESOURCES, 1.0)
        candidates = self._all_candidates(limit)
        for _ in range(ROUNDS):
            found = self._cheapest(candidates, weights, limit)
            if found is None:  # no widths of streams go together; with all rows at once some may
                candidates = self._all_candidates(limit, whole=True)
                found = self._cheapest(candidates, weights, limit)
            if found is None:
                return None
            found = self._exchanged(found, self._overrun)
            over = self.budget.excess(found.need)
            if max(over.values()) <= 1:
                return found
            for name, ratio in over.items():
                weights[name] *= max(0.7, min(ratio, 3.0)) ** 1.5
        return None

    def _exchanged(self, found: Folding, measure: Measure) -> Folding:
        """The same parallelism with other multipliers and memories, one layer at a time, while that lessens the measure.

        Weights alone would move all layers of a kind at once, from too many LUTs to too many DSPs and back.
        """
        folds, need = list(found.folds), found.need
        now = float(measure(_row(need)))
        while now > 0:
            best, at, chosen = now, 0, None
            for i, fold in enumerate(folds):
                if fold.spatial:
                    continue
                others, needs = self.exchanges(i, fold.pe, fold.simd, fold.lanes, fold.sparse)
                measured = measure(_row(need) + needs - _row(self.cost(i, fold)))
                k = int(measured.argmin())
                if measured[k] < best:
                    best, at, chosen = float(measured[k]), i, others[k]
            if chosen is None or best >= now - 1e-6:
                break
            need = need + chosen.need + self.cost(at, folds[at]).scaled(-1)
            now, folds[at] = best, chosen.fold
        return replace(found, folds=tuple(folds), need=need)

    def _exchanges(
        self, index: int, pe: int, simd: int, lanes: int, sparse: bool
    ) -> tuple[list[_Candidate], NDArray[np.float64]]:
        """What a layer may be at the same parallelism, and the resources of each."""
        choices = self.sparse_kinds(index, pe, simd, lanes) if sparse else self._mixes(index, pe, simd)
        found = [c for c in choices if c.fold.lanes == lanes]
        return found, np.array([_row(c.need) for c in found])

    def balanced(self, found: Folding, limit: int) -> Folding:
        """As fast and as even: a resource counts by how much of it is taken, so that idle ones are used first."""
        candidates = self._all_candidates(limit)
        best = self._exchanged(found, self._strain)
        for power in BALANCING:
            need = found.need
            for _ in range(DESCENTS):
                weights = {name: (ratio + 0.05) ** power for name, ratio in self.budget.excess(need).items()}
                other = self._cheapest(candidates, weights, limit)
                if other is None:
                    break
                other = self._exchanged(other, self._strain)
                if other.need == need:
                    break
                best, need = min(best, other, key=self._measure), other.need
        return best

    def _measure(self, found: Folding) -> float:
        """The strain of a folding, and what its multipliers count for would add to it where they took that."""
        counted = sum((_counted(*pair) for pair in zip(self.layers, found.folds, strict=True)), Resources())
        need = _row(found.need)
        return float(self._strain(need) + 2 * (self.budget.shares(need) * self.budget.shares(_row(counted))).sum())

    def _strain(self, needs: NDArray[np.float64]) -> NDArray[np.float64]:
        """The squares of the shares of the budget that are taken, and much more if any is taken that is not there."""
        shares = self.budget.shares(needs)
        return (shares**2).sum(axis=-1) + 1e3 * np.maximum(0.0, shares - 1).sum(axis=-1)

    def _overrun(self, needs: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far the resources are over the budget, all together, in shares of it."""
        return np.maximum(0.0, self.budget.shares(needs) - 1).sum(axis=-1)

    def refusal(self, limit: int, where: str) -> CompileError:
        """The error that says which resource is short, and by how much."""
        candidates = self._all_candidates(limit)
        found = self._cheapest(candidates, dict[str, float].fromkeys(RESOURCES, 1.0), limit)
        if found is None:
            return self._too_slow(limit)
        over = self.budget.excess(found.need)
        name = max(over, key=lambda n: over[n])
        lone = self.budget.lone
        need, have = ceil(getattr(found.need.placed(lone), name)), floor(getattr(self.budget, name))
        takes = [getattr(self.cost(i, fold).placed(lone), name) for i, fold in enumerate(found.folds)]
        largest = max(range(len(takes)), key=takes.__getitem__)
        origin = next((n.origin[0] for n in self.layers[largest].nodes if n.origin), None)
        message = (
            f"the design does not fit{where}: it needs about {need} {NAMES[name]} of {have} that may be used, "
            f"{need - have} too many; this layer takes {ceil(takes[largest])} of them, the most of all"
        )
        hint = "take a larger board, a lower target or a smaller --margin, or give this layer fewer weights or bits"
        return CompileError("E490", message, origin=origin, hint=hint)

    def _too_slow(self, limit: int) -> CompileError:
        """The error that says which layer cannot keep up."""
        fastest = self.fastest()
        slowest = max(range(len(fastest)), key=fastest.__getitem__)
        origin = next((n.origin[0] for n in self.layers[slowest].nodes if n.origin), None)
        message = f"no folding meets {limit} cycles a frame"
        if fastest[slowest] > limit:
            message += f": this layer needs {fastest[slowest]} at its largest parallelism"
        return CompileError("E302", message, origin=origin, hint="ask for fewer frames a second")

    def _all_candidates(self, limit: int, *, whole: bool = False) -> list[_Options]:
        """Those of every layer; if `whole`, also such as have all rows at once."""
        return [_Options.of(self._choices(i, limit, whole), layer, self.budget) for i, layer in enumerate(self.layers)]

    def _choices(self, index: int, limit: int, whole: bool = False) -> list[_Candidate]:
        """All candidates of a layer: foldings, and a circuit of constants where it must be one or may be smaller."""
        layer = self.layers[index]
        if layer.circuits is Circuits.MUST:
            return self._circuits(index, limit)
        found = list(self._candidates(index, limit, whole))
        if layer.circuits is Circuits.MAY:
            least = min((area.in_luts(c.need) for c in found), default=inf)
            if self.circuit_luts(index) <= min(least, self.budget.lut):
                found += self._circuits(index, limit)
        return found

    def _circuits(self, index: int, limit: int) -> list[_Candidate]:
        layer = self.layers[index]
        folds = [f for f in _circuits(layer) if cycles(layer, f) <= limit]
        expected = None if index in self.made else Resources(lut=self.circuit_luts(index))
        return [self._candidate(index, f, expected) for f in folds]

    def _candidate(self, index: int, fold: Fold, need: Resources | None = None) -> _Candidate:
        """A layer at a fold, at its cost unless another is told."""
        layer, need = self.layers[index], need or self.cost(index, fold)
        weighed = tuple(_row(need + _counted(layer, fold)).tolist())
        return _Candidate(fold, need, cycles(layer, fold), layer.in_lanes(fold), weighed)

    def _candidates(self, index: int, limit: int, whole: bool) -> Iterator[_Candidate]:
        layer = self.layers[index]
        for widest in self._widest(index):
            simd = widest.simd
            if cycles(layer, widest) > limit:
                continue
            if layer.kind is not Kind.MATVEC:
                yield from self.kinds(index, widest.pe, simd)
                continue
            least = ceil(layer.rows / (limit // (ceil(layer.columns / simd) * layer.vectors)))
            counts = self.pe_counts[index]
            fits = (pe for pe in counts[bisect_left(counts, least) :] if cycles(layer, Fold(pe, simd)) <= limit)
            few = list(islice(fits, 4 if layer.window is None else 2))
            for pe in few + [layer.rows] * (whole and layer.rows not in few):
                yield from self.kinds(index, pe, simd)
            if _pruned(layer):
                yield from self._sparse_candidates(index, simd, limit)

    def _sparse_candidates(self, index: int, simd: int, limit: int) -> Iterator[_Candidate]:
        """The fewest elements that visit the weights of a pruned layer in time."""
        layer = self.layers[index]
        assert layer.head is not None and isinstance(layer.head.op, Dense)
        each = limit // layer.vectors
        least = max(1, ceil(np.count_nonzero(layer.head.op.weight) / each))
        for pe in (n for n in _divisors_of_many(layer.rows) if least <= n <= 4 * least):
            lanes = next((n for n in _divisors(pe) if ceil(layer.rows / n) <= each), 0)
            found = self.sparse_kinds(index, pe, simd, lanes) if lanes else []
            if found and found[0].cycles <= limit:
                yield from found
                return

    def _sparse_kinds(self, index: int, pe: int, simd: int, lanes: int) -> list[_Candidate]:
        layer = self.layers[index]
        kinds = (Multiplier.LUT, Multiplier.DSP) if self.dsp_pays[index] else (Multiplier.LUT,)
        folds = [Fold(pe, simd, k, w, narrow=lanes, sparse=True) for k in kinds for w in _homes(_weight_bits(layer))]
        return [self._candidate(index, fold) for fold in folds]

    def _widest(self, index: int) -> list[Fold]:
        """Numbers of columns a cycle that are worth trying, each with as many rows as can be."""
        layer = self.layers[index]
        if layer.circuits is Circuits.MUST:
            return _circuits(layer)
        if layer.several:
            each = layer.columns // layer.taps
            counts = [each * k for k in _divisors(layer.taps)]
            if layer.kind is Kind.STREAM:
                return [Fold(layer.columns, layer.columns)]
            return [Fold(layer.rows if layer.kind is Kind.MATVEC else each, n) for n in counts]
        if layer.head is not None and isinstance(layer.head.op, Pick):
            return [Fold(layer.rows, layer.columns)]
        if layer.shared > 1:
            return [Fold(layer.rows, layer.columns)]
        if layer.window is not None and isinstance(layer.window.op, Window):
            channels, taps = layer.x.vector, _divisors(layer.taps)
            if layer.kind is Kind.LANES:
                some = taps if layer.window.op.slides else [1]
                return [Fold(lanes, lanes * k) for lanes in _divisors(channels) for k in some]
            if layer.kind is Kind.MATVEC:
                return [Fold(layer.rows, n) for n in _divisors(channels) + [channels * k for k in taps[1:]]]
        counts = _divisors(layer.lane_limit) if layer.lane_limit else _counts(layer.columns, self._multiples(index))
        return [Fold(layer.rows if layer.kind is Kind.MATVEC else n, n) for n in counts]

    def _kinds(self, index: int, pe: int, simd: int) -> list[_Candidate]:
        """Every multiplier and memory for a layer at one parallelism."""
        layer = self.layers[index]
        kinds = (Multiplier.LUT,)
        if layer.bipolar:
            kinds = (Multiplier.XNOR,)
        elif self.dsp_pays[index] or any(isinstance(n.op, MulShift) for n in layer.tail):
            kinds = (Multiplier.LUT, Multiplier.DSP)
        weights = _homes(_weight_bits(layer)) if layer.macs else (Ram.DISTRIBUTED,)
        buffers = (Ram.DISTRIBUTED,)
        if layer.window is not None and isinstance(layer.window.op, Window):
            buffers = _homes(layer.window.op.kept(layer.x) * layer.window.type.elem.width)
        elif layer.kind is Kind.MOVE:
            buffers = tuple(Ram)
        elif layer.kind is Kind.MATVEC and layer.macs and pe < layer.rows and chip.current().lut_inputs == 4:
            buffers = _homes(2 * layer.columns * layer.inner.elem.width)  # two vectors; distributed RAM is dear there
        folds = [
            Fold(pe, simd, kind, memory, buffer, narrow)
            for kind in kinds for memory in weights for buffer in buffers for narrow in _narrow(layer, pe, simd)
        ]  # fmt: skip
        return [self._candidate(index, fold) for fold in folds]

    def _mixes(self, index: int, pe: int, simd: int) -> list[_Candidate]:
        """`kinds`, and those in which some of the rows have LUT multipliers and the others DSPs."""
        found = list(self.kinds(index, pe, simd))
        if self.layers[index].kind is not Kind.MATVEC:
            return found
        for option in self.kinds(index, pe, simd):
            if option.fold.multiplier is Multiplier.DSP and self.dsp_pays[index]:
                rows = sorted({pe * k // 8 // 2 * 2 for k in range(1, 8)} - {0})
                mixed = [replace(option.fold, lut_rows=n) for n in rows]
                found += [self._candidate(index, fold) for fold in mixed]
        return found

    def _multiples(self, index: int) -> tuple[int, ...]:
        """Lane counts that the element widths of the AXI4-Stream port suggest."""
        if index:
            return ()
        lanes = max(1, self.budget.stream_bits // slot_width(self.layers[0].x.elem))
        return tuple(lanes * k for k in range(1, self.layers[0].columns // lanes + 1))

    def _cheapest(self, candidates: list[_Options], weights: dict[str, float], limit: int) -> Folding | None:
        """The best choice. Circuits that would be in it as they are expected are made, so that their cost is known."""
        while True:
            found = self._chosen(candidates, weights, limit)
            new = [] if found is None else [i for i, f in enumerate(found.folds) if f.spatial and i not in self.made]
            if not new:
                return found
            self.made.update(new)
            for i in new:
                known = [c for c in candidates[i].all if not c.fold.spatial] + self._circuits(i, limit)
                candidates[i] = _Options.of(known, self.layers[i], self.budget)

    def _chosen(self, candidates: list[_Options], weights: dict[str, float], limit: int) -> Folding | None:
        """One candidate a layer by dynamic programming over the chain; the state is the number of lanes between."""
        first, last = self.layers[0].x, self.layers[-1].y
        state: dict[int, tuple[float, tuple[_Candidate, ...], int]] = {
            lanes: (0.0, (), lanes) for lanes in self._port_lanes(first, limit)
        }
        previous = first
        for index, (layer, options) in enumerate(zip(self.layers, candidates, strict=True)):
            main = layer.operands[0]
            follows = main.source == (index - 1 if index else None)
            state = self._step(state, options, previous.vector if follows else None, main.type.vector, weights)
            previous = layer.y
        best: tuple[float, Folding] | None = None
        for lanes in self._port_lanes(last, limit):
            for pe, (total, chosen, in_lanes) in state.items():
                if _gears(pe, lanes, last.vector) and (best is None or total + 1e-6 / lanes < best[0]):
                    need = sum((c.need for c in chosen), Resources())
                    cycles = max(
                        [c.cycles for c in chosen] + [self._port_beats(first, in_lanes), self._port_beats(last, lanes)]
                    )
                    best = total + 1e-6 / lanes, Folding(in_lanes, lanes, tuple(c.fold for c in chosen), cycles, need)
        return best[1] if best else None

    def _step(
        self,
        state: dict[int, tuple[float, tuple[_Candidate, ...], int]],
        options: _Options,
        given: int | None,
        vector: int,
        weights: dict[str, float],
    ) -> dict[int, tuple[float, tuple[_Candidate, ...], int]]:
        if not state or not options.all:
            return {}
        lanes = np.array(list(state))
        costs = np.array([state[n][0] for n in state])
        wanted = options.lanes
        if given is None:
            fits = np.ones((len(lanes), len(wanted)), np.bool_)
        else:
            whole = (lanes[:, None] >= vector) & (wanted >= vector)
            divides = (lanes[:, None] % wanted == 0) | (wanted % lanes[:, None] == 0)
            if given == vector:
                fits = divides | whole
            else:
                # The stream is cut into other vectors: where no beat ends with one of both, or where none has a pad.
                fits = (divides | whole) & (gcd(given, vector) % lanes[:, None] == 0)
                fits |= divides & (given % lanes[:, None] == 0) & (vector % wanted == 0)
            fits &= ~(options.padded & (wanted == lanes[:, None]))
        own = options.shares @ np.array([weights[name] for name in RESOURCES])
        total = np.where(fits, costs[:, None] + own, np.inf)
        before = total.argmin(axis=0)
        after: dict[int, tuple[float, tuple[_Candidate, ...], int]] = {}
        least = total.min(axis=0).tolist()
        for k, option in enumerate(options.all):
            cost = least[k]
            if cost < after.get(option.fold.lanes, (np.inf,))[0]:
                _, chosen, port = state[int(lanes[before[k]])]
                after[option.fold.lanes] = cost, (*chosen, option), port
        return after

    def _port_lanes(self, type_: TensorType, limit: int) -> list[int]:
        """Powers of two that fit the AXI4-Stream word and carry a frame within the limit, the narrowest first."""
        slot = slot_width(type_.elem)
        lanes = max(1, 8 // slot)
        found = [lanes]
        while 2 * lanes * slot <= self.budget.stream_bits and lanes < type_.vector:
            lanes *= 2
            found.append(lanes)
        return [n for n in found if self._port_beats(type_, n) <= limit]

    @staticmethod
    def _port_beats(type_: TensorType, lanes: int) -> int:
        return type_.size // type_.vector * ceil(type_.vector / lanes)


def _circuits(layer: Layer) -> list[Fold]:
    """A circuit of constants, on streams of as many lanes as there are elements or of the next power of two."""
    rows, columns = ({n, 1 << (n - 1).bit_length()} for n in (layer.rows, layer.columns))
    simd = {layer.columns} if layer.window else columns
    return [Fold(pe, n, spatial=True) for pe in sorted(rows) for n in sorted(simd)]


def _bits_added(layer: Layer) -> int:
    """Bits that a circuit of a layer adds up: those of an operand for each canonical signed digit of its weight."""
    assert layer.head is not None and isinstance(layer.head.op, Dense | Xnor)
    weight = layer.head.op.weight
    if isinstance(layer.head.op, Xnor):  # a zero stands for −1
        return weight.size * layer.inner.elem.width
    values, counts = np.unique(weight, return_counts=True)
    digits = sum(len(signed_digits(v)) * n for v, n in zip(values.tolist(), counts.tolist(), strict=True))
    return digits * layer.inner.elem.width


def _circuit_luts(layer: Layer) -> float:
    """LUTs that are expected of a circuit of a layer before it is made, on the low side; infinite where it is too large.

    Where all weights are of one size, neurons share sums. See docs/rationale/spatial.md.
    """
    assert layer.head is not None and isinstance(layer.head.op, Dense | Xnor)
    bits = _bits_added(layer)
    if bits > LARGE_CIRCUIT:
        return inf
    alike = isinstance(layer.head.op, Xnor) or np.ptp(np.abs(layer.head.op.weight)) == 0
    return bits * (ALIKE if alike else UNLIKE) * (2 if chip.current().lut_inputs == 4 else 1)


def _pruned(layer: Layer) -> bool:
    """Whether a layer has so many zeros that visiting the other weights alone may pay."""
    if layer.head is None or not isinstance(layer.head.op, Dense) or layer.several:
        return False
    return layer.head.op.sparsity >= SPARSE


def multipliers(layer: Layer, fold: Fold) -> int:
    """PE·SIMD of a matrix-vector unit, the elements of a sparse one, lanes by taps a cycle of a depthwise one."""
    if not layer.macs:
        return 0
    if fold.sparse:
        return fold.pe
    return fold.pe * fold.simd // layer.shared if layer.kind is Kind.MATVEC else fold.simd


def _counted(layer: Layer, fold: Fold) -> Resources:
    """What the multipliers of a layer count for beyond what they take."""
    if layer.head is None or not isinstance(layer.head.op, Dense | Depthwise):
        return Resources()
    bits = layer.inner.elem.width * layer.head.op.weight_type.width
    return Resources(lut=BUSY * bits * multipliers(layer, fold))


def _divisors_of_many(rows: int) -> list[int]:
    """Numbers of elements of a sparse layer, each with many divisors."""
    return [n for n in (*range(1, 9), *(k << s for s in range(1, 8) for k in (5, 6, 7, 8))) if n <= rows]


def _homes(bits: int) -> tuple[Ram, ...]:
    """Where it may pay to keep so many bits."""
    if bits < min(SMALL_MEMORY, chip.current().keeps):
        return (Ram.DISTRIBUTED,)
    return (Ram.BLOCK,) if bits > LARGE_MEMORY else tuple(Ram)


def _weight_bits(layer: Layer) -> int:
    assert layer.head is not None and isinstance(layer.head.op, Dense | Xnor | Depthwise)
    op = layer.head.op
    return op.weight.size * (1 if isinstance(op, Xnor) else op.weight_type.width)


def _slice_bits(layer: Layer) -> int:
    """Bits of both operands of a DSP slice of the layer, with as many products in it as there is room for."""
    if layer.head is None or not isinstance(layer.head.op, Dense | Depthwise):
        return 0
    a, w = layer.inner.elem, layer.head.op.weight_type
    packed = packing.Packing(1, 0, 0, 1, w)
    if isinstance(layer.head.op, Dense):
        packed = packing.choose(*layer.head.op.weight_range, a, layer.rows, 1)
    return (packed.rows - 1) * packed.step + w.width + int(not w.signed) + a.width + int(not a.signed)


def cycles(layer: Layer, fold: Fold) -> int:
    """Cycles that the layer takes for a frame: those of its slowest module."""
    lanes = layer.in_lanes(fold)
    taken = [
        o.type.size // o.type.vector * ceil(o.type.vector / n)
        for o, n in zip(layer.operands, layer.lanes(fold), strict=True)
    ]
    if fold.sparse:
        assert layer.head is not None and isinstance(layer.head.op, Dense)
        taken.append(layer.vectors * sparse.cycles(layer.head.op.weight, fold, fold.lanes))
    elif layer.kind is Kind.MATVEC:
        taken.append(layer.vectors * ceil(layer.rows / fold.pe) * ceil(layer.columns / fold.simd))
    if layer.kind is Kind.MOVE:
        taken.append(layer.y.size // layer.y.vector * ceil(layer.y.vector / fold.pe))
    if layer.whole(fold):
        assert layer.window is not None and isinstance(layer.window.op, Window)
        taken.append(layer.flow(fold).cycles)
    elif layer.window is not None:
        taken.append(layer.vectors * layer.columns // lanes)
    return max(taken)


def _narrow(layer: Layer, pe: int, simd: int) -> tuple[int, ...]:
    """All rows of a fold at once, or, if its columns take several cycles, as few as keep up with it."""
    words = layer.taps * pe // simd if layer.kind is Kind.LANES else ceil(layer.columns / simd)
    if layer.kind not in (Kind.MATVEC, Kind.LANES) or not layer.tail or words == 1 or pe == 1:
        return (0,)
    return 0, next(n for n in _divisors(pe) if pe // n <= words)


def _gears(a: int, b: int, vector: int) -> bool:
    """Whether a width converter joins streams of a and b lanes."""
    return a % b == 0 or b % a == 0 or (a >= vector and b >= vector)


def _divisors(n: int) -> list[int]:
    return [d for d in range(1, n + 1) if n % d == 0]


def _counts(n: int, extra: Sequence[int]) -> list[int]:
    """Lane counts worth trying for n elements: divisors, powers of two, shares, and `extra`.

    Of few elements also the power of two that holds them all: it suits more neighbours, and idles little.
    """
    found = {d for d in range(1, n + 1) if n % d == 0}
    found |= {1 << k for k in range((n - 1).bit_length() + (n <= 16))}
    found |= {ceil(n / k) for k in range(1, n + 1)}
    return sorted(found | set(extra))
