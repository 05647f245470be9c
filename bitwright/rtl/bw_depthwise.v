// SPDX-License-Identifier: Apache-2.0
// Depthwise unit: of each group of TAPS taps, y[lane] = sum over the taps of w[group][tap][lane] * x[tap][lane] (+ bias), SIMD
// taps a beat, one beat a cycle; it opens a credit domain. The first beat of a group is taken only against a credit. No bubble
// between groups.
// LATENCY: 1 + READ + DOTS (last beat of a group accepted in cycle t, out_valid in cycle t+LATENCY), where DOTS is the latency of
//   bw_dots
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
  // Cycles in which weights are read (see bw_rom), and from a beat to the accumulator's input.
  localparam READ     = (WEIGHT_STYLE == 1 && WEIGHT_ROWS < DEPTH) ? 3 : 2;
  localparam S        = READ + DOTS;
  localparam ADDR     = (DEPTH > 1) ? $clog2(DEPTH) : 1;

  wire                         some, first, last;
  wire                         take = in_valid & in_ready;
  wire [ADDR-1:0]              address;
  // The beat's activations, lane by lane, READ cycles later with their weights.
  wire [LANES*SIMD*A_WIDTH-1:0] turned;
  reg  [LANES*SIMD*A_WIDTH-1:0] x1, x2;
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
  generate
    if (WRITABLE != 0) begin : g_writable
      bw_store #(
        .WIDTH(LANES * SIMD * W_WIDTH),
        .LANE (LANE),
        .DEPTH(DEPTH),
        .ADDR (ADDR),
        .FILE (WEIGHTS),
        .STYLE(WEIGHT_STYLE),
        .PLACE(PLACE),
        .BASE (BASE)
      ) weights (
        .clk        (clk),
        .addr       (address),
        .data       (w),
        .write_valid(write_valid),
        .write_data (write_data)
      );
    end else begin : g_constant
      bw_rom #(
        .WIDTH   (LANES * SIMD * W_WIDTH),
        .DEPTH   (DEPTH),
        .ADDR    (ADDR),
        .FILE    (WEIGHTS),
        .STYLE   (WEIGHT_STYLE),
        .SEGMENTS(WEIGHT_SEGMENTS),
        .ROWS    (WEIGHT_ROWS),
        .REST    (WEIGHTS_REST)
      ) weights (
        .clk (clk),
        .addr(address),
        .data(w)
      );
      wire unused = &{1'b0, write_valid, write_data};
    end
  endgenerate

  genvar l, t;
  generate
    for (l = 0; l < LANES; l = l + 1) begin : g_turned
      for (t = 0; t < SIMD; t = t + 1) begin : g_tap
        assign turned[(l*SIMD+t)*A_WIDTH +: A_WIDTH] = in_data[(t*LANES+l)*A_WIDTH +: A_WIDTH];
      end
    end
  endgenerate
  always @(posedge clk) begin
    x1 <= turned;
    x2 <= x1;
  end
  generate
    if (READ > 2) begin : g_late
      reg [LANES*SIMD*A_WIDTH-1:0] x3;
      always @(posedge clk) x3 <= x2;
      assign x = x3;
    end else begin : g_soon
      assign x = x2;
    end
  endgenerate

  // Bit k: the beat taken k cycles ago, whether it was the first of its group, whether it was the last.
  reg [S:1] valid_at, first_at, done_at;
  always @(posedge clk)
    if (!rst_n) begin
      valid_at  <= {S{1'b0}};
      done_at   <= {S{1'b0}};
      out_valid <= 1'b0;
    end else begin
      valid_at  <= {valid_at[S-1:1], take};
      done_at   <= {done_at[S-1:1], take & last};
      out_valid <= done_at[S];
    end
  always @(posedge clk) first_at <= {first_at[S-1:1], first};

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
        .step (valid_at[S-1] & first_at[S-1]),
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
        assign base = first_at[S] ? bias[l*ACC_WIDTH +: ACC_WIDTH] : acc;
      end
      always @(posedge clk)
        if (valid_at[S]) acc <= sums[l*ACC_WIDTH +: ACC_WIDTH] + base + {{(ACC_WIDTH - 1){1'b0}}, carries[l]};
      assign out_data[l*ACC_WIDTH +: ACC_WIDTH] = acc;
    end
  endgenerate
endmodule
