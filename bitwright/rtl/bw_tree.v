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
    genvar l, n;
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
        for (n = 0; n < NODES; n = n + 1) begin : g_node
          reg  [W-1:0] total;
          reg          rest;
          wire [W-1:0] a;

          if (W > B) begin : g_extend_a
            assign a = {(SIGNED != 0) & g_level[l-1].value[2*n*B+B-1], g_level[l-1].value[2*n*B +: B]};
          end else begin : g_keep_a
            assign a = g_level[l-1].value[2*n*B +: B];
          end
          if (2 * n + 1 < BELOW) begin : g_add
            wire [W-1:0] b;
            if (W > B) begin : g_extend_b
              assign b = {(SIGNED != 0) & g_level[l-1].value[(2*n+1)*B+B-1], g_level[l-1].value[(2*n+1)*B +: B]};
            end else begin : g_keep_b
              assign b = g_level[l-1].value[(2*n+1)*B +: B];
            end
            always @(posedge clk) begin
              total <= a + b + {{(W - 1){1'b0}}, g_level[l-1].left[2*n]};
              rest  <= g_level[l-1].left[2*n+1];
            end
          end else begin : g_pass
            always @(posedge clk) begin
              total <= a;
              rest  <= g_level[l-1].left[2*n];
            end
          end
          assign value[n*W +: W] = total;
          assign left[n]         = rest;
        end
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
