// SPDX-License-Identifier: Apache-2.0
// A block RAM of Gowin's chips with two ports, in words of 8 bits, parts or multiples of them, without registers at its
// outputs.
module DPB #(
  parameter READ_MODE0 = 1'b0,
  parameter READ_MODE1 = 1'b0,
  parameter WRITE_MODE0 = 2'b00,
  parameter WRITE_MODE1 = 2'b00,
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
  input  CLKA, CEA, OCEA, RESETA, WREA, CLKB, CEB, OCEB, RESETB, WREB,
  input  [13:0] ADA, ADB,
  input  [15:0] DIA, DIB,
  input  [2:0] BLKSELA, BLKSELB,
  output [15:0] DOA, DOB
);
  function [287:0] units(input [255:0] slots);
    integer k;
    for (k = 0; k < 32; k = k + 1) units[k*9 +: 9] = {1'b0, slots[k*8 +: 8]};
  endfunction

  function integer width(input integer given);
    width = given < 8 ? given : given / 8 * 9;
  endfunction

  wire [35:0] value_a;
  assign DOA = {value_a[16:9], value_a[7:0]};
  wire [35:0] value_b;
  assign DOB = {value_b[16:9], value_b[7:0]};
  bw_units #(
    .WIDTH_A(width(BIT_WIDTH_0)),
    .WIDTH_B(width(BIT_WIDTH_1)),
    .MODE_A (WRITE_MODE0),
    .MODE_B (WRITE_MODE1),
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
    .write_a(WREA),
    .reset_a(RESETA),
    .addr_a (ADA),
    .lanes_a(ADA[3:0]),
    .data_a ({18'd0, 1'b0, DIA[15:8], 1'b0, DIA[7:0]}),
    .value_a(value_a),
    .clk_b  (CLKB),
    .en_b   (CEB),
    .write_b(WREB),
    .reset_b(RESETB),
    .addr_b (ADB),
    .lanes_b(ADB[3:0]),
    .data_b ({18'd0, 1'b0, DIB[15:8], 1'b0, DIB[7:0]}),
    .value_b(value_b)
  );
endmodule
