// SPDX-License-Identifier: Apache-2.0
// bw_gate, a pipeline without stalls, bw_fifo: a credit domain. Every credit is held, in flight or on its way back, so the
// FIFO, which cannot refuse a word, never holds more than it has room for.
module domain #(
  parameter WIDTH   = 2,
  parameter CREDITS = 3,
  parameter CYCLES  = 2,
  parameter SHIFT   = 1
) (
  input wire             clk,
  input wire             in_valid,
  input wire [WIDTH-1:0] in_data,
  input wire             out_ready
);
  wire             rst_n, in_ready, passed, arrived, out_valid, credit;
  wire [WIDTH-1:0] word, out_data;
  wire [3:0]       inside, stored;
  wire [3:0]       leave = {3'd0, out_valid & out_ready};

  restart restart (.clk(clk), .rst_n(rst_n));

  bw_gate #(.WIDTH(WIDTH), .CREDITS(CREDITS)) gate (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (in_valid),
    .in_ready (in_ready),
    .in_data  (in_data),
    .out_valid(passed),
    .out_data (word),
    .credit   (credit)
  );

  // The pipeline.
  reg  [CYCLES*WIDTH-1:0] words;
  wire [WIDTH-1:0]        last = words[CYCLES*WIDTH-1 -: WIDTH];
  always @(posedge clk) words <= {words, word};
  bw_delay #(.CYCLES(CYCLES)) pipeline (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (passed),
    .out_valid(arrived)
  );

  bw_fifo #(.WIDTH(WIDTH), .DEPTH(CREDITS), .SHIFT(SHIFT)) fifo (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (arrived),
    .in_data  (last),
    .out_valid(out_valid),
    .out_ready(out_ready),
    .out_data (out_data),
    .credit   (credit)
  );

  stable #(.WIDTH(WIDTH)) stable (
    .clk  (clk),
    .rst_n(rst_n),
    .valid(out_valid),
    .ready(out_ready),
    .data (out_data)
  );

  follow #(.WIDTH(WIDTH), .MOST(CREDITS)) all (
    .clk     (clk),
    .rst_n   (rst_n),
    .enter   ({3'd0, in_valid & in_ready}),
    .entering(in_data),
    .leave   (leave),
    .leaving (out_data),
    .held    (inside)
  );

  follow #(.WIDTH(WIDTH), .MOST(CREDITS)) in_fifo (
    .clk     (clk),
    .rst_n   (rst_n),
    .enter   ({3'd0, arrived}),
    .entering(last),
    .leave   (leave),
    .leaving (out_data),
    .held    (stored)
  );

  always @*
    if (rst_n) begin
      spends:  assert (in_ready == (inside + credit < CREDITS));
      offered: assert (out_valid == (stored != 4'd0));
    end
endmodule
