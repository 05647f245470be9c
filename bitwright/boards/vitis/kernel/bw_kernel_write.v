// SPDX-License-Identifier: Apache-2.0
// Takes a run's frames from the accelerator and writes them to memory, one behind the other. A burst begins when all of it
// is here, so that nothing on the way waits for the accelerator; of the last word only the bytes of frames are written. The
// module is busy until the memory has answered every burst.
// LATENCY: FRAMES + 6 (start in cycle t, the first address in cycle t+LATENCY at the earliest)
module bw_kernel_write #(
  // bits of an address, and of a number of frames, from 2
  parameter ADDR   = 64,
  parameter FRAMES = 32,
  // log2 of the bytes a word of memory and a beat of the stream, and the beats a frame
  parameter SIZE   = 4,
  parameter BEAT   = 3,
  parameter BEATS  = 3,
  // log2 of the words of the longest burst and of the memory between
  parameter BURST  = 2,
  parameter DEPTH  = 4,
  // bits of the number of bursts without an answer
  parameter FLIGHT = 6
) (
  input  wire                   clk,
  input  wire                   rst_n,
  input  wire                   start,
  input  wire [ADDR-1:0]        address,
  input  wire [FRAMES-1:0]      frames,
  output reg                    busy,
  output reg  [ADDR-1:0]        awaddr,
  output reg  [7:0]             awlen,
  output reg                    awvalid,
  input  wire                   awready,
  output wire [(8<<SIZE)-1:0]   wdata,
  output wire [(1<<SIZE)-1:0]   wstrb,
  output wire                   wlast,
  output wire                   wvalid,
  input  wire                   wready,
  input  wire                   bvalid,
  output wire                   bready,
  input  wire [(8<<BEAT)-1:0]   s_axis_tdata,
  input  wire                   s_axis_tvalid,
  output wire                   s_axis_tready
);
  localparam RATIO = SIZE - BEAT;
  localparam COUNT = FRAMES + $clog2(BEATS + 1) - RATIO;
  localparam TAIL  = (RATIO == 0) ? 1 : RATIO;
  localparam MEM   = 8 << SIZE;
  localparam [TAIL-1:0] FULL = (1 << RATIO) - 1;

  wire             counted, burst, taken, last_burst;
  wire [COUNT-1:0] words;
  wire [TAIL-1:0]  tail;
  wire [ADDR-1:0]  burst_address;
  wire [BURST:0]   burst_words;
  wire [7:0]       burst_length;

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
    .out_address(burst_address),
    .out_words  (burst_words),
    .out_length (burst_length),
    .out_last   (last_burst)
  );

  // 1. Beats become words; `left` of them are not complete.
  reg              final_burst;
  reg  [COUNT-1:0] left;
  reg              open, last_word;
  reg  [TAIL-1:0]  slot;
  reg              full;
  wire             word_ready;
  wire [MEM-1:0]   word;
  wire             beat      = s_axis_tvalid & s_axis_tready;
  wire             completes = beat & (slot == (last_word ? tail : FULL));
  // Beats of the run's last word that are there.
  wire [(1<<RATIO)-1:0] live = {(1 << RATIO){1'b1}} >> (FULL - tail);
  assign s_axis_tready = open & (~full | word_ready);
  always @(posedge clk)
    if (!rst_n) open <= 1'b0;
    else open <= counted ? words != {COUNT{1'b0}} : open & ~(completes & last_word);
  always @(posedge clk)
    if (counted) begin
      left      <= words;
      last_word <= words == {{(COUNT - 1){1'b0}}, 1'b1};
    end else if (completes) begin
      left      <= left - 1'b1;
      last_word <= left == {{(COUNT - 2){1'b0}}, 2'd2};
    end
  always @(posedge clk)
    if (!rst_n) begin
      slot <= {TAIL{1'b0}};
      full <= 1'b0;
    end else begin
      if (beat) slot <= completes ? {TAIL{1'b0}} : slot + 1'b1;
      full <= completes | (full & ~word_ready);
    end
  genvar k;
  generate
    for (k = 0; k < (1 << RATIO); k = k + 1) begin : g_slot
      localparam [TAIL-1:0] PLACE = k;
      reg [(8<<BEAT)-1:0] part;
      always @(posedge clk) if (beat & (slot == PLACE)) part <= s_axis_tdata;
      assign word[k*(8<<BEAT) +: 8<<BEAT] = part;
      assign wstrb[k<<BEAT +: 1<<BEAT]    = {(1 << BEAT){live[k] | ~(wlast & final_burst)}};
    end
  endgenerate

  // 2. Words wait until a burst of them is here.
  wire stored = full & word_ready;
  wire found, leaves;
  bw_kernel_fifo #(.WIDTH(MEM), .DEPTH(1 << DEPTH)) fifo (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (full),
    .in_ready (word_ready),
    .in_data  (word),
    .out_valid(found),
    .out_ready(leaves),
    .out_data (wdata)
  );

  // 3. Bursts: one at a time in its address and its words, several without their answers.
  reg  [DEPTH:0]    here;
  reg  [BURST:0]    to_send;
  reg               sending, final_word, planned, all_begun;
  reg  [FLIGHT-1:0] flight;
  wire              enough = here >= {{(DEPTH - BURST){1'b0}}, burst_words};
  wire              begins = burst & taken;
  wire              sent   = wvalid & wready;
  assign taken  = enough & ~awvalid & ~sending & ~(&flight);
  assign wvalid = sending & found;
  assign leaves = sending & wready;
  assign wlast  = final_word;
  assign bready = 1'b1;
  always @(posedge clk)
    if (!rst_n) begin
      here    <= {(DEPTH + 1){1'b0}};
      awvalid <= 1'b0;
      sending <= 1'b0;
      flight  <= {FLIGHT{1'b0}};
    end else begin
      here    <= here + {{DEPTH{1'b0}}, stored}
                      - (begins ? {{(DEPTH - BURST){1'b0}}, burst_words} : {(DEPTH + 1){1'b0}});
      awvalid <= begins | (awvalid & ~awready);
      sending <= begins | (sending & ~(sent & final_word));
      if (begins != bvalid) flight <= flight + {{(FLIGHT - 1){bvalid}}, 1'b1};
    end
  always @(posedge clk)
    if (begins) begin
      awaddr      <= burst_address;
      awlen       <= burst_length;
      final_burst <= last_burst;
      to_send     <= burst_words;
      final_word  <= burst_words == {{BURST{1'b0}}, 1'b1};
    end else if (sent) begin
      to_send     <= to_send - 1'b1;
      final_word  <= to_send == {{(BURST - 1){1'b0}}, 2'd2};
    end

  // The run is over when its last burst is answered, or at once if it has no words.
  wire over = planned & (all_begun | (words == {COUNT{1'b0}})) & ~awvalid & ~sending & (flight == {FLIGHT{1'b0}});
  always @(posedge clk)
    if (!rst_n) begin
      busy      <= 1'b0;
      planned   <= 1'b0;
      all_begun <= 1'b0;
    end else begin
      busy      <= start | (busy & ~over);
      planned   <= counted | (planned & busy & ~over);
      all_begun <= (begins & last_burst) | (all_begun & busy & ~over);
    end
endmodule
