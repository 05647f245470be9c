"""What the flows' handoffs share: texts with fields, and a design's figures in words."""

import json
from pathlib import Path
from string import Template
from typing import Any

HOST = Path(__file__).parent / "host.py"
"""The host's side of any accelerator, a copy of which goes with every handoff."""

PREDICTOR = Path(__file__).parent / "predictor.py"
"""What the drivers of several flows have in common."""

WEIGHTS = Path(__file__).parent / "weights.py"
"""The host's side of rewritable weights."""

MODULES = Path(__file__).parents[1] / "rtl"
"""The folder of Verilog modules that accelerators are made of; a shell may be made of them too."""


class Text(Template):
    """`@{field}`; a plain `@` is written `@@`."""

    delimiter = "@"


def templates(folder: Path, fields: dict[str, str]) -> dict[str, str]:
    """Name → text of the files in a folder: a `*.in` with its `@{fields}` filled, the others as they are."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir()) if path.is_file()}
    return {
        name.removesuffix(".in"): Text(text).substitute(fields) if name.endswith(".in") else text
        for name, text in texts.items()
    }


def boundary_text(boundary: dict[str, Any]) -> str:
    """boundary.json; the same boundary gives the same bytes."""
    return json.dumps(boundary, indent=1, sort_keys=True, allow_nan=False) + "\n"


def write_files(files: dict[str, str], out: Path) -> list[Path]:
    """Write the files into `out`, and return them, sorted."""
    out.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (out / name).write_text(text, encoding="utf-8", newline="\n")
    return sorted(out / name for name in files)


def figures(manifest: dict[str, Any], mhz: float) -> str:
    """A Markdown table of the manifest's figures, as far as there are any."""
    rows = [("clock", f"{number(mhz)} MHz")]
    frame_cycles, latency_cycles = manifest.get("frame_cycles"), manifest.get("latency_cycles")
    if frame_cycles:
        rows.append(("frames a second, at most", f"{mhz * 1e6 / int(frame_cycles):,.0f}"))
    if latency_cycles:
        rows.append(("latency", f"{int(latency_cycles) / mhz:,.2f} µs"))
    names = {"lut": "LUT", "ff": "flip-flops", "bram36": "BRAM (36 kb)", "dsp": "DSP"}
    estimate: dict[str, Any] = manifest.get("estimate") or {}
    rows += [(f"{names[key]}, estimated", number(float(estimate[key]))) for key in names if key in estimate]
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])


def number(value: float) -> str:
    """Without trailing zeros, and never in exponent form: 100, 62.5."""
    return f"{value:.3f}".rstrip("0").rstrip(".")
