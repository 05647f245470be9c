// SPDX-License-Identifier: Apache-2.0
// y = MA * a + MB * b + C in every lane, modulo 2**OUT_WIDTH, by shifts and adders: each constant is written in canonical
// signed digits, and a tree with a register a level adds a or b, shifted, once a digit.
// LATENCY: max(1, clog2(TERMS)), where TERMS = digits of MA + digits of MB + (C != 0); the digits of m are the bits that
//   differ between m and 3 * m
module bw_sum #(
  // lanes a beat
  parameter LANES     = 1,
  // bits of a and b, and whether they are two's complement
  parameter A_WIDTH   = 8,
  parameter A_SIGNED  = 1,
  parameter B_WIDTH   = 8,
  parameter B_SIGNED  = 1,
  // factors and constant; MA * a, MB * b and C take less than 62 bits
  parameter signed [63:0] MA = 1,
  parameter signed [63:0] MB = 1,
  parameter signed [63:0] C  = 0,
  // bits of y, less than 64
  parameter OUT_WIDTH = 9
) (
  input  wire                               clk,
  input  wire                               rst_n,
  input  wire                               in_valid,
  // all lanes of b, all lanes of a
  input  wire [LANES*(B_WIDTH+A_WIDTH)-1:0] in_data,
  output wire                               out_valid,
  output wire [LANES*OUT_WIDTH-1:0]         out_data
);
  // Where m and 3 * m differ: bit k + 1 says that digit k of m is not 0. It is -1 where m has bit k + 1.
  function automatic [65:0] digits;
    input signed [63:0] m;
    reg signed [65:0] wide;
    begin
      wide   = $signed({{2{m[63]}}, m});
      digits = wide ^ (wide + wide + wide);
    end
  endfunction

  localparam [65:0] DIGITS_A = digits(MA);
  localparam [65:0] DIGITS_B = digits(MB);
  // Digits are below bit 62.
  localparam PLACES = 62;

  function automatic integer ones;
    input [65:0] bits_in;
    integer k;
    begin
      ones = 0;
      for (k = 0; k < 66; k = k + 1) if (bits_in[k]) ones = ones + 1;
    end
  endfunction

  localparam integer OF_A   = ones(DIGITS_A);
  localparam integer OF_B   = ones(DIGITS_B);
  localparam integer COUNT  = OF_A + OF_B + ((C != 64'sd0) ? 1 : 0);
  localparam integer TERMS  = (COUNT > 0) ? COUNT : 1;
  localparam integer LEVELS = (TERMS > 1) ? $clog2(TERMS) : 1;

  // Of each term a byte: its place, and whether it is subtracted. Digits of a, then those of b, each from the lowest up.
  localparam [8*TERMS-1:0] LIST = terms(0);
  function automatic [8*TERMS-1:0] terms;
    input unused;
    integer k, n;
    begin
      terms = {8 * TERMS{1'b0 & unused}};
      n = 0;
      for (k = 0; k < PLACES; k = k + 1)
        if (DIGITS_A[k+1]) begin
          terms[8*n +: 8] = {MA[k+1], k[6:0]};
          n = n + 1;
        end
      for (k = 0; k < PLACES; k = k + 1)
        if (DIGITS_B[k+1]) begin
          terms[8*n +: 8] = {MB[k+1], k[6:0]};
          n = n + 1;
        end
    end
  endfunction

  // All of the terms n .. last are subtracted: their node holds minus their sum, unless it is the last one.
  function automatic negative;
    input integer n, last;
    integer i;
    begin
      negative = 1'b1;
      for (i = n; i <= last; i = i + 1) negative = negative & LIST[8*i+7];
    end
  endfunction

  localparam signed [63:0] A_LEAST = (A_SIGNED != 0) ? -(64'sd1 <<< (A_WIDTH - 1)) : 64'sd0;
  localparam signed [63:0] A_MOST  = (64'sd1 <<< (A_WIDTH - ((A_SIGNED != 0) ? 1 : 0))) - 64'sd1;
  localparam signed [63:0] B_LEAST = (B_SIGNED != 0) ? -(64'sd1 <<< (B_WIDTH - 1)) : 64'sd0;
  localparam signed [63:0] B_MOST  = (64'sd1 <<< (B_WIDTH - ((B_SIGNED != 0) ? 1 : 0))) - 64'sd1;

  // Bits of the sum of terms n .. last, or of minus that, as a signed number; at most OUT_WIDTH.
  function automatic integer bits;
    input integer n, last;
    input minus;
    reg signed [63:0] a, b, c, step, low, high;
    integer i;
    begin
      a = 64'sd0;
      b = 64'sd0;
      c = 64'sd0;
      for (i = n; i <= last; i = i + 1) begin
        step = 64'sd1 <<< LIST[8*i +: 7];
        if (LIST[8*i+7] != minus) step = -step;
        if (i < OF_A) a = a + step;
        else if (i < OF_A + OF_B) b = b + step;
        else c = minus ? -C : C;
      end
      low  = c + ((a < 64'sd0) ? a * A_MOST : a * A_LEAST) + ((b < 64'sd0) ? b * B_MOST : b * B_LEAST);
      high = c + ((a < 64'sd0) ? a * A_LEAST : a * A_MOST) + ((b < 64'sd0) ? b * B_LEAST : b * B_MOST);
      bits = 1;
      while (bits < OUT_WIDTH && (low < -(64'sd1 <<< (bits - 1)) || high >= (64'sd1 <<< (bits - 1)))) bits = bits + 1;
    end
  endfunction

  bw_delay #(.CYCLES(LEVELS)) delay (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (in_valid),
    .out_valid(out_valid)
  );

  genvar i, l, n;
  generate
    for (l = 0; l <= LEVELS; l = l + 1) begin : g_level
      localparam NODES = (TERMS + (1 << l) - 1) >> l;
      for (n = 0; n < NODES; n = n + 1) begin : g_node
        // Terms of the node.
        localparam integer FIRST = n << l;
        localparam integer END   = (n + 1) << l;
        localparam integer LAST  = (END < TERMS) ? END - 1 : TERMS - 1;
        // It holds minus their sum. The result has its sign.
        localparam MINUS = negative(FIRST, LAST) & (l < LEVELS);
        localparam integer W = bits(FIRST, LAST, MINUS);
        wire [LANES*W-1:0] value;

        for (i = 0; i < LANES; i = i + 1) begin : g_lane
          if (l == 0) begin : g_term
            localparam integer AT = {25'd0, LIST[8*n +: 7]};
            if (n < OF_A) begin : g_a
              wire [A_WIDTH-1:0]    a    = in_data[i*A_WIDTH +: A_WIDTH];
              wire [A_WIDTH+AT+W:0] wide = {{(W + 1){(A_SIGNED != 0) & a[A_WIDTH-1]}}, a, {AT{1'b0}}};
              assign value[i*W +: W] = wide[W-1:0];
              wire unused = &{1'b0, wide};
            end else if (n < OF_A + OF_B) begin : g_b
              wire [B_WIDTH-1:0]    b    = in_data[LANES*A_WIDTH+i*B_WIDTH +: B_WIDTH];
              wire [B_WIDTH+AT+W:0] wide = {{(W + 1){(B_SIGNED != 0) & b[B_WIDTH-1]}}, b, {AT{1'b0}}};
              assign value[i*W +: W] = wide[W-1:0];
              wire unused = &{1'b0, wide};
            end else begin : g_c
              assign value[i*W +: W] = C[W-1:0];
            end
          end else begin : g_sum
            // Terms of the two operands: FIRST .. MIDDLE - 1 and MIDDLE .. LAST; there may be no second.
            localparam integer MIDDLE = FIRST + (1 << (l - 1));
            localparam TWO    = (MIDDLE <= LAST) ? 1 : 0;
            localparam MINUS0 = negative(FIRST, (TWO != 0) ? MIDDLE - 1 : LAST);
            localparam MINUS1 = (TWO != 0) ? negative(MIDDLE, LAST) : MINUS0;
            localparam integer W0 = bits(FIRST, (TWO != 0) ? MIDDLE - 1 : LAST, MINUS0);
            localparam integer W1 = (TWO != 0) ? bits(MIDDLE, LAST, MINUS1) : 1;
            // An operand may be wider than the sum.
            localparam integer X  = (W0 > W1) ? ((W0 > W) ? W0 : W) : ((W1 > W) ? W1 : W);
            wire [W0-1:0] operand0 = g_level[l-1].g_node[2*n].value[i*W0 +: W0];
            wire [W1-1:0] operand1;
            wire [X:0]    wide0 = {{(X + 1 - W0){operand0[W0-1]}}, operand0};
            wire [X:0]    wide1 = {{(X + 1 - W1){operand1[W1-1]}}, operand1};
            wire [X:0]    total;
            reg  [W-1:0]  held;

            if (TWO == 0) begin : g_one
              assign operand1 = 1'b0;
              assign total    = (MINUS0 != MINUS) ? -wide0 : wide0;
            end else begin : g_two
              assign operand1 = g_level[l-1].g_node[2*n+1].value[i*W1 +: W1];
              if (MINUS0 & MINUS1 & ~MINUS) begin : g_minus
                assign total = -wide0 - wide1;
              end else if (MINUS0 == MINUS1) begin : g_plus
                assign total = wide0 + wide1;
              end else if (MINUS1) begin : g_second
                assign total = wide0 - wide1;
              end else begin : g_first
                assign total = wide1 - wide0;
              end
            end
            always @(posedge clk) held <= total[W-1:0];
            assign value[i*W +: W] = held;
            wire unused = &{1'b0, wide1, total};
          end
          if (l == LEVELS && W < OUT_WIDTH) begin : g_extend
            assign out_data[i*OUT_WIDTH +: OUT_WIDTH] = {{(OUT_WIDTH - W){value[i*W+W-1]}}, value[i*W +: W]};
          end else if (l == LEVELS) begin : g_exact
            assign out_data[i*OUT_WIDTH +: OUT_WIDTH] = value[i*W +: W];
          end
        end
      end
    end
  endgenerate

  // A factor of 0 leaves its operand unread.
  wire unused = &{1'b0, in_data};
endmodule
