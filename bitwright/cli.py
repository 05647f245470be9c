"""The command line. No logic of its own: it reads options, calls the Python API, and prints."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from . import __version__
from .errors import CompileError

MISMATCH = 1


INTERRUPTED, TERMINATED = 130, 143


def main() -> None:
    """Run the command line: 0 done, 1 mismatch, 2 refused, 3 a tool is missing, 4 it does not fit, 130 or 143 interrupted."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))  # so that nothing half-written stays behind
    try:
        status = cli.main(standalone_mode=False)
        sys.exit(status if isinstance(status, int) else 0)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)


def _reports_errors(command: Callable[..., int | None]) -> Callable[..., int]:
    """A CompileError becomes a message on stderr (or a JSON object on stdout) and an exit status."""

    @wraps(command)
    def run(**options: Any) -> int:
        try:
            return command(**options) or 0
        except CompileError as error:
            if options.get("as_json"):
                print(json.dumps({"error": _error(error)}))
            else:
                print(f"bitwright: {error}", file=sys.stderr)
            return error.exit_status

    return run


def _error(error: CompileError) -> dict[str, Any]:
    node = None
    if error.origin:
        node = {"op_type": error.origin.op_type, "name": error.origin.name, "index": error.origin.index}
    return {"code": error.code, "message": error.message, "node": node, "hint": error.hint}


def _progress(as_json: bool) -> Callable[[str], None]:
    """Steps with their time on stderr, if that is a terminal."""
    if as_json or not sys.stderr.isatty():
        return lambda _: None
    start = time.perf_counter()
    return lambda step: print(f"[{time.perf_counter() - start:5.1f} s] {step}", file=sys.stderr)


_shape = click.option("--shape", multiple=True, metavar="NAME=1,3,32,32", help="The sizes of an input's open axes.")
_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")

_QUANTIZATION = (
    click.option("--calibration", type=click.Path(), metavar="X.npy", help="Sample inputs, to quantize a float model with."),
    click.option("--labels", type=click.Path(), metavar="Y.npy", help="The samples' classes, to tell the accuracy."),
    click.option("--weight-bits", type=int, default=8, show_default=True, help="2 to 16."),
    click.option("--activation-bits", type=int, default=8, show_default=True, help="2 to 16."),
    click.option("--bits", multiple=True, metavar="NAME=W:A", help="Bits of one layer's weights and result: conv1=4:8, x=:6."),
    click.option("--ranges", default="mse", show_default=True, help="mse, percentile or minmax."),
    click.option("--scales", default="free", show_default=True, help="free or power-of-two."),
    click.option("--per-tensor", is_flag=True, help="One scale for the weights of a layer, not one a channel."),
    click.option("--symmetric", is_flag=True, help="No zero points."),
    click.option("--bias-correction/--no-bias-correction", default=True, show_default=True,
                 help="Let biases take back the mean error of their layer."),
    click.option("--equalise", is_flag=True, help="Scale channels from layer to layer, so that one scale suits them all."),
)  # fmt: skip


