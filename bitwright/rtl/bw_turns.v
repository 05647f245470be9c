// SPDX-License-Identifier: Apache-2.0
// Steps of a round: how many have been taken, and whether the next is its first or its last.
// LATENCY: 1 (a step in cycle t is seen in cycle t+1)
module bw_turns #(
  // steps a round, at least 1
  parameter COUNT = 4,
  // bits of the index: max(1, clog2(COUNT))
  parameter WIDTH = 2
) (
  input  wire             clk,
  input  wire             rst_n,
  input  wire             step,
  output wire             begins,
  output wire             last,
  output wire [WIDTH-1:0] index
);
  bw_counter #(.COUNT(COUNT)) steps (
    .clk  (clk),
    .rst_n(rst_n),
    .step (step),
    .last (last)
  );
  bw_index #(.COUNT(COUNT), .WIDTH(WIDTH)) taken (
    .clk  (clk),
    .rst_n(rst_n),
    .step (step),
    .index(index)
  );
  generate
    if (COUNT == 1) begin : g_always
      assign begins = 1'b1;
    end else begin : g_begins
      reg first;
      always @(posedge clk)
        if (!rst_n) first <= 1'b1;
        else if (step) first <= last;
      assign begins = first;
    end
  endgenerate
endmodule
