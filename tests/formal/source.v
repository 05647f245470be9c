// SPDX-License-Identifier: Apache-2.0
// Any stream that keeps the promises of one: silent after reset, and a beat that is offered stays until taken.
module source #(
  // bits of the payload
  parameter WIDTH = 2
) (
  input  wire             clk,
  input  wire             rst_n,
  output wire             valid,
  input  wire             ready,
  output wire [WIDTH-1:0] data
);
  (* anyseq *) wire             offer;
  (* anyseq *) wire [WIDTH-1:0] word;
  reg                           was_reset = 1'b1;
  reg                           stalled   = 1'b0;
  reg  [WIDTH-1:0]              before;

  assign valid = stalled | (offer & ~was_reset);
  assign data  = stalled ? before : word;

  always @(posedge clk) begin
    was_reset <= ~rst_n;
    stalled   <= rst_n & valid & ~ready;
    before    <= data;
  end
endmodule
