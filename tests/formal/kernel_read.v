// SPDX-License-Identifier: Apache-2.0
// bw_kernel_read, whatever memory and accelerator do: it asks for the words of its frames, in order and once, in bursts that
// end at multiples of the longest; beats leave as they came; and it is busy until all have left.
module kernel_read #(
  parameter FRAMES = 2,
  parameter BEATS  = 2,
  parameter RATIO  = 1,
  parameter BURST  = 1,
  parameter DEPTH  = 1
) (
  input wire clk,
  input wire arready,
  input wire m_axis_tready
);
  localparam ADDR = 3 + RATIO, BITS = 5, SIZE = RATIO, MEM = 8 << SIZE;
  localparam [BITS-1:0] PART = 1 << RATIO;

  wire             rst_n, busy, arvalid, rready, m_axis_tvalid;
  wire [ADDR-1:0]  araddr;
  wire [7:0]       arlen, m_axis_tdata;
  (* anyseq *) wire              go, give;
  (* anyseq *) wire [ADDR-1:0]   address;
  (* anyseq *) wire [FRAMES-1:0] frames;
  (* anyseq *) wire [MEM-1:0]    rdata;

  restart restart (.clk(clk), .rst_n(rst_n));

  // Runs begin when none is under way, and their address stays.
  wire            start = go & rst_n & ~busy;
  reg  [ADDR-1:0] from;
  wire [ADDR-1:0] source = start ? address : from;
  always @(posedge clk) from <= source;

  // The memory owes the words that it was asked for.
  reg  [BITS-1:0] owed;
  wire            asks   = arvalid & arready;
  wire            rvalid = give & rst_n & (owed != {BITS{1'b0}});
  wire [BITS-1:0] asked  = {{(BITS - 4){1'b0}}, arlen[3:0]} + 1'b1;
  always @(posedge clk)
    if (!rst_n) owed <= {BITS{1'b0}};
    else owed <= owed + (asks ? asked : {BITS{1'b0}}) - {{(BITS - 1){1'b0}}, rvalid};

  bw_kernel_read #(
    .ADDR(ADDR), .FRAMES(FRAMES), .SIZE(SIZE), .BEAT(0), .BEATS(BEATS), .BURST(BURST), .DEPTH(DEPTH)
  ) dut (
    .clk          (clk),
    .rst_n        (rst_n),
    .start        (start),
    .address      (source),
    .frames       (frames),
    .busy         (busy),
    .araddr       (araddr),
    .arlen        (arlen),
    .arvalid      (arvalid),
    .arready      (arready),
    .rdata        (rdata),
    .rvalid       (rvalid),
    .rready       (rready),
    .m_axis_tdata (m_axis_tdata),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready)
  );

  stable #(.WIDTH(ADDR + 8)) addresses (
    .clk(clk), .rst_n(rst_n), .valid(arvalid), .ready(arready), .data({araddr, arlen})
  );
  stable #(.WIDTH(8)) beats (
    .clk(clk), .rst_n(rst_n), .valid(m_axis_tvalid), .ready(m_axis_tready), .data(m_axis_tdata)
  );

  // Beats that the memory has not given, and the place of the next word that is to be asked for.
  reg  [BITS-1:0] to_come, to_ask;
  reg  [ADDR-1:0] next;
  wire [BITS-1:0] total = {{(BITS - FRAMES){1'b0}}, frames} * BEATS;
  wire [BITS-1:0] comes = !rvalid ? {BITS{1'b0}} : to_come < PART ? to_come : PART;
  always @(posedge clk)
    if (!rst_n) begin
      to_come <= {BITS{1'b0}};
      to_ask  <= {BITS{1'b0}};
    end else if (start) begin
      to_come <= total;
      to_ask  <= (total + PART - 1'b1) >> RATIO;
      next    <= (address >> SIZE) << SIZE;
    end else begin
      to_come <= to_come - comes;
      if (asks) begin
        to_ask <= to_ask - asked;
        next   <= next + (asked << SIZE);
      end
    end

  // Two bits of a beat are enough to tell it.
  wire [BITS-1:0]         inside;
  wire [2*(1<<RATIO)-1:0] entering;
  genvar k;
  generate
    for (k = 0; k < (1 << RATIO); k = k + 1) begin : g_beat
      assign entering[2*k +: 2] = rdata[8*k +: 2];
    end
  endgenerate
  follow #(.WIDTH(2), .ENTER(1 << RATIO), .MOST(((1 << DEPTH) + 2) << RATIO), .BITS(BITS)) follow (
    .clk     (clk),
    .rst_n   (rst_n),
    .enter   (comes),
    .entering(entering),
    .leave   ({{(BITS - 1){1'b0}}, m_axis_tvalid & m_axis_tready}),
    .leaving (m_axis_tdata[1:0]),
    .held    (inside)
  );

  wire [ADDR-1:0] last = (araddr >> SIZE) + asked - 1'b1;
  always @*
    if (rst_n) begin
      taken:   assert (rready);
      place:   assert (~arvalid | araddr == next);
      wanted:  assert (~arvalid | asked <= to_ask);
      aligned: assert (~arvalid | last[ADDR-1:BURST] == araddr[ADDR-1:BURST+SIZE]);
      over:    assert (busy | (to_ask == {BITS{1'b0}} & to_come == {BITS{1'b0}} & inside == {BITS{1'b0}}));
    end
endmodule
