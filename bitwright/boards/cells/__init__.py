"""Verilog models of the cells in a netlist: Yosys' own, but ours of LUTs (which compile in half the time) and of what Yosys only declares."""

import re
from pathlib import Path

from bitwright.boards.family import Family
from bitwright.boards.netlist import Cell, read_netlist
from bitwright.boards.yosys import NETLIST, cell_models, write_verilog
from bitwright.errors import CompileError

OWN = Path(__file__).parent


def models(cells: list[Cell], family: Family) -> str:
    """The modules that the cells need. CompileError E414 names a cell that has no model, E390 if pyosys is missing."""
    alone = family.alone
    assert alone is not None
    own = [file for folder in ("", *alone.own) for file in sorted((OWN / folder).glob("*.v*"))]
    sources = [file.read_text(encoding="utf-8") for file in (*map(cell_models, alone.models), *own)]
    known: dict[str, str] = {}
    for source in sources:
        known |= _modules(source)
    texts: dict[str, str] = {}
    for cell in cells:
        if cell.type not in known:
            raise CompileError("E414", f"there is no model of the cell {cell.type}, so its netlist cannot be simulated")
        _check(cell, alone.checks.get(cell.type, {}))
        _add(cell.type, known, texts)
    macros = "".join(map(_macros, sources))
    body = "\n".join(texts[name] for name in sorted(texts))
    return f'{macros}`begin_keywords "1800-2012"\n{body}\n`end_keywords\n'


def sources(folder: Path, top: str, family: Family) -> list[Path]:
    """Verilog of the netlist in `folder` and of its cells, written there. Errors are those of Yosys and of `models`."""
    text = models(read_netlist(folder / NETLIST, top), family)
    file = folder / "cells.v"
    file.write_text(text, encoding="utf-8")
    return [write_verilog(folder), file]


def _add(name: str, known: dict[str, str], texts: dict[str, str]) -> None:
    """The module and those that it is made of."""
    if name in texts:
        return
    texts[name] = known[name]
    for word in set(re.findall(r"^\s*(\w+)\s+(?:#\s*\(|\w+\s*\()", known[name], re.MULTILINE)):
        if word in known and word != name:
            _add(word, known, texts)


def _modules(text: str) -> dict[str, str]:
    """The text of each module of a file."""
    return {
        m[1]: m[0] for m in re.finditer(r"^[ \t]*module (\w+)\b.*?^[ \t]*endmodule\b", text, re.MULTILINE | re.DOTALL)
    }


def _macros(text: str) -> str:
    """The definitions of macros before the first module of a file, with the conditions around them."""
    head = re.split(r"^[ \t]*module ", text, maxsplit=1, flags=re.MULTILINE)[0]
    lines = re.finditer(r"^`(?:define|ifdef|ifndef|else|endif)\b(?:.*\\\n)*.*\n", head, re.MULTILINE)
    return "".join(m[0] for m in lines)


def _check(cell: Cell, plain: dict[str, int | str]) -> None:
    for name, wanted in plain.items():
        value = cell.setting(name)
        if value not in (None, wanted):
            raise CompileError("E414", f"there is no model of the cell {cell.type} with {name} = {value}")
