// SPDX-License-Identifier: Apache-2.0
// bw_axis_in, whatever its master does with TLAST: a frame is BEATS beats, and one that is cut short is completed with zeros
// before the next begins. Between frames nothing else is made up, and nothing is lost.
module axis_in #(
  parameter WIDTH  = 1,
  parameter SLOT   = 2,
  parameter LANES  = 2,
  parameter TDATA  = 5,
  parameter VECTOR = 3,
  parameter BEATS  = 4
) (
  input wire             clk,
  input wire [TDATA-1:0] s_axis_tdata,
  input wire             s_axis_tvalid,
  input wire             s_axis_tlast,
  input wire             out_ready
);
  localparam PER_VECTOR = (VECTOR + LANES - 1) / LANES;
  localparam TAIL       = VECTOR - (PER_VECTOR - 1) * LANES;

  wire                   rst_n, s_axis_tready, out_valid;
  wire [LANES*WIDTH-1:0] out_data, beat;
  wire                   accept = s_axis_tvalid & s_axis_tready;
  wire [4:0]             held;
  reg                    was_reset;
  // Beats that the frame has had, and those that the next one brings: the rest of the frame, if it is cut short.
  reg  [4:0]             place;
  wire [4:0]             brings = s_axis_tlast ? BEATS - place : 5'd1;

  restart restart (.clk(clk), .rst_n(rst_n));

  bw_axis_in #(.WIDTH(WIDTH), .SLOT(SLOT), .LANES(LANES), .TDATA(TDATA), .VECTOR(VECTOR), .BEATS(BEATS)) dut (
    .clk          (clk),
    .rst_n        (rst_n),
    .s_axis_tdata (s_axis_tdata),
    .s_axis_tvalid(s_axis_tvalid),
    .s_axis_tready(s_axis_tready),
    .s_axis_tlast (s_axis_tlast),
    .out_valid    (out_valid),
    .out_ready    (out_ready),
    .out_data     (out_data)
  );

  genvar l;
  generate
    for (l = 0; l < LANES; l = l + 1) begin : g_lane
      assign beat[l*WIDTH +: WIDTH] = (l < TAIL || place % PER_VECTOR != PER_VECTOR - 1) ? s_axis_tdata[l*SLOT +: WIDTH] : 0;
    end
  endgenerate

  always @(posedge clk) begin
    was_reset <= ~rst_n;
    if (!rst_n) place <= 5'd0;
    else if (accept) place <= place + brings == BEATS ? 5'd0 : place + brings;
  end

  stable #(.WIDTH(LANES * WIDTH)) stable (
    .clk  (clk),
    .rst_n(rst_n),
    .valid(out_valid),
    .ready(out_ready),
    .data (out_data)
  );

  follow #(.WIDTH(LANES * WIDTH), .ENTER(BEATS), .MOST(BEATS + 1), .BITS(5)) follow (
    .clk     (clk),
    .rst_n   (rst_n),
    .enter   (accept ? brings : 5'd0),
    .entering({{((BEATS - 1) * LANES * WIDTH){1'b0}}, beat}),
    .leave   ({4'd0, out_valid & out_ready}),
    .leaving (out_data),
    .held    (held)
  );

  always @*
    if (rst_n) begin
      room:    assert (s_axis_tready == (held < 5'd2 & ~was_reset));
      offered: assert (out_valid == (held != 5'd0));
    end
endmodule
