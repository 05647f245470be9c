"""Netlists of pipelines on NumPy: what the circuit computes, what Verilator sees, and what is no pipeline."""

import json
from pathlib import Path

import numpy as np
import pytest

from bitwright.boards import cells, netlist_eval, yosys
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


@pytest.mark.parametrize("seed, period", [(3, 1000.0), (5, 2.5)])
def test_reference_netlist_and_verilator_are_equal(seed, period, tmp_path):
    graph = random_circuit(seed)
    made = unit(graph.nodes, graph.inputs["x"], period)
    folder = synthesised(made, tmp_path)
    x = samples(made.x, 1000, seed)
    want = evaluate(graph, {"x": x})[graph.outputs[0]]
    np.testing.assert_array_equal(outputs(folder / "netlist.json", made, x), want)
    ins, outs = made.x.vector * made.x.elem.width, made.y.vector * made.y.elem.width
    given = [pack(row, made.x.elem.width) for row in x[:200]]
    case = Case("circuit", {}, ins, outs, given, [pack(row, made.y.elem.width) for row in want[:200]], kind="pipe")
    (tmp_path / "bw_test.v").write_text(wrapper([case]))
    exe = verilator.build([tmp_path / "bw_test.v", *cells.sources(folder, "circuit")], "bw_test")
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


@pytest.mark.parametrize(
    "body, says",
    [
        ("reg a; always @(posedge clk) a <= in_data[0]; assign out_data = a & in_data[1];", "a LUT2 combines values of"),
        ("reg a; always @(posedge clk) a <= in_data[0]; assign out_data = {a, in_data[1]};", "the outputs are of stages"),
        ("reg a = 0; always @(posedge clk) a <= a ^ in_data[0]; assign out_data = a;", "is part of a loop"),
        ("reg a; always @(posedge clk) if (in_data[1]) a <= in_data[0]; assign out_data = a;", "a FDRE of the pipeline st"),
        ("wire signed [15:0] p = $signed(in_data[15:0]) * $signed(in_data[31:16]); assign out_data = p;", "a DSP48E1 is n"),
    ],
)  # fmt: skip
def test_what_is_no_pipeline(body, says, tmp_path):
    (tmp_path / "rtl").mkdir()
    ports = "input clk, input [31:0] in_data, output [15:0] out_data"
    (tmp_path / "rtl" / "top.v").write_text(f"module top({ports}); {body} endmodule")
    yosys.synthesise(tmp_path / "rtl", "top", tmp_path)
    with pytest.raises(CompileError, match=f"E415: .*{says}"):
        pipeline = read_pipeline(tmp_path / "netlist.json", "top", ["out_data"], {"clk": 0})
        pipeline.run({"in_data": planes(np.arange(64)[:, None], 32)})


def test_planes_and_back():
    rng = np.random.default_rng(0)
    x = rng.integers(-8, 8, (100, 3))
    bits = planes(x, 5)
    assert bits.shape == (15, 2) and bits.dtype == np.uint64
    np.testing.assert_array_equal(codes(bits, 5, True, 100), x)
    np.testing.assert_array_equal(codes(planes(x & 15, 4), 4, False, 100), x & 15)


def test_every_cell_by_its_table():
    """A LUT of six inputs on all 64 readings of them."""
    table = int(np.random.default_rng(1).integers(0, 1 << 63))
    inputs = planes(np.arange(64)[:, None], 6)
    found = netlist_eval.looked_up([table], [p[None] for p in inputs])
    assert int(found[0, 0]) == table
