"""Verification: the RTL in Verilator, driven by cocotb, against the reference on NumPy; equal, frame by frame."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CompileError
from ..ir.graph import Graph
from ..ir.op import Codes
from . import control, cosim, reference, verilator
from .live import live

if TYPE_CHECKING:
    from ..boards.host import Boundary

TOP = "bw_accel"
SETTLED = 4  # frames after which the interval between frames is the steady one


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The first wrong value: the stage and IR value, the frame, the element's index in it, and both codes."""

    stage: str
    value: str
    origin: str
    frame: int
    element: tuple[int, ...]
    expected: int
    got: int

    def __str__(self) -> str:
        where = f"stage {self.stage} ({self.origin})" if self.origin else f"stage {self.stage}"
        return f"{where}: frame {self.frame}, element {list(self.element)}: expected {self.expected}, got {self.got}"


@dataclass(frozen=True, slots=True)
class Verification:
    """What was simulated and found. Cycles are those measured without stalls; seconds are wall-clock.

    `engine` says what was run: rtl, netlist, hls or hls4ml; the last two have no cycles. `failure` is set, and nothing was compared, where
    the design stood still or broke a rule of AXI4-Stream.
    """

    frames: int
    seed: int
    build_seconds: float
    engine: str = "rtl"
    mismatches: int = 0
    frame_cycles: int | None = None
    latency_cycles: int | None = None
    timing_as_computed: bool = False
    first: Mismatch | None = None
    failure: str | None = None
    simulated_cycles: int = 0
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        timed = self.timing_as_computed or self.engine in ("hls", "hls4ml")
        return self.mismatches == 0 and timed and self.failure is None

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"ok": self.ok}


