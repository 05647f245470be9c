"""Yosys on small designs, and what it says about wrong ones."""

import importlib.util
import json
from pathlib import Path

import pytest

from bitwright.boards import yosys
from bitwright.errors import CompileError

COUNTER = """
module top #(parameter WIDTH = 16) (input wire clk, input wire [1:0] a, input wire signed [7:0] x, output reg [23:0] y);
    reg [7:0] table_r [0:3];
    initial $readmemh("t.mem", table_r);
    reg [7:0] r;
    reg signed [7:0] x_r;
    reg signed [23:0] sum_r;
    always @(posedge clk) begin
        r <= table_r[a];
        x_r <= x;
        sum_r <= sum_r + x_r;
        y <= sum_r ^ {16'b0, r};
    end
endmodule
"""


def rtl(folder: Path, text: str) -> Path:
    """A folder with a blank in its name."""
    path = folder / "r tl"
    path.mkdir()
    (path / "top.v").write_text(text, encoding="utf-8")
    (path / "t.mem").write_text("01\n80\n7f\nff\n", encoding="utf-8")
    return path


def test_synthesis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = rtl(tmp_path, COUNTER)
    monkeypatch.chdir(tmp_path)
    result = yosys.synthesise(Path("r tl"), "top", Path("sy nth"))
    assert source.is_dir()
    assert result.ff >= 24 + 24 + 8
    assert result.carry4 == 6
    assert 24 <= result.lut <= result.lut_cells <= 60
    assert (result.dsp, result.bram36, result.srl) == (0, 0.0, 0)
    assert result.cells["CARRY4"] == 6
    assert sum(result.cells.values()) > 80
    assert not any(name.startswith("$") for name in result.cells)
    assert result.fmax_mhz is not None
    low, high = result.fmax_mhz
    assert 150 < low < high < 600
    assert result.path[0].startswith("FD")
    assert result.path[-1].startswith("FD")
    assert "CARRY4" in result.path
    assert 0 < result.seconds < 120
    assert {path.name for path in (tmp_path / "sy nth").iterdir()} == {"netlist.json", "yosys.log", "yosys.ys"}
    assert "top" in json.loads((tmp_path / "sy nth" / "netlist.json").read_text(encoding="utf-8"))["modules"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("module top(input a output b); endmodule", "E412: Yosys failed: "),
        ("module other(input a); endmodule", "E412: Yosys failed: Module `top' not found!; see "),
        ("module top; missing m(); endmodule", "E412: Yosys failed: Module `\\missing' referenced in module `\\top'"),
    ],
)
def test_a_design_that_yosys_refuses(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(CompileError) as caught:
        yosys.synthesise(rtl(tmp_path, text), "top", tmp_path / "synth")
    assert str(caught.value).startswith(says)
    assert str(tmp_path / "synth" / "yosys.log") in str(caught.value)
    assert not (tmp_path / "synth" / "netlist.json").exists()


def test_no_yosys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(CompileError) as caught:
        yosys.synthesise(tmp_path, "top", tmp_path / "synth")
    assert str(caught.value) == "E390: synthesis needs Yosys\n  hint: pip install pyosys"
    assert caught.value.exit_status == 3
    assert not (tmp_path / "synth").exists()


def test_another_family(tmp_path: Path) -> None:
    with pytest.raises(CompileError, match="E411: Yosys' counts for chips of family ecp5 are not known"):
        yosys.synthesise(tmp_path, "top", tmp_path, "ecp5")


def test_ultrascale(tmp_path: Path) -> None:
    """A memory and a product in the cells of the UltraScale+, counted, without a clock."""
    text = """module top(input clk, input [9:0] a, input signed [26:0] b, input signed [17:0] c, output reg [63:0] y);
      reg [17:0] mem [0:1023];
      integer i;
      initial for (i = 0; i < 1024; i = i + 1) mem[i] = i * 77;
      reg [17:0] word;
      always @(posedge clk) begin word <= mem[a]; y <= {b * c, word}; end
    endmodule"""
    found = yosys.synthesise(rtl(tmp_path, text), "top", tmp_path / "synth", "xcup")
    assert (found.bram36, found.dsp, found.fmax_mhz) == (0.5, 1, None)
    assert {"RAMB18E2", "DSP48E2"} <= set(found.cells)


def test_a_time_limit(tmp_path: Path) -> None:
    with pytest.raises(CompileError, match=r"E413: Yosys took longer than 0\.01 s; see "):
        yosys.synthesise(rtl(tmp_path, COUNTER), "top", tmp_path / "synth", timeout=0.01)
