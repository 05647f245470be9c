"""Several accelerators in one chip, on the command line and in the driver."""

import json
import shutil

import numpy as np
import pytest

import bitwright
from bitwright import combine, report
from bitwright.boards.pynq.standin import StandIn
from bitwright.errors import CompileError
from tests.boards.drivers import loaded
from tests.boards.test_pynq_rtl import chip
from tests.boards.test_vivado import CHIP_ROWS, SEVEN, table, write
from tests.test_cli import bitwright as command
from tests.test_real_networks import MODELS


@pytest.fixture(scope="module")
def designs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("combine")
    hello = bitwright.compile(MODELS / "hello_world.onnx", folder / "hello", target_cycles=64)
    tfc = bitwright.compile(MODELS / "tfc_1w1a.onnx", folder / "tfc", target_cycles=1000)
    return hello, tfc


def folders(designs):
    return [design.folder for design in designs]


def test_two_networks_at_once(designs, tmp_path):
    """The driver of the chip runs both RTLs, and gives what the references say."""
    manifest = combine.combine(folders(designs), tmp_path / "chip")
    for key in ("lut", "bram36", "dsp"):
        assert manifest["estimate"][key] == sum(design.manifest["estimate"][key] for design in designs)
    for i, design in enumerate(designs):
        made = sorted(path.name for path in (tmp_path / "chip" / f"accel_{i}" / "rtl").iterdir())
        assert made == sorted(path.name for path in (design.folder / "rtl").iterdir())
    inputs = []
    for name in ("hello_world", "tfc_1w1a"):
        with np.load(MODELS / f"{name}.npz") as stored:
            inputs.append(next(stored[k] for k in stored.files if k.startswith("in:"))[:3])
    board = StandIn(*map(chip, designs))
    with loaded(tmp_path / "chip" / "board", board) as module:
        found = module.predict_together(module.load(), inputs)
    for y, design, x in zip(found, designs, inputs, strict=True):
        np.testing.assert_array_equal(y, design.predict(x), strict=True)


def test_the_command_line(designs, tmp_path):
    made = command("combine", *folders(designs), "-o", tmp_path / "chip")
    told = command("report", tmp_path / "chip")
    assert made.returncode == told.returncode == 0
    assert made.stdout == told.stdout
    assert [line.split()[0] for line in made.stdout.splitlines() if line.startswith("accel_")] == [
        "accel_0/rtl",
        "accel_1/rtl",
    ]
    assert json.loads(command("report", tmp_path / "chip", "--json").stdout)["board"] == "pynq-z2"
    for wrong in (("verify", tmp_path / "chip"), ("report", tmp_path / "chip", "--html", tmp_path / "x.html")):
        refused = command(*wrong)
        assert refused.returncode == 2
        assert refused.stderr.startswith(("bitwright: E505:", "bitwright: E504:"))


def test_what_vivado_reported(designs, tmp_path):
    """In the text, in the JSON and on the page, of a build and of a chip."""
    hello = designs[0]
    shutil.copytree(hello.folder, tmp_path / "hello")
    write(tmp_path / "hello" / "board", table(SEVEN, CHIP_ROWS), slack="-0.5")
    told = command("report", tmp_path / "hello")
    line = "Vivado      the whole chip: 9,876 LUT, 12,345 FF, 21.5 BRAM, 4 DSP; 100 MHz NOT met with -0.500 ns of slack; 1.534 W"
    assert line in told.stdout.splitlines()
    assert "5,000" in next(row for row in told.stdout.splitlines() if row.startswith("lut"))
    assert json.loads(command("report", tmp_path / "hello", "--json").stdout)["vivado"]["slack_ns"] == -0.5
    page = (tmp_path / "hello" / "report.html").read_text()
    assert "100 MHz NOT met" in page
    assert "by Vivado" in page

    combine.combine(folders(designs), tmp_path / "chip")
    more = ("    accel_1", "design_1_accel_1_0", 1, 1, 0, 0, 2, 3, 0, 5)
    write(tmp_path / "chip" / "board", table(SEVEN, [*CHIP_ROWS, more]))
    text = report.as_text(tmp_path / "chip", json.loads((tmp_path / "chip" / "manifest.json").read_text()))
    assert "5,001" in next(row for row in text.splitlines() if row.startswith("lut"))


def refusal(*args):
    with pytest.raises(CompileError) as caught:
        combine.combine(*args)
    return caught.value


def test_what_does_not_go_together(designs, tmp_path):
    hello, tfc = designs
    other = bitwright.compile(MODELS / "hello_world.onnx", tmp_path / "z1", board="pynq-z1")
    slow = bitwright.compile(MODELS / "hello_world.onnx", tmp_path / "slow", clock=50)
    fpga = bitwright.compile(MODELS / "hello_world.onnx", tmp_path / "ecp5", board="ulx3s")
    out = tmp_path / "chip"
    assert "is for pynq-z1" in refusal([hello.folder, other.folder], out).message
    assert refusal([hello.folder, slow.folder], out).message == "the builds run at 100 and 50 MHz"
    assert "no processor" in refusal([fpga.folder], out).message
    assert refusal([hello.folder] * 17, out).code == "E504"
    assert refusal([tfc.folder, tmp_path], out).code == "E505"
    fast = bitwright.compile(MODELS / "tfc_1w1a.onnx", tmp_path / "fast")
    many = fast.manifest["usable"]["lut"] // fast.manifest["estimate"]["lut"] + 1
    assert 1 < many <= 16
    assert refusal([fast.folder] * many, out).exit_status == 4
    assert not out.exists()
    assert combine.combine([hello.folder], out)["accelerators"][0]["rtl"] == "accel_0/rtl"
