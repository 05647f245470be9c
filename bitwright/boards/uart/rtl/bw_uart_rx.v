// SPDX-License-Identifier: Apache-2.0
// Receiver of a serial line: 8 data bits, the lowest first, no parity, one stop bit. A byte without a stop bit is dropped.
module bw_uart_rx #(
  // clock cycles a bit, at least 8
  parameter DIV = 12
) (
  input  wire       clk,
  input  wire       rst_n,
  input  wire       rx,
  output reg        out_valid,
  output wire [7:0] out_data
);
  localparam C = $clog2(DIV);
  localparam integer WHOLE = DIV - 1;
  localparam integer HALF  = DIV / 2 - 1;

  // The line, synchronised.
  reg  [2:0]   line;
  // Start bit and data as they come; the start bit arrives at the bottom with the last data bit.
  reg  [8:0]   bits;
  reg  [3:0]   left;
  reg  [C-1:0] wait_for;
  wire         busy = left != 4'd0;

  assign out_data = bits[8:1];

  always @(posedge clk)
    if (!rst_n) begin
      line      <= 3'b111;
      left      <= 4'd0;
      out_valid <= 1'b0;
      wait_for  <= {C{1'b0}};
    end else begin
      line      <= {line[1:0], rx};
      out_valid <= 1'b0;
      if (!busy) begin
        // A falling edge: the middle of the start bit is half a bit away.
        if (line[2:1] == 2'b10) begin
          left     <= 4'd10;
          wait_for <= HALF[C-1:0];
        end
      end else if (wait_for != {C{1'b0}}) begin
        wait_for <= wait_for - 1'b1;
      end else begin
        wait_for <= WHOLE[C-1:0];
        left     <= left - 4'd1;
        if (left == 4'd1) out_valid <= line[1];
        // A start bit that does not last is noise.
        else if (left == 4'd10 && line[1]) left <= 4'd0;
      end
    end

  always @(posedge clk)
    if (busy && wait_for == {C{1'b0}} && left != 4'd1) bits <= {line[1], bits[8:1]};

  wire unused = bits[0];
endmodule
