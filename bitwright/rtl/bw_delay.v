// SPDX-License-Identifier: Apache-2.0
// A valid bit, delayed. Reset empties it.
// LATENCY: CYCLES
module bw_delay #(
  // cycles; 0 is a wire
  parameter CYCLES = 1
) (
  input  wire clk,
  input  wire rst_n,
  input  wire in_valid,
  output wire out_valid
);
  generate
    if (CYCLES == 0) begin : g_wire
      assign out_valid = in_valid;
      wire unused = &{1'b0, clk, rst_n};
    end else begin : g_delay
      reg  [CYCLES-1:0] held;
      wire [CYCLES:0]   next = {held, in_valid};
      always @(posedge clk)
        if (!rst_n) held <= {CYCLES{1'b0}};
        else held <= next[CYCLES-1:0];
      assign out_valid = next[CYCLES];
    end
  endgenerate
endmodule
