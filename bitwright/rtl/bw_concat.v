// SPDX-License-Identifier: Apache-2.0
// Joins vectors: A_BEATS beats of stream a, then B_BEATS of stream b, and again. Valid and ready pass straight through.
// LATENCY: 0 (a beat whose turn it is is offered in the cycle in which its stream offers it, and moves there as it does here)
module bw_concat #(
  // bits a beat
  parameter WIDTH   = 8,
  // beats of a vector of either input
  parameter A_BEATS = 1,
  parameter B_BEATS = 1
) (
  input  wire             clk,
  input  wire             rst_n,
  input  wire             a_valid,
  output wire             a_ready,
  input  wire [WIDTH-1:0] a_data,
  input  wire             b_valid,
  output wire             b_ready,
  input  wire [WIDTH-1:0] b_data,
  output wire             out_valid,
  input  wire             out_ready,
  output wire [WIDTH-1:0] out_data
);
  // Whose turn it is.
  reg  turn_b;
  wire last_a, last_b;

  assign a_ready   = out_ready & ~turn_b;
  assign b_ready   = out_ready & turn_b;
  assign out_valid = turn_b ? b_valid : a_valid;
  assign out_data  = turn_b ? b_data : a_data;

  bw_counter #(.COUNT(A_BEATS)) beats_a (
    .clk  (clk),
    .rst_n(rst_n),
    .step (a_valid & a_ready),
    .last (last_a)
  );
  bw_counter #(.COUNT(B_BEATS)) beats_b (
    .clk  (clk),
    .rst_n(rst_n),
    .step (b_valid & b_ready),
    .last (last_b)
  );

  always @(posedge clk)
    if (!rst_n) turn_b <= 1'b0;
    else if (out_valid & out_ready) turn_b <= turn_b ? ~last_b : last_a;
endmodule
