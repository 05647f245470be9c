// SPDX-License-Identifier: Apache-2.0
// Ring buffer that gives each vector of WORDS words PASSES times, in order. A word is freed in its vector's last pass.
// in_ready and avail depend on registers only. A word written in cycle t can be taken from cycle t+1 on; the room of a
// word freed in cycle t is seen in cycle t+1.
// LATENCY: 2 (take in cycle t, rdata in cycle t+2)
module bw_replay #(
  // bits a word
  parameter WIDTH  = 8,
  // words a vector
  parameter WORDS  = 4,
  // times each vector is read, at least 2
  parameter PASSES = 2,
  // words of memory, at least WORDS
  parameter DEPTH  = 2 * WORDS,
  // memory: 0 distributed RAM, 1 block RAM
  parameter STYLE  = 0
) (
  input  wire             clk,
  input  wire             rst_n,
  input  wire             in_valid,
  output wire             in_ready,
  input  wire [WIDTH-1:0] in_data,
  // the next word is in the memory
  output wire             avail,
  // read it; only while avail
  input  wire             take,
  output wire [WIDTH-1:0] rdata
);
  localparam A = (DEPTH > 1) ? $clog2(DEPTH) : 1;
  // Bits that count 0 .. DEPTH, and a sign.
  localparam L = $clog2(DEPTH + 1) + 1;
  localparam integer TOP  = DEPTH - 1;
  localparam integer ONE = 1;

  wire         write = in_valid & in_ready;
  wire         last_word, last_pass;
  wire         free = take & last_pass;
  wire [A-1:0] write_at;
  // Where the current vector begins, and the next word to read.
  reg  [A-1:0] start, read_at;
  wire [A-1:0] read_next = (read_at == TOP[A-1:0]) ? {A{1'b0}} : read_at + ONE[A-1:0];
  // Free words minus one, and words not yet read even once minus one: a sign bit says none.
  reg  [L-1:0] room, fresh;
  // The current vector is in its first pass.
  reg          first_pass;
  wire         use_fresh = take & first_pass;

  assign in_ready = ~room[L-1];
  assign avail    = ~first_pass | ~fresh[L-1];

  bw_index #(.COUNT(DEPTH), .WIDTH(A)) writer (
    .clk  (clk),
    .rst_n(rst_n),
    .step (write),
    .index(write_at)
  );
  bw_counter #(.COUNT(WORDS)) words (
    .clk  (clk),
    .rst_n(rst_n),
    .step (take),
    .last (last_word)
  );
  bw_counter #(.COUNT(PASSES)) passes (
    .clk  (clk),
    .rst_n(rst_n),
    .step (take & last_word),
    .last (last_pass)
  );

  always @(posedge clk)
    if (!rst_n) begin
      start      <= {A{1'b0}};
      read_at    <= {A{1'b0}};
      first_pass <= 1'b1;
      room       <= TOP[L-1:0];
      fresh      <= {L{1'b1}};
    end else begin
      if (take) read_at <= (last_word & ~last_pass) ? start : read_next;
      if (take & last_word) first_pass <= last_pass;
      if (take & last_word & last_pass) start <= read_next;
      if (write ^ free) room <= room + {{(L - 1){write}}, 1'b1};
      if (write ^ use_fresh) fresh <= fresh + {{(L - 1){use_fresh}}, 1'b1};
    end

  // A word is never read in the cycle in which it is written, so what a collision reads is nobody's concern.
  generate
    if (STYLE == 0) begin : g_distributed
      (* ram_style = "distributed", no_rw_check *)
      reg [WIDTH-1:0] mem [0:DEPTH-1];
      reg [A-1:0]     at;
      reg [WIDTH-1:0] word;

      always @(posedge clk) begin
        if (write) mem[write_at] <= in_data;
        at   <= read_at;
        word <= mem[at];
      end
      assign rdata = word;
    end else begin : g_block
      (* ram_style = "block", no_rw_check *)
      reg [WIDTH-1:0] mem [0:DEPTH-1];
      reg [WIDTH-1:0] read;
      reg [WIDTH-1:0] word;

      always @(posedge clk) begin
        if (write) mem[write_at] <= in_data;
        read <= mem[read_at];
        word <= read;
      end
      assign rdata = word;
    end
  endgenerate
endmodule
