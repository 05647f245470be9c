// SPDX-License-Identifier: Apache-2.0
// Constant memory with registered output. A memory of one word is a constant.
// LATENCY: 2 (addr in cycle t, data in cycle t+2)
module bw_rom #(
  // bits a word
  parameter WIDTH = 8,
  // words, at least 1
  parameter DEPTH = 16,
  // bits of the address: max(1, clog2(DEPTH))
  parameter ADDR  = 4,
  // memory file ($readmemh)
  parameter FILE  = "",
  // memory: 0 distributed, 1 block
  parameter STYLE = 0
) (
  input  wire             clk,
  input  wire [ADDR-1:0]  addr,
  output wire [WIDTH-1:0] data
);
  generate
    if (DEPTH == 1) begin : g_constant
      reg [WIDTH-1:0] mem [0:0];
      initial if (FILE != "") $readmemh(FILE, mem);
      assign data = mem[0];
      wire unused = &{1'b0, clk, addr};
    end else if (STYLE == 0) begin : g_distributed
`ifdef YOSYS
      (* rom_style = "logic" *)  // its word for a ROM of LUTs
`else
      (* rom_style = "distributed" *)
`endif
      reg [WIDTH-1:0] mem [0:DEPTH-1];
      reg [ADDR-1:0]  at;
      reg [WIDTH-1:0] word;
      initial if (FILE != "") $readmemh(FILE, mem);
      always @(posedge clk) begin
        at   <= addr;
        word <= mem[at];
      end
      assign data = word;
    end else begin : g_block
      (* rom_style = "block", ram_style = "block" *)
      reg [WIDTH-1:0] mem [0:DEPTH-1];
      reg [WIDTH-1:0] read;
      reg [WIDTH-1:0] word;
      initial if (FILE != "") $readmemh(FILE, mem);
      always @(posedge clk) begin
        read <= mem[addr];
        word <= read;
      end
      assign data = word;
    end
  endgenerate
endmodule
