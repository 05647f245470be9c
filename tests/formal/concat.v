// SPDX-License-Identifier: Apache-2.0
// bw_concat: A_BEATS beats of one stream, B_BEATS of the other, in turns; a beat leaves in the cycle in which it is taken.
module concat #(
  parameter WIDTH   = 2,
  parameter A_BEATS = 3,
  parameter B_BEATS = 2
) (
  input wire clk,
  input wire out_ready
);
  wire             rst_n, a_valid, a_ready, b_valid, b_ready, out_valid;
  wire [WIDTH-1:0] a_data, b_data, out_data;
  wire [3:0]       a_held, b_held;
  wire             give = out_valid & out_ready;
  // Beats that have left of both vectors.
  reg  [3:0]       place;
  wire             turn_b = place >= A_BEATS;

  restart restart (.clk(clk), .rst_n(rst_n));
  source #(.WIDTH(WIDTH)) source_a (
    .clk  (clk),
    .rst_n(rst_n),
    .valid(a_valid),
    .ready(a_ready),
    .data (a_data)
  );
  source #(.WIDTH(WIDTH)) source_b (
    .clk  (clk),
    .rst_n(rst_n),
    .valid(b_valid),
    .ready(b_ready),
    .data (b_data)
  );

  bw_concat #(.WIDTH(WIDTH), .A_BEATS(A_BEATS), .B_BEATS(B_BEATS)) dut (
    .clk      (clk),
    .rst_n    (rst_n),
    .a_valid  (a_valid),
    .a_ready  (a_ready),
    .a_data   (a_data),
    .b_valid  (b_valid),
    .b_ready  (b_ready),
    .b_data   (b_data),
    .out_valid(out_valid),
    .out_ready(out_ready),
    .out_data (out_data)
  );

  always @(posedge clk)
    if (!rst_n) place <= 4'd0;
    else if (give) place <= place == A_BEATS + B_BEATS - 1 ? 4'd0 : place + 4'd1;

  stable #(.WIDTH(WIDTH)) stable (
    .clk  (clk),
    .rst_n(rst_n),
    .valid(out_valid),
    .ready(out_ready),
    .data (out_data)
  );

  follow #(.WIDTH(WIDTH), .MOST(0)) a (
    .clk     (clk),
    .rst_n   (rst_n),
    .enter   ({3'd0, a_valid & a_ready}),
    .entering(a_data),
    .leave   ({3'd0, give & ~turn_b}),
    .leaving (out_data),
    .held    (a_held)
  );
  follow #(.WIDTH(WIDTH), .MOST(0)) b (
    .clk     (clk),
    .rst_n   (rst_n),
    .enter   ({3'd0, b_valid & b_ready}),
    .entering(b_data),
    .leave   ({3'd0, give & turn_b}),
    .leaving (out_data),
    .held    (b_held)
  );

  always @*
    if (rst_n) begin
      offered: assert (out_valid == (turn_b ? b_valid : a_valid));
      moves:   assert ((turn_b ? b_ready : a_ready) == out_ready);
    end
endmodule
