// SPDX-License-Identifier: Apache-2.0
// The contents of a block RAM come in many parameters, named by two digits: NAME00, NAME01 and so on.
`define BW_INIT_8(NAME, BITS) \
  parameter [BITS-1:0] NAME``0 = 0, NAME``1 = 0, NAME``2 = 0, NAME``3 = 0, NAME``4 = 0, NAME``5 = 0, NAME``6 = 0, NAME``7 = 0
`define BW_INIT_16(NAME, BITS) \
  `BW_INIT_8(NAME, BITS), NAME``8 = 0, NAME``9 = 0, NAME``A = 0, NAME``B = 0, NAME``C = 0, NAME``D = 0, NAME``E = 0, NAME``F = 0
`define BW_INIT_64(NAME, BITS) \
  `BW_INIT_16(NAME``0, BITS), `BW_INIT_16(NAME``1, BITS), `BW_INIT_16(NAME``2, BITS), `BW_INIT_16(NAME``3, BITS)
`define BW_INIT_128(NAME, BITS) \
  `BW_INIT_64(NAME, BITS), \
  `BW_INIT_16(NAME``4, BITS), `BW_INIT_16(NAME``5, BITS), `BW_INIT_16(NAME``6, BITS), `BW_INIT_16(NAME``7, BITS)

// Their values side by side, the first lowest.
`define BW_VALUES_8(NAME) NAME``7, NAME``6, NAME``5, NAME``4, NAME``3, NAME``2, NAME``1, NAME``0
`define BW_VALUES_16(NAME) NAME``F, NAME``E, NAME``D, NAME``C, NAME``B, NAME``A, NAME``9, NAME``8, `BW_VALUES_8(NAME)
`define BW_VALUES_64(NAME) \
  `BW_VALUES_16(NAME``3), `BW_VALUES_16(NAME``2), `BW_VALUES_16(NAME``1), `BW_VALUES_16(NAME``0)
`define BW_VALUES_128(NAME) \
  `BW_VALUES_16(NAME``7), `BW_VALUES_16(NAME``6), `BW_VALUES_16(NAME``5), `BW_VALUES_16(NAME``4), `BW_VALUES_64(NAME)
