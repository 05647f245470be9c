"""bw_weights (and with it bw_rom, bw_store and bw_ways): words as they are at first and as they were written, and what goes with them."""

from dataclasses import dataclass, replace

import numpy as np

from bitwright.boards.family import load_family
from bitwright.ir import chip
from bitwright.ir.netlist import Memory, Ram
from bitwright.ops import area, matvec
from tests.rtl.harness import Case, Run, clog2, simulate, write_mem
from tests.rtl.test_streams import add_module

TAG, X = 3, 5
RUNS = [Run(reset_cycles=2), Run(idle=0.5, seed=1), Run(idle=0.8, seed=2)]

# A word of the stream writes, or reads: the place and the data, or the address, the tag and the activations, which wait LATE cycles.
UNIT = """
module bw_test_weights #(parameter WIDTH = 8, parameter DEPTH = 2, parameter ADDR = 1, parameter FILE = "", parameter STYLE = 0,
  parameter SEGMENTS = 1, parameter ROWS = 2, parameter REST = "", parameter WRITABLE = 0, parameter LANE = 8, parameter PLACE = 1,
  parameter BASE = 0, parameter LATE = 0)
  (input clk, input rst_n, input in_valid, input [1+PLACE+32+ADDR+3+5-1:0] in_data, output out_valid, output [5+3+WIDTH-1:0] out_data);
  wire write, soon;
  wire [PLACE+31:0] write_data;
  wire [ADDR-1:0] addr;
  wire [2:0] tag, soon_tag;
  wire [4:0] x;
  reg [4:0] x1, x2;
  reg [2:0] here_tag;
  assign {write, write_data, addr, tag, x} = in_data;
  always @(posedge clk) begin
    x1 <= x;
    x2 <= x1;
    here_tag <= soon_tag;
  end
  bw_weights #(.WIDTH(WIDTH), .DEPTH(DEPTH), .ADDR(ADDR), .FILE(FILE), .STYLE(STYLE), .SEGMENTS(SEGMENTS), .ROWS(ROWS), .REST(REST),
    .WRITABLE(WRITABLE), .LANE(LANE), .PLACE(PLACE), .BASE(BASE), .TAG(3), .X_WIDTH(5), .LATE(LATE)) weights (
    .clk(clk), .rst_n(rst_n), .in_valid(in_valid & ~write), .in_tag(tag), .addr(addr),
    .in_x(LATE == 2 ? x2 : LATE == 1 ? x1 : x), .soon_valid(soon), .soon_tag(soon_tag), .data(out_data[WIDTH-1:0]),
    .x(out_data[WIDTH+3 +: 5]), .write_valid(rst_n & in_valid & write), .write_data(write_data));
  bw_delay #(.CYCLES(1)) here (.clk(clk), .rst_n(rst_n), .in_valid(soon), .out_valid(out_valid));
  assign out_data[WIDTH +: 3] = here_tag;
endmodule
"""


@dataclass(frozen=True)
class Weights:
    width: int
    depth: int
    style: Ram
    writable: bool
    late: int = 0

    def case(self, index, folder):
        """A case, and the cycles of a read, as the compiler says them."""
        rng = np.random.default_rng(index)
        words = [int.from_bytes(rng.bytes(16)) % (1 << self.width) for _ in range(self.depth)]
        params = dict(area.memory_parameters(words, self.width, self.style, written=self.writable))
        for key, value in params.items():
            if isinstance(value, Memory):
                write_mem(folder / f"{key}{index}.mem", value.words)
                params[key] = f"{key}{index}.mem"
        lane, own, addr = (
            matvec.lane_bits(self.width),
            matvec.place_bits(self.width, self.depth),
            max(1, clog2(self.depth)),
        )
        place = own + 2
        params |= {"WIDTH": self.width, "DEPTH": self.depth, "ADDR": addr, "STYLE": int(self.style), "WRITABLE": int(self.writable),
                   "LANE": lane, "PLACE": place, "BASE": 2, "LATE": self.late}  # fmt: skip
        params.setdefault("ROWS", self.depth)
        inputs, expected = [], []

        def read(at):
            tag, x = int(rng.integers(1 << TAG)), int(rng.integers(1 << X))
            inputs.append((at << TAG | tag) << X | x)
            expected.append((x << TAG | tag) << self.width | now[at])

        def write(at, word, base):
            lanes = -(-self.width // lane)
            for k in range(lanes):
                data = word >> k * lane & ((1 << lane) - 1)
                data |= int(rng.integers(1 << 32)) >> lane << lane  # beyond the lane nobody cares
                where = (at << clog2(lanes) | k) | base << own
                inputs.append(((1 << place | where) << 32 | data) << addr + TAG + X)

        now = list(words)
        for at in [*range(self.depth), *rng.integers(self.depth, size=self.depth)]:
            read(int(at))
        if self.writable:
            for at in rng.permutation(self.depth).tolist():
                new = int.from_bytes(rng.bytes(16)) % (1 << self.width)
                for base in (0, 1, 3):  # another memory's; so long may a read take
                    write(at, new ^ 1, base)
                write(at, new, 2)
                now[at] = new
                read(at)  # in the next cycle
                read(int(rng.integers(self.depth)))
            for at in range(self.depth):
                read(at)
            for base in (0, 2):  # for the next run
                for at, word in enumerate(words):
                    write(at, word, base)
        module = Case(
            "bw_test_weights", params, 1 + place + 32 + addr + TAG + X, X + TAG + self.width, inputs, expected, "pipe"
        )
        return module, area.memory_cycles(self.width, self.depth, self.style, written=self.writable)


SHAPES = [
    Weights(width, depth, style, writable, (width + depth) % 3)
    for width, depth in ((1, 1), (9, 1), (5, 2), (9, 7), (20, 9), (33, 13), (40, 4), (64, 17), (100, 10))
    for style in Ram
    for writable in (False, True)
]


def test_weights(tmp_path, monkeypatch):
    add_module(UNIT, tmp_path, monkeypatch)
    # A chip of small LUTs, on which a block of four words is soon too shallow.
    with chip.targeting(replace(load_family("ecp5").chip, shapes=((4, 20, 1.0),))):
        made = [s.case(i, tmp_path) for i, s in enumerate(SHAPES)]
    assert {(s.writable, cycles) for s, (_, cycles) in zip(SHAPES, made)} == {
        (w, c) for w in (False, True) for c in (2, 3)
    }
    for seen in simulate([case for case, _ in made], tmp_path, RUNS):
        for (case, cycles), s in zip(made, seen):
            reads = [c for c, word in zip(s.in_cycles, case.inputs) if not word >> case.in_width - 1]
            assert s.out_cycles == [c + cycles for c in reads], case.params
