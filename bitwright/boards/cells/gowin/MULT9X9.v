// SPDX-License-Identifier: Apache-2.0
// A multiplier of Gowin's chips without its registers, as synthesis connects it.
module MULT9X9 (
  input  [8:0] A, SIA,
  input  [8:0] B, SIB,
  input  ASIGN, BSIGN, ASEL, BSEL, CE, CLK, RESET,
  output [17:0] DOUT,
  output [8:0] SOA, SOB
);
  wire signed [9:0] a = {ASIGN & A[8], A};
  wire signed [9:0] b = {BSIGN & B[8], B};
  wire signed [19:0] product = a * b;
  assign DOUT = product[17:0];
  assign SOA = A;
  assign SOB = B;
endmodule
