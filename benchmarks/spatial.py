"""Networks and constant matrices as circuits of constants, beside da4ml and alkaid on the same work.

    python -m benchmarks.spatial [--data FOLDER] [--json [FILE]] [--no-peers] [--stages] [--times] [PART OF A NAME …]

FOLDER holds .npz files: `hgq*` (a format a channel, wrapping), `jsc*` (one format a layer, wrapping and saturating)
and `cmvm` (matrices). Matrices of few weights over single bits (`bits:…`, those of TFC among them) and random networks
(`random:…`) have no file. Two rows have no peers either: a requantiser alone, and a convolution as a whole accelerator with its window and its
ports; nor has `large`, asked for by name, which times Verilator's lint and Yosys on some 50,000 LUTs. The peers are
installed from the package registry into `build/peers`. All is combinational, between registers for ours, and
synthesised by one script. `lut` counts LUT cells plainly, one with two outputs as one; `lut_packed` is the carry-aware
estimate; `levels` are LUTs, carry cells and multiplexers on the longest true path. alkaid's sums of three operands are
inferred well by Vivado only: with Vivado its figures may be lower. With --stages a network has figures of the peers'
pipelines too, each beside ours of as many stages. A peer that takes too long, or ends with an error, has no figures but
the reason. --times measures generation and evaluation alone, and leaves the other figures as they are.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitwright.boards import cells, netlist, netlist_eval, timing
from bitwright.boards.family import load_family
from bitwright.builder import FixedPoint
from bitwright.frontend.reader import import_model
from bitwright.ir.graph import Graph, Node, evaluate
from bitwright.ir.netlist import Fold
from bitwright.ir.types import IntType, TensorType
from bitwright.lowering.folding import Budget
from bitwright.lowering.layers import Circuits, Spatial
from bitwright.lowering.manager import run_passes
from bitwright.lowering.passes import PIPELINE
from bitwright.lowering.verilog import library, modules_of
from bitwright.ops.dense import Dense
from bitwright.ops.shift import Shift
from bitwright.ops.window import Window
from bitwright.ops.xnor import Xnor
from bitwright.sim import verify, verilator
from bitwright.sim.emulator import Emulator
from bitwright.spatial.simulate import run
from bitwright.spatial.unit import Unit, unit
from tests.harness import build
from tests.spatial.networks import Arrays, network, random_arrays

SCRIPT = """
import sys
from pyosys import libyosys
design = libyosys.Design()
for line in sys.argv[1:]:
    libyosys.run_pass(line, design)
"""
PEERS = {"alkaid": "alkaid==0.8.2", "da4ml": "da4ml==0.6.0"}
ROOT = Path(__file__).parent.parent
DATA = ROOT.parent / "shared" / "bench" / "spatial"
PIPELINED = (10.0, 5.0)
"""Clock periods in ns at which the registers are counted too."""
ROOMY = Budget(lut=1e6, ff=1e6, bram36=1e3, dsp=0, stream_bits=64)
COMBINATIONAL, CUTOFF = -1, 2
"""Logic levels a stage of the peers' pipelines, as they count them."""
SLOWEST = 200.0
"""Clock period in ns at which any network is one stage or a few."""
LARGE = 8_000
"""LUTs from which the registers are counted at the slower clock only."""
IMAGES = 70
"""10,080 vectors of the convolution."""
ROWS = 200_000
TOLD = ("exact", "seconds", "samples_per_cpu_second")
"""What the peers' script measures."""
REPEATS = 3
"""Of a timed evaluation, of which the quickest counts."""
BITS = (
    ("pm1_32", 1, 32, 32),
    ("pm1_64", 1, 64, 64),
    ("pm1_256", 1, 256, 64),
    ("ternary_64", -1, 64, 32),
    ("w2_64", -2, 64, 32),
)
"""Matrices over bits: name, least weight (1 for ±1), inputs and outputs."""
NETWORKS = 10
"""Random ones."""
PEER_SECONDS = 900
"""CPU time after which a peer is not waited for."""
RANDOM = 10_000
"""Samples that the synthesised netlists are compared on, besides the corners of the inputs."""


