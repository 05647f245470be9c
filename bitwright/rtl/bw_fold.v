// SPDX-License-Identifier: Apache-2.0
// Pairs each beat of a valid-only stream with its fold's word of constants: beat f of FOLDS gets word f.
// With one fold the word is a constant and the beat passes through.
// LATENCY: (FOLDS > 1) ? 1 : 0
module bw_fold #(
  // beats a vector
  parameter FOLDS  = 4,
  // bits of a beat
  parameter WIDTH  = 8,
  // bits of a word of constants
  parameter WORD   = 8,
  // memory file of FOLDS words
  parameter FILE   = ""
) (
  input  wire             clk,
  input  wire             rst_n,
  input  wire             in_valid,
  input  wire [WIDTH-1:0] in_data,
  output wire             out_valid,
  output wire [WIDTH-1:0] out_data,
  output wire [WORD-1:0]  out_word
);
  reg [WORD-1:0] mem [0:FOLDS-1];
  initial if (FILE != "") $readmemh(FILE, mem);

  generate
    if (FOLDS == 1) begin : g_constant
      assign out_valid = in_valid;
      assign out_data  = in_data;
      assign out_word  = mem[0];
      wire unused = &{1'b0, clk, rst_n};
    end else begin : g_read
      localparam A = $clog2(FOLDS);
      wire [A-1:0]     at;
      reg              held_valid;
      reg  [WIDTH-1:0] held;
      reg  [WORD-1:0]  word;

      bw_index #(.COUNT(FOLDS), .WIDTH(A)) folds (
        .clk  (clk),
        .rst_n(rst_n),
        .step (in_valid),
        .index(at)
      );
      always @(posedge clk)
        if (!rst_n) held_valid <= 1'b0;
        else held_valid <= in_valid;
      always @(posedge clk) begin
        held <= in_data;
        word <= mem[at];
      end
      assign out_valid = held_valid;
      assign out_data  = held;
      assign out_word  = word;
    end
  endgenerate
endmodule
