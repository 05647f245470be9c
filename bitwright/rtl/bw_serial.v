// SPDX-License-Identifier: Apache-2.0
// Serialiser inside a credit domain: a wide beat leaves as RATIO narrow ones in consecutive cycles, its lowest part first;
// every FOLDS-th, the last of a vector, as LAST ones, the rest of it being padding. Wide beats must come at least RATIO
// cycles apart.
// LATENCY: 1 (in_valid in cycle t, part k is out in cycle t+1+k)
module bw_serial #(
  // bits of a narrow beat
  parameter WIDTH = 8,
  // narrow beats a wide one, at least 2
  parameter RATIO = 4,
  // wide beats a vector
  parameter FOLDS = 1,
  // narrow beats of the last of them, 1 to RATIO
  parameter LAST  = RATIO
) (
  input  wire                   clk,
  input  wire                   rst_n,
  input  wire                   in_valid,
  input  wire [RATIO*WIDTH-1:0] in_data,
  output wire                   out_valid,
  output wire [WIDTH-1:0]       out_data
);
  // One bit a part still to be sent, the current one lowest.
  reg [RATIO-1:0]       left;
  reg [RATIO*WIDTH-1:0] word;

  wire [RATIO-1:0] parts;

  generate
    if (LAST == RATIO) begin : g_even
      assign parts = {RATIO{1'b1}};
    end else begin : g_short
      wire last;
      bw_counter #(.COUNT(FOLDS)) folds (
        .clk  (clk),
        .rst_n(rst_n),
        .step (in_valid),
        .last (last)
      );
      assign parts = {{(RATIO - LAST) {~last}}, {LAST{1'b1}}};
    end
  endgenerate

  assign out_valid = left[0];
  assign out_data  = word[WIDTH-1:0];

  always @(posedge clk)
    if (!rst_n) left <= {RATIO{1'b0}};
    else left <= in_valid ? parts : {1'b0, left[RATIO-1:1]};
  always @(posedge clk) word <= in_valid ? in_data : {{WIDTH{1'b0}}, word[RATIO*WIDTH-1:WIDTH]};
endmodule