@dataclass(frozen=True)
class Work:
    """A graph over codes, codes in, and the codes that must come out; peers read the `file`, or get the arrays as one, if there are any."""

    name: str
    file: Path | None
    graph: Graph
    x: NDArray[np.int64]
    y: NDArray[np.int64]
    arrays: Arrays | None = None

    @property
    def peers(self) -> bool:
        """Whether there is something that they can read."""
        return self.file is not None or self.arrays is not None


def works(folder: Path) -> Iterator[tuple[str, Callable[[], Work]]]:
    yield "requantiser", _requantiser
    for name, least, inputs, outputs in BITS:
        yield f"bits:{name}", partial(_random_bits, name, least, inputs, outputs)
    for layer in (2, 3):
        yield f"bits:tfc{layer}", partial(_tfc, layer)
    for seed in range(NETWORKS):
        yield f"random:{seed}", partial(_random_network, seed)
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as data:
            keys = set(data.files)
            shapes = {key: data[key].shape for key in keys}
        if "layer0_kernel" in keys:
            yield path.stem, partial(_formats_a_channel, path)
        elif "W0" in keys:
            for mode in ("sat", "wrap"):
                yield f"{path.stem} {mode}", partial(_one_format, path, mode)
        else:
            for key in sorted(k for k, shape in shapes.items() if len(shape) == 2):
                yield f"cmvm:{key}", partial(_matrix, path, key)


def _formats_a_channel(path: Path) -> Work:
    arrays = np.load(path)
    net, x = network(arrays)
    return _work(path.stem, path, net, x, arrays["y"])


def _one_format(path: Path, mode: str) -> Work:
    data = np.load(path)
    keep, whole, part = map(int, data["in_kif"])
    _, act_whole, act_part = map(int, data["act_kif"])
    scale, count = 2.0 ** -int(data["fw"]), sum(key.startswith("W") for key in data.files)
    inputs = len(data["W0"])
    net = FixedPoint([keep] * inputs, whole, part)
    for n in range(count):
        net.dense(data[f"W{n}"] * scale, data[f"b{n}"] * scale)
        if n < count - 1:
            net.relu()
            if mode == "sat":
                net.quantize([0] * data[f"W{n}"].shape[1], act_whole, act_part, "half_up", "saturate")
            else:
                net.quantize([0] * data[f"W{n}"].shape[1], act_whole, act_part, "down", "wrap")
    return _work(
        f"{path.stem} {mode}", path, net, data["x"].astype(np.int64), data[f"y_{mode}"] * 2.0 ** -int(data["y_frac"])
    )


def _matrix(path: Path, key: str) -> Work:
    weight = np.load(path)[key]
    net = FixedPoint([1] * len(weight), 7, 0)
    net.dense(weight)
    x = np.random.default_rng(0).integers(-128, 128, (2000, len(weight)))
    return _work(f"cmvm:{key}", path, net, x, (x @ weight).astype(np.float64))


def _random_bits(name: str, least: int, inputs: int, outputs: int) -> Work:
    """Weights from `least` to 1; those that begin at 1 are ±1."""
    drawn = np.random.default_rng(0).integers(min(least, 0), 2, (inputs, outputs))
    return _bits(name, 2 * drawn - 1 if least > 0 else drawn)


def _tfc(layer: int) -> Work:
    """A layer of the binary network in the tests, after those of its bits."""
    graph = run_passes(import_model(ROOT / "tests" / "models" / "tfc_1w1a.onnx").graph, PIPELINE)
    weights = [node.op.weight for node in graph.nodes if isinstance(node.op, Xnor)]
    return _bits(f"tfc{layer}", 2 * weights[layer].T - 1)


def _bits(name: str, matrix: NDArray[np.int64]) -> Work:
    net = FixedPoint([0] * len(matrix), 1, 0)
    net.dense(matrix)
    x = np.random.default_rng(0).integers(0, 2, (2000, len(matrix)))
    work = _work(f"bits:{name}", None, net, x, (x @ matrix).astype(np.float64))
    return replace(work, arrays={work.name: matrix})


def _random_network(seed: int) -> Work:
    arrays = random_arrays(seed)
    net, x = network(arrays)
    return replace(_work(f"random:{seed}", None, net, x, arrays["y"]), arrays=arrays)


