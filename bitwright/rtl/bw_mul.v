// SPDX-License-Identifier: Apache-2.0
// LUT multiplier: a * b = product + carry, where product is signed and carry is left for a later adder's carry input.
// b is recoded in radix 4 (digits -2 .. 2); a digit costs one row of LUTs, which select and add in one.
// Small operands are a table instead.
// LATENCY: (A_WIDTH + B_WIDTH <= 6) ? 1 : max(1, DIGITS / 2), where DIGITS = B_SIGNED ? (B_WIDTH + 1) / 2 : B_WIDTH / 2 + 1
module bw_mul #(
  // bits of a
  parameter A_WIDTH  = 8,
  // a is two's complement
  parameter A_SIGNED = 0,
  // bits of b, the recoded operand
  parameter B_WIDTH  = 8,
  // b is two's complement
  parameter B_SIGNED = 1,
  // bits kept of the product; at most A_WIDTH + B_WIDTH + (neither is signed)
  parameter P_WIDTH  = 16
) (
  input  wire               clk,
  input  wire [A_WIDTH-1:0] a,
  input  wire [B_WIDTH-1:0] b,
  output wire [P_WIDTH-1:0] product,
  output wire               carry
);
  // Products of the table, if small enough.
  localparam PRODUCTS = (A_WIDTH + B_WIDTH <= 6) ? 1 << (A_WIDTH + B_WIDTH) : 1;

  generate
    if (PRODUCTS > 1) begin : g_table
      reg [P_WIDTH-1:0] value;
      genvar k;
      for (k = 0; k < P_WIDTH; k = k + 1) begin : g_bit
        localparam [PRODUCTS-1:0] TABLE = column(k);
        always @(posedge clk) value[k] <= TABLE[{a, b}];
      end
      assign product = value;
      assign carry   = 1'b0;
    end else begin : g_rows
      localparam DIGITS = (B_SIGNED != 0) ? (B_WIDTH + 1) / 2 : B_WIDTH / 2 + 1;
      localparam STAGES = (DIGITS < 2) ? 1 : DIGITS / 2;
      // Bits of a as a signed number, and of a row.
      localparam M = (A_SIGNED != 0) ? A_WIDTH : A_WIDTH + 1;
      localparam R = M + 2;
      localparam TOTAL = R + 2 * (DIGITS - 1);

      // a signed, b with the zero below its first digit, and the carry of the first digit, at every stage.
      wire [M-1:0]        a_at     [0:STAGES-1];
      wire [2*DIGITS:0]   b_at     [0:STAGES-1];
      // The sum so far, after each digit: its low bits are final, its top R bits take the next digit.
      wire [TOTAL-1:0]    sum      [0:DIGITS-1];
      wire [STAGES:0]     carry_at;

      if (A_SIGNED != 0) begin : g_a_signed
        assign a_at[0] = a;
      end else begin : g_a_unsigned
        assign a_at[0] = {1'b0, a};
      end
      if (2 * DIGITS > B_WIDTH) begin : g_b_extend
        assign b_at[0] = {{(2 * DIGITS - B_WIDTH){(B_SIGNED != 0) & b[B_WIDTH-1]}}, b, 1'b0};
      end else begin : g_b_exact
        assign b_at[0] = {b, 1'b0};
      end
      assign carry_at[0] = b_at[0][2];

      genvar s, d;
      for (s = 0; s < STAGES; s = s + 1) begin : g_stage
        reg held_carry;
        always @(posedge clk) held_carry <= carry_at[s];
        assign carry_at[s+1] = held_carry;
        if (s > 0) begin : g_delay
          reg [M-1:0]      held_a;
          reg [2*DIGITS:0] held_b;
          always @(posedge clk) begin
            held_a <= a_at[s-1];
            held_b <= b_at[s-1];
          end
          assign a_at[s] = held_a;
          assign b_at[s] = held_b;
        end
      end

      for (d = 0; d < DIGITS; d = d + 1) begin : g_digit
        // The last two digits share the last stage, the two before them the stage before, and so on.
        localparam BACK  = (DIGITS - 1 - d) / 2;
        localparam STAGE = (BACK > STAGES - 1) ? 0 : STAGES - 1 - BACK;
        localparam LAST  = (d == DIGITS - 1);
        localparam NEXT_BACK = LAST ? 0 : (DIGITS - 2 - d) / 2;
        localparam NEXT  = LAST ? STAGES : ((NEXT_BACK > STAGES - 1) ? 0 : STAGES - 1 - NEXT_BACK);
        wire [2:0]   digit = b_at[STAGE][2*d +: 3];
        wire         one   = digit[1] ^ digit[0];
        wire         two   = (digit == 3'b100) | (digit == 3'b011);
        wire [R-1:0] plain = {{2{a_at[STAGE][M-1]}}, a_at[STAGE]};
        // The row is one less than digit * a where the digit is negative: digit[2] is the missing carry.
        wire [R-1:0] row   = (({R{one}} & plain) | ({R{two}} & {plain[R-2:0], 1'b0})) ^ {R{digit[2]}};
        wire [TOTAL-1:0] raw;

        if (d == 0) begin : g_first
          assign raw = {{(TOTAL - R){row[R-1]}}, row};
        end else begin : g_next
          wire signed [R-1:0] high  = $signed({{2{sum[d-1][R+2*d-3]}}, sum[d-1][2*d +: R-2]});
          wire signed [R-1:0] added = high + $signed(row) + $signed({{(R - 1){1'b0}}, digit[2]});
          if (LAST) begin : g_last
            assign raw = {added, sum[d-1][2*d-1:0]};
          end else begin : g_middle
            assign raw = {{(TOTAL - R - 2 * d){added[R-1]}}, added, sum[d-1][2*d-1:0]};
          end
        end

        if (NEXT != STAGE) begin : g_register
          reg [TOTAL-1:0] held;
          always @(posedge clk) held <= raw;
          assign sum[d] = held;
        end else begin : g_wire
          assign sum[d] = raw;
        end
      end

      assign product = sum[DIGITS-1][P_WIDTH-1:0];
      assign carry   = carry_at[STAGES];

      wire unused = &{1'b0, sum[DIGITS-1], b_at[STAGES-1]};
    end
  endgenerate

  // Bit `place` of every product of the table, by {a, b}.
  function [PRODUCTS-1:0] column;
    input integer place;
    integer i, p, q;
    begin
      column = 0;
      for (i = 0; i < PRODUCTS; i = i + 1) begin
        p = i >> B_WIDTH;
        q = i & ((1 << B_WIDTH) - 1);
        if (A_SIGNED != 0 && p >= (1 << (A_WIDTH - 1))) p = p - (1 << A_WIDTH);
        if (B_SIGNED != 0 && q >= (1 << (B_WIDTH - 1))) q = q - (1 << B_WIDTH);
        if ((((p * q) >>> place) & 1) != 0) column[i] = 1'b1;
      end
    end
  endfunction
endmodule
