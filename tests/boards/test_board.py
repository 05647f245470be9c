"""Board files: what they say, and what is said about wrong ones."""

from pathlib import Path

import pytest

from bitwright.boards import Limits, list_boards, load_board, write_handoff
from bitwright.boards.board import FOLDER
from bitwright.boards.family import list_families, load_family
from bitwright.errors import CompileError
from bitwright.ir.chip import XC7

NAMES = sorted(path.stem for path in FOLDER.glob("*.toml"))
OWN = """
name = "own"
part = "xc7z010clg400-1"
family = "xc7"
flow = "pynq"
lut = 17600
ff = 35200
bram36 = 60
dsp = 80
clock_mhz = 100
"""


def own(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(tmp_path: Path, text: str) -> str:
    with pytest.raises(CompileError) as caught:
        load_board(own(tmp_path, text))
    assert caught.value.exit_status == 2
    return str(caught.value).replace(str(tmp_path), "")


@pytest.mark.parametrize("name", ["pynq", "pynq-z2", "PYNQ-Z2", "pynq_z2"])
def test_names_and_aliases(name: str) -> None:
    board = load_board(name)
    assert (board.name, board.part, board.lut, board.dsp) == ("pynq-z2", "xc7z020clg400-1", 53_200, 220)


def test_names_are_unique() -> None:
    names = [name for board in list_boards() for name in (board.name, *board.aliases)]
    assert len({name.casefold() for name in names}) == len(names) >= 3


def test_a_board_is_named_as_its_file() -> None:
    """`base` goes by the file."""
    assert [board.name for board in list_boards()] == sorted(path.stem for path in FOLDER.glob("*.toml"))


def test_usable_follows_the_limits() -> None:
    usable = load_board("pynq-z1").usable
    assert (usable.lut, usable.ff, usable.bram36, usable.dsp) == (37_240, 53_200, 112.0, 176)


def test_own_file(tmp_path: Path) -> None:
    board = load_board(own(tmp_path, OWN + "[limits]\nlut = 1.0\n"))
    assert board.limits == Limits(lut=1.0)
    assert board.usable.lut == 17_600
    assert load_board(str(tmp_path / "own.toml")) == board


def test_base(tmp_path: Path) -> None:
    board = load_board(own(tmp_path, 'base = "pynq-z2"\nname = "mine"\n[limits]\nff = 0.9\n'))
    assert (board.name, board.lut, board.aliases) == ("mine", 53_200, ())
    assert board.limits == Limits(ff=0.9)


def test_the_boards_of_the_open_flow_make_bitstreams() -> None:
    found = {board.name: board.open_flow for board in list_boards()}
    assert [name for name, flow in found.items() if flow == "bitstream"] == [
        "ice40-hx8k",
        "icebreaker",
        "orangecrab-25f",
        "orangecrab-85f",
        "tang-nano-20k",
        "tang-nano-9k",
        "ulx3s-25f",
        "ulx3s-85f",
    ]
    assert found["pynq-z2"] == found["arty-a7-35"] == "synthesis"


def test_the_estimates_are_fitted_to_the_family_xc7() -> None:
    """The chip that stands where no board is told is the one in the family's file."""
    assert load_family("xc7").chip == XC7


@pytest.mark.parametrize("name", list_families())
def test_families(name: str) -> None:
    family = load_family(name)
    assert family.title and family.dsp_kind and family.chip.family == name
    assert family.chip.block == family.kbit / 36
    assert not family.place or 0 < family.vco[0] < family.vco[1]
    assert bool(family.synthesis) == bool(family.package)


def test_block_rams_in_the_sizes_of_the_chip(tmp_path: Path) -> None:
    text = 'base = "icebreaker"\nbram = 20\n[limits]\nbram = 0.5\n[uart]\nbaud = 115200\n'
    board = load_board(own(tmp_path, text))
    assert (board.bram36, board.usable.bram36) == (20 * 4 / 36, 10 * 4 / 36)
    assert board.uart is not None and (board.uart.baud, board.uart.rx, board.uart.led_low) == (115_200, "6", True)


def test_unknown_name() -> None:
    with pytest.raises(CompileError) as caught:
        load_board("pinq-z2")
    assert str(caught.value).splitlines() == [
        "E401: there is no board 'pinq-z2'",
        f"  hint: did you mean 'pynq-z2'? boards: {', '.join(known_names())}",
    ]


def known_names() -> list[str]:
    return sorted(name for board in list_boards() for name in (board.name, *board.aliases))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name = ", "E402: the board file '/own.toml' is no TOML: Invalid value (at end of document)"),
        (OWN.replace("lut = 17600\n", ""), "E403: board file '/own.toml' does not say lut\n  hint: see docs/boards.md"),
        (
            OWN.replace("dsp = 80", "dsp = -1"),
            "E403: board file '/own.toml': dsp must be a whole number from 0, not '-1'",
        ),
        (
            OWN.replace('"own"', '"own; exec ls"'),
            "E403: board file '/own.toml': name must be a word of letters, digits and '_.+-', not 'own; exec ls'",
        ),
        (
            OWN.replace("clock_mhz = 100", "clock_mhz = nan"),
            "E403: board file '/own.toml': clock_mhz must be a number above 0, not 'nan'",
        ),
        (
            OWN + "stream_bits = 48",
            "E403: board file '/own.toml': stream_bits must be a power of two from 8 to 1024, not '48'",
        ),
        (
            OWN + "[limits]\nlut = 70",
            "E403: board file '/own.toml', [limits]: lut must be a number above 0 and up to 1, not '70'",
        ),
        (
            OWN + "[limits]\nluts = 0.7",
            "E403: board file '/own.toml', [limits]: unknown key 'luts'\n"
            "  hint: did you mean 'lut'? keys: bram, dsp, ff, lut, uram",
        ),
        (OWN + "limits = 1", "E403: board file '/own.toml': limits must be a table, not '1'"),
        ("base = [1]", f"E403: board file '/own.toml': there is no base [1]\n  hint: boards: {', '.join(NAMES)}"),
        (
            OWN.replace('"xc7"', '"xc8"'),
            "E403: board file '/own.toml': family must be one of ecp5, gw1n, gw2a, ice40, xc7, xcup, not 'xc8'",
        ),
        (OWN + '[uart]\nrx = "A1"', "E403: board file '/own.toml', [uart] does not say tx\n  hint: see docs/boards.md"),
        (
            OWN + '[uart]\nrx = "A1"\ntx = "A2"\nbaud = 50',
            "E403: board file '/own.toml', [uart]: baud must be from 300 to 12000000, not '50'",
        ),
        (
            OWN + '[device]\nname = "--run x.py"',
            "E403: board file '/own.toml', [device]: name must be a device's name, not '--run x.py'",
        ),
    ],
)
def test_wrong_files(tmp_path: Path, text: str, says: str) -> None:
    assert refusal(tmp_path, text) == says


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(CompileError, match=r"E402: there is no board file '.*none\.toml'"):
        load_board(tmp_path / "none.toml")
    with pytest.raises(CompileError, match=r"E402: cannot read the board file .*: Is a directory"):
        load_board(tmp_path)
    (tmp_path / "own.toml").write_bytes(b"\xff")
    with pytest.raises(CompileError, match=r"E402: cannot read the board file .*: it is not UTF-8 text"):
        load_board(tmp_path / "own.toml")


def test_unknown_flow(tmp_path: Path) -> None:
    board = load_board(own(tmp_path, OWN.replace('"pynq"', '"pinq"')))
    with pytest.raises(CompileError) as caught:
        write_handoff(board, {}, {}, tmp_path)
    assert str(caught.value).startswith("E404: board own: there is no flow 'pinq'\n  hint: flows: ip, pynq, uart")
