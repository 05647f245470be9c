"""The compile's estimate beside what Yosys counts, for each network at a moderate folding.

    python -m benchmarks.resources [--json FILE] [PART OF A NAME …]

LUTs are the carry-aware count (within about 10 % of Vivado's on public cores); one to two minutes a network.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import bitwright
from benchmarks.__main__ import MODELS, NETWORKS

TARGETS = {
    "tfc_1w1a": 49,
    "tfc_2w2a": 100,
    "unsw_w2a2": 100,
    "kwsmlp_w3a3": 1024,
    "ad08": 288,
    "ad01_int8": 3000,
    "hello_world": 16,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.resources")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--json", type=Path, default=Path("build/resources.json"))
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for name, target in TARGETS.items():
        if options.names and not any(part in name for part in options.names):
            continue
        with tempfile.TemporaryDirectory() as folder:
            path = MODELS / f"{name}.onnx"
            design = bitwright.compile(path, Path(folder) / "d", input_type=NETWORKS[name], target_cycles=target)
            found = design.synthesise()
        estimate = design.manifest["estimate"]
        synth = {k: getattr(found, k) for k in ("lut", "lut_cells", "ff", "bram36", "dsp", "fmax_mhz", "seconds")}
        ratio = round(estimate["lut"] / found.lut, 3)
        cycles = design.manifest["frame_cycles"]
        rows.append({"name": name, "frame_cycles": cycles, "estimate": estimate, "yosys": synth, "lut_ratio": ratio})
        print(f"{name:14} {cycles:6} cycles  LUT {estimate['lut']:6} / {found.lut:6} = {ratio:5.2f}  FF {estimate['ff']:6} / {found.ff:6}  "
              f"BRAM {estimate['bram36']} / {found.bram36}  DSP {estimate['dsp']} / {found.dsp}  {found.seconds} s", flush=True)  # fmt: skip
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({"networks": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
