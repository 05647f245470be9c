// SPDX-License-Identifier: Apache-2.0
// The accelerator's clock from an iCE40's PLL: in * (DIVF + 1) / ((DIVR + 1) * 2**DIVQ). The pin is the PLL's own input if PAD.
module bw_pll_ice40 #(
  parameter PAD   = 0,
  parameter [3:0] DIVR  = 4'd0,
  parameter [6:0] DIVF  = 7'd63,
  parameter [2:0] DIVQ  = 3'd5,
  // by the frequency of in / (DIVR + 1)
  parameter [2:0] RANGE = 3'd1
) (
  input  wire in,
  output wire clk,
  output wire steady
);
`ifdef SYNTHESIS
  generate
    if (PAD != 0) begin : g_pad
      SB_PLL40_PAD #(
        .FEEDBACK_PATH("SIMPLE"),
        .DIVR         (DIVR),
        .DIVF         (DIVF),
        .DIVQ         (DIVQ),
        .FILTER_RANGE (RANGE)
      ) pll (
        .PACKAGEPIN   (in),
        .PLLOUTGLOBAL (clk),
        .LOCK         (steady),
        .RESETB       (1'b1),
        .BYPASS       (1'b0)
      );
    end else begin : g_core
      SB_PLL40_CORE #(
        .FEEDBACK_PATH("SIMPLE"),
        .DIVR         (DIVR),
        .DIVF         (DIVF),
        .DIVQ         (DIVQ),
        .FILTER_RANGE (RANGE)
      ) pll (
        .REFERENCECLK (in),
        .PLLOUTGLOBAL (clk),
        .LOCK         (steady),
        .RESETB       (1'b1),
        .BYPASS       (1'b0)
      );
    end
  endgenerate
`else
  // A simulation runs at the accelerator's clock.
  assign clk    = in;
  assign steady = (PAD != 0) || ({DIVR, DIVF, DIVQ, RANGE} != 17'd0);
`endif
endmodule
