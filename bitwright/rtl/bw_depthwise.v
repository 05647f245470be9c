// SPDX-License-Identifier: Apache-2.0
// Depthwise unit: of each group of TAPS taps, y[lane] = sum over the taps of w[group][tap][lane] * x[tap][lane] (+ bias), SIMD
// taps a beat, one beat a cycle; it opens a credit domain. The first beat of a group is taken only against a credit. No bubble
// between groups.
// LATENCY: 1 + READ + DOTS (last beat of a group accepted in cycle t, out_valid in cycle t+LATENCY), where READ is the latency of
//   bw_weights and DOTS that of bw_dots
module bw_depthwise #(
  // taps of a group, and groups of a vector
  parameter TAPS         = 9,
  parameter GROUPS       = 2,
  // lanes, and taps a beat: divides TAPS
  parameter LANES        = 2,
  parameter SIMD         = 1,
  // bits of an activation, and whether it is two's complement
  parameter A_WIDTH      = 8,
  parameter A_SIGNED     = 0,
  // bits of a weight, and whether it is two's complement
  parameter W_WIDTH      = 8,
  parameter W_SIGNED     = 1,
  // bits of a sum; enough for every final value, which is computed modulo 2**ACC_WIDTH
  parameter ACC_WIDTH    = 20,
  // multipliers: 0 LUT, 1 DSP
  parameter KIND         = 0,
  // of DSPs: bits of a sum of CHAIN products, and taps summed in a chain (see bw_dsp)
  parameter FIELD        = A_WIDTH + W_WIDTH + ((A_SIGNED == 0 && W_SIGNED == 0) ? 1 : 0),
  parameter CHAIN        = 1,
  // memory file of GROUPS * BEATS words, BEATS = TAPS / SIMD: word g * BEATS + b has at (l * SIMD + t) * W_WIDTH the weight of
  // lane l and tap b * SIMD + t
  parameter WEIGHTS      = "",
  // weight memory: 0 distributed, 1 block; words in a row of a block memory, its rows, and the file of the rest (see bw_rom)
  parameter WEIGHT_STYLE = 0,
  parameter WEIGHT_SEGMENTS = 1,
  parameter WEIGHT_ROWS  = GROUPS * (TAPS / SIMD),
  parameter WEIGHTS_REST = "",
  // 1: weights can be written, so many bits of a word at a time; bits of a place, and the memory's own highest (see bw_store)
  parameter WRITABLE     = 0,
  parameter LANE         = 32,
  parameter PLACE        = 1,
  parameter BASE         = 0,
  // each channel has a bias
  parameter HAS_BIAS     = 0,
  // memory file of GROUPS words of LANES biases
  parameter BIAS         = "",
  // credits: results in flight
  parameter CREDITS      = 16
) (
  input  wire                       clk,
  input  wire                       rst_n,
  input  wire                       in_valid,
  output wire                       in_ready,
  // lane l of tap t at t * LANES + l
  input  wire [SIMD*LANES*A_WIDTH-1:0] in_data,
  output reg                        out_valid,
  output wire [LANES*ACC_WIDTH-1:0] out_data,
  input  wire                       credit,
  // writes to the weights
  input  wire                       write_valid,
  input  wire [PLACE+31:0]          write_data
);
  // Radix-4 digits of weight and activation: the fewer decide the cycles of a LUT multiplier (see bw_dots).
  localparam W_DIGITS = (W_SIGNED != 0) ? (W_WIDTH + 1) / 2 : W_WIDTH / 2 + 1;
  localparam A_DIGITS = (A_SIGNED != 0) ? (A_WIDTH + 1) / 2 : A_WIDTH / 2 + 1;
  localparam DIGITS   = (A_DIGITS < W_DIGITS) ? A_DIGITS : W_DIGITS;
  localparam MUL      = (A_WIDTH + W_WIDTH > 6 && DIGITS > 1) ? DIGITS / 2 : 1;
  localparam DOTS     = (KIND == 1) ? 1 + CHAIN + $clog2((SIMD + CHAIN - 1) / CHAIN) : MUL + $clog2(SIMD);
  localparam BEATS    = TAPS / SIMD;
  localparam DEPTH    = GROUPS * BEATS;
  localparam ADDR     = (DEPTH > 1) ? $clog2(DEPTH) : 1;

  wire                         some, first, last;
  wire                         take = in_valid & in_ready;
  wire [ADDR-1:0]              address;
  // A cycle before its weights: a beat, whether it is the first of its group, whether it is the last.
  wire                         soon, soon_first, soon_last;
  // The beat's activations, lane by lane, then with their weights.
  wire [LANES*SIMD*A_WIDTH-1:0] turned;
  wire [LANES*SIMD*A_WIDTH-1:0] x;
  wire [LANES*SIMD*W_WIDTH-1:0] w;
  wire [LANES*ACC_WIDTH-1:0]   sums;
  wire [LANES-1:0]             carries;
  wire [LANES*ACC_WIDTH-1:0]   bias;

  assign in_ready = ~first | some;

  bw_credit #(.CREDITS(CREDITS)) credits (
    .clk  (clk),
    .rst_n(rst_n),
    .take (take & first),
    .give (credit),
    .some (some)
  );
  bw_turn #(.COUNT(BEATS)) beats (
    .clk  (clk),
    .rst_n(rst_n),
    .step (take),
    .first(first),
    .last (last)
  );
  bw_index #(.COUNT(DEPTH), .WIDTH(ADDR)) addresses (
    .clk  (clk),
    .rst_n(rst_n),
    .step (take),
    .index(address)
  );
  bw_weights #(
    .WIDTH   (LANES * SIMD * W_WIDTH),
    .DEPTH   (DEPTH),
    .ADDR    (ADDR),
    .FILE    (WEIGHTS),
    .STYLE   (WEIGHT_STYLE),
    .SEGMENTS(WEIGHT_SEGMENTS),
    .ROWS    (WEIGHT_ROWS),
    .REST    (WEIGHTS_REST),
    .WRITABLE(WRITABLE),
    .LANE    (LANE),
    .PLACE   (PLACE),
    .BASE    (BASE),
    .TAG     (2),
    .X_WIDTH (LANES * SIMD * A_WIDTH)
  ) weights (
    .clk        (clk),
    .rst_n      (rst_n),
    .in_valid   (take),
    .in_tag     ({first, last}),
    .addr       (address),
    .in_x       (turned),
    .soon_valid (soon),
    .soon_tag   ({soon_first, soon_last}),
    .data       (w),
    .x          (x),
    .write_valid(write_valid),
    .write_data (write_data)
  );

  genvar l, t;
  generate
    for (l = 0; l < LANES; l = l + 1) begin : g_turned
      for (t = 0; t < SIMD; t = t + 1) begin : g_tap
        assign turned[(l*SIMD+t)*A_WIDTH +: A_WIDTH] = in_data[(t*LANES+l)*A_WIDTH +: A_WIDTH];
      end
    end
  endgenerate

  // Bit k: the beat whose weights came k cycles ago, whether it was the first of its group, whether it was the last.
  reg [DOTS:0] valid_at, first_at, last_at;
  always @(posedge clk)
    if (!rst_n) begin
      valid_at  <= {DOTS + 1{1'b0}};
      out_valid <= 1'b0;
    end else begin
      valid_at  <= {valid_at[DOTS-1:0], soon};
      out_valid <= valid_at[DOTS] & last_at[DOTS];
    end
  always @(posedge clk) begin
    first_at <= {first_at[DOTS-1:0], soon_first};
    last_at  <= {last_at[DOTS-1:0], soon_last};
  end

  generate
    if (HAS_BIAS != 0) begin : g_bias
      localparam B = (GROUPS > 1) ? $clog2(GROUPS) : 1;
      wire [B-1:0]               at;
      reg  [LANES*ACC_WIDTH-1:0] mem [0:GROUPS-1];
      initial if (BIAS != "") $readmemh(BIAS, mem);
      if (GROUPS == 1) begin : g_constant
        assign bias = mem[0];
        wire unused = &{1'b0, at};
      end else begin : g_read
        reg [LANES*ACC_WIDTH-1:0] word;
        always @(posedge clk) word <= mem[at];
        assign bias = word;
      end
      bw_index #(.COUNT(GROUPS), .WIDTH(B)) groups (
        .clk  (clk),
        .rst_n(rst_n),
        .step (valid_at[DOTS-1] & first_at[DOTS-1]),
        .index(at)
      );
    end else begin : g_no_bias
      assign bias = {LANES * ACC_WIDTH{1'b0}};
    end
  endgenerate

  bw_dots #(
    .KIND     (KIND),
    .PE       (LANES),
    .SIMD     (SIMD),
    .OWN      (1),
    .A_WIDTH  (A_WIDTH),
    .A_SIGNED (A_SIGNED),
    .W_WIDTH  (W_WIDTH),
    .W_SIGNED (W_SIGNED),
    .FIELD    (FIELD),
    .CHAIN    (CHAIN),
    .OUT_WIDTH(ACC_WIDTH)
  ) dots (
    .clk  (clk),
    .x    (x),
    .w    (w),
    .sum  (sums),
    .carry(carries)
  );

  generate
    for (l = 0; l < LANES; l = l + 1) begin : g_sum
      wire [ACC_WIDTH-1:0] base;
      reg  [ACC_WIDTH-1:0] acc;
      if (BEATS == 1) begin : g_once
        assign base = bias[l*ACC_WIDTH +: ACC_WIDTH];
      end else begin : g_accumulate
        assign base = first_at[DOTS] ? bias[l*ACC_WIDTH +: ACC_WIDTH] : acc;
      end
      always @(posedge clk)
        if (valid_at[DOTS]) acc <= sums[l*ACC_WIDTH +: ACC_WIDTH] + base + {{(ACC_WIDTH - 1){1'b0}}, carries[l]};
      assign out_data[l*ACC_WIDTH +: ACC_WIDTH] = acc;
    end
  endgenerate
endmodule
