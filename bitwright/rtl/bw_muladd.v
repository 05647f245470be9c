// SPDX-License-Identifier: Apache-2.0
// LUT multiplier and adder: y = a * c / 2^DROP + b. c is recoded in radix 4 (digits -2 .. 2); a digit costs one row of
// LUTs, which select and add in one, and the first row adds b too, as far as it reaches.
// What is below 2^DROP is not computed: y * 2^DROP is less than a * c + b * 2^DROP by e, where 0 <= e <= 2^DROP for each
// digit i with 2 * i < DROP, and e = 0 without such a digit.
// LATENCY: (DIGITS + 1) / 2 + 1, where DIGITS = C_SIGNED ? (C_WIDTH + 1) / 2 : C_WIDTH / 2 + 1 (integer division)
module bw_muladd #(
  // bits of a, and whether it is two's complement
  parameter A_WIDTH  = 16,
  parameter A_SIGNED = 1,
  // bits of c, the recoded operand, and whether it is two's complement
  parameter C_WIDTH  = 16,
  parameter C_SIGNED = 1,
  // bits of b, two's complement
  parameter B_WIDTH  = 32,
  // columns left out; at most A_WIDTH - 2
  parameter DROP     = 0,
  // bits of y, two's complement
  parameter Y_WIDTH  = 33
) (
  input  wire               clk,
  input  wire [A_WIDTH-1:0] a,
  input  wire [C_WIDTH-1:0] c,
  input  wire [B_WIDTH-1:0] b,
  output wire [Y_WIDTH-1:0] y
);
  // Bits of a as a signed number, and of a row.
  localparam M      = (A_SIGNED != 0) ? A_WIDTH : A_WIDTH + 1;
  localparam R      = M + 2;
  localparam DIGITS = (C_SIGNED != 0) ? (C_WIDTH + 1) / 2 : C_WIDTH / 2 + 1;
  localparam STAGES = (DIGITS + 1) / 2;
  // Bits of c with one below and as many above as the digits need.
  localparam CODE   = 2 * DIGITS + 1;
  // Bits of b that the first row adds; the others are added at the end.
  localparam F      = M - DROP;
  localparam HIGH   = (B_WIDTH > F + 1) ? B_WIDTH - F : 0;
  // Bits of the sum of all rows, and of the last sum.
  localparam ROWS   = R + 2 * (DIGITS - 1) - DROP;
  localparam E      = (Y_WIDTH > ROWS) ? Y_WIDTH : ROWS;

  genvar d, s;
  generate
    for (d = 0; d < DIGITS; d = d + 1) begin : g_digit
      // The row's place, its columns that are left out, its bits, and those of the sum with it.
      localparam AT    = (2 * d > DROP) ? 2 * d : DROP;
      localparam CUT   = AT - 2 * d;
      localparam W     = R - CUT;
      localparam TOTAL = R + 2 * d - DROP;
      // Bits of c from the one below this digit on, and after it.
      localparam HERE  = CODE - 2 * d;
      localparam NEXT  = (HERE > 3) ? HERE - 2 : 1;

      wire [R-1:0]     plain;
      wire [HERE-1:0]  code;
      wire [W-1:0]     addend;
      wire [TOTAL-1:0] total;
      wire [R-1:0]     whole;
      wire [W-1:0]     sum;
      // What the next digit sees.
      wire [R-1:0]     next_plain;
      wire [NEXT-1:0]  next_code;
      wire [TOTAL-1:0] next_total;

      if (d == 0) begin : g_first
        assign plain = {{(R - A_WIDTH){(A_SIGNED != 0) & a[A_WIDTH-1]}}, a};
        assign code  = {{(CODE - 1 - C_WIDTH){(C_SIGNED != 0) & c[C_WIDTH-1]}}, c, 1'b0};
        if (HIGH != 0) begin : g_low
          assign addend = {2'b00, b[F-1:0]};
        end else begin : g_all
          assign addend = {{(W - B_WIDTH){b[B_WIDTH-1]}}, b};
        end
        assign total = sum;
      end else begin : g_later
        // Bits of the sum so far, and those of them that are final.
        localparam OLD  = TOTAL - 2;
        localparam DONE = AT - DROP;
        wire [OLD-1:0] old;
        assign plain  = g_digit[d-1].next_plain;
        assign code   = g_digit[d-1].next_code;
        assign old    = g_digit[d-1].next_total;
        assign addend = {{2{old[OLD-1]}}, old[OLD-1:DONE]};
        if (DONE > 0) begin : g_done
          assign total = {sum, old[DONE-1:0]};
        end else begin : g_none
          assign total = sum;
        end
      end

      // The row is one less than digit * a where the digit is negative: code[2] is the missing carry.
      assign whole = (({R{code[1] ^ code[0]}} & plain)
                   | ({R{(code[2:0] == 3'b100) | (code[2:0] == 3'b011)}} & {plain[R-2:0], 1'b0})) ^ {R{code[2]}};
      if (CUT == 0) begin : g_exact
        // The carry enters by a bit below: the LUTs in front of a chain of two operands then hold the row too.
        wire [W:0] added = {whole, code[2]} + {addend, 1'b1};
        assign sum = added[W:1];
        wire unused = added[0];
      end else begin : g_cut
        assign sum = whole[R-1:CUT] + addend;
        wire unused = &{1'b0, whole[CUT-1:0]};
      end

      if ((DIGITS - 1 - d) % 2 == 0) begin : g_register
        reg [TOTAL-1:0] held_total;
        always @(posedge clk) held_total <= total;
        assign next_total = held_total;
        if (d + 1 < DIGITS) begin : g_more
          reg [M-1:0]    held_plain;
          reg [NEXT-1:0] held_code;
          always @(posedge clk) begin
            held_plain <= plain[M-1:0];
            held_code  <= code[HERE-1:2];
          end
          assign next_plain = {{2{held_plain[M-1]}}, held_plain};
          assign next_code  = held_code;
        end else begin : g_last
          assign next_plain = {R{1'b0}};
          assign next_code  = {NEXT{1'b0}};
        end
      end else begin : g_wire
        assign next_total = total;
        assign next_plain = plain;
        assign next_code  = code[HERE-1:2];
      end
    end

    wire [E-1:0] rows = {{(E - ROWS){g_digit[DIGITS-1].next_total[ROWS-1]}}, g_digit[DIGITS-1].next_total};
    reg  [E-1:0] last;
    if (HIGH != 0) begin : g_high
      wire [HIGH-1:0] rest [0:STAGES];
      assign rest[0] = b[B_WIDTH-1:F];
      for (s = 0; s < STAGES; s = s + 1) begin : g_wait
        reg [HIGH-1:0] held;
        always @(posedge clk) held <= rest[s];
        assign rest[s+1] = held;
      end
      wire [E-F-1:0] high = {{(E - F - HIGH){rest[STAGES][HIGH-1]}}, rest[STAGES]};
      always @(posedge clk) last <= {rows[E-1:F] + high, rows[F-1:0]};
    end else begin : g_no_high
      always @(posedge clk) last <= rows;
    end
  endgenerate

  assign y = last[Y_WIDTH-1:0];
  wire unused = &{1'b0, last, g_digit[DIGITS-1].next_plain, g_digit[DIGITS-1].next_code};
endmodule
