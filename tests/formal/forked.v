// SPDX-License-Identifier: Apache-2.0
// bw_fork: every output has each word once, in order; the input moves as soon as all have it.
module forked #(
  parameter WIDTH = 2,
  parameter COUNT = 3
) (
  input wire             clk,
  input wire [COUNT-1:0] out_ready
);
  wire             rst_n, in_valid, in_ready;
  wire [WIDTH-1:0] in_data, out_data;
  wire [COUNT-1:0] out_valid;
  // Outputs that do not have the word that waits: before this cycle, and after it.
  wire [COUNT-1:0] wanted, without;
  // The word that waits was there in the cycle before.
  reg              waited;

  restart restart (.clk(clk), .rst_n(rst_n));
  source #(.WIDTH(WIDTH)) source (
    .clk  (clk),
    .rst_n(rst_n),
    .valid(in_valid),
    .ready(in_ready),
    .data (in_data)
  );

  bw_fork #(.WIDTH(WIDTH), .COUNT(COUNT)) dut (
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
    if (!rst_n) waited <= 1'b0;
    else waited <= in_valid & ~in_ready;

  genvar k;
  generate
    for (k = 0; k < COUNT; k = k + 1) begin : g_out
      wire [3:0] enter = {3'd0, in_valid & ~waited};
      wire [3:0] leave = {3'd0, out_valid[k] & out_ready[k]};
      wire [3:0] held;
      assign wanted[k]  = held + enter != 4'd0;
      assign without[k] = held + enter != leave;

      stable #(.WIDTH(WIDTH)) stable (
        .clk  (clk),
        .rst_n(rst_n),
        .valid(out_valid[k]),
        .ready(out_ready[k]),
        .data (out_data)
      );
      follow #(.WIDTH(WIDTH), .MOST(1)) follow (
        .clk     (clk),
        .rst_n   (rst_n),
        .enter   (enter),
        .entering(in_data),
        .leave   (leave),
        .leaving (out_data),
        .held    (held)
      );
    end
  endgenerate

  always @*
    if (rst_n) begin
      offered: assert (out_valid == wanted);
      moves:   assert (~in_valid | in_ready == (without == 0));
    end
endmodule
