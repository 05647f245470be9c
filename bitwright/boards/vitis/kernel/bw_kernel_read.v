// SPDX-License-Identifier: Apache-2.0
// Reads frames that lie in memory one behind the other, and streams them to the accelerator. A burst is asked for when there
// is room for all of it, so that nothing on the way waits for the accelerator; up to 2**(DEPTH - BURST) bursts are on their way.
// LATENCY: FRAMES + 5 (start in cycle t, the first address in cycle t+LATENCY)
module bw_kernel_read #(
  // bits of an address, and of a number of frames, from 2
  parameter ADDR   = 64,
  parameter FRAMES = 32,
  // log2 of the bytes a word of memory and a beat of the stream, and the beats a frame
  parameter SIZE   = 4,
  parameter BEAT   = 3,
  parameter BEATS  = 3,
  // log2 of the words of the longest burst and of the memory between
  parameter BURST  = 2,
  parameter DEPTH  = 4
) (
  input  wire                   clk,
  input  wire                   rst_n,
  input  wire                   start,
  input  wire [ADDR-1:0]        address,
  input  wire [FRAMES-1:0]      frames,
  output reg                    busy,
  output wire [ADDR-1:0]        araddr,
  output wire [7:0]             arlen,
  output wire                   arvalid,
  input  wire                   arready,
  input  wire [(8<<SIZE)-1:0]   rdata,
  input  wire                   rvalid,
  output wire                   rready,
  output wire [(8<<BEAT)-1:0]   m_axis_tdata,
  output wire                   m_axis_tvalid,
  input  wire                   m_axis_tready
);
  localparam RATIO = SIZE - BEAT;
  localparam COUNT = FRAMES + $clog2(BEATS + 1) - RATIO;
  localparam TAIL  = (RATIO == 0) ? 1 : RATIO;
  localparam MEM   = 8 << SIZE;
  localparam [TAIL-1:0] FULL = (1 << RATIO) - 1;
  localparam [TAIL-1:0] ONE  = 1;

  wire             counted, burst, taken, last_burst;
  wire [COUNT-1:0] words;
  wire [TAIL-1:0]  tail;
  wire [BURST:0]   burst_words;

  bw_kernel_plan #(
    .ADDR(ADDR), .FRAMES(FRAMES), .BEATS(BEATS), .RATIO(RATIO), .SIZE(SIZE), .BURST(BURST)
  ) plan (
    .clk        (clk),
    .rst_n      (rst_n),
    .start      (start),
    .address    (address),
    .frames     (frames),
    .counted    (counted),
    .words      (words),
    .tail       (tail),
    .out_valid  (burst),
    .out_ready  (taken),
    .out_address(araddr),
    .out_words  (burst_words),
    .out_length (arlen),
    .out_last   (last_burst)
  );

  // Places for words that nobody was asked for; a word gives its own back when it leaves the memory.
  localparam [DEPTH:0] PLACES = 1 << DEPTH;
  reg  [DEPTH:0] room;
  wire           word_valid, word_ready;
  wire           give = word_valid & word_ready;
  assign arvalid = burst & (room[DEPTH:BURST] != {(DEPTH - BURST + 1){1'b0}});
  assign taken   = arready & (room[DEPTH:BURST] != {(DEPTH - BURST + 1){1'b0}});
  always @(posedge clk)
    if (!rst_n) room <= PLACES;
    else
      room <= room + {{DEPTH{1'b0}}, give}
                   - ((arvalid & arready) ? {{(DEPTH - BURST){1'b0}}, burst_words} : {(DEPTH + 1){1'b0}});

  wire [MEM-1:0] word;
  wire           fits;
  assign rready = 1'b1;
  bw_kernel_fifo #(.WIDTH(MEM), .DEPTH(1 << DEPTH)) fifo (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (rvalid),
    .in_ready (fits),
    .in_data  (rdata),
    .out_valid(word_valid),
    .out_ready(word_ready),
    .out_data (word)
  );

  // Words that are still to come into hand.
  reg  [COUNT-1:0] left;
  reg              planned, last_word, held;
  always @(posedge clk)
    if (!rst_n) begin
      busy    <= 1'b0;
      planned <= 1'b0;
    end else begin
      busy    <= start | (busy & ~(planned & (left == {COUNT{1'b0}}) & ~held));
      planned <= counted | (planned & busy);
    end
  always @(posedge clk)
    if (counted) begin
      left      <= words;
      last_word <= words == {{(COUNT - 1){1'b0}}, 1'b1};
    end else if (give) begin
      left      <= left - 1'b1;
      last_word <= left == {{(COUNT - 2){1'b0}}, 2'd2};
    end

  // The word in hand: its lowest beat is the next one, and the last, or others follow.
  reg  [MEM-1:0]  rest;
  reg  [TAIL-1:0] more;
  reg             last_beat;
  wire [TAIL-1:0] behind = last_word ? tail : FULL;
  wire            sent   = held & m_axis_tready & last_beat;
  assign word_ready    = ~held | sent;
  assign m_axis_tvalid = held;
  assign m_axis_tdata  = rest[(8<<BEAT)-1:0];
  always @(posedge clk)
    if (!rst_n) held <= 1'b0;
    else held <= give | (held & ~sent);
  always @(posedge clk)
    if (give) begin
      rest      <= word;
      more      <= behind;
      last_beat <= behind == {TAIL{1'b0}};
    end else if (m_axis_tready) begin
      rest      <= rest >> (8 << BEAT);
      more      <= more - 1'b1;
      last_beat <= more == ONE;
    end

  wire unused = &{1'b0, last_burst, fits};
endmodule
