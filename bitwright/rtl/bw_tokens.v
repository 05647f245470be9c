// SPDX-License-Identifier: Apache-2.0
// Up to two tokens, none after reset: what one process hands to the next, which uses it.
// LATENCY: 1 (give or take in cycle t is seen in `some` in cycle t+1)
module bw_tokens (
  input  wire clk,
  input  wire rst_n,
  // one more; only while there are fewer than two
  input  wire give,
  // one less; only while `some`
  input  wire take,
  // there is one: a register
  output reg  some
);
  reg more;

  always @(posedge clk)
    if (!rst_n) begin
      some <= 1'b0;
      more <= 1'b0;
    end else if (give ^ take) begin
      some <= give | more;
      more <= give & some;
    end
endmodule
