// SPDX-License-Identifier: Apache-2.0
// A memory of 2,048 units of 9 bits with two ports, which is what a block of 18 kbit is. A word of 1, 2 or 4 bits is a
// part of the lowest 8 bits of a unit, one of 9, 18 or 36 bits is 1, 2 or 4 units. What the other port writes is read
// from the next clock on; what the port itself writes shows at its output as MODE says: 0 not at all, 1 at once, 2 as
// what was there before.
module bw_units #(
  parameter WIDTH_A = 9,
  parameter WIDTH_B = 9,
  parameter MODE_A  = 0,
  parameter MODE_B  = 0,
  parameter ASYNC   = 0,
  // contents: bits of a unit, which may be the lowest 8 of it, and of two units with what lies above them
  parameter UNIT = 9,
  parameter PAIR = 18,
  parameter [1024*PAIR-1:0] INIT = 0
) (
  input             clk_a,
  input             en_a,
  input             write_a,
  input             reset_a,
  input      [13:0] addr_a,
  input      [3:0]  lanes_a,  // of the units of a word of 18 or 36 bits
  input      [35:0] data_a,
  output reg [35:0] value_a,
  input             clk_b,
  input             en_b,
  input             write_b,
  input             reset_b,
  input      [13:0] addr_b,
  input      [3:0]  lanes_b,
  input      [35:0] data_b,
  output reg [35:0] value_b
);
  reg [8:0] mem [0:2047];
  integer i;
  initial begin
    value_a = 0;
    value_b = 0;
    for (i = 0; i < 2048; i = i + 1) mem[i] = {{(9 - UNIT){1'b0}}, INIT[i/2*PAIR + i%2*UNIT +: UNIT]};
  end

  // The four units around an address, and what of them a word of `width` bits is.
  function [35:0] word(input integer width, input [13:0] addr, input [35:0] units);
    case (width)
      1: word = {35'd0, units[addr[4:3]*9 + addr[2:0] +: 1]};
      2: word = {34'd0, units[addr[4:3]*9 + {addr[2:1], 1'b0} +: 2]};
      4: word = {32'd0, units[addr[4:3]*9 + {addr[2], 2'b00} +: 4]};
      9: word = {27'd0, units[addr[4:3]*9 +: 9]};
      18: word = {18'd0, units[addr[4]*18 +: 18]};
      default: word = units;
    endcase
  endfunction

  function [35:0] written(input integer width, input [13:0] addr, input [35:0] units, input [3:0] lanes, input [35:0] data);
    integer k;
    begin
      written = units;
      case (width)
        1: written[addr[4:3]*9 + addr[2:0] +: 1] = data[0];
        2: written[addr[4:3]*9 + {addr[2:1], 1'b0} +: 2] = data[1:0];
        4: written[addr[4:3]*9 + {addr[2], 2'b00} +: 4] = data[3:0];
        9: written[addr[4:3]*9 +: 9] = data[8:0];
        18: for (k = 0; k < 2; k = k + 1) if (lanes[k]) written[addr[4]*18 + k*9 +: 9] = data[k*9 +: 9];
        default: for (k = 0; k < 4; k = k + 1) if (lanes[k]) written[k*9 +: 9] = data[k*9 +: 9];
      endcase
    end
  endfunction

  wire [8:0]  row_a = addr_a[13:5];
  wire [8:0]  row_b = addr_b[13:5];
  wire [35:0] old_a = {mem[{row_a, 2'd3}], mem[{row_a, 2'd2}], mem[{row_a, 2'd1}], mem[{row_a, 2'd0}]};
  wire [35:0] old_b = {mem[{row_b, 2'd3}], mem[{row_b, 2'd2}], mem[{row_b, 2'd1}], mem[{row_b, 2'd0}]};
  wire [35:0] new_a = written(WIDTH_A, addr_a, old_a, lanes_a, data_a);
  wire [35:0] new_b = written(WIDTH_B, addr_b, old_b, lanes_b, data_b);

  always @(posedge clk_a) if (en_a && write_a)
    for (i = 0; i < 4; i = i + 1) if (new_a[i*9 +: 9] != old_a[i*9 +: 9]) mem[{row_a, i[1:0]}] <= new_a[i*9 +: 9];
  integer j;
  always @(posedge clk_b) if (en_b && write_b)
    for (j = 0; j < 4; j = j + 1) if (new_b[j*9 +: 9] != old_b[j*9 +: 9]) mem[{row_b, j[1:0]}] <= new_b[j*9 +: 9];

  wire take_a = en_a && !(write_a && MODE_A == 0);
  wire take_b = en_b && !(write_b && MODE_B == 0);
  wire [35:0] next_a = word(WIDTH_A, addr_a, write_a && MODE_A == 1 ? new_a : old_a);
  wire [35:0] next_b = word(WIDTH_B, addr_b, write_b && MODE_B == 1 ? new_b : old_b);
  generate
    if (ASYNC != 0) begin : g_async
      always @(posedge clk_a or posedge reset_a) if (reset_a) value_a <= 0; else if (take_a) value_a <= next_a;
      always @(posedge clk_b or posedge reset_b) if (reset_b) value_b <= 0; else if (take_b) value_b <= next_b;
    end else begin : g_sync
      always @(posedge clk_a) if (reset_a) value_a <= 0; else if (take_a) value_a <= next_a;
      always @(posedge clk_b) if (reset_b) value_b <= 0; else if (take_b) value_b <= next_b;
    end
  endgenerate
endmodule
