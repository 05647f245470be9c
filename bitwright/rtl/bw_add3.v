// SPDX-License-Identifier: Apache-2.0
// Sum of three numbers whose bits may be inverted, and of two bits, as a circuit of constants needs it; combinational.
// One LUT a bit on chips whose LUTs have two outputs: one makes the carry of a compressor, the other its sum and the
// carry of the column below, which a carry chain adds. Nothing comes from below the first column: the bits stand there.
// LATENCY: 0
module bw_add3 #(
  // bits of the operands, and of the sum: what does not fit is dropped
  parameter WIDTH  = 4,
  parameter OUT    = WIDTH + 2,
  // bits of the operands that are taken inverted
  parameter [WIDTH-1:0] INV_A = {WIDTH{1'b0}},
  parameter [WIDTH-1:0] INV_B = {WIDTH{1'b0}},
  parameter [WIDTH-1:0] INV_C = {WIDTH{1'b0}},
  // 0 if no carry goes from bit to bit: of a single column, without ci
  parameter CHAINED = 1,
  // chip: 0 any, 1 Xilinx 7 series and later
  parameter FAMILY = 0
) (
  input  wire [WIDTH-1:0] a,
  input  wire [WIDTH-1:0] b,
  input  wire [WIDTH-1:0] c,
  input  wire             ci,
  input  wire             cm,
  output wire [OUT-1:0]   y
);
  // A simulator has no model of the chip's cells; synthesis with them is proved equal by the tests.
`ifdef SYNTHESIS
  localparam integer PRIMITIVES = FAMILY;
`else
  localparam integer PRIMITIVES = 0 * FAMILY;
`endif
  // Majority of three, by the set of its inputs that are inverted.
  localparam [63:0] MAJORITIES = 64'h172B_4D8E_71B2_D4E8;

  genvar i;
  generate
    if (PRIMITIVES == 0) begin : g_any
      wire [WIDTH-1:0] p = a ^ INV_A;
      wire [WIDTH-1:0] q = b ^ INV_B;
      wire [WIDTH-1:0] r = c ^ INV_C;
      wire [WIDTH+1:0] sum;

      if (CHAINED == 0) begin : g_alone
        assign sum = {2'b00, p} + {2'b00, q} + {2'b00, r};
      end else begin : g_chained
        // In two steps: of a sum of five, synthesis makes a second row of compressors.
        wire [WIDTH:0] first = {1'b0, p} + {1'b0, q} + {{WIDTH{1'b0}}, cm};
        assign sum = {1'b0, first} + {2'b00, r} + {{(WIDTH + 1) {1'b0}}, ci};
      end

      if (OUT <= WIDTH + 2) begin : g_cut
        assign y = sum[OUT-1:0];
      end else begin : g_padded
        assign y = {{(OUT - WIDTH - 2) {1'b0}}, sum};
      end
    end else begin : g_xilinx
      wire [OUT-1:0] s, d;
      wire [WIDTH:0] carry;
      assign carry[0] = cm;

      for (i = 0; i < OUT; i = i + 1) begin : g_bit
        if (i < WIDTH) begin : g_column
          // Of inputs 0 to 2 the majority below, of 0 to 3 the parity above; which inputs are inverted picks the table.
          localparam [2:0] FLIP   = {INV_C[i], INV_B[i], INV_A[i]};
          localparam [7:0] MOST   = MAJORITIES[8*FLIP+:8];
          localparam [7:0] PARITY = (^FLIP) ? 8'h69 : 8'h96;
          LUT6_2 #(
            .INIT({{2{~PARITY, PARITY}}, {4{MOST}}})
          ) lut (
            .I0(a[i]),
            .I1(b[i]),
            .I2(c[i]),
            .I3(carry[i]),
            .I4(1'b0),
            .I5(1'b1),
            .O5(carry[i+1]),
            .O6(s[i])
          );
          assign d[i] = carry[i];
        end else if (i == WIDTH) begin : g_last
          assign s[i] = carry[i];
          assign d[i] = 1'b0;
        end else begin : g_none
          assign s[i] = 1'b0;
          assign d[i] = 1'b0;
        end
      end
      if (CHAINED != 0) begin : g_chained
        bw_chain #(.WIDTH(OUT), .FAMILY(FAMILY)) chain (.ci(ci), .s(s), .d(d), .y(y));
      end else begin : g_single
        assign y = s;
      end
    end
  endgenerate
endmodule
