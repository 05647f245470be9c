"""A build directory that was damaged is refused with one error, by every command that reads it; never with a traceback."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bitwright
from bitwright import arrays, page, report, saved
from bitwright.cli import cli
from bitwright.combine import combine
from bitwright.errors import CompileError
from tests.test_real_networks import MODELS

MANIFEST, BOUNDARY = "manifest.json", "model/boundary.json"
FORMS = {MANIFEST: saved.Manifest, BOUNDARY: saved.Boundary, "sim/result.json": saved.Verification, "synth/result.json": saved.Synthesis}  # fmt: skip
COMMANDS = [["verify"], ["synth"], ["report"], ["combine", "-o", "other"], ["run", "--input", "x", "--output", "y"]]
OTHERS: tuple[Any, ...] = (None, -1, 0.5, 1 << 70, "", [None], {"": None})


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build with all that its JSON files can hold, and a chip of two of it."""
    folder = tmp_path_factory.mktemp("whole")
    build = folder / "build"
    bitwright.compile(MODELS / "hello_world.onnx", build, target_cycles=300, control="axilite", rewritable="all")
    manifest = json.loads((build / MANIFEST).read_text())
    manifest["queues"] = [{"stage": "s1", "wire": "w_s1", "depth": 2, "width": 8}]
    layer = {"name": "a", "op": "Gemm", "weight_bits": 4, "zeros": 0.5, "weight_sqnr_db": 20.5, "activation_bits": 8, "sqnr_db": 30.5}  # fmt: skip
    manifest["calibration"] = {"samples": 9, "sqnr_db": 31.5, "accuracy": {"float": 0.9, "quantized": 0.9}, "layers": [layer]}  # fmt: skip
    (build / MANIFEST).write_text(json.dumps(manifest))
    report.save(build, "sim", {"ok": True, "engine": "rtl", "frames": 3, "seed": 0, "seconds": 1.5, "mismatches": 0,
                               "latency_cycles": 9, "timing_as_computed": True, "failure": None})  # fmt: skip
    amounts = {"lut": 1, "ff": 1, "bram36": 0.5, "dsp": 0}
    report.save(build, "synth", amounts | {"fmax_mhz": [90.5, 110.5], "bitstream": None})
    combine([build, build], folder / "chip")
    return folder


@pytest.fixture
def made(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "made")
    return tmp_path / "made"


def changes(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Each place in a JSON value with another value, or with the class `KeyError`: it is removed."""
    yield from ((at, other) for other in OTHERS)
    if at and isinstance(at[-1], str):
        yield at, KeyError
    inside = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, entry in inside:
        yield from changes(entry, (*at, key))


def changed(value: Any, at: tuple[Any, ...], other: Any) -> Any:
    if not at:
        return other
    copy = value.copy()
    if other is KeyError and len(at) == 1:
        del copy[at[0]]
    else:
        copy[at[0]] = changed(value[at[0]], at[1:], other)
    return copy


@pytest.mark.parametrize("name", FORMS)
def test_every_change_is_refused_or_does_no_harm(name: str, made: Path) -> None:
    build, file = made / "build", made / "build" / name
    np.save(made / "x.npy", np.zeros((2, 1), np.int8))
    good, wrong = json.loads(file.read_text()), 0
    for at, other in changes(good):
        file.write_text(json.dumps(changed(good, at, other)))
        try:
            design = bitwright.load(build)
            report.as_text(build, design.manifest)
            page.write(build, design.manifest)
            arrays.run(design, str(made / "x.npy"), str(made / "y.npy"), engine="numpy", raw=False, dump=None)
        except CompileError as error:
            assert error.code in ("E505", "E506"), error
            wrong += error.code == "E505"
    assert wrong > 50


def test_every_change_of_a_chip(made: Path) -> None:
    file = made / "chip" / MANIFEST
    good, wrong = json.loads(file.read_text()), 0
    for at, other in changes(good):
        file.write_text(json.dumps(changed(good, at, other)))
        try:
            report.as_text(made / "chip", saved.read_manifest(made / "chip"))
        except CompileError as error:
            assert error.code == "E505"
            wrong += 1
    assert wrong > 50


@pytest.mark.parametrize("name", [*FORMS, "model/graph.ir", "model/constants.npz", "model/board.json"])
def test_what_is_cut_short(name: str, made: Path) -> None:
    build, file = made / "build", made / "build" / name
    whole = file.read_bytes()
    for size in range(0, len(whole) - 1, 1 + len(whole) // 40):
        file.write_bytes(whole[:size])
        with pytest.raises(CompileError, match=r"^E505: .* is damaged: |^E402: cannot read the board file"):
            design = bitwright.load(build)
            report.as_text(build, design.manifest)
            design.board()


@pytest.mark.parametrize(
    "text", ["", "[" * 100_000, '{"bitwright": NaN}', '"bitwright"', '{"bitwright": "0.1.0"}', "\udcff"]
)
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_every_command_tells_of_it(
    command: list[str], text: str, made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("build", "chip"):
        file = made / folder / MANIFEST
        file.write_bytes(text.encode(errors="surrogateescape"))
        assert cli.main([command[0], str(made / folder), *command[1:]], standalone_mode=False) == 2
        error = capsys.readouterr().err
        assert error.startswith(f"bitwright: E505: '{file}' is damaged: ") and "hint: compile the model again" in error


def test_where_and_what(made: Path) -> None:
    file = made / "build" / MANIFEST
    manifest = json.loads(file.read_text())
    manifest["stages"][1]["estimate"]["lut"] = "many"
    file.write_text(json.dumps(manifest))
    with pytest.raises(CompileError, match=r"is damaged: stages\[1\]\.estimate\.lut: Expected float, got str"):
        bitwright.load(made / "build")
    manifest["stages"] = []
    file.write_text(json.dumps(manifest))
    with pytest.raises(CompileError, match="is damaged: it has no stages"):
        bitwright.load(made / "build")
