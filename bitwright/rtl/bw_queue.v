// SPDX-License-Identifier: Apache-2.0
// FIFO between two streams: in_ready, out_valid (and out_data of block RAM) are registers, so no path leads through it. It
// holds exactly DEPTH words and runs at full rate from two words on. A word accepted in cycle t leaves in cycle t+LATENCY at
// the earliest; its place can be taken again in the cycle after it has left.
// LATENCY: 1 + STYLE (accepted in cycle t, out_valid in cycle t+LATENCY when empty)
module bw_queue #(
  // bits a word
  parameter WIDTH = 8,
  // words, at least 1
  parameter DEPTH = 16,
  // memory: 0 shift registers, distributed RAM if longer than 32 words; 1 block RAM
  parameter STYLE = 0,
  // the chip's LUTs are shift registers; else distributed RAM takes their place
  parameter SHIFT = 1
) (
  input  wire             clk,
  input  wire             rst_n,
  input  wire             in_valid,
  output wire             in_ready,
  input  wire [WIDTH-1:0] in_data,
  output wire             out_valid,
  input  wire             out_ready,
  output wire [WIDTH-1:0] out_data
);
  wire push = in_valid & in_ready;
  wire pop  = out_valid & out_ready;

  // Free places.
  bw_credit #(.CREDITS(DEPTH)) room (
    .clk  (clk),
    .rst_n(rst_n),
    .take (push),
    .give (pop),
    .some (in_ready)
  );

  generate
    if (STYLE == 0 && DEPTH <= 32 && (SHIFT != 0 || DEPTH == 1)) begin : g_shift
      wire credit;
      bw_fifo #(.WIDTH(WIDTH), .DEPTH(DEPTH)) fifo (
        .clk      (clk),
        .rst_n    (rst_n),
        .in_valid (push),
        .in_data  (in_data),
        .out_valid(out_valid),
        .out_ready(out_ready),
        .out_data (out_data),
        .credit   (credit)
      );
      wire unused = &{1'b0, pop, credit};
    end else begin : g_memory
      localparam A = (DEPTH > 1) ? $clog2(DEPTH) : 1;
      localparam L = $clog2(DEPTH) + 1;
      wire [A-1:0] write_at, read_at;
      // A word is read.
      wire         fetch;
      // Words written and not read, minus one: the sign bit says none.
      reg  [L-1:0] level;
      wire [L-1:0] step;

      bw_index #(.COUNT(DEPTH), .WIDTH(A)) writer (
        .clk  (clk),
        .rst_n(rst_n),
        .step (push),
        .index(write_at)
      );
      bw_index #(.COUNT(DEPTH), .WIDTH(A)) reader (
        .clk  (clk),
        .rst_n(rst_n),
        .step (fetch),
        .index(read_at)
      );
      if (L == 1) begin : g_one
        assign step = 1'b1;
      end else begin : g_many
        assign step = {{(L - 1){~push}}, 1'b1};
      end
      always @(posedge clk)
        if (!rst_n) level <= {L{1'b1}};
        else if (push ^ fetch) level <= level + step;

      // A word is never read in the cycle in which it is written, so what a collision reads is nobody's concern.
      if (STYLE == 0) begin : g_distributed
        (* ram_style = "distributed", no_rw_check *)
        reg [WIDTH-1:0] mem [0:DEPTH-1];
        always @(posedge clk)
          if (push) mem[write_at] <= in_data;
        assign fetch     = pop;
        assign out_valid = ~level[L-1];
        assign out_data  = mem[read_at];
      end else begin : g_block
        (* ram_style = "block", no_rw_check *)
        reg [WIDTH-1:0] mem [0:DEPTH-1];
        reg [WIDTH-1:0] word;
        reg             full;
        always @(posedge clk) begin
          if (push) mem[write_at] <= in_data;
          if (fetch) word <= mem[read_at];
        end
        always @(posedge clk)
          if (!rst_n) full <= 1'b0;
          else full <= fetch | (full & ~out_ready);
        assign fetch     = ~level[L-1] & (~full | out_ready);
        assign out_valid = full;
        assign out_data  = word;
        wire unused = &{1'b0, pop};
      end
    end
  endgenerate
endmodule
