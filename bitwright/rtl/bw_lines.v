// SPDX-License-Identifier: Apache-2.0
// Line buffer: what went in DEPTH steps ago. It holds what was there before reset, as nobody looks at it.
// LATENCY: 0 (out_data is that of the step which is due)
module bw_lines #(
  // bits a word
  parameter WIDTH = 16,
  // steps
  parameter DEPTH = 32,
  // memory: 0 shift registers, 1 block RAM
  parameter STYLE = 0
) (
  input  wire             clk,
  input  wire             rst_n,
  input  wire             step,
  input  wire [WIDTH-1:0] in_data,
  output wire [WIDTH-1:0] out_data
);
  genvar b;
  generate
    if (STYLE == 0 || DEPTH < 3) begin : g_shift
      for (b = 0; b < WIDTH; b = b + 1) begin : g_bit
        reg  [DEPTH-1:0] chain;
        wire [DEPTH:0]   next = {chain, in_data[b]};
        always @(posedge clk)
          if (step) chain <= next[DEPTH-1:0];
        assign out_data[b] = next[DEPTH];
      end
      wire unused = &{1'b0, rst_n};
    end else begin : g_block
      // A ring of DEPTH - 1 words, and the register behind it.
      localparam A = $clog2(DEPTH - 1);
      wire [A-1:0] at;
      (* ram_style = "block" *)
      reg  [WIDTH-1:0] mem [0:DEPTH-2];
      reg  [WIDTH-1:0] word;

      bw_index #(.COUNT(DEPTH - 1), .WIDTH(A)) places (
        .clk  (clk),
        .rst_n(rst_n),
        .step (step),
        .index(at)
      );
      // The old word leaves as the new one takes its place.
      always @(posedge clk)
        if (step) begin
          word    <= mem[at];
          mem[at] <= in_data;
        end
      assign out_data = word;
    end
  endgenerate
endmodule
