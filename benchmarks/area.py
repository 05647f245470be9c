"""The area estimates of the operators beside what Yosys makes of the same library modules.

    python -m benchmarks.area [--family FAMILY] [--json FILE] [PART OF A NAME …]

Each case is one module, synthesised alone for the family's chips; its ROMs are loaded. The fits in `bitwright/ops/area.py` and
in `bitwright/boards/families` were made with this table.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bitwright.boards.family import Family, list_families, load_family
from bitwright.boards.yosys import synthesise, synthesise_chip
from bitwright.ir.chip import targeting
from bitwright.ir.netlist import Block, Fold, Instance, Memory, Multiplier, Ram, Resources
from bitwright.ir.op import Op
from bitwright.ir.types import IntType, TensorType
from bitwright.lowering.verilog import library, memory_file, print_instance
from bitwright.ops.dense import Dense
from bitwright.ops.mulshift import MulShift
from bitwright.ops.shift import Shift
from bitwright.ops.table import Table
from bitwright.ops.threshold import Threshold
from bitwright.ops.xnor import Xnor

ENTRIES = ("bw_mvu", "bw_sparse")  # modules that open a credit domain

Case = tuple[str, Op, TensorType, Fold]


def cases() -> Iterator[Case]:
    """Matrix-vector units over widths and foldings, and every requantiser."""
    rng = np.random.default_rng(0)
    for bits, act, pe, simd, rows, columns in (
        (2, 2, 8, 8, 64, 64), (3, 3, 8, 8, 64, 64), (4, 4, 8, 8, 64, 64), (8, 8, 8, 8, 64, 64), (3, 8, 8, 8, 64, 64),
        (2, 1, 8, 8, 64, 64), (8, 8, 2, 16, 32, 64), (4, 4, 4, 4, 4, 16), (8, 8, 4, 8, 16, 8), (12, 6, 2, 8, 32, 32),
        (2, 2, 4, 32, 64, 160), (6, 6, 4, 4, 4, 4), (8, 8, 1, 2, 64, 128),
    ):  # fmt: skip
        weight = rng.integers(-(1 << (bits - 1)), 1 << (bits - 1), (rows, columns))
        weight[0, 0] = -(1 << (bits - 1))
        op, x = Dense(weight, np.zeros(rows, np.int64)), TensorType.of((columns,), IntType(act, act > 2))
        for kind in (Multiplier.LUT, Multiplier.DSP):
            yield (
                f"dense w{bits}a{act} {pe}x{simd} of {rows}x{columns} {kind.name.lower()}",
                op,
                x,
                Fold(pe, simd, kind),
            )
    yield (
        "dense w4a4 8x8 bram",
        Dense(rng.integers(-8, 8, (64, 256)), np.zeros(64, np.int64)),
        TensorType.of((256,), IntType(4, True)),
        Fold(8, 8, Multiplier.LUT, Ram.BLOCK),
    )
    for pe, simd, rows, columns in ((8, 64, 64, 256), (64, 16, 64, 784), (2, 64, 64, 64), (1, 16, 10, 64)):
        op = Xnor(rng.integers(0, 2, (rows, columns)), np.zeros(rows, np.int64))
        yield (
            f"xnor {pe}x{simd} of {rows}x{columns}",
            op,
            TensorType.of((columns,), IntType(1, False)),
            Fold(pe, simd, Multiplier.XNOR),
        )
    for steps, width, channels, pe in (
        (1, 10, 64, 8),
        (3, 12, 64, 8),
        (7, 14, 256, 8),
        (15, 14, 64, 4),
        (63, 18, 64, 2),
        (1, 10, 64, 64),
        (3, 9, 13, 13),
    ):
        x = TensorType.of((channels,), IntType(width, True))
        op = Threshold(
            np.sort(rng.integers(x.min, x.max, (channels, steps)), axis=1),
            np.zeros(channels, np.int64),
            np.ones(channels, np.int64),
        )
        yield f"threshold {steps} of {width} bits, {channels} channels, {pe} lanes", op, x, Fold(pe)
    for m_bits, width, channels, pe in ((16, 18, 64, 2), (20, 14, 128, 1), (14, 12, 64, 8), (18, 20, 16, 16)):
        x = TensorType.of((channels,), IntType(width, True))
        for uniform in (True, False):
            m = rng.integers(1 << (m_bits - 2), 1 << (m_bits - 1), channels)
            m = np.full(channels, m[0]) if uniform else m
            shift = width + m_bits - 9
            op = MulShift(m, rng.integers(0, 1 << (shift + 7), channels), shift, 0, 255)
            for kind in (Multiplier.LUT, Multiplier.DSP):
                yield (
                    f"mulshift {m_bits}x{width} {'one' if uniform else 'own'} m, {channels} channels, {pe} lanes {kind.name.lower()}",
                    op,
                    x,
                    Fold(pe, multiplier=kind),
                )
    x = TensorType.of((64,), IntType(16, True))
    yield "shift 16 bits, 64 channels, 4 lanes", Shift(rng.integers(0, 1 << 9, 64), 0, 9, -64, 63), x, Fold(4)
    yield "table 8 to 8, 4 lanes", Table(rng.integers(0, 256, 256)), TensorType.of((64,), IntType(8, True)), Fold(4)


def measure(op: Op, x: TensorType, fold: Fold, family: Family, folder: Path) -> Resources:
    """Synthesise the operator's module alone."""
    rtl, out = write_probe(op, x, fold, folder), folder / "synth"
    if family.synthesis is None:
        found = synthesise(rtl, "probe", out)
        return Resources(found.lut, found.ff, found.bram36, found.dsp)
    cells = synthesise_chip([rtl], "probe", out, family)
    return Resources(cells.lut, cells.ff, cells.bram * family.kbit / 36, cells.dsp)


