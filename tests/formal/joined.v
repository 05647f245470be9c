// SPDX-License-Identifier: Apache-2.0
// bw_join before a bw_fifo: beats of two streams pass in pairs, the first of one with the first of the other.
module joined #(
  parameter WIDTH_A = 1,
  parameter WIDTH_B = 2,
  parameter CREDITS = 3
) (
  input wire               clk,
  input wire               a_valid,
  input wire [WIDTH_A-1:0] a_data,
  input wire               b_valid,
  input wire [WIDTH_B-1:0] b_data,
  input wire               out_ready
);
  wire                       rst_n, a_ready, b_ready, passed, out_valid, credit;
  wire [WIDTH_B+WIDTH_A-1:0] word, out_data;
  wire [3:0]                 a_held, b_held;
  wire [3:0]                 leave = {3'd0, out_valid & out_ready};

  restart restart (.clk(clk), .rst_n(rst_n));

  bw_join #(.WIDTH_A(WIDTH_A), .WIDTH_B(WIDTH_B), .CREDITS(CREDITS)) dut (
    .clk      (clk),
    .rst_n    (rst_n),
    .a_valid  (a_valid),
    .a_ready  (a_ready),
    .a_data   (a_data),
    .b_valid  (b_valid),
    .b_ready  (b_ready),
    .b_data   (b_data),
    .out_valid(passed),
    .out_data (word),
    .credit   (credit)
  );

  bw_fifo #(.WIDTH(WIDTH_A + WIDTH_B), .DEPTH(CREDITS)) fifo (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (passed),
    .in_data  (word),
    .out_valid(out_valid),
    .out_ready(out_ready),
    .out_data (out_data),
    .credit   (credit)
  );

  follow #(.WIDTH(WIDTH_A), .MOST(CREDITS)) a (
    .clk     (clk),
    .rst_n   (rst_n),
    .enter   ({3'd0, a_valid & a_ready}),
    .entering(a_data),
    .leave   (leave),
    .leaving (out_data[WIDTH_A-1:0]),
    .held    (a_held)
  );
  follow #(.WIDTH(WIDTH_B), .MOST(CREDITS)) b (
    .clk     (clk),
    .rst_n   (rst_n),
    .enter   ({3'd0, b_valid & b_ready}),
    .entering(b_data),
    .leave   (leave),
    .leaving (out_data[WIDTH_A +: WIDTH_B]),
    .held    (b_held)
  );

  always @*
    if (rst_n) begin
      pairs:   assert (a_held == b_held);
      spends:  assert ((a_valid & a_ready) == (a_valid & b_valid & a_held + credit < CREDITS));
      offered: assert (out_valid == (a_held != 4'd0));
    end
endmodule
