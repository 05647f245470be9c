"""The adders of circuits: made of a chip's own cells they are what they are without, for every operand."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from tests.rtl.harness import RTL
from tests.rtl.test_lint import yosys

CHAIN, ROW, ADD2, ADD3 = (next(p for p in RTL if p.stem == f"bw_{name}") for name in ("chain", "row", "add2", "add3"))
ADDERS = {2: ADD2, 3: ADD3}
PROVED = "SAT proof finished - no model found: SUCCESS!"


def proof(operands: int, width: int, out: int, masks: list[int]) -> tuple[str, ...]:
    """Commands that prove bw_add2 or bw_add3 of both families equal by SAT; they fail if one input tells them apart."""
    inverted = {f"INV_{side}": mask for side, mask in zip("ABC", masks, strict=False)}
    return equal(ADDERS[operands], {"WIDTH": width, "OUT": out} | inverted)


def equal(path: Path, params: Mapping[str, object], **constants: int) -> tuple[str, ...]:
    commands = ["read_verilog +/xilinx/cells_sim.v"]
    sizes = " ".join(f"-chparam {name} {value}" for name, value in params.items())
    for family, name in ((0, "any"), (1, "chip")):
        commands += [
            f"read_verilog -defer {path}",
            *([f"read_verilog -defer {CHAIN}"] if path.stem != CHAIN.stem else []),
            f"hierarchy -top {path.stem} {sizes} -chparam FAMILY {family}",
            "proc",
            "flatten",
            "opt_clean",
            f"rename -top {name}",
            f"design -stash {name}",
        ] + (["read_verilog +/xilinx/cells_sim.v"] if family == 0 else [])
    given = " ".join(f"-set in_{name} {value}" for name, value in constants.items())
    return (
        *commands,
        "design -copy-from any -as any any",
        "design -copy-from chip -as chip chip",
        "miter -equiv -flatten any chip miter",
        "hierarchy -top miter",
        f"sat -verify -prove trigger 0 {given} miter",
    )


@pytest.mark.parametrize("operands", [2, 3])
@pytest.mark.parametrize("width,more", [(1, 0), (1, 1), (1, 2), (3, -1), (4, 1), (7, 2), (9, 0)])
def test_cells_of_the_chip_make_the_same_sum(operands, width, more):
    rng = np.random.default_rng(width * 10 + operands)
    masks = rng.integers(0, 1 << width, operands).tolist()
    assert PROVED in yosys(*proof(operands, width, width + more, masks))


def test_a_full_adder_needs_no_chain():
    log = yosys(*equal(ADD3, {"WIDTH": 1, "OUT": 2, "INV_B": 1, "CHAINED": 0}, ci=0, cm=0))
    assert PROVED in log


def test_a_wrong_table_is_found(tmp_path):
    text = ADDERS[3].read_text()
    wrong = tmp_path / "bw_add3.v"
    wrong.write_text(text.replace("E8;", "EC;"))
    assert wrong.read_text() != text
    commands = [c.replace(str(ADDERS[3]), str(wrong)) for c in proof(3, 3, 5, [0, 0, 0])]
    with pytest.raises(AssertionError):
        yosys(*commands)


@pytest.mark.parametrize("width", [1, 3, 4, 9])
def test_chains_of_the_chips_cells(width):
    assert PROVED in yosys(*equal(CHAIN, {"WIDTH": width}))


@pytest.mark.parametrize("seed", range(8))
def test_rows_of_the_chips_cells(seed):
    """Any tables will do: wires and constants among them, which take no LUT."""
    rng = np.random.default_rng(seed)
    width = int(rng.integers(1, 8))
    plain = [0, 0xFFFFFFFF, 0xAAAAAAAA, 0xFF00FF00]
    into = [int(rng.choice(plain)) if rng.random() < 0.5 else int(rng.integers(1 << 32)) for _ in range(width)]
    over = [int(rng.choice(plain[:2])) if rng.random() < 0.5 else int(rng.integers(1 << 32)) for _ in range(width)]
    tables = {
        name: f"{32 * width}'h{sum(t << (32 * k) for k, t in enumerate(found)):x}"
        for name, found in (("INTO", into), ("OVER", over))
    }
    params = {"WIDTH": width, "COMPRESS": int(rng.integers(1 << width)), "CHAINED": int(seed > 0)}
    assert PROVED in yosys(*equal(ROW, params | tables))