def verify(
    rtl: Path,
    graph: Graph,
    manifest: dict[str, Any],
    boundary: Boundary,
    samples: int,
    seed: int,
    stall: float,
    waves: Path | None = None,
    jobs: int = 1,
    netlist: list[Path] | None = None,
) -> Verification:
    """Two runs: every frame back to back without a stall, where cycles are measured (and `waves` written, a VCD file);
    and again with idle cycles and back-pressure at both ports and a reset in mid-frame. Where there is a control port, a third
    time under its stops, with its counters compared.

    With `netlist`, Verilog of what synthesis made of the design and of its cells (`boards.cells.sources`), that is
    simulated, not the RTL. Raises CompileError E390 if a tool is missing, E504 for bad options.
    """
    if samples < 1:
        raise CompileError("E504", f"--samples must be at least 1, not {samples}")
    if not 0 <= stall < 1:
        raise CompileError("E504", f"--stall is a probability below 1, not {stall}")
    start = time.perf_counter()
    (source,) = graph.inputs
    codes = reference.random_codes(graph.types[source], samples, seed)
    sent = boundary.input.from_wire(codes)
    exe = verilator.build(netlist or _sources(rtl), TOP, trace=waves is not None)
    built = time.perf_counter() - start
    expected = reference.run(graph, codes)
    engine = "netlist" if netlist else "rtl"
    found = Verification(frames=samples, seed=seed, build_seconds=round(built, 2), engine=engine)
    try:
        env = {"BITWRIGHT_WAVES": str(waves.resolve())} if waves else None
        watched = [s["stream"]["wire"] for s in manifest["stages"]] + [q["wire"] for q in manifest["queues"]]
        watched = [] if netlist else watched  # synthesis keeps the names of the ports only
        with ThreadPoolExecutor(max(1, min(jobs, 2))) as pool:
            first = pool.submit(simulate, exe, rtl, boundary, sent, env=env, watched=watched)
            rough_options: dict[str, Any] = {"stall": stall, "idle": stall, "reset_frame": samples // 2}
            second = pool.submit(simulate, exe, rtl, boundary, sent, seed=seed, watched=watched, **rough_options)
            smooth, rough = first.result(), second.result()
        outputs = [smooth.outputs, rough.outputs]
        if boundary.control is not None:
            frames = words_in(boundary, sent)
            outputs.append(control.run(exe, rtl, boundary, frames, seed, stall, manifest))
    except verilator.SimulationFailed as error:
        return replace(found, failure=str(error).strip(), seconds=round(time.perf_counter() - start, 2))
    wrong = [_differs(boundary, words, expected[: len(words)]) for words in outputs]
    mismatches = int(sum(w.sum() for w in wrong))
    where: Mismatch | None = None
    if mismatches and netlist:
        where = _first_output(graph, boundary, smooth if wrong[0].any() else rough, expected)
    elif mismatches:
        where = _first(exe, rtl, graph, manifest, boundary, codes)
    ends = smooth.last_out
    frame_cycles = max(ends[-1] - ends[-2], ends[-2] - ends[-3]) if samples > SETTLED else None
    latency = ends[0] - smooth.first_in[0]
    return replace(
        found,
        mismatches=mismatches,
        frame_cycles=frame_cycles,
        latency_cycles=latency,
        timing_as_computed=latency == manifest["latency_cycles"] and frame_cycles in (None, manifest["frame_cycles"]),
        first=where,
        simulated_cycles=smooth.cycles + rough.cycles,
        seconds=round(time.perf_counter() - start, 2),
    )


def run_rtl(rtl: Path, boundary: Boundary, codes: Codes, weights: Mapping[str, NDArray[Any]] | None = None) -> Codes:
    """Output codes of the simulated RTL for input codes; with `weights`, after these were written to rewritable layers."""
    if not len(codes):
        return np.zeros((0, *boundary.output.shape), np.int64)
    try:
        if weights:
            exe, size = verilator.build(_sources(rtl), TOP), boundary.output.beats
            with live(exe, rtl, boundary.input.beats, size) as accelerator:
                control.write_weights(accelerator, boundary, weights)
                words = accelerator.send(words_in(boundary, codes))
            return unpack(boundary, [words[k : k + size] for k in range(0, len(words), size)])
        trace = simulate(verilator.build(_sources(rtl), TOP), rtl, boundary, codes)
    except verilator.SimulationFailed as error:
        raise CompileError(
            "E902", f"the simulation failed: {error}", hint="bitwright verify DIR looks closer"
        ) from error
    return unpack(boundary, trace.outputs)


def _sources(rtl: Path) -> list[Path]:
    return sorted(rtl.glob("*.v"))


def simulate(exe: Path, rtl: Path, boundary: Boundary, codes: Codes, **options: Any) -> cosim.Trace:
    """Send frames of codes through the simulator; `options` are those of `cosim.simulate`."""
    return cosim.simulate(exe, words_in(boundary, codes), boundary.output.beats, cwd=rtl, **options)


def words_in(boundary: Boundary, codes: Codes) -> list[list[int]]:
    """The words of each frame of input codes."""
    shaped = codes.reshape(len(codes), *boundary.input.shape)
    return [_words(frame, boundary.input.tdata) for frame in boundary.pack(shaped)]


def _words(frame: np.ndarray[Any, np.dtype[np.uint8]], bits: int) -> list[int]:
    size, data = bits // 8, frame.tobytes()
    return [int.from_bytes(data[k : k + size], "little") for k in range(0, len(data), size)]


def unpack(boundary: Boundary, outputs: list[list[int]]) -> Codes:
    """Codes (frames, *shape) from the words of each output frame."""
    size = boundary.output.tdata // 8
    data = b"".join(word.to_bytes(size, "little") for frame in outputs for word in frame)
    return boundary.unpack(data).reshape(len(outputs), *boundary.output.shape)


def _differs(boundary: Boundary, outputs: list[list[int]], expected: Codes) -> np.ndarray[Any, np.dtype[np.bool_]]:
    return unpack(boundary, outputs) != boundary.output.from_wire(expected)


def _first_output(graph: Graph, boundary: Boundary, trace: cosim.Trace, expected: Codes) -> Mismatch:
    """The first wrong code at the port of a netlist."""
    got, want = unpack(boundary, trace.outputs), boundary.output.from_wire(expected)
    frame, *element = (int(i) for i in np.argwhere(got != want)[0])
    index = (frame, *element)
    (sink,) = graph.outputs
    return Mismatch("netlist", sink, "", frame, tuple(element), int(want[index]), int(got[index]))


def _first(
    exe: Path, rtl: Path, graph: Graph, manifest: dict[str, Any], boundary: Boundary, codes: Codes
) -> Mismatch | None:
    """Run again with every stage's output stream recorded, and find the first stage that is wrong."""
    stages = manifest["stages"]
    trace = simulate(
        exe, rtl, boundary, boundary.input.from_wire(codes), monitors=[s["stream"]["wire"] for s in stages]
    )
    values = reference.layers(graph, codes)
    for stage in stages:
        got = _elements(trace.monitored[stage["stream"]["wire"]], stage["stream"])
        if found := first_of_stage(stage, graph, got, values[stage["value"]].reshape(-1)):
            return found
    return None


def first_of_stage(stage: dict[str, Any], graph: Graph, got: Codes, want: Codes) -> Mismatch | None:
    """The first of the codes that left a stage, in order, that is not the reference's."""
    size = min(len(got), len(want))
    wrong = np.flatnonzero(got[:size] != want[:size])
    if not len(wrong):
        return None
    shape = graph.types[stage["value"]].shape
    frame, element = divmod(int(wrong[0]), int(np.prod(shape)))
    index = tuple(int(i) for i in np.unravel_index(element, shape))
    origin = ", ".join(f"{o['op_type']} node #{o['index']}" for o in stage["origin"])
    return Mismatch(stage["name"], stage["value"], origin, frame, index, int(want[wrong[0]]), int(got[wrong[0]]))


def _elements(beats: list[int], stream: dict[str, Any]) -> Codes:
    """The codes of a recorded stream, pad lanes left out."""
    lanes, width, vector = stream["lanes"], stream["width"], stream["vector"]
    mask, per_vector = (1 << width) - 1, -(-vector // lanes)
    lane_codes = np.array([[(beat >> (k * width)) & mask for k in range(lanes)] for beat in beats], np.int64)
    whole = len(lane_codes) // per_vector * per_vector
    codes = lane_codes[:whole].reshape(-1, per_vector * lanes)[:, :vector].reshape(-1)
    return np.where(codes >> (width - 1) & int(stream["signed"]), codes - (1 << width), codes)
