"""compile(): from a model file to a build directory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from . import __version__, page
from .boards import Board, load_board, write_handoff
from .boards.board import save_board
from .boards.core import write_core
from .boards.hls4ml import write_project
from .boards.host import Boundary
from .boards.vitis_hls import vector_frames, write_component
from .builder import Built, FixedPoint
from .calibration import Choices, Quantised, measure, quantise
from .design import BOARD, BOUNDARY, CONSTANTS, GRAPH, QUANTIZED, Design, load
from .errors import CompileError
from .frontend.input_shape import parse_shapes
from .frontend.reader import Imported, import_model
from .ir.chip import Chip, targeting
from .ir.graph import Graph
from .ir.netlist import Lanes, Netlist, Protocol, Resources, Stage
from .ir.text import print_graph
from .ir.types import TensorType
from .lowering.build import Lowered, lower
from .lowering.control import COST, controlled
from .lowering.cpp import CONTROLS, write_hls
from .lowering.folding import Budget, slot_width
from .lowering.hls import program
from .lowering.hls4ml import export
from .lowering.layers import Circuits, Spatial
from .lowering.manager import run_passes
from .lowering.passes import PIPELINE
from .lowering.plain import lower_plain
from .lowering.verilog import write_rtl
from .ops.dense import Dense
from .ops.depthwise import Depthwise
from .sim import reference
from .store import MANIFEST, build_directory, check_replaceable, write_json

Progress = Callable[[str], None]

BACKENDS = ("verilog", "hls", "hls4ml")
ROUNDING = 1e-6  # of sums of block RAMs that are no binary fraction of 36 kb
STYLES = {"auto": Circuits.MAY, "folded": Circuits.NEVER, "spatial": Circuits.MUST}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(Choices):
    """What a user may choose; Choices are those of the quantization. Clock in MHz; at most one of the targets.

    `shape` closes the open axes of graph inputs, as "NAME=1,3,32,32". `margin` is the share of each resource of the chip
    that stays free; without it, the board says what may be used. With `latency`, circuits of constants have the fewest
    stages that the clock allows. `ports` is axis, or valid for a design without a handshake, which is one such circuit.
    `backend` "hls" adds the accelerator in C++, "hls4ml" a project of hls4ml's; `control` says how it is started, by its data
    ("none"), or also through AXI4-Lite ("axilite"), in Verilog and C++. `rewritable` names layers whose weights can be written
    through that port, as "conv1,fc=int4" or "all".
    """

    board: str = "pynq"
    target_fps: float | None = None
    target_cycles: int | None = None
    clock: float | None = None
    margin: float | None = None
    input_type: str | None = None
    shape: tuple[str, ...] = ()
    style: str = "auto"
    latency: bool = False
    ports: str = "axis"
    backend: str = "verilog"
    control: str = "none"
    rewritable: str = ""


def compile(
    model: str | Path | FixedPoint, output: str | Path, *, progress: Progress = lambda _: None, **options: Any
) -> Design:
    """Compile an ONNX or Keras file, or a network written in Python, into the build directory `output` and load it.

    `options` are the fields of `Options`. Raises CompileError; then `output` is as it was before.
    """
    chosen, target = Options(**options), Path(output)
    board = load_board(chosen.board)
    _check(chosen, board)
    check_replaceable(target)
    done: Quantised | None = None
    if chosen.calibration is not None and not isinstance(model, FixedPoint):
        progress("quantising the model")
        done = quantise(Path(model), chosen, chosen.input_type, parse_shapes(chosen.shape))
    progress("reading the model")
    if isinstance(model, FixedPoint):
        if chosen.rewritable:
            raise CompileError("E504", "--rewritable names layers of a model file, and there is none")
        imported = model.built()
    elif done is None:
        shapes = parse_shapes(chosen.shape)
        imported = import_model(Path(model), input_type=chosen.input_type, shapes=shapes, rewritable=chosen.rewritable)
    else:
        imported = import_model(done.calibrated.model, input_type=chosen.input_type, rewritable=chosen.rewritable)
    clock = chosen.clock or board.clock_mhz
    with targeting(board.chip_family.chip):
        progress("optimising")
        graph = run_passes(imported.graph, PIPELINE)
        progress("folding")
        spatial = Spatial(STYLES[chosen.style], 1000 / clock, chosen.latency)
        if chosen.ports == Protocol.VALID.value:
            lowered = lower_plain(graph, spatial)
        else:
            budget = _budget(board, chosen.margin).less(COST if chosen.control != "none" else Resources())
            lowered = lower(graph, budget, _target_cycles(chosen, clock), spatial)
    progress("writing")
    boundary = _boundary(imported, lowered.graph, lowered.netlist)
    if chosen.control != "none":
        with targeting(board.chip_family.chip):
            digest = done.float_sha256 if done else imported.model_hash
            netlist, boundary["control"] = controlled(lowered, digest)
        lowered = replace(lowered, netlist=netlist)
        boundary["control"]["weights"] = _weights(imported, boundary["control"]["weights"])
    manifest = _manifest(chosen, board, clock, imported, lowered.graph, lowered)
    with targeting(board.chip_family.chip):
        cpp = program(lowered) if chosen.backend == "hls" else None
    if cpp is not None:
        for stage in manifest["stages"]:
            stage["hls"] = cpp.results[stage["name"]]
    if done is not None:
        progress("measuring")
        manifest["model"]["sha256"] = done.float_sha256
        manifest["calibration"] = measure(done, Design(target, manifest, lowered.graph, Boundary(boundary)))
    project = export(graph) if chosen.backend == "hls4ml" else None
    with build_directory(target) as folder:
        _write(folder, lowered.graph, lowered.netlist, boundary, manifest, board)
        if done is not None:
            (folder / QUANTIZED).write_bytes(done.calibrated.model)
        if project is not None:
            write_project(project, board.part, clock, folder / "hls4ml")
        if cpp is not None:
            write_hls(cpp, lowered.netlist.stages, folder / "hls", chosen.control)
            _write_component(
                folder / "hls", board, chosen.control, Design(target, manifest, lowered.graph, Boundary(boundary))
            )
    return load(target)


def _check(options: Options, board: Board) -> None:
    if options.style not in STYLES:
        raise CompileError("E503", f"there is no style '{options.style}' yet", hint=f"styles: {', '.join(STYLES)}")
    if options.ports not in (known := [p.value for p in Protocol]):
        raise CompileError("E503", f"there are no ports '{options.ports}' yet", hint=f"ports: {', '.join(known)}")
    if options.ports == Protocol.VALID.value and options.style != "spatial":
        raise CompileError("E504", "--ports valid is for circuits of constants", hint="add --style spatial")
    if options.backend not in BACKENDS:
        raise CompileError(
            "E503", f"there is no backend '{options.backend}' yet", hint=f"backends: {', '.join(BACKENDS)}"
        )
    if options.backend != "verilog" and not board.part.startswith("xc"):
        raise CompileError("E504", f"Vitis HLS has no chips like that of {board.name}", hint="leave --backend out")
    if options.control not in CONTROLS:
        hint = f"controls: {', '.join(CONTROLS)}"
        raise CompileError("E503", f"there is no control '{options.control}' yet", hint=hint)
    if options.rewritable and (options.control != "axilite" or options.backend != "verilog"):
        message = "--rewritable weights are written through the control port of the Verilog"
        raise CompileError("E504", message, hint="add --control axilite, and leave --backend out")
    if options.control != "none" and options.ports != Protocol.AXIS.value:
        raise CompileError("E504", f"--ports {options.ports} has no control", hint="leave --control out")
    if options.control != "none" and board.flow == "uart":
        message = f"--control {options.control}: on {board.name} nothing speaks AXI4-Lite, a serial line leads to it"
        raise CompileError("E504", message, hint="leave --control out")
    if options.control != "none" and board.flow == "vitis":
        message = f"--control {options.control}: on {board.name} the host runs kernels, and XRT's Python reaches no other registers"
        raise CompileError(
            "E504", message, hint='leave --control out, or take a board file of your own with flow = "ip"'
        )
    if options.latency and options.style == "folded":
        raise CompileError("E504", "--latency is for circuits of constants", hint="leave --style folded out")
    if options.ports != "axis" and options.backend != "verilog":
        raise CompileError("E504", f"--ports {options.ports} is of the Verilog only", hint="leave --backend out")
    if options.clock is not None and not 1 <= options.clock <= 1000:
        raise CompileError("E504", f"a clock of {options.clock} MHz is outside 1..1000")
    if options.margin is not None and not 0 <= options.margin < 1:
        raise CompileError("E504", f"--margin is a share from 0 to below 1, not {options.margin}")
    options.check_unused()
    if options.target_fps is not None and options.target_cycles is not None:
        raise CompileError("E504", "--target-fps and --target-cycles exclude each other")
    for name, value in (("--target-fps", options.target_fps), ("--target-cycles", options.target_cycles)):
        if value is not None and value <= 0:
            raise CompileError("E504", f"{name} must be above 0, not {value}")


def _target_cycles(options: Options, clock: float) -> int | None:
    if options.target_fps is None:
        return options.target_cycles
    return int(clock * 1e6 / options.target_fps)


def _budget(board: Board, margin: float | None) -> Budget:
    usable = (board if margin is None else board.with_margin(margin)).usable
    shell, lone = board.shell, board.chip_family.chip.lone
    room = Resources(usable.lut - shell.lut, usable.ff - shell.ff, usable.bram36 - shell.bram36 + ROUNDING)
    return Budget(max(0, room.lut), max(0, room.ff), max(0, room.bram36), usable.dsp, board.stream_bits, lone)


def _boundary(imported: Imported | Built, graph: Graph, netlist: Netlist) -> dict[str, Any]:
    """What the host needs: the model's side as the frontend tells it, and the wire's side as it was built."""
    boundary = {side: dict(imported.boundary[side]) for side in ("input", "output")}
    (source,), (sink,) = graph.inputs, graph.outputs
    boundary["input"] |= {"code": code_of(graph.types[source]), "stream": stream_of(netlist.source)}
    boundary["output"] |= {"code": code_of(graph.types[sink]), "stream": stream_of(netlist.sink)}
    return boundary


def code_of(type_: TensorType) -> dict[str, Any]:
    """The codes of a value as boundary.json tells them."""
    return {"lo": type_.min, "hi": type_.max, "width": type_.elem.width, "signed": type_.elem.signed}


def stream_of(lanes: Lanes) -> dict[str, int]:
    """A port's layout as boundary.json tells it."""
    slot = slot_width(lanes.elem)
    return {"slot": slot, "lanes": lanes.lanes, "vector": lanes.vector, "vectors": lanes.vectors,
            "beats": lanes.beats, "tdata": slot * lanes.lanes}  # fmt: skip


