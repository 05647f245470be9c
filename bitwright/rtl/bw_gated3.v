// SPDX-License-Identifier: Apache-2.0
// Sum of columns of up to three bits that may be inverted or gated: what a column counts is a function of four wires, told
// by its tables, as gates of the bits fit the LUT that adds them. Combinational; the structure is that of bw_add3.
// LATENCY: 0
module bw_gated3 #(
  // columns, and bits of the sum: what does not fit is dropped
  parameter WIDTH = 4,
  parameter OUT   = WIDTH + 2,
  // of each column, for each reading of its wires: bit 1 and bit 0 of the number of ones
  parameter [16*WIDTH-1:0] MOST   = {WIDTH{16'hE8E8}},
  parameter [16*WIDTH-1:0] PARITY = {WIDTH{16'h9696}},
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
      wire [WIDTH-1:0] most, parity;

      for (i = 0; i < WIDTH; i = i + 1) begin : g_column
        localparam [15:0] HIGH = MOST[16*i+:16];
        localparam [15:0] LOW  = PARITY[16*i+:16];
        assign most[i]   = HIGH[{d[i], c[i], b[i], a[i]}];
        assign parity[i] = LOW[{d[i], c[i], b[i], a[i]}];
      end

      wire [WIDTH+1:0] sum = {2'b00, parity} + {1'b0, most, 1'b0};

      if (OUT <= WIDTH + 2) begin : g_cut
        assign y = sum[OUT-1:0];
      end else begin : g_padded
        assign y = {{(OUT - WIDTH - 2) {1'b0}}, sum};
      end
    end else begin : g_xilinx
      localparam integer BITS = (OUT + 3) / 4 * 4;
      wire [BITS-1:0] s, di, sum;
      wire [BITS:0]   chain;
      wire [WIDTH:0]  carry;
      assign carry[0] = 1'b0;
      assign chain[0] = 1'b0;

      for (i = 0; i < BITS; i = i + 1) begin : g_bit
        if (i < WIDTH && i < OUT) begin : g_column
          // The carry of the column below is between the third wire and the fourth.
          localparam [15:0] HIGH = MOST[16*i+:16];
          localparam [15:0] LOW  = PARITY[16*i+:16];
          LUT6_2 #(
            .INIT({~LOW[15:8], LOW[15:8], ~LOW[7:0], LOW[7:0], {2{HIGH[15:8]}}, {2{HIGH[7:0]}}})
          ) lut (
            .I0(a[i]),
            .I1(b[i]),
            .I2(c[i]),
            .I3(carry[i]),
            .I4(d[i]),
            .I5(1'b1),
            .O5(carry[i+1]),
            .O6(s[i])
          );
          assign di[i] = carry[i];
        end else if (i == WIDTH && i < OUT) begin : g_last
          assign s[i]  = carry[i];
          assign di[i] = 1'b0;
        end else begin : g_none
          assign s[i]  = 1'b0;
          assign di[i] = 1'b0;
        end
      end
      if (WIDTH == 1 && OUT <= 2) begin : g_full_adder
        assign sum = {{(BITS - 2) {1'b0}}, carry[1], s[0]};
      end else begin : g_chained
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
      end
      assign y = sum[OUT-1:0];
    end
  endgenerate
endmodule
