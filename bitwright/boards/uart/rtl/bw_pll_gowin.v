// SPDX-License-Identifier: Apache-2.0
// The accelerator's clock from a Gowin's PLL: in * (FBDIV + 1) / (IDIV + 1), with an oscillator of ODIV times that.
module bw_pll_gowin #(
  parameter DEVICE = "GW1NR-9C",
  parameter FCLKIN = "27",
  parameter IDIV   = 0,
  parameter FBDIV  = 0,
  parameter ODIV   = 16
) (
  input  wire in,
  output wire clk,
  output wire steady
);
`ifdef SYNTHESIS
  rPLL #(
    .DEVICE      (DEVICE),
    .FCLKIN      (FCLKIN),
    .IDIV_SEL    (IDIV),
    .FBDIV_SEL   (FBDIV),
    .ODIV_SEL    (ODIV),
    .CLKFB_SEL   ("internal"),
    .CLKOUT_BYPASS("false")
  ) pll (
    .CLKIN       (in),
    .CLKOUT      (clk),
    .LOCK        (steady),
    .CLKFB       (1'b0),
    .RESET       (1'b0),
    .RESET_P     (1'b0),
    .FBDSEL      (6'd0),
    .IDSEL       (6'd0),
    .ODSEL       (6'd0),
    .PSDA        (4'd0),
    .DUTYDA      (4'd0),
    .FDLY        (4'd0)
  );
`else
  // A simulation runs at the accelerator's clock.
  assign clk    = in;
  assign steady = (DEVICE != "") && (FCLKIN != "") && (IDIV + FBDIV + ODIV > 0);
`endif
endmodule
