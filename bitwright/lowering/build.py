"""Network IR → hardware netlist: each layer becomes a credit domain, and streams of other shapes meet in gears."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, reduce
from math import ceil
from operator import and_, or_

import numpy as np

from ..errors import CompileError
from ..ir import chip
from ..ir.graph import Graph
from ..ir.netlist import (
    Block,
    Estimate,
    Fold,
    Instance,
    Lanes,
    Memory,
    Multiplier,
    Netlist,
    Queue,
    Ram,
    Resources,
    Stage,
    Wire,
)
from ..ir.types import IntType, TensorType
from ..ops import area, sparse
from ..ops.concat import Concat
from ..ops.dense import Dense
from ..ops.permute import Permute
from ..ops.pick import Pick
from ..ops.repeat import Repeat
from ..ops.reshape import Reshape
from ..ops.sliding import SLACK
from ..ops.window import Window
from ..ops.xnor import Xnor
from . import schedule
from .folding import Budget, Cost, Folding, cycles, fastest, slot_width, solve
from .joints import Joints
from .layers import FOLDED, Circuits, Kind, Layer, Spatial, ring_style, split
from .pixels import widened
from .schedule import Domain, Edge, Process, Replay, Sparse, Timing, Total, Walk, WindowDomain

ROUND_TRIP = 4  # cycles from a result's arrival in an empty FIFO until its credit can be used again, and one to spare

AT_BOUND = 1.05
"""A design this near to what its layers can do at most is limited by them, not by the board."""

NEXT_BOUND = 0.55
"""What the next number of pixels is to bring it to."""

TIGHTER = 0.98
"""By how much the target of the layers is lowered if the design they make does not keep it."""

WITHIN_REACH = 0.6  # of a queue's first depth: none was found that can do with less
WORTH_A_TRY = 12  # LUTs that a shorter queue must save to be simulated
SHORT = 2000  # cycles of a frame up to which it costs nothing to simulate many


@dataclass(frozen=True, slots=True)
class Lowered:
    """A netlist, the graph, layers and folding that it was built with, and its timing as the static schedules give it."""

    graph: Graph
    layers: Sequence[Layer]
    netlist: Netlist
    folding: Folding
    timing: Timing


def lower(graph: Graph, budget: Budget, target: int | None, spatial: Spatial = FOLDED) -> Lowered:
    """Solve the folding and build the netlist. Raises CompileError if the graph or the board does not allow it.

    Layers that cannot keep up otherwise get several pixels a cycle, unless all are to be circuits of constants.
    """
    if spatial.circuits is Circuits.MUST:
        return _lower(graph, graph, budget, target, spatial)

    def bounds(layers: Sequence[Layer]) -> list[int]:
        return fastest(layers, budget)

    if target is not None:
        return _lower(widened(graph, bounds, target), graph, budget, target, spatial)
    best = _lower(graph, graph, budget, None, spatial)
    while True:
        bound = max(bounds(split(best.graph)))
        if best.timing.frame_cycles > bound * AT_BOUND:
            return best  # it is the board that limits it
        wider = widened(graph, bounds, int(bound * NEXT_BOUND))
        if max(bounds(split(wider))) >= bound:
            return best
        try:
            found = _lower(wider, graph, budget, None, spatial)
        except CompileError as error:
            if error.code not in ("E302", "E490"):
                raise
            return best  # it does not fit
        if found.timing.frame_cycles >= best.timing.frame_cycles:
            return best
        best = found


def _lower(graph: Graph, given: Graph, budget: Budget, target: int | None, spatial: Spatial) -> Lowered:
    """The netlist of a graph that has the layers of the `given` one, whose multiplications it counts.

    Neighbours that the solver made circuits become one, unless the design is better without.
    """
    apart = _folded(graph, given, budget, target, spatial)
    circuits = [layer for layer, fold in zip(apart.layers, apart.folding.folds, strict=True) if fold.spatial]
    merged = replace(spatial, chosen=frozenset(node.name for layer in circuits for node in layer.inside))
    if spatial.circuits is Circuits.MUST or len(split(graph, merged)) == len(apart.layers):
        return apart
    try:
        together = _folded(graph, given, budget, target, merged)
    except CompileError:  # it does not fit, or is too slow
        return apart
    return min(together, apart, key=lambda made: (made.timing.frame_cycles, area.in_luts(made.netlist.cost)))


def _folded(graph: Graph, given: Graph, budget: Budget, target: int | None, spatial: Spatial) -> Lowered:
    layers = split(graph, spatial)
    macs = {layer.value: layer.macs for layer in split(given, spatial)} | {c.value: c.macs for c in layers if c.cone}
    names = {n.input: n.name for n in graph.nodes if isinstance(n.op, Reshape) and n.name in macs}
    reserve, aim, nearest = Resources(), target, 0
    cost = cache(layer_cost(layers))
    while True:
        try:
            folding = solve(layers, cost, budget.less(reserve), aim)
        except CompileError as error:
            if not nearest or error.code != "E302":
                raise
            message = f"no folding meets {target} cycles a frame: layers wait for one another where frames meet"
            raise CompileError("E302", message, hint=f"ask for {nearest} cycles a frame or more") from error
        builder = _Builder(layers, graph, folding)
        lowered = builder.lower()
        if aim is not None and target is not None and lowered.timing.frame_cycles > target:
            # A layer that is busy all the time waits where the one before it pauses between frames.
            nearest = min(nearest or lowered.timing.frame_cycles, lowered.timing.frame_cycles)
            aim = min(int(aim * TIGHTER), folding.cycles - 1)
            continue
        # What the solver does not see, the gears, ports and queues, is known only now; leave room and solve again.
        needed = lowered.netlist.cost
        unseen = needed + folding.need.scaled(-1)
        if max(budget.excess(needed).values()) <= 1 or unseen == reserve:
            stages = tuple(replace(s, macs=macs.get(names.get(s.value, s.value), 0)) for s in lowered.netlist.stages)
            return replace(lowered, netlist=replace(lowered.netlist, stages=stages))
        reserve = unseen.most(reserve)


def layer_blocks(layer: Layer, fold: Fold) -> Iterator[tuple[Block, Estimate, int]]:
    """The library modules of a credit domain in order of the data, what each takes, and the bits of its output."""
    x = layer.inner
    lanes = fold.lanes if fold.sparse else fold.pe
    if fold.spatial:
        widths = [x.elem.width * fold.simd, *(o.type.elem.width * o.type.vector for o in layer.operands[1:])]
        yield _entry(widths), Estimate(0, Resources(lut=2 + 2 * len(widths), ff=5)), sum(widths)
        yield layer.unit.block(fold), layer.unit.estimate(), layer.y.elem.width * fold.pe
        return
    if layer.kind in (Kind.STREAM, Kind.JOIN):
        widths = [x.elem.width * lanes, *(o.type.elem.width * lanes for o in layer.operands[1:])]
        yield _entry(widths), Estimate(0, Resources(lut=2 + 2 * len(widths), ff=5)), sum(widths)
    if layer.head is not None:
        block = _head(layer, x, fold)
        assert block is not None, "a layer's head has hardware"
        x = layer.head.type
        yield block, without_constants(block, _head_estimate(layer, fold)), x.elem.width * lanes
        if fold.parts > 1:
            lanes = fold.lanes
            width = x.elem.width * lanes
            params = {"WIDTH": width, "RATIO": fold.parts, **_short(layer, fold)}
            yield Block("bw_serial", params), _serial_estimate(layer, fold), width
    for node in layer.tail:
        at = replace(fold, pe=lanes, narrow=0)
        block = node.op.to_rtl(x, at)
        assert block is not None, "a layer's tail holds no node without hardware"
        yield block, node.op.estimate(x, node.type, at), node.type.elem.width * lanes
        x = node.type


def without_constants(block: Block, estimate: Estimate) -> Estimate:
    """Bits of a ROM that are the same in all words take no block RAM: those of pruned columns, or of weights ±1."""
    rom = block.params.get("WEIGHTS")
    if not isinstance(rom, Memory) or block.params.get("WEIGHT_STYLE") != Ram.BLOCK or "WRITABLE" in block.params:
        return estimate
    varying, depth = (reduce(or_, rom.words) & ~reduce(and_, rom.words)).bit_count(), len(rom.words)
    less = area.block_rams(rom.width, depth) - area.block_rams(varying, depth)
    return replace(estimate, cost=estimate.cost + Resources(bram36=-less))


def _entry(widths: Sequence[int]) -> Block:
    """What admits a beat of each input stream."""
    if len(widths) == 1:
        return Block("bw_gate", {"WIDTH": widths[0]})
    return Block("bw_join", {"WIDTH_A": widths[0], "WIDTH_B": widths[1]})


def _head(layer: Layer, x: TensorType, fold: Fold) -> Block | None:
    assert layer.head is not None
    op = layer.head.op
    if fold.sparse:
        assert isinstance(op, Dense)
        return sparse.block(op.weight, op.bias, x, layer.head.type, op.weight_type, fold, fold.lanes)
    if isinstance(op, Dense | Xnor):
        return op.to_rtl(x, fold, replay=not layer.repeats(fold))
    if layer.kind is Kind.JOIN:
        return op.to_rtl(*(o.type for o in layer.operands), fold)
    return op.to_rtl(x, fold)


def _head_estimate(layer: Layer, fold: Fold) -> Estimate:
    """That of the module that `_head` gives; nothing for a layer without one."""
    if layer.head is None:
        return Estimate()
    op, y = layer.head.op, layer.head.type
    if fold.sparse:
        assert isinstance(op, Dense)
        has_bias = bool(op.bias.any())
        return sparse.estimate(op.weight, op.weight_type, layer.inner.elem, y.elem, fold, fold.lanes, has_bias)
    if isinstance(op, Dense | Xnor):
        return op.estimate(layer.inner, y, fold, replay=not layer.repeats(fold))
    operands = [layer.inner] if layer.window else [o.type for o in layer.operands]
    return layer.head.op.estimate(*operands, y, fold)


def _serial_estimate(layer: Layer, fold: Fold) -> Estimate:
    """That of bw_serial behind a layer's unit; nothing if all its results leave at once."""
    if fold.parts == 1:
        return Estimate()
    assert layer.head is not None
    bits = layer.head.type.elem.width * fold.pe
    return Estimate(1, Resources(lut=bits * 0.4 * chip.current().logic, ff=bits + fold.parts))


