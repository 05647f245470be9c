"""Networks on the Pynq-Z2 at a target rate, beside what others published for the same chip.

    python -m benchmarks.boards [--json FILE] [--no-synth] [--builds DIR] [PART OF A NAME …]

Each design is compiled for its target, simulated (every value is compared; the cycles between frames and the latency
are measured), and synthesised with Yosys: two to twelve minutes a network. Rows of the JSON file that are not measured now
stay as they are.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.__main__ import MODELS, NETWORKS
from benchmarks.figures import compile_watched, figures, ratio
from bitwright.boards import load_board
from bitwright.design import Design

BOARD = "pynq-z2"
FRAMES = 6  # more than the simulation needs to see the steady interval


@dataclass(frozen=True, slots=True)
class Peer:
    """What somebody published for the same network; resources as they count them, `fps` frames a second."""

    source: str
    fps: float
    clock_mhz: float | None = None
    latency_us: float | None = None
    lut: int | None = None
    ff: int | None = None
    bram36: float | None = None
    dsp: int | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A design to build (`options` of the compile), what it should reach, and its peers."""

    name: str
    options: dict[str, Any]
    fps: float
    most: dict[str, float] = field(default_factory=dict[str, float])
    """Of `lut`, `ff`, `bram36`, `dsp` and `latency_us`; the chip is the limit of what is not told."""
    peers: tuple[Peer, ...] = ()


