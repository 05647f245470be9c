"""What Vivado's reports in a build's `board/` folder say: resources, slack and power, where its scripts have run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from bitwright.errors import CompileError

Rows = list[dict[str, str]]


def read_reports(board: Path) -> dict[str, Any] | None:
    """The reports of `build.tcl` or, without those, of `synth_ooc.tcl`: the farther stage.

    A dict of "stage" ("chip" the bitstream's; "route" or "synth" the accelerator alone), "accelerators" (for each its
    "lut", "ff", "bram36", "uram", "dsp"), "whole" (the same of the whole chip, or None), "slack_ns" (of the worst setup
    path, None without one) and "power_w" (None without a report). None if Vivado has reported nothing. Raises CompileError
    E418 if a file is no such report.
    """
    for stage, folder, prefix in (
        ("chip", board, ""),
        ("route", board / "ooc", "route_"),
        ("synth", board / "ooc", "synth_"),
    ):
        path = folder / f"{prefix}utilization.rpt"
        if path.is_file():
            rows = _hierarchy(path)
            found = (
                [row for row in rows if re.fullmatch(r"accel(_\d+)?", row["Instance"])] if stage == "chip" else rows[:1]
            )
            if not found:
                raise _unreadable(path, "no accelerator in it")
            return {
                "stage": stage,
                "accelerators": [_used(row, path) for row in found],
                "whole": _used(rows[0], path) if stage == "chip" else None,
                "slack_ns": _slack(folder / f"{prefix}timing.rpt"),
                "power_w": _power(folder / f"{prefix}power.rpt"),
            }
    return None


def _hierarchy(path: Path) -> Rows:
    """The rows of `report_utilization -hierarchical` by their columns' names, the top first."""
    head: list[str] | None = None
    rows: Rows = []
    for line in _lines(path):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.lstrip().startswith("|"):
            continue
        if head is None:
            head = cells if cells[0] == "Instance" else None
        elif len(cells) == len(head):
            rows.append(dict(zip(head, cells, strict=True)))
    if not rows:
        raise _unreadable(path, "no table of instances in it")
    return sorted(rows, key=lambda row: row.get("Module") != "(top)" or row["Instance"].startswith("("))


def _used(row: dict[str, str], path: Path) -> dict[str, float]:
    """An instance's resources. The columns differ from family to family, and from version to version."""
    dsp = next((name for name in row if name.startswith("DSP")), "")
    return {
        "lut": _count(row, "Total LUTs", path),
        "ff": _count(row, "FFs", path),
        "bram36": _count(row, "RAMB36", path) + _count(row, "RAMB18", path) / 2,
        "uram": _count(row, "URAM", path) if "URAM" in row else 0,
        "dsp": _count(row, dsp, path),
    }


def _count(row: dict[str, str], name: str, path: Path) -> int:
    text = row.get(name, "")
    if not text.isascii() or not text.isdigit():
        raise _unreadable(path, f"no number of {name or 'DSP slices'}")
    return int(text)


def _slack(path: Path) -> float | None:
    """The worst setup slack of `report_timing_summary` in ns; None where it tells `NA` or `inf`, as no path is constrained."""
    if not path.is_file():
        return None
    lines = _lines(path)
    head = next((k for k, line in enumerate(lines) if line.split()[:1] == ["WNS(ns)"]), len(lines))
    words = [word for line in lines[head + 2 : head + 3] for word in line.split()]
    if words[:1] in (["NA"], ["inf"]):
        return None
    if not words or not re.fullmatch(r"-?\d+\.\d+", words[0]):
        raise _unreadable(path, "no worst slack in it")
    return float(words[0])


def _power(path: Path) -> float | None:
    if not path.is_file():
        return None
    for line in _lines(path):
        if found := re.match(r"\|\s*Total On-Chip Power \(W\)\s*\|\s*([0-9.]+)", line):
            return float(found[1])
    raise _unreadable(path, "no power in it")


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise _unreadable(path, error.strerror or "it cannot be read") from None


def _unreadable(path: Path, reason: str) -> CompileError:
    hint = "run Vivado's script again, or remove the file"
    return CompileError("E418", f"'{path}' is not the report that Vivado's script writes: {reason}", hint=hint)
