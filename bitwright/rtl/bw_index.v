// SPDX-License-Identifier: Apache-2.0
// Address counter: 0 .. COUNT-1 and again.
// LATENCY: 1 (a step in cycle t is seen in cycle t+1)
module bw_index #(
  // addresses, at least 1
  parameter COUNT = 16,
  // bits of the address: max(1, clog2(COUNT))
  parameter WIDTH = 4
) (
  input  wire             clk,
  input  wire             rst_n,
  input  wire             step,
  output reg  [WIDTH-1:0] index
);
  localparam integer TOP = COUNT - 1;
  localparam integer ONE = 1;

  generate
    if (COUNT == 1) begin : g_one
      always @(posedge clk) index <= {WIDTH{1'b0}};
      wire unused = &{1'b0, rst_n, step};
    end else if (COUNT == (1 << WIDTH)) begin : g_power
      always @(posedge clk)
        if (!rst_n) index <= {WIDTH{1'b0}};
        else if (step) index <= index + ONE[WIDTH-1:0];
    end else begin : g_wrap
      always @(posedge clk)
        if (!rst_n) index <= {WIDTH{1'b0}};
        else if (step) index <= (index == TOP[WIDTH-1:0]) ? {WIDTH{1'b0}} : index + ONE[WIDTH-1:0];
    end
  endgenerate
endmodule
