// SPDX-License-Identifier: Apache-2.0
// Matrix-vector unit: y = W x (+ bias), PE rows and SIMD columns a cycle; it opens a credit domain.
// With NF = ceil(ROWS / PE) and SF = ceil(COLS / SIMD) a vector takes NF * SF cycles and there is no bubble between
// vectors. A slot issues when its data are there and, if it is the first of its fold, a credit is held.
// LATENCY: 3 + MUL + TREE (last slot of a fold issued in cycle t, out_valid in cycle t+LATENCY), where
//   MUL  = KIND == 0 && A_WIDTH + W_WIDTH > 6 ? max(1, min(WD, AD) / 2) : 1
//          WD = W_SIGNED ? (W_WIDTH + 1) / 2 : W_WIDTH / 2 + 1, AD the same of A (integer division)
//   TREE = clog2(KIND == 2 ? ceil(SIMD / 4) : SIMD)
// A word accepted in cycle t can issue in cycle t if NF == 1, else from cycle t+1 on.
module bw_mvu #(
  // columns and rows of W
  parameter COLS         = 8,
  parameter ROWS         = 8,
  // columns and rows a cycle
  parameter SIMD         = 4,
  parameter PE           = 4,
  // bits of an activation, and whether it is two's complement
  parameter A_WIDTH      = 8,
  parameter A_SIGNED     = 0,
  // bits of a weight, and whether it is two's complement
  parameter W_WIDTH      = 8,
  parameter W_SIGNED     = 1,
  // bits of a sum; enough for every final value, which is computed modulo 2**ACC_WIDTH
  parameter ACC_WIDTH    = 20,
  // multipliers: 0 LUT, 1 DSP, 2 XNOR (A_WIDTH = W_WIDTH = 1; the sum is the number of equal bits)
  parameter KIND         = 0,
  // memory file of NF * SF words: word nf * SF + sf has at (pe * SIMD + i) * W_WIDTH the weight of row nf * PE + pe and
  // column sf * SIMD + i
  parameter WEIGHTS      = "",
  // weight memory: 0 distributed, 1 block
  parameter WEIGHT_STYLE = 0,
  // each row has a bias
  parameter HAS_BIAS     = 0,
  // memory file of NF words of PE biases
  parameter BIAS         = "",
  // words of the input buffer, at least SF (used if NF > 1), and its memory: 0 distributed, 1 block
  parameter BUFFER_DEPTH = 2 * ((COLS + SIMD - 1) / SIMD),
  parameter BUFFER_STYLE = 0,
  // credits: output words in flight
  parameter CREDITS      = 16
) (
  input  wire                    clk,
  input  wire                    rst_n,
  input  wire                    in_valid,
  output wire                    in_ready,
  input  wire [SIMD*A_WIDTH-1:0] in_data,
  output reg                     out_valid,
  output wire [PE*ACC_WIDTH-1:0] out_data,
  input  wire                    credit
);
  localparam NF = (ROWS + PE - 1) / PE;
  localparam SF = (COLS + SIMD - 1) / SIMD;
  // Radix-4 digits of weight and activation: the one with fewer is recoded.
  localparam W_DIGITS = (W_SIGNED != 0) ? (W_WIDTH + 1) / 2 : W_WIDTH / 2 + 1;
  localparam A_DIGITS = (A_SIGNED != 0) ? (A_WIDTH + 1) / 2 : A_WIDTH / 2 + 1;
  localparam RECODE_A = (A_DIGITS < W_DIGITS) ? 1 : 0;
  localparam DIGITS   = RECODE_A ? A_DIGITS : W_DIGITS;
  localparam MUL      = (KIND == 0 && A_WIDTH + W_WIDTH > 6 && DIGITS > 1) ? DIGITS / 2 : 1;
  // Terms of the adder tree, and bits of a term and of the tree's sum.
  localparam TERMS    = (KIND == 2) ? (SIMD + 3) / 4 : SIMD;
  localparam PRODUCT  = (KIND == 2) ? 2 : A_WIDTH + W_WIDTH + ((A_SIGNED == 0 && W_SIGNED == 0) ? 1 : 0);
  localparam TERM     = (PRODUCT < ACC_WIDTH) ? PRODUCT : ACC_WIDTH;
  localparam GROWN    = TERM + $clog2(TERMS);
  localparam SUM      = (GROWN < ACC_WIDTH) ? GROWN : ACC_WIDTH;
  // Cycles from issue to the accumulator's input.
  localparam S        = 2 + MUL + $clog2(TERMS);
  localparam ADDR     = (NF * SF > 1) ? $clog2(NF * SF) : 1;

  wire                       issue, first, last;
  // Two cycles after issue: activations and weights.
  wire [SIMD*A_WIDTH-1:0]    x;
  wire [PE*SIMD*W_WIDTH-1:0] w;
  wire [ADDR-1:0]            address;
  wire                       some;

  bw_credit #(.CREDITS(CREDITS)) credits (
    .clk  (clk),
    .rst_n(rst_n),
    .take (issue & first),
    .give (credit),
    .some (some)
  );
  bw_counter #(.COUNT(SF)) slots (
    .clk  (clk),
    .rst_n(rst_n),
    .step (issue),
    .last (last)
  );
  bw_index #(.COUNT(NF * SF), .WIDTH(ADDR)) addresses (
    .clk  (clk),
    .rst_n(rst_n),
    .step (issue),
    .index(address)
  );
  bw_rom #(
    .WIDTH(PE * SIMD * W_WIDTH),
    .DEPTH(NF * SF),
    .ADDR (ADDR),
    .FILE (WEIGHTS),
    .STYLE(WEIGHT_STYLE)
  ) weights (
    .clk (clk),
    .addr(address),
    .data(w)
  );

  generate
    if (SF == 1) begin : g_first_always
      assign first = 1'b1;
    end else begin : g_first
      reg begins;
      always @(posedge clk)
        if (!rst_n) begins <= 1'b1;
        else if (issue) begins <= last;
      assign first = begins;
    end

    if (NF == 1) begin : g_direct
      reg [SIMD*A_WIDTH-1:0] x1, x2;
      always @(posedge clk) begin
        x1 <= in_data;
        x2 <= x1;
      end
      assign in_ready = ~first | some;
      assign issue    = in_valid & in_ready;
      assign x        = x2;
    end else begin : g_replay
      wire avail;
      bw_replay #(
        .WIDTH (SIMD * A_WIDTH),
        .WORDS (SF),
        .PASSES(NF),
        .DEPTH (BUFFER_DEPTH),
        .STYLE (BUFFER_STYLE)
      ) buffer (
        .clk     (clk),
        .rst_n   (rst_n),
        .in_valid(in_valid),
        .in_ready(in_ready),
        .in_data (in_data),
        .avail   (avail),
        .take    (issue),
        .rdata   (x)
      );
      assign issue = avail & (~first | some);
    end
  endgenerate

  // Bit k: the slot issued k cycles ago, whether it was the first of its fold, whether it was the last.
  reg [S:1] valid_at, first_at, done_at;
  always @(posedge clk)
    if (!rst_n) begin
      valid_at  <= {S{1'b0}};
      done_at   <= {S{1'b0}};
      out_valid <= 1'b0;
    end else begin
      valid_at  <= {valid_at[S-1:1], issue};
      done_at   <= {done_at[S-1:1], issue & last};
      out_valid <= done_at[S];
    end
  always @(posedge clk) first_at <= {first_at[S-1:1], first};

  wire [PE*ACC_WIDTH-1:0] bias;
  generate
    if (HAS_BIAS != 0) begin : g_bias
      localparam B = (NF > 1) ? $clog2(NF) : 1;
      wire [B-1:0]            at;
      reg  [PE*ACC_WIDTH-1:0] mem [0:NF-1];
      initial if (BIAS != "") $readmemh(BIAS, mem);
      if (NF == 1) begin : g_constant
        assign bias = mem[0];
        wire unused = &{1'b0, at};
      end else begin : g_read
        reg [PE*ACC_WIDTH-1:0] word;
        always @(posedge clk) word <= mem[at];
        assign bias = word;
      end
      bw_index #(.COUNT(NF), .WIDTH(B)) folds (
        .clk  (clk),
        .rst_n(rst_n),
        .step (valid_at[S-1] & first_at[S-1]),
        .index(at)
      );
    end else begin : g_no_bias
      assign bias = {PE * ACC_WIDTH{1'b0}};
    end
  endgenerate

  // Of every row: what the multipliers give, and what the adder trees make of it.
  wire [PE*TERMS*TERM-1:0] terms;
  wire [PE*TERMS-1:0]      carries;
  wire [PE*SUM-1:0]        sums;
  wire [PE-1:0]            carry;

  // Rows share a module while it is small: simulators like wide modules, synthesis does not.
  localparam GROUP = (TERMS < 256) ? 256 / TERMS : 1;
  genvar g;
  generate
    for (g = 0; g < PE; g = g + GROUP) begin : g_trees
      localparam COUNT = (g + GROUP <= PE) ? GROUP : PE - g;
      bw_tree #(
        .ROWS     (COUNT),
        .TERMS    (TERMS),
        .WIDTH    (TERM),
        .SIGNED   ((KIND == 2) ? 0 : 1),
        .OUT_WIDTH(SUM)
      ) tree (
        .clk    (clk),
        .terms  (terms[g*TERMS*TERM +: COUNT*TERMS*TERM]),
        .carries(carries[g*TERMS +: COUNT*TERMS]),
        .sum    (sums[g*SUM +: COUNT*SUM]),
        .carry  (carry[g +: COUNT])
      );
    end
  endgenerate

  genvar p, i;
  generate
    for (p = 0; p < PE; p = p + 1) begin : g_pe
      wire [ACC_WIDTH-1:0]  wide, base;
      reg  [ACC_WIDTH-1:0]  acc;

      if (KIND == 2) begin : g_xnor
        bw_xnor #(
          .PAIRS(SIMD),
          .WIDTH(TERM)
        ) pairs (
          .clk  (clk),
          .a    (x),
          .b    (w[p*SIMD +: SIMD]),
          .count(terms[p*TERMS*TERM +: TERMS*TERM]),
          .carry(carries[p*TERMS +: TERMS])
        );
      end else if (KIND == 1) begin : g_dsp
        localparam XW = A_WIDTH + ((A_SIGNED != 0) ? 0 : 1);
        localparam WW = W_WIDTH + ((W_SIGNED != 0) ? 0 : 1);
        for (i = 0; i < SIMD; i = i + 1) begin : g_term
          wire signed [XW-1:0] xs;
          wire signed [WW-1:0] ws;
          (* use_dsp = "yes" *)
          reg  signed [XW+WW-1:0] product;
          if (A_SIGNED != 0) begin : g_xs
            assign xs = $signed(x[i*A_WIDTH +: A_WIDTH]);
          end else begin : g_xu
            assign xs = $signed({1'b0, x[i*A_WIDTH +: A_WIDTH]});
          end
          if (W_SIGNED != 0) begin : g_ws
            assign ws = $signed(w[(p*SIMD+i)*W_WIDTH +: W_WIDTH]);
          end else begin : g_wu
            assign ws = $signed({1'b0, w[(p*SIMD+i)*W_WIDTH +: W_WIDTH]});
          end
          always @(posedge clk) product <= xs * ws;
          assign terms[(p*SIMD+i)*TERM +: TERM] = product[TERM-1:0];
          wire unused = &{1'b0, product};
        end
        assign carries[p*SIMD +: SIMD] = {SIMD{1'b0}};
      end else begin : g_lut
        wire [SIMD*(RECODE_A ? W_WIDTH : A_WIDTH)-1:0] a;
        wire [SIMD*(RECODE_A ? A_WIDTH : W_WIDTH)-1:0] b;
        bw_mul #(
          .LANES   (SIMD),
          .A_WIDTH (RECODE_A ? W_WIDTH : A_WIDTH),
          .A_SIGNED(RECODE_A ? W_SIGNED : A_SIGNED),
          .B_WIDTH (RECODE_A ? A_WIDTH : W_WIDTH),
          .B_SIGNED(RECODE_A ? A_SIGNED : W_SIGNED),
          .P_WIDTH (TERM)
        ) mul (
          .clk    (clk),
          .a      (a),
          .b      (b),
          .product(terms[p*SIMD*TERM +: SIMD*TERM]),
          .carry  (carries[p*SIMD +: SIMD])
        );
        if (RECODE_A != 0) begin : g_recode_a
          assign a = w[p*SIMD*W_WIDTH +: SIMD*W_WIDTH];
          assign b = x;
        end else begin : g_recode_w
          assign a = x;
          assign b = w[p*SIMD*W_WIDTH +: SIMD*W_WIDTH];
        end
      end

      if (SUM < ACC_WIDTH) begin : g_extend
        assign wide = {{(ACC_WIDTH - SUM){(KIND != 2) & sums[p*SUM+SUM-1]}}, sums[p*SUM +: SUM]};
      end else begin : g_exact
        assign wide = sums[p*SUM +: SUM];
      end
      if (SF == 1) begin : g_once
        assign base = bias[p*ACC_WIDTH +: ACC_WIDTH];
      end else begin : g_accumulate
        assign base = first_at[S] ? bias[p*ACC_WIDTH +: ACC_WIDTH] : acc;
      end
      always @(posedge clk)
        if (valid_at[S]) acc <= wide + base + {{(ACC_WIDTH - 1){1'b0}}, carry[p]};

      assign out_data[p*ACC_WIDTH +: ACC_WIDTH] = acc;
    end
  endgenerate
endmodule
