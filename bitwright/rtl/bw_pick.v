// SPDX-License-Identifier: Apache-2.0
// The same beats with elements in another order, some left out, some several times. Wires only.
// LATENCY: 0
module bw_pick #(
  // bits of an element
  parameter WIDTH     = 8,
  // elements a beat, in and out
  parameter IN_LANES  = 4,
  parameter OUT_LANES = 1,
  // of each that leaves which it is, 16 bits each
  parameter [OUT_LANES*16-1:0] PICKS = {OUT_LANES{16'd0}}
) (
  input  wire                       clk,
  input  wire                       rst_n,
  input  wire                       in_valid,
  output wire                       in_ready,
  input  wire [IN_LANES*WIDTH-1:0]  in_data,
  output wire                       out_valid,
  input  wire                       out_ready,
  output wire [OUT_LANES*WIDTH-1:0] out_data
);
  assign in_ready  = out_ready;
  assign out_valid = in_valid;

  genvar l;
  generate
    for (l = 0; l < OUT_LANES; l = l + 1) begin : g_lane
      assign out_data[l*WIDTH +: WIDTH] = in_data[PICKS[l*16 +: 16]*WIDTH +: WIDTH];
    end
  endgenerate

  wire unused = &{1'b0, clk, rst_n, in_data};
endmodule
