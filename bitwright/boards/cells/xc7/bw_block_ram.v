// SPDX-License-Identifier: Apache-2.0
// What the block RAMs of the 7 series and UltraScale+ have in common: bytes with a parity bit each, behind two ports of
// one clock. A width of more than a port's pins takes both ports' pins, and is read through A and written through B.
// What the chip leaves undefined (a byte read while the other port writes it, unless that port reads first) comes out
// inverted, so that a design which uses it is found.
module bw_block_ram #(
  // data pins of a port: 16 of 2,048 bytes, 32 of 4,096
  parameter PINS = 16,
  // widths with parity, 0 for none: 1, 2, 4, 9, 18, 36, 72
  parameter READ_A  = 0,
  parameter READ_B  = 0,
  parameter WRITE_A = 0,
  parameter WRITE_B = 0,
  // WRITE_FIRST, READ_FIRST, NO_CHANGE
  parameter MODE_A = "WRITE_FIRST",
  parameter MODE_B = "WRITE_FIRST",
  // what the outputs hold at the start, and after a reset: parity above data
  parameter [PINS/8*9-1:0] START_A = 0,
  parameter [PINS/8*9-1:0] START_B = 0,
  parameter [PINS/8*9-1:0] RESET_A = 0,
  parameter [PINS/8*9-1:0] RESET_B = 0,
  // contents
  parameter [1024*PINS-1:0] INIT  = 0,
  parameter [128*PINS-1:0]  INITP = 0
) (
  input  wire              clk_a,
  input  wire              en_a,
  input  wire              rst_a,
  input  wire [$clog2(PINS)+9:0] addr_a,  // of a bit
  input  wire [PINS-1:0]   di_a,
  input  wire [PINS/8-1:0] dip_a,
  input  wire [PINS/8-1:0] we_a,
  output wire [PINS-1:0]   do_a,
  output wire [PINS/8-1:0] dop_a,
  input  wire              clk_b,
  input  wire              en_b,
  input  wire              rst_b,
  input  wire [$clog2(PINS)+9:0] addr_b,
  input  wire [PINS-1:0]   di_b,
  input  wire [PINS/8-1:0] dip_b,
  input  wire [PINS/4-1:0] we_b,
  output wire [PINS-1:0]   do_b,
  output wire [PINS/8-1:0] dop_b
);
  localparam integer BYTES = 128 * PINS;
  localparam integer P = PINS / 8;  // parity pins of a port
  localparam WIDE_READ  = READ_A > 9 * P;
  localparam WIDE_WRITE = WRITE_B > 9 * P;

  // Data bits of a width with parity, and the bytes that they touch.
  localparam integer RA = READ_A - READ_A / 9;
  localparam integer RB = READ_B - READ_B / 9;
  localparam integer WA = WRITE_A - WRITE_A / 9;
  localparam integer WB = WRITE_B - WRITE_B / 9;
  localparam integer RA_BYTES = (RA + 7) / 8;
  localparam integer RB_BYTES = (RB + 7) / 8;
  localparam integer WA_BYTES = (WA + 7) / 8;
  localparam integer WB_BYTES = (WB + 7) / 8;
  localparam integer LOG = $clog2(BYTES);

  reg [8:0] mem [0:BYTES-1];
  integer i;
  initial for (i = 0; i < BYTES; i = i + 1) mem[i] = {INITP[i], INIT[8*i+:8]};

  // The pins as the widest word has them.
  wire [63:0] data_a   = {{(64 - PINS) {1'b0}}, di_a};
  wire [7:0]  parity_a = {{(8 - P) {1'b0}}, dip_a};
  wire [7:0]  lanes_a  = {{(8 - P) {1'b0}}, we_a};
  wire [63:0] data_b   = WIDE_WRITE ? {{(64 - PINS) {1'b0}}, di_b} << PINS | data_a : {{(64 - PINS) {1'b0}}, di_b};
  wire [7:0]  parity_b = WIDE_WRITE ? {{(8 - P) {1'b0}}, dip_b} << P | parity_a : {{(8 - P) {1'b0}}, dip_b};
  wire [7:0]  lanes_b  = {{(8 - 2 * P) {1'b0}}, we_b};
  reg  [63:0] value_a, value_b;
  reg  [7:0]  check_a, check_b;
  assign do_a  = value_a[PINS-1:0];
  assign dop_a = check_a[P-1:0];
  assign do_b  = WIDE_READ ? value_a[PINS+:PINS] : value_b[PINS-1:0];
  assign dop_b = WIDE_READ ? check_a[P+:P] : check_b[P-1:0];

  // What the two ports show as one word, parity above data.
  function [71:0] pair(input [9*P-1:0] high, input [9*P-1:0] low, input wide);
    begin
      pair = 72'd0;
      pair[PINS-1:0] = low[PINS-1:0];
      pair[64+:P] = low[PINS+:P];
      if (wide) pair[PINS+:PINS] = high[PINS-1:0];
      if (wide) pair[64+P+:P] = high[PINS+:P];
    end
  endfunction

  // The first byte and, inside of it, the first bit of an access.
  wire [LOG-1:0] at_ra = addr_a[LOG+2:3] & ~(RA_BYTES > 1 ? RA_BYTES[LOG-1:0] - 1'b1 : {LOG{1'b0}});
  wire [LOG-1:0] at_rb = addr_b[LOG+2:3] & ~(RB_BYTES > 1 ? RB_BYTES[LOG-1:0] - 1'b1 : {LOG{1'b0}});
  wire [LOG-1:0] at_wa = addr_a[LOG+2:3] & ~(WA_BYTES > 1 ? WA_BYTES[LOG-1:0] - 1'b1 : {LOG{1'b0}});
  wire [LOG-1:0] at_wb = addr_b[LOG+2:3] & ~(WB_BYTES > 1 ? WB_BYTES[LOG-1:0] - 1'b1 : {LOG{1'b0}});
  wire [2:0] bit_wa = WA < 8 ? addr_a[2:0] & ~(WA[2:0] - 3'd1) : 3'd0;
  wire [2:0] bit_wb = WB < 8 ? addr_b[2:0] & ~(WB[2:0] - 3'd1) : 3'd0;
  wire [2:0] bit_ra = RA < 8 ? addr_a[2:0] & ~(RA[2:0] - 3'd1) : 3'd0;
  wire [2:0] bit_rb = RB < 8 ? addr_b[2:0] & ~(RB[2:0] - 3'd1) : 3'd0;
  wire [8:0] mask_a = WA < 8 ? ((9'd1 << WA) - 9'd1) << bit_wa : 9'h1FF;
  wire [8:0] mask_b = WB < 8 ? ((9'd1 << WB) - 9'd1) << bit_wb : 9'h1FF;
  wire writes_a = en_a && WRITE_A != 0 && lanes_a != 8'd0;
  wire writes_b = en_b && WRITE_B != 0 && lanes_b != 8'd0;

  // Byte `lane` of what a port writes.
  function [8:0] given(input integer lane, input narrow, input [2:0] first, input [63:0] data, input [7:0] parity);
    given = narrow ? {1'b0, data[7:0]} << first : {parity[lane], data[8*lane+:8]};
  endfunction

  // The byte `at` after a write of `bytes` from `start`.
  function [8:0] written(input [LOG-1:0] at, input [8:0] old, input [LOG-1:0] start, input integer bytes,
                         input [7:0] we, input [8:0] mask, input [2:0] first, input [63:0] data, input [7:0] parity,
                         input narrow);
    integer lane;
    begin
      lane = at - start;
      written = old;
      if (at >= start && lane < bytes && we[lane[2:0]])
        written = (old & ~mask) | (given(lane, narrow, first, data, parity) & mask);
    end
  endfunction

  integer lane_a, lane_b, at_a, at_b;
  reg [8:0] byte_a, byte_b, mine_a, mine_b;
  initial begin
    {check_a, value_a} = pair(START_B, START_A, WIDE_READ);
    {check_b, value_b} = pair(0, START_B, 0);
  end

  generate
    if (READ_A != 0) begin : g_read_a
      always @(posedge clk_a)
        if (en_a && rst_a) {check_a, value_a} <= pair(RESET_B, RESET_A, WIDE_READ);
        else if (en_a && !(MODE_A == "NO_CHANGE" && writes_a))
          for (lane_a = 0; lane_a < RA_BYTES; lane_a = lane_a + 1) begin
            at_a   = {{(32 - LOG) {1'b0}}, at_ra} + lane_a;
            byte_a = mem[at_a[LOG-1:0]];
            mine_a = byte_a;
            if (MODE_A == "WRITE_FIRST" && writes_a)
              mine_a = written(at_a[LOG-1:0], byte_a, at_wa, WA_BYTES, lanes_a, mask_a, bit_wa, data_a, parity_a, WA < 8);
            if (MODE_B != "READ_FIRST" && writes_b && at_a[LOG-1:0] >= at_wb && at_a[LOG-1:0] - at_wb < WB_BYTES)
              mine_a = ~byte_a;
            if (RA < 8) mine_a = (mine_a >> bit_ra) & ((9'd1 << RA) - 9'd1);
            value_a[8*lane_a+:8] <= mine_a[7:0];
            check_a[lane_a]     <= mine_a[8];
          end
    end
    if (READ_B != 0) begin : g_read_b
      always @(posedge clk_b)
        if (en_b && rst_b) {check_b, value_b} <= pair(0, RESET_B, 0);
        else if (en_b && !(MODE_B == "NO_CHANGE" && writes_b))
          for (lane_b = 0; lane_b < RB_BYTES; lane_b = lane_b + 1) begin
            at_b   = {{(32 - LOG) {1'b0}}, at_rb} + lane_b;
            byte_b = mem[at_b[LOG-1:0]];
            mine_b = byte_b;
            if (MODE_B == "WRITE_FIRST" && writes_b)
              mine_b = written(at_b[LOG-1:0], byte_b, at_wb, WB_BYTES, lanes_b, mask_b, bit_wb, data_b, parity_b, WB < 8);
            if (MODE_A != "READ_FIRST" && writes_a && at_b[LOG-1:0] >= at_wa && at_b[LOG-1:0] - at_wa < WA_BYTES)
              mine_b = ~byte_b;
            if (RB < 8) mine_b = (mine_b >> bit_rb) & ((9'd1 << RB) - 9'd1);
            value_b[8*lane_b+:8] <= mine_b[7:0];
            check_b[lane_b]     <= mine_b[8];
          end
    end
  endgenerate

  genvar k;
  generate
    for (k = 0; k < WA_BYTES; k = k + 1) begin : g_write_a
      wire [LOG-1:0] at = at_wa + k[LOG-1:0];
      always @(posedge clk_a)
        if (en_a && lanes_a[k])
          mem[at] <= (mem[at] & ~mask_a) | (given(k, WA < 8, bit_wa, data_a, parity_a) & mask_a);
    end
    for (k = 0; k < WB_BYTES; k = k + 1) begin : g_write_b
      wire [LOG-1:0] at = at_wb + k[LOG-1:0];
      always @(posedge clk_b)
        if (en_b && lanes_b[k])
          mem[at] <= (mem[at] & ~mask_b) | (given(k, WB < 8, bit_wb, data_b, parity_b) & mask_b);
    end
  endgenerate
endmodule
