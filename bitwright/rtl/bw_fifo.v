// SPDX-License-Identifier: Apache-2.0
// Output FIFO of a credit domain. It has no in_ready: whoever writes holds a credit, so there is room. Every GROUP words
// that leave give one credit back; of every FOLDS groups the last has LAST words. The storage is a shift register with an
// addressed read (one SRL a bit and 32 words), or a distributed RAM for chips whose LUTs cannot shift.
// LATENCY: 1 (in_valid in cycle t, out_valid in cycle t+1 when empty); the last pop of a group in cycle t gives credit in cycle t+1
module bw_fifo #(
  // bits a word
  parameter WIDTH = 8,
  // words; at least GROUP times the credits of the domain
  parameter DEPTH = 16,
  // words a credit
  parameter GROUP = 1,
  // groups a round
  parameter FOLDS = 1,
  // words of the last of them, 1 to GROUP
  parameter LAST  = GROUP,
  // storage: 1 shift registers, 0 distributed RAM
  parameter SHIFT = 1
) (
  input  wire             clk,
  input  wire             rst_n,
  input  wire             in_valid,
  input  wire [WIDTH-1:0] in_data,
  output wire             out_valid,
  input  wire             out_ready,
  output wire [WIDTH-1:0] out_data,
  output reg              credit
);
  wire pop = out_valid & out_ready;
  wire last;

  generate
    if (LAST == GROUP) begin : g_even
      bw_counter #(.COUNT(GROUP)) groups (
        .clk  (clk),
        .rst_n(rst_n),
        .step (pop),
        .last (last)
      );
    end else begin : g_short
      localparam G = $clog2(GROUP);
      localparam integer FULL_TOP = GROUP - 1;
      localparam integer LAST_TOP = LAST - 1;
      // Which word of its group the next one is.
      reg [G-1:0] place;
      wire        shorter;

      bw_counter #(.COUNT(FOLDS)) folds (
        .clk  (clk),
        .rst_n(rst_n),
        .step (pop & last),
        .last (shorter)
      );

      assign last = place == (shorter ? LAST_TOP[G-1:0] : FULL_TOP[G-1:0]);

      always @(posedge clk)
        if (!rst_n) place <= {G{1'b0}};
        else if (pop) place <= last ? {G{1'b0}} : place + {{(G - 1) {1'b0}}, 1'b1};
    end
  endgenerate

  always @(posedge clk)
    if (!rst_n) credit <= 1'b0;
    else credit <= pop & last;

  generate
    if (DEPTH == 1) begin : g_one
      reg             full;
      reg [WIDTH-1:0] word;

      always @(posedge clk)
        if (!rst_n) full <= 1'b0;
        else full <= in_valid | (full & ~out_ready);
      always @(posedge clk)
        if (in_valid) word <= in_data;

      assign out_valid = full;
      assign out_data  = word;
    end else begin : g_many
      localparam A = $clog2(DEPTH);
      // Words held minus one: the sign bit says empty, the rest addresses the oldest word.
      reg  [A:0] level;
      wire [A:0] step = {{A{~in_valid}}, 1'b1};

      always @(posedge clk)
        if (!rst_n) level <= {(A + 1){1'b1}};
        else if (in_valid ^ pop) level <= level + step;

      assign out_valid = ~level[A];

      if (SHIFT != 0) begin : g_shift
        genvar b;
        for (b = 0; b < WIDTH; b = b + 1) begin : g_bit
          // A power of two long, so that no address is out of range; an SRL's unused taps are free.
          reg [(1<<A)-1:0] chain;
          always @(posedge clk)
            if (in_valid) chain <= {chain[(1<<A)-2:0], in_data[b]};
          assign out_data[b] = chain[level[A-1:0]];
        end
      end else begin : g_memory
        (* ram_style = "distributed", no_rw_check *)
        reg [WIDTH-1:0] mem [0:(1<<A)-1];
        reg [A-1:0]     write_at, read_at;
        always @(posedge clk)
          if (!rst_n) begin
            write_at <= {A{1'b0}};
            read_at  <= {A{1'b0}};
          end else begin
            if (in_valid) write_at <= write_at + 1'b1;
            if (pop) read_at <= read_at + 1'b1;
          end
        always @(posedge clk)
          if (in_valid) mem[write_at] <= in_data;
        assign out_data = mem[read_at];
      end
    end
  endgenerate
endmodule
