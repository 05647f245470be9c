// SPDX-License-Identifier: Apache-2.0
// y = (a - ZA) * (b - ZB) in every lane, modulo 2**OUT_WIDTH.
// LATENCY: (ZA != 0 || ZB != 0) + (KIND == 1 ? 1 : MUL + 1), where MUL = AW + BW <= 6 ? 1 : max(1, min(AD, BD) / 2) with the
//   width AW of a - ZA, signed where ZA != 0, and AD = (signed ? AW + 1 : AW + 2) / 2; BW, BD the same of b (integer division)
module bw_product #(
  // lanes a beat
  parameter LANES     = 1,
  // bits of a and b, and whether they are two's complement
  parameter A_WIDTH   = 8,
  parameter A_SIGNED  = 0,
  parameter B_WIDTH   = 8,
  parameter B_SIGNED  = 0,
  // zero points, codes of a and b
  parameter signed [63:0] ZA = 0,
  parameter signed [63:0] ZB = 0,
  // bits of y
  parameter OUT_WIDTH = 16,
  // multiplier: 0 LUT, 1 DSP
  parameter KIND      = 0
) (
  input  wire                               clk,
  input  wire                               rst_n,
  input  wire                               in_valid,
  // all lanes of b, all lanes of a
  input  wire [LANES*(B_WIDTH+A_WIDTH)-1:0] in_data,
  output wire                               out_valid,
  output wire [LANES*OUT_WIDTH-1:0]         out_data
);
  // Bits of code - zero as a signed number, if zero is not 0.
  function automatic integer bits;
    input integer width, is_signed;
    input signed [63:0] zero;
    reg signed [63:0] low, high;
    begin
      low  = ((is_signed != 0) ? -(64'sd1 <<< (width - 1)) : 64'sd0) - zero;
      high = (64'sd1 <<< (width - ((is_signed != 0) ? 1 : 0))) - 64'sd1 - zero;
      bits = 1;
      while (low < -(64'sd1 <<< (bits - 1)) || high >= (64'sd1 <<< (bits - 1))) bits = bits + 1;
      if (zero == 64'sd0) bits = width;
    end
  endfunction

  localparam SHIFTED = (ZA != 64'sd0 || ZB != 64'sd0) ? 1 : 0;
  localparam integer AW = bits(A_WIDTH, A_SIGNED, ZA);
  localparam integer BW = bits(B_WIDTH, B_SIGNED, ZB);
  localparam AS = (A_SIGNED != 0 || ZA != 64'sd0) ? 1 : 0;
  localparam BS = (B_SIGNED != 0 || ZB != 64'sd0) ? 1 : 0;
  localparam AD = (AW + 2 - AS) / 2;
  localparam BD = (BW + 2 - BS) / 2;
  // The operand with fewer radix-4 digits is recoded.
  localparam RECODE_A = (AD < BD) ? 1 : 0;
  localparam DIGITS   = RECODE_A ? AD : BD;
  localparam MUL      = (KIND == 0 && AW + BW > 6 && DIGITS > 1) ? DIGITS / 2 : 1;
  localparam PW       = AW + BW + ((AS == 0 && BS == 0) ? 1 : 0);

  wire [LANES*AW-1:0] a;
  wire [LANES*BW-1:0] b;
  wire [LANES*PW-1:0] products;

  bw_delay #(.CYCLES(SHIFTED + MUL + ((KIND == 0) ? 1 : 0))) delay (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (in_valid),
    .out_valid(out_valid)
  );

  genvar l;
  generate
    for (l = 0; l < LANES; l = l + 1) begin : g_operands
      wire [A_WIDTH-1:0] code_a = in_data[l*A_WIDTH +: A_WIDTH];
      wire [B_WIDTH-1:0] code_b = in_data[LANES*A_WIDTH+l*B_WIDTH +: B_WIDTH];
      if (SHIFTED != 0) begin : g_shift
        wire [63:0]   wide_a = {{(64 - A_WIDTH){(A_SIGNED != 0) & code_a[A_WIDTH-1]}}, code_a} - ZA;
        wire [63:0]   wide_b = {{(64 - B_WIDTH){(B_SIGNED != 0) & code_b[B_WIDTH-1]}}, code_b} - ZB;
        reg  [AW-1:0] held_a;
        reg  [BW-1:0] held_b;
        always @(posedge clk) begin
          held_a <= wide_a[AW-1:0];
          held_b <= wide_b[BW-1:0];
        end
        assign a[l*AW +: AW] = held_a;
        assign b[l*BW +: BW] = held_b;
        wire unused = &{1'b0, wide_a, wide_b};
      end else begin : g_plain
        assign a[l*AW +: AW] = code_a;
        assign b[l*BW +: BW] = code_b;
      end
    end

    if (KIND == 1) begin : g_dsp
      for (l = 0; l < LANES; l = l + 1) begin : g_lane
        // Signed operands of the multiplier.
        wire [AW-1:0]      p = a[l*AW +: AW];
        wire [BW-1:0]      q = b[l*BW +: BW];
        wire signed [AW:0] x = $signed({(AS != 0) & p[AW-1], p});
        wire signed [BW:0] y = $signed({(BS != 0) & q[BW-1], q});
        (* use_dsp = "yes" *)
        reg signed [AW+BW+1:0] held;
        always @(posedge clk) held <= x * y;
        assign products[l*PW +: PW] = held[PW-1:0];
        wire unused = &{1'b0, held};
      end
    end else begin : g_lut
      wire [LANES*PW-1:0] early;
      wire [LANES-1:0]    carry;
      if (RECODE_A != 0) begin : g_recode_a
        bw_mul #(
          .LANES   (LANES),
          .A_WIDTH (BW),
          .A_SIGNED(BS),
          .B_WIDTH (AW),
          .B_SIGNED(AS),
          .P_WIDTH (PW)
        ) mul (
          .clk    (clk),
          .a      (b),
          .b      (a),
          .product(early),
          .carry  (carry)
        );
      end else begin : g_recode_b
        bw_mul #(
          .LANES   (LANES),
          .A_WIDTH (AW),
          .A_SIGNED(AS),
          .B_WIDTH (BW),
          .B_SIGNED(BS),
          .P_WIDTH (PW)
        ) mul (
          .clk    (clk),
          .a      (a),
          .b      (b),
          .product(early),
          .carry  (carry)
        );
      end
      for (l = 0; l < LANES; l = l + 1) begin : g_lane
        reg [PW-1:0] held;
        always @(posedge clk) held <= early[l*PW +: PW] + {{(PW - 1){1'b0}}, carry[l]};
        assign products[l*PW +: PW] = held;
      end
    end

    for (l = 0; l < LANES; l = l + 1) begin : g_result
      if (OUT_WIDTH > PW) begin : g_extend
        assign out_data[l*OUT_WIDTH +: OUT_WIDTH] = {{(OUT_WIDTH - PW){products[l*PW+PW-1]}}, products[l*PW +: PW]};
      end else begin : g_cut
        assign out_data[l*OUT_WIDTH +: OUT_WIDTH] = products[l*PW +: OUT_WIDTH];
      end
    end
  endgenerate

  wire unused = &{1'b0, products};
endmodule