def layer_cost(layers: Sequence[Layer]) -> Cost:
    """The estimate for each layer at a fold, its FIFO included."""

    @cache
    def tail(index: int, pe: int, multiplier: Multiplier) -> Estimate:
        layer = layers[index]
        latency, need = 0, Resources()
        x = layer.head.type if layer.head else layer.inner
        for node in layer.tail:
            estimate = node.op.estimate(x, node.type, Fold(pe=pe, multiplier=multiplier))
            latency, need, x = latency + estimate.latency, need + estimate.cost, node.type
        return Estimate(latency, need)

    def cost(index: int, fold: Fold) -> Resources:
        layer = layers[index]
        rest = Estimate() if fold.spatial else tail(index, fold.lanes, fold.multiplier)
        total = Resources(lut=12, ff=8)
        if layer.window is not None:
            op, lanes = layer.window.op, layer.in_lanes(fold)
            assert isinstance(op, Window)
            if layer.whole(fold):
                total += op.taps_cost(layer.x, layer.window.type, lanes, words_of(layer, fold), fold.buffer)
                total += queue_cost(lanes * layer.window.type.elem.width, layer.flow(fold).depth)
            else:
                total += op.cost(layer.x, layer.window.type, lanes, _ring(layer, fold), fold.buffer)
        head = layer.unit.estimate() if fold.spatial else _head_estimate(layer, fold)
        if layer.kind is Kind.MOVE:
            return total + head.cost + rest.cost
        serial = _serial_estimate(layer, fold)
        latency = head.latency + serial.latency + rest.latency
        depth = fold.parts * credits_for(layer, fold, latency)
        return total + head.cost + serial.cost + rest.cost + fifo_cost(layer.y.elem.width * fold.lanes, depth)

    return cost