def _quantization(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options by which a float model is quantized."""
    for option in reversed(_QUANTIZATION):
        command = option(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bitwright")
def cli() -> None:
    """Turn a quantized neural network in ONNX into an FPGA accelerator, exact to the last bit."""


@cli.command("compile")
@click.argument("model", type=click.Path())
@click.option("--board", default="pynq", show_default=True, help="A board's name, or a TOML file of your own.")
@click.option("-o", "--output", type=click.Path(), help="The build directory  [default: the model's name]")
@click.option("--target-fps", type=float, help="Frames a second; the cheapest design that reaches them.")
@click.option("--target-cycles", type=int, help="Cycles a frame; the cheapest design within them.")
@click.option("--clock", type=float, help="MHz  [default: the board's]")
@click.option("--margin", type=float, help="Share of the chip to leave free, as 0.3  [default: the board's limits]")
@click.option("--input-type", help="The type of an input without a quantizer: int8, uint8, fixed<16,6>, bipolar, …")
@_shape
@_quantization
@click.option(
    "--style",
    default="auto",
    show_default=True,
    help="auto, folded, or spatial: layers as circuits of constants, a vector a cycle.",
)
@click.option("--latency", is_flag=True, help="Circuits of constants in the fewest stages that the clock allows.")
@click.option(
    "--ports", default="axis", show_default=True, help="axis; or valid, without a handshake, for one circuit."
)
@click.option("--backend", default="verilog", show_default=True, help="verilog; hls or hls4ml: C++ beside it.")
@click.option(
    "--control",
    default="none",
    show_default=True,
    help="none; or axilite: a port to start, stop, count and identify it by.",
)
@click.option(
    "--rewritable", default="", metavar="LAYER,LAYER=int4|all", help="Layers whose weights can be written at run time."
)
@click.option("--compare", is_flag=True, help="Run the model in the ONNX oracle too, and explain every difference.")
@click.option("--verify", "frames", type=int, is_flag=False, flag_value=10, help="Simulate so many frames  [10].")
@_json
@_reports_errors
def compile_command(
    model: str, output: str | None, compare: bool, frames: int | None, as_json: bool, **options: Any
) -> int:
    """Compile MODEL, an ONNX or a Keras file, for a board into a build directory."""
    from pathlib import Path

    from . import page, report
    from .compiler import compile

    start = time.perf_counter()
    target = Path(output) if output else Path(Path(model).stem or "build")
    design = compile(model, target, progress=_progress(as_json), **options)
    result: dict[str, Any] = {"build": str(target), **design.manifest}
    status = 0
    if compare:
        from .compare import compare_with_onnx

        result["differences"] = compare_with_onnx(Path(model), design)
        status = MISMATCH if result["differences"]["unexplained"] else 0
    result["seconds"] = round(time.perf_counter() - start, 2)
    found = None
    if frames is not None:
        _progress(as_json)("verifying")
        found = design.verify(samples=frames)
        page.save(target, design.manifest, "sim", found.as_json())
        result |= {"verification": found.as_json(), "frames": found.frames, "mismatches": found.mismatches}
        status = status if found.ok else MISMATCH
    if as_json:
        print(json.dumps(result))
    else:
        print(report.as_text(target, design.manifest), end="")
        _tell_differences(result.get("differences"))
        if found is not None and not found.ok:
            _tell_mismatch(found, design.manifest)
    return status


def _tell_differences(found: dict[str, Any] | None) -> None:
    if found:
        print(f"ONNX        {found['elements']:,} values compared, {found['explained']} differ within float32 error, "
              f"{found['unexplained']} unexplained")  # fmt: skip


def _tell_mismatch(found: Any, manifest: dict[str, Any]) -> None:
    if found.failure:
        message = found.failure
    elif found.mismatches:
        message = f"{found.mismatches} output codes differ; first at {found.first}"
    else:
        message = (
            f"measured {found.frame_cycles} cycles a frame and {found.latency_cycles} of latency, "
            f"computed {manifest['frame_cycles']} and {manifest['latency_cycles']}"
        )
    print(f"bitwright: {message}", file=sys.stderr)


@cli.command("verify")
@click.argument("folder", metavar="DIR", type=click.Path())
@click.option("--samples", type=int, default=10, show_default=True, help="Frames.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the frames and of the stalls.")
@click.option("--stall", type=float, default=0.3, show_default=True, help="Probability of a stall at each port.")
@click.option("--jobs", type=int, default=1, show_default=True, help="Simulations side by side.")
@click.option("--waves", is_flag=True, help="Leave a waveform in DIR/sim/waves.vcd.")
@click.option("--engine", help="rtl, hls or hls4ml  [default: the build's backend]")
@click.option("--netlist", is_flag=True, help="Simulate what Yosys makes of the RTL, as the chip's cells.")
@_json
@_reports_errors
def verify_command(folder: str, as_json: bool, **options: Any) -> int:
    """Simulate a build's RTL, its netlist, or its C++, and compare it with the reference, value by value."""
    from . import page
    from .design import load

    design = load(folder)
    found = design.verify(**options)
    page.save(design.folder, design.manifest, "sim", found.as_json())
    if as_json:
        print(json.dumps(found.as_json()))
    elif found.ok and found.engine in ("hls", "hls4ml"):
        print(f"{found.frames} frames (seed {found.seed}) in {found.engine} equal to the reference ({found.seconds} s)")
    elif found.ok:
        print(f"{found.frames} frames (seed {found.seed}) equal to the reference, with and without stalls; "
              f"{found.latency_cycles} cycles of latency as computed ({found.seconds} s)")  # fmt: skip
    else:
        _tell_mismatch(found, design.manifest)
    return 0 if found.ok else MISMATCH


@cli.command("run")
@click.argument("folder", metavar="DIR", type=click.Path())
@click.option(
    "--input", "source", required=True, type=click.Path(), help="An .npy, samples along the first axis, or an .npz."
)
@click.option("--output", "sink", required=True, type=click.Path(), help="Where the results go; likewise.")
@click.option("--engine", default="numpy", show_default=True, help="numpy, rtl, hls or hls4ml.")
@click.option("--raw", is_flag=True, help="Take and give the wire's integers.")
@click.option("--dump-layers", type=click.Path(), help="A folder for every layer's codes.")
@_reports_errors
def run_command(folder: str, source: str, sink: str, engine: str, raw: bool, dump_layers: str | None) -> None:
    """Run a build on data: by the reference, by its simulated RTL, or by its C++."""
    from . import arrays
    from .design import load

    design = load(folder)
    arrays.run(design, source, sink, engine=engine, raw=raw, dump=dump_layers)


@cli.command("synth")
@click.argument("folder", metavar="DIR", type=click.Path())
@_json
@_reports_errors
def synth_command(folder: str, as_json: bool) -> None:
    """Synthesise a build with Yosys and count its resources; where the board has an open flow, make its bitstream."""
    from dataclasses import asdict

    from . import page, report
    from .design import load

    design = load(folder)
    if design.board().open_flow == "bitstream" and (design.folder / "board" / "rtl").is_dir():
        found = asdict(design.make_bitstream())
    else:
        found = asdict(design.synthesise()) | {"bitstream": None}
    found["estimate"] = design.manifest["estimate"]
    page.save(design.folder, design.manifest, "synth", found)
    if as_json:
        print(json.dumps(found))
    else:
        print(report.as_text(design.folder, design.manifest), end="")


@cli.command("report")
@click.argument("folder", metavar="DIR", type=click.Path())
@click.option(
    "--html", type=click.Path(), help="Write the page to this file too  [DIR/report.html is kept up to date]."
)
@_json
@_reports_errors
def report_command(folder: str, html: str | None, as_json: bool) -> None:
    """Show what a build is: stages, speed, resources, verification."""
    from pathlib import Path

    from . import page, report
    from .design import load
    from .saved import read_manifest
    from .store import is_chip

    place, chip = Path(folder), is_chip(Path(folder))
    manifest = read_manifest(place) if chip else load(folder).manifest
    told = report.as_json(place, manifest)
    if html is not None:
        if chip:
            raise CompileError("E504", "--html is for the build of one accelerator", hint="name one of them")
        page.write(place, manifest, Path(html))
    if "vivado" in told and not chip:
        page.write(place, manifest)
    if as_json:
        print(json.dumps(told))
    else:
        print(report.as_text(place, manifest), end="")


@cli.command("combine")
@click.argument("folders", metavar="DIR...", nargs=-1, required=True, type=click.Path())
@click.option("-o", "--output", required=True, type=click.Path(), help="The folder of the chip.")
@_json
@_reports_errors
def combine_command(folders: tuple[str, ...], output: str, as_json: bool) -> None:
    """Put the accelerators of several builds for one Zynq board into one chip, each with a DMA of its own."""
    from pathlib import Path

    from . import report
    from .combine import combine

    manifest = combine(list(folders), output)
    if as_json:
        print(json.dumps(manifest))
    else:
        print(report.as_text(Path(output), manifest), end="")


@cli.command("boards")
@_json
@_reports_errors
def boards_command(as_json: bool) -> None:
    """List the boards."""
    from .boards import list_boards

    boards = list_boards()
    if as_json:
        keys = (
            "name",
            "title",
            "part",
            "family",
            "lut",
            "ff",
            "bram36",
            "dsp",
            "dsp_kind",
            "clock_mhz",
            "flow",
            "open_flow",
        )
        print(json.dumps({"boards": [{k: getattr(b, k) for k in keys} | {"aliases": list(b.aliases)} for b in boards]}))
        return
    for b in boards:
        names = ", ".join([b.name, *b.aliases])
        room = f"{b.lut:>9,} LUT {b.bram36:>7.5g} BRAM {b.dsp:>6,} DSP  {b.clock_mhz:>3g} MHz"
        print(f"{names:26} {b.part:21} {room}  {b.flow:5}  {b.open_flow or '-'}")


@cli.command("ops")
@_json
@_reports_errors
def ops_command(as_json: bool) -> None:
    """List the ONNX operators that Bitwright reads."""
    from .frontend.operators import supported_operators

    names = supported_operators()
    print(json.dumps({"operators": names}) if as_json else "\n".join(names))


@cli.command("operators")
@click.option("--only", metavar="OPERATOR", help="The cases of one operator, each with its verdict.")
@_json
@_reports_errors
def operators_command(only: str | None, as_json: bool) -> int:
    """Run the ONNX standard's node tests for every operator that Bitwright reads."""
    from dataclasses import asdict

    from .conformance import FAILED, table, tallies, verdicts

    found = list(verdicts(only))
    if as_json:
        print(json.dumps({"cases": [asdict(v) for v in found]}))
    elif only:
        print("\n".join(f"{v.status:8} {v.case} {v.reason}".rstrip() for v in found))
    else:
        print(table(tallies(found)), end="")
    return MISMATCH if any(v.status == FAILED for v in found) else 0


@cli.command("check")
@click.argument("model", type=click.Path())
@click.option("--input-type", help="As for compile.")
@_shape
@_quantization
@_json
@_reports_errors
def check_command(model: str, input_type: str | None, shape: tuple[str, ...], as_json: bool, **choices: Any) -> int:
    """Say what would compile, or all that stands against it, without compiling it; with sample inputs, which type the input could have."""
    from pathlib import Path

    from . import report
    from .calibration import Choices, quantise
    from .frontend.checking import check_model
    from .frontend.input_shape import parse_shapes

    chosen, shapes = Choices(**choices), parse_shapes(shape)
    chosen.check_unused()
    done = None if chosen.calibration is None else quantise(Path(model), chosen, input_type, shapes)
    if done is None:
        imported, faults = check_model(Path(model), input_type=input_type, shapes=shapes)
    else:
        imported, faults = check_model(done.calibrated.model, input_type=input_type)
    rows = [
        {"value": n.name, "op": n.op.mnemonic, "type": str(n.type), "origin": [str(o) for o in n.origin]}
        for n in (imported.graph.nodes if imported else ())
    ]
    told: dict[str, Any] = {"nodes": rows}
    if done is not None:
        told |= {"calibration": done.calibrated.report, "input_type": done.input_type}
    if as_json:
        errors = {"error": _error(faults[0]), "errors": [_error(f) for f in faults]} if faults else {}
        print(json.dumps(told | errors))
        return faults[0].exit_status if faults else 0
    for row in rows:
        print(f"{row['op']:10} {row['type']:28} {', '.join(row['origin'])}")
    if done is not None:
        print("", *report.calibration(done.calibrated.report), sep="\n")
        print(f"the samples suit --input-type '{done.input_type}', if the input is to have a plain type")
    for fault in faults:
        print(f"bitwright: {fault}", file=sys.stderr)
    return faults[0].exit_status if faults else 0


@cli.command("explain")
@click.argument("code")
@_reports_errors
def explain_command(code: str) -> None:
    """Say when an error comes and what to do about it."""
    from .explanations import EXPLANATIONS

    text = EXPLANATIONS.get(code.upper())
    if text is None:
        raise CompileError("E504", f"there is no error {code[:20]!r}", hint=f"errors: {', '.join(EXPLANATIONS)}")
    print(f"{code.upper()}: {text}")
