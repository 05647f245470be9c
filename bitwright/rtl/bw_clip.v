// SPDX-License-Identifier: Apache-2.0
// y = clip(a >>> SHIFT, LO, HI), cut to OUT_WIDTH bits; with CLIP, below and above say that it is LO or HI whatever a is.
// LATENCY: (CLIP != 0) ? 1 : 0
module bw_clip #(
  // bits of a, two's complement
  parameter WIDTH     = 16,
  // bits dropped (an arithmetic shift)
  parameter SHIFT     = 0,
  // bits of y
  parameter OUT_WIDTH = 8,
  // clip, and where; without, y is the low bits
  parameter CLIP      = 1,
  parameter signed [63:0] LO = -128,
  parameter signed [63:0] HI = 127
) (
  input  wire                 clk,
  input  wire [WIDTH-1:0]     a,
  input  wire                 below,
  input  wire                 above,
  output wire [OUT_WIDTH-1:0] y
);
  // Bits left after the shift, at least the sign; and wide enough for y.
  localparam KEPT = (WIDTH > SHIFT) ? WIDTH - SHIFT : 1;
  localparam W    = (KEPT > OUT_WIDTH) ? KEPT : OUT_WIDTH;
  wire [KEPT-1:0]     kept;
  wire signed [W-1:0] v;

  generate
    if (WIDTH > SHIFT) begin : g_shift
      assign kept = a[WIDTH-1 -: KEPT];
    end else begin : g_sign
      assign kept = a[WIDTH-1];
    end
    if (W > KEPT) begin : g_extend
      assign v = $signed({{(W - KEPT){kept[KEPT-1]}}, kept});
    end else begin : g_exact
      assign v = $signed(kept);
    end

    if (CLIP != 0) begin : g_clip
      // Limits beyond the range of v never bite.
      localparam signed [63:0] LEAST = -(64'sd1 <<< (KEPT - 1));
      localparam signed [63:0] MOST  = (64'sd1 <<< (KEPT - 1)) - 64'sd1;
      reg [OUT_WIDTH-1:0] held;
      wire low, high;
      if (LO > MOST) begin : g_all_low
        assign low  = 1'b1;
      end else if (LO > LEAST) begin : g_low
        assign low  = v < $signed(LO[W-1:0]);
      end else begin : g_no_low
        assign low  = 1'b0;
      end
      if (HI < LEAST) begin : g_all_high
        assign high = 1'b1;
      end else if (HI < MOST) begin : g_high
        assign high = v > $signed(HI[W-1:0]);
      end else begin : g_no_high
        assign high = 1'b0;
      end
      always @(posedge clk) held <= (below | (low & !above)) ? LO[OUT_WIDTH-1:0] : (above | high) ? HI[OUT_WIDTH-1:0] : v[OUT_WIDTH-1:0];
      assign y = held;
    end else begin : g_cut
      assign y = v[OUT_WIDTH-1:0];
      wire unused = &{1'b0, clk, below, above};
    end
  endgenerate

  wire unused = &{1'b0, a, v};
endmodule
