// SPDX-License-Identifier: Apache-2.0
// The half block RAM of UltraScale+, as synthesis instantiates it: no output registers, no cascade, no error correction.
module RAMB18E2 #(
  `BW_INIT_64(INIT_, 256),
  `BW_INIT_8(INITP_0, 256),
  `BW_RAMB_PARAMETERS(16, "NO_CHANGE", 1)
) (
  input  wire ADDRENA,
  input  wire ADDRENB,
  input  wire SLEEP,
  `BW_RAMB_PORTS(16, 14, DIN, DOUT)
);
  bw_block_ram #(
    `BW_RAMB_SETTINGS(16),
    .INIT ({`BW_VALUES_64(INIT_)}),
    .INITP({`BW_VALUES_8(INITP_0)})
  ) ram (
    `BW_RAMB_PINS(16, DIN, DOUT)
  );
endmodule
