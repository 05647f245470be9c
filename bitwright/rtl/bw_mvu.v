// SPDX-License-Identifier: Apache-2.0
// Matrix-vector unit: y = W x (+ bias), PE rows and SIMD columns a cycle; it opens a credit domain.
// With NF = ceil(ROWS / PE) and SF = ceil(COLS / SIMD) a vector takes NF * SF cycles and there is no bubble between
// vectors. A slot issues when its data are there and, if it is the first of its fold, a credit is held.
// LATENCY: 1 + READ + DOTS (last slot of a fold issued in cycle t, out_valid in cycle t+LATENCY), where READ is the latency of
//   bw_weights and DOTS that of bw_dots; of both kinds' the greater, if only some rows use DSPs
// A word accepted in cycle t can issue in cycle t if NF == 1 or REPLAY == 0, else from cycle t+1 on.
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
  // of the PE rows the first that use DSPs if KIND == 1; the others use LUTs
  parameter DSP_ROWS     = PE,
  // of DSPs: rows that share one, bits between their products, bits of a sum of CHAIN products, columns summed in
  // a chain, whether weights have an offset (see bw_dsp), and bits of a weight as it is stored
  parameter PACK         = 1,
  parameter STEP         = 16,
  parameter FIELD        = A_WIDTH + W_WIDTH + ((A_SIGNED == 0 && W_SIGNED == 0) ? 1 : 0),
  parameter CHAIN        = 1,
  parameter OFFSET       = 0,
  parameter DSP_W_WIDTH  = W_WIDTH,
  // bit p * SIMD + i: no multiplier in row p and column i (see bw_dots)
  parameter [PE*SIMD-1:0] DEAD = {PE * SIMD{1'b0}},
  // vectors at a time, each as above, which share the weights: RUN elements of each in turn; divides SIMD
  parameter PIXELS       = 1,
  parameter RUN          = SIMD,
  // memory file of NF * SF words: word nf * SF + sf has the weights of rows nf * PE + pe and columns sf * SIMD + i, pe outer;
  // those of DSP rows have DSP_W_WIDTH bits, the others W_WIDTH
  parameter WEIGHTS      = "",
  // weight memory: 0 distributed, 1 block; words in a row of a block memory, its rows, and the file of the rest (see bw_rom)
  parameter WEIGHT_STYLE = 0,
  parameter WEIGHT_SEGMENTS = 1,
  parameter WEIGHT_ROWS  = ((ROWS + PE - 1) / PE) * ((COLS + SIMD - 1) / SIMD),
  parameter WEIGHTS_REST = "",
  // 1: weights can be written, so many bits of a word at a time; bits of a place, and the memory's own highest (see bw_store)
  parameter WRITABLE     = 0,
  parameter LANE         = 32,
  parameter PLACE        = 1,
  parameter BASE         = 0,
  // each row has a bias
  parameter HAS_BIAS     = 0,
  // memory file of NF words of PE biases
  parameter BIAS         = "",
  // 1: every vector comes once and is kept for NF folds; 0: the stream itself brings it NF times
  parameter REPLAY       = 1,
  // words of the input buffer, at least SF (used if NF > 1 and REPLAY), and its memory: 0 distributed, 1 block
  parameter BUFFER_DEPTH = 2 * ((COLS + SIMD - 1) / SIMD),
  parameter BUFFER_STYLE = 0,
  // credits: output words in flight
  parameter CREDITS      = 16
) (
  input  wire                    clk,
  input  wire                    rst_n,
  input  wire                    in_valid,
  output wire                    in_ready,
  input  wire [PIXELS*SIMD*A_WIDTH-1:0] in_data,
  output reg                     out_valid,
  // those of the first vector lowest
  output wire [PIXELS*PE*ACC_WIDTH-1:0] out_data,
  input  wire                    credit,
  // a word of weights and its place, if they can be written
  input  wire                    write_valid,
  input  wire [PLACE+31:0]       write_data
);
  localparam NF = (ROWS + PE - 1) / PE;
  localparam SF = (COLS + SIMD - 1) / SIMD;
  // Rows by DSPs and by the rest, and cycles that both take from their operands to their sums (see bw_dots).
  localparam D        = (KIND == 1) ? DSP_ROWS : 0;
  localparam L        = PE - D;
  localparam W_DIGITS = (W_SIGNED != 0) ? (W_WIDTH + 1) / 2 : W_WIDTH / 2 + 1;
  localparam A_DIGITS = (A_SIGNED != 0) ? (A_WIDTH + 1) / 2 : A_WIDTH / 2 + 1;
  localparam DIGITS   = (A_DIGITS < W_DIGITS) ? A_DIGITS : W_DIGITS;
  localparam MUL      = (A_WIDTH + W_WIDTH > 6 && DIGITS > 1) ? DIGITS / 2 : 1;
  localparam D_DOTS   = (D == 0) ? 0 : 1 + CHAIN + $clog2((SIMD + CHAIN - 1) / CHAIN);
  localparam L_DOTS   = (L == 0) ? 0 : (KIND == 2) ? 1 + $clog2((SIMD + 3) / 4) : MUL + $clog2(SIMD);
  localparam DOTS     = (D_DOTS > L_DOTS) ? D_DOTS : L_DOTS;
  // Cycles from a slot's issue to its activations.
  localparam LATE     = (NF == 1 || REPLAY == 0) ? 0 : 2;
  localparam D_BITS   = D * SIMD * DSP_W_WIDTH;
  localparam WORD     = D_BITS + L * SIMD * W_WIDTH;
  localparam ADDR     = (NF * SF > 1) ? $clog2(NF * SF) : 1;

  wire                       issue, first, last;
  // A cycle before its weights: a slot, whether it is the first of its fold, whether it is the last.
  wire                       soon, soon_first, soon_last;
  // LATE cycles after issue activations, then with their weights.
  wire [PIXELS*SIMD*A_WIDTH-1:0] source, x;
  wire [WORD-1:0]            w;
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
  bw_weights #(
    .WIDTH   (WORD),
    .DEPTH   (NF * SF),
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
    .X_WIDTH (PIXELS * SIMD * A_WIDTH),
    .LATE    (LATE)
  ) weights (
    .clk        (clk),
    .rst_n      (rst_n),
    .in_valid   (issue),
    .in_tag     ({first, last}),
    .addr       (address),
    .in_x       (source),
    .soon_valid (soon),
    .soon_tag   ({soon_first, soon_last}),
    .data       (w),
    .x          (x),
    .write_valid(write_valid),
    .write_data (write_data)
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

    if (NF == 1 || REPLAY == 0) begin : g_direct
      assign in_ready = ~first | some;
      assign issue    = in_valid & in_ready;
      assign source   = in_data;
    end else begin : g_replay
      wire avail;
      bw_replay #(
        .WIDTH (PIXELS * SIMD * A_WIDTH),
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
        .rdata   (source)
      );
      assign issue = avail & (~first | some);
    end
  endgenerate

  // Bit k: the slot whose weights came k cycles ago, whether it was the first of its fold, whether it was the last.
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
        .step (valid_at[DOTS-1] & first_at[DOTS-1]),
        .index(at)
      );
    end else begin : g_no_bias
      assign bias = {PE * ACC_WIDTH{1'b0}};
    end
  endgenerate

  genvar v, r, p;
  generate
    for (v = 0; v < PIXELS; v = v + 1) begin : g_pixel
      wire [SIMD*A_WIDTH-1:0] own;
      for (r = 0; r < SIMD / RUN; r = r + 1) begin : g_run
        assign own[r*RUN*A_WIDTH +: RUN*A_WIDTH] = x[(r*PIXELS+v)*RUN*A_WIDTH +: RUN*A_WIDTH];
      end

      // Of every row what to add.
      wire [PE*ACC_WIDTH-1:0] sums;
      wire [PE-1:0]           carry;
      if (D > 0) begin : g_dsp
        bw_dots #(
          .KIND     (1),
          .PE       (D),
          .SIMD     (SIMD),
          .A_WIDTH  (A_WIDTH),
          .A_SIGNED (A_SIGNED),
          .W_WIDTH  (DSP_W_WIDTH),
          .W_SIGNED (W_SIGNED),
          .PACK     (PACK),
          .STEP     (STEP),
          .FIELD    (FIELD),
          .CHAIN    (CHAIN),
          .OFFSET   (OFFSET),
          .OUT_WIDTH(ACC_WIDTH),
          .WAIT     (DOTS - D_DOTS),
          .DEAD     (DEAD[D*SIMD-1:0])
        ) dots (
          .clk  (clk),
          .x    (own),
          .w    (w[D_BITS-1:0]),
          .sum  (sums[D*ACC_WIDTH-1:0]),
          .carry(carry[D-1:0])
        );
      end
      if (L > 0) begin : g_lut
        bw_dots #(
          .KIND     ((KIND == 2) ? 2 : 0),
          .PE       (L),
          .SIMD     (SIMD),
          .A_WIDTH  (A_WIDTH),
          .A_SIGNED (A_SIGNED),
          .W_WIDTH  (W_WIDTH),
          .W_SIGNED (W_SIGNED),
          .OUT_WIDTH(ACC_WIDTH),
          .WAIT     (DOTS - L_DOTS),
          .DEAD     (DEAD[PE*SIMD-1:D*SIMD])
        ) dots (
          .clk  (clk),
          .x    (own),
          .w    (w[WORD-1:D_BITS]),
          .sum  (sums[PE*ACC_WIDTH-1:D*ACC_WIDTH]),
          .carry(carry[PE-1:D])
        );
      end

      for (p = 0; p < PE; p = p + 1) begin : g_pe
        wire [ACC_WIDTH-1:0] base;
        reg  [ACC_WIDTH-1:0] acc;

        if (SF == 1) begin : g_once
          assign base = bias[p*ACC_WIDTH +: ACC_WIDTH];
        end else begin : g_accumulate
          assign base = first_at[DOTS] ? bias[p*ACC_WIDTH +: ACC_WIDTH] : acc;
        end
        always @(posedge clk)
          if (valid_at[DOTS]) acc <= sums[p*ACC_WIDTH +: ACC_WIDTH] + base + {{(ACC_WIDTH - 1){1'b0}}, carry[p]};

        assign out_data[(v*PE+p)*ACC_WIDTH +: ACC_WIDTH] = acc;
      end
    end
  endgenerate
endmodule
