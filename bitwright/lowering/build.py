"""Network IR → hardware netlist: each layer becomes a credit domain, and streams of other shapes meet in gears."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from math import ceil

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
    Ram,
    Resources,
    Stage,
    Wire,
)
from ..ir.types import TensorType
from ..ops import area
from . import schedule
from .folding import Budget, Cost, Folding, slot_width, solve
from .layers import Layer, split
from .schedule import Edge, Matvec, Process, Timing

ROUND_TRIP = 4  # cycles from a result's arrival in an empty FIFO until its credit can be used again, and one to spare


@dataclass(frozen=True, slots=True)
class Lowered:
    """A netlist, the folding that it was built with, and its timing as the static schedules give it."""

    netlist: Netlist
    folding: Folding
    timing: Timing


def lower(graph: Graph, budget: Budget, target: int | None) -> Lowered:
    """Solve the folding and build the netlist. Raises CompileError if the graph or the board does not allow it."""
    layers = split(graph)
    reserve = Resources()
    while True:
        folding = solve(layers, layer_cost(layers), budget.less(reserve), target)
        builder = _Builder(layers, folding)
        netlist = builder.build()
        # What the solver does not see, the gears and the ports, is known only now; leave room for it and solve again.
        needed = sum((i.cost for i in netlist.instances), Resources())
        unseen = needed + folding.need.scaled(-1)
        if max(budget.excess(needed).values()) <= 1 or unseen == reserve:
            return Lowered(netlist, folding, builder.simulate())
        reserve = unseen.most(reserve)


def layer_blocks(layer: Layer, fold: Fold) -> Iterator[tuple[Block, Estimate, int]]:
    """The library modules of a layer in order of the data, what each takes, and the bits of its output."""
    x = layer.x
    if layer.head is None:
        width = x.elem.width * fold.pe
        yield Block("bw_gate", {"WIDTH": width}), Estimate(0, Resources(lut=4, ff=5)), width
    for node in layer.nodes:
        block = node.op.to_rtl(x, fold)
        assert block is not None, "a layer holds no node without hardware"
        yield block, node.op.estimate(x, node.type, fold), node.type.elem.width * fold.pe
        x = node.type


def layer_cost(layers: Sequence[Layer]) -> Cost:
    """The estimate for each layer at a fold, its FIFO included."""

    @cache
    def tail(index: int, pe: int, multiplier: Multiplier) -> Estimate:
        layer = layers[index]
        latency, need = 0, Resources()
        x = layer.head.type if layer.head else layer.x
        for node in layer.tail:
            estimate = node.op.estimate(x, node.type, Fold(pe=pe, multiplier=multiplier))
            latency, need, x = latency + estimate.latency, need + estimate.cost, node.type
        return Estimate(latency, need)

    def cost(index: int, fold: Fold) -> Resources:
        layer, rest = layers[index], tail(index, fold.pe, fold.multiplier)
        head = layer.head.op.estimate(layer.x, layer.head.type, fold) if layer.head else Estimate()
        credits = credits_for(layer, fold, head.latency + rest.latency)
        return Resources(lut=12, ff=8) + head.cost + rest.cost + fifo_cost(layer.y.elem.width * fold.pe, credits)

    return cost


def fifo_cost(width: int, depth: int) -> Resources:
    """One SRL a bit and 32 words, or a register."""
    if depth == 1:
        return Resources(lut=2, ff=width + 2)
    return Resources(lut=width * ceil(depth / 32) + 8, ff=area.clog2(depth) + 3)


def words_of(layer: Layer, fold: Fold) -> int:
    """Cycles between two results of a layer at full rate (SF)."""
    return ceil(layer.columns / fold.simd) if layer.head else 1


def credits_for(layer: Layer, fold: Fold, latency: int) -> int:
    """The fewest results in flight that never make the layer wait while its FIFO is emptied at once, and one more."""
    words = words_of(layer, fold)
    return ceil((words + latency + ROUND_TRIP) / words) + 1


@dataclass
class _Stream:
    """A stream under construction: its wire, how values travel on it, and its edge in the schedule."""

    wire: Wire
    lanes: Lanes
    edge: Edge


@dataclass
class _Builder:
    layers: Sequence[Layer]
    folding: Folding
    instances: list[Instance] = field(default_factory=list[Instance])
    wires: list[Wire] = field(default_factory=list[Wire])
    nets: list[str] = field(default_factory=list[str])
    stages: list[Stage] = field(default_factory=list[Stage])
    processes: list[Process] = field(default_factory=list[Process])
    edges: list[Edge] = field(default_factory=list[Edge])
    pending: Resources = field(default_factory=Resources)

    def build(self) -> Netlist:
        first, last = self.layers[0], self.layers[-1]
        self.source = _port(first.x, self.folding.in_lanes)
        self.sink = _port(last.y, self.folding.out_lanes)
        stream = self._axis_in()
        for index, (layer, fold) in enumerate(zip(self.layers, self.folding.folds, strict=True)):
            vector = Lanes(stream.lanes.elem, stream.lanes.lanes, layer.columns, layer.vectors)
            stream = self._gear(_Stream(stream.wire, vector, stream.edge), fold.simd, f"s{index}")
            stream = self._layer(index, layer, fold, stream)
        self._axis_out(self._gear(stream, self.folding.out_lanes, "out"))
        return Netlist(
            tuple(self.instances), tuple(self.wires), tuple(self.nets), tuple(self.stages), self.source, self.sink
        )

    def simulate(self) -> Timing:
        """The timing of the streams that were built."""
        return schedule.simulate(self.processes, self.edges, self.first, self.last, self.source.beats, self.sink.beats)

    def _axis_in(self) -> _Stream:
        lanes, slot = self.source, slot_width(self.source.elem)
        self.first = self._edge()
        stream = self._stream("in", lanes)
        self.processes += [
            schedule.emit(self.first, stream.edge, 1),
            schedule.admit(self.first, stream.edge, depth=2, reuse=1),
        ]
        params = {"WIDTH": lanes.elem.width, "SLOT": slot, "LANES": lanes.lanes, "TDATA": slot * lanes.lanes,
                  "VECTOR": lanes.vector, "BEATS": lanes.beats}  # fmt: skip
        cost = Resources(lut=lanes.width * 0.5 + 20, ff=2 * lanes.width + 20)
        self._place("in", "axis", "bw_axis_in", params, _axis("s") | _out(stream.wire), cost)
        return stream

    def _axis_out(self, stream: _Stream) -> None:
        lanes, slot = self.sink, slot_width(self.sink.elem)
        self.last = self._edge()
        self.processes += [
            schedule.emit(stream.edge, self.last, 1),
            schedule.admit(stream.edge, self.last, depth=1, reuse=0),
        ]
        params = {"WIDTH": lanes.elem.width, "SIGNED": int(lanes.elem.signed), "SLOT": slot, "LANES": lanes.lanes,
                  "TDATA": slot * lanes.lanes, "VECTOR": lanes.vector, "BEATS": lanes.beats}  # fmt: skip
        cost = Resources(lut=lanes.width * 0.5 + 12, ff=slot * lanes.lanes + 10)
        self._place("out", "axis", "bw_axis_out", params, _in(stream.wire) | _axis("m"), cost)

    def _gear(self, stream: _Stream, lanes: int, stage: str) -> _Stream:
        """The stream at another number of lanes."""
        here = stream.lanes
        if here.lanes == lanes:
            return stream
        out = self._stream(f"{stage}_gear", Lanes(here.elem, lanes, here.vector, here.vectors))
        wide = lanes > here.lanes
        process = schedule.widen if wide else schedule.narrow
        groups = _groups(here.vector, min(lanes, here.lanes), max(lanes, here.lanes))
        self.processes.append(process(stream.edge, out.edge, groups))
        params = {"ELEM": here.elem.width, "IN_LANES": here.lanes, "OUT_LANES": lanes, "VECTOR": here.vector}
        bits = max(lanes, here.lanes) * here.elem.width
        cost = Resources(lut=bits * (0.1 if wide else 0.6) + 10, ff=bits + 10)
        self.pending += cost
        self._place(stage, "gear", "bw_gear", params, _in(stream.wire) | _out(out.wire), cost)
        return out

    def _layer(self, index: int, layer: Layer, fold: Fold, stream: _Stream) -> _Stream:
        stage, blocks = f"s{index}", list(layer_blocks(layer, fold))
        latency = sum(estimate.latency for _, estimate, _ in blocks)
        credits, width = credits_for(layer, fold, latency), layer.y.elem.width * fold.pe
        credit = f"{stage}_credit"
        self.nets.append(credit)
        flow = stream.wire
        for k, (block, estimate, bits) in enumerate(blocks):
            out = self._wire(f"{stage}_{k}", bits, ready=False)
            params, ports = dict(block.params), _valid_only("in", flow) | _valid_only("out", out)
            if k == 0:  # the entry admits work only against credits
                params["CREDITS"] = credits
                ports |= _in(flow) | {"credit": credit}
            self._place(stage, f"{block.module[3:]}{k}", block.module, params, ports, estimate.cost)
            flow = out
        result = self._stream(stage, Lanes(layer.y.elem, fold.pe, layer.y.vector, layer.y.size // layer.y.vector))
        cost = fifo_cost(width, credits)
        self._place(stage, "fifo", "bw_fifo", {"WIDTH": width, "DEPTH": credits},
                    _valid_only("in", flow) | _out(result.wire) | {"credit": credit}, cost)  # fmt: skip
        words = words_of(layer, fold)
        passes = ceil(layer.rows / fold.pe) if layer.head else 1
        matvec = Matvec(stream.edge, result.edge, words, passes, 2 * words, latency, credits)
        self.processes += matvec.processes()
        self._stage(index, layer, fold, result, sum((e.cost for _, e, _ in blocks), cost), words * passes)
        return result

    def _stage(self, index: int, layer: Layer, fold: Fold, result: _Stream, cost: Resources, cycles: int) -> None:
        origins = tuple(dict.fromkeys(o for n in layer.nodes for o in n.origin))
        vectors = layer.vectors if layer.head else result.lanes.beats
        stage = Stage(
            name=f"s{index}", op="+".join(n.op.mnemonic for n in layer.nodes), engine=_engine(layer, fold),
            value=layer.value, stream=result.wire, lanes=result.lanes, fold=fold, rows=layer.rows,
            columns=layer.columns, cycles=cycles * vectors, macs=layer.macs, cost=cost + self.pending,
            origin=origins,
        )  # fmt: skip
        self.pending = Resources()
        self.stages.append(stage)

    def _stream(self, name: str, lanes: Lanes) -> _Stream:
        return _Stream(self._wire(name, lanes.width, ready=True), lanes, self._edge())

    def _edge(self) -> Edge:
        self.edges.append(Edge())
        return self.edges[-1]

    def _wire(self, name: str, width: int, *, ready: bool) -> Wire:
        wire = Wire(f"w_{name}", width, ready)
        self.wires.append(wire)
        return wire

    def _place(
        self, stage: str, name: str, module: str, params: Mapping[str, int | Memory], ports: Mapping[str, str],
        cost: Resources,
    ) -> None:  # fmt: skip
        clock = {"clk": "aclk", "rst_n": "aresetn"}
        self.instances.append(Instance(f"{stage}_{name}", module, params, clock | dict(ports), stage, cost))


def _engine(layer: Layer, fold: Fold) -> str:
    if layer.head is None:
        return "table"
    kind = {Multiplier.LUT: "lut", Multiplier.DSP: "dsp", Multiplier.XNOR: "xnor"}[fold.multiplier]
    return f"folded {kind} {'bram' if fold.weights is Ram.BLOCK else 'lutram'}"


def _port(type_: TensorType, lanes: int) -> Lanes:
    return Lanes(type_.elem, lanes, type_.vector, type_.size // type_.vector)


def _groups(vector: int, small: int, large: int) -> list[int]:
    """How many beats of `small` lanes each beat of `large` lanes of a vector stands for."""
    beats, ratio = ceil(vector / small), large // small
    return [min(ratio, beats - k) for k in range(0, beats, ratio)]


def _axis(side: str) -> dict[str, str]:
    return {f"{side}_axis_{p}": f"{side}_axis_{p}" for p in ("tdata", "tvalid", "tready", "tlast")}


def _in(wire: Wire) -> dict[str, str]:
    return {f"in_{p}": f"{wire.name}_{p}" for p in ("valid", "ready", "data")}


def _out(wire: Wire) -> dict[str, str]:
    return {f"out_{p}": f"{wire.name}_{p}" for p in ("valid", "ready", "data")}


def _valid_only(side: str, wire: Wire) -> dict[str, str]:
    return {f"{side}_{p}": f"{wire.name}_{p}" for p in ("valid", "data")}
