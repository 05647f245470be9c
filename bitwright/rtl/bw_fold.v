// SPDX-License-Identifier: Apache-2.0
// Pairs each beat of a valid-only stream with its fold's word of constants: beat f of FOLDS gets word f.
// With one fold the word is a constant and the beat passes through.
// LATENCY: READ = (FOLDS > 1) + (FOLDS > 64)
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
`ifdef YOSYS
  (* rom_style = "logic" *)  // its word for a ROM of LUTs
`else
  (* rom_style = "distributed" *)
`endif
  reg [WORD-1:0] mem [0:FOLDS-1];
  initial if (FILE != "") $readmemh(FILE, mem);

  generate
    if (FOLDS == 1) begin : g_constant
      assign out_valid = in_valid;
      assign out_data  = in_data;
      assign out_word  = mem[0];
      wire unused = &{1'b0, clk, rst_n};
    end else begin : g_read
      localparam A    = $clog2(FOLDS);
      // A deep ROM read straight from a counter costs Yosys three times the LUTs: it takes a register between.
      localparam DEEP = (FOLDS > 64) ? 1 : 0;
      wire [A-1:0]     at;
      wire [A-1:0]     look;
      wire [WIDTH-1:0] early;
      wire             early_valid;
      reg  [WIDTH-1:0] held;
      reg  [WORD-1:0]  word;

      bw_index #(.COUNT(FOLDS), .WIDTH(A)) folds (
        .clk  (clk),
        .rst_n(rst_n),
        .step (in_valid),
        .index(at)
      );
      bw_delay #(.CYCLES(DEEP)) first (
        .clk      (clk),
        .rst_n    (rst_n),
        .in_valid (in_valid),
        .out_valid(early_valid)
      );
      bw_delay #(.CYCLES(1)) second (
        .clk      (clk),
        .rst_n    (rst_n),
        .in_valid (early_valid),
        .out_valid(out_valid)
      );
      if (DEEP != 0) begin : g_deep
        reg [A-1:0]     held_at;
        reg [WIDTH-1:0] held_data;
        always @(posedge clk) begin
          held_at   <= at;
          held_data <= in_data;
        end
        assign look  = held_at;
        assign early = held_data;
      end else begin : g_shallow
        assign look  = at;
        assign early = in_data;
      end
      always @(posedge clk) begin
        held <= early;
        word <= mem[look];
      end
      assign out_data = held;
      assign out_word = word;
    end
  endgenerate
endmodule
