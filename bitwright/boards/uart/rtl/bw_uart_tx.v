// SPDX-License-Identifier: Apache-2.0
// Sender of a serial line: 8 data bits, the lowest first, no parity, one stop bit.
module bw_uart_tx #(
  // clock cycles a bit, at least 8
  parameter DIV = 12
) (
  input  wire       clk,
  input  wire       rst_n,
  input  wire       in_valid,
  output wire       in_ready,
  input  wire [7:0] in_data,
  output wire       tx
);
  localparam C = $clog2(DIV);
  localparam integer WHOLE = DIV - 1;

  // What is to be sent, the line's level at the bottom: ones without end.
  reg [8:0]   bits;
  reg [3:0]   left;
  reg [C-1:0] wait_for;

  assign tx       = bits[0];
  assign in_ready = left == 4'd0;

  always @(posedge clk)
    if (!rst_n) begin
      bits     <= 9'h1ff;
      left     <= 4'd0;
      wait_for <= {C{1'b0}};
    end else if (in_ready) begin
      if (in_valid) begin
        bits     <= {in_data, 1'b0};
        left     <= 4'd10;
        wait_for <= WHOLE[C-1:0];
      end
    end else if (wait_for != {C{1'b0}}) begin
      wait_for <= wait_for - 1'b1;
    end else begin
      bits     <= {1'b1, bits[8:1]};
      left     <= left - 4'd1;
      wait_for <= WHOLE[C-1:0];
    end
endmodule
