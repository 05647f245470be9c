// SPDX-License-Identifier: Apache-2.0
// Address counter: 0 .. COUNT-1 and again.
// LATENCY: 1 (a step in cycle t is seen in cycle t+1)
// Up to 12 bits it has no carry chain: a LUT a bit is as small, and Yosys would build a ROM that reads by the index from
// the chain's outputs, which takes three times the LUTs and levels.
module bw_index #(
  // addresses, at least 1
  parameter COUNT = 16,
  // bits of the address: max(1, clog2(COUNT))
  parameter WIDTH = 4
) (
  input  wire             clk,
  input  wire             rst_n,
  input  wire             step,
  output reg  [WIDTH-1:0] index
);
  localparam integer TOP = COUNT - 1;
  localparam integer ONE = 1;
  // Bits of which one LUT makes the next.
  localparam LOW = (WIDTH < 6) ? WIDTH : 6;

  wire [WIDTH-1:0] next;

  generate
    if (WIDTH <= 12) begin : g_short
      wire   full = &index[LOW-1:0];
      genvar b;
      assign next[0] = ~index[0];
      for (b = 1; b < WIDTH; b = b + 1) begin : g_bit
        if (b < LOW) begin : g_low
          assign next[b] = index[b] ^ (&index[b-1:0]);
        end else if (b == LOW) begin : g_first
          assign next[b] = index[b] ^ full;
        end else begin : g_high
          assign next[b] = index[b] ^ (full & (&index[b-1:LOW]));
        end
      end
      wire unused = &{1'b0, full};
    end else begin : g_long
      assign next = index + ONE[WIDTH-1:0];
    end
  endgenerate

  generate
    if (COUNT == 1) begin : g_one
      always @(posedge clk) index <= {WIDTH{1'b0}};
      wire unused = &{1'b0, rst_n, step, next};
    end else if (COUNT == (1 << WIDTH)) begin : g_power
      always @(posedge clk)
        if (!rst_n) index <= {WIDTH{1'b0}};
        else if (step) index <= next;
    end else begin : g_wrap
      always @(posedge clk)
        if (!rst_n) index <= {WIDTH{1'b0}};
        else if (step) index <= (index == TOP[WIDTH-1:0]) ? {WIDTH{1'b0}} : next;
    end
  endgenerate
endmodule
