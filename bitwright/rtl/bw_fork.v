// SPDX-License-Identifier: Apache-2.0
// One stream to COUNT streams of the same words. Each output takes its copy as soon as it can; the input moves in the cycle
// in which the last of them does. in_ready and out_valid are combinational.
// LATENCY: 0 (a word is offered to every output that has not yet taken it, in the cycle in which the input offers it)
module bw_fork #(
  // bits a word
  parameter WIDTH = 8,
  // outputs
  parameter COUNT = 2
) (
  input  wire             clk,
  input  wire             rst_n,
  input  wire             in_valid,
  output wire             in_ready,
  input  wire [WIDTH-1:0] in_data,
  output wire [COUNT-1:0] out_valid,
  input  wire [COUNT-1:0] out_ready,
  output wire [WIDTH-1:0] out_data
);
  // Outputs that have their copy of the word that waits.
  reg  [COUNT-1:0] served;
  wire [COUNT-1:0] after = served | out_ready;

  assign in_ready  = &after;
  assign out_valid = {COUNT{in_valid}} & ~served;
  assign out_data  = in_data;

  always @(posedge clk)
    if (!rst_n) served <= {COUNT{1'b0}};
    else if (in_valid) served <= after & {COUNT{~in_ready}};
endmodule