def _ring(layer: Layer, fold: Fold) -> int:
    """Words of the ring of a layer's window generator."""
    assert layer.window is not None and isinstance(layer.window.op, Window)
    return layer.window.op.depth(layer.x, layer.in_lanes(fold), fold.buffer)


def fifo_cost(width: int, depth: int) -> Resources:
    """One SRL a bit and 32 words, or a register; a distributed RAM, or flip-flops, where LUTs do not shift."""
    if depth == 1:
        return Resources(lut=2, ff=width + 2)
    if not chip.current().shifts:
        words, bits = 1 << area.clog2(depth), area.clog2(depth)
        return Resources(lut=area.lutram(width, words) + 5 * bits + 6, ff=5 * bits + 2)
    return Resources(lut=width * ceil(depth / 32) + 8, ff=area.clog2(depth) + 3)


def parts_of(layer: Layer, fold: Fold) -> tuple[int, ...]:
    """Beats in which each result of a vector leaves, the last without its padding; one number stands for all alike."""
    last = ceil(((layer.rows - 1) % fold.pe + 1) / fold.lanes)
    if fold.parts in (1, last):
        return (fold.parts,)
    return (fold.parts,) * (ceil(layer.rows / fold.pe) - 1) + (last,)


def _short(layer: Layer, fold: Fold) -> dict[str, int]:
    """The parameters of modules that count the beats of results, where the last of a vector is shorter."""
    parts = parts_of(layer, fold)
    return {"FOLDS": len(parts), "LAST": parts[-1]} if parts[-1] != fold.parts else {}


def words_of(layer: Layer, fold: Fold) -> int:
    """Cycles between two results of a layer at full rate (SF)."""
    if layer.kind is Kind.MATVEC and not fold.sparse:
        return ceil(layer.columns / fold.simd)
    if layer.kind is Kind.LANES:
        return layer.taps // fold.taps
    return 1


def credits_for(layer: Layer, fold: Fold, latency: int) -> int:
    """The fewest results in flight that never make the layer wait while its FIFO is emptied at once, and one more."""
    words, parts = words_of(layer, fold), fold.parts
    return ceil((words + latency + parts - 1 + ROUND_TRIP) / words) + 1


