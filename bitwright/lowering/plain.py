"""A graph that is one circuit of constants, behind ports without a handshake: a vector a cycle, whenever one is valid."""

from __future__ import annotations

from math import gcd

from ..errors import CompileError
from ..ir.graph import Graph
from ..ir.netlist import Fold, Instance, Lanes, Netlist, Protocol, Stage, Wire
from ..ir.types import IntType, TensorType
from .build import Lowered
from .folding import Folding, slot_width
from .layers import Layer, Spatial, split
from .schedule import Timing


def lower_plain(graph: Graph, spatial: Spatial) -> Lowered:
    """The netlist, of one instance. Raises CompileError E303 where a layer is no circuit, or a window is in front of one."""
    layers = split(graph, spatial)
    for number, layer in enumerate(layers):
        if layer.window is not None or not layer.cone:
            op = (layer.window or layer.nodes[0]).op.mnemonic if layer.nodes else "nothing"
            raise CompileError(
                "E303",
                f"layer {number} ({op}) is no circuit of constants, so that the design needs a handshake",
                hint="leave --ports valid out",
            )
    if len(layers) > 1:
        raise CompileError(
            "E303", f"the design is {len(layers)} circuits with streams between them", hint="leave --ports valid out"
        )
    (layer,) = layers
    source, sink = _port(layer.x), _port(layer.y)
    fold = Fold(pe=sink.lanes, simd=source.lanes, spatial=True)
    slots = slot_width(source.elem), slot_width(sink.elem)
    texts = layer.unit.modules("s0_circuit", fold, slots)
    estimate = layer.unit.estimate()
    ports = {"clk": "aclk", "rst_n": "aresetn"} | {p: p for p in ("in_valid", "in_data", "out_valid", "out_data")}
    instance = Instance("circuit", next(iter(texts)), {}, ports, "s0", estimate.cost, texts)
    stage = _stage(layer, fold, slots[1], instance)
    netlist = Netlist((instance,), (), (), (stage,), (), source, sink, Protocol.VALID)
    folding = Folding(source.lanes, sink.lanes, (fold,), source.vectors, estimate.cost)
    return Lowered(graph, layers, netlist, folding, Timing(source.vectors, source.vectors - 1 + estimate.latency))


def _port(type_: TensorType) -> Lanes:
    """All elements of a vector in a beat, which is a number of bytes."""
    slot = slot_width(type_.elem)
    whole = 8 // gcd(8, slot)
    return Lanes(type_.elem, -(-type_.vector // whole) * whole, type_.vector, type_.size // type_.vector)


def _stage(layer: Layer, fold: Fold, slot: int, instance: Instance) -> Stage:
    """The layer; its results are watched at the port, in slots."""
    lanes = Lanes(IntType(slot, layer.y.elem.signed), fold.pe, layer.y.vector, layer.vectors)
    return Stage(
        name="s0", inputs=("",), op="+".join(n.op.mnemonic for n in layer.nodes), engine="spatial", value=layer.value,
        stream=Wire("out", lanes.width, ready=False), lanes=lanes, fold=fold, rows=layer.rows, columns=layer.columns,
        cycles=layer.vectors, macs=layer.macs, cost=instance.cost,
        origin=tuple(dict.fromkeys(o for n in layer.nodes for o in n.origin)),
    )  # fmt: skip
