// SPDX-License-Identifier: Apache-2.0
// How many bit pairs agree, by fours: of four pairs, three are counted and the fourth is left for a carry input, so that
// count + carry is how many agree. Pairs missing from the last four do not.
// LATENCY: 1
module bw_xnor #(
  // pairs
  parameter PAIRS = 4,
  // bits kept of a count, 1 or 2
  parameter WIDTH = 2
) (
  input  wire                         clk,
  input  wire [PAIRS-1:0]             a,
  input  wire [PAIRS-1:0]             b,
  output reg  [(PAIRS+3)/4*WIDTH-1:0] count,
  output reg  [(PAIRS+3)/4-1:0]       carry
);
  localparam FOURS = (PAIRS + 3) / 4;

  wire [4*FOURS-1:0] same;

  assign same[PAIRS-1:0] = ~(a ^ b);
  generate
    if (PAIRS < 4 * FOURS) begin : g_pad
      assign same[4*FOURS-1:PAIRS] = {(4 * FOURS - PAIRS){1'b0}};
    end
  endgenerate

  always @(posedge clk) begin
    count <= count_threes(same);
    carry <= fourths(same);
  end

  function automatic [FOURS*WIDTH-1:0] count_threes;
    input [4*FOURS-1:0] equal;
    reg   [2:0]         at;
    reg   [1:0]         total;
    integer             i;
    for (i = 0; i < FOURS; i = i + 1) begin
      at    = equal[4*i +: 3];
      total = {(at[0] & at[1]) | (at[0] & at[2]) | (at[1] & at[2]), at[0] ^ at[1] ^ at[2]};
      count_threes[i*WIDTH +: WIDTH] = total[WIDTH-1:0];
    end
  endfunction

  function automatic [FOURS-1:0] fourths;
    input [4*FOURS-1:0] equal;
    integer             i;
    for (i = 0; i < FOURS; i = i + 1) fourths[i] = equal[4*i+3];
  endfunction
endmodule
