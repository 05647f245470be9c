// SPDX-License-Identifier: Apache-2.0
// Packets from the host: SYNC, {kind, number}, length, as many bytes, CRC. The bytes go into the memory as they come;
// `done` says that a packet is over, `good` that its CRC is right. What is no packet is skipped up to the next SYNC.
module bw_uart_receiver (
  input  wire       clk,
  input  wire       rst_n,
  input  wire       in_valid,
  input  wire [7:0] in_data,
  // a byte of a packet, and its place there
  output wire       write,
  output reg  [7:0] place,
  output wire [7:0] data,
  output reg        done,
  output wire       good,
  output reg  [3:0] kind,
  output reg  [3:0] number,
  output reg  [7:0] length
);
  localparam [7:0] SYNC = 8'ha7;
  localparam [2:0] HUNT = 3'd0, HEAD = 3'd1, SIZE = 3'd2, BODY = 3'd3, HIGH = 3'd4, LOW = 3'd5;

  reg  [2:0]  state;
  reg  [15:0] crc;
  wire [15:0] next;
  wire        last = place == length - 8'd1;

  bw_crc16 check (
    .crc (crc),
    .data(in_data),
    .next(next)
  );

  assign write = in_valid && state == BODY;
  assign data  = in_data;
  assign good  = crc == 16'h0000;

  always @(posedge clk)
    if (!rst_n) begin
      state <= HUNT;
      done  <= 1'b0;
    end else begin
      done <= in_valid && state == LOW;
      if (in_valid)
        case (state)
          HUNT:    if (in_data == SYNC) state <= HEAD;
          HEAD:    state <= SIZE;
          SIZE:    state <= (in_data == 8'd0) ? HIGH : BODY;
          BODY:    if (last) state <= HIGH;
          HIGH:    state <= LOW;
          default: state <= HUNT;
        endcase
    end

  always @(posedge clk)
    if (in_valid) begin
      crc <= (state == HUNT) ? 16'hffff : next;
      if (state == HEAD) {kind, number} <= in_data;
      if (state == SIZE) length <= in_data;
      place <= (state == BODY) ? place + 8'd1 : 8'd0;
    end
endmodule
