// SPDX-License-Identifier: Apache-2.0
// Any function of a few bits: bit a of a table; combinational.
// LATENCY: 0
module bw_lut #(
  // inputs
  parameter INPUTS = 2,
  // the output for each reading of the inputs
  parameter [(1<<INPUTS)-1:0] TABLE = {(1 << INPUTS) {1'b0}}
) (
  input  wire [INPUTS-1:0] a,
  output wire              y
);
  assign y = TABLE[a];
endmodule
