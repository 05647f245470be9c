// SPDX-License-Identifier: Apache-2.0
// Weights of a unit, constant (bw_rom) or writable (bw_store), and what belongs to the slots that they are for: activations,
// which leave with the weights, and a valid bit with its tag, which leave a cycle before.
// LATENCY: READ = 3 where a word is chosen from several (a block memory with ROWS < DEPTH), else 2 (addr, in_valid, in_tag in
//   cycle t; soon_valid and soon_tag in cycle t+READ-1, data in cycle t+READ; in_x in cycle t+LATE, x in cycle t+READ)
module bw_weights #(
  // bits a word
  parameter WIDTH    = 8,
  // words, at least 1
  parameter DEPTH    = 16,
  // bits of the address: max(1, clog2(DEPTH))
  parameter ADDR     = 4,
  // memory file ($readmemh) of words, or of rows where they hold several
  parameter FILE     = "",
  // memory: 0 distributed, 1 block; words in a row of a block memory, its rows, and the file of the rest (see bw_rom)
  parameter STYLE    = 0,
  parameter SEGMENTS = 1,
  parameter ROWS     = DEPTH,
  parameter REST     = "",
  // 1: weights can be written, so many bits of a word at a time; bits of a place, and the memory's own highest (see bw_store)
  parameter WRITABLE = 0,
  parameter LANE     = 32,
  parameter PLACE    = 1,
  parameter BASE     = 0,
  // bits of a slot's tag
  parameter TAG      = 1,
  // bits of a slot's activations, and the cycles that they come after its address: 0, 1 or 2
  parameter X_WIDTH  = 8,
  parameter LATE     = 0
) (
  input  wire               clk,
  input  wire               rst_n,
  input  wire               in_valid,
  input  wire [TAG-1:0]     in_tag,
  input  wire [ADDR-1:0]    addr,
  input  wire [X_WIDTH-1:0] in_x,
  output wire               soon_valid,
  output wire [TAG-1:0]     soon_tag,
  output wire [WIDTH-1:0]   data,
  output wire [X_WIDTH-1:0] x,
  // writes to the weights
  input  wire               write_valid,
  input  wire [PLACE+31:0]  write_data
);
  localparam READ = (STYLE == 1 && ROWS < DEPTH) ? 3 : 2;
  // Cycles that activations wait for their weights.
  localparam WAIT = READ - LATE;

  reg  [(READ-1)*TAG-1:0] tags;
  wire [READ*TAG-1:0]     next_tags = {tags, in_tag};

  always @(posedge clk) tags <= next_tags[(READ-1)*TAG-1:0];
  assign soon_tag = next_tags[(READ-1)*TAG +: TAG];

  bw_delay #(.CYCLES(READ - 1)) slots (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (in_valid),
    .out_valid(soon_valid)
  );

  generate
    if (WRITABLE != 0) begin : g_writable
      bw_store #(
        .WIDTH(WIDTH),
        .LANE (LANE),
        .DEPTH(DEPTH),
        .ADDR (ADDR),
        .FILE (FILE),
        .STYLE(STYLE),
        .SEGMENTS(SEGMENTS),
        .ROWS (ROWS),
        .PLACE(PLACE),
        .BASE (BASE)
      ) memory (
        .clk        (clk),
        .addr       (addr),
        .data       (data),
        .write_valid(write_valid),
        .write_data (write_data)
      );
    end else begin : g_constant
      bw_rom #(
        .WIDTH   (WIDTH),
        .DEPTH   (DEPTH),
        .ADDR    (ADDR),
        .FILE    (FILE),
        .STYLE   (STYLE),
        .SEGMENTS(SEGMENTS),
        .ROWS    (ROWS),
        .REST    (REST)
      ) memory (
        .clk (clk),
        .addr(addr),
        .data(data)
      );
      wire unused = &{1'b0, write_valid, write_data};
    end

    if (WAIT == 0) begin : g_now
      assign x = in_x;
    end else begin : g_wait
      reg  [WAIT*X_WIDTH-1:0]     held;
      wire [(WAIT+1)*X_WIDTH-1:0] next = {held, in_x};
      always @(posedge clk) held <= next[WAIT*X_WIDTH-1:0];
      assign x = next[WAIT*X_WIDTH +: X_WIDTH];
    end
  endgenerate
endmodule