def _requantiser() -> Work:
    """16 lanes of 14 bits, signed: ReLU, an eighth of it rounded half upwards, at most 63."""
    net = FixedPoint([1] * 16, 8, 5)
    net.relu()
    net.quantize([0] * 16, 4, 2, "half_up", "saturate")
    x = np.random.default_rng(0).integers(-(1 << 13), 1 << 13, (2000, 16))
    y = np.clip((np.maximum(x, 0) + 4) >> 3, 0, 63)
    return _work("requantiser", None, net, x, np.asarray(y * 0.25, np.float64))


def convolution(folder: Path) -> dict[str, Any]:
    """3×3, 8 to 8 channels, weights of 4 bits of which half are zero, over 12×12 pixels of 4 bits: with window and ports."""
    rng = np.random.default_rng(0)
    weight = rng.integers(-8, 8, (8, 72)) * (rng.permutation(8 * 72).reshape(8, 72) % 2)
    x = TensorType.of((12, 12, 8), IntType(4, False))
    nodes: list[Node] = []
    one = np.ones(2, np.int64)
    for op in (
        Window(3 * one, one, one, np.ones(4, np.int64), 0),
        Dense(weight, rng.integers(-100, 100, 8)),
        Shift(np.array([8]), 0, 4, 0, 15),
    ):
        source = nodes[-1].name if nodes else "x"
        nodes.append(Node(f"v{len(nodes)}", op, (source,), op.infer(nodes[-1].type if nodes else x)))
    graph = run_passes(Graph({"x": x}, tuple(nodes), (nodes[-1].name,)), PIPELINE)
    made = build(graph, folder, None, ROOMY, Spatial(Circuits.MUST, PIPELINED[0]))
    cycles = {"latency_cycles": made.lowered.timing.latency_cycles, "frame_cycles": made.lowered.timing.frame_cycles}
    same = partial(verify.verify, made.rtl, graph, cycles | {"stages": [], "queues": []}, made.boundary, IMAGES, 1, 0.3)
    exact = same().ok
    figures = _counted(made.rtl, "bw_accel")
    equal = same(netlist=cells.sources(made.rtl, "bw_accel", load_family("xc7"))).ok
    figures |= {"exact": exact, "netlist_equal": equal}
    return {"name": "convolution"} | figures | cycles | {"peers": {}, "peer_figures": {}}


def large(folder: Path) -> dict[str, Any]:
    """64 → 64 → 32 with dense weights of 8 bits, half of the second's zero: what the tools make of so much Verilog."""
    rng = np.random.default_rng(0)
    net = FixedPoint([1] * 64, 7, 0)
    net.dense(rng.integers(-127, 128, (64, 64)))
    net.relu()
    net.quantize([0] * 64, 16, -10, "half_up", "saturate")
    net.dense(rng.integers(-127, 128, (64, 32)) * (rng.random((64, 32)) < 0.5))
    graph = run_passes(net.graph, PIPELINE)
    start = time.process_time()
    made = unit(graph.nodes, graph.inputs["x"], PIPELINED[0])
    seconds = time.process_time() - start
    written(made, folder)
    tools = verilator.find_tools()
    lint = [
        str(tools.verilator),
        "--lint-only",
        "-Wno-fatal",
        "--top-module",
        "circuit",
        *(p.name for p in folder.glob("*.v")),
    ]
    checked = _watched(lint, folder, {"VERILATOR_ROOT": str(tools.root)})
    made_of = _watched([sys.executable, "-c", SCRIPT, *_script(folder, "circuit")], folder, {})
    size = {"stages": made.latency, "verilog_bytes": sum(p.stat().st_size for p in folder.glob("*.v"))}
    return {"name": "large"} | _figures(folder, "circuit") | size | {
        "seconds": round(seconds, 3), "verilator_lint": checked, "yosys": made_of, "peers": {}, "peer_figures": {},
    }  # fmt: skip


