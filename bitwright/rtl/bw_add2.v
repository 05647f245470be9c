// SPDX-License-Identifier: Apache-2.0
// Sum of two numbers whose bits may be inverted, and of a bit, as a circuit of constants needs it; combinational.
// One LUT a bit where there are carry chains, none of them for an inverter; the bit costs none.
// LATENCY: 0
module bw_add2 #(
  // bits of the operands, and of the sum: what does not fit is dropped
  parameter WIDTH  = 4,
  parameter OUT    = WIDTH + 1,
  // bits of the operands that are taken inverted
  parameter [WIDTH-1:0] INV_A = {WIDTH{1'b0}},
  parameter [WIDTH-1:0] INV_B = {WIDTH{1'b0}},
  // chip: 0 any, 1 Xilinx 7 series and later
  parameter FAMILY = 0
) (
  input  wire [WIDTH-1:0] a,
  input  wire [WIDTH-1:0] b,
  input  wire             ci,
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
      wire [WIDTH:0] sum = {1'b0, a ^ INV_A} + {1'b0, b ^ INV_B} + {{WIDTH{1'b0}}, ci};

      if (OUT <= WIDTH + 1) begin : g_cut
        assign y = sum[OUT-1:0];
      end else begin : g_padded
        assign y = {{(OUT - WIDTH - 1) {1'b0}}, sum};
      end
    end else begin : g_xilinx
      wire [OUT-1:0] s, d;

      for (i = 0; i < OUT; i = i + 1) begin : g_bit
        if (i >= WIDTH) begin : g_none
          assign s[i] = 1'b0;
          assign d[i] = 1'b0;
        end else if (INV_A[i]) begin : g_inverted
          // The chain's other input needs the inverse too: the second output of the same LUT.
          LUT6_2 #(
            .INIT({{8{INV_B[i] ? 4'h6 : 4'h9}}, {8{4'h5}}})
          ) lut (
            .I0(a[i]),
            .I1(b[i]),
            .I2(1'b0),
            .I3(1'b0),
            .I4(1'b0),
            .I5(1'b1),
            .O5(d[i]),
            .O6(s[i])
          );
        end else begin : g_plain
          assign s[i] = a[i] ^ b[i] ^ INV_B[i];
          assign d[i] = a[i];
        end
      end
      bw_chain #(.WIDTH(OUT), .FAMILY(FAMILY)) chain (.ci(ci), .s(s), .d(d), .y(y));
    end
  endgenerate
endmodule
