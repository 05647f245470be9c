// SPDX-License-Identifier: Apache-2.0
// Sum of two numbers whose bits may be inverted or gated: each bit is a function of four wires, told by its table, as gates
// fit the LUT that adds. Combinational; the structure is that of bw_add2.
// LATENCY: 0
module bw_gated2 #(
  // bits of the operands, and of the sum: what does not fit is dropped
  parameter WIDTH = 4,
  parameter OUT   = WIDTH + 1,
  // of each column, for each reading of its wires: the bit of the first operand, and whether those of both differ
  parameter [16*WIDTH-1:0] FIRST  = {WIDTH{16'hAAAA}},
  parameter [16*WIDTH-1:0] DIFFER = {WIDTH{16'h6666}},
  // chip: 0 any, 1 Xilinx 7 series and later
  parameter FAMILY = 0
) (
  input  wire [WIDTH-1:0] a,
  input  wire [WIDTH-1:0] b,
  input  wire [WIDTH-1:0] c,
  input  wire [WIDTH-1:0] d,
  output wire [OUT-1:0]   y
);
  // A simulator has no model of the chip's cells; synthesis with them is proved equal by the tests.
`ifdef SYNTHESIS
  localparam integer PRIMITIVES = FAMILY;
`else
  localparam integer PRIMITIVES = 0 * FAMILY;
`endif

  genvar i;
  generate
    if (PRIMITIVES == 0) begin : g_any
      wire [WIDTH-1:0] first, differ;

      for (i = 0; i < WIDTH; i = i + 1) begin : g_column
        localparam [15:0] ONE  = FIRST[16*i+:16];
        localparam [15:0] BOTH = DIFFER[16*i+:16];
        assign first[i]  = ONE[{d[i], c[i], b[i], a[i]}];
        assign differ[i] = BOTH[{d[i], c[i], b[i], a[i]}];
      end

      wire [WIDTH:0] sum = {1'b0, first} + {1'b0, first ^ differ};

      if (OUT <= WIDTH + 1) begin : g_cut
        assign y = sum[OUT-1:0];
      end else begin : g_padded
        assign y = {{(OUT - WIDTH - 1) {1'b0}}, sum};
      end
    end else begin : g_xilinx
      localparam integer BITS = (OUT + 3) / 4 * 4;
      wire [BITS-1:0] s, di, sum;
      wire [BITS:0]   chain;
      assign chain[0] = 1'b0;

      for (i = 0; i < BITS; i = i + 1) begin : g_bit
        if (i < WIDTH && i < OUT) begin : g_column
          localparam [15:0] ONE  = FIRST[16*i+:16];
          localparam [15:0] BOTH = DIFFER[16*i+:16];
          LUT6_2 #(
            .INIT({{2{BOTH}}, {2{ONE}}})
          ) lut (
            .I0(a[i]),
            .I1(b[i]),
            .I2(c[i]),
            .I3(d[i]),
            .I4(1'b0),
            .I5(1'b1),
            .O5(di[i]),
            .O6(s[i])
          );
        end else begin : g_none
          assign s[i]  = 1'b0;
          assign di[i] = 1'b0;
        end
      end
      for (i = 0; i < BITS; i = i + 4) begin : g_chain
        CARRY4 carry4 (
          .CI    (chain[i]),
          .CYINIT(1'b0),
          .DI    (di[i+3:i]),
          .S     (s[i+3:i]),
          .O     (sum[i+3:i]),
          .CO    (chain[i+4:i+1])
        );
      end
      assign y = sum[OUT-1:0];
    end
  endgenerate
endmodule
