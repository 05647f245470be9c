// SPDX-License-Identifier: Apache-2.0
// FIFO of DEPTH words behind which one more waits in a register. in_ready and out_valid come from registers. Whoever keeps
// count of the room need not look at in_ready.
// LATENCY: 2 (accepted in cycle t, out_valid in cycle t+2 when empty)
module bw_kernel_fifo #(
  // bits a word
  parameter WIDTH = 32,
  // words, a power of two from 2
  parameter DEPTH = 32
) (
  input  wire             clk,
  input  wire             rst_n,
  input  wire             in_valid,
  output wire             in_ready,
  input  wire [WIDTH-1:0] in_data,
  output reg              out_valid,
  input  wire             out_ready,
  output wire [WIDTH-1:0] out_data
);
  localparam A = $clog2(DEPTH);
  // Places are counted with one bit more, by which full differs from empty.
  reg [A:0] write_at, read_at;
  wire      push  = in_valid & in_ready;
  wire      fetch = (write_at != read_at) & (~out_valid | out_ready);

  assign in_ready = write_at != {~read_at[A], read_at[A-1:0]};

  always @(posedge clk)
    if (!rst_n) begin
      write_at  <= {(A + 1){1'b0}};
      read_at   <= {(A + 1){1'b0}};
      out_valid <= 1'b0;
    end else begin
      if (push) write_at <= write_at + 1'b1;
      if (fetch) read_at <= read_at + 1'b1;
      out_valid <= fetch | (out_valid & ~out_ready);
    end

  // A place is never read in the cycle in which it is written.
  generate
    if (DEPTH > 64) begin : g_block
      (* ram_style = "block", no_rw_check *)
      reg [WIDTH-1:0] mem [0:DEPTH-1];
      reg [WIDTH-1:0] word;
      always @(posedge clk) begin
        if (push) mem[write_at[A-1:0]] <= in_data;
        if (fetch) word <= mem[read_at[A-1:0]];
      end
      assign out_data = word;
    end else begin : g_distributed
      (* ram_style = "distributed", no_rw_check *)
      reg [WIDTH-1:0] mem [0:DEPTH-1];
      reg [WIDTH-1:0] word;
      always @(posedge clk) begin
        if (push) mem[write_at[A-1:0]] <= in_data;
        if (fetch) word <= mem[read_at[A-1:0]];
      end
      assign out_data = word;
    end
  endgenerate
endmodule
