// SPDX-License-Identifier: Apache-2.0
// Pooling: of each group of TAPS taps the maximum or the sum in every lane, SIMD taps a beat, one beat a cycle; it opens a
// credit domain. The first beat of a group is taken only against a credit. No bubble between groups.
// LATENCY: 1 + clog2(SIMD) (last beat of a group accepted in cycle t, out_valid in cycle t+LATENCY)
module bw_pool #(
  // taps of a group
  parameter TAPS      = 4,
  // lanes, and taps a beat: divides TAPS
  parameter LANES     = 2,
  parameter SIMD      = 1,
  // bits of an element, and whether it is two's complement
  parameter WIDTH     = 8,
  parameter SIGNED    = 0,
  // 0 maximum, 1 sum
  parameter KIND      = 0,
  // bits of a result, at least WIDTH; a sum is computed modulo 2**OUT_WIDTH
  parameter OUT_WIDTH = 8,
  // credits: results in flight
  parameter CREDITS   = 16
) (
  input  wire                       clk,
  input  wire                       rst_n,
  input  wire                       in_valid,
  output wire                       in_ready,
  // lane l of tap t at t * LANES + l
  input  wire [SIMD*LANES*WIDTH-1:0] in_data,
  output reg                        out_valid,
  output wire [LANES*OUT_WIDTH-1:0] out_data,
  input  wire                       credit
);
  // Cycles to a beat's maxima or sums, and bits of these.
  localparam TREE  = $clog2(SIMD);
  localparam GROWN = WIDTH + ((KIND == 1) ? TREE : 0);
  localparam WIDE  = (GROWN < OUT_WIDTH) ? GROWN : OUT_WIDTH;

  wire some, first, last;
  wire take = in_valid & in_ready;

  assign in_ready = ~first | some;

  bw_credit #(.CREDITS(CREDITS)) credits (
    .clk  (clk),
    .rst_n(rst_n),
    .take (take & first),
    .give (credit),
    .some (some)
  );
  bw_turn #(.COUNT(TAPS / SIMD)) beats (
    .clk  (clk),
    .rst_n(rst_n),
    .step (take),
    .first(first),
    .last (last)
  );

  // A beat's maxima or sums: whether they are there, whether they are of the first and of the last beat of a group.
  wire [LANES*WIDE-1:0] found;
  wire                  here, begins, ends;
  genvar l, t;
  generate
    if (SIMD == 1) begin : g_one
      assign found  = in_data;
      assign here   = take;
      assign begins = first;
      assign ends   = take & last;
    end else begin : g_tree
      wire [LANES*SIMD*WIDTH-1:0] turned;
      for (l = 0; l < LANES; l = l + 1) begin : g_turned
        for (t = 0; t < SIMD; t = t + 1) begin : g_tap
          assign turned[(l*SIMD+t)*WIDTH +: WIDTH] = in_data[(t*LANES+l)*WIDTH +: WIDTH];
        end
      end
      if (KIND == 1) begin : g_sums
        wire [LANES-1:0] none;
        bw_tree #(
          .ROWS     (LANES),
          .TERMS    (SIMD),
          .WIDTH    (WIDTH),
          .SIGNED   (SIGNED),
          .OUT_WIDTH(WIDE)
        ) sums (
          .clk    (clk),
          .terms  (turned),
          .carries({LANES * SIMD{1'b0}}),
          .sum    (found),
          .carry  (none)
        );
        wire unused = &{1'b0, none};
      end else begin : g_most
        bw_most #(
          .LANES (LANES),
          .TERMS (SIMD),
          .WIDTH (WIDTH),
          .SIGNED(SIGNED)
        ) maxima (
          .clk  (clk),
          .terms(turned),
          .most (found)
        );
      end
      bw_delay #(.CYCLES(TREE)) all (
        .clk      (clk),
        .rst_n    (rst_n),
        .in_valid (take),
        .out_valid(here)
      );
      bw_delay #(.CYCLES(TREE)) firsts (
        .clk      (clk),
        .rst_n    (rst_n),
        .in_valid (first),
        .out_valid(begins)
      );
      bw_delay #(.CYCLES(TREE)) lasts (
        .clk      (clk),
        .rst_n    (rst_n),
        .in_valid (take & last),
        .out_valid(ends)
      );
    end
  endgenerate

  always @(posedge clk)
    if (!rst_n) out_valid <= 1'b0;
    else out_valid <= ends;

  reg [LANES*OUT_WIDTH-1:0] held;
  generate
    for (l = 0; l < LANES; l = l + 1) begin : g_lane
      wire [OUT_WIDTH-1:0] next;
      bw_fuse #(
        .WIDTH    (WIDE),
        .SIGNED   (SIGNED),
        .KIND     (KIND),
        .OUT_WIDTH(OUT_WIDTH)
      ) fuse (
        .first (begins),
        .so_far(held[l*OUT_WIDTH +: OUT_WIDTH]),
        .a     (found[l*WIDE +: WIDE]),
        .y     (next)
      );
      always @(posedge clk) if (here) held[l*OUT_WIDTH +: OUT_WIDTH] <= next;
    end
  endgenerate

  assign out_data = held;
endmodule
