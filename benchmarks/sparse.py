"""The sparse unit beside the dense one, for pruned layers of 64 × 64 at as many cycles a vector.

    python -m benchmarks.sparse [--json FILE]

Both hold everything: control, buffers, multipliers, accumulators, weights. `lut` is the carry-aware count of the same
`synth_xilinx` run as in `benchmarks.mvu`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.area import write_block, write_probe
from benchmarks.mvu import synthesise
from bitwright.ir.netlist import Fold, Multiplier
from bitwright.ir.types import IntType, TensorType
from bitwright.ops import sparse
from bitwright.ops.dense import Dense

SIZE = 64
# share of weights kept, bits, elements, multiplier
CASES = (
    (0.5, 6, 8, Multiplier.LUT), (0.2, 6, 8, Multiplier.LUT), (0.1, 6, 4, Multiplier.LUT), (0.1, 6, 8, Multiplier.LUT),
    (0.1, 6, 16, Multiplier.LUT), (0.05, 6, 8, Multiplier.LUT), (0.1, 8, 8, Multiplier.DSP),
)  # fmt: skip


def folds(slots: int, kind: Multiplier) -> list[Fold]:
    """Dense foldings with no more cycles."""
    counts = [1 << k for k in range(7)]
    return [
        Fold(pe, simd, kind)
        for pe in counts
        for simd in counts
        if ceil(SIZE / pe) * ceil(SIZE / simd) <= slots < 2 * ceil(SIZE / pe) * ceil(SIZE / simd)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sparse")
    parser.add_argument("--json", type=Path, default=Path("build/sparse.json"))
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for kept, bits, pe, kind in CASES:
        rng = np.random.default_rng(0)
        half = 1 << (bits - 1)
        weight = rng.integers(1 - half, half, (SIZE, SIZE)) * (rng.random((SIZE, SIZE)) < kept)
        op, x = Dense(weight, rng.integers(-9, 9, SIZE)), TensorType.of((SIZE,), IntType(bits, False))
        y, fold = op.infer(x), Fold(pe, 8, kind)
        cycles = sparse.cycles(weight, fold, 1)
        guess = sparse.estimate(weight, op.weight_type, x.elem, y.elem, fold, 1, True).cost
        with tempfile.TemporaryDirectory() as folder:
            block = sparse.block(weight, op.bias, x, y, op.weight_type, fold, 1)
            found = synthesise(write_block(block, 8 * bits, y.elem.width, Path(folder)), Path(folder) / "netlist.json")
        # The dense unit whose estimate is least, and what it takes.
        best = min(folds(cycles, kind), key=lambda f: op.estimate(x, y, f).cost.lut)
        with tempfile.TemporaryDirectory() as folder:
            dense = synthesise(write_probe(op, x, best, Path(folder)), Path(folder) / "netlist.json")
        dense_cycles = ceil(SIZE / best.pe) * ceil(SIZE / best.simd)
        name = f"{SIZE}x{SIZE}, {kept:.0%} kept, {bits} bits, {kind.name.lower()}"
        rows.append({
            "name": name, "elements": pe, "cycles": cycles, "lut": found.lut, "ff": found.ff, "dsp": found.dsp,
            "estimate": {"lut": round(guess.lut), "ff": round(guess.ff), "dsp": guess.dsp},
            "dense": {"pe": best.pe, "simd": best.simd, "cycles": dense_cycles, "lut": dense.lut, "ff": dense.ff,
                      "dsp": dense.dsp},
        })  # fmt: skip
        print(f"{name:36} {pe:3} elements {cycles:4} cycles: {found.lut} LUT (est {guess.lut:.0f}) {found.ff} FF (est {guess.ff:.0f}) "
              f"{found.dsp} DSP; dense {best.pe}x{best.simd} {dense_cycles} cycles: {dense.lut} LUT {dense.ff} FF {dense.dsp} DSP",
              flush=True)  # fmt: skip
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({"rows": SIZE, "columns": SIZE, "units": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
