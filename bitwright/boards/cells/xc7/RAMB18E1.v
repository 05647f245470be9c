// SPDX-License-Identifier: Apache-2.0
// The half block RAM of the 7 series, as synthesis instantiates it: no output registers, no cascade, no error correction.
module RAMB18E1 #(
  `BW_INIT_64(INIT_, 256),
  `BW_INIT_8(INITP_0, 256),
  parameter RAM_MODE = "TDP",
  parameter SIM_DEVICE = "7SERIES",
  `BW_RAMB_PARAMETERS(16, "WRITE_FIRST", 0)
) (
  `BW_RAMB_PORTS(16, 14, DI, DO)
);
  bw_block_ram #(
    `BW_RAMB_SETTINGS(16),
    .INIT ({`BW_VALUES_64(INIT_)}),
    .INITP({`BW_VALUES_8(INITP_0)})
  ) ram (
    `BW_RAMB_PINS(16, DI, DO)
  );
endmodule
