// SPDX-License-Identifier: Apache-2.0
// A block RAM of Gowin's chips with one port, in words of 8 bits, parts or multiples of them, without registers at its
// outputs.
module SP #(
  parameter READ_MODE = 1'b0,
  parameter WRITE_MODE = 2'b00,
  parameter BIT_WIDTH = 9,
  parameter BLK_SEL = 3'b000,
  parameter RESET_MODE = "SYNC",
  `BW_INIT_64(INIT_RAM_, 256)
) (
  input  CLK, OCE, CE, RESET, WRE,
  input  [13:0] AD,
  input  [31:0] DI,
  input  [2:0] BLKSEL,
  output [31:0] DO
);
  function integer width(input integer given);
    width = given < 8 ? given : given / 8 * 9;
  endfunction

  wire [35:0] value_a;
  assign DO = {value_a[34:27], value_a[25:18], value_a[16:9], value_a[7:0]};
  bw_units #(
    .WIDTH_A(width(BIT_WIDTH)),
    .WIDTH_B(width(BIT_WIDTH)),
    .MODE_A (WRITE_MODE),
    .MODE_B (0),
    .ASYNC  (RESET_MODE == "ASYNC"),
    .UNIT   (8),
    .PAIR   (16),
    .INIT   ({`BW_VALUES_64(INIT_RAM_)})
  ) ram (
    .clk_a  (CLK),
    .en_a   (CE),
    .write_a(WRE),
    .reset_a(RESET),
    .addr_a (AD),
    .lanes_a(AD[3:0]),
    .data_a ({1'b0, DI[31:24], 1'b0, DI[23:16], 1'b0, DI[15:8], 1'b0, DI[7:0]}),
    .value_a(value_a),
    .clk_b  (1'b0),
    .en_b   (1'b0),
    .write_b(1'b0),
    .reset_b(1'b0),
    .addr_b (14'd0),
    .lanes_b(4'd0),
    .data_b (36'd0),
    .value_b()
  );
endmodule
