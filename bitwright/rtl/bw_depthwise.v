// SPDX-License-Identifier: Apache-2.0
// Depthwise unit: of each group of TAPS beats, y[lane] = sum over the taps of w[group][tap][lane] * x[lane] (+ bias), one beat
// a cycle; it opens a credit domain. The first beat of a group is taken only against a credit. No bubble between groups.
// LATENCY: 3 + MUL (last beat of a group accepted in cycle t, out_valid in cycle t+LATENCY), where
//   MUL = KIND == 0 && A_WIDTH + W_WIDTH > 6 ? max(1, min(WD, AD) / 2) : 1
//         WD = W_SIGNED ? (W_WIDTH + 1) / 2 : W_WIDTH / 2 + 1, AD the same of A (integer division)
module bw_depthwise #(
  // beats of a group, and groups of a vector
  parameter TAPS         = 9,
  parameter GROUPS       = 2,
  // lanes a beat
  parameter LANES        = 2,
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
  // memory file of GROUPS * TAPS words: word g * TAPS + t has at l * W_WIDTH the weight of lane l
  parameter WEIGHTS      = "",
  // weight memory: 0 distributed, 1 block
  parameter WEIGHT_STYLE = 0,
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
  input  wire [LANES*A_WIDTH-1:0]   in_data,
  output reg                        out_valid,
  output wire [LANES*ACC_WIDTH-1:0] out_data,
  input  wire                       credit
);
  // Radix-4 digits of weight and activation: the one with fewer is recoded.
  localparam W_DIGITS = (W_SIGNED != 0) ? (W_WIDTH + 1) / 2 : W_WIDTH / 2 + 1;
  localparam A_DIGITS = (A_SIGNED != 0) ? (A_WIDTH + 1) / 2 : A_WIDTH / 2 + 1;
  localparam RECODE_A = (A_DIGITS < W_DIGITS) ? 1 : 0;
  localparam DIGITS   = RECODE_A ? A_DIGITS : W_DIGITS;
  localparam MUL      = (KIND == 0 && A_WIDTH + W_WIDTH > 6 && DIGITS > 1) ? DIGITS / 2 : 1;
  // Bits of a product, and those of them that count.
  localparam PRODUCT  = A_WIDTH + W_WIDTH + ((A_SIGNED == 0 && W_SIGNED == 0) ? 1 : 0);
  localparam TERM     = (PRODUCT < ACC_WIDTH) ? PRODUCT : ACC_WIDTH;
  // Cycles from a beat to the accumulator's input.
  localparam S        = 2 + MUL;
  localparam DEPTH    = GROUPS * TAPS;
  localparam ADDR     = (DEPTH > 1) ? $clog2(DEPTH) : 1;

  wire                       some, first, last;
  wire                       take = in_valid & in_ready;
  wire [ADDR-1:0]            address;
  reg  [LANES*A_WIDTH-1:0]   x1, x;
  wire [LANES*W_WIDTH-1:0]   w;
  wire [LANES*TERM-1:0]      products;
  wire [LANES-1:0]           carries;
  wire [LANES*ACC_WIDTH-1:0] bias;

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
  bw_index #(.COUNT(DEPTH), .WIDTH(ADDR)) addresses (
    .clk  (clk),
    .rst_n(rst_n),
    .step (take),
    .index(address)
  );
  bw_rom #(
    .WIDTH(LANES * W_WIDTH),
    .DEPTH(DEPTH),
    .ADDR (ADDR),
    .FILE (WEIGHTS),
    .STYLE(WEIGHT_STYLE)
  ) weights (
    .clk (clk),
    .addr(address),
    .data(w)
  );

  always @(posedge clk) begin
    x1 <= in_data;
    x  <= x1;
  end

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

  genvar l;
  generate
    if (KIND == 1) begin : g_dsp
      for (l = 0; l < LANES; l = l + 1) begin : g_lane
        // Signed operands of the multiplier.
        wire [A_WIDTH-1:0]      code   = x[l*A_WIDTH +: A_WIDTH];
        wire [W_WIDTH-1:0]      weight = w[l*W_WIDTH +: W_WIDTH];
        wire signed [A_WIDTH:0] xs = $signed({(A_SIGNED != 0) & code[A_WIDTH-1], code});
        wire signed [W_WIDTH:0] ws = $signed({(W_SIGNED != 0) & weight[W_WIDTH-1], weight});
        (* use_dsp = "yes" *)
        reg signed [A_WIDTH+W_WIDTH+1:0] product;
        always @(posedge clk) product <= xs * ws;
        assign products[l*TERM +: TERM] = product[TERM-1:0];
        wire unused = &{1'b0, product};
      end
      assign carries = {LANES{1'b0}};
    end else if (RECODE_A != 0) begin : g_recode_a
      bw_mul #(
        .LANES   (LANES),
        .A_WIDTH (W_WIDTH),
        .A_SIGNED(W_SIGNED),
        .B_WIDTH (A_WIDTH),
        .B_SIGNED(A_SIGNED),
        .P_WIDTH (TERM)
      ) mul (
        .clk    (clk),
        .a      (w),
        .b      (x),
        .product(products),
        .carry  (carries)
      );
    end else begin : g_recode_w
      bw_mul #(
        .LANES   (LANES),
        .A_WIDTH (A_WIDTH),
        .A_SIGNED(A_SIGNED),
        .B_WIDTH (W_WIDTH),
        .B_SIGNED(W_SIGNED),
        .P_WIDTH (TERM)
      ) mul (
        .clk    (clk),
        .a      (x),
        .b      (w),
        .product(products),
        .carry  (carries)
      );
    end

    for (l = 0; l < LANES; l = l + 1) begin : g_sum
      wire [ACC_WIDTH-1:0] wide, base;
      reg  [ACC_WIDTH-1:0] acc;
      if (TERM < ACC_WIDTH) begin : g_extend
        assign wide = {{(ACC_WIDTH - TERM){products[l*TERM+TERM-1]}}, products[l*TERM +: TERM]};
      end else begin : g_exact
        assign wide = products[l*TERM +: TERM];
      end
      if (TAPS == 1) begin : g_once
        assign base = bias[l*ACC_WIDTH +: ACC_WIDTH];
      end else begin : g_accumulate
        assign base = first_at[S] ? bias[l*ACC_WIDTH +: ACC_WIDTH] : acc;
      end
      always @(posedge clk)
        if (valid_at[S]) acc <= wide + base + {{(ACC_WIDTH - 1){1'b0}}, carries[l]};
      assign out_data[l*ACC_WIDTH +: ACC_WIDTH] = acc;
    end
  endgenerate
endmodule
