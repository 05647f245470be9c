"""The text report of a design: one line a stage, and the sums beside the board."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import saved
from .boards.vivado import read_reports
from .errors import quoted

RESULTS = {"synth": ("synth", saved.Synthesis, saved.Bitstream), "verification": ("sim", saved.Verification)}
RESOURCES = ("lut", "ff", "bram36", "dsp")


def as_json(folder: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest with the synthesis result, the verification and what Vivado reported, where there are any."""
    found = {name: _read(folder / place / "result.json", *forms) for name, (place, *forms) in RESULTS.items()}
    found["vivado"] = read_reports(folder / "board")
    return manifest | {name: result for name, result in found.items() if result}


def as_text(folder: Path, manifest: dict[str, Any]) -> str:
    """A table of stages, then resources, speed, and what was verified; of a chip, its accelerators and their sum."""
    lines = _chip_lines if "accelerators" in manifest else _lines
    return "\n".join(lines(as_json(folder, manifest))) + "\n"


def save(folder: Path, name: str, value: dict[str, Any]) -> None:
    """Keep a result beside the design for the report."""
    place = folder / name
    place.mkdir(exist_ok=True)
    (place / "result.json").write_text(json.dumps(value, indent=1, sort_keys=True) + "\n")


def _read(path: Path, *forms: type) -> dict[str, Any] | None:
    return saved.read(path, *forms, hint="make it again, or remove the file") if path.is_file() else None


def _lines(report: dict[str, Any]) -> Iterator[str]:
    mhz, frame = report["clock_mhz"], report["frame_cycles"]
    yield f"board       {report['board']} ({report['part']}), {mhz:g} MHz"
    yield f"speed       {mhz * 1e6 / frame:,.0f} frames/s ({frame:,} cycles a frame)"
    yield f"latency     {report['latency_cycles'] / mhz:,.2f} µs ({report['latency_cycles']:,} cycles)"
    yield f"work        {report['macs']:,} multiply-accumulates a frame, {report['macs'] / frame:,.1f} a cycle"
    if report["macs_built"] != report["macs"]:
        yield f"pruned      {report['macs_built']:,} of them are built: nobody needs the results of the others"
    yield ""
    yield from _stages(report["stages"])
    for q in report["queues"]:
        yield f"{q['stage']:6}FIFO of {q['depth']:,} words of {q['width']} bits, where branches meet"
    yield ""
    yield from _resources(report)
    if found := report.get("calibration"):
        yield ""
        yield from calibration(found)
    if found := report.get("verification"):
        yield ""
        verdict = "equal to the reference" if found["ok"] else "NOT equal to the reference"
        how = {"hls": "in C++", "hls4ml": "in hls4ml", "netlist": "of the netlist, with and without stalls"}.get(
            found["engine"], "with and without stalls"
        )
        yield f"verified    {found['frames']} frames {how}: {verdict} ({found['seconds']} s)"


def _chip_lines(report: dict[str, Any]) -> Iterator[str]:
    mhz = report["clock_mhz"]
    yield f"board       {report['board']} ({report['part']}), {mhz:g} MHz"
    yield ""
    yield f"{'RTL':14}{'frames/s':>14}{'latency µs':>12}" + "".join(f"{name:>10}" for name in RESOURCES)
    for part in report["accelerators"]:
        speed = f"{mhz * 1e6 / part['frame_cycles']:14,.0f}{part['latency_cycles'] / mhz:12,.2f}"
        yield f"{part['rtl']:14}{speed}" + "".join(f"{part['estimate'][name]:10,}" for name in RESOURCES)
    yield ""
    yield from _resources(report)


def _stages(stages: list[dict[str, Any]]) -> Iterator[str]:
    wide, kind = (max(len(s[key]) for s in stages) + 2 for key in ("op", "engine"))
    yield f"{'stage':6}{'operators':{wide}}{'engine':{kind}}{'PE':>5}{'SIMD':>6}{'cycles':>9}{'busy':>7}{'LUT':>8}{'BRAM':>7}{'DSP':>5}  output"
    for s in stages:
        need = s["estimate"]
        yield (
            f"{s['name']:6}{s['op']:{wide}}{s['engine']:{kind}}{s['pe']:5}{s['simd']:6}{s['cycles']:9,}{s['busy']:7.0%}"
            f"{need['lut']:8,}{need['bram36']:7g}{need['dsp']:5}  {s['type']}"
        )


