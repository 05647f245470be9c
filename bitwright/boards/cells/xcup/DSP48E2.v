// SPDX-License-Identifier: Apache-2.0
// The slice of UltraScale+ as a multiplier without registers, which is what synthesis makes of it.
module DSP48E2 #(
  parameter ACASCREG = 1,
  parameter ADREG = 1,
  parameter ALUMODEREG = 1,
  parameter AMULTSEL = "A",
  parameter AREG = 1,
  parameter A_INPUT = "DIRECT",
  parameter BCASCREG = 1,
  parameter BMULTSEL = "B",
  parameter BREG = 1,
  parameter B_INPUT = "DIRECT",
  parameter CARRYINREG = 1,
  parameter CARRYINSELREG = 1,
  parameter CREG = 1,
  parameter DREG = 1,
  parameter INMODEREG = 1,
  parameter MREG = 1,
  parameter OPMODEREG = 1,
  parameter PREG = 1,
  parameter USE_MULT = "MULTIPLY",
  parameter USE_SIMD = "ONE48"
) (
  input  wire [29:0] A,
  input  wire [29:0] ACIN,
  input  wire [17:0] B,
  input  wire [17:0] BCIN,
  input  wire [47:0] C,
  input  wire [26:0] D,
  input  wire [47:0] PCIN,
  input  wire        CARRYIN,
  input  wire [2:0]  CARRYINSEL,
  input  wire [4:0]  INMODE,
  input  wire [3:0]  ALUMODE,
  input  wire [8:0]  OPMODE,
  output wire [47:0] P
);
  wire signed [26:0] a = A[26:0];
  wire signed [17:0] b = B;
  wire signed [44:0] product = a * b;
  assign P = {{3{product[44]}}, product};
endmodule