FPGACONVNET = "fpgaConvNet, MLPerf Tiny, ZedBoard (same chip)"
FINN_FOLDING = "FINN, the cycles of its own folding at 100 MHz"
FINN_BOARD = "FINN, MLPerf Tiny v0.7, Pynq-Z2"
BNN_PYNQ = "BNN-PYNQ, its cycle formula at 300 MHz, Pynq"
TARGETS = (
    Target(
        "cnv_1w1a", {"target_fps": 6_900}, 3_052, {"lut": 22_714, "bram36": 100, "latency_us": 1_000},
        (Peer(FINN_BOARD, 661, None, 1_510, 22_714, 31_508, 100.5), Peer(FINN_FOLDING, 3_052, 100),
         Peer(BNN_PYNQ, 9_150, 300)),
    ),
    Target("kws_dscnn_int8", {"target_fps": 5_900}, 5_000, peers=(Peer(FPGACONVNET, 3_088, 143),)),
    Target(
        "ic_resnet8_int8", {"target_fps": 2_500}, 2_000,
        peers=(Peer(FPGACONVNET, 2_431, 143, lut=47_000, bram36=93, dsp=211),),
    ),
    Target("vww_mobilenet_int8", {"target_fps": 4_800}, 2_000, peers=(Peer(FPGACONVNET, 105, 143),)),
    Target("rn08", {"target_fps": 3_000}, 2_000, peers=(Peer("hls4ml, MLPerf Tiny v1.0, Pynq-Z2", 130.8),)),
    Target(
        "cnv_2w2a", {"target_fps": 3_450}, 3_000,
        peers=(Peer(FINN_FOLDING, 868, 100), Peer(BNN_PYNQ, 2_580, 300)),
    ),
    Target(
        "kwsmlp_w3a3", {"target_fps": 256_000}, 255_000,
        peers=(Peer(FINN_BOARD, 57_268, None, 17.5), Peer(FINN_FOLDING, 255_000, 100)),
    ),
    Target("tfc_1w1a", {"target_fps": 1_570_000}, 1_560_000, peers=(Peer(FINN_FOLDING, 1_560_000, 100),)),
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.boards")
    parser.add_argument("names", nargs="*", help="parts of the networks' names")
    parser.add_argument("--json", type=Path, default=Path("build/boards.json"))
    parser.add_argument("--no-synth", action="store_true", help="simulate only")
    parser.add_argument("--builds", type=Path, help="keep the build directories here")
    options = parser.parse_args()
    rows = {r["name"]: r for r in json.loads(options.json.read_text())["designs"]} if options.json.exists() else {}
    for target in TARGETS:
        if options.names and not any(part in target.name for part in options.names):
            continue
        with tempfile.TemporaryDirectory() as folder:
            rows[target.name] = measure(target, (options.builds or Path(folder)) / target.name, not options.no_synth)
        print(line(rows[target.name]), flush=True)
        options.json.parent.mkdir(parents=True, exist_ok=True)
        kept = [rows[t.name] for t in TARGETS if t.name in rows]
        options.json.write_text(json.dumps({"board": BOARD, "chip": chip(), "designs": kept}, indent=1) + "\n")


def chip() -> dict[str, float]:
    board = load_board(BOARD)
    return {"lut": board.lut, "ff": board.ff, "bram36": board.bram36, "dsp": board.dsp}


def measure(target: Target, folder: Path, synth: bool) -> dict[str, Any]:
    """A design's speed by simulation and its resources by Yosys, what it misses, and its peers."""
    found = compile_watched(
        MODELS / f"{target.name}.onnx", folder, board=BOARD, input_type=NETWORKS[target.name], **target.options
    )
    manifest = found.design.manifest
    verified = found.design.verify(samples=FRAMES, jobs=1)
    clock = manifest["clock_mhz"]
    row: dict[str, Any] = {
        "name": target.name, "options": target.options, "clock_mhz": clock,
        "frame_cycles": manifest["frame_cycles"], "fps": round(clock * 1e6 / manifest["frame_cycles"]),
        "latency_us": round(manifest["latency_cycles"] / clock, 2), "aim": {"fps": target.fps, **target.most},
        "verify": {"frames": FRAMES, "ok": verified.ok, "frame_cycles": verified.frame_cycles,
                   "latency_cycles": verified.latency_cycles, "failure": verified.failure},
        **figures(found), "compile_seconds": round(found.seconds, 2), "estimate": manifest["estimate"],
        "peers": [{k: v for k, v in asdict(p).items() if v is not None} for p in target.peers],
    }  # fmt: skip
    if synth:
        row |= resources(found.design)
    row["missed"] = missed(row)
    return row


def resources(design: Design) -> dict[str, Any]:
    """What Yosys counts, and the estimate over that."""
    found, guess = design.synthesise(), design.manifest["estimate"]
    counts = {k: getattr(found, k) for k in ("lut", "lut_cells", "ff", "bram36", "dsp")}
    return {
        "yosys": {**counts, "fmax_mhz": found.fmax_mhz, "seconds": found.seconds},
        "estimate_over_yosys": {k: ratio(guess[k], counts[k]) for k in ("lut", "ff", "bram36", "dsp")},
    }


def missed(row: dict[str, Any]) -> list[str]:
    """The aims that a design does not reach."""
    most = chip() | {k: v for k, v in row["aim"].items() if k != "fps"}
    has = {**row["estimate"], **row.get("yosys", {}), "latency_us": row["latency_us"]}
    wrong = [f"{k}: {has[k]} of {v}" for k, v in most.items() if has[k] > v]
    wrong += [f"fps: {row['fps']} of {row['aim']['fps']}"] if row["fps"] < row["aim"]["fps"] else []
    return wrong + ([] if row["verify"]["ok"] else ["verify"])


def line(row: dict[str, Any]) -> str:
    has, kind = (row["yosys"], "Yosys") if "yosys" in row else (row["estimate"], "estimate")
    over = f" ({row['estimate']['lut'] / has['lut']:.2f} estimated)" if kind == "Yosys" else ""
    return (
        f"{row['name']:20} {row['fps']:>9,} frames/s (aim {row['aim']['fps']:,})  {row['latency_us']:8,.1f} us  {kind}: "
        f"{has['lut']:,} LUT{over} {has['ff']:,} FF {has['bram36']} BRAM {has['dsp']} DSP  missed: {row['missed'] or 'nothing'}"
    )


if __name__ == "__main__":
    main()
