// SPDX-License-Identifier: Apache-2.0
// The same beats with other lanes: each element extended to OUT_WIDTH bits by its sign, and lanes added, which are 0, or
// dropped. Wires only.
// LATENCY: 0
module bw_lanes #(
  // bits of an element, in and out, OUT_WIDTH at least IN_WIDTH; and whether it is two's complement
  parameter IN_WIDTH  = 8,
  parameter OUT_WIDTH = 9,
  parameter SIGNED    = 1,
  // elements a beat, in and out
  parameter IN_LANES  = 4,
  parameter OUT_LANES = 4
) (
  input  wire                           clk,
  input  wire                           rst_n,
  input  wire                           in_valid,
  output wire                           in_ready,
  input  wire [IN_LANES*IN_WIDTH-1:0]   in_data,
  output wire                           out_valid,
  input  wire                           out_ready,
  output wire [OUT_LANES*OUT_WIDTH-1:0] out_data
);
  assign in_ready  = out_ready;
  assign out_valid = in_valid;

  genvar l;
  generate
    for (l = 0; l < OUT_LANES; l = l + 1) begin : g_lane
      if (l >= IN_LANES) begin : g_none
        assign out_data[l*OUT_WIDTH +: OUT_WIDTH] = {OUT_WIDTH{1'b0}};
      end else if (OUT_WIDTH > IN_WIDTH) begin : g_wider
        assign out_data[l*OUT_WIDTH +: OUT_WIDTH] =
          {{(OUT_WIDTH - IN_WIDTH){(SIGNED != 0) & in_data[l*IN_WIDTH+IN_WIDTH-1]}}, in_data[l*IN_WIDTH +: IN_WIDTH]};
      end else begin : g_same
        assign out_data[l*OUT_WIDTH +: OUT_WIDTH] = in_data[l*IN_WIDTH +: IN_WIDTH];
      end
    end
  endgenerate

  wire unused = &{1'b0, clk, rst_n, in_data};
endmodule
