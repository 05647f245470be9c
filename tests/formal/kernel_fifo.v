// SPDX-License-Identifier: Apache-2.0
// bw_kernel_fifo: holds DEPTH words and one more; in_ready says that there is room among the first, whatever the reader does.
module kernel_fifo #(
  parameter WIDTH = 2,
  parameter DEPTH = 2
) (
  input wire             clk,
  input wire             in_valid,
  input wire [WIDTH-1:0] in_data,
  input wire             out_ready
);
  wire             rst_n, in_ready, out_valid;
  wire [WIDTH-1:0] out_data;
  wire [3:0]       held;

  restart restart (.clk(clk), .rst_n(rst_n));

  bw_kernel_fifo #(.WIDTH(WIDTH), .DEPTH(DEPTH)) dut (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (in_valid),
    .in_ready (in_ready),
    .in_data  (in_data),
    .out_valid(out_valid),
    .out_ready(out_ready),
    .out_data (out_data)
  );

  stable #(.WIDTH(WIDTH)) stable (
    .clk  (clk),
    .rst_n(rst_n),
    .valid(out_valid),
    .ready(out_ready),
    .data (out_data)
  );

  follow #(.WIDTH(WIDTH), .MOST(DEPTH + 1)) follow (
    .clk     (clk),
    .rst_n   (rst_n),
    .enter   ({3'd0, in_valid & in_ready}),
    .entering(in_data),
    .leave   ({3'd0, out_valid & out_ready}),
    .leaving (out_data),
    .held    (held)
  );

  // Words that came before the last cycle: one is offered two cycles after it came.
  reg [3:0] older;
  always @(posedge clk)
    if (!rst_n) older <= 4'd0;
    else older <= held - {3'd0, out_valid & out_ready};

  always @*
    if (rst_n) begin
      room:    assert (in_ready == (held - {3'd0, out_valid} < DEPTH));
      offered: assert (out_valid == (older != 4'd0));
    end
endmodule
