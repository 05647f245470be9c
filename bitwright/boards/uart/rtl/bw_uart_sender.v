// SPDX-License-Identifier: Apache-2.0
// Packets to the host, of the same form. A packet is asked for by `start` with its kind and length while `ready`; its bytes are
// asked for by `place` and taken four cycles later, with `take`. Packets are numbered; `restart` makes the next one number 0.
module bw_uart_sender (
  input  wire       clk,
  input  wire       rst_n,
  input  wire       restart,
  output wire       ready,
  input  wire       start,
  input  wire [3:0] kind,
  input  wire [7:0] length,
  output reg  [7:0] place,
  output wire       take,
  input  wire [7:0] body,
  output wire       out_valid,
  input  wire       out_ready,
  output reg  [7:0] out_data
);
  localparam [7:0] SYNC = 8'ha7;
  localparam [2:0] IDLE = 3'd0, MARK = 3'd1, HEAD = 3'd2, SIZE = 3'd3, BODY = 3'd4, HIGH = 3'd5, LOW = 3'd6;

  reg  [2:0]  state;
  reg  [3:0]  number, of_kind;
  reg  [7:0]  size;
  reg  [15:0] crc;
  wire [15:0] next;
  // A byte has been looked up for so long.
  reg  [2:0]  age;
  wire        sent = out_valid & out_ready;

  bw_crc16 check (
    .crc (crc),
    .data(out_data),
    .next(next)
  );

  assign ready     = state == IDLE;
  assign take      = sent && state == BODY;
  assign out_valid = state != IDLE && age[2];

  always @*
    case (state)
      MARK:    out_data = SYNC;
      HEAD:    out_data = {of_kind, number};
      SIZE:    out_data = size;
      BODY:    out_data = body;
      HIGH:    out_data = crc[15:8];
      default: out_data = crc[7:0];
    endcase

  always @(posedge clk)
    if (!rst_n) begin
      state  <= IDLE;
      age    <= 3'b000;
      number <= 4'd0;
    end else begin
      age <= sent ? 3'b000 : {age[1:0], 1'b1};
      if (restart) number <= 4'd0;
      else if (sent && state == HEAD) number <= number + 4'd1;
      case (state)
        IDLE:    if (start) state <= MARK;
        MARK:    if (sent) state <= HEAD;
        HEAD:    if (sent) state <= SIZE;
        SIZE:    if (sent) state <= (size == 8'd0) ? HIGH : BODY;
        BODY:    if (sent && place == size - 8'd1) state <= HIGH;
        HIGH:    if (sent) state <= LOW;
        default: if (sent) state <= IDLE;
      endcase
    end

  always @(posedge clk) begin
    if (ready) {of_kind, size} <= {kind, length};
    if (sent) begin
      if (state == MARK) crc <= 16'hffff;
      else if (state != HIGH) crc <= next;
      place <= (state == BODY) ? place + 8'd1 : 8'd0;
    end
  end
endmodule
