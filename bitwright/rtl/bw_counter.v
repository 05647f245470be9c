// SPDX-License-Identifier: Apache-2.0
// Says when the last of every COUNT steps is due. It counts down to minus one, so that `last` is a register, no compare.
// LATENCY: 1 (a step in cycle t is seen in cycle t+1)
module bw_counter #(
  // steps a round, at least 1
  parameter COUNT = 16
) (
  input  wire clk,
  input  wire rst_n,
  input  wire step,
  // the next step is the last of its round
  output wire last
);
  generate
    if (COUNT == 1) begin : g_one
      assign last = 1'b1;
      wire unused = &{1'b0, clk, rst_n, step};
    end else if (COUNT == 2) begin : g_two
      reg second;
      always @(posedge clk)
        if (!rst_n) second <= 1'b0;
        else second <= second ^ step;
      assign last = second;
    end else begin : g_many
      localparam A = $clog2(COUNT - 1);
      localparam integer TOP = COUNT - 2;
      // Steps left before the last one, minus one.
      reg [A:0] left;
      always @(posedge clk)
        if (!rst_n) left <= TOP[A:0];
        else if (step) left <= left[A] ? TOP[A:0] : left - {{A{1'b0}}, 1'b1};
      assign last = left[A];
    end
  endgenerate
endmodule
