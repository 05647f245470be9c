"""What a design does with its multipliers, DSPs and weight memories: figures that the benchmarks share."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

import bitwright
from bitwright import compiler
from bitwright.design import Design
from bitwright.ir.graph import Graph
from bitwright.ir.netlist import Instance, Memory, Multiplier, Netlist, Ram, Stage
from bitwright.lowering import schedule
from bitwright.lowering.build import Lowered
from bitwright.ops import area
from bitwright.ops.dense import Dense

BLOCK_BITS = 36 * 1024


@dataclass(frozen=True, slots=True)
class Compiled:
    """A design, the netlist behind it, and the seconds of the compile and of its token simulations."""

    design: Design
    netlist: Netlist
    seconds: float
    simulations: int
    simulation_seconds: float


@dataclass
class _Watch:
    """What a function gave, how often it was called, and for how long."""

    calls: int = 0
    seconds: float = 0.0
    results: list[Any] = field(default_factory=list[Any])


@contextmanager
def _watched(module: Any, name: str) -> Iterator[_Watch]:
    """Measure a module's function while the context lasts."""
    function, watch = getattr(module, name), _Watch()

    def run(*args: Any, **options: Any) -> Any:
        start = time.perf_counter()
        watch.results.append(function(*args, **options))
        watch.calls, watch.seconds = watch.calls + 1, watch.seconds + time.perf_counter() - start
        return watch.results[-1]

    with patch.object(module, name, run):
        yield watch


def compile_watched(model: Path, folder: Path, **options: Any) -> Compiled:
    """`bitwright.compile`, with its netlist and the time that its token simulations took."""
    start = time.perf_counter()
    with _watched(compiler, "lower") as lower, _watched(schedule, "simulate") as simulate:
        design = bitwright.compile(model, folder, **options)
    lowered: Lowered = lower.results[-1]
    return Compiled(design, lowered.netlist, time.perf_counter() - start, simulate.calls, simulate.seconds)


def figures(found: Compiled) -> dict[str, Any]:
    """Utilisation and packing of a design, and the FIFOs of its branches. Rates count what is built, without pruned channels."""
    manifest, stages = found.design.manifest, found.netlist.stages
    total = sum(multipliers(s) for s in stages)
    useful = sum(useful_macs(s, found.design.graph) for s in stages)
    built = sum(s.macs for s in stages)
    each = built / manifest["frame_cycles"]
    dsp = manifest["estimate"]["dsp"]
    return {
        "macs": manifest["macs"],
        "macs_built": built,
        "multipliers": total,
        "multiplier_utilisation": ratio(useful, total * manifest["frame_cycles"]),
        "macs_a_cycle": round(each, 1),
        "macs_a_dsp_cycle": ratio(each, dsp),
        "macs_on_dsps_a_dsp_cycle": ratio(sum(s.macs * _dsp_share(s) for s in stages) / manifest["frame_cycles"], dsp),
        "weights": _weights(found.netlist, found.design.graph),
        "queues": [q["depth"] for q in manifest["queues"]],
        "queue_bits": sum(q["depth"] * q["width"] for q in manifest["queues"]),
        "token_simulations": found.simulations,
        "token_simulation_seconds": round(found.simulation_seconds, 2),
    }


def ratio(a: float, b: float) -> float | None:
    """a / b for a table; None where b is 0."""
    return round(a / b, 3) if b else None


def multipliers(stage: Stage) -> int:
    """PE·SIMD of a matrix-vector unit, lanes by taps a cycle of a depthwise one, the elements of a sparse one."""
    if not stage.macs:
        return 0
    if stage.fold.sparse:
        return stage.fold.pe
    if "depthwise" in stage.op:
        return stage.fold.simd
    return stage.fold.pe * stage.fold.simd


def useful_macs(stage: Stage, graph: Graph) -> int:
    """Products a frame that somebody asked for: all of the matrix, or of a sparse unit's those that are not zero."""
    if not stage.fold.sparse:
        return stage.macs
    op = _weighted(graph, stage).op
    assert isinstance(op, Dense)
    return stage.macs // op.weight.size * int(np.count_nonzero(op.weight))


def stage_cycles(stage: dict[str, Any]) -> int:
    """Cycles a frame of a stage of a manifest: ⌈rows/PE⌉·⌈columns/SIMD⌉ a vector, or what the compile says."""
    if not stage["engine"].startswith("folded") or "depthwise" in stage["op"]:
        return stage["cycles"]
    vectors = stage["macs"] // (stage["rows"] * stage["columns"])
    return vectors * ceil(stage["rows"] / stage["pe"]) * ceil(stage["columns"] / stage["simd"])


def _dsp_share(stage: Stage) -> float:
    """The share of a stage's products that DSPs make."""
    fold = stage.fold
    return (1 - fold.lut_rows / fold.pe) if fold.multiplier is Multiplier.DSP else 0.0


def _weighted(graph: Graph, stage: Stage) -> Any:
    """The node whose weights a stage holds."""
    makers = {n.name: n for n in graph.nodes}
    node = makers[stage.value]
    while not hasattr(node.op, "weight"):
        node = makers[node.inputs[0]]
    return node


def _weights(netlist: Netlist, graph: Graph) -> dict[str, Any]:
    """Weight bits that are needed, those of them that are in block RAMs, and the bits of these block RAMs."""
    stages = {s.name: s for s in netlist.stages}
    useful = held = 0
    blocks = 0.0
    for instance in netlist.instances:
        if instance.module not in ("bw_mvu", "bw_sparse", "bw_depthwise"):
            continue
        stage = stages[instance.stage]
        op = _weighted(graph, stage).op
        width = 1 if stage.fold.multiplier is Multiplier.XNOR else op.weight_type.width
        count = int(np.count_nonzero(op.weight)) if stage.fold.sparse else op.weight.size
        useful += count * width
        if stage.fold.weights is Ram.BLOCK:
            inside, outside, taken = _memory(instance)
            held += count * width * inside // (inside + outside)
            blocks += taken
    return {
        "bits": useful,
        "bits_in_block_ram": held,
        "bram36": blocks,
        "packing": ratio(held, blocks * BLOCK_BITS),
    }


def _memory(instance: Instance) -> tuple[int, int, float]:
    """Bits of a unit's weight memory in block RAM and beside it in LUTs, and the blocks."""
    memories = {k: v for k, v in instance.params.items() if isinstance(v, Memory)}
    main = memories.get("WEIGHTS") or memories["PROGRAM"]
    rest = memories.get("WEIGHTS_REST") or memories.get("PROGRAM_REST")
    outside = rest.width * len(rest.words) if rest else 0
    return main.width * len(main.words), outside, area.block_rams(main.width, len(main.words))
