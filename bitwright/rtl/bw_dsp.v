// SPDX-License-Identifier: Apache-2.0
// Products in DSP slices. The weights of ROWS rows stand STEP bits apart in one operand, so that one multiplication by an
// activation makes a product for each row, and the slices' own adders sum CHAIN columns. A negative field borrows one
// from the field above it, in the weights (the memory holds them less that one) and in the sums (`carries` gives it back):
// row r's sum of all columns is the sum of its terms and carries.
// With FIELD = STEP + 1 a field is one bit wider than its place: its top bit is the slice's bit there, less the lowest bit
// of the field above, which is the parity of the products' lowest bits.
// With OFFSET only the sums borrow: all rows but the last store their weights plus 2**(W_WIDTH-1), and the slice takes off
// again what that adds, and one more, which is row 0's carry. The operand is then a bit shorter.
// Every row's sum of CHAIN columns, less one, must be in FIELD bits, signed; they are STEP + 1 at most.
// With OFFSET an activation times 2**(W_WIDTH-1) must be in STEP bits, signed if ROWS is 2, and not negative if it is more.
// LATENCY: 1 + CHAIN
module bw_dsp #(
  // columns
  parameter LANES    = 4,
  // rows of a slice
  parameter ROWS     = 1,
  // columns that are summed, a slice each; a last chain may be shorter
  parameter CHAIN    = 1,
  // bits of an activation, and whether it is two's complement
  parameter A_WIDTH  = 8,
  parameter A_SIGNED = 0,
  // bits of a weight as it is stored, and whether it is two's complement
  parameter W_WIDTH  = 8,
  parameter W_SIGNED = 1,
  // bits from a row's products to the next row's (used if ROWS > 1), and bits of a term
  parameter STEP     = 16,
  parameter FIELD    = 16,
  // weights of all rows but the last are stored plus 2**(W_WIDTH-1) (CHAIN = 1, W_SIGNED, W_WIDTH > 1)
  parameter OFFSET   = 0
) (
  input  wire                                         clk,
  input  wire [LANES*A_WIDTH-1:0]                     a,
  // weight of row r and column i at r * LANES + i, less one if the row below it borrows, or with an offset
  input  wire [ROWS*LANES*W_WIDTH-1:0]                w,
  // of row r and chain n at r * chains + n
  output wire [ROWS*((LANES+CHAIN-1)/CHAIN)*FIELD-1:0] terms,
  output wire [ROWS*((LANES+CHAIN-1)/CHAIN)-1:0]      carries
);
  localparam CHAINS = (LANES + CHAIN - 1) / CHAIN;
  localparam TOP    = (ROWS - 1) * STEP;
  // Bits of both operands, of their product, and of a sum.
  localparam X      = A_WIDTH + ((A_SIGNED != 0) ? 0 : 1);
  localparam W      = TOP + W_WIDTH + ((W_SIGNED != 0) ? 0 : 1);
  localparam GROWN  = X + W + $clog2(CHAIN);
  localparam P      = (GROWN > TOP + FIELD) ? GROWN : TOP + FIELD;
  localparam OFF    = (OFFSET != 0 && ROWS > 1) ? 1 : 0;
  localparam WIDER  = (ROWS > 1 && FIELD > STEP) ? 1 : 0;

  genvar i, n, r;
  generate
    for (i = 0; i < LANES; i = i + 1) begin : g_column
      // The first columns of a short chain wait, so that all chains end at once.
      localparam FIRST = ((i % CHAIN) == 0) ? 1 : 0;
      localparam WAIT  = (i % CHAIN) + ((i / CHAIN == CHAINS - 1) ? CHAINS * CHAIN - LANES : 0);
      wire [X-1:0]   x_in;
      wire [W-1:0]   w_in;
      // Bit r: the lowest bit of row r's true product.
      wire [ROWS-1:0] odd_in;
      reg signed [P-1:0] sum;

      if (A_SIGNED != 0) begin : g_signed
        assign x_in = a[i*A_WIDTH +: A_WIDTH];
      end else begin : g_unsigned
        assign x_in = {1'b0, a[i*A_WIDTH +: A_WIDTH]};
      end
      for (r = 0; r < ROWS; r = r + 1) begin : g_row
        localparam AT   = (r * LANES + i) * W_WIDTH;
        localparam BITS = (r == ROWS - 1) ? W - TOP : STEP;
        localparam SIGN = (W_SIGNED != 0 && (OFF == 0 || r == ROWS - 1)) ? 1'b1 : 1'b0;
        if (BITS > W_WIDTH) begin : g_extend
          assign w_in[r*STEP +: BITS] = {{(BITS - W_WIDTH){SIGN & w[AT+W_WIDTH-1]}}, w[AT +: W_WIDTH]};
        end else begin : g_exact
          assign w_in[r*STEP +: BITS] = w[AT +: BITS];
        end
        if (r == 0 || OFF != 0) begin : g_lowest
          assign odd_in[r] = a[i*A_WIDTH] & w[AT];
        end else begin : g_borrowed
          assign odd_in[r] = a[i*A_WIDTH] & (w[AT] ^ ((W_SIGNED != 0) & w[AT-LANES*W_WIDTH+W_WIDTH-1]));
        end
      end

      // Operands of the multiplier.
      wire signed [X-1:0] xs;
      wire signed [W-1:0] ws;
      if (WAIT == 0) begin : g_now
        assign xs = $signed(x_in);
        assign ws = $signed(w_in);
      end else begin : g_wait
        reg  [WAIT*X-1:0] x_held;
        reg  [WAIT*W-1:0] w_held;
        wire [(WAIT+1)*X-1:0] x_next = {x_held, x_in};
        wire [(WAIT+1)*W-1:0] w_next = {w_held, w_in};
        always @(posedge clk) begin
          x_held <= x_next[WAIT*X-1:0];
          w_held <= w_next[WAIT*W-1:0];
        end
        assign xs = $signed(x_next[WAIT*X +: X]);
        assign ws = $signed(w_next[WAIT*W +: W]);
      end

      (* use_dsp = "yes" *)
      reg  signed [X+W-1:0] product;
      wire signed [P-1:0]   wide = {{(P - X - W){product[X+W-1]}}, product};
      always @(posedge clk) product <= xs * ws;
      if (FIRST != 0) begin : g_first
        if (OFF != 0) begin : g_offset
          // The complement of what the offsets add; with more than two rows that is not negative.
          localparam F = (STEP > X + W_WIDTH - 1) ? STEP : X + W_WIDTH - 1;
          wire        [F-1:0] one = {{(F - X - W_WIDTH + 1){x_in[X-1]}}, x_in, {(W_WIDTH - 1){1'b0}}};
          wire        [P-1:0] excess;
          reg  signed [P-1:0] rest;
          for (r = 0; r < ROWS - 1; r = r + 1) begin : g_row
            assign excess[r*STEP +: STEP] = one[STEP-1:0];
          end
          assign excess[P-1:TOP] = {(P - TOP){(ROWS == 2) & x_in[X-1]}};
          always @(posedge clk) begin
            rest <= ~excess;
            sum  <= wide + rest;
          end
          wire unused = &{1'b0, one};
        end else begin : g_plain
          always @(posedge clk) sum <= wide;
        end
      end else begin : g_next
        always @(posedge clk) sum <= g_column[i-1].sum + wide;
      end

      if (WIDER != 0) begin : g_parity
        reg  [(WAIT+1)*ROWS-1:0] held;
        reg  [ROWS-1:0]          odd;
        wire [(WAIT+2)*ROWS-1:0] next = {held, odd_in};
        always @(posedge clk) held <= next[(WAIT+1)*ROWS-1:0];
        if (FIRST != 0) begin : g_first
          always @(posedge clk) odd <= held[WAIT*ROWS +: ROWS];
        end else begin : g_next
          always @(posedge clk) odd <= g_column[i-1].g_parity.odd ^ held[WAIT*ROWS +: ROWS];
        end
        wire unused = &{1'b0, odd[0], next[(WAIT+1)*ROWS +: ROWS]};
      end else begin : g_no_parity
        wire unused = &{1'b0, odd_in};
      end
    end

    for (n = 0; n < CHAINS; n = n + 1) begin : g_chain
      localparam LAST = (n == CHAINS - 1) ? LANES - 1 : (n + 1) * CHAIN - 1;
      for (r = 0; r < ROWS; r = r + 1) begin : g_field
        wire [FIELD-1:0] field;
        if (WIDER != 0 && r < ROWS - 1) begin : g_wider
          assign field = {g_column[LAST].sum[(r+1)*STEP] ^ g_column[LAST].g_parity.odd[r+1],
                          g_column[LAST].sum[r*STEP +: STEP]};
        end else begin : g_whole
          assign field = g_column[LAST].sum[r*STEP +: FIELD];
        end
        assign terms[(r*CHAINS+n)*FIELD +: FIELD] = field;
        if (r == 0) begin : g_no_carry
          assign carries[r*CHAINS+n] = (OFF != 0) ? 1'b1 : 1'b0;
        end else begin : g_carry
          assign carries[r*CHAINS+n] = g_chain[n].g_field[r-1].field[FIELD-1];
        end
      end
      wire unused = &{1'b0, g_column[LAST].sum};
    end
  endgenerate
endmodule
