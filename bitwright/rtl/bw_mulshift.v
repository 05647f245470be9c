// SPDX-License-Identifier: Apache-2.0
// Requantiser by multiplication, per channel: y = clip((m * a + b) >>> SHIFT, LO, HI), cut to OUT_WIDTH bits.
// LATENCY: (FOLDS > 1) + (FOLDS > 64) + MUL + 1 + (CLIP != 0), where MUL = KIND == 1 || IN_WIDTH + M_WIDTH <= 6 ? 1 :
//   max(1, min((M_WIDTH + 1) / 2, IN_SIGNED ? (IN_WIDTH + 1) / 2 : IN_WIDTH / 2 + 1) / 2) (integer division)
module bw_mulshift #(
  // lanes a beat
  parameter LANES     = 1,
  // beats a vector; beat f, lane l is channel f * LANES + l
  parameter FOLDS     = 1,
  // bits of an input, and whether it is two's complement
  parameter IN_WIDTH  = 16,
  parameter IN_SIGNED = 1,
  // bits of m and of b, two's complement
  parameter M_WIDTH   = 16,
  parameter B_WIDTH   = 32,
  // right shift of the sum
  parameter SHIFT     = 16,
  // bits of an output
  parameter OUT_WIDTH = 8,
  // clip, and where; without, the output is the low bits
  parameter CLIP      = 1,
  parameter signed [63:0] LO = -128,
  parameter signed [63:0] HI = 127,
  // multiplier: 0 LUT, 1 DSP
  parameter KIND      = 0,
  // memory file of FOLDS words: lane l has {b, m} at l * (B_WIDTH + M_WIDTH)
  parameter PARAMS    = ""
) (
  input  wire                       clk,
  input  wire                       rst_n,
  input  wire                       in_valid,
  input  wire [LANES*IN_WIDTH-1:0]  in_data,
  output wire                       out_valid,
  output wire [LANES*OUT_WIDTH-1:0] out_data
);
  localparam M_DIGITS = (M_WIDTH + 1) / 2;
  localparam A_DIGITS = (IN_SIGNED != 0) ? (IN_WIDTH + 1) / 2 : IN_WIDTH / 2 + 1;
  localparam RECODE_A = (A_DIGITS < M_DIGITS) ? 1 : 0;
  localparam DIGITS   = RECODE_A ? A_DIGITS : M_DIGITS;
  localparam MUL      = (KIND == 0 && IN_WIDTH + M_WIDTH > 6 && DIGITS > 1) ? DIGITS / 2 : 1;
  // Bits of the product and of the sum.
  localparam PW       = IN_WIDTH + M_WIDTH;
  localparam SW       = ((PW > B_WIDTH) ? PW : B_WIDTH) + 1;
  localparam WORD     = B_WIDTH + M_WIDTH;

  wire [LANES*IN_WIDTH-1:0] data;
  wire [LANES*WORD-1:0]     words;
  wire                      valid;
  genvar l, s;

  bw_fold #(
    .FOLDS(FOLDS),
    .WIDTH(LANES * IN_WIDTH),
    .WORD (LANES * WORD),
    .FILE (PARAMS)
  ) fold (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (in_valid),
    .in_data  (in_data),
    .out_valid(valid),
    .out_data (data),
    .out_word (words)
  );

  bw_delay #(.CYCLES(MUL + 1 + ((CLIP != 0) ? 1 : 0))) delay (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (valid),
    .out_valid(out_valid)
  );

  // m of every lane, and what LUT multipliers make of it.
  wire [LANES*M_WIDTH-1:0] factors;
  wire [LANES*PW-1:0]      products;
  wire [LANES-1:0]         carries;

  generate
    for (l = 0; l < LANES; l = l + 1) begin : g_factor
      assign factors[l*M_WIDTH +: M_WIDTH] = words[l*WORD +: M_WIDTH];
    end

    if (KIND == 1) begin : g_no_lut
      assign products = {LANES * PW{1'b0}};
      assign carries  = {LANES{1'b0}};
      wire unused = &{1'b0, products, carries};
    end else if (RECODE_A != 0) begin : g_recode_a
      bw_mul #(
        .LANES   (LANES),
        .A_WIDTH (M_WIDTH),
        .A_SIGNED(1),
        .B_WIDTH (IN_WIDTH),
        .B_SIGNED(IN_SIGNED),
        .P_WIDTH (PW)
      ) mul (
        .clk    (clk),
        .a      (factors),
        .b      (data),
        .product(products),
        .carry  (carries)
      );
    end else begin : g_recode_m
      bw_mul #(
        .LANES   (LANES),
        .A_WIDTH (IN_WIDTH),
        .A_SIGNED(IN_SIGNED),
        .B_WIDTH (M_WIDTH),
        .B_SIGNED(1),
        .P_WIDTH (PW)
      ) mul (
        .clk    (clk),
        .a      (data),
        .b      (factors),
        .product(products),
        .carry  (carries)
      );
    end

    for (l = 0; l < LANES; l = l + 1) begin : g_lane
      wire [B_WIDTH-1:0]  bias [0:MUL];
      wire [PW-1:0]       product;
      wire                carry;
      reg  [SW-1:0]       sum;

      // b waits for the product.
      assign bias[0] = words[l*WORD+M_WIDTH +: B_WIDTH];
      for (s = 0; s < MUL; s = s + 1) begin : g_wait
        if (FOLDS == 1) begin : g_constant
          assign bias[s+1] = bias[s];
        end else begin : g_delay
          reg [B_WIDTH-1:0] held;
          always @(posedge clk) held <= bias[s];
          assign bias[s+1] = held;
        end
      end

      if (KIND == 1) begin : g_dsp
        localparam XW = IN_WIDTH + ((IN_SIGNED != 0) ? 0 : 1);
        wire [IN_WIDTH-1:0]  code = data[l*IN_WIDTH +: IN_WIDTH];
        wire [M_WIDTH-1:0]   m    = factors[l*M_WIDTH +: M_WIDTH];
        wire signed [XW-1:0] x;
        (* use_dsp = "yes" *)
        reg  signed [XW+M_WIDTH-1:0] held;
        if (IN_SIGNED != 0) begin : g_signed
          assign x = $signed(code);
        end else begin : g_unsigned
          assign x = $signed({1'b0, code});
        end
        always @(posedge clk) held <= x * $signed(m);
        assign product = held[PW-1:0];
        assign carry   = 1'b0;
        wire unused = &{1'b0, held};
      end else begin : g_lut
        assign product = products[l*PW +: PW];
        assign carry   = carries[l];
      end

      always @(posedge clk)
        sum <= {{(SW - PW){product[PW-1]}}, product} + {{(SW - B_WIDTH){bias[MUL][B_WIDTH-1]}}, bias[MUL]}
             + {{(SW - 1){1'b0}}, carry};

      bw_clip #(
        .WIDTH    (SW),
        .SHIFT    (SHIFT),
        .OUT_WIDTH(OUT_WIDTH),
        .CLIP     (CLIP),
        .LO       (LO),
        .HI       (HI)
      ) clip (
        .clk(clk),
        .a  (sum),
        .y  (out_data[l*OUT_WIDTH +: OUT_WIDTH])
      );
    end
  endgenerate
endmodule
