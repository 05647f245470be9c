// SPDX-License-Identifier: Apache-2.0
// The whole block RAM of UltraScale+, as synthesis instantiates it: no output registers, no cascade, no error correction.
module RAMB36E2 #(
  `BW_INIT_128(INIT_, 256),
  `BW_INIT_16(INITP_0, 256),
  `BW_RAMB_PARAMETERS(32, "NO_CHANGE", 1)
) (
  input  wire ADDRENA,
  input  wire ADDRENB,
  input  wire SLEEP,
  `BW_RAMB_PORTS(32, 15, DIN, DOUT)
);
  bw_block_ram #(
    `BW_RAMB_SETTINGS(32),
    .INIT ({`BW_VALUES_128(INIT_)}),
    .INITP({`BW_VALUES_16(INITP_0)})
  ) ram (
    `BW_RAMB_PINS(32, DIN, DOUT)
  );
endmodule
