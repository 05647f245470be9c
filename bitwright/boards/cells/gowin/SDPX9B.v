// SPDX-License-Identifier: Apache-2.0
// A block RAM of Gowin's chips with a port that writes (A) and one that reads (B), in words of 9 bits, parts or multiples of them, without registers at its
// outputs.
module SDPX9B #(
  parameter READ_MODE = 1'b0,
  parameter BIT_WIDTH_0 = 9,
  parameter BIT_WIDTH_1 = 9,
  parameter BLK_SEL_0 = 3'b000,
  parameter BLK_SEL_1 = 3'b000,
  parameter RESET_MODE = "SYNC",
  `BW_INIT_64(INIT_RAM_, 288)
) (
  input  CLKA, CEA, CLKB, CEB, OCE, RESETA, RESETB,
  input  [13:0] ADA, ADB,
  input  [35:0] DI,
  input  [2:0] BLKSELA, BLKSELB,
  output [35:0] DO
);
  wire [35:0] value_b;
  assign DO = value_b[35:0];
  bw_units #(
    .WIDTH_A(BIT_WIDTH_0),
    .WIDTH_B(BIT_WIDTH_1),
    .MODE_A (0),
    .MODE_B (0),
    .ASYNC  (RESET_MODE == "ASYNC"),
    .INIT   ({`BW_VALUES_64(INIT_RAM_)})
  ) ram (
    .clk_a  (CLKA),
    .en_a   (CEA),
    .write_a(1'b1),
    .reset_a(1'b0),
    .addr_a (ADA),
    .lanes_a(ADA[3:0]),
    .data_a (DI),
    .value_a(),
    .clk_b  (CLKB),
    .en_b   (CEB),
    .write_b(1'b0),
    .reset_b(RESETB),
    .addr_b (ADB),
    .lanes_b(ADB[3:0]),
    .data_b (36'd0),
    .value_b(value_b)
  );
endmodule
