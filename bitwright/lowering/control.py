"""An accelerator with an AXI4-Lite port: the module behind that port, in front of the stream that comes in."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import Any

from ..ir import registers
from ..ir.netlist import Fold, Instance, Memory, Netlist, Resources, Wire
from ..ops import matvec
from ..ops.rewritable import Rewritable
from ..ops.rewritable_depthwise import RewritableDepthwise
from .build import Lowered
from .folding import slot_width
from .layers import Layer
from .verilog import AXI4_LITE, CONTROL, print_verilog

COST = Resources(lut=240, ff=670)
"""Of the module, about."""

WEIGHTS = "w_weights"
"""The wire of words that are written to weights, with their places."""


def controlled(lowered: Lowered, model: str) -> tuple[Netlist, dict[str, Any]]:
    """Put bw_control between the ports and the streams; also what boundary.json tells of it. `model` is a digest.

    Layers with rewritable weights get their places behind it, the largest first, so that each is aligned to its size.
    """
    netlist = lowered.netlist
    source, sink = netlist.source, netlist.sink
    sizes = {i.name: _place_bits(i) for i in netlist.instances if "WRITABLE" in i.params}
    bases, window = dict[str, int](), 0
    for name in sorted(sizes, key=lambda n: -sizes[n]):
        bases[name], window = window, window + (1 << sizes[name])
    address = max(registers.PAGE_BITS, (window - 1).bit_length() + 3) if bases else registers.PAGE_BITS
    place = address - 3
    start = 1 << (address - 1) if bases else 0
    slots = slot_width(source.elem), slot_width(sink.elem)
    identity = registers.identity(model, digest(netlist), source, slots, sink, start)
    words = sum(word << 32 * k for k, word in enumerate(identity.values()))
    params: dict[str, int | Memory] = {
        "ADDR": address,
        "WEIGHTS": int(bool(bases)),
        "WORDS": len(identity),
        "IDENTITY": words,
    }
    params |= {name.upper(): registers.OFFSETS[name] // 4 for name in ("run", "status", "command")}
    params |= {"COUNTERS": registers.COUNTERS[0].offset // 4, "BEATS": source.beats}
    ports = {"clk": "aclk", "rst_n": "aresetn"} | {f"s_axi_{p}": f"{CONTROL}_{p}" for p in AXI4_LITE}
    ports |= {p: p for p in ("s_axis_tvalid", "s_axis_tready", "s_axis_tlast")}
    ports |= {"gate_tvalid": "gate_tvalid", "gate_tready": "gate_tready"}
    ports |= {p: p for p in ("m_axis_tvalid", "m_axis_tready", "m_axis_tlast")}
    ports |= (
        {"out_valid": f"{WEIGHTS}_valid", "out_data": f"{WEIGHTS}_data"} if bases else {"out_valid": "", "out_data": ""}
    )
    instances = [Instance("control", "bw_control", params, ports, "control", COST)]
    for i in netlist.instances:
        if i.module == "bw_axis_in":
            i = replace(i, ports={**i.ports, "s_axis_tvalid": "gate_tvalid", "s_axis_tready": "gate_tready"})
        if i.name in bases:
            written = {"write_valid": f"{WEIGHTS}_valid", "write_data": f"{WEIGHTS}_data"}
            base = {"PLACE": place, "BASE": bases[i.name] >> sizes[i.name]}
            i = replace(i, params={**i.params, **base}, ports={**i.ports, **written})
        instances.append(i)
    wires = (*netlist.wires, Wire(WEIGHTS, place + 32, ready=False)) if bases else netlist.wires
    nets = (*netlist.nets, "gate_tvalid", "gate_tready")
    layouts: dict[str, Any] = {}
    for k, layer in enumerate(lowered.layers):
        base = next((4 * bases[i.name] for i in netlist.instances if i.name in bases and i.stage == f"s{k}"), None)
        if base is not None:
            layouts |= _layout(layer, lowered.folding.folds[k], start + base)
    told = {"registers": registers.OFFSETS, "bits": registers.BITS, "counters": [r.name for r in registers.COUNTERS],
            "identity": identity, "address_bits": address, "weights": layouts}  # fmt: skip
    return replace(netlist, instances=tuple(instances), wires=wires, nets=nets, control=address), told


def _place_bits(instance: Instance) -> int:
    bits = instance.params["PLACE"]
    assert isinstance(bits, int)
    return bits


def _layout(layer: Layer, fold: Fold, base: int) -> dict[str, Any]:
    """How the weights of a layer lie in its memory, by its IR value, for `boards/weights.py`."""
    assert layer.head is not None and isinstance(layer.head.op, Rewritable | RewritableDepthwise)
    op = layer.head.op
    w, (rows, columns) = op.weight_type, op.rows.shape
    told = {"base": base, "rows": rows, "columns": columns, "lo": w.lo, "hi": w.hi, "bits": w.width, "pe": fold.pe}
    if isinstance(op, RewritableDepthwise):
        packed = {"simd": fold.taps, "lane": matvec.lane_bits(fold.simd * w.width),
                  "dsp_rows": 0, "pack": 1, "offset": False, "stored_bits": w.width}  # fmt: skip
    else:
        pack = matvec.packing_for(op.weight, layer.inner.elem, fold, w)
        packed = {"simd": fold.simd, "lane": matvec.lane_bits(matvec.word_bits(w, fold, pack)), "dsp_rows": matvec.dsp_rows(fold),
                  "pack": pack.rows, "offset": pack.offset, "stored_bits": pack.stored.width}  # fmt: skip
    return {layer.head.name: told | packed}


def digest(netlist: Netlist) -> str:
    """Of the text of the top, of those made for it, and of all memories."""
    total = sha256(print_verilog(netlist).encode())
    for instance in netlist.instances:
        for text in instance.texts.values():
            total.update(text.encode())
        for value in instance.params.values():
            if isinstance(value, Memory):
                size = -(-value.width // 8)
                total.update(b"".join(word.to_bytes(size, "little") for word in value.words))
    return total.hexdigest()
