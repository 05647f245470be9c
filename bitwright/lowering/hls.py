"""Hardware as C++: the layers of a netlist as functions of the C++ layer library, joined by streams, in the same folding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import gcd

from ..ir.graph import Node
from ..ir.netlist import Fold, Instance, Kernel, Lanes, Netlist
from ..ir.types import IntType, TensorType
from ..ops import pick, sparse
from ..ops.concat import Concat
from ..ops.dense import Dense
from ..ops.depthwise import Depthwise
from ..ops.pool import Pool
from ..ops.window import Window
from ..ops.xnor import Xnor
from .build import Lowered, words_of
from .folding import slot_width
from .joints import Joints
from .layers import Kind, Layer

LEAST = 2
"""Beats that every stream holds: with fewer, functions wait for one another."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream between functions, and how values travel on it."""

    name: str
    lanes: Lanes


@dataclass(frozen=True, slots=True)
class Call:
    """A kernel between streams, as a part of a stage of the netlist; its configuration has a name of its own in the stage."""

    stage: str
    name: str
    kernel: Kernel
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass
class Program:
    """A whole accelerator in C++: its streams, the beats that each can hold, the calls in dataflow order, and the streams on
    which the stages' values leave."""

    source: Lanes
    sink: Lanes
    streams: list[Stream] = field(default_factory=list[Stream])
    depths: dict[str, int] = field(default_factory=dict[str, int])
    calls: list[Call] = field(default_factory=list[Call])
    results: dict[str, str] = field(default_factory=dict[str, str])


def program(lowered: Lowered) -> Program:
    """The accelerator's functions: those of the layers that were lowered, with the streams that the netlist has."""
    return _Builder(lowered.layers, lowered.netlist, lowered.folding.folds, lowered.folding.out_lanes).run()


