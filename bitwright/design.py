"""Design: a build directory, and what can be done with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile
from zlib import error as ZlibError

import numpy as np
from numpy.typing import NDArray

from . import (
    ops,  # noqa: F401  # pyright: ignore[reportUnusedImport]  (registers the operators that the IR text names)
    saved,
)
from .boards.host import Boundary
from .boards.weights import rows
from .errors import CompileError, quoted
from .ir.graph import Graph, Node
from .ir.op import Codes
from .ir.text import parse_graph
from .ops.writable import Writable
from .sim import reference

if TYPE_CHECKING:
    from .boards import Board
    from .boards.chip import ChipResult
    from .boards.yosys import SynthResult
    from .sim.verify import Verification

GRAPH, CONSTANTS, BOUNDARY = "model/graph.ir", "model/constants.npz", "model/boundary.json"
BOARD = "model/board.json"
QUANTIZED = "model/quantized.onnx"
"""The model as it was compiled, where calibration made it from a float one."""
Weights = Mapping[str, NDArray[Any]]
"""Integers of rewritable layers, by the layers' names, as the model's arrays have them."""
ENGINES = ("numpy", "rtl", "hls", "hls4ml")


@dataclass(frozen=True)
class Design:
    """A compiled accelerator. `manifest` is what was decided, `graph` the network that it computes."""

    folder: Path
    manifest: dict[str, Any]
    graph: Graph
    boundary: Boundary

    def predict(self, x: NDArray[Any], *, engine: str = "numpy", weights: Weights | None = None) -> NDArray[Any]:
        """The ONNX output for the ONNX input, samples along the first axis, in the model's element types and units.

        `weights` are integers for rewritable layers, by their names, instead of those of the model.
        """
        return self.boundary.decode(self.run_codes(self.boundary.encode(x), engine=engine, weights=weights))

    def run_codes(self, codes: Codes, *, engine: str = "numpy", weights: Weights | None = None) -> Codes:
        """Output codes (frames, *shape) for input codes (frames, *shape), by the reference, the RTL, the C++ or hls4ml.

        `weights` as in `predict`, for the reference and the RTL. Raises CompileError E506 where they do not suit.
        """
        given = {} if weights is None else self._rows(weights)
        if engine == "numpy":
            graph = with_weights(self.graph, given) if given else self.graph
            return self.boundary.output.from_wire(reference.run(graph, self._shaped(codes)))
        if engine == "rtl":
            from .sim import verify

            return verify.run_rtl(self.folder / "rtl", self.boundary, codes, weights)
        if given:
            raise CompileError("E504", f"--engine {engine} has the model's weights only", hint="numpy or rtl")
        if engine == "hls":
            from .sim import hls

            return hls.run_codes(self.sources("hls"), self.boundary, codes)
        if engine == "hls4ml":
            from .sim import hls4ml

            return self.boundary.output.from_wire(hls4ml.run(self.sources("hls4ml"), self.graph, self._shaped(codes)))
        raise CompileError("E503", f"there is no engine '{engine}' yet", hint=f"engines: {', '.join(ENGINES)}")

    def _rows(self, weights: Weights) -> dict[str, Codes]:
        """The rows of weights of IR values."""
        layers: dict[str, Any] = (self.boundary.control or {}).get("weights", {})
        found: dict[str, Codes] = {}
        for name, array in weights.items():
            if name not in layers:
                known = ", ".join(layers) or "none"
                raise CompileError("E506", f"layer {quoted(name)} is not rewritable", hint=f"rewritable are: {known}")
            try:
                found[layers[name]["value"]] = rows(layers[name], array)
            except ValueError as error:
                raise CompileError("E506", f"layer {quoted(name)}: {error}") from error
        return found

    def values(self, codes: Codes) -> dict[str, Codes]:
        """Every value of the network for the given input codes."""
        return reference.layers(self.graph, self._shaped(codes))

    def _shaped(self, codes: Codes) -> Codes:
        """Input codes in the shape and order that the network's first layer sees."""
        (source,) = self.graph.inputs
        frames = codes.reshape(len(codes), *self.boundary.input.shape)
        return self.boundary.input.to_wire(frames).reshape(len(codes), *self.graph.types[source].shape)

    def verify(
        self,
        *,
        samples: int = 10,
        seed: int = 0,
        stall: float = 0.3,
        waves: bool = False,
        jobs: int = 1,
        netlist: bool = False,
        engine: str | None = None,
    ) -> Verification:
        """Simulate the RTL (`engine` "rtl") on `samples` frames, with and without stalls, and compare every output with the reference.

        `waves` leaves a waveform of the run without stalls in `sim/waves.vcd`. With `netlist`, what Yosys made of the RTL
        is simulated, as the chip's cells; it is synthesised now unless `synth/` has it. `engine` "hls" or "hls4ml",
        which is the choice for a build of that backend, runs that instead, compiled by g++: it has no stalls and no cycles.
        """
        from .sim import hls, hls4ml, verify

        backend = self.manifest["options"]["backend"]
        chosen = engine or ("rtl" if netlist or waves or backend == "verilog" else backend)
        if chosen not in ENGINES[1:] or (chosen != "rtl" and (netlist or waves)):
            raise CompileError(
                "E504", f"--engine {chosen} has no such verification", hint="--engine rtl, hls or hls4ml"
            )
        if chosen == "hls":
            return hls.verify(self.sources("hls"), self.graph, self.manifest, self.boundary, samples, seed)
        if chosen == "hls4ml":
            return hls4ml.verify(self.sources("hls4ml"), self.graph, samples, seed)

        if waves:
            (self.folder / "sim").mkdir(exist_ok=True)
        file = self.folder / "sim" / "waves.vcd" if waves else None
        rtl = self.folder / "rtl"
        synth = self._netlist() if netlist else None
        return verify.verify(rtl, self.graph, self.manifest, self.boundary, samples, seed, stall, file, jobs, synth)

    def sources(self, backend: str) -> Path:
        """The folder of the C++, "hls" or "hls4ml". Raises CompileError E507 if the build has none."""
        if not (self.folder / backend).is_dir():
            raise CompileError(
                "E507", f"this build has no {backend}/", hint=f"compile the model with --backend {backend}"
            )
        return self.folder / backend

    def _netlist(self) -> list[Path]:
        """Verilog of the accelerator's netlist and its cells; they lie beside those of the whole chip, where there is one."""
        from .boards import cells
        from .boards.yosys import NETLIST, synthesise_alone

        family = self.board().chip_family
        folder = self.folder / "synth" / ("accel" if self._shell else "")
        if not (folder / NETLIST).is_file():
            synthesise_alone(self.folder / "rtl", "bw_accel", folder, family)
        return cells.sources(folder, "bw_accel", family)

    def board(self) -> Board:
        """The board that it was compiled for."""
        from .boards.board import saved_board

        return saved_board(self.folder / BOARD)

    def synthesise(self) -> SynthResult:
        """Synthesise with Yosys into `synth/` and return the resources, of the whole chip where the board has a shell."""
        from .boards.uart.handoff import TOP
        from .boards.yosys import synthesise

        top = TOP if self._shell else "bw_accel"
        out = self.folder / "synth"
        return synthesise(self.folder / "rtl", top, out, self.board().family, shell=self._shell)

    @property
    def _shell(self) -> Path | None:
        """The RTL around the accelerator, on boards where it sits behind a serial line."""
        folder = self.folder / "board" / "rtl"
        return folder if folder.is_dir() else None

    def make_bitstream(self) -> ChipResult:
        """Synthesise, place and route the whole chip into `synth/`, where the board has an open flow for that."""
        from .boards.chip import make_bitstream

        return make_bitstream(self.folder, self.board(), self.manifest["clock_mhz"])


