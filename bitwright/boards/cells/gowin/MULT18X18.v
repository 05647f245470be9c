// SPDX-License-Identifier: Apache-2.0
// A multiplier of Gowin's chips without its registers, as synthesis connects it.
module MULT18X18 (
  input  [17:0] A, SIA,
  input  [17:0] B, SIB,
  input  ASIGN, BSIGN, ASEL, BSEL, CE, CLK, RESET,
  output [35:0] DOUT,
  output [17:0] SOA, SOB
);
  wire signed [18:0] a = {ASIGN & A[17], A};
  wire signed [18:0] b = {BSIGN & B[17], B};
  wire signed [37:0] product = a * b;
  assign DOUT = product[35:0];
  assign SOA = A;
  assign SOB = B;
endmodule
