// SPDX-License-Identifier: Apache-2.0
// The accelerator's clock is the board's oscillator.
module bw_clock (
  input  wire in,
  output wire clk,
  output wire steady
);
  assign clk    = in;
  assign steady = 1'b1;
endmodule
