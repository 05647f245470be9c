// SPDX-License-Identifier: Apache-2.0
// How many of up to four bit pairs agree: count + carry. Three pairs are counted, the fourth is left for a carry input.
// LATENCY: 1
module bw_xnor #(
  // pairs, 1 .. 4
  parameter PAIRS = 4
) (
  input  wire             clk,
  input  wire [PAIRS-1:0] a,
  input  wire [PAIRS-1:0] b,
  output reg  [1:0]       count,
  output reg              carry
);
  wire [3:0] same;

  assign same[PAIRS-1:0] = ~(a ^ b);
  generate
    if (PAIRS < 4) begin : g_pad
      assign same[3:PAIRS] = {(4 - PAIRS){1'b0}};
    end
  endgenerate

  always @(posedge clk) begin
    count <= {(same[0] & same[1]) | (same[0] & same[2]) | (same[1] & same[2]), same[0] ^ same[1] ^ same[2]};
    carry <= same[3];
  end
endmodule
