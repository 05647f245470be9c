// SPDX-License-Identifier: Apache-2.0
// Where a run's frames lie in memory: from their number it counts beats and words, a bit a cycle, and then splits the words
// into bursts. These end where an address is a multiple of the longest, so that none crosses 4 KB.
// LATENCY: FRAMES + 2 (start in cycle t, counted in cycle t+LATENCY, the first burst three later); a burst every third cycle
module bw_kernel_plan #(
  // bits of an address, and of a number of frames, from 2
  parameter ADDR   = 64,
  parameter FRAMES = 32,
  // beats of a stream a frame, and log2 of the beats a word of memory
  parameter BEATS  = 3,
  parameter RATIO  = 2,
  // log2 of the bytes a word, and of the words of the longest burst, from 1: together 12 at most
  parameter SIZE   = 4,
  parameter BURST  = 2,
  // bits of the number of words, and of a word's beats
  parameter COUNT  = FRAMES + $clog2(BEATS + 1) - RATIO,
  parameter TAIL   = (RATIO == 0) ? 1 : RATIO
) (
  input  wire              clk,
  input  wire              rst_n,
  input  wire              start,
  // of the first byte, a multiple of a word; steady until it is counted
  input  wire [ADDR-1:0]   address,
  // with start
  input  wire [FRAMES-1:0] frames,
  // the cycle from which on these hold the words, and the beats of the last one, less one
  output reg               counted,
  output reg  [COUNT-1:0]  words,
  output reg  [TAIL-1:0]   tail,
  // bursts: the address of the first word, the words and these less one; the run's last burst
  output reg               out_valid,
  input  wire              out_ready,
  output wire [ADDR-1:0]   out_address,
  output reg  [BURST:0]    out_words,
  output wire [7:0]        out_length,
  output reg               out_last
);
  localparam TOTAL = COUNT + RATIO;
  localparam F     = $clog2(BEATS + 1);
  localparam S     = $clog2(FRAMES);
  localparam integer FRAME = BEATS, LAST_STEP = FRAMES - 1;

  // 1. Frames times beats, from the highest bit on.
  reg               counting, whole;
  reg  [S-1:0]      step;
  reg  [FRAMES-1:0] bits;
  reg  [TOTAL-1:0]  beats;
  wire [TOTAL-1:0]  last_beat = beats - 1'b1;
  always @(posedge clk)
    if (!rst_n) begin
      counting <= 1'b0;
      whole    <= 1'b0;
      counted  <= 1'b0;
    end else begin
      counting <= start | (counting & (step != LAST_STEP[S-1:0]));
      whole    <= counting & (step == LAST_STEP[S-1:0]);
      counted  <= whole;
    end
  always @(posedge clk)
    if (counting) begin
      step  <= step + 1'b1;
      bits  <= {bits[FRAMES-2:0], 1'b0};
      beats <= {beats[TOTAL-2:0], 1'b0} + {{FRAMES{1'b0}}, FRAME[F-1:0] & {F{bits[FRAMES-1]}}};
    end else if (start) begin
      step  <= {S{1'b0}};
      bits  <= frames;
      beats <= {TOTAL{1'b0}};
    end
  generate
    if (RATIO == 0) begin : g_whole
      always @(posedge clk)
        if (whole) begin
          words <= beats;
          tail  <= 1'b0;
        end
    end else begin : g_parts
      always @(posedge clk)
        if (whole) begin
          words <= beats[TOTAL-1:RATIO] + {{(COUNT - 1){1'b0}}, |beats[RATIO-1:0]};
          tail  <= last_beat[RATIO-1:0];
        end
    end
  endgenerate

  // 2. Bursts, of what is left up to the next multiple.
  localparam PLACE = ADDR - SIZE;
  localparam [BURST:0] MOST = 1 << BURST;
  reg  [PLACE-1:0] place;
  reg  [COUNT-1:0] left;
  reg              active, sized, few;
  reg  [BURST:0]   room;
  wire             issue = out_valid & out_ready;
  always @(posedge clk)
    if (!rst_n) begin
      active    <= 1'b0;
      sized     <= 1'b0;
      out_valid <= 1'b0;
    end else begin
      active    <= (counted & (words != {COUNT{1'b0}})) | (active & ~(issue & out_last));
      sized     <= active & ~sized & ~out_valid;
      out_valid <= sized | (out_valid & ~out_ready);
    end
  always @(posedge clk) begin
    if (counted) begin
      place <= address[ADDR-1:SIZE];
      left  <= words;
    end else if (issue) begin
      place <= place + {{(PLACE - BURST - 1){1'b0}}, out_words};
      left  <= left - {{(COUNT - BURST - 1){1'b0}}, out_words};
    end
    room <= MOST - {1'b0, place[BURST-1:0]};
    few  <= left[COUNT-1:BURST+1] == {(COUNT - BURST - 1){1'b0}};
    if (sized) begin
      out_last  <= few & (left[BURST:0] <= room);
      out_words <= (few & (left[BURST:0] <= room)) ? left[BURST:0] : room;
    end
  end
  wire [BURST:0] length = out_words - 1'b1;
  assign out_length  = {{(8 - BURST){1'b0}}, length[BURST-1:0]};
  assign out_address = {place, {SIZE{1'b0}}};

  // Of an address only that of its word counts.
  wire unused = &{1'b0, address[SIZE-1:0], last_beat, length[BURST]};
endmodule
