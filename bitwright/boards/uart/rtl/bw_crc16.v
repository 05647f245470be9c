// SPDX-License-Identifier: Apache-2.0
// A byte further in a CRC of 16 bits: polynomial x^16 + x^12 + x^5 + 1, the highest bit first. Over data and their own CRC it is 0.
// LATENCY: 0
module bw_crc16 (
  input  wire [15:0] crc,
  input  wire [7:0]  data,
  output wire [15:0] next
);
  function [15:0] step;
    input [15:0] old;
    input [7:0]  in;
    integer i;
    begin
      step = old ^ {in, 8'h00};
      for (i = 0; i < 8; i = i + 1) step = {step[14:0], 1'b0} ^ (step[15] ? 16'h1021 : 16'h0000);
    end
  endfunction
  assign next = step(crc, data);
endmodule
