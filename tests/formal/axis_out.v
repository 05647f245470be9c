// SPDX-License-Identifier: Apache-2.0
// bw_axis_out: elements extended to their slots, lanes beyond the vector 0, TLAST on each BEATS-th beat and on no other.
module axis_out #(
  parameter WIDTH  = 1,
  parameter SIGNED = 1,
  parameter SLOT   = 2,
  parameter LANES  = 2,
  parameter TDATA  = 5,
  parameter VECTOR = 3,
  parameter BEATS  = 4
) (
  input wire                   clk,
  input wire                   in_valid,
  input wire [LANES*WIDTH-1:0] in_data,
  input wire                   m_axis_tready
);
  localparam PER_VECTOR = (VECTOR + LANES - 1) / LANES;
  localparam TAIL       = VECTOR - (PER_VECTOR - 1) * LANES;

  wire             rst_n, in_ready, m_axis_tvalid, m_axis_tlast;
  wire [TDATA-1:0] m_axis_tdata, beat;
  wire             take = in_valid & in_ready;
  wire             give = m_axis_tvalid & m_axis_tready;
  wire [3:0]       held;
  // Beats of the frame that have come, and left.
  reg  [3:0]       in_place, out_place;

  restart restart (.clk(clk), .rst_n(rst_n));

  bw_axis_out #(
    .WIDTH (WIDTH),
    .SIGNED(SIGNED),
    .SLOT  (SLOT),
    .LANES (LANES),
    .TDATA (TDATA),
    .VECTOR(VECTOR),
    .BEATS (BEATS)
  ) dut (
    .clk          (clk),
    .rst_n        (rst_n),
    .in_valid     (in_valid),
    .in_ready     (in_ready),
    .in_data      (in_data),
    .m_axis_tdata (m_axis_tdata),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready),
    .m_axis_tlast (m_axis_tlast)
  );

  genvar l;
  generate
    for (l = 0; l < LANES; l = l + 1) begin : g_lane
      wire [WIDTH-1:0] element = (l < TAIL || in_place % PER_VECTOR != PER_VECTOR - 1) ? in_data[l*WIDTH +: WIDTH] : 0;
      wire             sign    = SIGNED != 0 & element[WIDTH-1];
      assign beat[l*SLOT +: SLOT] = {{SLOT{sign}}, element};
    end
  endgenerate
  assign beat[TDATA-1:LANES*SLOT] = 0;

  always @(posedge clk)
    if (!rst_n) begin
      in_place  <= 4'd0;
      out_place <= 4'd0;
    end else begin
      if (take) in_place <= in_place == BEATS - 1 ? 4'd0 : in_place + 4'd1;
      if (give) out_place <= out_place == BEATS - 1 ? 4'd0 : out_place + 4'd1;
    end

  stable #(.WIDTH(TDATA + 1)) stable (
    .clk  (clk),
    .rst_n(rst_n),
    .valid(m_axis_tvalid),
    .ready(m_axis_tready),
    .data ({m_axis_tlast, m_axis_tdata})
  );

  follow #(.WIDTH(TDATA), .MOST(1)) follow (
    .clk     (clk),
    .rst_n   (rst_n),
    .enter   ({3'd0, take}),
    .entering(beat),
    .leave   ({3'd0, give}),
    .leaving (m_axis_tdata),
    .held    (held)
  );

  always @*
    if (rst_n) begin
      room:    assert (in_ready == (held == {3'd0, give}));
      offered: assert (m_axis_tvalid == (held != 4'd0));
      ends:    assert (~m_axis_tvalid | m_axis_tlast == (out_place == BEATS - 1));
    end
endmodule
