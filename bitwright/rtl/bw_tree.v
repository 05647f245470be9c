// SPDX-License-Identifier: Apache-2.0
// Balanced adder tree, a register a level: sum of all terms and carries = sum + carry (modulo 2**OUT_WIDTH).
// Each adder takes the carry of its first operand in its carry input and hands on that of its second.
// LATENCY: clog2(TERMS)
module bw_tree #(
  // terms, at least 1
  parameter TERMS     = 8,
  // bits a term
  parameter WIDTH     = 8,
  // terms are two's complement
  parameter SIGNED    = 1,
  // bits of the sum, at least WIDTH; WIDTH + clog2(TERMS) is always enough
  parameter OUT_WIDTH = 11
) (
  input  wire                   clk,
  input  wire [TERMS*WIDTH-1:0] terms,
  input  wire [TERMS-1:0]       carries,
  output wire [OUT_WIDTH-1:0]   sum,
  output wire                   carry
);
  localparam LEVELS = $clog2(TERMS);

  generate
    genvar l;
    for (l = 0; l <= LEVELS; l = l + 1) begin : g_level
      localparam NODES = (TERMS + (1 << l) - 1) >> l;
      localparam W     = (WIDTH + l < OUT_WIDTH) ? WIDTH + l : OUT_WIDTH;
      wire [NODES*W-1:0] value;
      wire [NODES-1:0]   left;

      if (l == 0) begin : g_leaves
        assign value = terms;
        assign left  = carries;
      end else begin : g_nodes
        localparam BELOW = (TERMS + (1 << (l - 1)) - 1) >> (l - 1);
        localparam B     = (WIDTH + l - 1 < OUT_WIDTH) ? WIDTH + l - 1 : OUT_WIDTH;
        localparam PAIRS = BELOW / 2;
        reg [NODES*W-1:0] total;
        reg [NODES-1:0]   rest;
        always @(posedge clk) begin
          total <= add(g_level[l-1].value, g_level[l-1].left);
          rest  <= hand_on(g_level[l-1].left);
        end
        assign value = total;
        assign left  = rest;

        function [NODES*W-1:0] add;
          input [BELOW*B-1:0] terms_in;
          input [BELOW-1:0]   carries_in;
          // Two operands, a bit longer.
          reg   [B:0]         a, b;
          integer             n;
          begin
            for (n = 0; n < PAIRS; n = n + 1) begin
              a = {(SIGNED != 0) & terms_in[2*n*B+B-1], terms_in[2*n*B +: B]};
              b = {(SIGNED != 0) & terms_in[2*n*B+2*B-1], terms_in[(2*n+1)*B +: B]};
              add[n*W +: W] = a[W-1:0] + b[W-1:0] + {{(W - 1){1'b0}}, carries_in[2*n]};
            end
            if (NODES > PAIRS) begin
              // One without a partner.
              a = {(SIGNED != 0) & terms_in[BELOW*B-1], terms_in[BELOW*B-1 -: B]};
              add[NODES*W-1 -: W] = a[W-1:0];
            end
          end
        endfunction

        function [NODES-1:0] hand_on;
          input [BELOW-1:0] carries_in;
          integer           n;
          begin
            for (n = 0; n < PAIRS; n = n + 1) hand_on[n] = carries_in[2*n+1];
            if (NODES > PAIRS) hand_on[NODES-1] = carries_in[BELOW-1];
          end
        endfunction
      end
    end

    if (WIDTH + LEVELS < OUT_WIDTH) begin : g_wide
      localparam W = WIDTH + LEVELS;
      assign sum = {{(OUT_WIDTH - W){(SIGNED != 0) & g_level[LEVELS].value[W-1]}}, g_level[LEVELS].value};
    end else begin : g_exact
      assign sum = g_level[LEVELS].value;
    end
  endgenerate

  assign carry = g_level[LEVELS].left[0];

  // A tree of one term has no register.
  wire unused = &{1'b0, clk};
endmodule
