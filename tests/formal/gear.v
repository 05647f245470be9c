// SPDX-License-Identifier: Apache-2.0
// bw_gear, element by element: a beat is offered as soon as its elements are there, and lanes beyond the vector are 0.
module gear #(
  parameter ELEM      = 1,
  parameter IN_LANES  = 1,
  parameter OUT_LANES = 2,
  parameter VECTOR    = 3
) (
  input wire                     clk,
  input wire                     in_valid,
  input wire [IN_LANES*ELEM-1:0] in_data,
  input wire                     out_ready
);
  wire                      rst_n, in_ready, out_valid;
  wire [OUT_LANES*ELEM-1:0] out_data;
  wire                      take = in_valid & in_ready;
  wire                      give = out_valid & out_ready;
  wire [4:0]                held;
  // Elements of the vector that are still to come, and to leave.
  reg  [4:0]                in_rest, out_rest;
  // Elements of the present beats.
  wire [4:0]                in_beat  = in_rest < IN_LANES ? in_rest : IN_LANES;
  wire [4:0]                out_beat = out_rest < OUT_LANES ? out_rest : OUT_LANES;
  wire [4:0]                leave    = give ? out_beat : 5'd0;

  restart restart (.clk(clk), .rst_n(rst_n));

  bw_gear #(.ELEM(ELEM), .IN_LANES(IN_LANES), .OUT_LANES(OUT_LANES), .VECTOR(VECTOR)) dut (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (in_valid),
    .in_ready (in_ready),
    .in_data  (in_data),
    .out_valid(out_valid),
    .out_ready(out_ready),
    .out_data (out_data)
  );

  always @(posedge clk)
    if (!rst_n) begin
      in_rest  <= VECTOR;
      out_rest <= VECTOR;
    end else begin
      if (take) in_rest <= in_rest == in_beat ? VECTOR : in_rest - in_beat;
      if (give) out_rest <= out_rest == out_beat ? VECTOR : out_rest - out_beat;
    end

  stable #(.WIDTH(OUT_LANES * ELEM)) stable (
    .clk  (clk),
    .rst_n(rst_n),
    .valid(out_valid),
    .ready(out_ready),
    .data (out_data)
  );

  follow #(
    .WIDTH(ELEM),
    .ENTER(IN_LANES),
    .LEAVE(OUT_LANES),
    .MOST (IN_LANES > OUT_LANES ? IN_LANES : OUT_LANES),
    .BITS (5)
  ) follow (
    .clk     (clk),
    .rst_n   (rst_n),
    .enter   (take ? in_beat : 5'd0),
    .entering(in_data),
    .leave   (leave),
    .leaving (out_data),
    .held    (held)
  );

  always @*
    if (rst_n) begin
      room:    assert (in_ready == (IN_LANES < OUT_LANES ? ~out_valid | out_ready : held == leave));
      offered: assert (out_valid == (held >= out_beat));
      clear:   assert (~out_valid | (out_data >> (out_beat * ELEM)) == 0);
    end
endmodule
