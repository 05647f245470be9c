"""The UART handoff: a whole chip with the accelerator behind a serial line, its pins, and the host's driver.

Where there is no open place and route for the chip, Vivado's script goes with it.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bitwright.boards.board import Board
from bitwright.boards.host import Boundary
from bitwright.boards.place import Clock, architecture, fastest, open_tools, oscillator
from bitwright.boards.texts import HOST, boundary_text, figures, number, templates, write_files
from bitwright.errors import CompileError

HERE = Path(__file__).parent
TOP = "bw_chip"
LEAST_DIV = 8  # clock cycles a bit
MOST_ERROR = 0.03  # of the baud rate: the middle of the last bit is then a third of a bit away, and the host is exact
SHELL = ("bw_uart_shell", "bw_uart_receiver", "bw_uart_sender", "bw_uart_rx", "bw_uart_tx", "bw_crc16", "bw_start")
BLINKS = 4.0  # a second


def write_handoff(board: Board, manifest: dict[str, Any], boundary: dict[str, Any], out: Path) -> list[Path]:
    """Write the folder `out`, beside the design's `rtl/`, and return its files, sorted.

    CompileError E403 if the board says no pins or device, E407 where its clocks do not do for the serial line.
    """
    if not board.chip_family.place:
        raise CompileError("E404", f"board {board.name}: there is no chip behind a serial line in family {board.family}",
                           hint="flow = \"ip\" hands over the accelerator alone")  # fmt: skip
    routed = bool(board.chip_family.package)
    if board.uart is None or (routed and board.device is None) or not board.clock_pin or board.clock_pin_mhz is None:
        device = " [device]," if routed else ""
        raise CompileError("E403", f"board {board.name}: the flow 'uart' needs [uart],{device} clock_pin and "
                           "clock_pin_mhz", hint="see docs/boards.md")  # fmt: skip
    wire, clock = Boundary(boundary), clock_of(board, float(manifest["clock_mhz"]))
    div, text = divisor(board, clock.mhz), boundary_text(boundary)
    name, pins = architecture(board).constraints(board)
    identity = design_id(text)
    link = {"baud": board.uart.baud, "id": identity, "clock_mhz": round(clock.mhz, 6)}
    fields = {
        "board": board.name,
        "title": board.title or board.name,
        "figures": figures({**manifest, "clock_mhz": clock.mhz}, clock.mhz),
        "clock": _clock_in_words(board, clock),
        "baud": str(board.uart.baud),
        "part": board.part,
        "clock_mhz": number(clock.mhz),
        "building": _by_open_tools(open_tools(board).steps(board, clock.mhz).bitstream) if routed else BY_VIVADO,
    }
    files = templates(HERE / "templates", fields) | ({} if routed else templates(HERE / "vivado", fields))
    files |= {f"rtl/{module}.v": (HERE / "rtl" / f"{module}.v").read_text() for module in (*SHELL, clock.module)}
    files |= {
        f"rtl/{TOP}.v": "\n".join(chip(board, wire, clock, div, identity)) + "\n",
        name: pins,
        "driver.py": (HERE / "driver.py").read_text(encoding="utf-8").replace("from bitwright.boards.host ", "from host "),
        "host.py": HOST.read_text(encoding="utf-8"),
        "boundary.json": text,
        "link.json": json.dumps(link, indent=1, sort_keys=True) + "\n",
    }  # fmt: skip
    (out / "rtl").mkdir(parents=True, exist_ok=True)
    return write_files(files, out)


BY_VIVADO = """    vivado -mode batch -source build.tcl

places, routes and leaves `bitwright.bit` in this folder, with reports that `bitwright report ..` shows beside its estimates."""


def _by_open_tools(bitstream: str) -> str:
    return f"""    bitwright synth ..

places, routes and leaves `synth/{bitstream}` in the design's folder. It needs `pip install 'bitwright[open]'`."""


