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
  // Digit k of m in canonical form: 0, 1 or -1.
  function automatic integer digit;
    input signed [63:0] m;
    input integer k;
    reg signed [65:0] three, one;
    begin
      one   = $signed({{2{m[63]}}, m});
      three = one + one + one;
      digit = (three[k+1] == one[k+1]) ? 0 : one[k+1] ? -1 : 1;
    end
  endfunction

  function automatic integer digits;
    input signed [63:0] m;
    integer k;
    begin
      digits = 0;
      for (k = 0; k < 64; k = k + 1) if (digit(m, k) != 0) digits = digits + 1;
    end
  endfunction

  localparam integer OF_A  = digits(MA);
  localparam integer OF_B  = digits(MB);
  localparam integer COUNT = OF_A + OF_B + ((C != 64'sd0) ? 1 : 0);
  localparam integer TERMS = (COUNT > 0) ? COUNT : 1;
  localparam integer LEVELS = (TERMS > 1) ? $clog2(TERMS) : 1;

  // Place of the digit that is number n of m's, from the lowest.
  function automatic integer place;
    input signed [63:0] m;
    input integer n;
    integer k, seen;
    begin
      place = 0;
      seen  = 0;
      for (k = 0; k < 64; k = k + 1)
        if (digit(m, k) != 0) begin
          if (seen == n) place = k;
          seen = seen + 1;
        end
    end
  endfunction

  // Terms n .. last together: the factor of a (what = 0) or of b (1), or the constant (2).
  function automatic signed [63:0] part;
    input integer what, n, last;
    integer i, k;
    begin
      part = 64'sd0;
      for (i = n; i <= last; i = i + 1)
        if (i < OF_A) begin
          k = place(MA, i);
          if (what == 0) part = part + ((digit(MA, k) > 0) ? 64'sd1 <<< k : -(64'sd1 <<< k));
        end else if (i < OF_A + OF_B) begin
          k = place(MB, i - OF_A);
          if (what == 1) part = part + ((digit(MB, k) > 0) ? 64'sd1 <<< k : -(64'sd1 <<< k));
        end else if (i < COUNT && what == 2)
          part = part + C;
    end
  endfunction

  // All of the terms n .. last are subtracted: their node holds minus their sum, unless it is the last one.
  function automatic negative;
    input integer n, last;
    integer i;
    begin
      negative = 1'b1;
      for (i = n; i <= last; i = i + 1)
        if (i < OF_A) negative = negative & (digit(MA, place(MA, i)) < 0);
        else if (i < OF_A + OF_B) negative = negative & (digit(MB, place(MB, i - OF_A)) < 0);
        else negative = 1'b0;
    end
  endfunction

  localparam signed [63:0] A_LEAST = (A_SIGNED != 0) ? -(64'sd1 <<< (A_WIDTH - 1)) : 64'sd0;
  localparam signed [63:0] A_MOST  = (64'sd1 <<< (A_WIDTH - ((A_SIGNED != 0) ? 1 : 0))) - 64'sd1;
  localparam signed [63:0] B_LEAST = (B_SIGNED != 0) ? -(64'sd1 <<< (B_WIDTH - 1)) : 64'sd0;
  localparam signed [63:0] B_MOST  = (64'sd1 <<< (B_WIDTH - ((B_SIGNED != 0) ? 1 : 0))) - 64'sd1;

  // Bits of the node of terms n .. last, at most OUT_WIDTH.
  function automatic integer bits;
    input integer n, last;
    input minus;
    reg signed [63:0] a, b, low, high, swap;
    begin
      a    = part(0, n, last);
      b    = part(1, n, last);
      low  = part(2, n, last) + ((a < 64'sd0) ? a * A_MOST : a * A_LEAST) + ((b < 64'sd0) ? b * B_MOST : b * B_LEAST);
      high = part(2, n, last) + ((a < 64'sd0) ? a * A_LEAST : a * A_MOST) + ((b < 64'sd0) ? b * B_LEAST : b * B_MOST);
      if (minus) begin
        swap = low;
        low  = -high;
        high = -swap;
      end
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
    for (i = 0; i < LANES; i = i + 1) begin : g_lane
      wire [A_WIDTH-1:0] a = in_data[i*A_WIDTH +: A_WIDTH];
      wire [B_WIDTH-1:0] b = in_data[LANES*A_WIDTH+i*B_WIDTH +: B_WIDTH];
      wire signed [63:0] wide_a = $signed({{(64 - A_WIDTH){(A_SIGNED != 0) & a[A_WIDTH-1]}}, a});
      wire signed [63:0] wide_b = $signed({{(64 - B_WIDTH){(B_SIGNED != 0) & b[B_WIDTH-1]}}, b});

      for (l = 0; l <= LEVELS; l = l + 1) begin : g_level
        localparam NODES = (TERMS + (1 << l) - 1) >> l;
        for (n = 0; n < NODES; n = n + 1) begin : g_node
          wire signed [63:0] value;

          if (l == 0) begin : g_term
            // Without its sign.
            if (n < OF_A) begin : g_a
              assign value = wide_a <<< place(MA, n);
            end else if (n < OF_A + OF_B) begin : g_b
              assign value = wide_b <<< place(MB, n - OF_A);
            end else begin : g_c
              assign value = C;
            end
          end else begin : g_sum
            // Terms below the two operands: FIRST .. MIDDLE - 1 and MIDDLE .. LAST; there may be no second.
            localparam integer FIRST  = n << l;
            localparam integer MIDDLE = FIRST + (1 << (l - 1));
            localparam integer END    = (n + 1) << l;
            localparam integer LAST   = (END < TERMS) ? END - 1 : TERMS - 1;
            localparam TWO    = (MIDDLE <= LAST) ? 1 : 0;
            localparam MINUS0 = negative(FIRST, (TWO != 0) ? MIDDLE - 1 : LAST);
            localparam MINUS1 = (TWO != 0) ? negative(MIDDLE, LAST) : MINUS0;
            // The last node has its sign.
            localparam MINUS  = MINUS0 & MINUS1 & (l < LEVELS);
            localparam integer W = bits(FIRST, LAST, MINUS);
            wire signed [63:0] total;
            reg  [W-1:0]       held;

            if (TWO == 0) begin : g_one
              assign total = (MINUS0 != MINUS) ? -g_level[l-1].g_node[2*n].value : g_level[l-1].g_node[2*n].value;
            end else if (MINUS0 & MINUS1 & ~MINUS) begin : g_minus
              assign total = -g_level[l-1].g_node[2*n].value - g_level[l-1].g_node[2*n+1].value;
            end else if (MINUS0 == MINUS1) begin : g_plus
              assign total = g_level[l-1].g_node[2*n].value + g_level[l-1].g_node[2*n+1].value;
            end else if (MINUS1) begin : g_second
              assign total = g_level[l-1].g_node[2*n].value - g_level[l-1].g_node[2*n+1].value;
            end else begin : g_first
              assign total = g_level[l-1].g_node[2*n+1].value - g_level[l-1].g_node[2*n].value;
            end
            always @(posedge clk) held <= total[W-1:0];
            assign value = $signed({{(64 - W){held[W-1]}}, held});
            wire unused = &{1'b0, total};
          end
          // The last node may be wider than y.
          wire unused = &{1'b0, value};
        end
      end
      assign out_data[i*OUT_WIDTH +: OUT_WIDTH] = g_level[LEVELS].g_node[0].value[OUT_WIDTH-1:0];
      // A factor of 0 leaves its operand unread.
      wire unused = &{1'b0, wide_a, wide_b};
    end
  endgenerate
endmodule
