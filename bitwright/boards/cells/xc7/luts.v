// SPDX-License-Identifier: Apache-2.0
// The LUTs of the 7 series as the tables that they are: half the C++ that a tree of multiplexers becomes.
module LUT1 #(
  // output for every reading of the inputs
  parameter [1:0] INIT = 2'd0
) (
  input  wire I0,
  output wire O
);
  assign O = INIT[I0];
endmodule

module LUT2 #(
  // output for every reading of the inputs
  parameter [3:0] INIT = 4'd0
) (
  input  wire I0,
  input  wire I1,
  output wire O
);
  assign O = INIT[{I1, I0}];
endmodule

module LUT3 #(
  // output for every reading of the inputs
  parameter [7:0] INIT = 8'd0
) (
  input  wire I0,
  input  wire I1,
  input  wire I2,
  output wire O
);
  assign O = INIT[{I2, I1, I0}];
endmodule

module LUT4 #(
  // output for every reading of the inputs
  parameter [15:0] INIT = 16'd0
) (
  input  wire I0,
  input  wire I1,
  input  wire I2,
  input  wire I3,
  output wire O
);
  assign O = INIT[{I3, I2, I1, I0}];
endmodule

module LUT5 #(
  // output for every reading of the inputs
  parameter [31:0] INIT = 32'd0
) (
  input  wire I0,
  input  wire I1,
  input  wire I2,
  input  wire I3,
  input  wire I4,
  output wire O
);
  assign O = INIT[{I4, I3, I2, I1, I0}];
endmodule

module LUT6 #(
  // output for every reading of the inputs
  parameter [63:0] INIT = 64'd0
) (
  input  wire I0,
  input  wire I1,
  input  wire I2,
  input  wire I3,
  input  wire I4,
  input  wire I5,
  output wire O
);
  assign O = INIT[{I5, I4, I3, I2, I1, I0}];
endmodule

// The lower output does not see I5.
module LUT6_2 #(
  parameter [63:0] INIT = 64'd0
) (
  input  wire I0,
  input  wire I1,
  input  wire I2,
  input  wire I3,
  input  wire I4,
  input  wire I5,
  output wire O5,
  output wire O6
);
  assign O5 = INIT[{1'b0, I4, I3, I2, I1, I0}];
  assign O6 = INIT[{I5, I4, I3, I2, I1, I0}];
endmodule
