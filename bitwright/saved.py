"""What the JSON files of a build directory hold. Read back, a file has every key, of its type, or is refused with one error."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired, TypedDict, cast

import msgspec
from msgspec import Meta

from .errors import CompileError, quoted
from .store import MANIFEST, is_chip

GREATEST = (1 << 63) - 1
"""Of integers."""

Integer = Annotated[int, Meta(ge=-GREATEST, le=GREATEST)]
Count = Annotated[int, Meta(ge=0, le=GREATEST)]
Positive = Annotated[int, Meta(ge=1, le=GREATEST)]
Share = Annotated[float, Meta(ge=0, le=GREATEST)]
Clock = Annotated[float, Meta(gt=0, le=GREATEST)]


class Amounts(TypedDict):
    """Of a chip's resources."""

    lut: Share
    ff: Share
    bram36: Share
    dsp: Share


class Model(TypedDict):
    """The file that was compiled."""

    sha256: str


class Options(TypedDict):
    """Those of `compile` that a build depends on later."""

    style: str
    ports: Literal["axis", "valid"]
    backend: Literal["verilog", "hls", "hls4ml"]
    input_type: str | None
    shape: list[str]


class Wire(TypedDict):
    """A stage's output."""

    wire: str
    lanes: Positive
    vector: Positive
    vectors: Positive
    width: Positive
    signed: bool


class Origin(TypedDict):
    """A node of the model."""

    op_type: str
    name: str
    index: Integer


class Stage(TypedDict):
    """A stage of the accelerator."""

    name: str
    inputs: list[str]
    op: str
    engine: str
    pe: Count
    simd: Count
    cycles: Count
    busy: Share
    value: str
    type: str
    stream: Wire
    estimate: Amounts
    origin: list[Origin]


class Queue(TypedDict):
    """A FIFO where branches meet."""

    stage: str
    wire: str
    depth: Count
    width: Positive


class Accuracy(TypedDict):
    """Shares of the samples that are classified rightly."""

    float: Share
    quantized: Share


class CalibratedLayer(TypedDict):
    """How a layer of a float model was quantized."""

    name: str
    op: str
    weight_bits: Count | None
    zeros: float | None
    weight_sqnr_db: float | None
    activation_bits: Count | None
    sqnr_db: float | None


class Calibration(TypedDict):
    """How a float model was quantized."""

    samples: Count
    sqnr_db: float | None
    accuracy: NotRequired[Accuracy]
    layers: list[CalibratedLayer]


class Manifest(TypedDict):
    """manifest.json of an accelerator."""

    bitwright: str
    board: str
    part: str
    clock_mhz: Clock
    options: Options
    model: Model
    frame_cycles: Positive
    latency_cycles: Count
    macs: Count
    macs_built: Count
    estimate: Amounts
    shell: Amounts
    usable: Amounts
    chip: Amounts
    fits: bool
    queues: list[Queue]
    stages: list[Stage]
    calibration: NotRequired[Calibration]


class Accelerator(TypedDict):
    """One of the accelerators of a chip."""

    rtl: str
    model: Model
    frame_cycles: Positive
    latency_cycles: Count
    estimate: Amounts


class ChipManifest(TypedDict):
    """manifest.json of a chip of several accelerators."""

    bitwright: str
    board: str
    part: str
    clock_mhz: Clock
    accelerators: list[Accelerator]
    estimate: Amounts
    usable: Amounts


class Code(TypedDict):
    """The codes of a port."""

    lo: Integer
    hi: Integer
    width: Positive
    signed: bool


class Layout(TypedDict):
    """How they lie on the wire."""

    slot: Positive
    lanes: Positive
    vector: Positive
    vectors: Positive
    beats: Positive
    tdata: Positive


class Port(TypedDict):
    """The input or the output of an accelerator; what is done with its values is for `boards.host` to read."""

    name: str
    dtype: str
    shape: list[Positive]
    axes: NotRequired[list[Count] | None]
    dims: NotRequired[list[Positive] | None]
    code: Code
    stream: Layout


class Input(Port):
    """The model's input."""

    encode: dict[str, Any]


class Output(Port):
    """The model's output."""

    decode: dict[str, Any]
    post: NotRequired[list[dict[str, Any]] | None]


class Weights(TypedDict):
    """A layer whose weights can be written."""

    base: Count
    rows: Positive
    columns: Positive
    lo: Integer
    hi: Integer
    bits: Positive
    pe: Positive
    simd: Positive
    lane: Positive
    dsp_rows: Count
    pack: Positive
    offset: bool
    stored_bits: Positive
    value: str
    shape: list[Positive]
    axes: list[Count]
    order: list[Count] | None
    places: list[list[Integer]] | None


class Control(TypedDict):
    """The AXI4-Lite port."""

    registers: dict[str, Count]
    bits: dict[str, Count]
    counters: list[str]
    identity: dict[str, Count]
    address_bits: Positive
    weights: dict[str, Weights]


class Boundary(TypedDict):
    """boundary.json."""

    input: Input
    output: Output
    control: NotRequired[Control | None]


class Verification(TypedDict):
    """sim/result.json."""

    ok: bool
    engine: Literal["rtl", "netlist", "hls", "hls4ml"]
    frames: Count
    seed: Integer
    seconds: Share
    mismatches: Count
    latency_cycles: Count | None
    timing_as_computed: bool
    failure: str | None


class Synthesis(Amounts):
    """synth/result.json."""

    fmax_mhz: list[float] | None
    bitstream: None


class Bitstream(Amounts):
    """The same where the chip was placed and routed."""

    fmax_mhz: Clock | None
    clock_mhz: Clock
    meets_clock: bool
    bitstream: str


def read_manifest(folder: Path) -> dict[str, Any]:
    """manifest.json of an accelerator, or of a chip of several. Raises CompileError E505 if the folder is no build, or is damaged."""
    path = folder / MANIFEST
    if not path.is_file():
        message = f"'{folder}' is not a build directory of Bitwright's"
        raise CompileError("E505", message, hint="bitwright compile MODEL -o DIR makes one")
    found = read(path, ChipManifest if is_chip(folder) else Manifest)
    names = [""]
    for stage in found.get("stages", ()):
        if any(source not in names for source in stage["inputs"]):
            raise damaged(path, f"the inputs of stage {quoted(stage['name'])} are no stages before it")
        names.append(stage["name"])
    if len(names) == 1 and "stages" in found:
        raise damaged(path, "it has no stages")
    return found


def read(path: Path, *forms: type, hint: str = "compile the model again") -> dict[str, Any]:
    """The object in a file, of the form of one of the TypedDicts. Raises CompileError E505 where it is missing or is none."""
    try:
        value = msgspec.json.decode(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise damaged(path, error, hint) from error
    faults = [_fault(value, form) for form in forms]
    if None not in faults:
        raise damaged(path, faults[0], hint)
    return cast(dict[str, Any], value)


def damaged(path: Path, fault: object, hint: str = "compile the model again") -> CompileError:
    """E505, for a file of a build directory that is not what was written."""
    return CompileError("E505", f"'{path}' is damaged: {fault}", hint=hint)


def _fault(value: Any, form: type) -> str | None:
    """What is wrong with a value, and the place in it, such as `stages[0].op`; or None."""
    try:
        msgspec.convert(value, form)
    except msgspec.ValidationError as error:
        what, _, place = str(error).replace("`", "").partition(" - at $")
        return f"{place.lstrip('.')}: {what}" if place else what
    return None