def clock_of(board: Board, mhz: float) -> Clock:
    """What makes the accelerator's clock on the board: its oscillator, or a PLL that comes nearest from below."""
    own = Clock("bw_clock", {}, oscillator(board))
    if abs(own.mhz - mhz) < 1e-6 * mhz:
        return own
    made = fastest(architecture(board).clocks(board, mhz))
    found = [clock for clock in (made, own) if clock and clock.mhz <= mhz * (1 + 1e-9)]
    if not found:
        raise CompileError("E407", f"board {board.name} makes no clock of {mhz:g} MHz or less from its {own.mhz:g} MHz",
                           hint=f"--clock {own.mhz:g}")  # fmt: skip
    return max(found, key=lambda clock: clock.mhz)


def divisor(board: Board, mhz: float) -> int:
    """Clock cycles a bit of the serial line. CompileError E407 if there is no number near enough."""
    assert board.uart is not None
    exact = mhz * 1e6 / board.uart.baud
    div = round(exact)
    if div < LEAST_DIV or abs(div - exact) > MOST_ERROR * exact:
        raise CompileError(
            "E407",
            f"board {board.name}: {board.uart.baud} baud are {exact:.2f} clock cycles a bit at {mhz:g} MHz; it takes "
            f"{LEAST_DIV} or more, and nearly a whole number",
            hint="take another --clock, or a board file of your own with another baud",
        )
    return div


def design_id(boundary: str) -> str:
    """By which chip and driver know that they belong together: 16 hex digits of the text of boundary.json."""
    return hashlib.sha256(boundary.encode()).hexdigest()[:16]


def chip(board: Board, wire: Boundary, clock: Clock, div: int, identity: str) -> Iterator[str]:
    """The chip's top: instances and wires."""
    assert board.uart is not None
    led, low = bool(board.uart.led), board.uart.led_low
    ports = ["input  wire clk", "input  wire rx", "output wire tx", *(["output wire led"] if led else [])]
    yield "// Generated by Bitwright: the accelerator behind a serial line, for one board."
    yield f"module {TOP} ("
    yield ",\n".join(f"  {port}" for port in ports)
    yield ");"
    yield "  wire core_clk, steady, rst_n, core_rst_n, light;"
    for side, stream in (("s", wire.input), ("m", wire.output)):
        yield f"  wire [{stream.tdata - 1}:0] {side}_axis_tdata;"
        yield f"  wire {side}_axis_tvalid, {side}_axis_tready;"
    yield ""
    given = ", ".join(f".{k}({_literal(v)})" for k, v in clock.parameters.items())
    yield f"  {clock.module} {f'#({given}) ' if given else ''}clocking (.in(clk), .clk(core_clk), .steady(steady));"
    yield "  bw_start starting (.clk(core_clk), .steady(steady), .rst_n(rst_n));"
    blink = max(3, round(clock.mhz * 1e6 / BLINKS / 2).bit_length() - 1)
    yield "  bw_uart_shell #("
    yield f"    .DIV({div}), .S_BITS({wire.input.tdata}), .M_BITS({wire.output.tdata}), .ID(64'h{identity}), .BLINK({blink})"
    yield "  ) shell ("
    yield "    .clk(core_clk), .rst_n(rst_n), .rx(rx), .tx(tx), .led(light), .core_rst_n(core_rst_n),"
    yield "    .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready),"
    yield "    .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready)"
    yield "  );"
    yield "  bw_accel accel ("
    yield "    .aclk(core_clk), .aresetn(core_rst_n),"
    yield "    .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready), .s_axis_tlast(1'b0),"
    yield "    .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready), .m_axis_tlast()"
    yield "  );"
    if led:
        yield f"  assign led = {'~' if low else ''}light;"
    else:
        yield "  wire unused = light;"
    yield "endmodule"


def _literal(value: int | str) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _clock_in_words(board: Board, clock: Clock) -> str:
    if clock.module == "bw_clock":
        return f"The accelerator runs at the oscillator's {number(clock.mhz)} MHz."
    return (
        f"A PLL makes the accelerator's {number(clock.mhz)} MHz from the oscillator's {number(oscillator(board))} MHz."
    )