def with_weights(graph: Graph, weights: Mapping[str, Codes]) -> Graph:
    """The network with other rows of weights for some of its rewritable layers, by their IR values."""

    def changed(node: Node) -> Node:
        if node.name not in weights:
            return node
        assert isinstance(node.op, Writable)
        return replace(node, op=node.op.with_rows(weights[node.name]))

    return graph.with_nodes(tuple(changed(n) for n in graph.nodes))


def load(folder: str | Path) -> Design:
    """Load a build directory. Raises CompileError E505 if it is not one."""
    path = Path(folder)
    manifest = saved.read_manifest(path)
    if "accelerators" in manifest:
        raise CompileError(
            "E505", f"'{path}' is a chip of several accelerators", hint="name one of the builds that it was made from"
        )
    graph, told = _graph(path), saved.read(path / BOUNDARY, saved.Boundary)
    try:
        boundary = Boundary(told)
    except ValueError as error:
        raise saved.damaged(path / BOUNDARY, error) from error
    for name, port, value in (("input", boundary.input, *graph.inputs), ("output", boundary.output, *graph.outputs)):
        type_ = graph.types[value]
        if (port.lo, port.hi, port.signed, port.elements) != (type_.min, type_.max, type_.elem.signed, type_.size):
            raise saved.damaged(path / BOUNDARY, f"the codes of its {name} are not those of the network, {type_}")
    return Design(path, manifest, graph, boundary)


def _graph(folder: Path) -> Graph:
    """The network of a build. Raises CompileError E505 if its text or its constants are damaged."""
    try:
        with np.load(folder / CONSTANTS, allow_pickle=False) as file:
            constants = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, BadZipFile, ZlibError) as error:
        raise saved.damaged(folder / CONSTANTS, error) from error
    try:
        graph = parse_graph((folder / GRAPH).read_text(encoding="utf-8"), constants)
    except (OSError, ValueError, KeyError, CompileError) as error:
        raise saved.damaged(folder / GRAPH, error) from error
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise saved.damaged(folder / GRAPH, "it has not one input and one output")
    return graph
