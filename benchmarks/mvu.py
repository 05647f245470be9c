"""The matrix-vector unit, PE 8 × SIMD 8, beside FINN's RTL unit of the same size.

    python -m benchmarks.mvu [--json FILE] [PART OF A NAME …]

Both come from `synth_xilinx -family xc7 -flatten -noiopad`. FINN's unit (its `mvu_vvu_axi` with the replay buffer) takes its
weights from a stream: no weight memory is in its figures. Ours hold everything: control, input ring, multipliers, adder
trees, accumulators, and 64 words of weights. Where those are in block RAM, what is left in LUTs is what FINN's counts too.
`lut` is the carry-aware count of `bitwright.boards.netlist`, `lut_cells` the plain sum of LUT cells.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.area import Case, write_probe
from bitwright.boards import netlist
from bitwright.ir.netlist import Fold, Multiplier, Ram
from bitwright.ir.types import IntType, TensorType
from bitwright.ops.dense import Dense
from bitwright.ops.xnor import Xnor

PE = SIMD = 8
SIZE = 64  # rows and columns, so that the weights are SIZE² / (PE·SIMD) = 64 words

FINN = {8: (1521, 1695, 32), 4: (1097, 1187, 16), 3: (975, 1071, 16), 2: (879, 969, 8)}
"""LUTs, flip-flops and DSPs of FINN's RTL unit by the bits of weights and activations: its own sources, synthesised."""

SCRIPT = """
import sys
from pyosys import libyosys
design = libyosys.Design()
for line in sys.argv[1:]:
    libyosys.run_pass(line, design)
"""


def cases() -> Iterator[tuple[Case, int]]:
    """Weights of the whole range of their type; unsigned activations, as a ReLU gives them. With the bits of both."""
    rng = np.random.default_rng(0)
    for bits in FINN:
        half = 1 << (bits - 1)
        weight = rng.integers(-half, half, (SIZE, SIZE))
        weight[0, 0] = -half
        op, x = Dense(weight, np.zeros(SIZE, np.int64)), TensorType.of((SIZE,), IntType(bits, False))
        narrow = Dense(np.maximum(weight, 1 - half), np.zeros(SIZE, np.int64))
        for kind in (Multiplier.DSP, Multiplier.LUT):
            for memory in Ram:
                label = f"w{bits}a{bits} {kind.name.lower()}, weights {memory.name.lower()}"
                yield (label, op, x, Fold(PE, SIMD, kind, memory)), bits
                if kind is Multiplier.DSP and memory is Ram.BLOCK:
                    yield (f"{label}, no least weight", narrow, x, Fold(PE, SIMD, kind, memory)), bits
    op, x = Xnor(rng.integers(0, 2, (SIZE, SIZE)), np.zeros(SIZE, np.int64)), TensorType.of((SIZE,), IntType(1, False))
    for memory in Ram:
        yield (f"w1a1 xnor, weights {memory.name.lower()}", op, x, Fold(PE, SIMD, Multiplier.XNOR, memory)), 1


def synthesise(rtl: Path, out: Path) -> netlist.Counts:
    """The plain script, the one that FINN's figures come from."""
    sources = sorted(path.name for path in rtl.glob("*.v"))
    script = [*(f"read_verilog {name}" for name in sources), "hierarchy -check -top probe",
              "synth_xilinx -family xc7 -flatten -noiopad -top probe", f"write_json {out}"]  # fmt: skip
    subprocess.run(
        [sys.executable, "-c", SCRIPT, *script], cwd=rtl, check=True, stdout=subprocess.DEVNULL, env=os.environ
    )
    return netlist.count(netlist.read_netlist(out, "probe"))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mvu")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--json", type=Path, default=Path("build/mvu.json"))
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    print(
        f"{'unit':48}{'LUT':>6}{'cells':>7}{'FF':>6}{'DSP':>5}{'BRAM':>6}{'LUT/MAC':>9}   estimate       FINN LUT FF DSP"
    )
    for (name, op, x, fold), bits in cases():
        if options.names and not any(part in name for part in options.names):
            continue
        with tempfile.TemporaryDirectory() as folder:
            rtl = write_probe(op, x, fold, Path(folder))
            found = synthesise(rtl, Path(folder) / "netlist.json")
        guess, macs = op.estimate(x, op.infer(x), fold).cost, PE * SIMD
        peer = FINN.get(bits) if fold.multiplier is Multiplier.DSP else None
        rows.append({
            "name": name, "lut": found.lut, "lut_cells": found.lut_cells, "ff": found.ff, "dsp": found.dsp,
            "bram36": found.bram36, "lut_per_mac": round(found.lut / macs, 2), "dsp_per_mac": found.dsp / macs,
            "estimate": {"lut": round(guess.lut), "ff": round(guess.ff), "dsp": guess.dsp, "bram36": guess.bram36},
            "finn": dict(zip(("lut", "ff", "dsp"), peer, strict=True)) if peer else None,
        })  # fmt: skip
        print(f"{name:48}{found.lut:6}{found.lut_cells:7}{found.ff:6}{found.dsp:5}{found.bram36:6}{found.lut / macs:9.2f}"
              f"   {guess.lut:.0f} {guess.ff:.0f} {guess.dsp} {guess.bram36}   {peer or ''}", flush=True)  # fmt: skip
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(
            json.dumps({"pe": PE, "simd": SIMD, "words": SIZE * SIZE // macs, "units": rows}, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
