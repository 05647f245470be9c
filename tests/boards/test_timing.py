"""Counting and timing on netlists made by hand, so that every figure can be added up."""

import math
from typing import Any

import pytest

from bitwright.boards import netlist, timing
from bitwright.boards.netlist import Cell


def cell(kind: str, outputs: dict[str, list[int]], parameters: dict[str, Any] | None = None, **inputs: Any) -> Cell:
    return Cell(kind, {**outputs, **inputs}, frozenset(inputs), parameters or {})


def register(q: int, d: int, **more: list[int]) -> Cell:
    return cell("FDRE", {"Q": [q]}, C=[1], D=[d], **more)


def lut(o: int, *nets: int) -> Cell:
    return cell(f"LUT{len(nets)}", {"O": [o]}, **{f"I{k}": [net] for k, net in enumerate(nets)})


def carry(o: list[int], co: list[int], ci: int | str, s: list[int], di: list[int]) -> Cell:
    return cell("CARRY4", {"O": list(o), "CO": list(co)}, CI=[ci], CYINIT=["0"], S=s, DI=di)


@pytest.mark.parametrize(
    ("value", "is_set"),
    [
        (0, False),
        (1, True),
        ("0000", False),
        ("0010", True),
        ("xx1z", True),
        ("xxxx", False),
        ("NONE", False),
        ("", False),
    ],
)
def test_a_parameter_is_set_where_it_is_a_number_other_than_0(value: int | str, is_set: bool) -> None:
    assert cell("DSP48E1", {"P": [2]}, {"PREG": value}).is_set("PREG") is is_set


def net(model: timing.NetModel, fan_out: int = 1) -> float:
    return model.a + model.b * math.log(fan_out)


def band(*terms: float, nets: int = 1, fan_out: int = 1) -> tuple[float, float]:
    """Cell delays plus nets of one fan-out, as a band."""
    return tuple(  # pyright: ignore[reportReturnType]
        round(1000 / (sum(terms) + nets * net(model, fan_out) + timing.UNCERTAINTY_NS), 1)
        for model in (timing.SLOW, timing.FAST)
    )


def test_register_to_register() -> None:
    found = timing.estimate([register(2, 9), register(3, 2)])
    assert found == timing.Timing(band(0.478, 0.03), ("FDRE", "FDRE"))


def test_a_lut_is_in_the_slice_of_its_register() -> None:
    found = timing.estimate([register(2, 9), lut(3, 2), register(4, 3)])
    assert found == timing.Timing(band(0.478, 0.124, 0.03), ("FDRE", "LUT1", "FDRE"))


def test_fan_out_slows_a_net() -> None:
    enables = [register(10 + k, 100 + k, CE=[2]) for k in range(8)]
    found = timing.estimate([register(2, 9), *enables])
    assert found == timing.Timing(band(0.478, 0.205, fan_out=8), ("FDRE", "FDRE"))


def test_a_carry_chain_runs_inside_its_column() -> None:
    cells = [
        register(2, 9),
        lut(3, 2),
        carry([20, 21, 22, 23], [30, 31, 32, 33], "0", [3, 40, 41, 42], [50, 51, 52, 53]),
        carry([24, 25, 26, 27], [34, 35, 36, 37], 33, [43, 44, 45, 46], [54, 55, 56, 57]),
        register(4, 27),
    ]
    found = timing.estimate(cells)
    wanted = band(0.478, 0.124, 0.508, 0.313, 0.03)
    assert found == timing.Timing(wanted, ("FDRE", "LUT1", "CARRY4", "CARRY4", "FDRE"))


def test_block_ram_with_and_without_its_output_register() -> None:
    for register_on, clock_to_out in (("1", 0.882), ("0", 2.454)):
        ram = cell("RAMB18E1", {"DOADO": [2]}, {"DOA_REG": register_on.zfill(32)}, ADDRARDADDR=[8])
        found = timing.estimate([ram, register(3, 2)])
        assert found == timing.Timing(band(clock_to_out, 0.03), ("RAMB18E1", "FDRE"))


def test_a_shift_register_is_read_through_its_address() -> None:
    cells = [register(2, 9), cell("SRL16E", {"Q": [3]}, A0=[2], A1=["0"], CE=[7], CLK=[1], D=[6]), register(4, 3)]
    found = timing.estimate(cells)
    assert found == timing.Timing(band(1.63, 0.03), ("SRL16E", "FDRE"))


def test_no_path() -> None:
    assert timing.estimate([]) is None
    assert timing.estimate([lut(3, 2), register(4, 3)]) is None


def test_a_combinational_loop_ends() -> None:
    found = timing.estimate([register(2, 9), lut(3, 2, 4), lut(4, 3), register(5, 4)])
    assert found is not None
    assert found.path == ("FDRE", "LUT2", "LUT1", "FDRE")


def test_a_path_longer_than_python_recurses() -> None:
    chain = [lut(10 + k, 9 + k) for k in range(5000)]
    found = timing.estimate([register(9, 1), *chain, register(2, 5009)])
    assert found is not None
    assert len(found.path) == 5002


def test_lut_estimate_knows_carry_chains() -> None:
    """Two small LUTs share a LUT6, unless they feed a carry chain."""
    alone = [lut(10 + k, 2, 3) for k in range(4)]
    chain = carry([20, 21, 22, 23], [30, 31, 32, 33], "0", [10, 11, 12, 13], [50, 51, 52, 53])
    assert netlist.count(alone).lut == 2
    assert netlist.count([*alone, chain]).lut == 4
    assert netlist.count([*alone, chain]).lut_cells == 4


@pytest.mark.parametrize(
    ("kind", "counts"),
    [
        ("RAM32M", {"lut": 4, "lut_cells": 4, "lutram": 4}),
        ("SRLC32E", {"lut": 1, "lut_cells": 1, "srl": 1}),
        ("RAMB36E1", {"bram36": 1.0}),
        ("RAMB18E1", {"bram36": 0.5}),
        ("DSP48E1", {"dsp": 1}),
        ("FDSE", {"ff": 1}),
        ("BUFG", {}),
    ],
)
def test_counts(kind: str, counts: dict[str, float]) -> None:
    found = netlist.count([cell(kind, {})])
    fields = ("lut", "lut_cells", "ff", "bram36", "dsp", "carry4", "srl", "lutram")
    assert {name: getattr(found, name) for name in fields if getattr(found, name)} == counts
    assert found.cells == {kind: 1}
