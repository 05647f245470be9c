// SPDX-License-Identifier: Apache-2.0
// Wrapping of integers, per channel: the low bits of a code, extended by their sign or by zeros.
// LATENCY: (UNIFORM != 0) ? 0 : (FOLDS > 1) + (FOLDS > 64) + 1
module bw_wrap #(
  // lanes a beat
  parameter LANES     = 1,
  // beats a vector; beat f, lane l is channel f * LANES + l
  parameter FOLDS     = 1,
  // bits of an input, and whether it is two's complement
  parameter IN_WIDTH  = 12,
  parameter IN_SIGNED = 1,
  // bits of an output
  parameter OUT_WIDTH = 8,
  // all channels keep BITS bits, SIGNED or not; else PARAMS says how many each keeps
  parameter UNIFORM   = 0,
  parameter BITS      = 8,
  parameter SIGNED    = 1,
  // memory file of FOLDS words: lane l has a mask of the bits kept at l * 2 * OUT_WIDTH and the sign bit above it
  parameter PARAMS    = ""
) (
  input  wire                       clk,
  input  wire                       rst_n,
  input  wire                       in_valid,
  input  wire [LANES*IN_WIDTH-1:0]  in_data,
  output wire                       out_valid,
  output wire [LANES*OUT_WIDTH-1:0] out_data
);
  // Bits of an input that is as wide as all of this needs.
  localparam W1 = (IN_WIDTH > OUT_WIDTH) ? IN_WIDTH : OUT_WIDTH;
  localparam W  = ((BITS > W1) ? BITS : W1) + 1;
  genvar l;

  generate
    if (UNIFORM != 0) begin : g_uniform
      assign out_valid = in_valid;
      for (l = 0; l < LANES; l = l + 1) begin : g_lane
        wire [IN_WIDTH-1:0] code = in_data[l*IN_WIDTH +: IN_WIDTH];
        wire [W-1:0]        wide = {{(W - IN_WIDTH){(IN_SIGNED != 0) & code[IN_WIDTH-1]}}, code};
        wire [W-1:0]        kept = {{(W - BITS){(SIGNED != 0) & wide[BITS-1]}}, wide[BITS-1:0]};
        assign out_data[l*OUT_WIDTH +: OUT_WIDTH] = kept[OUT_WIDTH-1:0];
        wire unused = &{1'b0, wide, kept};
      end
      wire unused = &{1'b0, clk, rst_n};
    end else begin : g_channels
      wire [LANES*IN_WIDTH-1:0]    data;
      wire [LANES*2*OUT_WIDTH-1:0] word;
      wire                         valid;
      bw_fold #(
        .FOLDS(FOLDS),
        .WIDTH(LANES * IN_WIDTH),
        .WORD (LANES * 2 * OUT_WIDTH),
        .FILE (PARAMS)
      ) fold (
        .clk      (clk),
        .rst_n    (rst_n),
        .in_valid (in_valid),
        .in_data  (in_data),
        .out_valid(valid),
        .out_data (data),
        .out_word (word)
      );
      for (l = 0; l < LANES; l = l + 1) begin : g_lane
        wire [IN_WIDTH-1:0]  code = data[l*IN_WIDTH +: IN_WIDTH];
        wire [W-1:0]         wide = {{(W - IN_WIDTH){(IN_SIGNED != 0) & code[IN_WIDTH-1]}}, code};
        wire [OUT_WIDTH-1:0] low  = wide[OUT_WIDTH-1:0];
        wire [OUT_WIDTH-1:0] mask = word[l*2*OUT_WIDTH +: OUT_WIDTH];
        wire [OUT_WIDTH-1:0] sign = word[l*2*OUT_WIDTH+OUT_WIDTH +: OUT_WIDTH];
        reg  [OUT_WIDTH-1:0] kept;
        always @(posedge clk) kept <= (low & mask) | ({OUT_WIDTH{|(low & sign)}} & ~mask);
        assign out_data[l*OUT_WIDTH +: OUT_WIDTH] = kept;
        wire unused = &{1'b0, wide};
      end
      bw_delay #(.CYCLES(1)) delay (
        .clk      (clk),
        .rst_n    (rst_n),
        .in_valid (valid),
        .out_valid(out_valid)
      );
    end
  endgenerate
endmodule