def calibration(found: dict[str, Any]) -> Iterator[str]:
    """How a float model was quantized: widths, and signal to quantization noise, layer by layer."""
    accuracy = found.get("accuracy")
    right = f"; accuracy {accuracy['quantized']:.2%}, in floats {accuracy['float']:.2%}" if accuracy else ""
    yield f"calibrated  on {found['samples']:,} samples: output {decibel(found['sqnr_db'])} dB above its noise{right}"
    wide = 2 + max(len(name) for name in ("layer", *(_short(row["name"]) for row in found["layers"])))
    kind = 2 + max(len(op) for op in ("operator", *(row["op"] for row in found["layers"])))
    yield f"{'layer':{wide}}{'operator':{kind}}{'bits':>6}{'zeros':>7}{'weights dB':>12}{'bits':>6}{'result dB':>11}"
    for row in found["layers"]:
        zeros = "-" if row["zeros"] is None else f"{row['zeros']:.0%}"
        yield (
            f"{_short(row['name']):{wide}}{row['op']:{kind}}{row['weight_bits'] or '-':>6}{zeros:>7}"
            f"{decibel(row['weight_sqnr_db']):>12}{row['activation_bits'] or '-':>6}{decibel(row['sqnr_db']):>11}"
        )


def decibel(value: float | None) -> str:
    """One decimal, or a dash where there is none."""
    return "-" if value is None else f"{value:.1f}"


def _short(name: str) -> str:
    """A name from the model file, fit for a table."""
    shown = quoted(name)[1:-1]
    return shown if len(shown) <= 32 else f"…{shown[-31:]}"


def _resources(report: dict[str, Any]) -> Iterator[str]:
    synth, vivado, shell = report.get("synth"), report.get("vivado"), report.get("shell", {})
    yield f"{'resource':10}{'estimate':>10}{'synthesis':>11}" + f"{'Vivado':>10}" * bool(vivado) + f"{'plan limit':>12}"
    for name in RESOURCES:
        measured = f"{synth[name]:,}" if synth else "-"
        used = f"{sum(part[name] for part in vivado['accelerators']):10,}" if vivado else ""
        around = f"  of these {shell[name]:,} for the board's shell" if shell.get(name) else ""
        yield f"{name:10}{report['estimate'][name]:10,}{measured:>11}{used}{report['usable'][name]:12,}{around}"
    if vivado:
        yield f"Vivado      {implemented(vivado, report['clock_mhz'])}"
    if synth and (reached := synth.get("fmax_mhz")):
        yield _clock(reached, synth)


STAGES = {
    "chip": "the whole chip",
    "route": "the accelerator alone, routed",
    "synth": "the accelerator alone, synthesised",
}


def implemented(vivado: dict[str, Any], mhz: float) -> str:
    """What Vivado made of the design, in one line."""
    said = [STAGES[vivado["stage"]]]
    if whole := vivado["whole"]:
        said[0] += f": {whole['lut']:,} LUT, {whole['ff']:,} FF, {whole['bram36']:g} BRAM, {whole['dsp']:,} DSP"
    if (slack := vivado["slack_ns"]) is not None:
        said.append(f"{mhz:g} MHz {'met' if slack >= 0 else 'NOT met'} with {slack:+.3f} ns of slack")
    if vivado["power_w"] is not None:
        said.append(f"{vivado['power_w']:g} W")
    return "; ".join(said)


def _clock(reached: float | list[float], synth: dict[str, Any]) -> str:
    """How fast the design is, by place and route or before it."""
    if isinstance(reached, list):
        return f"clock       {reached[0]:.0f} to {reached[1]:.0f} MHz by a pre-placement estimate"
    verdict = "met" if synth["meets_clock"] else "NOT met"
    return f"clock       {synth['clock_mhz']:g} MHz {verdict}: {reached:.1f} MHz after place and route; {synth['bitstream']}"
