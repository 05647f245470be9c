// SPDX-License-Identifier: Apache-2.0
// Of words that are read side by side the one that is wanted. Block RAMs are slow and may be far from one another: it is
// chosen from registers behind them.
// LATENCY: 2 (read and way in cycle t, word in cycle t+2)
module bw_ways #(
  // bits a word
  parameter WIDTH = 8,
  // words, at least 2
  parameter WAYS  = 2
) (
  input  wire                    clk,
  input  wire [WAYS*WIDTH-1:0]   read,
  input  wire [$clog2(WAYS)-1:0] way,
  output reg  [WIDTH-1:0]        word
);
  reg  [WAYS*WIDTH-1:0]   ways;
  reg  [$clog2(WAYS)-1:0] wanted;
  wire [WIDTH-1:0]        found;

  genvar b, s;
  generate
    for (b = 0; b < WIDTH; b = b + 1) begin : g_bit
      wire [WAYS-1:0] column;
      for (s = 0; s < WAYS; s = s + 1) begin : g_way
        assign column[s] = ways[s*WIDTH+b];
      end
      assign found[b] = column[wanted];
    end
  endgenerate

  always @(posedge clk) begin
    ways   <= read;
    wanted <= way;
    word   <= found;
  end
endmodule
