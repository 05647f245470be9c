"""An accelerator with an AXI4-Lite port: the module behind that port, in front of the stream that comes in."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import Any

from ..ir import registers
from ..ir.netlist import Instance, Memory, Netlist, Resources
from .folding import slot_width
from .verilog import AXI4_LITE, CONTROL, print_verilog

COST = Resources(lut=240, ff=670)
"""Of the module, about."""


def controlled(netlist: Netlist, model: str) -> tuple[Netlist, dict[str, Any]]:
    """Put bw_control between the ports and the streams; also what boundary.json tells of it. `model` is a digest."""
    source, sink = netlist.source, netlist.sink
    slots = slot_width(source.elem), slot_width(sink.elem)
    identity = registers.identity(model, digest(netlist), source, slots, sink)
    address = registers.PAGE_BITS
    words = sum(word << 32 * k for k, word in enumerate(identity.values()))
    params: dict[str, int | Memory] = {"ADDR": address, "WORDS": len(identity), "IDENTITY": words}
    places = {name: registers.OFFSETS[name] // 4 for name in ("run", "status", "command")}
    params |= {name.upper(): place for name, place in places.items()}
    params |= {"COUNTERS": registers.COUNTERS[0].offset // 4, "BEATS": source.beats}
    ports = {"clk": "aclk", "rst_n": "aresetn"} | {f"s_axi_{p}": f"{CONTROL}_{p}" for p in AXI4_LITE}
    ports |= {p: p for p in ("s_axis_tvalid", "s_axis_tready", "s_axis_tlast")}
    ports |= {"gate_tvalid": "gate_tvalid", "gate_tready": "gate_tready"}
    ports |= {p: p for p in ("m_axis_tvalid", "m_axis_tready", "m_axis_tlast")}
    ports |= {"out_valid": "", "out_data": ""}
    gate = Instance("control", "bw_control", params, ports, "control", COST)
    behind = {"s_axis_tvalid": "gate_tvalid", "s_axis_tready": "gate_tready"}
    instances = [replace(i, ports={**i.ports, **behind}) if i.module == "bw_axis_in" else i for i in netlist.instances]
    nets = (*netlist.nets, "gate_tvalid", "gate_tready")
    told = {"registers": registers.OFFSETS, "counters": [r.name for r in registers.COUNTERS], "identity": identity,
            "address_bits": address}  # fmt: skip
    return replace(netlist, instances=(gate, *instances), nets=nets, control=address), told


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
