// SPDX-License-Identifier: Apache-2.0
// Truth table: every lane gives TABLE[a], a taken as unsigned bits.
// LATENCY: 1 + STYLE
module bw_table #(
  // lanes a beat
  parameter LANES     = 1,
  // bits of an input and of an output
  parameter IN_WIDTH  = 8,
  parameter OUT_WIDTH = 8,
  // memory file of 2**IN_WIDTH words
  parameter TABLE     = "",
  // memory: 0 distributed, 1 block (two lanes a memory)
  parameter STYLE     = 0
) (
  input  wire                       clk,
  input  wire                       rst_n,
  input  wire                       in_valid,
  input  wire [LANES*IN_WIDTH-1:0]  in_data,
  output wire                       out_valid,
  output wire [LANES*OUT_WIDTH-1:0] out_data
);
  bw_delay #(.CYCLES((STYLE == 0) ? 1 : 2)) delay (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (in_valid),
    .out_valid(out_valid)
  );

  genvar l;
  generate
    for (l = 0; l < LANES; l = l + 1) begin : g_lane
      if (STYLE == 0) begin : g_distributed
`ifdef YOSYS
        (* rom_style = "logic" *)  // its word for a ROM of LUTs
`else
        (* rom_style = "distributed" *)
`endif
        reg [OUT_WIDTH-1:0] mem [0:(1<<IN_WIDTH)-1];
        reg [OUT_WIDTH-1:0] word;
        initial if (TABLE != "") $readmemh(TABLE, mem);
        always @(posedge clk) word <= mem[in_data[l*IN_WIDTH +: IN_WIDTH]];
        assign out_data[l*OUT_WIDTH +: OUT_WIDTH] = word;
      end else if (l % 2 == 0) begin : g_block
        // Two ports, two lanes.
        (* rom_style = "block", ram_style = "block" *)
        reg [OUT_WIDTH-1:0] mem [0:(1<<IN_WIDTH)-1];
        reg [OUT_WIDTH-1:0] read, word;
        initial if (TABLE != "") $readmemh(TABLE, mem);
        always @(posedge clk) begin
          read <= mem[in_data[l*IN_WIDTH +: IN_WIDTH]];
          word <= read;
        end
        assign out_data[l*OUT_WIDTH +: OUT_WIDTH] = word;
        if (l + 1 < LANES) begin : g_second
          reg [OUT_WIDTH-1:0] read2, word2;
          always @(posedge clk) begin
            read2 <= mem[in_data[(l+1)*IN_WIDTH +: IN_WIDTH]];
            word2 <= read2;
          end
          assign out_data[(l+1)*OUT_WIDTH +: OUT_WIDTH] = word2;
        end
      end
    end
  endgenerate
endmodule
