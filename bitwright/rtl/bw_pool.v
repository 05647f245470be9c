// SPDX-License-Identifier: Apache-2.0
// Pooling: of each group of TAPS beats the maximum or the sum in every lane, one beat a cycle; it opens a credit domain. The
// first beat of a group is taken only against a credit. No bubble between groups.
// LATENCY: 1 (last beat of a group accepted in cycle t, out_valid in cycle t+1)
module bw_pool #(
  // beats of a group
  parameter TAPS      = 4,
  // lanes a beat
  parameter LANES     = 2,
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
  input  wire [LANES*WIDTH-1:0]     in_data,
  output reg                        out_valid,
  output wire [LANES*OUT_WIDTH-1:0] out_data,
  input  wire                       credit
);
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
  bw_turn #(.COUNT(TAPS)) taps (
    .clk  (clk),
    .rst_n(rst_n),
    .step (take),
    .first(first),
    .last (last)
  );

  always @(posedge clk)
    if (!rst_n) out_valid <= 1'b0;
    else out_valid <= take & last;

  reg [LANES*OUT_WIDTH-1:0] held;
  genvar l;
  generate
    for (l = 0; l < LANES; l = l + 1) begin : g_lane
      wire [OUT_WIDTH-1:0] next;
      bw_fuse #(
        .WIDTH    (WIDTH),
        .SIGNED   (SIGNED),
        .KIND     (KIND),
        .OUT_WIDTH(OUT_WIDTH)
      ) fuse (
        .first (first),
        .so_far(held[l*OUT_WIDTH +: OUT_WIDTH]),
        .a     (in_data[l*WIDTH +: WIDTH]),
        .y     (next)
      );
      always @(posedge clk) if (take) held[l*OUT_WIDTH +: OUT_WIDTH] <= next;
    end
  endgenerate

  assign out_data = held;
endmodule
