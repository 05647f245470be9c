"""The adders of circuits: made of a chip's own cells they are what they are without, for every operand."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from tests.rtl.harness import RTL
from tests.rtl.test_lint import yosys

ADDERS = {2: next(p for p in RTL if p.stem == "bw_add2"), 3: next(p for p in RTL if p.stem == "bw_add3")}


def proof(operands: int, width: int, out: int, masks: list[int]) -> tuple[str, ...]:
    """Commands that prove bw_add2 or bw_add3 of both families equal by SAT; they fail if one input tells them apart."""
    inverted = {f"INV_{side}": mask for side, mask in zip("ABC", masks, strict=False)}
    return equal(ADDERS[operands], {"WIDTH": width, "OUT": out} | inverted)


def equal(path: Path, params: Mapping[str, object]) -> tuple[str, ...]:
    commands = ["read_verilog +/xilinx/cells_sim.v"]
    sizes = " ".join(f"-chparam {name} {value}" for name, value in params.items())
    for family, name in ((0, "any"), (1, "chip")):
        commands += [
            f"read_verilog -defer {path}",
            f"hierarchy -top {path.stem} {sizes} -chparam FAMILY {family}",
            "proc",
            "flatten",
            "opt_clean",
            f"rename -top {name}",
            f"design -stash {name}",
        ] + (["read_verilog +/xilinx/cells_sim.v"] if family == 0 else [])
    return (
        *commands,
        "design -copy-from any -as any any",
        "design -copy-from chip -as chip chip",
        "miter -equiv -flatten any chip miter",
        "hierarchy -top miter",
        "sat -verify -prove trigger 0 miter",
    )


@pytest.mark.parametrize("operands", [2, 3])
@pytest.mark.parametrize("width,more", [(1, 0), (1, 1), (1, 2), (3, -1), (4, 1), (7, 2), (9, 0)])
def test_cells_of_the_chip_make_the_same_sum(operands, width, more):
    rng = np.random.default_rng(width * 10 + operands)
    masks = rng.integers(0, 1 << width, operands).tolist()
    log = yosys(*proof(operands, width, width + more, masks))
    assert "SAT proof finished - no model found: SUCCESS!" in log


def test_a_wrong_table_is_found(tmp_path):
    text = ADDERS[3].read_text()
    wrong = tmp_path / "bw_add3.v"
    wrong.write_text(text.replace("E8;", "EC;"))
    assert wrong.read_text() != text
    commands = [c.replace(str(ADDERS[3]), str(wrong)) for c in proof(3, 3, 5, [0, 0, 0])]
    with pytest.raises(AssertionError):
        yosys(*commands)


@pytest.mark.parametrize("operands", [2, 3])
@pytest.mark.parametrize("width,more", [(1, 0), (1, 1), (3, -1), (4, 2)])
def test_gated_rows_of_the_chips_cells(operands, width, more):
    rng = np.random.default_rng(width * 10 + operands)
    first, second = (int.from_bytes(rng.bytes(2 * width), "little") for _ in range(2))
    names = ("MOST", "PARITY") if operands == 3 else ("FIRST", "DIFFER")
    tables = {name: f"{16 * width}'h{value:x}" for name, value in zip(names, (first, second), strict=True)}
    path = next(p for p in RTL if p.stem == f"bw_gated{operands}")
    log = yosys(*equal(path, {"WIDTH": width, "OUT": width + more} | tables))
    assert "SAT proof finished - no model found: SUCCESS!" in log
