// SPDX-License-Identifier: Apache-2.0
// Dot products: of each of PE rows, the sum of SIMD products (modulo 2**OUT_WIDTH) is sum + carry.
// LATENCY: MUL + clog2(TERMS) + WAIT, where
//   KIND 0: TERMS = SIMD; MUL = A_WIDTH + W_WIDTH > 6 ? max(1, min(WD, AD) / 2) : 1,
//           WD = W_SIGNED ? (W_WIDTH + 1) / 2 : W_WIDTH / 2 + 1, AD the same of A (integer division)
//   KIND 1: TERMS = ceil(SIMD / CHAIN); MUL = 1 + CHAIN
//   KIND 2: TERMS = ceil(SIMD / 4); MUL = 1
module bw_dots #(
  // multipliers: 0 LUT, 1 DSP, 2 XNOR (A_WIDTH = W_WIDTH = 1; the sum is the number of equal bits)
  parameter KIND      = 0,
  // rows and columns
  parameter PE        = 4,
  parameter SIMD      = 4,
  // 0: all rows have the same columns; 1: each row has columns of its own (PACK = 1)
  parameter OWN       = 0,
  // bits of an activation, and whether it is two's complement
  parameter A_WIDTH   = 8,
  parameter A_SIGNED  = 0,
  // bits of a weight, and whether it is two's complement
  parameter W_WIDTH   = 8,
  parameter W_SIGNED  = 1,
  // KIND 1: rows that share a slice, bits between their products, bits of a sum of CHAIN products, offset (see bw_dsp)
  parameter PACK      = 1,
  parameter STEP      = 16,
  parameter FIELD     = 16,
  parameter CHAIN     = 1,
  parameter OFFSET    = 0,
  // bits of a sum
  parameter OUT_WIDTH = 20,
  // cycles that the result is held back
  parameter WAIT      = 0,
  // bit p * SIMD + i: the weight of row p and column i is always 0, and of all rows that share its slice; no multiplier is made
  parameter [PE*SIMD-1:0] DEAD = {PE * SIMD{1'b0}}
) (
  input  wire                       clk,
  // those of row p at p * SIMD, if it has its own
  input  wire [((OWN != 0) ? PE : 1)*SIMD*A_WIDTH-1:0] x,
  // weight of row p and column i at p * SIMD + i
  input  wire [PE*SIMD*W_WIDTH-1:0] w,
  output wire [PE*OUT_WIDTH-1:0]    sum,
  output wire [PE-1:0]              carry
);
  // Radix-4 digits of weight and activation: the one with fewer is recoded.
  localparam W_DIGITS = (W_SIGNED != 0) ? (W_WIDTH + 1) / 2 : W_WIDTH / 2 + 1;
  localparam A_DIGITS = (A_SIGNED != 0) ? (A_WIDTH + 1) / 2 : A_WIDTH / 2 + 1;
  localparam RECODE_A = (A_DIGITS < W_DIGITS) ? 1 : 0;
  // Terms of an adder tree, bits of a term and of the tree's sum.
  localparam TERMS    = (KIND == 2) ? (SIMD + 3) / 4 : (KIND == 1) ? (SIMD + CHAIN - 1) / CHAIN : SIMD;
  localparam PRODUCT  = A_WIDTH + W_WIDTH + ((A_SIGNED == 0 && W_SIGNED == 0) ? 1 : 0);
  localparam EXACT    = (KIND == 2) ? 2 : (KIND == 1) ? FIELD : PRODUCT;
  localparam TERM     = (EXACT < OUT_WIDTH) ? EXACT : OUT_WIDTH;
  localparam GROWN    = TERM + $clog2(TERMS);
  localparam SUM      = (GROWN < OUT_WIDTH) ? GROWN : OUT_WIDTH;

  // Of every row: what the multipliers give, and what the adder trees make of it.
  wire [PE*TERMS*TERM-1:0] terms;
  wire [PE*TERMS-1:0]      carries;
  wire [PE*SUM-1:0]        sums;
  wire [PE-1:0]            rests;

  // Operands of row p at p * SIMD, those of dead products 0.
  wire [PE*SIMD*A_WIDTH-1:0] xs;
  wire [PE*SIMD*W_WIDTH-1:0] ws;
  genvar g, p, t;
  generate
    for (p = 0; p < PE; p = p + 1) begin : g_operands
      localparam AT = (OWN != 0) ? p * SIMD * A_WIDTH : 0;
      if (DEAD == {PE * SIMD{1'b0}}) begin : g_all
        assign xs[p*SIMD*A_WIDTH +: SIMD*A_WIDTH] = x[AT +: SIMD*A_WIDTH];
        assign ws[p*SIMD*W_WIDTH +: SIMD*W_WIDTH] = w[p*SIMD*W_WIDTH +: SIMD*W_WIDTH];
      end else begin : g_some
        for (t = 0; t < SIMD; t = t + 1) begin : g_column
          assign xs[(p*SIMD+t)*A_WIDTH +: A_WIDTH] = x[AT+t*A_WIDTH +: A_WIDTH] & {A_WIDTH{~DEAD[p*SIMD+t]}};
          assign ws[(p*SIMD+t)*W_WIDTH +: W_WIDTH] = w[(p*SIMD+t)*W_WIDTH +: W_WIDTH] & {W_WIDTH{~DEAD[p*SIMD+t]}};
        end
      end
    end
  endgenerate

  generate
    if (KIND == 1) begin : g_dsp
      for (g = 0; g < PE; g = g + PACK) begin : g_pack
        localparam ROWS = (g + PACK <= PE) ? PACK : PE - g;
        wire [ROWS*TERMS*EXACT-1:0] exact;
        bw_dsp #(
          .LANES   (SIMD),
          .ROWS    (ROWS),
          .CHAIN   (CHAIN),
          .A_WIDTH (A_WIDTH),
          .A_SIGNED(A_SIGNED),
          .W_WIDTH (W_WIDTH),
          .W_SIGNED(W_SIGNED),
          .STEP    (STEP),
          .FIELD   (FIELD),
          .OFFSET  (OFFSET)
        ) products (
          .clk    (clk),
          .a      (xs[g*SIMD*A_WIDTH +: SIMD*A_WIDTH]),
          .w      (ws[g*SIMD*W_WIDTH +: ROWS*SIMD*W_WIDTH]),
          .terms  (exact),
          .carries(carries[g*TERMS +: ROWS*TERMS])
        );
        for (t = 0; t < ROWS * TERMS; t = t + 1) begin : g_term
          assign terms[(g*TERMS+t)*TERM +: TERM] = exact[t*EXACT +: TERM];
        end
        wire unused = &{1'b0, exact};
      end
    end else begin : g_lut
      for (p = 0; p < PE; p = p + 1) begin : g_pe
        if (KIND == 2) begin : g_xnor
          bw_xnor #(
            .PAIRS(SIMD),
            .WIDTH(TERM)
          ) pairs (
            .clk  (clk),
            .a    (xs[p*SIMD*A_WIDTH +: SIMD*A_WIDTH]),
            .b    (ws[p*SIMD +: SIMD]),
            .count(terms[p*TERMS*TERM +: TERMS*TERM]),
            .carry(carries[p*TERMS +: TERMS])
          );
        end else if (RECODE_A != 0) begin : g_recode_a
          bw_mul #(
            .LANES   (SIMD),
            .A_WIDTH (W_WIDTH),
            .A_SIGNED(W_SIGNED),
            .B_WIDTH (A_WIDTH),
            .B_SIGNED(A_SIGNED),
            .P_WIDTH (TERM)
          ) mul (
            .clk    (clk),
            .a      (ws[p*SIMD*W_WIDTH +: SIMD*W_WIDTH]),
            .b      (xs[p*SIMD*A_WIDTH +: SIMD*A_WIDTH]),
            .product(terms[p*SIMD*TERM +: SIMD*TERM]),
            .carry  (carries[p*SIMD +: SIMD])
          );
        end else begin : g_recode_w
          bw_mul #(
            .LANES   (SIMD),
            .A_WIDTH (A_WIDTH),
            .A_SIGNED(A_SIGNED),
            .B_WIDTH (W_WIDTH),
            .B_SIGNED(W_SIGNED),
            .P_WIDTH (TERM)
          ) mul (
            .clk    (clk),
            .a      (xs[p*SIMD*A_WIDTH +: SIMD*A_WIDTH]),
            .b      (ws[p*SIMD*W_WIDTH +: SIMD*W_WIDTH]),
            .product(terms[p*SIMD*TERM +: SIMD*TERM]),
            .carry  (carries[p*SIMD +: SIMD])
          );
        end
      end
    end
  endgenerate

  // Rows share a module while it is small: simulators like wide modules, synthesis does not.
  localparam GROUP = (TERMS < 256) ? 256 / TERMS : 1;
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
        .carry  (rests[g +: COUNT])
      );
    end

    localparam WORD = PE * (SUM + 1);
    wire [WORD-1:0] found;
    if (WAIT == 0) begin : g_now
      assign found = {rests, sums};
    end else begin : g_wait
      reg  [WAIT*WORD-1:0]     held;
      wire [(WAIT+1)*WORD-1:0] next = {held, rests, sums};
      always @(posedge clk) held <= next[WAIT*WORD-1:0];
      assign found = next[WAIT*WORD +: WORD];
    end
    assign carry = found[PE*SUM +: PE];
    for (p = 0; p < PE; p = p + 1) begin : g_sum
      if (SUM < OUT_WIDTH) begin : g_extend
        assign sum[p*OUT_WIDTH +: OUT_WIDTH] = {{(OUT_WIDTH - SUM){(KIND != 2) & found[p*SUM+SUM-1]}},
                                                found[p*SUM +: SUM]};
      end else begin : g_exact
        assign sum[p*OUT_WIDTH +: OUT_WIDTH] = found[p*SUM +: SUM];
      end
    end
  endgenerate
endmodule
