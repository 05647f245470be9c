// SPDX-License-Identifier: Apache-2.0
// Balanced adder trees, a register a level. Of each row: sum of all terms and carries = sum + carry (modulo 2**OUT_WIDTH).
// Each adder takes the carry of its first operand in its carry input and hands on that of its second.
// LATENCY: clog2(TERMS)
module bw_tree #(
  // trees
  parameter ROWS      = 1,
  // terms of a tree, at least 1
  parameter TERMS     = 8,
  // bits a term
  parameter WIDTH     = 8,
  // terms are two's complement
  parameter SIGNED    = 1,
  // bits of the sum, at least WIDTH; WIDTH + clog2(TERMS) is always enough
  parameter OUT_WIDTH = 11
) (
  input  wire                        clk,
  input  wire [ROWS*TERMS*WIDTH-1:0] terms,
  input  wire [ROWS*TERMS-1:0]       carries,
  output wire [ROWS*OUT_WIDTH-1:0]   sum,
  output wire [ROWS-1:0]             carry
);
  localparam LEVELS = $clog2(TERMS);

  // Rows and terms are loops in functions, not instances: simulators of wide units are then quick to build.
  generate
    genvar l;
    for (l = 0; l <= LEVELS; l = l + 1) begin : g_level
      localparam NODES = (TERMS + (1 << l) - 1) >> l;
      localparam W     = (WIDTH + l < OUT_WIDTH) ? WIDTH + l : OUT_WIDTH;
      wire [ROWS*NODES*W-1:0] value;
      wire [ROWS*NODES-1:0]   left;

      if (l == 0) begin : g_leaves
        assign value = terms;
        assign left  = carries;
      end else begin : g_nodes
        localparam BELOW = (TERMS + (1 << (l - 1)) - 1) >> (l - 1);
        localparam B     = (WIDTH + l - 1 < OUT_WIDTH) ? WIDTH + l - 1 : OUT_WIDTH;
        localparam PAIRS = BELOW / 2;
        reg [ROWS*NODES*W-1:0] total;
        reg [ROWS*NODES-1:0]   rest;
        always @(posedge clk) begin
          total <= add(g_level[l-1].value, g_level[l-1].left);
          rest  <= hand_on(g_level[l-1].left);
        end
        assign value = total;
        assign left  = rest;

        function automatic [ROWS*NODES*W-1:0] add;
          input [ROWS*BELOW*B-1:0] terms_in;
          input [ROWS*BELOW-1:0]   carries_in;
          // Two operands, a bit longer.
          reg   [B:0]              a, b;
          integer                  r, n, at;
          for (r = 0; r < ROWS; r = r + 1) begin
            for (n = 0; n < PAIRS; n = n + 1) begin
              at = r * BELOW + 2 * n;
              a  = {(SIGNED != 0) & terms_in[at*B+B-1], terms_in[at*B +: B]};
              b  = {(SIGNED != 0) & terms_in[at*B+2*B-1], terms_in[at*B+B +: B]};
              add[(r*NODES+n)*W +: W] = a[W-1:0] + b[W-1:0] + {{(W - 1){1'b0}}, carries_in[at]};
            end
            if (NODES > PAIRS) begin
              // One without a partner.
              at = (r + 1) * BELOW * B - 1;
              a  = {(SIGNED != 0) & terms_in[at], terms_in[at -: B]};
              add[(r+1)*NODES*W-1 -: W] = a[W-1:0];
            end
          end
        endfunction

        function automatic [ROWS*NODES-1:0] hand_on;
          input [ROWS*BELOW-1:0] carries_in;
          integer                r, n;
          for (r = 0; r < ROWS; r = r + 1) begin
            for (n = 0; n < PAIRS; n = n + 1) hand_on[r*NODES+n] = carries_in[r*BELOW+2*n+1];
            if (NODES > PAIRS) hand_on[(r+1)*NODES-1] = carries_in[(r+1)*BELOW-1];
          end
        endfunction
      end
    end

    if (WIDTH + LEVELS < OUT_WIDTH) begin : g_wide
      localparam W = WIDTH + LEVELS;
      genvar r;
      for (r = 0; r < ROWS; r = r + 1) begin : g_row
        assign sum[r*OUT_WIDTH +: OUT_WIDTH] = {{(OUT_WIDTH - W){(SIGNED != 0) & g_level[LEVELS].value[r*W+W-1]}},
                                                g_level[LEVELS].value[r*W +: W]};
      end
    end else begin : g_exact
      assign sum = g_level[LEVELS].value;
    end
  endgenerate

  assign carry = g_level[LEVELS].left;

  // A tree of one term has no register.
  wire unused = &{1'b0, clk};
endmodule
