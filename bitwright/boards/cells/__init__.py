"""Verilog models of the cells in a 7-series netlist: Yosys' own, but ours of LUTs and of what Yosys only declares."""

import re
from pathlib import Path

from bitwright.boards.netlist import Cell, read_netlist
from bitwright.boards.yosys import NETLIST, cell_models, write_verilog
from bitwright.errors import CompileError

OWN = Path(__file__).parent
LUTS = OWN / "luts.v"
"""Instead of Yosys' models, which take a compiler twice as long."""
BLOCK_RAMS = frozenset({"RAMB18E1", "RAMB36E1"})
PLAIN = {"DOA_REG": 0, "DOB_REG": 0, "RAM_EXTENSION_A": "NONE", "RAM_EXTENSION_B": "NONE"}
"""What the models of block RAMs take for granted."""


def models(cells: list[Cell]) -> str:
    """The modules that the cells need. CompileError E414 names a cell that has no model, E390 if pyosys is missing."""
    found = {k: t for file in (cell_models(), LUTS) for k, t in _modules(file.read_text(encoding="utf-8")).items()}
    texts: dict[str, str] = {}
    for cell in cells:
        if cell.type in BLOCK_RAMS:
            _check(cell)
            for name in ("bw_block_ram", cell.type):
                texts[name] = (OWN / f"{name}.v").read_text(encoding="utf-8")
        elif cell.type in found:
            texts[cell.type] = found[cell.type]
        else:
            raise CompileError("E414", f"there is no model of the cell {cell.type}, so its netlist cannot be simulated")
    body = "\n".join(texts[name] for name in sorted(texts))
    return f'`begin_keywords "1800-2012"\n{body}\n`end_keywords\n'


def sources(folder: Path, top: str) -> list[Path]:
    """Verilog of the netlist in `folder` and of its cells, written there. Errors are those of Yosys and of `models`."""
    text = models(read_netlist(folder / NETLIST, top))
    file = folder / "cells.v"
    file.write_text(text, encoding="utf-8")
    return [write_verilog(folder), file]


def _modules(text: str) -> dict[str, str]:
    """The text of each module of a file."""
    return {m[1]: m[0] for m in re.finditer(r"^module (\w+)\b.*?^endmodule\b", text, re.MULTILINE | re.DOTALL)}


def _check(cell: Cell) -> None:
    for name, plain in PLAIN.items():
        value = cell.parameters.get(name, plain)
        if cell.is_set(name) if plain == 0 else value != plain:
            raise CompileError("E414", f"there is no model of the cell {cell.type} with {name} = {value}")
