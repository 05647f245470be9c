// SPDX-License-Identifier: Apache-2.0
// Ring memory that is written in order and read along a walk: each read moves the read address by a given number of words.
// Whoever drives it knows which words are there and which are free. What is read leaves through a small FIFO, against one of
// 5 credits a word: `some` says that one is held. A word written in cycle t can be read from cycle t+1 on; its place can be
// written from the cycle after a read on. A word that leaves in cycle t gives its credit to cycle t+2.
// LATENCY: 3 (read in cycle t, out_valid in cycle t+3 if no older word waits)
module bw_ring #(
  // bits a word
  parameter WIDTH = 8,
  // words
  parameter DEPTH = 16,
  // bits of an address: max(1, clog2(DEPTH))
  parameter ADDR  = 4,
  // address of the first read, less than DEPTH
  parameter START = 0,
  // memory: 0 distributed RAM, 1 block RAM
  parameter STYLE = 0
) (
  input  wire             clk,
  input  wire             rst_n,
  input  wire             write,
  input  wire [WIDTH-1:0] in_data,
  // a read is allowed
  output wire             some,
  input  wire             read,
  // from this word to the next one, modulo DEPTH: less than DEPTH
  input  wire [ADDR-1:0]  move,
  // move - DEPTH, two's complement: it chooses among constants as `move` does, so nothing waits for a subtraction
  input  wire [ADDR:0]    back,
  // not this word but `padding`
  input  wire             outside,
  input  wire [WIDTH-1:0] padding,
  output wire             out_valid,
  input  wire             out_ready,
  output wire [WIDTH-1:0] out_data
);
  // From a read to its credit's return: 5 cycles.
  localparam CREDITS = 5;

  wire            credit, arrived;
  wire [ADDR-1:0] write_at;
  reg  [ADDR-1:0] read_at;
  wire [ADDR-1:0] read_next;
  reg             was_outside;
  reg [WIDTH-1:0] word;

  bw_credit #(.CREDITS(CREDITS)) credits (
    .clk  (clk),
    .rst_n(rst_n),
    .take (read),
    .give (credit),
    .some (some)
  );
  bw_index #(.COUNT(DEPTH), .WIDTH(ADDR)) writer (
    .clk  (clk),
    .rst_n(rst_n),
    .step (write),
    .index(write_at)
  );

  generate
    if (DEPTH == (1 << ADDR)) begin : g_power
      assign read_next = read_at + move;
      wire unused = &{1'b0, back};
    end else begin : g_wrap
      wire [ADDR-1:0] sum  = read_at + move;
      wire [ADDR:0]   less = {1'b0, read_at} + back;
      assign read_next = less[ADDR] ? sum : less[ADDR-1:0];
    end
  endgenerate

  always @(posedge clk)
    if (!rst_n) read_at <= START[ADDR-1:0];
    else if (read) read_at <= read_next;

  always @(posedge clk) was_outside <= outside;

  // A word is never read in the cycle in which it is written, so what a collision reads is nobody's concern.
  generate
    if (STYLE == 0) begin : g_distributed
      (* ram_style = "distributed", no_rw_check *)
      reg [WIDTH-1:0] mem [0:DEPTH-1];
      reg [ADDR-1:0]  at;

      always @(posedge clk) begin
        if (write) mem[write_at] <= in_data;
        at <= read_at;
        if (was_outside) word <= padding;
        else word <= mem[at];
      end
    end else begin : g_block
      (* ram_style = "block", no_rw_check *)
      reg [WIDTH-1:0] mem [0:DEPTH-1];
      reg [WIDTH-1:0] early;

      always @(posedge clk) begin
        if (write) mem[write_at] <= in_data;
        early <= mem[read_at];
        if (was_outside) word <= padding;
        else word <= early;
      end
    end
  endgenerate

  bw_delay #(.CYCLES(2)) reading (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (read),
    .out_valid(arrived)
  );
  bw_fifo #(.WIDTH(WIDTH), .DEPTH(CREDITS)) fifo (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (arrived),
    .in_data  (word),
    .out_valid(out_valid),
    .out_ready(out_ready),
    .out_data (out_data),
    .credit   (credit)
  );
endmodule
