// SPDX-License-Identifier: Apache-2.0
// Credit counter. It never exceeds CREDITS: a credit comes back only after it was taken.
// LATENCY: 1 (take or give in cycle t is seen in `some` in cycle t+1)
module bw_credit #(
  // credits held after reset, at least 1
  parameter CREDITS = 16
) (
  input  wire clk,
  input  wire rst_n,
  // a credit is used; only while `some`
  input  wire take,
  // a credit comes back
  input  wire give,
  // at least one credit is held: a register
  output wire some
);
  localparam A = $clog2(CREDITS);
  localparam integer FULL = CREDITS - 1;
  // Credits held minus one: the sign bit says none.
  reg  [A:0] held;

  assign some = ~held[A];

  generate
    if (A == 0) begin : g_one
      always @(posedge clk)
        if (!rst_n) held <= 1'b0;
        else if (take ^ give) held <= take;
    end else begin : g_many
      wire [A:0] step = {{A{take}}, 1'b1};
      always @(posedge clk)
        if (!rst_n) held <= FULL[A:0];
        else if (take ^ give) held <= held + step;
    end
  endgenerate
endmodule
