// SPDX-License-Identifier: Apache-2.0
// Sum of columns of bits of which each place of a carry chain is told by its tables: bits that are inverted or gated, and
// columns whose sum nobody reads, several in a place. Combinational.
// A place is one LUT with two outputs. The first is what goes into the chain. The second is the carry beside it, or, of
// a place that is a compressor, the fourth wire of the next place: the carry beside is then the place's own fourth.
// LATENCY: 0
module bw_row #(
  // places of the chain
  parameter WIDTH = 4,
  // of each place, for each reading of its five wires: the LUT's first and second output
  parameter [32*WIDTH-1:0] INTO = {WIDTH{32'h6666_6666}},
  parameter [32*WIDTH-1:0] OVER = {WIDTH{32'h8888_8888}},
  // places that are compressors
  parameter [WIDTH-1:0] COMPRESS = {WIDTH{1'b0}},
  // 0 if no carry goes from place to place
  parameter CHAINED = 1,
  // chip: 0 any, 1 Xilinx 7 series and later
  parameter FAMILY = 0
) (
  input  wire [WIDTH-1:0] a,
  input  wire [WIDTH-1:0] b,
  input  wire [WIDTH-1:0] c,
  input  wire [WIDTH-1:0] d,
  input  wire [WIDTH-1:0] e,
  input  wire             ci,
  output wire [WIDTH-1:0] y
);
  // A simulator has no model of the chip's cells; synthesis with them is proved equal by the tests.
`ifdef SYNTHESIS
  localparam integer PRIMITIVES = FAMILY;
`else
  localparam integer PRIMITIVES = 0 * FAMILY;
`endif
  // Tables of a place that needs no LUT: the first wire, the fourth.
  localparam [31:0] FIRST  = 32'hAAAA_AAAA;
  localparam [31:0] FOURTH = 32'hFF00_FF00;

  wire [WIDTH-1:0] s, o, over;
  genvar i;
  generate
    for (i = 0; i < WIDTH; i = i + 1) begin : g_place
      localparam [31:0] ONE = INTO[32*i+:32];
      localparam [31:0] TWO = OVER[32*i+:32];
      wire fourth;
      if (i > 0 && COMPRESS[(i>0)?i-1 : 0]) begin : g_carry
        assign fourth = o[i-1];
      end else begin : g_wire
        assign fourth = d[i];
      end

      if (TWO == {32{TWO[0]}} && (ONE == FIRST || ONE == FOURTH || ONE == {32{ONE[0]}})) begin : g_plain
        assign s[i] = ONE == FIRST ? a[i] : ONE == FOURTH ? fourth : ONE[0];
        assign o[i] = TWO[0];
      end else if (PRIMITIVES == 0) begin : g_any
        assign s[i] = ONE[{e[i], fourth, c[i], b[i], a[i]}];
        assign o[i] = TWO[{e[i], fourth, c[i], b[i], a[i]}];
      end else begin : g_xilinx
        LUT6_2 #(
          .INIT({ONE, TWO})
        ) lut (
          .I0(a[i]),
          .I1(b[i]),
          .I2(c[i]),
          .I3(fourth),
          .I4(e[i]),
          .I5(1'b1),
          .O5(o[i]),
          .O6(s[i])
        );
      end
      assign over[i] = COMPRESS[i] ? fourth : o[i];
    end

    if (CHAINED != 0) begin : g_chained
      bw_chain #(.WIDTH(WIDTH), .FAMILY(FAMILY)) chain (.ci(ci), .s(s), .d(over), .y(y));
    end else begin : g_single
      assign y = s;
    end
  endgenerate
endmodule
