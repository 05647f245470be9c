"""Place and route by open tools: a module an architecture, named by the family's file.

Each has `constraints(board)`, the name and text of the pins' file; `clock(board, mhz)`, what makes the accelerator's
clock; `steps(board, mhz)`, the commands from a netlist to a bitstream; and `LOGIC`, the logic cells that a placed cell takes.
"""

import importlib
from collections.abc import Callable
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
    clock: Callable[[Board, float], Clock | None]
    steps: Callable[[Board, float], Steps]
    LOGIC: dict[str, int]


def architecture(board: Board) -> Architecture:
    """The module for the board's chip."""
    return cast(Architecture, importlib.import_module(f"{__name__}.{board.chip_family.place}"))


def pins(board: Board) -> dict[str, tuple[str, str]]:
    """Port of the chip → pin and its standard."""
    uart = board.uart
    assert uart is not None
    found = {"clk": (board.clock_pin, uart.io), "rx": (uart.rx, uart.io), "tx": (uart.tx, uart.io)}
    return found | ({"led": (uart.led, uart.led_io or uart.io)} if uart.led else {})
