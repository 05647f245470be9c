"""Measure every network: compile, verification, reference speed beside the runtimes, cycles, and resources.

    python -m benchmarks [--extra MODEL[:INPUT_TYPE]] [--synth] [--json FILE] [PART OF A NAME …]

Prints one line a network and writes JSON; rows of the file that are not measured now stay as they are. Times are of this
machine and noisy: read the ratios (same process, same batch) and the counts.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from benchmarks.figures import compile_watched, figures, stage_cycles
from bitwright.compare import compare_with_onnx
from bitwright.design import Design
from bitwright.sim import reference

T = TypeVar("T")
FRAMES, FEW_FRAMES, LONG = 10, 2, 3500  # frames to verify, and those of a network of more than so many cycles a frame
LARGE = 1 << 20  # multiply-accumulates a frame from which the reference is timed on fewer frames
MODELS = Path(__file__).parent.parent / "tests" / "models"
NETWORKS: dict[str, str | None] = {
    "tfc_1w1a": None,
    "tfc_2w2a": None,
    "unsw_w2a2": "bipolar",
    "kwsmlp_w3a3": None,
    "ad08": "fixed<16,8>",
    "ad01_int8": None,
    "hello_world": None,
    "cnv_1w1a": "int8",
    "cnv_2w2a": "int8",
    "rn08": None,
    "ic_resnet8_int8": None,
    "kws_dscnn_int8": None,
    "vww_mobilenet_int8": None,
    "micro_speech_int8": None,
    "espcn_subpixel": "ufixed<8,0>",
    "vgg10_w8a8": None,
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
    rows = {r["name"]: r for r in json.loads(options.json.read_text())["networks"]} if options.json.exists() else {}
    for name, path, input_type in networks:
        if options.names and not any(part in name for part in options.names):
            continue
        rows[name] = {"name": name, **measure(path, input_type, options.synth)}
        print(line(rows[name]), flush=True)
        options.json.parent.mkdir(parents=True, exist_ok=True)
        kept = [rows[n] for n, _, _ in networks if n in rows]
        options.json.write_text(json.dumps({"networks": kept}, indent=1) + "\n")


def measure(path: Path, input_type: str | None, synth: bool) -> dict[str, Any]:
    """All figures of one network at the fastest folding that fits the Pynq-Z2."""
    folder = Path(tempfile.mkdtemp(prefix="bitwright-bench-"))
    try:
        found = compile_watched(path, folder / "d", input_type=input_type)
        design, manifest = found.design, found.design.manifest
        frames = FRAMES if manifest["frame_cycles"] < LONG else FEW_FRAMES
        cold = design.verify(samples=frames)
        warm = design.verify(samples=frames)
        rate = warm.simulated_cycles / max(warm.seconds - warm.build_seconds, 1e-3)
        result: dict[str, Any] = {
            "compile_seconds": round(found.seconds, 2),
            "verify": {"ok": cold.ok and warm.ok, "frames": frames, "cold_seconds": cold.seconds,
                       "warm_seconds": warm.seconds, "build_seconds": cold.build_seconds,
                       "cycles_a_second": round(rate), "frames_a_second": round(rate / manifest["frame_cycles"], 2)},
            "differences": {k: v for k, v in compare_with_onnx(path, design).items() if k != "first"},
            "frame_cycles": manifest["frame_cycles"], "measured_frame_cycles": warm.frame_cycles,
            "latency_cycles": manifest["latency_cycles"], "measured_latency_cycles": warm.latency_cycles,
            "slowest_stage_by_formula": max(stage_cycles(s) for s in manifest["stages"]),
            **figures(found), "estimate": manifest["estimate"],
            "frames_a_second_at_clock": round(manifest["clock_mhz"] * 1e6 / manifest["frame_cycles"]),
            **speed(path, design, 256 if manifest["macs"] < LARGE else 32),
        }  # fmt: skip
        if synth:
            counted = design.synthesise()
            result["synth"] = {
                k: getattr(counted, k) for k in ("lut", "lut_cells", "ff", "bram36", "dsp", "fmax_mhz", "seconds")
            }
        return result
    finally:
        shutil.rmtree(folder)


def speed(path: Path, design: Design, frames: int) -> dict[str, Any]:
    """Frames a second of the reference and of the model's own runtime, on the same frames.

    The runtime is onnxruntime without graph optimisations for plain ONNX, and the qonnx executor for QONNX.
    """
    (source,) = design.graph.inputs
    codes = reference.random_codes(design.graph.types[source], frames, 3)
    reference.run(design.graph, codes)
    _, ours = timed(lambda: reference.run(design.graph, codes), repeat=5)
    x = codes.reshape(frames, *design.boundary.input.shape).astype(design.boundary.input_dtype)
    name, count, theirs = runtime(path, x)
    return {
        "reference_fps": round(frames / ours),
        "runtime": name,
        "runtime_fps": round(count / theirs, 1),
        "reference_over_runtime": round(frames / ours * theirs / count, 1),
    }


def runtime(path: Path, x: np.ndarray) -> tuple[str, int, float]:
    """The runtime's name, the frames that it was given one by one, and the seconds that it took."""
    import onnxruntime

    try:
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception:  # custom operators: onnxruntime refuses them with many kinds of error
        return ("qonnx", *_qonnx(path, x[:5]))
    port = session.get_inputs()[0].name
    session.run(None, {port: x[:1]})
    _, seconds = timed(lambda: [session.run(None, {port: frame[None]}) for frame in x], repeat=3)
    return "onnxruntime", len(x), seconds


def _qonnx(path: Path, x: np.ndarray) -> tuple[int, float]:
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx
    from qonnx.util.cleanup import cleanup_model

    model = cleanup_model(ModelWrapper(str(path)))
    port = model.graph.input[0].name
    execute_onnx(model, {port: x[:1]})
    _, seconds = timed(lambda: [execute_onnx(model, {port: frame[None]}) for frame in x], repeat=2)
    return len(x), seconds


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
        f"{row['name']:18} compile {row['compile_seconds']:5.2f} s  verify cold {verify['cold_seconds']:6.2f} warm {verify['warm_seconds']:5.2f} s  "
        f"{row['frame_cycles']:6} cycles  {row['frames_a_second_at_clock']:>11,} frames/s  "
        f"utilisation {row['multiplier_utilisation'] or 0:4.2f}  MACs/DSP {row['macs_a_dsp_cycle'] or 0:5.2f}  "
        f"packing {row['weights']['packing'] or 0:4.2f}  "
        f"reference {row['reference_fps']:>9,}/s = {row['reference_over_runtime']:g}x {row['runtime']}  {'ok' if verify['ok'] else 'FAILED'}"
    )


if __name__ == "__main__":
    main()
