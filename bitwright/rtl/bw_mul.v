// SPDX-License-Identifier: Apache-2.0
// LUT multipliers: each lane's a * b = product + carry, where product is signed and carry is left for a later adder's
// carry input. b is recoded in radix 4 (digits -2 .. 2); a digit costs one row of LUTs, which select and add in one.
// Small operands are a table instead.
// LATENCY: (A_WIDTH + B_WIDTH <= 6) ? 1 : max(1, DIGITS / 2), where DIGITS = B_SIGNED ? (B_WIDTH + 1) / 2 : B_WIDTH / 2 + 1
module bw_mul #(
  // multipliers
  parameter LANES    = 1,
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
  input  wire                     clk,
  input  wire [LANES*A_WIDTH-1:0] a,
  input  wire [LANES*B_WIDTH-1:0] b,
  output wire [LANES*P_WIDTH-1:0] product,
  output wire [LANES-1:0]         carry
);
  // Products of the table, if small enough.
  localparam PRODUCTS = (A_WIDTH + B_WIDTH <= 6) ? 1 << (A_WIDTH + B_WIDTH) : 1;

  // Lanes are loops in functions, not instances: simulators of wide units are then quick to build.
  generate
    if (PRODUCTS > 1) begin : g_table
      // Bit k of every product at k * PRODUCTS, by {a, b}.
      localparam [P_WIDTH*PRODUCTS-1:0] TABLE = products(0);
      reg [LANES*P_WIDTH-1:0] value;
      always @(posedge clk) value <= look_up(a, b);
      assign product = value;
      assign carry   = {LANES{1'b0}};

      function automatic [LANES*P_WIDTH-1:0] look_up;
        input [LANES*A_WIDTH-1:0] p;
        input [LANES*B_WIDTH-1:0] q;
        reg   [A_WIDTH+B_WIDTH-1:0] at;
        reg   [PRODUCTS-1:0] column;
        integer i, k;
        for (i = 0; i < LANES; i = i + 1) begin
          at = {p[i*A_WIDTH +: A_WIDTH], q[i*B_WIDTH +: B_WIDTH]};
          for (k = 0; k < P_WIDTH; k = k + 1) begin
            column = TABLE[k*PRODUCTS +: PRODUCTS];
            look_up[i*P_WIDTH+k] = column[at];
          end
        end
      endfunction
    end else begin : g_rows
      localparam DIGITS = (B_SIGNED != 0) ? (B_WIDTH + 1) / 2 : B_WIDTH / 2 + 1;
      localparam STAGES = (DIGITS < 2) ? 1 : DIGITS / 2;
      // Bits of a as a signed number, and of a row.
      localparam M = (A_SIGNED != 0) ? A_WIDTH : A_WIDTH + 1;
      localparam R = M + 2;

      genvar s;
      for (s = 0; s < STAGES; s = s + 1) begin : g_stage
        // The last two digits share the last stage, the two before them the stage before, and so on.
        localparam FIRST = (s == 0) ? 0 : DIGITS - 2 * (STAGES - s);
        localparam LAST  = DIGITS - 1 - 2 * (STAGES - 1 - s);
        // Bits of b from the one below the first digit on, and as many as the digits need.
        localparam BITS  = B_WIDTH + 1 - 2 * FIRST;
        localparam CODE  = 2 * (DIGITS - FIRST) + 1;
        // Bits of the sum before and after these digits: its low bits are final, its top R bits take the next digit.
        localparam OLD   = (s == 0) ? 1 : R + 2 * (FIRST - 1);
        localparam NEW   = R + 2 * LAST;
        localparam KEPT  = (s == STAGES - 1) ? P_WIDTH : NEW;

        wire [LANES*A_WIDTH-1:0] a_in;
        wire [LANES*BITS-1:0]    b_in;
        wire [LANES*OLD-1:0]     sum_in;
        reg  [LANES*KEPT-1:0]    sum;
        reg  [LANES-1:0]         left;

        if (s == 0) begin : g_first
          assign a_in   = a;
          assign b_in   = pad(b);
          assign sum_in = {LANES{1'b0}};
          always @(posedge clk) left <= negative(b_in);

          function automatic [LANES*BITS-1:0] pad;
            input [LANES*B_WIDTH-1:0] q;
            integer i;
            for (i = 0; i < LANES; i = i + 1)
              pad[i*BITS +: BITS] = {q[i*B_WIDTH +: B_WIDTH], 1'b0};
          endfunction

          // Of digit 0.
          function automatic [LANES-1:0] negative;
            input [LANES*BITS-1:0] q;
            integer i;
            for (i = 0; i < LANES; i = i + 1)
              negative[i] = (BITS > 2) ? q[i*BITS+((BITS > 2) ? 2 : 1)] : (B_SIGNED != 0) & q[i*BITS+1];
          endfunction
        end else begin : g_later
          // Bits of b that the stage before had.
          localparam BEFORE = B_WIDTH + 1 - ((s == 1) ? 0 : 2 * (DIGITS - 2 * (STAGES - s + 1)));
          reg [LANES*A_WIDTH-1:0] held_a;
          reg [LANES*BITS-1:0]    held_b;
          always @(posedge clk) begin
            held_a <= g_stage[s-1].a_in;
            held_b <= rest(g_stage[s-1].b_in);
            left   <= g_stage[s-1].left;
          end
          assign a_in   = held_a;
          assign b_in   = held_b;
          assign sum_in = g_stage[s-1].sum;

          function automatic [LANES*BITS-1:0] rest;
            input [LANES*BEFORE-1:0] q;
            integer i;
            for (i = 0; i < LANES; i = i + 1)
              rest[i*BITS +: BITS] = q[(i+1)*BEFORE-1 -: BITS];
          endfunction
        end

        always @(posedge clk) sum <= add_digits(a_in, b_in, sum_in);

        function automatic [LANES*KEPT-1:0] add_digits;
          input [LANES*A_WIDTH-1:0] p;
          input [LANES*BITS-1:0]    q;
          input [LANES*OLD-1:0]     so_far;
          // Of one lane: a, b, the sum, a digit of b, what it selects, and what becomes the top of the sum.
          reg        [R-1:0]    plain, row;
          reg        [CODE:0]   code;
          reg        [NEW-1:0]  total;
          reg        [2:0]      digit;
          reg        [R:0]      added;
          integer               i, d;
          for (i = 0; i < LANES; i = i + 1) begin
            plain = {{(R - A_WIDTH){(A_SIGNED != 0) & p[(i+1)*A_WIDTH-1]}}, p[i*A_WIDTH +: A_WIDTH]};
            code  = {{(CODE + 1 - BITS){(B_SIGNED != 0) & q[(i+1)*BITS-1]}}, q[i*BITS +: BITS]};
            total = {NEW{1'b0}};
            total[OLD-1:0] = so_far[i*OLD +: OLD];
            for (d = FIRST; d <= LAST; d = d + 1) begin
              digit = code[2*(d-FIRST) +: 3];
              // The row is one less than digit * a where the digit is negative: digit[2] is the missing carry.
              row   = (({R{digit[1] ^ digit[0]}} & plain)
                    | ({R{(digit == 3'b100) | (digit == 3'b011)}} & {plain[R-2:0], 1'b0})) ^ {R{digit[2]}};
              // The carry enters by a bit below: an addition of two operands keeps the sum on the carry chain's own inputs, and
              // the LUTs in front of the chain then hold the row too.
              added = {row, digit[2]};
              if (d > 0)
                added = added + {{2{total[R+2*d-3]}}, total[2*d +: R-2], 1'b1};
              total[2*d +: R] = added[R:1];
            end
            add_digits[i*KEPT +: KEPT] = total[KEPT-1:0];
          end
        endfunction
      end

      assign product = g_stage[STAGES-1].sum;
      assign carry   = g_stage[STAGES-1].left;
    end
  endgenerate

  function automatic [P_WIDTH*PRODUCTS-1:0] products;
    input unused;  // a function has an input
    integer i, k, p, q;
    begin
      products = {P_WIDTH * PRODUCTS{1'b0 & unused}};
      for (i = 0; i < PRODUCTS; i = i + 1) begin
        p = i >> B_WIDTH;
        q = i & ((1 << B_WIDTH) - 1);
        if (A_SIGNED != 0 && p >= (1 << (A_WIDTH - 1))) p = p - (1 << A_WIDTH);
        if (B_SIGNED != 0 && q >= (1 << (B_WIDTH - 1))) q = q - (1 << B_WIDTH);
        for (k = 0; k < P_WIDTH; k = k + 1)
          products[k*PRODUCTS+i] = (((p * q) >>> k) & 1) != 0;
      end
    end
  endfunction
endmodule
