// SPDX-License-Identifier: Apache-2.0
// The largest of the TERMS elements of every lane: a balanced tree, a register a level.
// LATENCY: clog2(TERMS)
module bw_most #(
  // lanes, and elements of each
  parameter LANES  = 2,
  parameter TERMS  = 4,
  // bits of an element, and whether it is two's complement
  parameter WIDTH  = 8,
  parameter SIGNED = 0
) (
  input  wire                         clk,
  // those of lane l at l * TERMS
  input  wire [LANES*TERMS*WIDTH-1:0] terms,
  output wire [LANES*WIDTH-1:0]       most
);
  localparam LEVELS = $clog2(TERMS);

  genvar i, k, n;
  generate
    for (k = 0; k <= LEVELS; k = k + 1) begin : g_level
      localparam NODES = (TERMS + (1 << k) - 1) >> k;
      wire [LANES*NODES*WIDTH-1:0] value;
      if (k == 0) begin : g_leaves
        assign value = terms;
      end else begin : g_nodes
        localparam BELOW = (TERMS + (1 << (k - 1)) - 1) >> (k - 1);
        for (i = 0; i < LANES; i = i + 1) begin : g_lane
          for (n = 0; n < NODES; n = n + 1) begin : g_node
            localparam AT = i * BELOW + 2 * n;
            reg  [WIDTH-1:0] held;
            wire [WIDTH-1:0] larger;
            bw_fuse #(
              .WIDTH    (WIDTH),
              .SIGNED   (SIGNED),
              .KIND     (0),
              .OUT_WIDTH(WIDTH)
            ) fuse (
              .first (2 * n + 1 == BELOW),  // one without a partner
              .so_far(g_level[k-1].value[((2 * n + 1 < BELOW) ? AT + 1 : AT)*WIDTH +: WIDTH]),
              .a     (g_level[k-1].value[AT*WIDTH +: WIDTH]),
              .y     (larger)
            );
            always @(posedge clk) held <= larger;
            assign value[(i*NODES+n)*WIDTH +: WIDTH] = held;
          end
        end
      end
    end
  endgenerate

  assign most = g_level[LEVELS].value;

  // A tree of one element has no register.
  wire unused = &{1'b0, clk};
endmodule
