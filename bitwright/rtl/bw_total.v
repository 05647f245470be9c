// SPDX-License-Identifier: Apache-2.0
// Global pooling: over a frame of POSITIONS vectors of WORDS beats, the sum or the maximum of every element over all positions.
// It opens a credit domain. One beat a cycle, no bubble between frames; the beats of the last position are taken only against
// a credit each, and each becomes a result.
// LATENCY: 1 (a beat of the last position accepted in cycle t, its result out_valid in cycle t+1)
module bw_total #(
  // vectors of a frame, and beats of a vector
  parameter POSITIONS = 16,
  parameter WORDS     = 4,
  // lanes a beat
  parameter LANES     = 2,
  // bits of an element, and whether it is two's complement
  parameter WIDTH     = 8,
  parameter SIGNED    = 0,
  // 0 maximum, 1 sum
  parameter KIND      = 1,
  // bits of a result, at least WIDTH; a sum is computed modulo 2**OUT_WIDTH
  parameter OUT_WIDTH = 12,
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
  wire some, last_word, first, last;
  wire take = in_valid & in_ready;

  assign in_ready = ~last | some;

  bw_credit #(.CREDITS(CREDITS)) credits (
    .clk  (clk),
    .rst_n(rst_n),
    .take (take & last),
    .give (credit),
    .some (some)
  );
  bw_counter #(.COUNT(WORDS)) words (
    .clk  (clk),
    .rst_n(rst_n),
    .step (take),
    .last (last_word)
  );
  bw_turn #(.COUNT(POSITIONS)) positions (
    .clk  (clk),
    .rst_n(rst_n),
    .step (take & last_word),
    .first(first),
    .last (last)
  );

  always @(posedge clk)
    if (!rst_n) out_valid <= 1'b0;
    else out_valid <= take & last;

  // The latest sums; those of the other words follow in shift registers, a place a beat.
  reg  [LANES*OUT_WIDTH-1:0] held;
  wire [LANES*OUT_WIDTH-1:0] so_far;
  genvar b, l;
  generate
    if (WORDS == 1) begin : g_one
      assign so_far = held;
    end else begin : g_many
      for (b = 0; b < LANES * OUT_WIDTH; b = b + 1) begin : g_bit
        reg  [WORDS-2:0] chain;
        wire [WORDS-1:0] next = {chain, held[b]};
        always @(posedge clk) if (take) chain <= next[WORDS-2:0];
        assign so_far[b] = next[WORDS-1];
      end
    end
    for (l = 0; l < LANES; l = l + 1) begin : g_lane
      wire [OUT_WIDTH-1:0] next;
      bw_fuse #(
        .WIDTH    (WIDTH),
        .SIGNED   (SIGNED),
        .KIND     (KIND),
        .OUT_WIDTH(OUT_WIDTH)
      ) fuse (
        .first (first),
        .so_far(so_far[l*OUT_WIDTH +: OUT_WIDTH]),
        .a     (in_data[l*WIDTH +: WIDTH]),
        .y     (next)
      );
      always @(posedge clk) if (take) held[l*OUT_WIDTH +: OUT_WIDTH] <= next;
    end
  endgenerate

  assign out_data = held;
endmodule
