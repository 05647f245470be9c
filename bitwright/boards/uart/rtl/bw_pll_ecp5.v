// SPDX-License-Identifier: Apache-2.0
// The accelerator's clock from an ECP5's PLL: in * FEEDBACK / INPUT, with an oscillator of OUTPUT times that.
module bw_pll_ecp5 #(
  parameter INPUT    = 1,
  parameter FEEDBACK = 2,
  parameter OUTPUT   = 12
) (
  input  wire in,
  output wire clk,
  output wire steady
);
`ifdef SYNTHESIS
  (* ICP_CURRENT = "12", LPF_RESISTOR = "8", MFG_ENABLE_FILTEROPAMP = "1", MFG_GMCREF_SEL = "2" *)
  EHXPLLL #(
    .PLLRST_ENA      ("DISABLED"),
    .INTFB_WAKE      ("DISABLED"),
    .STDBY_ENABLE    ("DISABLED"),
    .DPHASE_SOURCE   ("DISABLED"),
    .OUTDIVIDER_MUXA ("DIVA"),
    .OUTDIVIDER_MUXB ("DIVB"),
    .OUTDIVIDER_MUXC ("DIVC"),
    .OUTDIVIDER_MUXD ("DIVD"),
    .CLKI_DIV        (INPUT),
    .CLKFB_DIV       (FEEDBACK),
    .CLKOP_DIV       (OUTPUT),
    .CLKOP_ENABLE    ("ENABLED"),
    .CLKOP_CPHASE    (OUTPUT / 2),
    .CLKOP_FPHASE    (0),
    .FEEDBK_PATH     ("CLKOP")
  ) pll (
    .CLKI        (in),
    .CLKFB       (clk),
    .CLKOP       (clk),
    .LOCK        (steady),
    .RST         (1'b0),
    .STDBY       (1'b0),
    .PHASESEL0   (1'b0),
    .PHASESEL1   (1'b0),
    .PHASEDIR    (1'b1),
    .PHASESTEP   (1'b1),
    .PHASELOADREG(1'b1),
    .PLLWAKESYNC (1'b0),
    .ENCLKOP     (1'b0)
  );
`else
  // A simulation runs at the accelerator's clock.
  assign clk    = in;
  assign steady = (INPUT > 0) && (FEEDBACK > 0) && (OUTPUT > 0);
`endif
endmodule
