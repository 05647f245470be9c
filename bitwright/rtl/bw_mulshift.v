// SPDX-License-Identifier: Apache-2.0
// Requantiser by multiplication, per channel: y = clip((m * a + b * 2^DROP - e) >>> SHIFT, LO, HI), cut to OUT_WIDTH
// bits, where e is what bw_muladd leaves out with DROP; the compiler drops no more than changes nothing. Of a, the lowest
// SEEN bits are multiplied: beyond their range y is LO below and HI above.
// With KIND = 1 a DSP slice multiplies a by the upper PORT bits of m. LUTs do the REST = max(0, min(M_WIDTH - PORT, SHIFT))
// bits below.
// LATENCY: (FOLDS > 1) + (FOLDS > 64) + MUL + 1 + (CLIP != 0), where (integer divisions)
//   MUL = KIND == 1 ? (REST == 0 ? 1 : (REST / 2 + 2) / 2 + 1) : (DIGITS + 1) / 2,
//   DIGITS = min((M_WIDTH + 1) / 2, IN_SIGNED ? (SEEN + 1) / 2 : SEEN / 2 + 1)
module bw_mulshift #(
  // lanes a beat
  parameter LANES     = 1,
  // beats a vector; beat f, lane l is channel f * LANES + l
  parameter FOLDS     = 1,
  // bits of an input, and whether it is two's complement
  parameter IN_WIDTH  = 16,
  parameter IN_SIGNED = 1,
  // bits of it that are multiplied; fewer than all only with CLIP
  parameter SEEN      = 16,
  // bits of m and of b, two's complement
  parameter M_WIDTH   = 16,
  parameter B_WIDTH   = 32,
  // columns of the product that are left out
  parameter DROP      = 0,
  // right shift of the sum, at least DROP
  parameter SHIFT     = 16,
  // bits of an output
  parameter OUT_WIDTH = 8,
  // clip, and where; without, the output is the low bits
  parameter CLIP      = 1,
  parameter signed [63:0] LO = -128,
  parameter signed [63:0] HI = 127,
  // multiplier: 0 LUT, 1 DSP
  parameter KIND      = 0,
  // bits of m, signed, that a slice takes beside the SEEN bits of a, or one more if those are not signed
  parameter PORT      = (SEEN + ((IN_SIGNED != 0) ? 0 : 1) <= 18) ? 25 : 18,
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
  localparam A_DIGITS = (IN_SIGNED != 0) ? (SEEN + 1) / 2 : SEEN / 2 + 1;
  localparam RECODE_A = (A_DIGITS < M_DIGITS) ? 1 : 0;
  localparam DIGITS   = RECODE_A ? A_DIGITS : M_DIGITS;
  // Of a slice: its operand a, and the bits of m that are left.
  localparam X        = SEEN + ((IN_SIGNED != 0) ? 0 : 1);
  localparam OVER     = (M_WIDTH > PORT) ? M_WIDTH - PORT : 0;
  localparam REST     = (KIND == 0) ? 0 : (OVER < SHIFT) ? OVER : SHIFT;
  localparam BEFORE   = (REST > 0) ? (REST / 2 + 2) / 2 : 0;  // cycles until the slice is due
  localparam MUL      = (KIND == 0) ? (DIGITS + 1) / 2 : BEFORE + 1;
  // Place and bits of the sum.
  localparam PLACE    = (KIND == 0) ? DROP : REST;
  localparam PW       = SEEN + M_WIDTH;
  localparam BW       = B_WIDTH + DROP;
  localparam SW       = ((PW > BW) ? PW : BW) + 1 - PLACE;
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

  generate
    for (l = 0; l < LANES; l = l + 1) begin : g_lane
      wire [IN_WIDTH-1:0] code = data[l*IN_WIDTH +: IN_WIDTH];
      wire [SEEN-1:0]     a    = code[SEEN-1:0];
      wire [M_WIDTH-1:0]  m    = words[l*WORD +: M_WIDTH];
      wire [B_WIDTH-1:0]  b    = words[l*WORD+M_WIDTH +: B_WIDTH];
      wire [SW-1:0]       sum;
      wire                below;
      wire                above;

      if (KIND == 0 && RECODE_A != 0) begin : g_recode_a
        bw_muladd #(
          .A_WIDTH (M_WIDTH),
          .A_SIGNED(1),
          .C_WIDTH (SEEN),
          .C_SIGNED(IN_SIGNED),
          .B_WIDTH (B_WIDTH),
          .DROP    (DROP),
          .Y_WIDTH (SW)
        ) muladd (
          .clk(clk),
          .a  (m),
          .c  (a),
          .b  (b),
          .y  (sum)
        );
      end else if (KIND == 0) begin : g_recode_m
        bw_muladd #(
          .A_WIDTH (SEEN),
          .A_SIGNED(IN_SIGNED),
          .C_WIDTH (M_WIDTH),
          .C_SIGNED(1),
          .B_WIDTH (B_WIDTH),
          .DROP    (DROP),
          .Y_WIDTH (SW)
        ) muladd (
          .clk(clk),
          .a  (a),
          .c  (m),
          .b  (b),
          .y  (sum)
        );
      end else begin : g_dsp
        localparam U = M_WIDTH - REST;
        wire signed [X-1:0]   x [0:BEFORE];
        wire signed [U-1:0]   u [0:BEFORE];
        wire signed [SW-1:0]  other;  // what the slice adds
        wire signed [X+U-1:0] product;
        (* use_dsp = "yes" *)
        reg  signed [X+U-1:0] held;
        reg  signed [SW-1:0]  total;

        if (IN_SIGNED != 0) begin : g_signed
          assign x[0] = $signed(a);
        end else begin : g_unsigned
          assign x[0] = $signed({1'b0, a});
        end
        assign u[0] = $signed(m[M_WIDTH-1:REST]);
        for (s = 0; s < BEFORE; s = s + 1) begin : g_wait
          reg signed [X-1:0] held_x;
          reg signed [U-1:0] held_u;
          always @(posedge clk) begin
            held_x <= x[s];
            held_u <= u[s];
          end
          assign x[s+1] = held_x;
          assign u[s+1] = held_u;
        end

        if (REST > 0) begin : g_rest
          // The bits below, times a, and b: from 2^DROP on, or from 2^REST on.
          localparam TW = ((SEEN + REST + 1 > BW) ? SEEN + REST + 1 : BW) + 1 - DROP;
          wire [TW-1:0] rest;
          bw_muladd #(
            .A_WIDTH (SEEN),
            .A_SIGNED(IN_SIGNED),
            .C_WIDTH (REST),
            .C_SIGNED(0),
            .B_WIDTH (B_WIDTH),
            .DROP    (DROP),
            .Y_WIDTH (TW)
          ) muladd (
            .clk(clk),
            .a  (a),
            .c  (m[REST-1:0]),
            .b  (b),
            .y  (rest)
          );
          if (DROP >= REST) begin : g_up
            wire signed [TW+DROP-REST-1:0] raised = $signed({rest, {(DROP - REST){1'b0}}});
            assign other = raised;
          end else begin : g_down
            assign other = $signed(rest[TW-1:REST-DROP]);
            wire unused = &{1'b0, rest};
          end
        end else begin : g_all
          // b waits for the product.
          reg signed [B_WIDTH-1:0] held_b;
          wire signed [BW-1:0]     raised = $signed({held_b, {DROP{1'b0}}});
          always @(posedge clk) held_b <= $signed(b);
          assign other = raised;
        end

        always @(posedge clk) begin
          held  <= x[BEFORE] * u[BEFORE];
          total <= product + other;
        end
        assign product = held;
        assign sum     = total;
      end

      if (SEEN < IN_WIDTH) begin : g_range
        wire negative = (IN_SIGNED != 0) & code[IN_WIDTH-1];
        wire outside  = (IN_SIGNED != 0) ? code[IN_WIDTH-1:SEEN] != {(IN_WIDTH - SEEN){a[SEEN-1]}}
                                         : code[IN_WIDTH-1:SEEN] != {(IN_WIDTH - SEEN){1'b0}};
        wire [1:0] flags [0:MUL+1];
        assign flags[0] = {outside & negative, outside & !negative};
        for (s = 0; s <= MUL; s = s + 1) begin : g_flags
          reg [1:0] held;
          always @(posedge clk) held <= flags[s];
          assign flags[s+1] = held;
        end
        assign {below, above} = flags[MUL+1];
      end else begin : g_whole
        assign below = 1'b0;
        assign above = 1'b0;
      end

      bw_clip #(
        .WIDTH    (SW),
        .SHIFT    (SHIFT - PLACE),
        .OUT_WIDTH(OUT_WIDTH),
        .CLIP     (CLIP),
        .LO       (LO),
        .HI       (HI)
      ) clip (
        .clk  (clk),
        .a    (sum),
        .below(below),
        .above(above),
        .y    (out_data[l*OUT_WIDTH +: OUT_WIDTH])
      );
    end
  endgenerate
endmodule
