// SPDX-License-Identifier: Apache-2.0
// Between a serial line and an accelerator's streams.
// The host opens the link with a token: the accelerator is reset and the answer names the design. Then it sends numbered packets
// of up to 255 bytes of input, at most two ahead of the answers that say that one has been taken. Output comes in packets as soon
// as there is any. A packet that is damaged or missing ends the link: nothing is taken any more until it is opened again.
module bw_uart_shell #(
  // clock cycles a bit
  parameter DIV    = 12,
  // bits of the accelerator's streams, multiples of 8
  parameter S_BITS = 8,
  parameter M_BITS = 8,
  // what the design is known by
  parameter [63:0] ID = 64'h0,
  // the light's half period is 2**BLINK clock cycles
  parameter BLINK  = 21
) (
  input  wire              clk,
  input  wire              rst_n,
  input  wire              rx,
  output wire              tx,
  // on while the link is open, blinking while there are results
  output wire              led,
  output reg               core_rst_n,
  output reg  [S_BITS-1:0] s_axis_tdata,
  output reg               s_axis_tvalid,
  input  wire              s_axis_tready,
  input  wire [M_BITS-1:0] m_axis_tdata,
  input  wire              m_axis_tvalid,
  output wire              m_axis_tready
);
  localparam [7:0] VERSION = 8'd1;
  // Kinds of packets: from the host, and to it.
  localparam [3:0] OPEN = 4'd1, INPUT = 4'd2;
  localparam [3:0] OPENED = 4'd1, TAKEN = 4'd2, OUTPUT = 4'd3, LOST = 4'd4;
  localparam [7:0] GREETING = 8'd10;
  localparam S_BYTES = S_BITS / 8;
  localparam M_BYTES = M_BITS / 8;
  localparam SC = $clog2(S_BYTES + 1);
  localparam MC = $clog2(M_BYTES + 1);
  localparam integer S_LAST = S_BYTES - 1;
  localparam integer M_ALL  = M_BYTES;

  // The line.
  wire       heard, told, free;
  wire [7:0] heard_data, told_data;
  bw_uart_rx #(.DIV(DIV)) receive (
    .clk      (clk),
    .rst_n    (rst_n),
    .rx       (rx),
    .out_valid(heard),
    .out_data (heard_data)
  );
  bw_uart_tx #(.DIV(DIV)) send (
    .clk     (clk),
    .rst_n   (rst_n),
    .in_valid(told),
    .in_ready(free),
    .in_data (told_data),
    .tx      (tx)
  );

  // Packets in.
  wire       write, done, good;
  wire [7:0] place, data, length;
  wire [3:0] kind, number;
  bw_uart_receiver receiver (
    .clk     (clk),
    .rst_n   (rst_n),
    .in_valid(heard),
    .in_data (heard_data),
    .write   (write),
    .place   (place),
    .data    (data),
    .done    (done),
    .good    (good),
    .kind    (kind),
    .number  (number),
    .length  (length)
  );

  reg        linked;
  reg  [3:0] expected;
  reg  [7:0] token, first;
  // Two packets of input; `fill` is the one that comes, `drain` the one that goes.
  reg  [1:0] full;
  reg        fill, drain;
  reg  [7:0] size0, size1;
  wire       open  = done & good & (kind == OPEN);
  wire       take  = done & good & linked & (kind == INPUT) & (number == expected) & ~full[fill] & (length != 8'd0);
  wire       wrong = done & linked & ~take & ~open;
  wire       drained;

  always @(posedge clk)
    if (!rst_n) begin
      linked   <= 1'b0;
      expected <= 4'd0;
      full     <= 2'b00;
      fill     <= 1'b0;
      drain    <= 1'b0;
    end else if (open) begin
      linked   <= 1'b1;
      expected <= 4'd0;
      full     <= 2'b00;
      fill     <= 1'b0;
      drain    <= 1'b0;
    end else begin
      if (wrong) linked <= 1'b0;
      if (take) begin
        expected   <= expected + 4'd1;
        full[fill] <= 1'b1;
        fill       <= ~fill;
      end
      if (drained) begin
        full[drain] <= 1'b0;
        drain       <= ~drain;
      end
    end

  always @(posedge clk) begin
    if (write && place == 8'd0) first <= data;
    if (open) token <= first;
    if (take && !fill) size0 <= length;
    if (take && fill) size1 <= length;
  end

  // The accelerator is in reset for some cycles.
  reg [2:0] hold;
  always @(posedge clk)
    if (!rst_n || open) begin
      hold       <= 3'd7;
      core_rst_n <= 1'b0;
    end else begin
      if (hold != 3'd0) hold <= hold - 3'd1;
      core_rst_n <= hold == 3'd0;
    end

  // Bytes in, from the memory to the stream: a byte is read, then shifted into the word.
  (* ram_style = "block", no_rw_check *)
  reg [7:0]    memory [0:511];
  reg [7:0]    byte_in, read_at;
  reg          have;
  reg [SC-1:0] count;
  wire         shift = have & ~s_axis_tvalid;
  wire         last  = read_at == (drain ? size1 : size0) - 8'd1;
  assign drained = shift & last;

  always @(posedge clk) begin
    if (write && !full[fill]) memory[{fill, place}] <= data;
    byte_in <= memory[{drain, read_at}];
  end
  always @(posedge clk)
    if (!rst_n || open) begin
      have          <= 1'b0;
      read_at       <= 8'd0;
      count         <= {SC{1'b0}};
      s_axis_tvalid <= 1'b0;
    end else begin
      have <= ~shift & (have | full[drain]);
      if (shift) begin
        read_at       <= last ? 8'd0 : read_at + 8'd1;
        count         <= (count == S_LAST[SC-1:0]) ? {SC{1'b0}} : count + 1'b1;
        s_axis_tvalid <= count == S_LAST[SC-1:0];
      end else if (s_axis_tready) s_axis_tvalid <= 1'b0;
    end
  generate
    if (S_BITS > 8) begin : g_word
      always @(posedge clk) if (shift) s_axis_tdata <= {byte_in, s_axis_tdata[S_BITS-1:8]};
    end else begin : g_byte
      always @(posedge clk) if (shift) s_axis_tdata <= byte_in;
    end
  endgenerate

  // Bytes out, from the stream to a FIFO.
  (* ram_style = "block", no_rw_check *)
  reg  [7:0]        queue [0:255];
  reg  [7:0]        put_at, get_at, found, byte_out;
  reg  [8:0]        level;
  reg  [M_BITS-1:0] word;
  reg  [MC-1:0]     left;
  wire              put = (left != {MC{1'b0}}) & ~level[8];
  wire              get;
  assign m_axis_tready = left == {MC{1'b0}};

  always @(posedge clk) begin
    if (put) queue[put_at] <= word[7:0];
    found    <= queue[get_at];
    byte_out <= found;
  end
  always @(posedge clk)
    if (!rst_n || open) begin
      put_at <= 8'd0;
      get_at <= 8'd0;
      level  <= 9'd0;
      left   <= {MC{1'b0}};
    end else begin
      if (put) put_at <= put_at + 8'd1;
      if (get) get_at <= get_at + 8'd1;
      if (put ^ get) level <= level + {{8{get}}, 1'b1};
      if (m_axis_tready & m_axis_tvalid) left <= M_ALL[MC-1:0];
      else if (put) left <= left - 1'b1;
    end
  generate
    if (M_BITS > 8) begin : g_from_word
      always @(posedge clk)
        if (m_axis_tready) word <= m_axis_tdata;
        else if (put) word <= {8'h00, word[M_BITS-1:8]};
    end else begin : g_from_byte
      always @(posedge clk) if (m_axis_tready) word <= m_axis_tdata;
    end
  endgenerate

  // Packets out: what is to be told, the most urgent first.
  reg        opened, lost;
  reg  [1:0] taken;
  // An output packet is under way, and it began before the link was opened anew.
  reg        of_output, stale;
  wire       ready, byte_taken;
  wire [7:0] told_place;
  wire       any    = opened | lost | (taken != 2'd0) | (level != 9'd0);
  wire       start  = ready & any & ~open;
  wire [3:0] next   = opened ? OPENED : lost ? LOST : (taken != 2'd0) ? TAKEN : OUTPUT;
  wire [7:0] bytes  = (next == OPENED) ? GREETING : (next == OUTPUT) ? (level[8] ? 8'd255 : level[7:0]) : 8'd0;
  wire       answer = start & (next == TAKEN);
  reg  [7:0] greeting;
  assign get = byte_taken & of_output & ~stale;

  always @*
    case (told_place[3:0])
      4'd0:    greeting = token;
      4'd1:    greeting = VERSION;
      4'd2:    greeting = ID[63:56];
      4'd3:    greeting = ID[55:48];
      4'd4:    greeting = ID[47:40];
      4'd5:    greeting = ID[39:32];
      4'd6:    greeting = ID[31:24];
      4'd7:    greeting = ID[23:16];
      4'd8:    greeting = ID[15:8];
      default: greeting = ID[7:0];
    endcase
  wire unused = &{1'b0, told_place[7:4]};

  bw_uart_sender sender (
    .clk      (clk),
    .rst_n    (rst_n),
    .restart  (open),
    .ready    (ready),
    .start    (start),
    .kind     (next),
    .length   (bytes),
    .place    (told_place),
    .take     (byte_taken),
    .body     (of_output ? byte_out : greeting),
    .out_valid(told),
    .out_ready(free),
    .out_data (told_data)
  );

  always @(posedge clk)
    if (!rst_n) begin
      opened    <= 1'b0;
      lost      <= 1'b0;
      taken     <= 2'd0;
      of_output <= 1'b0;
      stale     <= 1'b0;
    end else begin
      opened <= open | (opened & ~start);
      lost   <= ~open & (wrong | (lost & ~(start & ~opened)));
      taken  <= open ? 2'd0 : taken + {1'b0, drained} - {1'b0, answer};
      if (start) of_output <= next == OUTPUT;
      stale  <= ~ready & (stale | open);
    end

  // The light.
  reg [BLINK:0] beat;
  reg           busy, seen;
  wire          result = m_axis_tvalid & m_axis_tready;
  assign led = busy ? beat[BLINK] : linked;
  always @(posedge clk)
    if (!rst_n) begin
      beat <= {(BLINK + 1) {1'b0}};
      busy <= 1'b0;
      seen <= 1'b0;
    end else begin
      beat <= beat + 1'b1;
      seen <= result | (seen & ~&beat);
      if (&beat) busy <= seen;
    end
endmodule
