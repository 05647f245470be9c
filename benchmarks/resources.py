"""The compile's estimate beside what Yosys counts, for each network at a moderate folding.

    python -m benchmarks.resources [--json FILE] [PART OF A NAME …]

LUTs are the carry-aware count (within about 10 % of Vivado's on public cores); one to two minutes a network. Rows of the file
that are not measured now stay as they are.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bitwright
from benchmarks.__main__ import MODELS, NETWORKS
from bitwright.report import RESOURCES

TARGETS = {
    "tfc_1w1a": 49,
    "tfc_2w2a": 100,
    "unsw_w2a2": 100,
    "kwsmlp_w3a3": 1024,
    "ad08": 288,
    "ad01_int8": 3000,
    "hello_world": 16,
}
"""Cycles a frame."""


@dataclass(frozen=True)
class Job:
    """A network to compile for so many cycles a frame; `design` tells apart those with different `options`."""

    name: str
    cycles: int
    design: str = ""
    options: dict[str, str] = field(default_factory=dict[str, str])

    def measure(self) -> dict[str, Any]:
        """The row of the JSON file."""
        with tempfile.TemporaryDirectory() as folder:
            path, build = MODELS / f"{self.name}.onnx", Path(folder) / "d"
            design = bitwright.compile(
                path, build, input_type=NETWORKS[self.name], target_cycles=self.cycles, **self.options
            )
            found = design.synthesise()
        estimate, cycles = design.manifest["estimate"], design.manifest["frame_cycles"]
        synth = {key: getattr(found, key) for key in (*RESOURCES, "lut_cells", "fmax_mhz", "seconds")}
        row = {"name": self.name, "design": self.design} if self.design else {"name": self.name}
        ratio = round(estimate["lut"] / found.lut, 3)
        return row | {"frame_cycles": cycles, "estimate": estimate, "yosys": synth, "lut_ratio": ratio}


def run(program: str, key: str, jobs: Sequence[Job]) -> None:
    """Measure those of the jobs that the command line asks for, and put their rows under `key` of the JSON file."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{program}")
    parser.add_argument("names", nargs="*", help="parts of the networks' names")
    parser.add_argument("--json", type=Path, default=Path(f"build/{program}.json"))
    options = parser.parse_args()
    kept = json.loads(options.json.read_text())[key] if options.json.exists() else []
    rows = {(row["name"], row.get("design", "")): row for row in kept}
    for job in jobs:
        if options.names and not any(part in job.name for part in options.names):
            continue
        row = rows[job.name, job.design] = job.measure()
        told = "  ".join(f"{k} {row['estimate'][k]:g} / {row['yosys'][k]:g}" for k in RESOURCES)
        print(f"{job.name:12} {job.design:12} {row['frame_cycles']:6} cycles  estimate / Yosys: {told}  "
              f"(LUT {row['lut_ratio']:.2f})  {row['yosys']['seconds']} s", flush=True)  # fmt: skip
        options.json.parent.mkdir(parents=True, exist_ok=True)
        ordered = [rows[j.name, j.design] for j in jobs if (j.name, j.design) in rows]
        options.json.write_text(json.dumps({key: ordered}, indent=1) + "\n")


if __name__ == "__main__":
    run("resources", "networks", [Job(name, cycles) for name, cycles in TARGETS.items()])
