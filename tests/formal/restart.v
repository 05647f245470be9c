// SPDX-License-Identifier: Apache-2.0
// Reset in the first cycle, and again whenever the solver likes.
module restart (
  input  wire clk,
  output wire rst_n
);
  (* anyseq *) wire run;
  reg               started = 1'b0;

  always @(posedge clk) started <= 1'b1;
  assign rst_n = started & run;
endmodule
