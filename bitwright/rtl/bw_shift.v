// SPDX-License-Identifier: Apache-2.0
// Requantiser by shifts, per channel: y = clip(((a << LEFT) + b) >>> SHIFT, LO, HI), cut to OUT_WIDTH bits. With EVEN the
// quotient is rounded to nearest, ties to even, instead of down.
// LATENCY: ((HAS_BIAS != 0) ? (FOLDS > 1) + (FOLDS > 64) + 1 : 0) + (EVEN != 0) + (CLIP != 0)
module bw_shift #(
  // lanes a beat
  parameter LANES     = 1,
  // beats a vector; beat f, lane l is channel f * LANES + l
  parameter FOLDS     = 1,
  // bits of an input, and whether it is two's complement
  parameter IN_WIDTH  = 16,
  parameter IN_SIGNED = 1,
  // b is given; without, it is 0
  parameter HAS_BIAS  = 1,
  // bits of b, two's complement
  parameter B_WIDTH   = 16,
  // left shift before, right shift after the addition
  parameter LEFT      = 0,
  parameter SHIFT     = 4,
  // round half to even instead of down (SHIFT > 0)
  parameter EVEN      = 0,
  // bits of an output
  parameter OUT_WIDTH = 8,
  // clip, and where; without, the output is the low bits
  parameter CLIP      = 1,
  parameter signed [63:0] LO = -128,
  parameter signed [63:0] HI = 127,
  // memory file of FOLDS words: lane l has b at l * B_WIDTH
  parameter PARAMS    = ""
) (
  input  wire                       clk,
  input  wire                       rst_n,
  input  wire                       in_valid,
  input  wire [LANES*IN_WIDTH-1:0]  in_data,
  output wire                       out_valid,
  output wire [LANES*OUT_WIDTH-1:0] out_data
);
  // Bits of a << LEFT as a signed number, and of the sum.
  localparam AW = IN_WIDTH + LEFT + ((IN_SIGNED != 0) ? 0 : 1);
  localparam SW = (HAS_BIAS == 0) ? AW : ((AW > B_WIDTH) ? AW : B_WIDTH) + 1;

  wire [LANES*SW-1:0] sums;
  genvar l;

  generate
    if (HAS_BIAS != 0) begin : g_bias
      wire [LANES*IN_WIDTH-1:0] data;
      wire [LANES*B_WIDTH-1:0]  biases;
      wire                      valid;
      bw_fold #(
        .FOLDS(FOLDS),
        .WIDTH(LANES * IN_WIDTH),
        .WORD (LANES * B_WIDTH),
        .FILE (PARAMS)
      ) fold (
        .clk      (clk),
        .rst_n    (rst_n),
        .in_valid (in_valid),
        .in_data  (in_data),
        .out_valid(valid),
        .out_data (data),
        .out_word (biases)
      );
      for (l = 0; l < LANES; l = l + 1) begin : g_lane
        wire [IN_WIDTH-1:0] code = data[l*IN_WIDTH +: IN_WIDTH];
        wire [B_WIDTH-1:0]  bias = biases[l*B_WIDTH +: B_WIDTH];
        wire [SW-1:0]       a, b;
        reg  [SW-1:0]       sum;
        if (LEFT > 0) begin : g_left
          assign a = {{(SW - IN_WIDTH - LEFT){(IN_SIGNED != 0) & code[IN_WIDTH-1]}}, code, {LEFT{1'b0}}};
        end else begin : g_no_left
          assign a = {{(SW - IN_WIDTH){(IN_SIGNED != 0) & code[IN_WIDTH-1]}}, code};
        end
        assign b = {{(SW - B_WIDTH){bias[B_WIDTH-1]}}, bias};
        always @(posedge clk) sum <= a + b;
        assign sums[l*SW +: SW] = sum;
      end
      bw_delay #(.CYCLES(1 + ((EVEN != 0) ? 1 : 0) + ((CLIP != 0) ? 1 : 0))) delay (
        .clk      (clk),
        .rst_n    (rst_n),
        .in_valid (valid),
        .out_valid(out_valid)
      );
    end else begin : g_no_bias
      for (l = 0; l < LANES; l = l + 1) begin : g_lane
        wire [IN_WIDTH-1:0] code = in_data[l*IN_WIDTH +: IN_WIDTH];
        wire [SW+LEFT:0]    a = {{(SW + LEFT + 1 - IN_WIDTH){(IN_SIGNED != 0) & code[IN_WIDTH-1]}}, code} << LEFT;
        assign sums[l*SW +: SW] = a[SW-1:0];
        wire unused = &{1'b0, a};
      end
      bw_delay #(.CYCLES(((EVEN != 0) ? 1 : 0) + ((CLIP != 0) ? 1 : 0))) delay (
        .clk      (clk),
        .rst_n    (rst_n),
        .in_valid (in_valid),
        .out_valid(out_valid)
      );
    end

    for (l = 0; l < LANES; l = l + 1) begin : g_clip
      if (EVEN != 0) begin : g_even
        // Up if the fraction is above a half, or a half and the quotient odd.
        localparam VW = (SW > SHIFT + 1) ? SW : SHIFT + 2;
        localparam QW = VW - SHIFT + 1;
        wire [VW:0]   v = {{(VW + 1 - SW){sums[l*SW+SW-1]}}, sums[l*SW +: SW]};
        wire [SHIFT:0] rest = {v[SHIFT-1:0], 1'b0};
        wire          up = rest[SHIFT] & (v[SHIFT] | (|rest[SHIFT-1:0]));
        reg  [QW-1:0] quotient;
        always @(posedge clk) quotient <= v[VW:SHIFT] + {{(QW - 1){1'b0}}, up};
        bw_clip #(
          .WIDTH    (QW),
          .SHIFT    (0),
          .OUT_WIDTH(OUT_WIDTH),
          .CLIP     (CLIP),
          .LO       (LO),
          .HI       (HI)
        ) clip (
          .clk  (clk),
          .a    (quotient),
          .below(1'b0),
          .above(1'b0),
          .y    (out_data[l*OUT_WIDTH +: OUT_WIDTH])
        );
      end else begin : g_down
        bw_clip #(
          .WIDTH    (SW),
          .SHIFT    (SHIFT),
          .OUT_WIDTH(OUT_WIDTH),
          .CLIP     (CLIP),
          .LO       (LO),
          .HI       (HI)
        ) clip (
          .clk  (clk),
          .a    (sums[l*SW +: SW]),
          .below(1'b0),
          .above(1'b0),
          .y    (out_data[l*OUT_WIDTH +: OUT_WIDTH])
        );
      end
    end
  endgenerate
endmodule
