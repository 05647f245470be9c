// SPDX-License-Identifier: Apache-2.0
// Says when the first and when the last of every COUNT steps are due; both are registers.
// LATENCY: 1 (a step in cycle t is seen in cycle t+1)
module bw_turn #(
  // steps a round, at least 1
  parameter COUNT = 16
) (
  input  wire clk,
  input  wire rst_n,
  input  wire step,
  // the next step is the first of its round
  output wire first,
  // the next step is the last of its round
  output wire last
);
  generate
    if (COUNT == 1) begin : g_one
      assign first = 1'b1;
    end else if (COUNT == 2) begin : g_two
      assign first = ~last;
    end else begin : g_many
      reg begins;
      always @(posedge clk)
        if (!rst_n) begins <= 1'b1;
        else if (step) begins <= last;
      assign first = begins;
    end
  endgenerate

  bw_counter #(.COUNT(COUNT)) steps (
    .clk  (clk),
    .rst_n(rst_n),
    .step (step),
    .last (last)
  );
endmodule
