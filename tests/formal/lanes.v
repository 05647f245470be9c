// SPDX-License-Identifier: Apache-2.0
// bw_lanes: a beat leaves in the cycle in which it is taken, its elements extended, lanes added as 0 or dropped.
module lanes #(
  parameter IN_WIDTH  = 2,
  parameter OUT_WIDTH = 3,
  parameter SIGNED    = 1,
  parameter IN_LANES  = 2,
  parameter OUT_LANES = 3
) (
  input wire clk,
  input wire out_ready
);
  wire                           rst_n, in_valid, in_ready, out_valid;
  wire [IN_LANES*IN_WIDTH-1:0]   in_data;
  wire [OUT_LANES*OUT_WIDTH-1:0] out_data, beat;
  wire [3:0]                     held;

  restart restart (.clk(clk), .rst_n(rst_n));
  source #(.WIDTH(IN_LANES * IN_WIDTH)) source (
    .clk  (clk),
    .rst_n(rst_n),
    .valid(in_valid),
    .ready(in_ready),
    .data (in_data)
  );

  bw_lanes #(
    .IN_WIDTH (IN_WIDTH),
    .OUT_WIDTH(OUT_WIDTH),
    .SIGNED   (SIGNED),
    .IN_LANES (IN_LANES),
    .OUT_LANES(OUT_LANES)
  ) dut (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (in_valid),
    .in_ready (in_ready),
    .in_data  (in_data),
    .out_valid(out_valid),
    .out_ready(out_ready),
    .out_data (out_data)
  );

  genvar l;
  generate
    for (l = 0; l < OUT_LANES; l = l + 1) begin : g_lane
      if (l < IN_LANES) begin : g_kept
        wire [IN_WIDTH-1:0] element = in_data[l*IN_WIDTH +: IN_WIDTH];
        wire                sign    = SIGNED != 0 & element[IN_WIDTH-1];
        assign beat[l*OUT_WIDTH +: OUT_WIDTH] = {{OUT_WIDTH{sign}}, element};
      end else begin : g_added
        assign beat[l*OUT_WIDTH +: OUT_WIDTH] = 0;
      end
    end
  endgenerate

  stable #(.WIDTH(OUT_LANES * OUT_WIDTH)) stable (
    .clk  (clk),
    .rst_n(rst_n),
    .valid(out_valid),
    .ready(out_ready),
    .data (out_data)
  );

  follow #(.WIDTH(OUT_LANES * OUT_WIDTH), .MOST(0)) follow (
    .clk     (clk),
    .rst_n   (rst_n),
    .enter   ({3'd0, in_valid & in_ready}),
    .entering(beat),
    .leave   ({3'd0, out_valid & out_ready}),
    .leaving (out_data),
    .held    (held)
  );

  always @*
    if (rst_n) begin
      offered: assert (out_valid == in_valid);
      moves:   assert (in_ready == out_ready);
    end
endmodule
