// SPDX-License-Identifier: Apache-2.0
// A block RAM of Gowin's chips with a port that writes (A) and one that reads (B), in words of 8 bits, parts or multiples of them, without registers at its
// outputs.
module SDPB #(
  parameter READ_MODE = 1'b0,
  parameter BIT_WIDTH_0 = 9,
  parameter BIT_WIDTH_1 = 9,
  parameter BLK_SEL_0 = 3'b000,
  parameter BLK_SEL_1 = 3'b000,
  parameter RESET_MODE = "SYNC",
  `BW_INIT_64(INIT_RAM_, 256)
) (
  input  CLKA, CEA, CLKB, CEB, OCE, RESETA, RESETB,
  input  [13:0] ADA, ADB,
  input  [31:0] DI,
  input  [2:0] BLKSELA, BLKSELB,
  output [31:0] DO
);
  function integer width(input integer given);
    width = given < 8 ? given : given / 8 * 9;
  endfunction

  wire [35:0] value_b;
  assign DO = {value_b[34:27], value_b[25:18], value_b[16:9], value_b[7:0]};
  bw_units #(
    .WIDTH_A(width(BIT_WIDTH_0)),
    .WIDTH_B(width(BIT_WIDTH_1)),
    .MODE_A (0),
    .MODE_B (0),
    .ASYNC  (RESET_MODE == "ASYNC"),
    .UNIT   (8),
    .PAIR   (16),
    .INIT   ({`BW_VALUES_64(INIT_RAM_)})
  ) ram (
    .clk_a  (CLKA),
    .en_a   (CEA),
    .write_a(1'b1),
    .reset_a(1'b0),
    .addr_a (ADA),
    .lanes_a(ADA[3:0]),
    .data_a ({1'b0, DI[31:24], 1'b0, DI[23:16], 1'b0, DI[15:8], 1'b0, DI[7:0]}),
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
