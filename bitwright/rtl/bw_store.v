// SPDX-License-Identifier: Apache-2.0
// Memory that is read like bw_rom, and written a lane of a word at a time: the place says which memory, word and lane, from
// its highest bits down. It holds the words of its file until they are written. What is read while it is written is not told.
// LATENCY: READ = 3 where a word is chosen from several (a block memory with ROWS < DEPTH), else 2 (addr in cycle t, data in
//   cycle t+READ; a word written in cycle t can be addressed from cycle t+1 on)
module bw_store #(
  // bits a word, and bits of a lane, up to 32; the last lane may have bits beyond the word
  parameter WIDTH = 8,
  parameter LANE  = 8,
  // words, at least 1
  parameter DEPTH = 16,
  // bits of the address: max(1, clog2(DEPTH))
  parameter ADDR  = 4,
  // memory file ($readmemh) of words, or of rows where they hold several
  parameter FILE  = "",
  // memory: 0 distributed, 1 block
  parameter STYLE = 0,
  // of a block memory: words in a row, and rows, as in bw_rom without a rest
  parameter SEGMENTS = 1,
  parameter ROWS  = DEPTH,
  // bits of a place, and the highest bits of those here: there are clog2(DEPTH) for the word and clog2(lanes) for the lane
  parameter PLACE = 8,
  parameter BASE  = 0
) (
  input  wire                clk,
  input  wire [ADDR-1:0]     addr,
  output wire [WIDTH-1:0]    data,
  input  wire                write_valid,
  input  wire [PLACE+31:0]   write_data
);
  localparam LANES = (WIDTH + LANE - 1) / LANE;
  localparam LAST  = WIDTH - (LANES - 1) * LANE;
  localparam LOW   = $clog2(LANES);
  localparam WORD  = $clog2(DEPTH);
  localparam REST  = PLACE - LOW - WORD;

  wire [PLACE-1:0] place = write_data[PLACE+31:32];
  wire [LANE-1:0]  lane  = write_data[LANE-1:0];
  wire [LANES-1:0] write;
  wire             here;
  wire [ADDR-1:0]  at_write;

  genvar l, s;
  generate
    if (REST > 0) begin : g_some
      assign here = write_valid & (place[PLACE-1:LOW+WORD] == BASE[REST-1:0]);
    end else begin : g_all
      assign here = write_valid;
    end
    if (WORD > 0) begin : g_word
      assign at_write = place[LOW+WORD-1:LOW];
    end else begin : g_only_word
      assign at_write = 1'b0;
    end
    for (l = 0; l < LANES; l = l + 1) begin : g_write
      if (LOW > 0) begin : g_lane
        assign write[l] = here & (place[LOW-1:0] == l);
      end else begin : g_only_lane
        assign write[l] = here;
      end
    end

    if (DEPTH == 1) begin : g_register
      reg [WIDTH-1:0] mem [0:0];
      initial if (FILE != "") $readmemh(FILE, mem);
      for (l = 0; l < LANES; l = l + 1) begin : g_lane
        localparam BITS = (l < LANES - 1) ? LANE : LAST;
        always @(posedge clk) if (write[l]) mem[0][l*LANE +: BITS] <= lane[BITS-1:0];
      end
      assign data = mem[0];
      wire unused = &{1'b0, addr, at_write};
    end else if (STYLE == 0) begin : g_distributed
      (* ram_style = "distributed", no_rw_check *)
      reg [WIDTH-1:0] mem [0:DEPTH-1];
      reg [WIDTH-1:0] word;
      initial if (FILE != "") $readmemh(FILE, mem);
      for (l = 0; l < LANES; l = l + 1) begin : g_lane
        localparam BITS = (l < LANES - 1) ? LANE : LAST;
        always @(posedge clk) if (write[l]) mem[at_write][l*LANE +: BITS] <= lane[BITS-1:0];
      end
      // So many bits share a copy of the address, as in bw_rom.
      localparam SHARE = 256;
      for (l = 0; l < WIDTH; l = l + SHARE) begin : g_copy
        localparam BITS = (WIDTH - l < SHARE) ? WIDTH - l : SHARE;
        (* keep = "true" *)
        reg [ADDR-1:0] at;
        wire [WIDTH-1:0] found = mem[at];
        (* keep *)
        always @(posedge clk) at <= addr;
        always @(posedge clk) word[l +: BITS] <= found[l +: BITS];
        wire unused = &{1'b0, found};
      end
      assign data = word;
    end else if (ROWS < DEPTH) begin : g_rows
      localparam DOWN = $clog2(ROWS);
      localparam HIGH = $clog2(SEGMENTS);
      (* ram_style = "block", no_rw_check *)
      reg [SEGMENTS*WIDTH-1:0] mem [0:ROWS-1];
      reg [SEGMENTS*WIDTH-1:0] row;
      reg [HIGH-1:0]           high;
      initial if (FILE != "") $readmemh(FILE, mem);
      for (s = 0; s < SEGMENTS; s = s + 1) begin : g_segment
        for (l = 0; l < LANES; l = l + 1) begin : g_lane
          localparam BITS = (l < LANES - 1) ? LANE : LAST;
          always @(posedge clk)
            if (write[l] & (at_write[DOWN +: HIGH] == s)) mem[at_write[DOWN-1:0]][s*WIDTH+l*LANE +: BITS] <= lane[BITS-1:0];
        end
      end
      always @(posedge clk) begin
        row  <= mem[addr[DOWN-1:0]];
        high <= addr[DOWN +: HIGH];
      end
      bw_ways #(.WIDTH(WIDTH), .WAYS(SEGMENTS)) choice (
        .clk (clk),
        .read(row),
        .way (high),
        .word(data)
      );
    end else begin : g_block
      (* ram_style = "block", no_rw_check *)
      reg [WIDTH-1:0] mem [0:DEPTH-1];
      reg [WIDTH-1:0] read;
      reg [WIDTH-1:0] word;
      initial if (FILE != "") $readmemh(FILE, mem);
      for (l = 0; l < LANES; l = l + 1) begin : g_lane
        localparam BITS = (l < LANES - 1) ? LANE : LAST;
        always @(posedge clk) if (write[l]) mem[at_write][l*LANE +: BITS] <= lane[BITS-1:0];
      end
      always @(posedge clk) begin
        read <= mem[addr];
        word <= read;
      end
      assign data = word;
    end
  endgenerate
  wire unused = &{1'b0, write_data, lane, at_write};
endmodule
