// SPDX-License-Identifier: Apache-2.0
// The accelerator's clock from a 7-series PLL: in * MULTIPLY / DIVIDE / OUTPUT.
module bw_pll_xc7 #(
  parameter DIVIDE   = 1,
  parameter MULTIPLY = 8,
  parameter OUTPUT   = 8,
  parameter PERIOD   = 10000  // ps of `in`
) (
  input  wire in,
  output wire clk,
  output wire steady
);
`ifdef SYNTHESIS
  wire feedback, made;
  PLLE2_BASE #(
    .DIVCLK_DIVIDE (DIVIDE),
    .CLKFBOUT_MULT (MULTIPLY),
    .CLKOUT0_DIVIDE(OUTPUT),
    .CLKIN1_PERIOD (PERIOD / 1000.0),
    .STARTUP_WAIT  ("FALSE")
  ) pll (
    .CLKIN1  (in),
    .CLKFBIN (feedback),
    .CLKFBOUT(feedback),
    .CLKOUT0 (made),
    .CLKOUT1 (),
    .CLKOUT2 (),
    .CLKOUT3 (),
    .CLKOUT4 (),
    .CLKOUT5 (),
    .LOCKED  (steady),
    .PWRDWN  (1'b0),
    .RST     (1'b0)
  );
  BUFG buffer (.I(made), .O(clk));
`else
  // A simulation runs at the accelerator's clock.
  assign clk    = in;
  assign steady = (DIVIDE > 0) && (MULTIPLY > 0) && (OUTPUT > 0) && (PERIOD > 0);
`endif
endmodule
