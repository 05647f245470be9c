"""Measure every network: compile, verification, reference speed beside the runtimes, cycles, and resources.

    python -m benchmarks [--models DIR] [--synth] [--json FILE] [PART OF A NAME …]

Prints one line a network and writes JSON. Times are of this machine and noisy: read the ratios (same process, same batch) and the counts.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from math import ceil
from pathlib import Path
from typing import Any, TypeVar

import bitwright
from bitwright.compare import compare_with_onnx
from bitwright.design import Design
from bitwright.frontend import oracle
from bitwright.frontend.reader import load
from bitwright.sim import reference

T = TypeVar("T")
MODELS = Path(__file__).parent.parent / "tests" / "models"
NETWORKS: dict[str, str | None] = {
    "tfc_1w1a": None,
    "tfc_2w2a": None,
    "unsw_w2a2": "bipolar",
    "kwsmlp_w3a3": None,
    "ad08": "fixed<16,8>",
    "ad01_int8": None,
    "hello_world": None,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("names", nargs="*", help="parts of the networks' names")
    parser.add_argument("--json", type=Path, default=Path("build/benchmarks.json"))
    parser.add_argument("--synth", action="store_true", help="synthesise too (minutes a network)")
    parser.add_argument(
        "--extra", action="append", default=[], metavar="MODEL[:INPUT_TYPE]", help="one more model file"
    )
    options = parser.parse_args()
    networks = [(name, MODELS / f"{name}.onnx", input_type) for name, input_type in NETWORKS.items()]
    for extra in options.extra:
        path, _, input_type = extra.partition(":")
        networks.append((Path(path).stem, Path(path), input_type or None))
    rows: list[dict[str, Any]] = []
    for name, path, input_type in networks:
        if options.names and not any(part in name for part in options.names):
            continue
        rows.append({"name": name, **measure(path, input_type, options.synth)})
        print(line(rows[-1]), flush=True)
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({"networks": rows}, indent=1) + "\n")


def measure(path: Path, input_type: str | None, synth: bool) -> dict[str, Any]:
    """All figures of one network at the fastest folding that fits the Pynq-Z2."""
    folder = Path(tempfile.mkdtemp(prefix="bitwright-bench-"))
    try:
        design, compile_seconds = timed(lambda: bitwright.compile(path, folder / "d", input_type=input_type))
        cold = design.verify(samples=10)
        warm = design.verify(samples=10)
        manifest = design.manifest
        result: dict[str, Any] = {
            "compile_seconds": round(compile_seconds, 2),
            "verify": {"ok": cold.ok and warm.ok, "cold_seconds": cold.seconds, "warm_seconds": warm.seconds,
                       "build_seconds": cold.build_seconds,
                       "cycles_a_second": round(warm.simulated_cycles / max(warm.seconds - warm.build_seconds, 1e-3))},
            "differences": {k: v for k, v in compare_with_onnx(path, design).items() if k != "first"},
            "frame_cycles": manifest["frame_cycles"], "measured_frame_cycles": warm.frame_cycles,
            "latency_cycles": manifest["latency_cycles"], "measured_latency_cycles": warm.latency_cycles,
            "slowest_stage_by_formula": max(formula(s, design) for s in manifest["stages"]),
            "macs": manifest["macs"], "estimate": manifest["estimate"],
            "frames_a_second_at_clock": round(manifest["clock_mhz"] * 1e6 / manifest["frame_cycles"]),
            **speed(path, design),
        }  # fmt: skip
        if synth:
            found = design.synthesise()
            result["synth"] = {
                k: getattr(found, k) for k in ("lut", "lut_cells", "ff", "bram36", "dsp", "fmax_mhz", "seconds")
            }
        return result
    finally:
        shutil.rmtree(folder)


def formula(stage: dict[str, Any], design: Design) -> int:
    """⌈rows/PE⌉·⌈columns/SIMD⌉ for each vector of a matrix-vector stage."""
    nodes = {n.name: n for n in design.graph.nodes}
    node = nodes[stage["value"]]
    while node.op.mnemonic not in ("dense", "xnor"):
        if node.input not in nodes:
            return int(stage["cycles"])
        node = nodes[node.input]
    rows, columns = node.op.weight.shape  # type: ignore[attr-defined]
    return ceil(rows / stage["pe"]) * ceil(columns / stage["simd"]) * (node.type.size // rows)


def speed(path: Path, design: Design, frames: int = 256) -> dict[str, Any]:
    """Frames a second of the reference, and of the runtime that the model needs, on the same batch."""
    (source,) = design.graph.inputs
    codes = reference.random_codes(design.graph.types[source], frames, 3)
    reference.run(design.graph, codes[:8])
    _, ours = timed(lambda: reference.run(design.graph, codes), repeat=5)
    samples = design.boundary.input.check(codes.reshape(frames, *design.boundary.input.shape))
    x = samples.astype(design.boundary.input_dtype)
    model = load(path)
    oracle.run(model, x[:2])
    _, theirs = timed(lambda: oracle.run(model, x), repeat=2)
    return {
        "reference_fps": round(frames / ours),
        "runtime_fps": round(frames / theirs),
        "reference_over_runtime": round(theirs / ours, 1),
    }


def timed(action: Callable[[], T], repeat: int = 1) -> tuple[T, float]:
    """The result and the least seconds of so many calls."""
    best, result = float("inf"), None
    for _ in range(repeat):
        start = time.perf_counter()
        result = action()
        best = min(best, time.perf_counter() - start)
    return result, best  # type: ignore[return-value]


def line(row: dict[str, Any]) -> str:
    verify = row["verify"]
    return (
        f"{row['name']:14} compile {row['compile_seconds']:5.2f} s  verify cold {verify['cold_seconds']:6.2f} warm {verify['warm_seconds']:5.2f} s  "
        f"{row['frame_cycles']:6} cycles  {row['frames_a_second_at_clock']:>11,} frames/s  "
        f"reference {row['reference_fps']:>9,}/s = {row['reference_over_runtime']:g}x the runtime  {'ok' if verify['ok'] else 'FAILED'}"
    )


if __name__ == "__main__":
    main()
