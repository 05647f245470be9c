// SPDX-License-Identifier: Apache-2.0
// The whole block RAM of the 7 series, as synthesis instantiates it: no output registers, no cascade, no error correction.
module RAMB36E1 #(
  `BW_INIT_128(INIT_, 256),
  `BW_INIT_16(INITP_0, 256),
  parameter RAM_MODE = "TDP",
  parameter RAM_EXTENSION_A = "NONE",
  parameter RAM_EXTENSION_B = "NONE",
  parameter SIM_DEVICE = "7SERIES",
  `BW_RAMB_PARAMETERS(32, "WRITE_FIRST", 0)
) (
  input  wire CASCADEINA,
  input  wire CASCADEINB,
  output wire CASCADEOUTA,
  output wire CASCADEOUTB,
  `BW_RAMB_PORTS(32, 16, DI, DO)
);
  assign CASCADEOUTA = 1'b0;
  assign CASCADEOUTB = 1'b0;

  bw_block_ram #(
    `BW_RAMB_SETTINGS(32),
    .INIT ({`BW_VALUES_128(INIT_)}),
    .INITP({`BW_VALUES_16(INITP_0)})
  ) ram (
    `BW_RAMB_PINS(32, DI, DO)
  );
endmodule
