"""AMD 7 series: the pins and the clock of a chip that Vivado places and routes."""

from collections.abc import Iterator

from bitwright.boards.board import Board
from bitwright.boards.place import Clock, oscillator, pins

SLOWEST_INPUT, FASTEST_INPUT = 19.0, 450.0  # MHz, of the PLL's phase detector (DS181, speed grade -1)
DIVIDERS, MULTIPLIERS, OUTPUTS = 56, 64, 128


def constraints(board: Board) -> tuple[str, str]:
    """An XDC file. The serial line and the light are slow, so that no path to a pin is timed."""
    lines = [f"create_clock -name clk -period {1000 / oscillator(board):.3f} [get_ports clk]"]
    for port, (pin, io) in pins(board).items():
        lines.append(f"set_property -dict {{PACKAGE_PIN {pin} IOSTANDARD {io}}} [get_ports {port}]")
    lines += ["set_false_path -from [get_ports rx]", "set_false_path -to [all_outputs]"]
    return "chip.xdc", "\n".join(lines) + "\n"


def clocks(board: Board, mhz: float) -> Iterator[Clock]:
    """The PLL's own oscillator runs at MULTIPLY / DIVIDE times the pin's clock, and the output is that over OUTPUT."""
    source, (low, high) = oscillator(board), board.chip_family.vco
    for divide in range(1, DIVIDERS + 1):
        if not SLOWEST_INPUT <= source / divide <= FASTEST_INPUT:
            continue
        for multiply in range(2, MULTIPLIERS + 1):
            inner = source * multiply / divide
            output = max(1, -int(-inner // mhz)) if low <= inner <= high else 0
            if 1 <= output <= OUTPUTS:
                values: dict[str, int | str] = {"DIVIDE": divide, "MULTIPLY": multiply, "OUTPUT": output,
                                                "PERIOD": round(1e6 / source)}  # fmt: skip
                yield Clock("bw_pll_xc7", values, inner / output)
