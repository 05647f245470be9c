// SPDX-License-Identifier: Apache-2.0
// AXI4-Lite slave in front of registers. It holds a write's address and data until both are here, and a read's address, and
// answers every access with OKAY, in its order; at most one write and one read wait in the module.
// LATENCY: 1 (the later half of a write accepted in cycle t, `write` in cycle t+1 at the earliest and its response in the cycle
//   after; a read's address likewise, with `read` and the word)
module bw_axilite #(
  // bits of a byte address
  parameter ADDR = 12
) (
  input  wire            clk,
  input  wire            rst_n,
  input  wire [ADDR-1:0] s_axi_awaddr,
  input  wire            s_axi_awvalid,
  output wire            s_axi_awready,
  input  wire [31:0]     s_axi_wdata,
  input  wire [3:0]      s_axi_wstrb,
  input  wire            s_axi_wvalid,
  output wire            s_axi_wready,
  output wire [1:0]      s_axi_bresp,
  output reg             s_axi_bvalid,
  input  wire            s_axi_bready,
  input  wire [ADDR-1:0] s_axi_araddr,
  input  wire            s_axi_arvalid,
  output wire            s_axi_arready,
  output reg  [31:0]     s_axi_rdata,
  output wire [1:0]      s_axi_rresp,
  output reg             s_axi_rvalid,
  input  wire            s_axi_rready,
  // a cycle in which a word is written: its place, in words, its bytes and which of them count
  output wire            write,
  output reg  [ADDR-3:0] write_place,
  output reg  [31:0]     data,
  output reg  [3:0]      strobe,
  // a cycle in which the word at a place is read
  output wire            read,
  output reg  [ADDR-3:0] read_place,
  input  wire [31:0]     found
);
  // What waits: a write's address, its data, a read's address. Nothing is accepted in reset.
  reg up, address_held, data_held, read_held;

  assign write = address_held & data_held & (~s_axi_bvalid | s_axi_bready);
  assign read  = read_held & (~s_axi_rvalid | s_axi_rready);

  assign s_axi_awready = up & ~address_held;
  assign s_axi_wready  = up & ~data_held;
  assign s_axi_arready = up & ~read_held;
  assign s_axi_bresp   = 2'b00;
  assign s_axi_rresp   = 2'b00;

  always @(posedge clk)
    if (!rst_n) begin
      up           <= 1'b0;
      address_held <= 1'b0;
      data_held    <= 1'b0;
      read_held    <= 1'b0;
      s_axi_bvalid <= 1'b0;
      s_axi_rvalid <= 1'b0;
    end else begin
      up           <= 1'b1;
      address_held <= (address_held & ~write) | (s_axi_awvalid & s_axi_awready);
      data_held    <= (data_held & ~write) | (s_axi_wvalid & s_axi_wready);
      read_held    <= (read_held & ~read) | (s_axi_arvalid & s_axi_arready);
      s_axi_bvalid <= write | (s_axi_bvalid & ~s_axi_bready);
      s_axi_rvalid <= read | (s_axi_rvalid & ~s_axi_rready);
    end

  always @(posedge clk) begin
    if (s_axi_awready) write_place <= s_axi_awaddr[ADDR-1:2];
    if (s_axi_wready) {strobe, data} <= {s_axi_wstrb, s_axi_wdata};
    if (s_axi_arready) read_place <= s_axi_araddr[ADDR-1:2];
    if (read) s_axi_rdata <= found;
  end

  // Bytes of a word are not addressed.
  wire unused = &{1'b0, s_axi_awaddr[1:0], s_axi_araddr[1:0]};
endmodule