@dataclass
class _Stream:
    """A stream under construction: its wire, how values travel on it, and its edge in the schedule."""

    wire: Wire
    lanes: Lanes
    edge: Edge


@dataclass
class _Queue:
    """A FIFO in front of a layer where branches meet: as deep as the other branch is long."""

    index: int
    """Of its instance; it becomes one when the depth is known."""
    wire: Wire
    inner: Edge
    out: Edge
    width: int
    depth: int = 0

    @property
    def cost(self) -> Resources:
        return queue_cost(self.width, self.depth)

    def cheaper(self, floor: float) -> int:
        """The greatest lesser depth of at least `floor`, and two, at which it costs clearly less; 0 if there is none."""
        steps = {32, (self.depth - 1) // 64 * 64, *(1 << bits for bits in range(1, 16)), 4096 // self.width}
        depths = sorted((d for d in steps if max(2, floor) <= d < self.depth), reverse=True)
        most = _worth(self.cost) - WORTH_A_TRY
        return next((d for d in depths if _worth(queue_cost(self.width, d)) <= most), 0)


def queue_cost(width: int, depth: int) -> Resources:
    """That of bw_queue, in the memory that `ring_style` says."""
    bits = area.clog2(depth)
    if ring_style(width * depth) is Ram.BLOCK:
        return Resources(lut=5 * bits, ff=4.3 * bits, bram36=area.block_rams(width, depth, written=True))
    if depth <= 32:
        return fifo_cost(width, depth) + Resources(lut=4, ff=6)
    return Resources(lut=area.lutram(width, depth) + 4 * bits + 8, ff=5 * bits + 2)


def _worth(cost: Resources) -> float:
    """In LUTs."""
    return cost.lut + cost.bram36 * area.BLOCK_IN_LUTS


@dataclass
class _Builder(Joints[_Stream]):
    graph: Graph
    folding: Folding
    instances: list[Instance] = field(default_factory=list[Instance])
    wires: list[Wire] = field(default_factory=list[Wire])
    nets: list[str] = field(default_factory=list[str])
    stages: list[Stage] = field(default_factory=list[Stage])
    edges: list[Edge] = field(default_factory=list[Edge])
    schedules: list[Callable[[], list[Process]]] = field(default_factory=list["Callable[[], list[Process]]"])
    queues: list[_Queue] = field(default_factory=list[_Queue])
    pending: Resources = field(default_factory=Resources)

    def lower(self) -> Lowered:
        first, last = self.layers[0], self.layers[-1]
        self.source = _port(first.x, self.folding.in_lanes)
        self.sink = _port(last.y, self.folding.out_lanes)
        self._share(None, self._axis_in(), "in")
        for index, (layer, fold) in enumerate(zip(self.layers, self.folding.folds, strict=True)):
            self._share(index, self._layer(index, layer, fold), f"s{index}")
        (stream,) = self.streams[len(self.layers) - 1]
        self._axis_out(self._gear(stream, self.folding.out_lanes, "out"))
        timing = self._timing()
        netlist = Netlist(
            tuple(self.instances), tuple(self.wires), tuple(self.nets), tuple(self.stages),
            tuple(Queue(self.instances[q.index].stage, q.wire, q.depth, q.width) for q in self.queues),
            self.source, self.sink,
        )  # fmt: skip
        return Lowered(self.graph, self.layers, netlist, self.folding, timing)

    def _timing(self) -> Timing:
        """The timing of the streams that were built; on the way, the depths of the queues.

        Queues without a limit give the best interval. An input that comes no faster than that shows how much each of
        them must hold; that much keeps the interval, or they grow. Then they become as cheap as keeps it.
        """
        if not self.queues:
            return self._simulate()
        best = self._simulate()
        self._simulate(best.frame_cycles)
        for queue in self.queues:
            queue.depth = max(2, schedule.occupancy(queue.inner, queue.out, schedule.QUEUE_REUSE))
        timing = self._simulate()
        while timing.frame_cycles > best.frame_cycles:
            for queue in self.queues:
                queue.depth += ceil(queue.depth / 4)
            timing = self._simulate()
        self._shorten(timing)
        for queue in self.queues:
            old = self.instances[queue.index]
            params = _queue_params(queue.width, queue.depth)
            self.instances[queue.index] = replace(old, params=params, cost=queue.cost)
        return timing

    def _shorten(self, timing: Timing) -> None:
        """Each queue as shallow as keeps the timing, where that makes its memory cheaper."""
        for queue in sorted(self.queues, key=lambda q: -_worth(q.cost)):
            floor = queue.depth * WITHIN_REACH
            while less := queue.cheaper(floor):
                kept, queue.depth = queue.depth, less
                if not self._keeps(timing):
                    queue.depth = kept
                    break

    def _keeps(self, timing: Timing) -> bool:
        """Whether the timing is the same with the present depths."""
        try:
            return self._simulate() == timing
        except CompileError:  # it stands still
            return False

    def _simulate(self, interval: int = 0) -> Timing:
        for edge in self.edges:
            edge.clear()
        processes = [p for make in self.schedules for p in make()]
        patience = schedule.SHORT if self.folding.cycles < SHORT else schedule.LONG
        return schedule.simulate(
            processes, self.edges, self.first, self.last, self.source.beats, self.sink.beats, interval, patience
        )

    def _axis_in(self) -> _Stream:
        lanes, slot = self.source, slot_width(self.source.elem)
        stream = self._stream("in", lanes)
        self.first = stream.edge
        params = {"WIDTH": lanes.elem.width, "SLOT": slot, "LANES": lanes.lanes, "TDATA": slot * lanes.lanes,
                  "VECTOR": lanes.vector, "BEATS": lanes.beats}  # fmt: skip
        cost = Resources(lut=lanes.width * 0.5 + 20 * chip.current().logic, ff=2 * lanes.width + 20)
        self._place("in", "axis", "bw_axis_in", params, _axis("s") | _out(stream.wire), cost)
        return stream

    def _axis_out(self, stream: _Stream) -> None:
        lanes, slot = self.sink, slot_width(self.sink.elem)
        self.last = stream.edge
        params = {"WIDTH": lanes.elem.width, "SIGNED": int(lanes.elem.signed), "SLOT": slot, "LANES": lanes.lanes,
                  "TDATA": slot * lanes.lanes, "VECTOR": lanes.vector, "BEATS": lanes.beats}  # fmt: skip
        cost = Resources(lut=lanes.width * 0.5 + 12, ff=slot * lanes.lanes + 10)
        self._place("out", "axis", "bw_axis_out", params, _in(stream.wire) | _axis("m"), cost)

    def _fork(self, stream: _Stream, users: int, stage: str) -> list[_Stream]:
        copies = [self._stream(f"{stage}_copy{k}", stream.lanes) for k in range(users)]
        data = copies[0].wire.data
        for copy in copies[1:]:
            copy.wire = replace(copy.wire, shares=data)
            self.wires = [copy.wire if w.name == copy.wire.name else w for w in self.wires]
        self.schedules.append(lambda: [schedule.fork(stream.edge, [c.edge for c in copies])])
        ports = _in(stream.wire)
        for port in ("valid", "ready"):
            ports[f"out_{port}"] = "{" + ", ".join(f"{c.wire.name}_{port}" for c in reversed(copies)) + "}"
        ports["out_data"] = data
        cost = Resources(lut=3 * users, ff=users)
        self._place(stage, "fork", "bw_fork", {"WIDTH": stream.wire.width, "COUNT": users}, ports, cost)
        return copies

    def _queue(self, stream: _Stream, stage: str) -> _Stream:
        """A FIFO whose depth is found when all is built."""
        number = len(self.queues)
        out = self._stream(f"{stage}_queue{number}", stream.lanes)
        self._place(stage, f"queue{number}", "bw_queue", {}, _in(stream.wire) | _out(out.wire), Resources())
        queue = _Queue(len(self.instances) - 1, out.wire, stream.edge, out.edge, stream.wire.width)
        self.queues.append(queue)
        self.schedules.append(lambda: _queue_schedule(stream.edge, out.edge, queue.width, queue.depth))
        return out

    def _regroup(self, stream: _Stream, lanes: int, stage: str) -> _Stream:
        here = stream.lanes
        out = self._stream(f"{stage}_gear", replace(here, lanes=lanes))
        wide = lanes > here.lanes
        process = schedule.widen if wide else schedule.narrow
        groups = _groups(here.vector, min(lanes, here.lanes), max(lanes, here.lanes))
        self.schedules.append(lambda: [process(stream.edge, out.edge, groups)])
        params = {"ELEM": here.elem.width, "IN_LANES": here.lanes, "OUT_LANES": lanes, "VECTOR": here.vector}
        bits = max(lanes, here.lanes) * here.elem.width
        cost = Resources(lut=(bits * (0.1 if wide else 0.6) + 10) * chip.current().logic, ff=bits + 10)
        self.pending += cost
        self._place(stage, f"gear_{here.lanes}_{lanes}_{len(self.instances)}", "bw_gear", params,
                    _in(stream.wire) | _out(out.wire), cost)  # fmt: skip
        return out

    def _lanes(self, stream: _Stream, elem: IntType, lanes: int, stage: str) -> _Stream:
        here = stream.lanes  # wires only
        if (here.elem, here.lanes) == (elem, lanes):
            return stream
        new = replace(here, elem=elem, lanes=lanes)
        out = _Stream(self._wire(f"{stage}_lanes", new.width, ready=True), new, stream.edge)
        params = {"IN_WIDTH": here.elem.width, "OUT_WIDTH": elem.width, "SIGNED": int(here.elem.signed),
                  "IN_LANES": here.lanes, "OUT_LANES": lanes}  # fmt: skip
        self._place(
            stage, f"lanes_{len(self.instances)}", "bw_lanes", params, _in(stream.wire) | _out(out.wire), Resources()
        )
        return out

    def _layer(self, index: int, layer: Layer, fold: Fold) -> _Stream:
        stage = f"s{index}"
        joins = len(layer.operands) > 1
        lanes = layer.in_lanes(fold)
        # Where whole windows come from wider words, the queue in front of them is in front of the gear too: see _taps.
        taken = self._wider(layer, lanes) if layer.whole(fold) else lanes
        inputs = [
            self._operand(operand, own, stage, queued=queued)
            for operand, own, queued in zip(
                layer.operands, [taken, *layer.lanes(fold)[1:]], self._queued(layer), strict=True
            )
        ]
        window: Callable[[], schedule.Window] | None = None
        if layer.window is not None:
            inputs[0], window = self._window(layer, fold, inputs[0], stage)
        if layer.kind is Kind.MOVE:
            return self._move(index, layer, fold, inputs)
        blocks = list(layer_blocks(layer, fold))
        latency = sum(estimate.latency for _, estimate, _ in blocks)
        credits, parts = credits_for(layer, fold, latency), fold.parts
        width, depth = layer.y.elem.width * fold.lanes, credits * parts
        credit = f"{stage}_credit"
        self.nets.append(credit)
        ports = {"credit": credit}
        for side, stream in zip("ab" if joins else ("in",), inputs, strict=True):
            ports |= _side(side, stream.wire)
        for k, (block, estimate, bits) in enumerate(blocks):
            out = self._wire(f"{stage}_{k}", bits, ready=False)
            params = dict(block.params)
            if k == 0:  # the entry admits work only against credits
                params["CREDITS"] = credits
            if block.module in ("bw_mvu", "bw_depthwise"):  # nobody writes weights unless there is a control port
                place = params.get("PLACE", 1)
                assert isinstance(place, int)
                ports |= {"write_valid": "1'b0", "write_data": f"{place + 32}'d0"}
            self._place(stage, f"{block.module[3:]}{k}", block.module, params, ports | _valid_only("out", out),
                        estimate.cost, block.texts(f"{stage}_circuit") if block.texts else {})  # fmt: skip
            ports = _valid_only("in", out)
        result = self._stream(stage, Lanes(layer.y.elem, fold.lanes, layer.y.vector, layer.y.size // layer.y.vector))
        cost = fifo_cost(width, depth)
        params = {"WIDTH": width, "DEPTH": depth, "GROUP": parts, **_short(layer, fold), **_shift()}
        self._place(stage, "fifo", "bw_fifo", params, ports | _out(result.wire) | {"credit": credit}, cost)
        edges = [s.edge for s in inputs]
        self.schedules.append(lambda: _domain(layer, fold, edges, result.edge, latency, credits, window).processes())
        self._stage(index, layer, fold, result, sum((e.cost for _, e, _ in blocks), cost))
        return result

    def _wider(self, layer: Layer, lanes: int) -> int:
        """The lanes in which a layer's operand comes, if they are a multiple of those that it takes."""
        here, type_ = self.streams[layer.operands[0].source][0].lanes, layer.operands[0].type
        wider = here.vector == type_.vector and here.lanes % lanes == 0 == type_.vector % here.lanes
        return here.lanes if wider else lanes

    def _window(
        self, layer: Layer, fold: Fold, stream: _Stream, stage: str
    ) -> tuple[_Stream, Callable[[], schedule.Window] | None]:
        """The window generator, and a gear behind it where a word is wider than a pixel.

        What follows it without one simulates it too.
        """
        assert layer.window is not None and isinstance(layer.window.op, Window)
        op, type_, lanes = layer.window.op, layer.window.type, stream.lanes.lanes
        stream = self._lanes(stream, type_.elem, lanes, stage)
        if layer.whole(fold):
            return self._taps(op, layer, fold, stream, stage), None
        grouped, depth = layer.kind is Kind.LANES, _ring(layer, fold)
        passes = ceil(layer.rows / fold.pe) if layer.repeats(fold) else 1
        block = op.block(layer.x, lanes, passes=passes, grouped=grouped, depth=depth, style=fold.buffer)
        out = self._stream(f"{stage}_window", Lanes(type_.elem, lanes, type_.vector, passes * layer.vectors))
        need, oldest = op.bounds(layer.x)
        words = layer.x.vector // lanes
        frame = layer.x.size // lanes
        each = passes * op.taps * words
        bounds = np.maximum(need * words, 1).tolist(), (oldest * words).tolist()

        def window() -> schedule.Window:
            return schedule.Window(stream.edge, out.edge, *bounds, frame, each, depth)

        cost = op.cost(layer.x, type_, lanes, depth, fold.buffer)
        self.pending += cost
        self._place(stage, "window", block.module, block.params, _in(stream.wire) | _out(out.wire), cost)
        if grouped or layer.repeats(fold):
            return out, window
        self.schedules.append(lambda: window().processes())
        return self._gear(out, fold.simd, stage), None

    def _taps(self, op: Window, layer: Layer, fold: Fold, stream: _Stream, stage: str) -> _Stream:
        """Whole windows, in as many beats as the unit takes, behind a queue for the pixels that come meanwhile.

        They come in rows: a gear in front of the queue would make them late, as it takes its time for each word.
        """
        assert layer.window is not None
        type_, lanes = layer.window.type, layer.in_lanes(fold)
        parts, waiting = words_of(layer, fold), layer.flow(fold).depth - SLACK
        depth = ceil(waiting * lanes / stream.lanes.lanes) + SLACK
        line = self._stream(f"{stage}_line", stream.lanes)
        width, cost = stream.wire.width, queue_cost(stream.wire.width, depth)
        self.schedules.append(lambda: _queue_schedule(stream.edge, line.edge, width, depth))
        self.pending += cost
        self._place(stage, "line", "bw_queue", _queue_params(width, depth), _in(stream.wire) | _out(line.wire), cost)
        words = self._gear(line, lanes, stage)
        out = self._stream(f"{stage}_taps", Lanes(type_.elem, fold.simd, type_.vector, layer.vectors))
        places, each = op.sliding(layer.x).places(), layer.x.vector // lanes
        self.schedules.append(lambda: [schedule.taps(words.edge, out.edge, places, each, parts)])
        # A unit without a buffer asks for a credit with the first beat of a result, and takes the others as they come.
        prompt = layer.kind is Kind.LANES or layer.rows <= fold.pe
        block = op.taps_block(layer.x, lanes, parts, fold.buffer, prompt=prompt)
        cost = op.taps_cost(layer.x, type_, lanes, parts, fold.buffer)
        self.pending += cost
        self._place(stage, "taps", block.module, block.params, _in(words.wire) | _out(out.wire), cost)
        return out

    def _move(self, index: int, layer: Layer, fold: Fold, inputs: list[_Stream]) -> _Stream:
        """A module that only moves elements, with a ready/valid stream at either side."""
        assert layer.head is not None
        stage, op, y = f"s{index}", layer.head.op, layer.head.type
        inputs = [self._lanes(s, y.elem, layer.in_lanes(fold), stage) for s in inputs]
        types = [o.type for o in layer.operands]
        block = op.to_rtl(*types, fold)
        assert block is not None
        estimate = _head_estimate(layer, fold)
        out = self._stream(f"{stage}_{block.module[3:]}", _port(y, fold.pe))
        ports = _out(out.wire)
        for side, stream in zip("ab" if len(inputs) > 1 else ("in",), inputs, strict=True):
            ports |= _side(side, stream.wire)
        self._place(stage, block.module[3:], block.module, block.params, ports, estimate.cost)
        edges = [s.edge for s in inputs]
        if isinstance(op, Pick):  # wires
            out.edge = edges[0]
        else:
            self.schedules.append(lambda: _movement(layer, fold, edges, out.edge))
        self._stage(index, layer, fold, out, estimate.cost)
        return out

    def _stage(self, index: int, layer: Layer, fold: Fold, result: _Stream, cost: Resources) -> None:
        origins = tuple(dict.fromkeys(o for n in layer.nodes for o in n.origin))
        sources = tuple("" if o.source is None else f"s{o.source}" for o in layer.operands)
        stage = Stage(
            name=f"s{index}", inputs=sources, op="+".join(n.op.mnemonic for n in layer.nodes), engine=_engine(layer, fold),
            value=layer.value, stream=result.wire, lanes=result.lanes, fold=fold, rows=layer.rows,
            columns=layer.columns, cycles=cycles(layer, fold), macs=layer.macs, cost=cost + self.pending,
            origin=origins,
        )  # fmt: skip
        self.pending = Resources()
        self.stages.append(stage)

    def _stream(self, name: str, lanes: Lanes) -> _Stream:
        return _Stream(self._wire(name, lanes.width, ready=True), lanes, self._edge(name))

    def _edge(self, name: str) -> Edge:
        self.edges.append(Edge(name))
        return self.edges[-1]

    def _wire(self, name: str, width: int, *, ready: bool) -> Wire:
        used = {w.name for w in self.wires}
        unique = next(n for n in (f"w_{name}", *(f"w_{name}{k}" for k in range(2, 1000))) if n not in used)
        wire = Wire(unique, width, ready)
        self.wires.append(wire)
        return wire

    def _place(
        self, stage: str, name: str, module: str, params: Mapping[str, int | Memory], ports: Mapping[str, str],
        cost: Resources, texts: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        clock = {"clk": "aclk", "rst_n": "aresetn"}
        module = next(iter(texts)) if texts else module
        self.instances.append(
            Instance(f"{stage}_{name}", module, params, clock | dict(ports), stage, cost, texts or {})
        )


def _domain(layer: Layer, fold: Fold, inners: list[Edge], out: Edge, latency: int, credits: int,
            window: Callable[[], schedule.Window] | None) -> Domain:  # fmt: skip
    """The schedule of a credit domain."""
    words, parts = words_of(layer, fold), parts_of(layer, fold)
    passes = ceil(layer.rows / fold.pe)
    if fold.sparse:
        assert layer.head is not None and isinstance(layer.head.op, Dense)
        op = layer.head.op
        slots = sparse.plan(np.count_nonzero(op.weight, axis=1), fold.pe, fold.lanes).slots
        read = sparse.read_latency(op.weight, op.weight_type, fold, slots)
        delay = read + sparse.multiply_latency(layer.inner.elem, op.weight_type, fold.multiplier)
        beats = ceil(layer.rows / fold.lanes)
        return Sparse(inners, out, ceil(layer.columns / fold.simd), latency, credits, parts, beats, slots, read, delay)
    if window is not None:
        made = window()
        return WindowDomain(inners, out, words, latency, credits, parts, made, made.words // words)
    if layer.kind is Kind.MATVEC and passes > 1 and not layer.repeats(fold):
        return Replay(inners, out, words, latency, credits, parts, passes, 2 * words)
    if layer.kind is Kind.TOTAL:
        beats = ceil(layer.x.vector / fold.pe)
        return Total(inners, out, beats, latency, credits, parts, layer.vectors)
    return Domain(inners, out, words, latency, credits, parts)


def _movement(layer: Layer, fold: Fold, inners: list[Edge], out: Edge) -> list[Process]:
    """The schedule of a module that only moves elements."""
    assert layer.head is not None
    op, x = layer.head.op, layer.x
    if isinstance(op, Concat):
        a, b = (o.type.vector // fold.pe for o in layer.operands)
        return [schedule.concat(inners[0], inners[1], out, a, b)]
    if isinstance(op, Repeat):
        words, depth = ceil(x.vector / fold.pe), op.depth(x, fold.pe)
        return Walk.repeat(inners[0], out, words, x.shape[1], op.rows, op.columns, depth).processes()
    assert isinstance(op, Permute)
    return Walk.reorder(inners[0], out, op.block(x) // fold.pe).processes()


def _engine(layer: Layer, fold: Fold) -> str:
    if fold.spatial:
        return "spatial"
    if layer.kind is not Kind.MATVEC and not layer.macs:
        return "table" if layer.kind is Kind.STREAM else "stream"
    unit = "sparse" if fold.sparse else "folded"
    kind = {Multiplier.LUT: "lut", Multiplier.DSP: "dsp", Multiplier.XNOR: "xnor"}[fold.multiplier]
    return f"{unit} {kind} {'bram' if fold.weights is Ram.BLOCK else 'lutram'}"


def _port(type_: TensorType, lanes: int) -> Lanes:
    return Lanes(type_.elem, lanes, type_.vector, type_.size // type_.vector)


def _groups(vector: int, small: int, large: int) -> list[int]:
    """How many beats of `small` lanes each beat of `large` lanes of a vector stands for."""
    beats, ratio = ceil(vector / small), large // small
    return [min(ratio, beats - k) for k in range(0, beats, ratio)]


def _queue_params(width: int, depth: int) -> dict[str, int | Memory]:
    return {"WIDTH": width, "DEPTH": depth, "STYLE": int(ring_style(width * depth)), **_shift()}


def _shift() -> dict[str, int | Memory]:
    """The parameter of FIFOs for a chip whose LUTs are no shift registers."""
    return {} if chip.current().fifo_shift else {"SHIFT": 0}


def _queue_schedule(inner: Edge, out: Edge, width: int, depth: int) -> list[Process]:
    return schedule.queue(inner, out, depth, 1 + int(ring_style(width * depth)))


def _axis(side: str) -> dict[str, str]:
    return {f"{side}_axis_{p}": f"{side}_axis_{p}" for p in ("tdata", "tvalid", "tready", "tlast")}


def _in(wire: Wire) -> dict[str, str]:
    return _side("in", wire)


def _side(side: str, wire: Wire) -> dict[str, str]:
    return {f"{side}_valid": f"{wire.name}_valid", f"{side}_ready": f"{wire.name}_ready", f"{side}_data": wire.data}


def _out(wire: Wire) -> dict[str, str]:
    return _side("out", wire)


def _valid_only(side: str, wire: Wire) -> dict[str, str]:
    return {f"{side}_valid": f"{wire.name}_valid", f"{side}_data": wire.data}
