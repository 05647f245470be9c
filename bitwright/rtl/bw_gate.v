// SPDX-License-Identifier: Apache-2.0
// Entry of a credit domain: a beat passes only against a credit, so the valid-only pipeline behind it needs no stall.
// LATENCY: 0 (out_valid = in_valid & in_ready in the same cycle)
module bw_gate #(
  // bits a beat
  parameter WIDTH   = 8,
  // beats that may be in flight: what the FIFO at the end of the domain holds
  parameter CREDITS = 16
) (
  input  wire             clk,
  input  wire             rst_n,
  input  wire             in_valid,
  output wire             in_ready,
  input  wire [WIDTH-1:0] in_data,
  output wire             out_valid,
  output wire [WIDTH-1:0] out_data,
  input  wire             credit
);
  bw_credit #(.CREDITS(CREDITS)) credits (
    .clk  (clk),
    .rst_n(rst_n),
    .take (out_valid),
    .give (credit),
    .some (in_ready)
  );

  assign out_valid = in_valid & in_ready;
  assign out_data  = in_data;
endmodule