@dataclass
class _Builder(Joints[Stream]):
    netlist: Netlist
    folds: Sequence[Fold]
    out_lanes: int

    def run(self) -> Program:
        self.made = Program(self.netlist.source, self.netlist.sink)
        self.placed = {i.name: i for i in self.netlist.instances}
        self.queues = list(self.netlist.queues)
        source = self._stream("in", self.netlist.source)
        self._call("in", "axis_in", _axis("axis_in", self.netlist.source), ("s_axis",), (source.name,))
        self._share(None, source, "in")
        for index, (layer, fold) in enumerate(zip(self.layers, self.folds, strict=True)):
            stage = f"s{index}"
            result = self._layer(stage, layer, fold)
            self.made.results[stage] = result.name
            self._share(index, result, stage)
        (last,) = self.streams[len(self.layers) - 1]
        out = self._gear(last, self.out_lanes, "out")
        self._call("out", "axis_out", _axis("axis_out", self.netlist.sink), (out.name,), ("m_axis",))
        return self.made

    def _fork(self, stream: Stream, users: int, stage: str) -> list[Stream]:
        copies = [self._stream(f"{stage}_copy{k}", stream.lanes) for k in range(users)]
        params: dict[str, int | IntType] = {
            "x": stream.lanes.elem,
            "lanes": stream.lanes.lanes,
            "frame": stream.lanes.beats,
        }
        kernel = Kernel("fork", params, header="gear")
        self._call(stage, "fork", kernel, (stream.name,), tuple(c.name for c in copies))
        return copies

    def _layer(self, stage: str, layer: Layer, fold: Fold) -> Stream:
        inputs = [
            self._operand(o, lanes, stage, queued=queued)
            for o, lanes, queued in zip(layer.operands, layer.lanes(fold), self._queued(layer), strict=True)
        ]
        if layer.window is not None:
            inputs[0] = self._window(stage, layer, fold, inputs[0])
        if layer.cone:
            return self._cone(stage, layer, fold, inputs)
        if layer.kind is Kind.MOVE:
            assert layer.head is not None
            inputs = [self._lanes(s, layer.head.type.elem, layer.in_lanes(fold), stage) for s in inputs]
        stream = self._head(stage, layer, fold, inputs) if layer.head is not None else inputs[0]
        if fold.parts > 1:
            stream = self._gear(stream, fold.lanes, stage)
        x = layer.head.type if layer.head is not None else layer.inner
        for node in layer.tail:
            stream = self._tail(stage, node, x, stream, fold)
            x = node.type
        stream = self._gear(stream, fold.lanes, stage)
        if f"{stage}_fifo" in self.placed:
            self._deepen(stream, _depth(self.placed[f"{stage}_fifo"]))
        return stream

    def _head(self, stage: str, layer: Layer, fold: Fold, inputs: list[Stream]) -> Stream:
        assert layer.head is not None
        op, y = layer.head.op, layer.head.type
        if fold.sparse:
            assert isinstance(op, Dense)
            kernel = sparse.kernel(op.weight, op.bias, layer.inner, y, op.weight_type, fold, fold.lanes)
            lanes = fold.lanes
        elif isinstance(op, Dense | Xnor):
            at = _whole(layer.head, fold.simd) if fold.spatial else fold
            kernel, lanes = op.to_hls(layer.inner, at, replay=not layer.repeats(fold)), at.pe
        else:
            types = [layer.inner] if layer.window else [o.type for o in layer.operands]
            kernel, lanes = op.to_hls(*types, fold), fold.pe
        return self._apply(stage, kernel, inputs, Lanes(y.elem, lanes, y.vector, y.size // y.vector))

    def _tail(self, stage: str, node: Node, x: TensorType, stream: Stream, fold: Fold) -> Stream:
        """An elementwise operator behind a layer's unit."""
        y = Lanes(node.type.elem, stream.lanes.lanes, node.type.vector, node.type.size // node.type.vector)
        return self._apply(stage, node.op.to_hls(x, replace(fold, pe=y.lanes, narrow=0)), [stream], y)

    def _cone(self, stage: str, layer: Layer, fold: Fold, inputs: list[Stream]) -> Stream:
        """A large circuit of constants: its nodes on whole vectors, each value on a stream for each of its users."""
        users = Counter(name for node in layer.inside for name in node.inputs)
        depth = _depth(self.placed[f"{stage}_fifo"])
        types = dict(zip(layer.names, layer.types, strict=True))
        values = {n: self._copies(stage, s, users[n], depth) for n, s in zip(layer.names, inputs, strict=True)}
        for node in layer.inside:
            operands, xs = [values[name].pop() for name in node.inputs], [types[name] for name in node.inputs]
            stream = self._node(stage, node, xs, operands)
            types[node.name] = node.type
            values[node.name] = self._copies(stage, stream, users[node.name], depth)
        (result,) = values[layer.value]
        return self._gear(result, fold.lanes, stage)

    def _node(self, stage: str, node: Node, xs: Sequence[TensorType], streams: Sequence[Stream]) -> Stream:
        """One node of a large circuit."""
        op, lanes = node.op, node.type.vector
        if isinstance(node.op, Dense | Xnor):
            at = _whole(node, streams[0].lanes.lanes)
        elif isinstance(node.op, Depthwise | Pool):
            at = Fold(pe=lanes, simd=xs[0].vector)
        elif isinstance(node.op, Concat):
            at = Fold(pe=(lanes := gcd(*(x.vector for x in xs))), simd=lanes)
            streams = [self._lanes(s, node.type.elem, s.lanes.lanes, stage) for s in streams]
        else:
            at = Fold(pe=lanes, simd=lanes)
        streams = [self._gear(s, at.simd, stage) for s in streams]
        y = Lanes(node.type.elem, at.pe, node.type.vector, node.type.size // node.type.vector)
        return self._apply(stage, op.to_hls(*xs, at), list(streams), y)

    def _copies(self, stage: str, stream: Stream, users: int, depth: int) -> list[Stream]:
        """The stream for each of its users, which may be so many vectors apart."""
        if users < 2:
            return [stream]
        copies = self._fork(stream, users, stage)
        for copy in copies:
            self._deepen(copy, depth * copy.lanes.beats // copy.lanes.vectors)
        return copies

    def _apply(self, stage: str, kernel: Kernel | None, inputs: list[Stream], y: Lanes) -> Stream:
        assert kernel is not None, "a layer holds no node without hardware"
        out = self._stream(f"{stage}_{kernel.function}", y)
        self._call(stage, kernel.function, kernel, tuple(s.name for s in inputs), (out.name,))
        return out

    def _window(self, stage: str, layer: Layer, fold: Fold, stream: Stream) -> Stream:
        assert layer.window is not None and isinstance(layer.window.op, Window)
        op, type_, lanes = layer.window.op, layer.window.type, layer.in_lanes(fold)
        stream = self._lanes(stream, type_.elem, lanes, stage)
        if layer.whole(fold):
            self._deepen(stream, layer.flow(fold).depth)
            if layer.several:
                return self._pixels(stage, layer, fold, stream)
            out = Lanes(type_.elem, fold.simd, type_.vector, layer.vectors)
            return self._apply(stage, op.taps_kernel(layer.x, lanes, words_of(layer, fold)), [stream], out)
        grouped, repeats = layer.kind is Kind.LANES, layer.repeats(fold)
        passes = -(-layer.rows // fold.pe) if repeats else 1
        kernel = op.ring_kernel(layer.x, lanes, passes=passes, grouped=grouped)
        out = self._apply(stage, kernel, [stream], Lanes(type_.elem, lanes, type_.vector, passes * layer.vectors))
        return out if grouped or repeats else self._gear(out, fold.simd, stage)

    def _pixels(self, stage: str, layer: Layer, fold: Fold, stream: Stream) -> Stream:
        """Windows of words of several pixels, of which those pixels are picked that the layer's windows read."""
        assert layer.window is not None and isinstance(layer.window.op, Window)
        op, x, y = layer.window.op, layer.x, layer.window.type
        wide, channels = op.wide(x), x.vector // int(op.pixels[0])
        words = TensorType.of((layer.vectors, wide.taps * x.vector), y.elem)
        whole = Lanes(y.elem, words.vector, words.vector, layer.vectors)
        stream = self._apply(stage, wide.taps_kernel(x, x.vector, 1), [stream], whole)
        index = [place * channels + k for place in op.picks(x) for k in range(channels)]
        whole = Lanes(y.elem, y.vector, y.vector, layer.vectors)
        return self._gear(self._apply(stage, pick.kernel(words, index), [stream], whole), fold.simd, stage)

    def _queue(self, stream: Stream, stage: str) -> Stream:
        self._deepen(stream, self.queues.pop(0).depth)
        return stream

    def _regroup(self, stream: Stream, lanes: int, stage: str) -> Stream:
        here = stream.lanes
        kernel = Kernel("gear", {
            "x": here.elem, "y": here.elem, "in": here.lanes, "out": lanes, "vector": here.vector, "vectors": here.vectors,
        })  # fmt: skip
        return self._apply(stage, kernel, [stream], replace(here, lanes=lanes))

    def _lanes(self, stream: Stream, elem: IntType, lanes: int, stage: str) -> Stream:
        here = stream.lanes
        if (here.elem, here.lanes) == (elem, lanes):
            return stream
        params: dict[str, int | IntType] = {
            "x": here.elem,
            "y": elem,
            "in": here.lanes,
            "out": lanes,
            "frame": here.beats,
        }
        return self._apply(
            stage, Kernel("lanes", params, header="gear"), [stream], replace(here, elem=elem, lanes=lanes)
        )

    def _stream(self, name: str, lanes: Lanes) -> Stream:
        used = {s.name for s in self.made.streams}
        unique = next(n for n in (f"w_{name}", *(f"w_{name}_{k}" for k in range(2, 1000))) if n not in used)
        self.made.streams.append(Stream(unique, lanes))
        self.made.depths[unique] = LEAST
        return self.made.streams[-1]

    def _deepen(self, stream: Stream, depth: int) -> None:
        self.made.depths[stream.name] = max(self.made.depths[stream.name], depth)

    def _call(self, stage: str, name: str, kernel: Kernel, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> None:
        used = {c.name for c in self.made.calls if c.stage == stage}
        unique = next(n for n in (name, *(f"{name}{k}" for k in range(2, 1000))) if n not in used)
        self.made.calls.append(Call(stage, unique, kernel, inputs, outputs))


def _whole(node: Node, simd: int) -> Fold:
    """All of a layer in each cycle, from beats of `simd` lanes."""
    assert isinstance(node.op, Dense | Xnor)
    return Fold(pe=node.type.vector, simd=simd, multiplier=node.op.multipliers[0])


def _depth(instance: Instance) -> int:
    depth = instance.params["DEPTH"]
    assert isinstance(depth, int)
    return depth


def _axis(function: str, lanes: Lanes) -> Kernel:
    return Kernel(function, {
        "elem": lanes.elem, "width": lanes.elem.width, "slot": slot_width(lanes.elem), "lanes": lanes.lanes,
        "vector": lanes.vector, "frame": lanes.beats,
    }, header="axis")  # fmt: skip
