// SPDX-License-Identifier: Apache-2.0
// Reset for a chip that has none: low for 256 cycles after configuration, and whenever the clock is not steady.
module bw_start (
  input  wire clk,
  input  wire steady,
  output reg  rst_n
);
  reg [7:0] count;
  initial count = 8'd0;
  initial rst_n = 1'b0;
  always @(posedge clk)
    if (!steady) begin
      count <= 8'd0;
      rst_n <= 1'b0;
    end else begin
      if (count != 8'hff) count <= count + 8'd1;
      rst_n <= count == 8'hff;
    end
endmodule
