// SPDX-License-Identifier: Apache-2.0
// bw_pause: after a step that was due exactly as many are not as its place in the frame says.
module pause #(
  parameter INNER = 0,
  parameter OUTER = 1,
  parameter FINAL = 4,
  parameter START = 2
) (
  input wire clk,
  input wire step,
  input wire row_ends,
  input wire frame_ends
);
  wire      rst_n, due;
  // Steps that are not due.
  reg [3:0] left;

  restart restart (.clk(clk), .rst_n(rst_n));

  bw_pause #(.INNER(INNER), .OUTER(OUTER), .FINAL(FINAL), .START(START)) dut (
    .clk       (clk),
    .rst_n     (rst_n),
    .step      (step),
    .row_ends  (row_ends),
    .frame_ends(frame_ends),
    .due       (due)
  );

  always @(posedge clk)
    if (!rst_n) left <= START;
    else if (step & left != 4'd0) left <= left - 4'd1;
    else if (step) left <= frame_ends ? FINAL : row_ends ? OUTER : INNER;

  always @*
    if (rst_n) begin
      counts: assert (due == (left == 4'd0));
    end
endmodule
