// SPDX-License-Identifier: Apache-2.0
// A carry chain: where s is set the carry from below goes on, elsewhere d is the carry; y is s and the carry from below,
// one or the other. Combinational.
// LATENCY: 0
module bw_chain #(
  // places of the chain
  parameter WIDTH  = 4,
  // chip: 0 any, 1 Xilinx 7 series and later
  parameter FAMILY = 0
) (
  input  wire             ci,
  input  wire [WIDTH-1:0] s,
  input  wire [WIDTH-1:0] d,
  output wire [WIDTH-1:0] y
);
  // A simulator has no model of the chip's cells; synthesis with them is proved equal by the tests.
`ifdef SYNTHESIS
  localparam integer PRIMITIVES = FAMILY;
`else
  localparam integer PRIMITIVES = 0 * FAMILY;
`endif

  genvar i;
  generate
    if (PRIMITIVES == 0) begin : g_any
      assign y = d + (d ^ s) + {{(WIDTH - 1) {1'b0}}, ci};
    end else begin : g_xilinx
      localparam integer BITS = (WIDTH + 3) / 4 * 4;
      wire [BITS-1:0] into = {{(BITS - WIDTH) {1'b0}}, s};
      wire [BITS-1:0] over = {{(BITS - WIDTH) {1'b0}}, d};
      wire [BITS-1:0] sum;
      wire [BITS:0]   carry;
      assign carry[0] = 1'b0;

      for (i = 0; i < BITS; i = i + 4) begin : g_cells
        wire first;
        if (i == 0) begin : g_enter
          assign first = ci;
        end else begin : g_on
          assign first = 1'b0;
        end
        CARRY4 carry4 (
          .CI    (carry[i]),
          .CYINIT(first),
          .DI    (over[i+3:i]),
          .S     (into[i+3:i]),
          .O     (sum[i+3:i]),
          .CO    (carry[i+4:i+1])
        );
      end
      assign y = sum[WIDTH-1:0];
    end
  endgenerate
endmodule
