"""A family of chips: the facts that boards with such a chip share. One TOML file a family, in `families/`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from bitwright.ir.chip import Chip, Delays, LutRam

FOLDER = Path(__file__).parent / "families"


@dataclass(frozen=True, slots=True)
class Synthesis:
    """The Yosys command for a family; the LUTs that a cell counts, and the cells that are flip-flops, block RAMs, DSPs.

    `prepare` are commands between the command's first part, which flattens the design, and the rest.
    """

    command: str
    lut: dict[str, int]
    ff: frozenset[str]
    bram: frozenset[str]
    dsp: frozenset[str]
    prepare: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Alone:
    """How an accelerator without pins is synthesised, so that its netlist can be simulated.

    `command` is Yosys', `library` the cells that the RTL may name. `models` are files of Yosys' with models, `own` the
    folders in `boards/cells` with those that Yosys only declares, and `checks` tells for a cell the values of parameters
    and inputs that its model takes for granted.
    """

    command: str
    models: tuple[str, ...]
    own: tuple[str, ...]
    library: str = ""
    checks: dict[str, dict[str, int | str]] = field(default_factory=dict[str, dict[str, int | str]])


@dataclass(frozen=True, slots=True)
class Shell:
    """What the UART shell takes of a chip; block RAMs of the chip's own size."""

    lut: int = 0
    ff: int = 0
    bram: int = 0


@dataclass(frozen=True, slots=True)
class Family:
    """`place` names the module in `boards/place` that places and routes, `package` the one on PyPI that it needs.

    `kbit` is the size of the smallest block RAM. `vco` is the range of the PLL's oscillator in MHz.
    """

    name: str
    title: str
    chip: Chip
    dsp_kind: str
    kbit: int
    synthesis: Synthesis | None = None
    alone: Alone | None = None
    place: str = ""
    package: str = ""
    vco: tuple[float, float] = (0.0, 0.0)
    shell: Shell = Shell()


def list_families() -> list[str]:
    """The families' names."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


@cache
def load_family(name: str) -> Family:
    """The family of that name, one of `list_families()`."""
    table = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    place, pll = table.get("place", {}), table.get("pll", {})
    return Family(
        name=name,
        title=table["title"],
        chip=_chip(name, table),
        dsp_kind=table["dsp"]["kind"],
        kbit=table["bram"]["kbit"],
        synthesis=_synthesis(table["synthesis"]) if "synthesis" in table else None,
        alone=_alone(table["alone"]) if "alone" in table else None,
        place=place.get("tool", ""),
        package=place.get("package", ""),
        vco=tuple(pll.get("vco", (0.0, 0.0))),
        shell=Shell(**table.get("shell", {})),
    )


def _chip(name: str, table: dict[str, Any]) -> Chip:
    dsp, bram, ram = table["dsp"], table["bram"], table.get("lutram")
    return Chip(
        family=name,
        lut_inputs=table["lut_inputs"],
        cells=table["cells"],
        wide=dsp["wide"],
        narrow=dsp["narrow"],
        least=dsp["least"],
        rest=dsp.get("rest", 1),
        shapes=tuple((words, bits, blocks * bram["kbit"] / 36) for words, bits, blocks in bram["shapes"]),
        lutram=LutRam(**ram) if ram else None,
        delays=Delays(**table["delay"]),
        **{
            key: table[key]
            for key in ("ternary", "row", "xnor", "logic", "choice", "shifts", "adds", "keeps", "lone")
            if key in table
        },
    )


def _synthesis(table: dict[str, Any]) -> Synthesis:
    return Synthesis(
        command=table["command"],
        lut=dict(table["lut"]),
        ff=frozenset(table["ff"]),
        bram=frozenset(table["bram"]),
        dsp=frozenset(table["dsp"]),
        prepare=tuple(table.get("prepare", ())),
    )


def _alone(table: dict[str, Any]) -> Alone:
    return Alone(
        command=table["command"],
        models=tuple(table["models"]),
        own=tuple(table["own"]),
        library=table.get("library", ""),
        checks=table.get("checks", {}),
    )
