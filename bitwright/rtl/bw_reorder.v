// SPDX-License-Identifier: Apache-2.0
// Permutes blocks of N words: a block is written in order and read along a nest of four loops, word
// i0 * STRIDE0 + i1 * STRIDE1 + i2 * STRIDE2 + i3 * STRIDE3 with i3 moving fastest. Two blocks of memory: one is read while the
// next one is written, without a bubble on either side. Under any stalls:
//   a word of block B is accepted in a cycle after the last word of block B - 2 was issued;
//   block B is issued, a word a cycle, in cycles after its last word was accepted and against one of 5 credits a word;
//   a word issued in cycle t has out_valid in cycle t+3; one that leaves in cycle t gives its credit to cycle t+2.
// LATENCY: 4 (the last word of a block accepted in cycle t, its first word out_valid in cycle t+4)
module bw_reorder #(
  // bits a word
  parameter WIDTH   = 8,
  // turns of the loops from the outside in; N is their product
  parameter COUNT0  = 1,
  parameter COUNT1  = 1,
  parameter COUNT2  = 4,
  parameter COUNT3  = 2,
  // words from turn to turn
  parameter STRIDE0 = 0,
  parameter STRIDE1 = 0,
  parameter STRIDE2 = 1,
  parameter STRIDE3 = 4,
  // memory: 0 distributed RAM, 1 block RAM
  parameter STYLE   = 0
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
  localparam N = COUNT0 * COUNT1 * COUNT2 * COUNT3;
  localparam DEPTH = 2 * N;
  localparam A = $clog2(DEPTH);

  // Steps of the read address: to the next turn of each loop, and to the next block.
  function automatic integer modulo;
    input integer v;
    modulo = ((v % DEPTH) + DEPTH) % DEPTH;
  endfunction
  localparam integer SPAN3  = (COUNT3 - 1) * STRIDE3;
  localparam integer SPAN2  = (COUNT2 - 1) * STRIDE2 + SPAN3;
  localparam integer SPAN1  = (COUNT1 - 1) * STRIDE1 + SPAN2;
  localparam integer SPAN0  = (COUNT0 - 1) * STRIDE0 + SPAN1;
  localparam integer D3     = modulo(STRIDE3);
  localparam integer D2     = modulo(STRIDE2 - SPAN3);
  localparam integer D1     = modulo(STRIDE1 - SPAN2);
  localparam integer D0     = modulo(STRIDE0 - SPAN1);
  localparam integer D_NEXT = modulo(N - SPAN0);
  // The same a turn of the ring back.
  localparam integer B3     = D3 - DEPTH;
  localparam integer B2     = D2 - DEPTH;
  localparam integer B1     = D1 - DEPTH;
  localparam integer B0     = D0 - DEPTH;
  localparam integer B_NEXT = D_NEXT - DEPTH;

  wire some, last0, last1, last2, last3, last_in;
  wire write = in_valid & in_ready;
  // Blocks that are there: one, and two.
  reg  one, two;
  wire issue = some & one;
  wire fill  = write & last_in;
  wire drain = issue & last0 & last1 & last2 & last3;
  wire [A-1:0] move = ~last3 ? D3[A-1:0] : ~last2 ? D2[A-1:0] : ~last1 ? D1[A-1:0] : ~last0 ? D0[A-1:0] : D_NEXT[A-1:0];
  wire [A:0]   back = ~last3 ? B3[A:0] : ~last2 ? B2[A:0] : ~last1 ? B1[A:0] : ~last0 ? B0[A:0] : B_NEXT[A:0];

  assign in_ready = ~two;

  always @(posedge clk)
    if (!rst_n) begin
      one <= 1'b0;
      two <= 1'b0;
    end else if (fill ^ drain) begin
      one <= fill | two;
      two <= fill & one;
    end

  bw_counter #(.COUNT(N)) writes (
    .clk  (clk),
    .rst_n(rst_n),
    .step (write),
    .last (last_in)
  );
  bw_counter #(.COUNT(COUNT3)) loop3 (
    .clk  (clk),
    .rst_n(rst_n),
    .step (issue),
    .last (last3)
  );
  bw_counter #(.COUNT(COUNT2)) loop2 (
    .clk  (clk),
    .rst_n(rst_n),
    .step (issue & last3),
    .last (last2)
  );
  bw_counter #(.COUNT(COUNT1)) loop1 (
    .clk  (clk),
    .rst_n(rst_n),
    .step (issue & last3 & last2),
    .last (last1)
  );
  bw_counter #(.COUNT(COUNT0)) loop0 (
    .clk  (clk),
    .rst_n(rst_n),
    .step (issue & last3 & last2 & last1),
    .last (last0)
  );

  bw_ring #(
    .WIDTH(WIDTH),
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
    .padding  ({WIDTH{1'b0}}),
    .out_valid(out_valid),
    .out_ready(out_ready),
    .out_data (out_data)
  );
endmodule