def _watched(command: list[str], folder: Path, environment: dict[str, str]) -> dict[str, float]:
    """CPU seconds and memory in MiB that a command takes, with what it starts."""
    with tempfile.TemporaryFile() as log:
        started = subprocess.Popen(command, cwd=folder, env=os.environ | environment, stdout=log, stderr=log)
        _, status, used = os.wait4(started.pid, 0)
    if status:
        raise SystemExit(f"{command[0]} failed in {folder.name}")
    return {"cpu_seconds": round(used.ru_utime + used.ru_stime, 1), "mib": used.ru_maxrss >> 10}


def _work(name: str, path: Path | None, net: FixedPoint, x: NDArray[np.int64], y: NDArray[np.float64]) -> Work:
    return Work(name, path, run_passes(net.graph, PIPELINE), x, np.rint(y / net.output_scale).astype(np.int64))


def ours(work: Work, folder: Path) -> dict[str, Any]:
    """Figures of our circuit, which is compared with what the work says on every sample."""
    (out,) = work.graph.outputs
    made, seconds = _generated(work)
    exact = np.array_equal(evaluate(work.graph, {"x": work.x})[out], work.y)
    exact = exact and np.array_equal(run(made.network, work.x), work.y)
    emulated, speed = _evaluated(work)
    exact = exact and np.array_equal(emulated, work.y)
    figures = _synthesised(made, folder / "ours")
    equal = netlist_equal(made, work.graph, folder / "ours")
    registers = {}
    for period in PIPELINED[: 1 if made.estimate().cost.lut > LARGE else None]:
        staged = unit(work.graph.nodes, work.graph.inputs["x"], period)
        found = _synthesised(staged, folder / f"ours_{period:g}")
        equal = equal and netlist_equal(staged, work.graph, folder / f"ours_{period:g}")
        registers[f"{1000 / period:g} MHz"] = {
            "stages": staged.latency, "lut": found["lut"], "ff": found["ff"], "fmax_mhz": found["fmax_mhz"],
        }  # fmt: skip
    return figures | {"exact": exact, "netlist_equal": equal} | seconds | {"samples_per_cpu_second": speed,
                      "pipelined": registers}  # fmt: skip


def _generated(work: Work) -> tuple[Unit, dict[str, float]]:
    """The circuit, and the CPU time that it takes."""
    start = time.process_time()
    made = unit(work.graph.nodes, work.graph.inputs["x"], 1e9)
    return made, {"seconds": round(time.process_time() - start, 3)}


