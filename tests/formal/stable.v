// SPDX-License-Identifier: Apache-2.0
// A stream's promises to its reader: no beat in the cycle after reset, and one that is offered stays, unchanged, until taken.
module stable #(
  // bits of the payload
  parameter WIDTH = 2
) (
  input wire             clk,
  input wire             rst_n,
  input wire             valid,
  input wire             ready,
  input wire [WIDTH-1:0] data
);
  reg             was_reset = 1'b0;
  reg             stalled   = 1'b0;
  reg [WIDTH-1:0] before;

  always @(posedge clk) begin
    was_reset <= ~rst_n;
    stalled   <= rst_n & valid & ~ready;
    before    <= data;
  end

  always @* begin
    silent: assert (~was_reset | ~valid);
    stays:  assert (~stalled | valid);
    same:   assert (~stalled | data == before);
  end
endmodule
