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
  parameter [255:0] INIT_RAM_00 = 0,
  parameter [255:0] INIT_RAM_01 = 0,
  parameter [255:0] INIT_RAM_02 = 0,
  parameter [255:0] INIT_RAM_03 = 0,
  parameter [255:0] INIT_RAM_04 = 0,
  parameter [255:0] INIT_RAM_05 = 0,
  parameter [255:0] INIT_RAM_06 = 0,
  parameter [255:0] INIT_RAM_07 = 0,
  parameter [255:0] INIT_RAM_08 = 0,
  parameter [255:0] INIT_RAM_09 = 0,
  parameter [255:0] INIT_RAM_0A = 0,
  parameter [255:0] INIT_RAM_0B = 0,
  parameter [255:0] INIT_RAM_0C = 0,
  parameter [255:0] INIT_RAM_0D = 0,
  parameter [255:0] INIT_RAM_0E = 0,
  parameter [255:0] INIT_RAM_0F = 0,
  parameter [255:0] INIT_RAM_10 = 0,
  parameter [255:0] INIT_RAM_11 = 0,
  parameter [255:0] INIT_RAM_12 = 0,
  parameter [255:0] INIT_RAM_13 = 0,
  parameter [255:0] INIT_RAM_14 = 0,
  parameter [255:0] INIT_RAM_15 = 0,
  parameter [255:0] INIT_RAM_16 = 0,
  parameter [255:0] INIT_RAM_17 = 0,
  parameter [255:0] INIT_RAM_18 = 0,
  parameter [255:0] INIT_RAM_19 = 0,
  parameter [255:0] INIT_RAM_1A = 0,
  parameter [255:0] INIT_RAM_1B = 0,
  parameter [255:0] INIT_RAM_1C = 0,
  parameter [255:0] INIT_RAM_1D = 0,
  parameter [255:0] INIT_RAM_1E = 0,
  parameter [255:0] INIT_RAM_1F = 0,
  parameter [255:0] INIT_RAM_20 = 0,
  parameter [255:0] INIT_RAM_21 = 0,
  parameter [255:0] INIT_RAM_22 = 0,
  parameter [255:0] INIT_RAM_23 = 0,
  parameter [255:0] INIT_RAM_24 = 0,
  parameter [255:0] INIT_RAM_25 = 0,
  parameter [255:0] INIT_RAM_26 = 0,
  parameter [255:0] INIT_RAM_27 = 0,
  parameter [255:0] INIT_RAM_28 = 0,
  parameter [255:0] INIT_RAM_29 = 0,
  parameter [255:0] INIT_RAM_2A = 0,
  parameter [255:0] INIT_RAM_2B = 0,
  parameter [255:0] INIT_RAM_2C = 0,
  parameter [255:0] INIT_RAM_2D = 0,
  parameter [255:0] INIT_RAM_2E = 0,
  parameter [255:0] INIT_RAM_2F = 0,
  parameter [255:0] INIT_RAM_30 = 0,
  parameter [255:0] INIT_RAM_31 = 0,
  parameter [255:0] INIT_RAM_32 = 0,
  parameter [255:0] INIT_RAM_33 = 0,
  parameter [255:0] INIT_RAM_34 = 0,
  parameter [255:0] INIT_RAM_35 = 0,
  parameter [255:0] INIT_RAM_36 = 0,
  parameter [255:0] INIT_RAM_37 = 0,
  parameter [255:0] INIT_RAM_38 = 0,
  parameter [255:0] INIT_RAM_39 = 0,
  parameter [255:0] INIT_RAM_3A = 0,
  parameter [255:0] INIT_RAM_3B = 0,
  parameter [255:0] INIT_RAM_3C = 0,
  parameter [255:0] INIT_RAM_3D = 0,
  parameter [255:0] INIT_RAM_3E = 0,
  parameter [255:0] INIT_RAM_3F = 0
) (
  input  CLKA, CEA, CLKB, CEB, OCE, RESETA, RESETB,
  input  [13:0] ADA, ADB,
  input  [31:0] DI,
  input  [2:0] BLKSELA, BLKSELB,
  output [31:0] DO
);
  function [287:0] units(input [255:0] slots);
    integer k;
    for (k = 0; k < 32; k = k + 1) units[k*9 +: 9] = {1'b0, slots[k*8 +: 8]};
  endfunction

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
    .INIT   ({
      units(INIT_RAM_3F), units(INIT_RAM_3E), units(INIT_RAM_3D), units(INIT_RAM_3C),
      units(INIT_RAM_3B), units(INIT_RAM_3A), units(INIT_RAM_39), units(INIT_RAM_38),
      units(INIT_RAM_37), units(INIT_RAM_36), units(INIT_RAM_35), units(INIT_RAM_34),
      units(INIT_RAM_33), units(INIT_RAM_32), units(INIT_RAM_31), units(INIT_RAM_30),
      units(INIT_RAM_2F), units(INIT_RAM_2E), units(INIT_RAM_2D), units(INIT_RAM_2C),
      units(INIT_RAM_2B), units(INIT_RAM_2A), units(INIT_RAM_29), units(INIT_RAM_28),
      units(INIT_RAM_27), units(INIT_RAM_26), units(INIT_RAM_25), units(INIT_RAM_24),
      units(INIT_RAM_23), units(INIT_RAM_22), units(INIT_RAM_21), units(INIT_RAM_20),
      units(INIT_RAM_1F), units(INIT_RAM_1E), units(INIT_RAM_1D), units(INIT_RAM_1C),
      units(INIT_RAM_1B), units(INIT_RAM_1A), units(INIT_RAM_19), units(INIT_RAM_18),
      units(INIT_RAM_17), units(INIT_RAM_16), units(INIT_RAM_15), units(INIT_RAM_14),
      units(INIT_RAM_13), units(INIT_RAM_12), units(INIT_RAM_11), units(INIT_RAM_10),
      units(INIT_RAM_0F), units(INIT_RAM_0E), units(INIT_RAM_0D), units(INIT_RAM_0C),
      units(INIT_RAM_0B), units(INIT_RAM_0A), units(INIT_RAM_09), units(INIT_RAM_08),
      units(INIT_RAM_07), units(INIT_RAM_06), units(INIT_RAM_05), units(INIT_RAM_04),
      units(INIT_RAM_03), units(INIT_RAM_02), units(INIT_RAM_01), units(INIT_RAM_00)
    })
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
