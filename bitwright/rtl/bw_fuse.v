// SPDX-License-Identifier: Apache-2.0
// One step of a maximum or of a sum: y is a, if it is the first, else what of so_far and a becomes. No register.
// LATENCY: 0
module bw_fuse #(
  // bits of a, and whether it is two's complement
  parameter WIDTH     = 8,
  parameter SIGNED    = 0,
  // 0 maximum, 1 sum
  parameter KIND      = 0,
  // bits of so_far and y, at least WIDTH
  parameter OUT_WIDTH = 8
) (
  input  wire                 first,
  input  wire [OUT_WIDTH-1:0] so_far,
  input  wire [WIDTH-1:0]     a,
  output wire [OUT_WIDTH-1:0] y
);
  wire [OUT_WIDTH-1:0] wide;

  generate
    if (OUT_WIDTH > WIDTH) begin : g_extend
      assign wide = {{(OUT_WIDTH - WIDTH){(SIGNED != 0) & a[WIDTH-1]}}, a};
    end else begin : g_exact
      assign wide = a;
    end

    if (KIND == 1) begin : g_sum
      assign y = wide + (so_far & {OUT_WIDTH{~first}});
    end else begin : g_most
      wire more;
      if (SIGNED != 0) begin : g_signed
        assign more = $signed(a) > $signed(so_far[WIDTH-1:0]);
      end else begin : g_unsigned
        assign more = a > so_far[WIDTH-1:0];
      end
      assign y = (first | more) ? wide : so_far;
    end
  endgenerate
endmodule
