"""C simulation: the accelerator in C++ beside hls4ml's project of the same network, in one run.

    python -m benchmarks.hls [--extra MODEL[:INPUT_TYPE]] [--json FILE] [PART OF A NAME …]

For each: CPU seconds of g++, from an empty cache, and frames a CPU second, from codes to codes.
hls4ml's are of a project with the same arithmetic (`--backend hls4ml`), compiled by its own build_lib.sh, and called once a
frame as its `predict` does; both are compared with the reference first. Networks that hls4ml cannot express have no peer.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.__main__ import MODELS, NETWORKS
from bitwright import compile
from bitwright.design import Design
from bitwright.errors import CompileError
from bitwright.ir.op import Codes
from bitwright.sim import hls, hls4ml, reference

CHECKED = 3  # frames compared before anything is timed
ENOUGH = 1.0  # CPU seconds that a timing takes at least


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hls")
    parser.add_argument("names", nargs="*", help="parts of the networks' names")
    parser.add_argument("--json", type=Path, default=Path("build/hls.json"))
    parser.add_argument("--extra", action="append", default=[], metavar="MODEL[:INPUT_TYPE]")
    options = parser.parse_args()
    networks = [(name, MODELS / f"{name}.onnx", kind) for name, kind in NETWORKS.items()]
    for extra in options.extra:
        path, _, kind = extra.partition(":")
        networks.append((Path(path).stem, Path(path), kind or None))
    rows = {r["name"]: r for r in json.loads(options.json.read_text())["networks"]} if options.json.exists() else {}
    for name, path, kind in networks:
        if options.names and not any(part in name for part in options.names):
            continue
        rows[name] = {"name": name, **measure(path, kind)}
        print(json.dumps(rows[name]), flush=True)
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({"networks": list(rows.values())}, indent=1) + "\n")


def measure(path: Path, input_type: str | None) -> dict[str, Any]:
    """Ours and, where there can be one, hls4ml's, of one network at the fastest folding that fits the Pynq-Z2."""
    with tempfile.TemporaryDirectory(prefix="bitwright-bench-") as scratch:
        os.environ["BITWRIGHT_CACHE"] = f"{scratch}/cache"
        folder = Path(scratch)
        design = compile(path, folder / "d", input_type=input_type, backend="hls")
        (source,) = design.graph.inputs
        codes = design.boundary.input.from_wire(reference.random_codes(design.graph.types[source], 256, 0))
        found = {"macs": design.manifest["macs"]} | _engine(design, "hls", codes)
        try:
            peer = compile(path, folder / "p", input_type=input_type, backend="hls4ml")
        except CompileError as error:
            assert error.code == "E601"
            return found | {"peers": {}, "why": error.message}
        theirs = _engine(peer, "hls4ml", codes)
        ratios = {
            "frames_per_s": round(found["frames_per_s"] / theirs["frames_per_s"], 1),
            "build_cpu_s": round(found["build_cpu_s"] / theirs["build_cpu_s"], 2),
        }
        return found | {"peers": {"hls4ml": theirs}, "ratios": ratios}


def _engine(design: Design, engine: str, codes: Codes) -> dict[str, float]:
    """Build, compare, and run until it has taken long enough."""
    before = _children()
    (hls.compile_cpp if engine == "hls" else hls4ml.compile_project)(design.sources(engine))
    built, count = _children() - before, CHECKED
    np.testing.assert_array_equal(design.run_codes(codes[:count], engine=engine), design.run_codes(codes[:count]))
    while True:
        given = np.resize(codes, (count, *codes.shape[1:]))
        start = time.process_time()
        design.run_codes(given, engine=engine)
        spent = time.process_time() - start
        if spent >= ENOUGH:
            return {"build_cpu_s": round(built, 2), "frames_per_s": float(f"{count / spent:.4g}")}
        count = max(2 * count, int(1.3 * ENOUGH * count / max(spent, 1e-3)))


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