def write_probe(op: Op, x: TensorType, fold: Fold, folder: Path) -> Path:
    """A folder with a module `probe` that holds nothing but the operator's module, and all that it needs."""
    block = op.to_rtl(x, fold)
    assert block is not None
    lanes_in = fold.simd if block.module in ENTRIES else fold.pe
    return write_block(block, lanes_in * x.elem.width, fold.pe * op.infer(x).elem.width, folder)


def write_block(block: Block, in_bits: int, out_bits: int, folder: Path) -> Path:
    """The same for a library module with its parameters."""
    rtl = folder / "rtl"
    rtl.mkdir()
    for name, text in library().items():
        (rtl / name).write_text(text)
    entry = block.module in ENTRIES
    params = dict(block.params) | ({"CREDITS": 4} if entry else {})
    ports = ["clk", "rst_n", "in_valid", "in_data", "out_valid", "out_data", *(["in_ready", "credit"] if entry else [])]
    outputs = {"out_valid", "out_data", "in_ready"}
    widths = {"in_data": in_bits, "out_data": out_bits}
    head = ", ".join(f"{'output' if p in outputs else 'input'} wire [{widths.get(p, 1) - 1}:0] {p}" for p in ports)
    instance = Instance("unit", block.module, params, {p: p for p in ports}, "", Resources())
    for key, value in params.items():
        if isinstance(value, Memory):
            (rtl / memory_file(instance, key)).write_text("".join(f"{w:x}\n" for w in value.words))
    text = "\n".join([f"module probe ({head});", *print_instance(instance), "endmodule", ""])
    (rtl / "probe.v").write_text(text)
    return rtl


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.area")
    parser.add_argument("names", nargs="*", help="parts of the cases' names")
    parser.add_argument("--family", choices=list_families(), default="xc7")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    family = load_family(options.family)
    rows: list[dict[str, object]] = []
    print(
        f"{'module':62}{'LUT est':>9}{'yosys':>7}{'ratio':>7}{'FF est':>8}{'yosys':>7}{'ratio':>7}{'BRAM':>10}{'DSP':>9}"
    )
    with targeting(family.chip):
        for name, op, x, fold in cases():
            if options.names and not any(part in name for part in options.names):
                continue
            guess = op.estimate(x, op.infer(x), fold).cost
            with tempfile.TemporaryDirectory() as folder:
                found = measure(op, x, fold, family, Path(folder))
            rows.append({"name": name, "estimate": [guess.lut, guess.ff, guess.bram36, guess.dsp],
                         "yosys": [found.lut, found.ff, found.bram36, found.dsp]})  # fmt: skip
            print(f"{name:62}{guess.lut:9.0f}{found.lut:7.0f}{guess.lut / max(found.lut, 1):7.2f}"
                  f"{guess.ff:8.0f}{found.ff:7.0f}{guess.ff / max(found.ff, 1):7.2f}"
                  f"{guess.bram36:5.1f}{found.bram36:5.1f}{guess.dsp:5}{found.dsp:4}", flush=True)  # fmt: skip
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