def _weights(imported: Imported | Built, layouts: dict[str, Any]) -> dict[str, Any]:
    """The rewritable layers by their names: where a weight stands in the model's array, and where in the memory."""
    found: dict[str, Any] = {}
    if isinstance(imported, Imported):
        for value, written in imported.written.items():
            order = written.order.tolist()
            found[written.layer] = layouts[value] | {
                "value": value, "shape": list(written.source.shape), "axes": list(written.source.axes),
                "order": None if order == sorted(order) else order,
                "places": None if written.places is None else written.places.tolist(), "scale": list(written.scale),
            }  # fmt: skip
    return found


def _manifest(
    options: Options, board: Board, clock: float, imported: Imported | Built, graph: Graph, lowered: Lowered
) -> dict[str, Any]:
    netlist, timing = lowered.netlist, lowered.timing
    budget, chip, shell = _budget(board, options.margin), board.chip_family.chip, board.shell
    usable = (board if options.margin is None else board.with_margin(options.margin)).usable
    around = Resources(shell.lut, shell.ff, shell.bram36)
    need = netlist.cost
    return {
        "bitwright": __version__,
        "board": board.name,
        "part": board.part,
        "clock_mhz": clock,
        "options": {"style": options.style, "latency": options.latency, "ports": options.ports,
                    "backend": options.backend, "control": options.control,
                    "rewritable": options.rewritable, "input_type": options.input_type, "shape": list(options.shape),
                    "margin": options.margin, "target_fps": options.target_fps, "target_cycles": options.target_cycles},
        "model": {"sha256": imported.model_hash},
        "frame_cycles": timing.frame_cycles,
        "latency_cycles": timing.latency_cycles,
        "macs": network_macs(imported.graph),
        "macs_built": sum(s.macs for s in netlist.stages),
        "estimate": _resources(need.placed(chip.lone) + around),
        "shell": _resources(around),
        "usable": {"lut": usable.lut, "ff": usable.ff, "bram36": round(usable.bram36, 4), "dsp": usable.dsp},
        "chip": {"lut": board.lut, "ff": board.ff, "bram36": round(board.bram36, 4), "dsp": board.dsp},
        "fits": max(budget.excess(need).values()) <= 1.0,
        "queues": [{"stage": q.stage, "wire": q.stream.name, "depth": q.depth, "width": q.width} for q in netlist.queues],
        "stages": [_stage(s, timing.frame_cycles, graph, chip) for s in netlist.stages],
    }  # fmt: skip


