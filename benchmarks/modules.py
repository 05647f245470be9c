"""The estimate of every module of a network's design beside what Yosys counts for it in its place.

    python -m benchmarks.modules NETWORK [--target-cycles C] [--margin M] [--json FILE]

The design is synthesised with the borders of the top's instances kept; everything inside them is flattened. Modules of the
same name are added up: where their ratio is far from 1, the `estimate` of that module's operator is wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from benchmarks.__main__ import MODELS, NETWORKS
from benchmarks.figures import compile_watched, ratio
from bitwright.boards import netlist
from bitwright.ir.netlist import Instance, Multiplier, Ram
from bitwright.lowering.verilog import TOP

KINDS = ("lut", "ff", "bram36", "dsp")
SCRIPT = """
import sys
from pyosys import libyosys
design = libyosys.Design()
for line in sys.argv[1:]:
    libyosys.run_pass(line, design)
"""


def synthesise(rtl: Path, out: Path) -> dict[str, netlist.Counts]:
    """Counts of each instance of the top."""
    sources = sorted(path.name for path in rtl.glob("*.v"))
    script = [*(f"read_verilog {name}" for name in sources), f"hierarchy -check -top {TOP}",
              f"setattr -set keep_hierarchy 1 {TOP}/c:*", "scratchpad -set abc9.verify false",
              f"synth_xilinx -family xc7 -flatten -noiopad -abc9 -top {TOP}", f"write_json {out}"]  # fmt: skip
    subprocess.run(
        [sys.executable, "-c", SCRIPT, *script], cwd=rtl, check=True, stdout=subprocess.DEVNULL, env=os.environ
    )
    cells = json.loads(out.read_text())["modules"][TOP]["cells"]
    inside = {name: c["type"] for name, c in cells.items() if not c["type"].isupper() and "bw_" in c["type"]}
    counted = {module: netlist.count(netlist.read_netlist(out, module)) for module in set(inside.values())}
    return {name: counted[module] for name, module in inside.items()}


def measure(network: str, target: int | None, margin: float | None, folder: Path) -> list[dict[str, Any]]:
    """A row an instance."""
    model = MODELS / f"{network}.onnx"
    found = compile_watched(
        model, folder / "d", input_type=NETWORKS[network], target_cycles=target, margin=margin, board="pynq"
    )
    counted = synthesise(folder / "d" / "rtl", folder / "netlist.json")
    none = netlist.count([])
    return [
        {"name": i.name, "module": i.module, "stage": i.stage, "parameters": parameters(i),
         "estimate": {k: round(getattr(i.cost, k), 1) for k in KINDS},
         "yosys": {k: getattr(counted.get(i.name, none), k) for k in KINDS}}
        for i in found.netlist.instances
    ]  # fmt: skip


def parameters(instance: Instance) -> dict[str, int]:
    """Those that are numbers, by name of the enumeration where they choose one."""
    return {k: int(v) for k, v in instance.params.items() if isinstance(v, int | Multiplier | Ram)}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.modules")
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("--target-cycles", type=int)
    parser.add_argument("--margin", type=float)
    parser.add_argument("--json", type=Path, default=Path("build/modules.json"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(options.network, options.target_cycles, options.margin, Path(folder))
    for row in rows:
        print(line(f"{row['name']} ({row['module']})", row["estimate"], row["yosys"]))
    sums: dict[str, dict[str, dict[str, float]]] = defaultdict(lambda: {s: dict.fromkeys(KINDS, 0.0) for s in SIDES})
    for row in rows:
        for side in SIDES:
            for kind in KINDS:
                sums[row["module"]][side][kind] += row[side][kind]
    print()
    for module, sides in sorted(sums.items(), key=lambda item: -item[1]["yosys"]["lut"]):
        print(line(module, sides["estimate"], sides["yosys"]))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(
        json.dumps({"network": options.network, "instances": rows, "modules": sums}, indent=1) + "\n"
    )


SIDES = ("estimate", "yosys")


def line(name: str, guess: dict[str, float], found: dict[str, float]) -> str:
    parts = [
        f"{k.upper()} {guess[k]:7.0f}/{found[k]:7.0f} {ratio(guess[k], found[k]) or 0:5.2f}" for k in ("lut", "ff")
    ]
    return f"{name:36} {'  '.join(parts)}  BRAM {guess['bram36']:g}/{found['bram36']:g}  DSP {guess['dsp']:g}/{found['dsp']:g}"


if __name__ == "__main__":
    main()
