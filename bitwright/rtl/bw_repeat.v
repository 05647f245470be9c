// SPDX-License-Identifier: Apache-2.0
// Nearest-neighbour upsampling: each pixel leaves RW times, each row RH times. The words live in a ring; one word leaves a
// cycle, without a bubble, if the input is there and the ring has two words beyond what it must have. Under any stalls:
//   word k is accepted in a cycle after word k - DEPTH was issued for the last time;
//   words are issued in order, one a cycle, the first copy of a word in a cycle after it was accepted, each against one of
//   5 credits; a word issued in cycle t has out_valid in cycle t+3; one that leaves in cycle t gives its credit to cycle t+2.
// LATENCY: 4 (accepted in cycle t, its first copy out_valid in cycle t+4)
module bw_repeat #(
  // bits a word
  parameter BITS   = 8,
  // words a pixel
  parameter WORDS  = 1,
  // pixels a row
  parameter WIDTH  = 8,
  // copies of a pixel in its row, and of a row
  parameter RW     = 2,
  parameter RH     = 2,
  // words of the ring: at least those of a row, if RH = 1 those of a pixel
  parameter DEPTH  = WIDTH * WORDS + 2,
  // memory: 0 distributed RAM, 1 block RAM
  parameter STYLE  = 0
) (
  input  wire            clk,
  input  wire            rst_n,
  input  wire            in_valid,
  output wire            in_ready,
  input  wire [BITS-1:0] in_data,
  output wire            out_valid,
  input  wire            out_ready,
  output wire [BITS-1:0] out_data
);
  localparam A = (DEPTH > 1) ? $clog2(DEPTH) : 1;
  // Bits that count 0 .. DEPTH, and a sign.
  localparam L = $clog2(DEPTH + 1) + 1;
  // Steps of the read address: on, back to the first word of the pixel, and of the row.
  localparam integer ON     = 1 % DEPTH;
  localparam integer PIXEL  = (DEPTH - (WORDS - 1) % DEPTH) % DEPTH;
  localparam integer ROW    = (DEPTH - (WIDTH * WORDS - 1) % DEPTH) % DEPTH;
  // The same a turn of the ring back.
  localparam integer ON_BACK    = ON - DEPTH;
  localparam integer PIXEL_BACK = PIXEL - DEPTH;
  localparam integer ROW_BACK   = ROW - DEPTH;
  localparam integer TOP        = DEPTH - 1;

  wire some, last_word, last_copy, last_pixel, last_row;
  // Whether the next word is issued for the first time.
  wire first_copy, first_row;
  wire write = in_valid & in_ready;
  // Free words minus one, and words not yet issued even once minus one: a sign bit says none.
  reg  [L-1:0] room, fresh;
  wire first = first_copy & first_row;
  wire issue = some & ~(first & fresh[L-1]);
  wire free  = issue & last_copy & last_row;
  wire use_fresh = issue & first;
  wire [A-1:0] move = (last_word & ~last_copy) ? PIXEL[A-1:0]
                    : (last_word & last_pixel & ~last_row) ? ROW[A-1:0] : ON[A-1:0];
  wire [A:0]   back = (last_word & ~last_copy) ? PIXEL_BACK[A:0]
                    : (last_word & last_pixel & ~last_row) ? ROW_BACK[A:0] : ON_BACK[A:0];

  assign in_ready = ~room[L-1];

  bw_counter #(.COUNT(WORDS)) words (
    .clk  (clk),
    .rst_n(rst_n),
    .step (issue),
    .last (last_word)
  );
  bw_turn #(.COUNT(RW)) copies (
    .clk  (clk),
    .rst_n(rst_n),
    .step (issue & last_word),
    .first(first_copy),
    .last (last_copy)
  );
  bw_counter #(.COUNT(WIDTH)) pixels (
    .clk  (clk),
    .rst_n(rst_n),
    .step (issue & last_word & last_copy),
    .last (last_pixel)
  );
  bw_turn #(.COUNT(RH)) rows (
    .clk  (clk),
    .rst_n(rst_n),
    .step (issue & last_word & last_copy & last_pixel),
    .first(first_row),
    .last (last_row)
  );

  always @(posedge clk)
    if (!rst_n) begin
      room  <= TOP[L-1:0];
      fresh <= {L{1'b1}};
    end else begin
      if (write ^ free) room <= room + {{(L - 1){write}}, 1'b1};
      if (write ^ use_fresh) fresh <= fresh + {{(L - 1){use_fresh}}, 1'b1};
    end

  bw_ring #(
    .WIDTH(BITS),
    .DEPTH(DEPTH),
    .ADDR (A),
    .START(0),
    .STYLE(STYLE)
  ) ring (
    .clk      (clk),
    .rst_n    (rst_n),
    .write    (write),
    .in_data  (in_data),
    .some     (some),
    .read     (issue),
    .move     (move),
    .back     (back),
    .outside  (1'b0),
    .padding  ({BITS{1'b0}}),
    .out_valid(out_valid),
    .out_ready(out_ready),
    .out_data (out_data)
  );
endmodule
