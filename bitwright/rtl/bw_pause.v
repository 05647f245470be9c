// SPDX-License-Identifier: Apache-2.0
// Says which steps are due: after each that was, so many are not, and how many depends on where it ended a row or a frame.
// LATENCY: 1 (a step in cycle t is seen in cycle t+1)
module bw_pause #(
  // steps that are not due: after a step that was, after the last of a row, after the last of a frame, and after reset
  parameter INNER = 0,
  parameter OUTER = 1,
  parameter FINAL = 4,
  parameter START = 2
) (
  input  wire clk,
  input  wire rst_n,
  input  wire step,
  // the step that is due is the last of a row, and of a frame
  input  wire row_ends,
  input  wire frame_ends,
  // the next step is due: a register
  output wire due
);
  localparam integer A    = (OUTER > INNER) ? OUTER : INNER;
  localparam integer B    = (FINAL > START) ? FINAL : START;
  localparam integer MOST = (A > B) ? A : B;

  generate
    if (MOST == 0) begin : g_always
      assign due = 1'b1;
      wire unused = &{1'b0, clk, rst_n, step, row_ends, frame_ends};
    end else begin : g_count
      localparam L = $clog2(MOST) + 1;
      localparam integer FIRST   = START - 1;
      localparam integer IN_ROW  = INNER - 1;
      localparam integer OF_ROW  = OUTER - 1;
      localparam integer OF_ALL  = FINAL - 1;
      // Steps that are not due, minus one: the sign bit says none.
      reg  [L-1:0] left;
      always @(posedge clk)
        if (!rst_n) left <= FIRST[L-1:0];
        else if (step) left <= ~left[L-1] ? left - {{(L - 1){1'b0}}, 1'b1}
                             : frame_ends ? OF_ALL[L-1:0] : row_ends ? OF_ROW[L-1:0] : IN_ROW[L-1:0];
      assign due = left[L-1];
    end
  endgenerate
endmodule