def network_macs(graph: Graph) -> int:
    """Multiply-accumulates a frame of the network as the model has it, zeros and all."""
    products = [(n.op, n.type) for n in graph.nodes if isinstance(n.op, Dense | Depthwise)]
    return sum(op.weight.size * (y.size // y.vector) for op, y in products if isinstance(op, Dense | Depthwise))


def _resources(need: Resources) -> dict[str, float]:
    return {
        "lut": round(need.lut),
        "ff": round(need.ff),
        "bram36": round(need.bram36, 4),
        "dsp": need.dsp,
    }


def _stage(stage: Stage, frame_cycles: int, graph: Graph, chip: Chip) -> dict[str, Any]:
    return {
        "name": stage.name,
        "inputs": list(stage.inputs),
        "op": stage.op,
        "engine": stage.engine,
        "pe": stage.fold.pe,
        "simd": stage.fold.simd,
        "rows": stage.rows,
        "columns": stage.columns,
        "cycles": stage.cycles,
        "busy": round(stage.cycles / frame_cycles, 4),
        "macs": stage.macs,
        "value": stage.value,
        "type": str(graph.types[stage.value]),
        "stream": {"wire": stage.stream.name, "lanes": stage.lanes.lanes, "vector": stage.lanes.vector,
                   "vectors": stage.lanes.vectors, "width": stage.lanes.elem.width, "signed": stage.lanes.elem.signed},
        "estimate": _resources(stage.cost.placed(chip.lone)),
        "origin": [{"op_type": o.op_type, "name": o.name, "index": o.index} for o in stage.origin],
    }  # fmt: skip


def _write(
    folder: Path, graph: Graph, netlist: Netlist, boundary: dict[str, Any], manifest: dict[str, Any], board: Board
) -> None:
    text, constants = print_graph(graph)
    (folder / "model").mkdir()
    (folder / GRAPH).write_text(text)
    np.savez_compressed(folder / CONSTANTS, allow_pickle=False, **constants)
    write_json(folder / BOUNDARY, boundary)
    write_rtl(netlist, folder / "rtl")
    write_core(board, folder / "rtl")
    if netlist.ports is Protocol.AXIS:  # the boards' shells speak AXI4-Stream
        write_handoff(board, manifest, boundary, folder / "board")
    save_board(board, folder / BOARD)
    page.write(folder, manifest)
    write_json(folder / MANIFEST, manifest)


def _write_component(folder: Path, board: Board, control: str, design: Design) -> None:
    """The Vitis component, with frames at random and what they give."""
    boundary = design.boundary
    (source,) = design.graph.inputs
    codes = reference.random_codes(design.graph.types[source], vector_frames(boundary), 0)
    expected = boundary.output.from_wire(reference.run(design.graph, codes))
    inputs = boundary.input.pack(boundary.input.from_wire(codes))
    write_component(board, design.manifest, boundary, control, inputs, boundary.output.pack(expected), folder)