def _evaluated(work: Work) -> tuple[NDArray[np.int64], int]:
    """What the emulator gives, and its samples a CPU-second."""
    emulator = Emulator(work.graph)
    x = np.tile(work.x, (max(1, ROWS // len(work.x)), 1))
    found: list[float] = []
    for _ in range(REPEATS):
        start = time.process_time()
        emulator.run(x)
        found.append(time.process_time() - start)
    return emulator.run(work.x), round(len(x) / min(found))


def netlist_equal(made: Unit, graph: Graph, folder: Path) -> bool:
    """Whether the cells in `folder`, registers included, compute the graph on random samples and corners."""
    (out,) = graph.outputs
    low, high = (np.array(ends) for ends in made.x.bounds(made.x.vector))
    rng = np.random.default_rng(0)
    one = np.eye(made.x.vector, dtype=bool)
    any_ = rng.random((RANDOM // 10, made.x.vector)) < 0.5
    corners = [np.where(mask, high, low) for mask in (one, ~one, any_, one[:1] & False, one[:1] | True)]
    x = np.concatenate([rng.integers(low, high + 1, (RANDOM, made.x.vector)), *corners])
    static = {"clk": 0, "rst_n": 1, "in_valid": 1}
    pipeline = netlist_eval.read_pipeline(folder / "netlist.json", "circuit", ["out_data"], static)
    found = pipeline.run({"in_data": netlist_eval.planes(x, made.x.elem.width)})["out_data"]
    y = netlist_eval.codes(found, made.y.elem.width, made.y.elem.lo < 0, len(x))
    return pipeline.latency == made.latency and np.array_equal(y, evaluate(graph, {"x": x})[out])


def _synthesised(made: Unit, folder: Path) -> dict[str, Any]:
    return _counted(written(made, folder), "circuit")


def written(made: Unit, folder: Path) -> Path:
    """The folder, with the circuit's Verilog; its top is `circuit`."""
    fold = Fold(made.y.vector, made.x.vector, spatial=True)
    texts = made.block(fold).texts
    assert texts is not None
    written = dict(texts("circuit"))
    folder.mkdir(parents=True, exist_ok=True)
    modules = library()
    for name in modules_of(written.values()):
        written[name] = modules[f"{name}.v"]
    for name, text in written.items():
        (folder / f"{name}.v").write_text(text)
    return folder


def staged(graph: Graph, stages: int) -> Unit:
    """The circuit for the quickest clock that takes at most so many stages."""
    low, high = 0.0, SLOWEST
    found = unit(graph.nodes, graph.inputs["x"], high)
    while high - low > 0.01 * high:
        middle = (low + high) / 2
        made = unit(graph.nodes, graph.inputs["x"], middle)
        if made.pipeline.last < stages:
            found, high = made, middle
        else:
            low = middle
    return found


def _counted(folder: Path, top: str) -> dict[str, Any]:
    """One script for all. Inverters that are left are no LUTs in it; those of our rows are in the tables of their LUTs."""
    script = _script(folder, top)
    done = subprocess.run([sys.executable, "-c", SCRIPT, *script], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"Yosys failed in {folder.name}:\n{(done.stdout + done.stderr)[-2000:]}")
    return _figures(folder, top)


def _script(folder: Path, top: str) -> list[str]:
    sources = sorted(path.name for path in folder.glob("*.v"))
    return ["read_verilog -lib +/xilinx/cells_sim.v", *(f"read_verilog -defer -sv {name}" for name in sources),
            f"hierarchy -check -top {top}", "scratchpad -set abc9.verify false",
            f"synth_xilinx -family xc7 -flatten -noiopad -abc9 -nodsp -top {top}", "write_json netlist.json"]  # fmt: skip


def _figures(folder: Path, top: str) -> dict[str, Any]:
    """Of the netlist in a folder."""
    cells = netlist.read_netlist(folder / "netlist.json", top)
    found, clock = netlist.count(cells), timing.estimate(cells)
    return {"lut": found.lut_cells, "inverters": found.cells.get("INV", 0), "lut_packed": found.lut, "ff": found.ff,
            "carry4": found.carry4, "levels": timing.levels(cells), "fmax_mhz": clock.fmax_mhz if clock else None}  # fmt: skip


def peer(tool: str, python: Path, work: Work, folder: Path, stages: bool) -> dict[str, Any]:
    """The same figures of a peer's, and with `stages` those of its pipeline beside ours of as many stages."""
    try:
        told = peer_verilog(tool, python, work, folder / tool, COMBINATIONAL)
    except Failed as failed:
        return {"lut": None, "reason": str(failed)}
    figures = _counted(folder / tool, "model") | {key: told[key] for key in TOLD}
    if not stages:
        return figures
    count = peer_verilog(tool, python, work, folder / f"{tool}_staged", CUTOFF)["stages"]
    theirs = _counted(folder / f"{tool}_staged", "model")
    ours = _synthesised(staged(work.graph, count), folder / f"{tool}_ours")
    both = {"peer": theirs, "ours": ours}
    return figures | {"pipelined": {"stages": count} | {
        side: {key: found[key] for key in ("lut", "ff", "fmax_mhz")} for side, found in both.items()
    }}  # fmt: skip


def peer_verilog(tool: str, python: Path, work: Work, folder: Path, cutoff: int) -> dict[str, Any]:
    """A peer's Verilog in a folder, its top `model`, and what the peer's script tells."""
    script = Path(__file__).parent / "spatial_peer.py"
    with tempfile.TemporaryDirectory() as name:
        file = work.file or Path(name) / "work.npz"
        if work.arrays is not None:
            np.savez(file, **work.arrays)
        arguments = ["prlimit", f"--cpu={PEER_SECONDS}", python, script, tool, file, work.name, name, str(cutoff)]
        done = subprocess.run(arguments, capture_output=True, text=True)
        if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
            raise Failed(f"no end after {PEER_SECONDS} CPU-seconds")
        if done.returncode:
            raise Failed((done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1])
        folder.mkdir(exist_ok=True)
        for path in (Path(name) / "src").rglob("*.v"):
            shutil.copy(path, folder)
    return json.loads(done.stdout.strip().splitlines()[-1])


class Failed(Exception):
    """A peer gave nothing, and why."""


def environment() -> Path:
    """The peers' own Python."""
    folder = ROOT / "build" / "peers"
    python = folder / "bin" / "python"
    if not (folder / ".ready").exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PEERS.values()], check=True)
        (folder / ".ready").touch()
    return python


def measured(work: Work, python: Path | None, stages: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        row = {"name": work.name} | ours(work, folder)
        details = {tool: peer(tool, python, work, folder, stages) for tool in PEERS} if python and work.peers else {}
    row["peers"] = {tool: found["lut"] for tool, found in details.items()}
    row["peer_figures"] = details
    return row | _ratios(row)


def timed(work: Work, python: Path | None, row: dict[str, Any]) -> dict[str, Any]:
    """A row with generation and evaluation measured anew."""
    row = row | _generated(work)[1] | {"samples_per_cpu_second": _evaluated(work)[1]}
    if python and work.peers:
        for tool, found in row["peer_figures"].items():
            with tempfile.TemporaryDirectory() as name:
                if found["lut"] is not None:
                    told = peer_verilog(tool, python, work, Path(name), COMBINATIONAL)
                    found |= {key: told[key] for key in TOLD}
    return row


def _ratios(row: dict[str, Any]) -> dict[str, float]:
    """To the peer with fewer LUTs."""
    done = [found for found in row["peer_figures"].values() if found["lut"] is not None]
    if not done:
        return {}
    best = min(done, key=lambda found: found["lut"])
    return {
        "lut_ratio": round(row["lut"] / best["lut"], 3),
        "levels_ratio": round(row["levels"] / best["levels"], 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spatial")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--json", nargs="?", const="-", metavar="FILE")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--stages", action="store_true")
    parser.add_argument("--times", action="store_true")
    chosen = parser.parse_args()
    python = None if chosen.no_peers else environment()
    rows: list[dict[str, Any]] = []
    old = _kept(Path(chosen.json)) if chosen.json else {}
    for make in (convolution, large):
        if chosen.times or not any(part in make.__name__ for part in chosen.names or ["convolution"]):
            continue
        with tempfile.TemporaryDirectory() as name:
            rows.append(make(Path(name)))
        print(f"{make.__name__:32} {rows[-1]['lut']:6} LUT", file=sys.stderr, flush=True)
        if chosen.json and chosen.json != "-":
            _update(Path(chosen.json), rows)
    for name, make in works(chosen.data):
        if chosen.names and not any(part in name for part in chosen.names):
            continue
        if chosen.times:
            if name not in old:
                continue
            row = timed(make(), python, old[name])
        else:
            row = measured(make(), python, chosen.stages)
        rows.append(row)
        told = {tool: [f.get(key) for key in ("lut", "levels", *TOLD)] for tool, f in row["peer_figures"].items()}
        print(f"{name:32} {row['lut']:6} LUT {row['levels']:3} levels exact {row['exact']} netlist {row['netlist_equal']} {row['seconds']:.2f} s "
              f"{row['samples_per_cpu_second']:,}/s  {told}", file=sys.stderr, flush=True)  # fmt: skip
        if chosen.json and chosen.json != "-":
            _update(Path(chosen.json), rows)
    if chosen.json == "-":
        print(json.dumps({"networks": rows}))


def _update(path: Path, rows: list[dict[str, Any]]) -> None:
    """Rows that are not measured now stay as they are, and so do the figures of peers."""
    kept = _kept(path)
    for row in rows:
        before = kept.get(row["name"], {})
        if not row["peer_figures"] and before.get("peer_figures"):
            row |= {key: before[key] for key in ("peers", "peer_figures")}
            row |= _ratios(row)
        kept[row["name"]] = row
    path.write_text(json.dumps({"networks": list(kept.values())}, indent=1) + "\n")


def _kept(path: Path) -> dict[str, dict[str, Any]]:
    """The rows of a file by name."""
    return {row["name"]: row for row in json.loads(path.read_text())["networks"]} if path.exists() else {}


if __name__ == "__main__":
    main()
