// SPDX-License-Identifier: Apache-2.0
// AXI4-Lite slave that starts and stops an accelerator between frames, counts what passes its ports, says what it is, and
// hands on words that are written to its weights. Every access is answered with OKAY; words that are not there read 0.
// It stands in front of the input's handshake, without a register: TREADY is low from the end of a frame on if it is to stop.
// A write takes effect two cycles after its later half at the earliest, in the cycle in which its response appears; at most
// one write and one read wait in the module.
// LATENCY: 1 (a write to weights decided in cycle t, out_valid in cycle t+1)
module bw_control #(
  // bits of a byte address; with WEIGHTS, its highest bit says that a word is one of weights
  parameter ADDR     = 12,
  parameter WEIGHTS  = 0,
  // the first registers: words that never change
  parameter WORDS    = 2,
  parameter [32*WORDS-1:0] IDENTITY = {32*WORDS{1'b0}},
  // places of the other registers, in words: of counters, two words each, the first
  parameter RUN      = 16,
  parameter STATUS   = 17,
  parameter COMMAND  = 18,
  parameter COUNTERS = 32,
  // beats a frame on the input
  parameter BEATS    = 3,
  // bits of a counter, up to 64, and of the number of frames on their way
  parameter COUNT    = 48,
  parameter FLIGHT   = 16
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
  // the port of the input, and what is behind the gate
  input  wire            s_axis_tvalid,
  output wire            s_axis_tready,
  input  wire            s_axis_tlast,
  output wire            gate_tvalid,
  input  wire            gate_tready,
  // the port of the output, of which only whole frames count
  input  wire            m_axis_tvalid,
  input  wire            m_axis_tready,
  input  wire            m_axis_tlast,
  // words of weights: {place, word}
  output wire            out_valid,
  output wire [ADDR+28:0] out_data
);
  localparam EVENTS = 6;
  localparam PLACE  = ADDR - 2;

  wire             write, read;
  wire [PLACE-1:0] write_place, read_place;
  wire [31:0]      data;
  wire [3:0]       strobe;
  wire [31:0]      found;

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

  // Where a write goes. The commands are bits of the lowest byte.
  wire to_weights = (WEIGHTS != 0) & write_place[PLACE-1];
  wire to_run     = write & strobe[0] & (write_place == RUN[PLACE-1:0]);
  wire to_command = write & strobe[0] & (write_place == COMMAND[PLACE-1:0]);
  wire capture    = to_command & data[0];
  wire clear      = to_command & data[1];

  // The gate closes behind a frame's last beat, or between frames.
  reg              run, open, begun;
  reg [FLIGHT-1:0] flight;
  wire             last_beat;
  wire             accept   = s_axis_tvalid & s_axis_tready;
  wire             ends     = accept & (s_axis_tlast | last_beat);
  wire             begins   = accept & ~begun;
  wire             leaves   = m_axis_tvalid & m_axis_tready & m_axis_tlast;
  wire             begun_next = accept ? ~ends : begun;
  wire             stopped  = ~open & (flight == {FLIGHT{1'b0}});

  assign gate_tvalid   = s_axis_tvalid & open;
  assign s_axis_tready = gate_tready & open;

  generate
    if (BEATS == 1) begin : g_single
      assign last_beat = 1'b1;
    end else begin : g_beats
      localparam B    = $clog2(BEATS);
      localparam LAST = BEATS - 1;
      reg [B-1:0] beat;
      assign last_beat = beat == LAST[B-1:0];
      always @(posedge clk)
        if (!rst_n) beat <= {B{1'b0}};
        else if (accept) beat <= ends ? {B{1'b0}} : beat + 1'b1;
    end
  endgenerate

  always @(posedge clk)
    if (!rst_n) begin
      run    <= 1'b1;
      open   <= 1'b0;
      begun  <= 1'b0;
      flight <= {FLIGHT{1'b0}};
    end else begin
      if (to_run) run <= data[0];
      open   <= run | begun_next;
      begun  <= begun_next;
      if (begins != leaves) flight <= flight + {{(FLIGHT - 1){leaves}}, 1'b1};
    end

  // Events of a cycle, counted in the next.
  reg  [EVENTS-1:0]    events;
  wire [EVENTS*64-1:0] kept;
  always @(posedge clk)
    if (!rst_n || clear) events <= {EVENTS{1'b0}};
    else
      events <= {m_axis_tvalid & ~m_axis_tready,
                 s_axis_tready & ~s_axis_tvalid,
                 ~stopped & s_axis_tvalid & ~s_axis_tready,
                 ~stopped, leaves, ends};

  genvar e;
  generate
    for (e = 0; e < EVENTS; e = e + 1) begin : g_counter
      reg [COUNT-1:0] count, held;
      always @(posedge clk)
        if (!rst_n || clear) count <= {COUNT{1'b0}};
        else if (events[e]) count <= count + 1'b1;
      always @(posedge clk)
        if (!rst_n) held <= {COUNT{1'b0}};
        else if (capture) held <= count;
      assign kept[e*64 +: COUNT] = held;
      if (COUNT < 64) begin : g_rest
        assign kept[e*64+COUNT +: 64-COUNT] = {(64 - COUNT){1'b0}};
      end
    end
  endgenerate

  // Words of weights are taken whole, and while it is stopped; another one is refused.
  wire allowed = stopped & (strobe == 4'hf);
  reg  refused;
  always @(posedge clk)
    if (!rst_n || clear) refused <= 1'b0;
    else if (write & to_weights & ~allowed) refused <= 1'b1;
  generate
    if (WEIGHTS != 0) begin : g_weights
      reg             valid;
      reg [ADDR+28:0] word;
      always @(posedge clk)
        if (!rst_n) valid <= 1'b0;
        else valid <= write & to_weights & allowed;
      always @(posedge clk) word <= {write_place[PLACE-2:0], data};
      // The memories have their contents before the first reset, so that nothing may be written until then.
      initial valid = 1'b0;
      assign out_valid = valid & rst_n;
      assign out_data  = word;
    end else begin : g_no_weights
      assign out_valid = 1'b0;
      assign out_data  = {(ADDR + 29){1'b0}};
    end
  endgenerate

  // Registers are found by the lower bits of their places; words behind them, and weights, read 0.
  localparam LAST = COUNTERS + 2 * EVENTS - 1;
  localparam LOW  = $clog2(LAST + 1);
  wire [32*(1<<LOW)-1:0] words;
  wire                   behind;
  genvar w;
  generate
    for (w = 0; w < (1 << LOW); w = w + 1) begin : g_word
      if (w < WORDS) begin : g_identity
        assign words[32*w +: 32] = IDENTITY[32*w +: 32];
      end else if (w == RUN) begin : g_run
        assign words[32*w +: 32] = {31'd0, run};
      end else if (w == STATUS) begin : g_status
        assign words[32*w +: 32] = {29'd0, refused, stopped, open};
      end else if (w >= COUNTERS && w <= LAST) begin : g_kept
        assign words[32*w +: 32] = kept[32*(w-COUNTERS) +: 32];
      end else begin : g_nothing
        assign words[32*w +: 32] = 32'd0;
      end
    end
    if (PLACE > LOW) begin : g_behind
      assign behind = read_place[PLACE-1:LOW] != {(PLACE - LOW){1'b0}};
    end else begin : g_all
      assign behind = 1'b0;
    end
  endgenerate
  assign found = behind ? 32'd0 : words[32*read_place[LOW-1:0] +: 32];

  wire unused = &{1'b0, read, data, strobe, write_place};
endmodule
