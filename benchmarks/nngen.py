"""Two int8 networks beside what NNgen makes of them: cycles a frame at no more LUTs and DSPs.

    python -m benchmarks.nngen FOLDER [--json FILE] [--no-synth] [PART OF A NAME …]

FOLDER holds `mlp_784_128_10_int8_qdq.onnx` and `cnn_32x32_int8_qdq.onnx` (784-128-10; two 3×3 convolutions with pooling and two
dense layers). NNgen 1.3.4 compiled the same networks; its RTL was simulated in Verilator and counted by Yosys' `synth_xilinx`.
NNgen keeps weights in external memory, here a simple model of one; ours are all on the chip.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.boards import FRAMES, resources
from benchmarks.figures import compile_watched, figures, ratio


@dataclass(frozen=True, slots=True)
class Build:
    """A build of NNgen's at a parallelism."""

    parallelism: str
    cycles: int
    lut: int | None = None
    ff: int | None = None
    bram36: float | None = None
    dsp: int | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A network, NNgen's builds of it, which of them ours is held against, and the options that ours is compiled with."""

    name: str
    builds: tuple[Build, ...]
    beside: str
    options: dict[str, Any]
    fewer: float
    """Times fewer cycles that ours should take."""
    dsp_work: float | None = None
    """Times more multiply-accumulates a DSP and cycle that ours should do."""


CASES = (
    Case(
        "cnn_32x32_int8_qdq",
        (Build("1", 1_218_337, 16_549, 17_627, 49, 13), Build("2x2", 384_369, 22_028, 29_157, 38, 44),
         Build("4x4, 64-bit AXI", 170_377)),
        "2x2", {"target_cycles": 36_864, "margin": 0.05}, 10, 4,
    ),
    Case(
        "mlp_784_128_10_int8_qdq",
        (Build("1", 104_233, 5_517, 6_930, 7, 5), Build("4", 35_585, 9_066, 16_733, 5, 32),
         Build("8x8, 64-bit AXI", 19_945)),
        "4", {"target_cycles": 784}, 10,
    ),
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nngen")
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", help="parts of the networks' names")
    parser.add_argument("--json", type=Path, default=Path("build/nngen.json"))
    parser.add_argument("--no-synth", action="store_true", help="simulate only")
    options = parser.parse_intermixed_args()
    rows = {r["name"]: r for r in json.loads(options.json.read_text())["networks"]} if options.json.exists() else {}
    for case in CASES:
        if options.names and not any(part in case.name for part in options.names):
            continue
        rows[case.name] = measure(case, options.folder / f"{case.name}.onnx", not options.no_synth)
        print(line(rows[case.name]), flush=True)
        options.json.parent.mkdir(parents=True, exist_ok=True)
        kept = [rows[c.name] for c in CASES if c.name in rows]
        options.json.write_text(json.dumps({"networks": kept}, indent=1) + "\n")


def measure(case: Case, model: Path, synth: bool) -> dict[str, Any]:
    """Our figures, NNgen's, and the ratios to the build that ours is held against."""
    with tempfile.TemporaryDirectory() as folder:
        found = compile_watched(model, Path(folder) / "d", **case.options)
        verified = found.design.verify(samples=FRAMES)
        manifest = found.design.manifest
        row: dict[str, Any] = {
            "name": case.name, "options": case.options, "frame_cycles": manifest["frame_cycles"],
            "latency_cycles": manifest["latency_cycles"],
            "verify": {"frames": FRAMES, "ok": verified.ok, "frame_cycles": verified.frame_cycles,
                       "latency_cycles": verified.latency_cycles},
            **figures(found), "compile_seconds": round(found.seconds, 2), "estimate": manifest["estimate"],
        }  # fmt: skip
        if synth:
            row |= resources(found.design)
    peer = next(b for b in case.builds if b.parallelism == case.beside)
    has = row.get("yosys", row["estimate"])
    work = ratio(row["macs_built"] / row["frame_cycles"], has["dsp"])
    theirs = manifest["macs"] / peer.cycles / (peer.dsp or 1)
    row["nngen"] = [{k: v for k, v in asdict(b).items() if v is not None} for b in case.builds]
    row["beside"] = {
        "parallelism": case.beside,
        "times_fewer_cycles": ratio(peer.cycles, row["frame_cycles"]),
        "lut_over_theirs": ratio(has["lut"], peer.lut or 1),
        "dsp_over_theirs": ratio(has["dsp"], peer.dsp or 1),
        "macs_a_dsp_cycle": work,
        "their_macs_a_dsp_cycle": round(theirs, 3),
    }
    aims = {
        "cycles": row["beside"]["times_fewer_cycles"] >= case.fewer,
        "lut": has["lut"] <= (peer.lut or 0),
        "dsp": has["dsp"] <= (peer.dsp or 0),
        "verify": verified.ok,
        "dsp_work": not case.dsp_work or work is None or work >= case.dsp_work * theirs,
    }
    row["missed"] = [name for name, reached in aims.items() if not reached]
    return row


def line(row: dict[str, Any]) -> str:
    has, beside = row.get("yosys", row["estimate"]), row["beside"]
    return (
        f"{row['name']:26} {row['frame_cycles']:,} cycles, {beside['times_fewer_cycles']} times fewer than NNgen {beside['parallelism']}  "
        f"{has['lut']:,} LUT {has['bram36']} BRAM {has['dsp']} DSP, {beside['macs_a_dsp_cycle']} MACs a DSP and cycle "
        f"(theirs {beside['their_macs_a_dsp_cycle']})  missed: {row['missed'] or 'nothing'}"
    )


if __name__ == "__main__":
    main()
