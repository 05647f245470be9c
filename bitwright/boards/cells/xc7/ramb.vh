// SPDX-License-Identifier: Apache-2.0
// What is alike in RAMB18 and RAMB36 of the 7 series and of UltraScale+: settings and pins, and how bw_block_ram is behind them.
// PINS are the data pins of a port, 16 or 32; the names of those begin with DI and DO, whatever that is.
`define BW_RAMB_PARAMETERS(PINS, MODE, REGISTER) \
  parameter READ_WIDTH_A = 0, READ_WIDTH_B = 0, WRITE_WIDTH_A = 0, WRITE_WIDTH_B = 0, \
  parameter WRITE_MODE_A = MODE, WRITE_MODE_B = MODE, \
  parameter [PINS/8*9-1:0] INIT_A = 0, INIT_B = 0, SRVAL_A = 0, SRVAL_B = 0, \
  parameter DOA_REG = REGISTER, DOB_REG = REGISTER
`define BW_RAMB_PORTS(PINS, ADDR, DI, DO) \
  input  wire              CLKARDCLK, CLKBWRCLK, ENARDEN, ENBWREN, REGCEAREGCE, REGCEB, \
  input  wire              RSTRAMARSTRAM, RSTRAMB, RSTREGARSTREG, RSTREGB, \
  input  wire [ADDR-1:0]   ADDRARDADDR, ADDRBWRADDR, \
  input  wire [PINS-1:0]   DI``A``DI, DI``B``DI, \
  input  wire [PINS/8-1:0] DI``PA``DI``P, DI``PB``DI``P, \
  input  wire [PINS/8-1:0] WEA, \
  input  wire [PINS/4-1:0] WEBWE, \
  output wire [PINS-1:0]   DO``A``DO, DO``B``DO, \
  output wire [PINS/8-1:0] DO``PA``DO``P, DO``PB``DO``P
`define BW_RAMB_SETTINGS(PINS_) \
  .PINS(PINS_), .READ_A(READ_WIDTH_A), .READ_B(READ_WIDTH_B), .WRITE_A(WRITE_WIDTH_A), .WRITE_B(WRITE_WIDTH_B), \
  .MODE_A(WRITE_MODE_A), .MODE_B(WRITE_MODE_B), .START_A(INIT_A), .START_B(INIT_B), .RESET_A(SRVAL_A), .RESET_B(SRVAL_B)
`define BW_RAMB_PINS(PINS, DI, DO) \
  .clk_a(CLKARDCLK), .en_a(ENARDEN), .rst_a(RSTRAMARSTRAM), .addr_a(ADDRARDADDR[$clog2(PINS)+9:0]), \
  .di_a(DI``A``DI), .dip_a(DI``PA``DI``P), .we_a(WEA), .do_a(DO``A``DO), .dop_a(DO``PA``DO``P), \
  .clk_b(CLKBWRCLK), .en_b(ENBWREN), .rst_b(RSTRAMB), .addr_b(ADDRBWRADDR[$clog2(PINS)+9:0]), \
  .di_b(DI``B``DI), .dip_b(DI``PB``DI``P), .we_b(WEBWE), .do_b(DO``B``DO), .dop_b(DO``PB``DO``P)
