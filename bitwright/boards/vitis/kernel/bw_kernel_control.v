// SPDX-License-Identifier: Apache-2.0
// AXI4-Lite slave with the registers that XRT expects of a kernel (ap_ctrl_hs), and its arguments:
//   0x00 bit 0 start (reads 1 while it runs), 1 done (reading clears it), 2 idle, 3 ready (as done)
//   0x04 bit 0 interrupts on    0x08 bits 0, 1 of done, of ready    0x0c which have come; writing 1 changes a bit
//   0x10 0x14 address of the input    0x1c 0x20 address of the output    0x28 number of frames
// Every access is answered with OKAY; words that are not there read 0. At most one write and one read wait in the module.
// LATENCY: 2 (the later half of a write of start in cycle t, start in cycle t+1, running in cycle t+2)
module bw_kernel_control #(
  // bits of a byte address, from 6
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
  output wire            s_axi_bvalid,
  input  wire            s_axi_bready,
  input  wire [ADDR-1:0] s_axi_araddr,
  input  wire            s_axi_arvalid,
  output wire            s_axi_arready,
  output wire [31:0]     s_axi_rdata,
  output wire [1:0]      s_axi_rresp,
  output wire            s_axi_rvalid,
  input  wire            s_axi_rready,
  output wire            irq,
  // a cycle in which a run begins; `busy` is high from the next one on until the run is over
  output wire            start,
  input  wire            busy,
  output reg  [63:0]     in_address,
  output reg  [63:0]     out_address,
  output reg  [31:0]     frames
);
  localparam PLACE = ADDR - 2;
  localparam [PLACE-1:0] CONTROL = 0, ENABLE = 1, ENABLES = 2, STATUS = 3;
  localparam [PLACE-1:0] IN_LOW = 4, IN_HIGH = 5, OUT_LOW = 7, OUT_HIGH = 8, FRAMES = 10;

  wire             write, read;
  wire [PLACE-1:0] write_place, read_place;
  wire [31:0]      data;
  wire [3:0]       strobe;
  reg  [31:0]      found;

  bw_axilite #(.ADDR(ADDR)) port (
    .clk          (clk),
    .rst_n        (rst_n),
    .s_axi_awaddr (s_axi_awaddr),
    .s_axi_awvalid(s_axi_awvalid),
    .s_axi_awready(s_axi_awready),
    .s_axi_wdata  (s_axi_wdata),
    .s_axi_wstrb  (s_axi_wstrb),
    .s_axi_wvalid (s_axi_wvalid),
    .s_axi_wready (s_axi_wready),
    .s_axi_bresp  (s_axi_bresp),
    .s_axi_bvalid (s_axi_bvalid),
    .s_axi_bready (s_axi_bready),
    .s_axi_araddr (s_axi_araddr),
    .s_axi_arvalid(s_axi_arvalid),
    .s_axi_arready(s_axi_arready),
    .s_axi_rdata  (s_axi_rdata),
    .s_axi_rresp  (s_axi_rresp),
    .s_axi_rvalid (s_axi_rvalid),
    .s_axi_rready (s_axi_rready),
    .write        (write),
    .write_place  (write_place),
    .data         (data),
    .strobe       (strobe),
    .read         (read),
    .read_place   (read_place),
    .found        (found)
  );

  // The run, and what it tells.
  reg        running, done, ready, enable;
  reg  [1:0] enables, status;
  wire       ends     = running & ~busy;
  wire       seen     = read & (read_place == CONTROL);
  wire [1:0] toggled  = data[1:0] & {2{write & strobe[0] & (write_place == STATUS)}};
  assign start     = write & strobe[0] & (write_place == CONTROL) & data[0] & ~running;
  assign irq       = enable & (status != 2'b00);
  always @(posedge clk)
    if (!rst_n) begin
      running <= 1'b0;
      done    <= 1'b0;
      ready   <= 1'b0;
      enable  <= 1'b0;
      enables <= 2'b00;
      status  <= 2'b00;
    end else begin
      running <= start | (running & ~ends);
      done    <= ends | (done & ~seen);
      ready   <= ends | (ready & ~seen);
      if (write & strobe[0] & (write_place == ENABLE)) enable <= data[0];
      if (write & strobe[0] & (write_place == ENABLES)) enables <= data[1:0];
      status  <= (enables & {2{ends}}) | (status ^ toggled);
    end

  // The arguments.
  genvar b;
  generate
    for (b = 0; b < 4; b = b + 1) begin : g_byte
      always @(posedge clk)
        if (write & strobe[b]) begin
          if (write_place == IN_LOW) in_address[8*b +: 8] <= data[8*b +: 8];
          if (write_place == IN_HIGH) in_address[32+8*b +: 8] <= data[8*b +: 8];
          if (write_place == OUT_LOW) out_address[8*b +: 8] <= data[8*b +: 8];
          if (write_place == OUT_HIGH) out_address[32+8*b +: 8] <= data[8*b +: 8];
          if (write_place == FRAMES) frames[8*b +: 8] <= data[8*b +: 8];
        end
    end
  endgenerate

  always @*
    case (read_place)
      CONTROL:  found = {28'd0, ready, ~running, done, running};
      ENABLE:   found = {31'd0, enable};
      ENABLES:  found = {30'd0, enables};
      STATUS:   found = {30'd0, status};
      IN_LOW:   found = in_address[31:0];
      IN_HIGH:  found = in_address[63:32];
      OUT_LOW:  found = out_address[31:0];
      OUT_HIGH: found = out_address[63:32];
      FRAMES:   found = frames;
      default:  found = 32'd0;
    endcase
endmodule
