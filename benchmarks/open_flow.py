"""Bitstreams by open tools: networks on boards with an open flow, from the model to the placed chip.

    python -m benchmarks.open_flow [--json FILE] [--builds DIR] [--models DIR] [PART OF A NAME …]

Each design is compiled, simulated (every value is compared), synthesised, placed and routed: half a minute to twenty. Rows of
the JSON file that are not measured now stay as they are.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.__main__ import MODELS
from bitwright import compile
from bitwright.design import Design

FRAMES = 4


@dataclass(frozen=True, slots=True)
class Target:
    """A network on a board, with the options of the compile."""

    model: str
    board: str
    options: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def name(self) -> str:
        return f"{self.model}@{self.board}"


TARGETS = (
    Target("tfc_1w1a", "ulx3s-85f", {"target_fps": 200_000}),
    Target("qkeras_jettagging", "ulx3s-85f", {"target_cycles": 100, "input_type": "fixed<16,6>"}),
    Target("tfc_1w1a", "icebreaker", {"target_fps": 900}),
    Target("hello_world", "icebreaker", {"target_cycles": 300}),
    Target("tfc_2w2a", "tang-nano-9k", {"target_fps": 2_000}),
    Target("hello_world", "tang-nano-9k", {"target_cycles": 300}),
    Target("tfc_1w1a", "ice40-hx8k", {"target_fps": 1_800}),
    Target("kwsmlp_w3a3", "orangecrab-85f", {"target_fps": 5_000}),
    Target("tfc_2w2a", "tang-nano-20k", {"target_fps": 20_000}),
    Target("hello_world", "ulx3s-85f", {"target_cycles": 300}),
    Target("micro_speech_int8", "ulx3s-85f", {"target_fps": 2_000}),
    Target("rn08", "ulx3s-85f", {"target_fps": 400}),
    Target("kws_dscnn_int8", "ulx3s-85f", {"target_fps": 500}),
    Target("cnv_1w1a", "ulx3s-85f", {"target_fps": 500, "input_type": "fixed<8,1>"}),
    Target("ad01_int8", "ulx3s-85f", {"target_fps": 5_000}),
    Target("ic_resnet8_int8", "ulx3s-85f", {"target_fps": 200}),
    Target("vww_mobilenet_int8", "ulx3s-85f", {"target_fps": 200}),
    Target("cnv_2w2a", "ulx3s-85f", {"target_fps": 300, "input_type": "fixed<8,1>"}),
    Target("vgg10_w8a8", "ulx3s-85f", {"target_fps": 500}),
    Target("tfc_2w2a", "ulx3s-85f", {"target_fps": 50_000}),
    Target("kwsmlp_w3a3", "ulx3s-85f", {"target_fps": 5_000}),
    Target("ad08", "ulx3s-85f", {"target_fps": 5_000, "input_type": "fixed<16,8>"}),
    Target("unsw_w2a2", "ulx3s-85f", {"target_fps": 50_000, "input_type": "bipolar"}),
    Target("espcn_subpixel", "ulx3s-85f", {"target_fps": 50, "input_type": "ufixed<8,0>"}),
    Target("qkeras_mnist_cnn", "ulx3s-85f", {"target_fps": 2_000}),
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.open_flow")
    parser.add_argument("names", nargs="*", help="parts of NETWORK@BOARD")
    parser.add_argument("--json", type=Path, default=Path("build/open_flow.json"))
    parser.add_argument("--builds", type=Path, help="keep the build directories here")
    parser.add_argument(
        "--models", type=Path, default=MODELS, help="the folder of the networks that the tests have not"
    )
    options = parser.parse_args()
    rows = {r["name"]: r for r in json.loads(options.json.read_text())["designs"]} if options.json.exists() else {}
    for target in TARGETS:
        if options.names and not any(part in target.name for part in options.names):
            continue
        path = next((p for p in (f / f"{target.model}.onnx" for f in (MODELS, options.models)) if p.exists()), None)
        if path is None:
            print(f"{target.name}: no such model; --models names its folder")
            continue
        with tempfile.TemporaryDirectory() as folder:
            rows[target.name] = measure(target, path, (options.builds or Path(folder)) / target.name.replace("@", "-"))
        print(line(rows[target.name]), flush=True)
        options.json.parent.mkdir(parents=True, exist_ok=True)
        kept = [rows[t.name] for t in TARGETS if t.name in rows]
        options.json.write_text(json.dumps({"designs": kept}, indent=1) + "\n")


def measure(target: Target, path: Path, folder: Path) -> dict[str, Any]:
    """A design from its model to its bitstream."""
    start = time.perf_counter()
    design = compile(path, folder, board=target.board, **target.options)
    compiled = time.perf_counter() - start
    verified = design.verify(samples=FRAMES)
    return {
        "name": target.name, "options": target.options, "compile_seconds": round(compiled, 2),
        "frame_cycles": design.manifest["frame_cycles"], "latency_cycles": design.manifest["latency_cycles"],
        "verify": {"frames": FRAMES, "ok": verified.ok, "failure": verified.failure},
        **placed(design),
    }  # fmt: skip


def placed(design: Design) -> dict[str, Any]:
    """What place and route says, and the estimate over that. Frames a second are the accelerator's and the serial line's."""
    found, guess, board = design.make_bitstream(), design.manifest["estimate"], design.board()
    assert board.uart is not None
    bytes_a_frame = max(design.boundary.input.frame_bytes, design.boundary.output.frame_bytes)
    counts = {k: getattr(found, k) for k in ("lut", "lut_cells", "ff", "bram", "bram36", "dsp")}
    return {
        "clock_mhz": found.clock_mhz, "fmax_mhz": found.fmax_mhz, "meets_clock": found.meets_clock,
        "fps": round(found.clock_mhz * 1e6 / design.manifest["frame_cycles"]),
        "fps_over_the_line_at_most": round(board.uart.baud / 10 / bytes_a_frame),
        "estimate": guess, "placed": counts,
        "estimate_over_placed": {k: round(guess[k] / counts[k], 3) for k in ("lut", "ff", "bram36", "dsp") if counts[k]},
        "bitstream_bytes": Path(found.bitstream).stat().st_size,
        "seconds": {"synthesis": found.synthesis_seconds, "place_route_pack": round(found.seconds - found.synthesis_seconds, 2)},
    }  # fmt: skip


def line(row: dict[str, Any]) -> str:
    has, ratio = row["placed"], row["estimate_over_placed"]
    return (
        f"{row['name']:32} {row['fps']:>9,} frames/s at {row['clock_mhz']:g} MHz ({row['fmax_mhz']} reached)  "
        f"{has['lut']:,} LUT ({ratio['lut']:.2f} estimated) {has['ff']:,} FF {has['bram']} BRAM ({ratio.get('bram36', 1):.2f}) "
        f"{has['dsp']} DSP ({ratio.get('dsp', 1):.2f})  {sum(row['seconds'].values()):.0f} s  {'ok' if row['verify']['ok'] else 'FAILED'}"
    )


if __name__ == "__main__":
    main()
