// SPDX-License-Identifier: Apache-2.0
// Constant memory with registered output. A memory of one word is a constant. To fill blocks whose shape it has not, a
// block memory may have several words side by side in a row, and its last words in LUTs: word k is in row k % ROWS at
// k / ROWS, and words from SEGMENTS * ROWS on, at most ROWS, are the rest.
// LATENCY: READ = 3 where a word is chosen from several (a block memory with ROWS < DEPTH), else 2 (addr in cycle t, data in
//   cycle t+READ)
module bw_rom #(
  // bits a word
  parameter WIDTH = 8,
  // words, at least 1
  parameter DEPTH = 16,
  // bits of the address: max(1, clog2(DEPTH))
  parameter ADDR  = 4,
  // memory file ($readmemh) of words, or of rows where they hold several
  parameter FILE  = "",
  // memory: 0 distributed, 1 block
  parameter STYLE = 0,
  // of a block memory: words in a row, and rows; a power of two unless one row a word holds them all
  parameter SEGMENTS = 1,
  parameter ROWS  = DEPTH,
  // memory file of the rest
  parameter REST  = ""
) (
  input  wire             clk,
  input  wire [ADDR-1:0]  addr,
  output wire [WIDTH-1:0] data
);
  generate
    if (DEPTH == 1) begin : g_constant
      reg [WIDTH-1:0] mem [0:0];
      initial if (FILE != "") $readmemh(FILE, mem);
      assign data = mem[0];
      wire unused = &{1'b0, clk, addr};
    end else if (STYLE == 0) begin : g_distributed
`ifdef YOSYS
      (* rom_style = "logic" *)  // its word for a ROM of LUTs
`else
      (* rom_style = "distributed" *)
`endif
      reg [WIDTH-1:0] mem [0:DEPTH-1];
      reg [WIDTH-1:0] word;
      initial if (FILE != "") $readmemh(FILE, mem);
      // So many bits share a copy of the address; a single one would be the slowest net of a wide memory.
      localparam SHARE = 256;
      genvar g;
      for (g = 0; g < WIDTH; g = g + SHARE) begin : g_copy
        localparam BITS = (WIDTH - g < SHARE) ? WIDTH - g : SHARE;
        (* keep = "true" *)
        reg  [ADDR-1:0]  at;
        wire [WIDTH-1:0] found = mem[at];
        (* keep *)
        always @(posedge clk) at <= addr;
        always @(posedge clk) word[g +: BITS] <= found[g +: BITS];
        wire unused = &{1'b0, found};
      end
      assign data = word;
    end else if (ROWS < DEPTH) begin : g_rows
      localparam LOW   = $clog2(ROWS);
      localparam AFTER = (DEPTH > SEGMENTS * ROWS) ? DEPTH - SEGMENTS * ROWS : 0;
      // What the high bits of the address select from.
      localparam WAYS  = SEGMENTS + ((AFTER > 0) ? 1 : 0);
      localparam HIGH  = $clog2(WAYS);
      (* rom_style = "block", ram_style = "block" *)
      reg  [SEGMENTS*WIDTH-1:0] mem [0:ROWS-1];
      reg  [SEGMENTS*WIDTH-1:0] row;
      reg  [HIGH-1:0]           high;
      wire [WAYS*WIDTH-1:0]     read;
      initial if (FILE != "") $readmemh(FILE, mem);
      always @(posedge clk) begin
        row  <= mem[addr[LOW-1:0]];
        high <= addr[LOW +: HIGH];
      end
      assign read[SEGMENTS*WIDTH-1:0] = row;
      if (AFTER > 0) begin : g_rest
        localparam A = (AFTER > 1) ? $clog2(AFTER) : 1;
`ifdef YOSYS
        (* rom_style = "logic" *)
`else
        (* rom_style = "distributed" *)
`endif
        reg [WIDTH-1:0] rest [0:AFTER-1];
        reg [A-1:0]     at;
        initial if (REST != "") $readmemh(REST, rest);
        always @(posedge clk) at <= addr[A-1:0];
        assign read[SEGMENTS*WIDTH +: WIDTH] = rest[at];
      end
      bw_ways #(.WIDTH(WIDTH), .WAYS(WAYS)) choice (
        .clk (clk),
        .read(read),
        .way (high),
        .word(data)
      );
    end else begin : g_block
      (* rom_style = "block", ram_style = "block" *)
      reg [WIDTH-1:0] mem [0:DEPTH-1];
      reg [WIDTH-1:0] read;
      reg [WIDTH-1:0] word;
      initial if (FILE != "") $readmemh(FILE, mem);
      always @(posedge clk) begin
        read <= mem[addr];
        word <= read;
      end
      assign data = word;
    end
  endgenerate
endmodule
