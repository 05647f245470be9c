"""Netlists of pipelines on NumPy: what the circuit computes, what Verilator sees, and what is no pipeline."""

import json
from pathlib import Path

import numpy as np
import pytest

from bitwright.boards import cells, netlist_eval, yosys
from bitwright.boards.family import load_family
from bitwright.boards.netlist_eval import codes, planes, read_pipeline
from bitwright.errors import CompileError
from bitwright.ir.graph import evaluate
from bitwright.ir.netlist import Fold
from bitwright.lowering.verilog import library, modules_of
from bitwright.sim import verilator
from bitwright.spatial.unit import Unit, unit
from tests.rtl.harness import Case, Run, execute, job, pack, wrapper
from tests.spatial.circuits import random_circuit, samples

STATIC = {"clk": 0, "rst_n": 1, "in_valid": 1}


def synthesised(made: Unit, folder: Path) -> Path:
    """The folder of the netlist of a circuit."""
    texts = made.block(Fold(made.y.vector, made.x.vector, spatial=True)).texts
    assert texts is not None
    written = texts("circuit")
    modules = library()
    for name in modules_of(written.values()):
        written[name] = modules[f"{name}.v"]
    (folder / "rtl").mkdir()
    for name, text in written.items():
        (folder / "rtl" / f"{name}.v").write_text(text)
    yosys.synthesise(folder / "rtl", "circuit", folder / "synth")
    return folder / "synth"


def outputs(path: Path, made: Unit, x: np.ndarray) -> np.ndarray:
    pipeline = read_pipeline(path, "circuit", ["out_data"], STATIC)
    assert pipeline.latency == made.latency
    found = pipeline.run({"in_data": planes(x, made.x.elem.width)})["out_data"]
    return codes(found, made.y.elem.width, made.y.elem.lo < 0, len(x))


def test_reference_netlist_and_verilator_are_equal(tmp_path):
    graph = random_circuit(3)
    made = unit(graph.nodes, graph.inputs["x"], 2.5)
    folder = synthesised(made, tmp_path)
    x = samples(made.x, 1000, 3)
    want = evaluate(graph, {"x": x})[graph.outputs[0]]
    np.testing.assert_array_equal(outputs(folder / "netlist.json", made, x), want)
    ins, outs = made.x.vector * made.x.elem.width, made.y.vector * made.y.elem.width
    given = [pack(row, made.x.elem.width) for row in x[:200]]
    case = Case("circuit", {}, ins, outs, given, [pack(row, made.y.elem.width) for row in want[:200]], kind="pipe")
    (tmp_path / "bw_test.v").write_text(wrapper([case]))
    exe = verilator.build([tmp_path / "bw_test.v", *cells.sources(folder, "circuit", load_family("xc7"))], "bw_test")
    ((seen,),) = execute(exe, tmp_path, job([case], [Run(idle=0.3, seed=1)]))
    assert seen["error"] is None
    wrong = changed(folder / "netlist.json")
    assert (outputs(wrong, made, x) != want).any()


def changed(path: Path) -> Path:
    """A copy of a netlist with another table in one of its LUTs."""
    design = json.loads(path.read_text())
    lut = next(c for c in design["modules"]["circuit"]["cells"].values() if c["type"].startswith("LUT"))
    lut["parameters"]["INIT"] = lut["parameters"]["INIT"].translate(str.maketrans("01", "10"))
    copy = path.with_name("changed.json")
    copy.write_text(json.dumps(design))
    return copy


def written(folder: Path, cells: dict[str, dict[str, list[int | str]]], out: list[int | str]) -> Path:
    """A netlist of cells, whose outputs are called O, Q or P; its inputs are net 2, the clock, and nets 3 and 4."""
    found = {
        f"c{n}": {
            "type": kind.partition(" ")[0],
            "connections": nets,
            "port_directions": {port: "output" if port in "OQP" else "input" for port in nets},
            "parameters": {"INIT": "1000"},
        }
        for n, (kind, nets) in enumerate(cells.items())
    }
    ports = {
        "clk": {"direction": "input", "bits": [2]},
        "x": {"direction": "input", "bits": [3, 4]},
        "y": {"direction": "output", "bits": out},
    }
    path = folder / "netlist.json"
    path.write_text(json.dumps({"modules": {"top": {"ports": ports, "cells": found}}}))
    return path


def run(path: Path) -> tuple[int, np.ndarray]:
    pipeline = read_pipeline(path, "top", ["y"], {"clk": 0})
    return pipeline.latency, pipeline.run({"x": planes(np.arange(4)[:, None], 2)})["y"][:, 0] & np.uint64(15)


REGISTER: dict[str, list[int | str]] = {"C": [2], "CE": ["1"], "R": ["0"], "D": [3], "Q": [5]}


def test_registers_are_wires_that_count(tmp_path):
    late: dict[str, list[int | str]] = {"CLK": [2], "CE": ["1"], "D": [5], "Q": [6]}
    late |= {f"A{k}": [bit] for k, bit in enumerate("1100")}
    latency, y = run(written(tmp_path, {"FDRE": REGISTER, "SRL16E": late}, [6]))
    assert latency == 5 and y.tolist() == [0b1010]
    cleared = REGISTER | {"R": [4]}
    latency, y = run(written(tmp_path, {"FDRE": cleared}, [5]))
    assert latency == 1 and y.tolist() == [0b0010]
    _, y = run(written(tmp_path, {"FDSE": {k.replace("R", "S"): v for k, v in cleared.items()}}, [5]))
    assert y.tolist() == [0b1110]


@pytest.mark.parametrize(
    "cells, out, says",
    [
        (
            {"FDRE": REGISTER, "LUT2": {"I0": [5], "I1": [4], "O": [6]}},
            [6],
            r"a LUT2 combines values of stages \[0, 1\]",
        ),
        ({"FDRE": REGISTER}, [5, 4], r"the outputs are of stages \[0, 1\]"),
        ({"LUT2": {"I0": [3], "I1": [6], "O": [5]}, "FDRE": REGISTER | {"D": [5], "Q": [6]}}, [6], "is part of a loop"),
        ({"FDRE": REGISTER | {"CE": [4]}}, [5], "a FDRE of the pipeline stops"),
        ({"DSP48E1": {"A": [3], "P": [5]}}, [5], "a DSP48E1 is not a cell of a pipeline"),
        ({"SRL16E": {"A0": [4], "D": [3], "Q": [5]}}, [5], "a SRL16E has a delay that changes"),
    ],
)
def test_what_is_no_pipeline(cells, out, says, tmp_path):
    with pytest.raises(CompileError, match=f"E415: .*{says}"):
        run(written(tmp_path, cells, out))


def test_planes_and_back():
    rng = np.random.default_rng(0)
    x = rng.integers(-8, 8, (100, 3))
    bits = planes(x, 5)
    assert bits.shape == (15, 2) and bits.dtype == np.uint64
    np.testing.assert_array_equal(codes(bits, 5, True, 100), x)
    np.testing.assert_array_equal(codes(planes(x & 15, 4), 4, False, 100), x & 15)
    np.testing.assert_array_equal(codes(planes(x & 1, 1), 1, False, 100), x & 1)


def test_every_cell_by_its_table():
    """A LUT of six inputs on all 64 readings of them."""
    table = int(np.random.default_rng(1).integers(0, 1 << 63))
    inputs = planes(np.arange(64)[:, None], 6)
    found = netlist_eval.looked_up([table], [p[None] for p in inputs])
    assert int(found[0, 0]) == table
