// SPDX-License-Identifier: Apache-2.0
// Entry of a credit domain with two inputs: a beat of each passes, both in the same cycle, when both are there and a credit
// is held.
// LATENCY: 0 (out_valid in the cycle in which both beats move)
module bw_join #(
  // bits of a beat of either input
  parameter WIDTH_A = 8,
  parameter WIDTH_B = 8,
  // beats that may be in flight: what the FIFO at the end of the domain holds
  parameter CREDITS = 16
) (
  input  wire                       clk,
  input  wire                       rst_n,
  input  wire                       a_valid,
  output wire                       a_ready,
  input  wire [WIDTH_A-1:0]         a_data,
  input  wire                       b_valid,
  output wire                       b_ready,
  input  wire [WIDTH_B-1:0]         b_data,
  output wire                       out_valid,
  output wire [WIDTH_B+WIDTH_A-1:0] out_data,
  input  wire                       credit
);
  wire some;

  bw_credit #(.CREDITS(CREDITS)) credits (
    .clk  (clk),
    .rst_n(rst_n),
    .take (out_valid),
    .give (credit),
    .some (some)
  );

  assign a_ready   = b_valid & some;
  assign b_ready   = a_valid & some;
  assign out_valid = a_valid & b_valid & some;
  assign out_data  = {b_data, a_data};
endmodule
