"""The models of a chip's cells: what synthesis makes of memories, multipliers and delays does what they do."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from bitwright.boards import cells, netlist, yosys
from bitwright.boards.family import load_family
from bitwright.boards.netlist import Cell
from bitwright.errors import CompileError
from bitwright.sim import verilator
from tests.rtl.harness import Case, Run, execute, job, wrapper
from tests.rtl.test_lint import yosys as run_yosys

PORTS = "input clk, input rst_n, input in_valid, output reg out_valid"
RESET = "initial out_valid = 0; always @(posedge clk) out_valid <= rst_n & in_valid;"
MEMORY = """
module {name}({ports}, input [{width}+28-1:0] in_data, output [{width}-1:0] out_data);
  {reset}
  wire we = in_data[0];
  wire [12:0] waddr = in_data[13:1], raddr = in_data[26:14];
  wire [{width}-1:0] word = in_data >> 28;
  (* ram_style = "{style}" *) reg [{width}-1:0] mem [0:{depth}-1];
  reg [{width}-1:0] read;
  integer i;
  initial for (i = 0; i < {depth}; i = i + 1) mem[i] = {start};
  always @(posedge clk) if (rst_n & in_valid) begin  // a reset does not undo what is written
    if (we & {writable}) mem[waddr % {depth}] <= word;
    read <= mem[raddr % {depth}];
  end
  assign out_data = read;
endmodule
"""


@dataclass(frozen=True)
class Memory:
    style: str
    depth: int
    width: int
    cell: str
    writable: int = 1

    def text(self) -> str:
        values = {"name": self.name, "style": self.style, "depth": self.depth, "width": self.width}
        return MEMORY.format(ports=PORTS, reset=RESET, start="i * 77", writable=self.writable, **values)

    @property
    def name(self) -> str:
        return f"{self.style}{self.depth}x{self.width}_{self.writable}"

    def case(self) -> Case:
        given, want = self._samples()
        return Case(self.name, {}, self.width + 28, self.width, given, want, kind="pipe")

    def _samples(self) -> tuple[list[int], list[int]]:
        """Words in, and what is read: a word that is written in the same cycle is not seen yet."""
        rng = np.random.default_rng(self.depth + self.width)
        full = (1 << self.width) - 1
        memory = [i * 77 & full for i in range(self.depth)]
        few = rng.integers(0, self.depth, 12).tolist()
        given, want = list[int](), list[int]()
        for _ in range(400):
            we, waddr, raddr = int(rng.integers(2)), int(rng.choice(few)), int(rng.choice(few))
            word = int.from_bytes(rng.bytes(9), "little") & full
            given.append(word << 28 | raddr << 14 | waddr << 1 | we)
            want.append(memory[raddr])
            if we and self.writable:
                memory[waddr] = word
        return given, want


FEW = [
    Memory("block", 2048, 9, "RAMB18E1", writable=0),
    Memory("block", 512, 72, "RAMB36E1"),
    Memory("block", 1024, 18, "RAMB18E1"),
    Memory("distributed", 32, 5, "RAM32M"),
    Memory("distributed", 64, 3, "RAM64M"),
]
FEW_ULTRASCALE = [
    Memory("block", 2048, 9, "RAMB18E2", writable=0),
    Memory("block", 512, 72, "RAMB36E2"),
    Memory("block", 1024, 18, "RAMB18E2"),
    Memory("distributed", 32, 14, "RAM32M16"),
    Memory("distributed", 64, 7, "RAM64M8"),
]
SHAPES = [(512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2)]
FAMILIES = {
    "ecp5": [
        *(Memory("block", depth, width, "DP16KD") for depth, width in SHAPES),
        *(Memory("block", depth, width, "DP16KD", writable=0) for depth, width in SHAPES[:5]),
        Memory("distributed", 16, 6, "TRELLIS_DPR16X4"),
    ],
    "ice40": [
        *(Memory("block", depth, width, "SB_RAM40_4K") for depth, width in [(256, 16), (512, 8), (1024, 4), (2048, 2)]),
        Memory("block", 512, 7, "SB_RAM40_4K", writable=0),
    ],
    "gw1n": [
        Memory("block", 512, 36, "SDPX9B"),
        *(Memory("block", depth, width, "DPX9B" if width > 8 else "DPB") for depth, width in SHAPES[1:]),
        Memory("block", 1024, 16, "SPX9", writable=0),
        Memory("block", 4096, 4, "SP", writable=0),
        Memory("distributed", 16, 6, "RAM16SDP4"),
    ],
}
MANY = [
    *((8192, 4, "RAMB36", 0), (512, 36, "RAMB18", 1), (4096, 4, "RAMB18", 1), (8192, 2, "RAMB18", 1)),
    *((8192, 4, "RAMB36", 1), (4096, 9, "RAMB36", 1), (1024, 36, "RAMB36", 0)),
]


def many(generation: str) -> list[Memory]:
    """Block RAMs in all shapes, and a deep distributed memory."""
    ram = {"E1": "RAM64M", "E2": "RAM64M8"}[generation]
    blocks = [Memory("block", depth, width, cell + generation, writable) for depth, width, cell, writable in MANY]
    return [*blocks, Memory("distributed", 256, 3, ram)]


ARITHMETIC = """
module arithmetic({ports}, input signed [31:0] in_data, output [34:0] out_data);
  reg [19:0] valid;
  initial valid = 0;
  always @(posedge clk) valid <= rst_n ? {{valid, in_valid}} : 20'd0;
  always @* out_valid = valid[19];
  reg signed [15:0] a, b;
  (* use_dsp = "yes" *) wire signed [31:0] ab = a * b;  // as the library says it, and flows for some chips rely on
  reg signed [31:0] product;
  reg signed [32:0] sum;
  reg [34:0] late [0:16];
  integer i;
  always @(posedge clk) begin
    a <= in_data[15:0];
    b <= in_data[31:16];
    product <= ab;
    sum <= product + 33'sd12345;
    late[0] <= {{^sum[30:20], ~sum[3], sum}};
    for (i = 1; i < 17; i = i + 1) late[i] <= late[i - 1];
  end
  assign out_data = late[16];
