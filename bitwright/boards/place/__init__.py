"""Pins, clocks, and place and route: a module an architecture, named by the family's file.

Each has `constraints(board)`, the name and text of the pins' file, and `clocks(board, mhz)`, what the chip's PLL makes of
the oscillator's clock, up to `mhz`. Where open tools place and route there are also `steps(board, mhz)`, the commands from a
netlist to a bitstream, and `LOGIC`, the logic cells that a placed cell takes.
"""

import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, cast

from bitwright.boards.board import Board

NETLIST, REPORT = "netlist.json", "place.json"


@dataclass(frozen=True, slots=True)
class Clock:
    """The module of the shell that makes the clock, its parameters, and what it comes to in MHz, never more than asked."""

    module: str
    parameters: dict[str, int | str]
    mhz: float


@dataclass(frozen=True, slots=True)
class Step:
    """A command: a function of a Python package with its arguments, file names relative to the folder that it works in."""

    package: str
    function: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Steps:
    """The commands in order, and the file that the last one leaves."""

    commands: tuple[Step, ...]
    bitstream: str


class Architecture(Protocol):
    """What a module in this folder has."""

    constraints: Callable[[Board], tuple[str, str]]
    clocks: Callable[[Board, float], Iterable[Clock]]


class OpenTools(Architecture, Protocol):
    """What it has besides where open tools place and route."""

    steps: Callable[[Board, float], Steps]
    LOGIC: dict[str, int]


def architecture(board: Board) -> Architecture:
    """The module for the board's chip."""
    return cast(Architecture, importlib.import_module(f"{__name__}.{board.chip_family.place}"))


def open_tools(board: Board) -> OpenTools:
    """The same for a chip that they place and route."""
    return cast(OpenTools, architecture(board))


def fastest(clocks: Iterable[Clock]) -> Clock | None:
    """The fastest clock, of several that are alike the first."""
    best: Clock | None = None
    for found in clocks:
        if best is None or found.mhz > best.mhz + 1e-9:
            best = found
    return best


def oscillator(board: Board) -> float:
    """The frequency at the clock's pin, MHz."""
    assert board.clock_pin_mhz is not None
    return board.clock_pin_mhz


def pins(board: Board) -> dict[str, tuple[str, str]]:
    """Port of the chip → pin and its standard."""
    uart = board.uart
    assert uart is not None
    found = {"clk": (board.clock_pin, uart.io), "rx": (uart.rx, uart.io), "tx": (uart.tx, uart.io)}
    return found | ({"led": (uart.led, uart.led_io or uart.io)} if uart.led else {})
