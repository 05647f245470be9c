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
  `BW_INIT_64(INIT_RAM_, 256)
) (
  input  CLKA, CEA, OCEA, RESETA, WREA, CLKB, CEB, OCEB, RESETB, WREB,
  input  [13:0] ADA, ADB,
  input  [15:0] DIA, DIB,
  input  [2:0] BLKSELA, BLKSELB,
  output [15:0] DOA, DOB
);
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
    .UNIT   (8),
    .PAIR   (16),
    .INIT   ({`BW_VALUES_64(INIT_RAM_)})
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
