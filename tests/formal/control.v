// SPDX-License-Identifier: Apache-2.0
// bw_control, whatever its master and the streams do: every write and every read is answered, once, in its order and at once;
// an answer stays until it is taken; words are read where they are; and the gate neither makes up nor loses a beat.
module control #(
  parameter WEIGHTS = 1,
  parameter BEATS   = 3
) (
  input wire clk,
  input wire s_axi_bready,
  input wire s_axi_rready,
  input wire s_axis_tvalid,
  input wire s_axis_tlast,
  input wire gate_tready,
  input wire m_axis_tvalid,
  input wire m_axis_tready,
  input wire m_axis_tlast
);
  localparam ADDR = 8;

  wire            rst_n;
  wire            awvalid, awready, wvalid, wready, bvalid, arvalid, arready, rvalid;
  wire [ADDR-1:0] awaddr;
  wire [31:0]     wdata, rdata;
  wire [3:0]      wstrb;
  wire [1:0]      place, bresp, rresp;
  wire            s_axis_tready, gate_tvalid, out_valid;
  wire [ADDR+28:0] out_data;

  restart restart (.clk(clk), .rst_n(rst_n));
  source #(.WIDTH(ADDR)) addresses (.clk(clk), .rst_n(rst_n), .valid(awvalid), .ready(awready), .data(awaddr));
  source #(.WIDTH(36)) words (.clk(clk), .rst_n(rst_n), .valid(wvalid), .ready(wready), .data({wstrb, wdata}));
  // Reads are of the two words that never change, and of two that are not there.
  source #(.WIDTH(2)) reads (.clk(clk), .rst_n(rst_n), .valid(arvalid), .ready(arready), .data(place));

  bw_control #(
    .ADDR(ADDR), .WEIGHTS(WEIGHTS), .WORDS(2), .IDENTITY({32'd2, 32'd1}), .RUN(2), .STATUS(3), .COMMAND(4), .COUNTERS(5),
    .BEATS(BEATS), .COUNT(1), .FLIGHT(2)
  ) dut (
    .clk          (clk),
    .rst_n        (rst_n),
    .s_axi_awaddr (awaddr),
    .s_axi_awvalid(awvalid),
    .s_axi_awready(awready),
    .s_axi_wdata  (wdata),
    .s_axi_wstrb  (wstrb),
    .s_axi_wvalid (wvalid),
    .s_axi_wready (wready),
    .s_axi_bresp  (bresp),
    .s_axi_bvalid (bvalid),
    .s_axi_bready (s_axi_bready),
    .s_axi_araddr ({place[1], 4'd0, place[0], 2'd0}),
    .s_axi_arvalid(arvalid),
    .s_axi_arready(arready),
    .s_axi_rdata  (rdata),
    .s_axi_rresp  (rresp),
    .s_axi_rvalid (rvalid),
    .s_axi_rready (s_axi_rready),
    .s_axis_tvalid(s_axis_tvalid),
    .s_axis_tready(s_axis_tready),
    .s_axis_tlast (s_axis_tlast),
    .gate_tvalid  (gate_tvalid),
    .gate_tready  (gate_tready),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready),
    .m_axis_tlast (m_axis_tlast),
    .out_valid    (out_valid),
    .out_data     (out_data)
  );

  stable #(.WIDTH(2)) answers (.clk(clk), .rst_n(rst_n), .valid(bvalid), .ready(s_axi_bready), .data(bresp));
  stable #(.WIDTH(34)) found (.clk(clk), .rst_n(rst_n), .valid(rvalid), .ready(s_axi_rready), .data({rresp, rdata}));

  // Writes by their addresses, and by their data, that have no answer yet; cycles in which one could have been there.
  reg  [2:0] by_address, by_data;
  reg        waits;
  wire       answered = bvalid & s_axi_bready;
  wire       whole    = (by_address != 3'd0) & (by_data != 3'd0);
  always @(posedge clk)
    if (!rst_n) begin
      by_address <= 3'd0;
      by_data    <= 3'd0;
      waits      <= 1'b0;
    end else begin
      by_address <= by_address + {2'd0, awvalid & awready} - {2'd0, answered};
      by_data    <= by_data + {2'd0, wvalid & wready} - {2'd0, answered};
      waits      <= whole & ~bvalid;
    end

  wire [2:0] reading;
  reg        read_waits;
  always @(posedge clk) read_waits <= rst_n & (reading != 3'd0) & ~rvalid;
  follow #(.WIDTH(2), .MOST(2), .BITS(3)) follow (
    .clk     (clk),
    .rst_n   (rst_n),
    .enter   ({2'd0, arvalid & arready}),
    .entering(place[1] ? 2'd0 : place[0] ? 2'd2 : 2'd1),
    .leave   ({2'd0, rvalid & s_axi_rready}),
    .leaving (rdata[1:0]),
    .held    (reading)
  );

  always @*
    if (rst_n) begin
      asked:    assert (~bvalid | whole);
      prompt:   assert (~(waits & whole & ~bvalid));
      room:     assert (by_address <= 3'd2 & by_data <= 3'd2);
      known:    assert (~rvalid | reading != 3'd0);
      read:     assert (~(read_waits & ~rvalid));
      zeros:    assert (~rvalid | rdata[31:2] == 30'd0);
      passed:   assert ((s_axis_tvalid & s_axis_tready) == (gate_tvalid & gate_tready));
      weights:  assert (~out_valid | (bvalid & WEIGHTS != 0));
    end
endmodule
