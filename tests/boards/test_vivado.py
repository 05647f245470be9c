"""Vivado's reports as `bitwright report` shows them: the tables of several families and versions, and files that are none."""

from pathlib import Path
from typing import Any

import pytest

from bitwright.boards.vivado import read_reports
from bitwright.errors import CompileError

SEVEN = ["Instance", "Module", "Total LUTs", "Logic LUTs", "LUTRAMs", "SRLs", "FFs", "RAMB36", "RAMB18", "DSP Blocks"]
PLUS = [*SEVEN[:-1], "URAM", "DSP48 Blocks"]
CHIP_ROWS = [
    ("design_1_wrapper", "(top)", 9876, 9000, 800, 76, 12345, 20, 3, 4),
    ("  (design_1_wrapper)", "(top)", 0, 0, 0, 0, 0, 0, 0, 0),
    ("  design_1_i", "design_1", 9876, 9000, 800, 76, 12345, 20, 3, 4),
    ("    accel_0", "design_1_accel_0_0", 5000, 4500, 480, 20, 6000, 12, 1, 4),
    ("      inst", "bw_accel", 5000, 4500, 480, 20, 6000, 12, 1, 4),
    ("        accel_0_fifo", "bw_fifo", 9, 9, 0, 0, 9, 0, 0, 0),
    ("    axi_dma_0", "design_1_axi_dma_0_0", 1500, 1400, 90, 10, 2100, 2, 2, 0),
]


def table(head: list[str], rows: list[tuple[Any, ...]]) -> str:
    """As `report_utilization -hierarchical` writes it."""
    wide = [max(len(str(row[k])) for row in [head, *rows]) for k in range(len(head))]
    rule = "+" + "+".join("-" * (w + 2) for w in wide) + "+"
    lines = ["| " + " | ".join(f"{v!s:{w}}" for v, w in zip(row, wide, strict=True)) + " |" for row in [head, *rows]]
    return "\n".join(["1. Utilization by Hierarchy", "", rule, lines[0], rule, *lines[1:], rule, ""])


def timing(slack: str) -> str:
    return f"| Design Timing Summary\n\n    WNS(ns)      TNS(ns)  TNS Failing\n    -------      -------  ---\n  {slack}  0.000  0\n"


POWER = "+---+---+\n| Total On-Chip Power (W)  | 1.534        |\n| Dynamic (W) | 1.2 |\n"


def write(folder: Path, utilization: str, slack: str = "0.125", prefix: str = "") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{prefix}utilization.rpt").write_text(utilization)
    (folder / f"{prefix}timing.rpt").write_text(timing(slack))
    (folder / f"{prefix}power.rpt").write_text(POWER)


def test_no_reports(tmp_path: Path) -> None:
    assert read_reports(tmp_path) is None


def test_the_whole_chip(tmp_path: Path) -> None:
    write(tmp_path, table(SEVEN, CHIP_ROWS))
    assert read_reports(tmp_path) == {
        "stage": "chip",
        "accelerators": [{"lut": 5000, "ff": 6000, "bram36": 12.5, "uram": 0, "dsp": 4}],
        "whole": {"lut": 9876, "ff": 12345, "bram36": 21.5, "uram": 0, "dsp": 4},
        "slack_ns": 0.125,
        "power_w": 1.534,
    }


def test_ultrascale_and_several(tmp_path: Path) -> None:
    rows = [(*row[:-1], 7, row[-1]) for row in CHIP_ROWS]
    write(
        tmp_path, table(PLUS, [*rows, ("    accel_1", "design_1_accel_1_0", 1, 1, 0, 0, 2, 3, 0, 5, 6)]), slack="-0.310"
    )
    found = read_reports(tmp_path)
    assert found
    assert found["accelerators"][1] == {"lut": 1, "ff": 2, "bram36": 3, "uram": 5, "dsp": 6}
    assert found["slack_ns"] == -0.31


def test_out_of_context(tmp_path: Path) -> None:
    """The routed stage goes before the synthesised; without power's report there is no power."""
    write(tmp_path / "ooc", table(SEVEN, [("bw_accel", "(top)", 10, 9, 1, 0, 20, 0, 1, 0)]), prefix="synth_")
    found = read_reports(tmp_path)
    assert found and (found["stage"], found["accelerators"][0]["bram36"], found["whole"]) == ("synth", 0.5, None)
    write(tmp_path / "ooc", table(SEVEN, [("bw_accel", "(top)", 11, 9, 1, 0, 20, 0, 1, 0)]), prefix="route_")
    (tmp_path / "ooc" / "route_power.rpt").unlink()
    found = read_reports(tmp_path)
    assert found and (found["stage"], found["accelerators"][0]["lut"], found["power_w"]) == ("route", 11, None)


@pytest.mark.parametrize("slack", ["inf", "NA"])
def test_no_constrained_path(tmp_path: Path, slack: str) -> None:
    write(tmp_path, table(SEVEN, CHIP_ROWS), slack=slack)
    found = read_reports(tmp_path)
    assert found and found["slack_ns"] is None


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("utilization.rpt", "", "no table of instances in it"),
        ("utilization.rpt", table(SEVEN, CHIP_ROWS[:1]), "no accelerator in it"),
        ("utilization.rpt", table(SEVEN, [("accel_0", "m", "many", 0, 0, 0, 0, 0, 0, 0)]), "no number of Total LUTs"),
        ("utilization.rpt", table(SEVEN[:-1], [row[:-1] for row in CHIP_ROWS]), "no number of DSP slices"),
        ("timing.rpt", "WNS(ns)", "no worst slack in it"),
        ("timing.rpt", "Slack met\n", "no worst slack in it"),
        ("power.rpt", "| Total |", "no power in it"),
    ],
)
def test_a_file_that_is_no_report(tmp_path: Path, name: str, text: str, says: str) -> None:
    write(tmp_path, table(SEVEN, CHIP_ROWS))
    (tmp_path / name).write_text(text)
    with pytest.raises(CompileError) as caught:
        read_reports(tmp_path)
    assert caught.value.code == "E418"
    assert caught.value.message == f"'{tmp_path / name}' is not the report that Vivado's script writes: {says}"
