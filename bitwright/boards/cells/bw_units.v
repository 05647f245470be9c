// A memory of 2,048 units of 9 bits, which is what a block of 18 kbit is. A word of 1, 2 or 4 bits is a part of the
// lowest 8 bits of a unit, one of 9, 18 or 36 bits is 1, 2 or 4 units. What is read is what was there before.
module bw_units #(
  parameter WRITE = 9,
  parameter READ  = 9,
  parameter [18431:0] INIT = 0
) (
  input             wclk,
  input             write,
  input      [13:0] waddr,
  input      [3:0]  lanes,  // of the units of a word of 18 or 36 bits
  input      [35:0] data,
  input             rclk,
  input             read,
  input             reset,
  input      [13:0] raddr,
  output reg [35:0] value
);
  reg [8:0] mem [0:2047];
  integer i;
  initial begin
    value = 0;
    for (i = 0; i < 2048; i = i + 1) mem[i] = INIT[i*9 +: 9];
  end

  wire [10:0] wunit = waddr[13:3];
  wire [10:0] runit = raddr[13:3];
  wire [8:0]  one = mem[runit];

  always @(posedge wclk) if (write) case (WRITE)
    1: mem[wunit][waddr[2:0]] <= data[0];
    2: mem[wunit][{waddr[2:1], 1'b0} +: 2] <= data[1:0];
    4: mem[wunit][{waddr[2], 2'b00} +: 4] <= data[3:0];
    9: mem[wunit] <= data[8:0];
    18: for (i = 0; i < 2; i = i + 1) if (lanes[i]) mem[{wunit[10:1], 1'b0} + i] <= data[i*9 +: 9];
    36: for (i = 0; i < 4; i = i + 1) if (lanes[i]) mem[{wunit[10:2], 2'b00} + i] <= data[i*9 +: 9];
  endcase

  always @(posedge rclk) if (reset) value <= 0; else if (read) case (READ)
    1: value <= {35'd0, one[raddr[2:0]]};
    2: value <= {34'd0, one[{raddr[2:1], 1'b0} +: 2]};
    4: value <= {32'd0, one[{raddr[2], 2'b00} +: 4]};
    9: value <= {27'd0, one};
    18: value <= {18'd0, mem[{runit[10:1], 1'b1}], mem[{runit[10:1], 1'b0}]};
    36: value <= {mem[{runit[10:2], 2'd3}], mem[{runit[10:2], 2'd2}], mem[{runit[10:2], 2'd1}], mem[{runit[10:2], 2'd0}]};
  endcase
endmodule
