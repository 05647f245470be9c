"""What the control port and weights that can be written cost: the compile's estimate beside what Yosys counts.

    python -m benchmarks.control [--json FILE] [PART OF A NAME …]

One to two minutes a design; LUTs are the carry-aware count, as in `benchmarks.resources`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import bitwright
from benchmarks.__main__ import MODELS, NETWORKS
from bitwright.report import RESOURCES

TARGETS = {"tfc_1w1a": 2000, "tfc_2w2a": 2000}
"""Cycles a frame."""

DESIGNS: dict[str, dict[str, str]] = {
    "plain": {},
    "control": {"control": "axilite"},
    "rewritable": {"control": "axilite", "rewritable": "all"},
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.control")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--json", type=Path, default=Path("build/control.json"))
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for name, target in TARGETS.items():
        if options.names and not any(part in name for part in options.names):
            continue
        for kind, chosen in DESIGNS.items():
            with tempfile.TemporaryDirectory() as folder:
                path, build = MODELS / f"{name}.onnx", Path(folder) / "d"
                design = bitwright.compile(path, build, input_type=NETWORKS[name], target_cycles=target, **chosen)
                found = design.synthesise()
            estimate, cycles = design.manifest["estimate"], design.manifest["frame_cycles"]
            synth = {key: getattr(found, key) for key in (*RESOURCES, "lut_cells", "fmax_mhz", "seconds")}
            rows.append({"name": name, "design": kind, "frame_cycles": cycles, "estimate": estimate, "yosys": synth})
            told = "  ".join(f"{key} {estimate[key]:g} / {synth[key]:g}" for key in RESOURCES)
            print(f"{name} {kind:11} {cycles:6} cycles  estimate / Yosys: {told}", flush=True)
            options.json.parent.mkdir(parents=True, exist_ok=True)
            options.json.write_text(json.dumps({"designs": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