endmodule
"""


def arithmetic() -> Case:
    rng = np.random.default_rng(0)
    pairs = rng.integers(-(1 << 15), 1 << 15, (400, 2)).tolist()
    sums = [a * b + 12345 for a, b in pairs]
    given = [(b & 0xFFFF) << 16 | a & 0xFFFF for a, b in pairs]
    want = [(bin(s >> 20 & 0x7FF).count("1") & 1) << 34 | (~s >> 3 & 1) << 33 | s & (1 << 33) - 1 for s in sums]
    return Case("arithmetic", {}, 32, 35, given, want, kind="pipe")


def synthesised(text: str, folder: Path, family: str = "xc7") -> list[Cell]:
    rtl = folder / "rtl"
    rtl.mkdir()
    (rtl / "top.v").write_text(text)
    yosys.synthesise_alone(rtl, "bw_test", folder / "synth", load_family(family))
    return netlist.read_netlist(folder / "synth" / "netlist.json", "bw_test")


@pytest.mark.parametrize(
    ("family", "slice", "memories"),
    [
        pytest.param("xc7", "DSP48E1", FEW, id="xc7-few"),
        pytest.param("xcup", "DSP48E2", FEW_ULTRASCALE, id="xcup-few"),
        pytest.param("xc7", "DSP48E1", many("E1"), id="xc7-many", marks=pytest.mark.long),
        pytest.param("xcup", "DSP48E2", many("E2"), id="xcup-many", marks=pytest.mark.long),
    ],
)
def test_memories_multipliers_and_delays(family: str, slice: str, memories: list[Memory], tmp_path: Path) -> None:
    run(memories, {slice, "SRL16E"}, family, tmp_path)


@pytest.mark.parametrize(
    ("family", "multiplier"), [("ecp5", "MULT18X18D"), ("ice40", "SB_MAC16"), ("gw1n", "MULT18X18")]
)
def test_memories_and_multipliers_of_open_chips(family: str, multiplier: str, tmp_path: Path) -> None:
    run(FAMILIES[family], {multiplier}, family, tmp_path)


def run(memories: list[Memory], others: set[str], family: str, folder: Path) -> None:
    """The netlist has those cells, and does what the memories and the arithmetic do."""
    cases = [*(m.case() for m in memories), arithmetic()]
    modules = [*(m.text() for m in memories), ARITHMETIC.format(ports=PORTS), wrapper(cases)]
    types = {cell.type for cell in synthesised("".join(modules), folder, family)}
    assert types >= {m.cell for m in memories} | others
    exe = verilator.build(cells.sources(folder / "synth", "bw_test", load_family(family)), "bw_test")
    (seen,) = execute(exe, folder, job(cases, [Run(idle=0.3, seed=1)]))
    assert not [(c.module, s["error"]) for c, s in zip(cases, seen, strict=True) if s["error"]]


@pytest.mark.parametrize("name", [*netlist.LUT_SIZES, netlist.DOUBLE_LUT])
def test_luts_are_those_of_yosys(name: str) -> None:
    size = 1 << netlist.LUT_SIZES.get(name, 6)
    table = f"{size}'h{0x9D3C_71A6_E85B_0F24 & ((1 << size) - 1):x}"
    commands = list[str]()
    for source, alias in (("+/xilinx/cells_sim.v", "theirs"), (str(cells.OWN / "xc7" / "luts.v"), "ours")):
        top = f"hierarchy -top {name} -chparam INIT {table}"
        commands += [f"read_verilog {source}", top, "proc", "opt_clean", f"rename -top {alias}"]
        commands += [f"delete {name}*", f"design -stash {alias}"]
    commands += [f"design -copy-from {alias} {alias}" for alias in ("theirs", "ours")]
    proof = ["miter -equiv -flatten theirs ours miter", "hierarchy -top miter", "sat -verify -prove trigger 0 miter"]
    assert "SAT proof finished - no model found: SUCCESS!" in run_yosys(*commands, *proof)


def test_a_cell_without_a_model(tmp_path: Path) -> None:
    synthesised(f"module bw_test({PORTS}); {RESET} endmodule", tmp_path)
    path = tmp_path / "synth" / "netlist.json"
    design = json.loads(path.read_text())
    register = next(c for c in design["modules"]["bw_test"]["cells"].values() if c["type"].startswith("FD"))
    register["type"] = "FIFO18E1"
    path.write_text(json.dumps(design))
    with pytest.raises(
        CompileError, match="E414: there is no model of the cell FIFO18E1, so its netlist cannot be sim"
    ):
        cells.sources(tmp_path / "synth", "bw_test", load_family("xc7"))


@pytest.mark.parametrize(
    ("family", "type", "connections", "parameters", "mode"),
    [
        ("xc7", "RAMB36E1", {}, {"RAM_EXTENSION_A": "LOWER"}, "RAM_EXTENSION_A = LOWER"),
        ("xcup", "RAMB18E2", {}, {"DOB_REG": "0001"}, "DOB_REG = 1"),
        ("xcup", "DSP48E2", {}, {"PREG": "0001"}, "PREG = 1"),
        ("xcup", "DSP48E2", {"OPMODE": list("101011000")}, {}, "OPMODE = 53"),
        ("xcup", "DSP48E2", {"CARRYIN": [7]}, {}, "CARRYIN = a signal"),
    ],
)
def test_a_mode_without_a_model(
    family: str, type: str, connections: dict[str, list[int | str]], parameters: dict[str, str], mode: str
) -> None:
    cell = Cell(type, connections, frozenset(connections), parameters)
    with pytest.raises(CompileError, match=f"E414: there is no model of the cell {type} with {mode}$"):
        cells.models([cell], load_family(family))
