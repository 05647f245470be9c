"""report.html: a build as one page that needs nothing else, with the dataflow as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import report
from .errors import CompileError

NAME = "report.html"
WIDTH, BOX, HEIGHT, GAP = 420, 310, 54, 30
LEFT = 106
"""Room beside the boxes for streams that pass by stages."""

RESOURCES = (("lut", "LUT"), ("ff", "flip-flops"), ("bram36", "BRAM (36 kb)"), ("dsp", "DSP"))


@dataclass(frozen=True, slots=True)
class Box:
    """A stage in the picture; `busy` is the share of time that it works, None for the ends."""

    x: int
    y: int
    width: int
    height: int
    title: str
    detail: str
    busy: float | None


@dataclass(frozen=True, slots=True)
class Wire:
    """A stream in the picture, with a text at a place of its own."""

    path: str
    x: int
    y: int
    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """Boxes and wires, in the units of the viewBox."""

    width: int
    height: int
    boxes: list[Box]
    wires: list[Wire]


def write(folder: Path, manifest: dict[str, Any], target: Path | None = None) -> None:
    """Write the page of a build, with the synthesis result and the verification where there are any, into its folder."""
    text = render(report.as_json(folder, manifest))
    try:
        (target or folder / NAME).write_text(text, encoding="utf-8")
    except OSError as error:
        raise CompileError("E502", f"the page cannot be written: {error}", hint="choose another file") from error


def save(folder: Path, manifest: dict[str, Any], name: str, value: dict[str, Any]) -> None:
    """Keep a result beside the design, and bring the page up to date."""
    report.save(folder, name, value)
    write(folder, manifest)


def render(found: dict[str, Any]) -> str:
    """The page as text. What came from the model file is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("bitwright"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    mhz, frame = found["clock_mhz"], found["frame_cycles"]
    verification = found.get("verification")
    return environment.get_template(NAME).render(
        title=f"{len(found['stages'])} stages, {mhz * 1e6 / frame:,.0f} frames a second",
        board=found["board"], part=found["part"], clock=f"{mhz:g}", version=found["bitwright"],
        cards=[
            ("frames a second", f"{mhz * 1e6 / frame:,.0f}"),
            ("latency", f"{found['latency_cycles'] / mhz:,.2f} µs"),
            ("cycles a frame", f"{frame:,}"),
            ("MACs a cycle", f"{found['macs'] / frame:,.1f}"),
        ],
        verdicts=_verdicts(found),
        picture=picture(found),
        stages=[_row(s) for s in found["stages"]],
        queues=", ".join(f"{q['depth']:,} words of {q['width']} bits ({q['stage']})" for q in found["queues"]),
        resources=_resources(found),
        clock_note=_clock(found.get("synth")),
        vivado_note=f"By Vivado, {report.implemented(found['vivado'], mhz)}." if found.get("vivado") else "",
        verification=_verification(verification) if verification else None,
        calibration=_calibration(found["calibration"]) if found.get("calibration") else None,
    )  # fmt: skip


def _verdicts(found: dict[str, Any]) -> list[tuple[str, str, bool]]:
    rows = [("fits the board", "yes" if found["fits"] else "no", bool(found["fits"]))]
    if verification := found.get("verification"):
        ok = bool(verification["ok"])
        rows.append(("verified", f"{verification['frames']} frames" if ok else "differs", ok))
    accuracy = (found.get("calibration") or {}).get("accuracy")
    if accuracy:
        rows.append(("accuracy", f"{accuracy['quantized']:.2%}", True))
    return rows


def picture(found: dict[str, Any]) -> Picture:
    """The stages below one another in dataflow order; a stream that passes by stages runs beside them."""
    boxes = [_end("input", 0, found["stages"][0], given=True)]
    places = {"": 0}
    for k, stage in enumerate(found["stages"], 1):
        text = f"{stage['engine']} · {stage['cycles']:,} cycles · {stage['busy']:.0%} busy"
        boxes.append(Box(LEFT, _top(k), BOX, HEIGHT, f"{stage['name']}  {stage['op']}", text, min(1.0, stage["busy"])))
        places[stage["name"]] = k
    boxes.append(_end("output", len(boxes), found["stages"][-1], given=False))
    wires: list[Wire] = []
    ends = [(places[source], places[s["name"]]) for s in found["stages"] for source in s["inputs"]]
    far = sorted({pair for pair in ends if pair[1] - pair[0] > 1}, key=lambda p: p[1] - p[0])
    for start, end in [*ends, (len(boxes) - 2, len(boxes) - 1)]:
        lanes = found["stages"][start - 1]["stream"] if start else None
        text = f"{lanes['lanes']} × {lanes['width']} bit" if lanes else ""
        y0, y1 = _top(start) + HEIGHT, _top(end)
        middle = LEFT + BOX // 2
        if end - start == 1:
            wires.append(Wire(f"M{middle} {y0} V{y1}", middle + 8, y0 + 19, text))
            continue
        x = LEFT - 14 - 18 * (far.index((start, end)) % 5)
        path = f"M{LEFT + 20} {y0} v8 H{x} V{y1 - 8} H{LEFT + 20} V{y1}"
        wires.append(Wire(path, x, y1, ""))  # what it carries is told where it leaves its stage
    return Picture(WIDTH, _top(len(boxes)) - GAP + 4, boxes, wires)


def _top(place: int) -> int:
    return 4 + place * (HEIGHT + GAP)


def _end(name: str, place: int, stage: dict[str, Any], *, given: bool) -> Box:
    detail = "AXI4-Stream" if given else f"AXI4-Stream, {stage['type']}"
    return Box(LEFT, _top(place), BOX, HEIGHT, name, detail, None)


def _row(stage: dict[str, Any]) -> dict[str, str]:
    need = stage["estimate"]
    return {
        "name": stage["name"], "op": stage["op"], "engine": stage["engine"], "pe": f"{stage['pe']:,}",
        "simd": f"{stage['simd']:,}", "cycles": f"{stage['cycles']:,}", "busy": f"{stage['busy']:.0%}",
        "bits": str(stage["stream"]["width"]), "lut": f"{need['lut']:,}", "ff": f"{need['ff']:,}",
        "bram": f"{need['bram36']:g}", "dsp": f"{need['dsp']:,}",
        "origin": ", ".join(f"{o['op_type']} {o['name']}".strip() for o in stage["origin"]),
    }  # fmt: skip


def _resources(found: dict[str, Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    synth, vivado = found.get("synth"), found.get("vivado")
    measured = vivado["accelerators"][0] if vivado else synth
    for key, name in RESOURCES:
        chip, estimate = found["chip"][key], found["estimate"][key]
        value = measured[key] if measured else estimate
        if not chip and not value:
            continue
        rows.append({
            "name": name, "value": f"{value:,g}" if value < 1e6 else f"{value:,}", "chip": f"{chip:,}",
            "kind": "by Vivado" if vivado else "synthesised" if synth else "estimated", "share": f"{value / chip:.0%}" if chip else "-",
            "other": f"estimated {estimate:,}" if measured else "",
            "part": min(100.0, 100 * value / chip) if chip else 0.0, "limit": min(100.0, 100 * found["usable"][key] / chip) if chip else 0.0,
        })  # fmt: skip
    return rows


def _clock(synth: dict[str, Any] | None) -> str:
    fmax = (synth or {}).get("fmax_mhz")
    if not fmax:
        return ""
    if isinstance(fmax, (int, float)):
        return f"The placed design reaches {fmax:.1f} MHz."
    return f"A pre-placement estimate of the clock is {fmax[0]:.0f} to {fmax[1]:.0f} MHz."


def _verification(found: dict[str, Any]) -> dict[str, Any]:
    engine = {"rtl": "the RTL", "netlist": "the netlist", "hls": "the C++", "hls4ml": "hls4ml's project"}[
        found["engine"]
    ]
    if found["failure"]:
        text = str(found["failure"])
    elif found["ok"]:
        text = f"{found['frames']} frames of {engine} are equal to the reference, every code of them."
    else:
        text = f"{found['mismatches']} codes of {engine} differ from the reference."
    measured = (
        f", with and without stalls; {found['latency_cycles']:,} cycles of latency, as computed"
        if found["latency_cycles"] is not None and found["timing_as_computed"] else ""
    )  # fmt: skip
    return {"ok": found["ok"], "text": text, "detail": f"Seed {found['seed']}, {found['seconds']} s{measured}."}


def _calibration(found: dict[str, Any]) -> dict[str, Any]:
    accuracy = found.get("accuracy")
    right = f" Accuracy {accuracy['quantized']:.2%}, in floats {accuracy['float']:.2%}." if accuracy else ""
    layers = [
        {
            "name": row["name"], "op": row["op"], "weight_bits": row["weight_bits"] or "-",
            "zeros": "-" if row["zeros"] is None else f"{row['zeros']:.0%}", "weight_db": report.decibel(row["weight_sqnr_db"]),
            "bits": row["activation_bits"] or "-", "db": report.decibel(row["sqnr_db"]),
        } for row in found["layers"]
    ]  # fmt: skip
    text = f"From {found['samples']:,} samples; the output is {report.decibel(found['sqnr_db'])} dB above its noise.{right}"
    return {"text": text, "layers": layers}
