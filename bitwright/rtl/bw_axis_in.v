// SPDX-License-Identifier: Apache-2.0
// AXI4-Stream slave to internal stream, through a skid buffer: full rate, tready is a register and low in reset.
// Takes the low bits of each slot and clears the lanes beyond the vector. A frame is BEATS beats, counted: TLAST may be
// missing, and a TLAST inside a frame makes the module complete that frame with zero beats by itself.
// LATENCY: 1 (accepted in cycle t, out_valid in cycle t+1)
module bw_axis_in #(
  // bits of an element, and of its slot in tdata
  parameter WIDTH  = 8,
  parameter SLOT   = 8,
  // elements a beat
  parameter LANES  = 4,
  // bits of tdata, at least LANES * SLOT
  parameter TDATA  = 32,
  // elements a vector: a beat never holds parts of two
  parameter VECTOR = 10,
  // beats a frame, a multiple of ceil(VECTOR / LANES)
  parameter BEATS  = 3
) (
  input  wire                   clk,
  input  wire                   rst_n,
  input  wire [TDATA-1:0]       s_axis_tdata,
  input  wire                   s_axis_tvalid,
  output reg                    s_axis_tready,
  input  wire                   s_axis_tlast,
  output reg                    out_valid,
  input  wire                   out_ready,
  output reg  [LANES*WIDTH-1:0] out_data
);
  localparam PER_VECTOR = (VECTOR + LANES - 1) / LANES;
  // Lanes of a vector's last beat that hold elements.
  localparam TAIL       = VECTOR - (PER_VECTOR - 1) * LANES;

  wire [LANES*WIDTH-1:0] codes, beat;
  reg  [LANES*WIDTH-1:0] spare;
  // The rest of the frame is zeros of our own.
  reg                    fill;
  reg                    spare_full;
  wire                   accept = s_axis_tvalid & s_axis_tready;
  wire                   push   = accept | (fill & ~spare_full);
  wire                   last_beat;
  wire                   pull   = ~out_valid | out_ready;
  wire                   spare_next = ~pull & (spare_full | push);
  wire                   fill_next  = fill ? ~(push & last_beat) : accept & s_axis_tlast & ~last_beat;

  bw_counter #(.COUNT(BEATS)) beats (
    .clk  (clk),
    .rst_n(rst_n),
    .step (push),
    .last (last_beat)
  );

  genvar l;
  generate
    for (l = 0; l < LANES; l = l + 1) begin : g_lane
      assign codes[l*WIDTH +: WIDTH] = s_axis_tdata[l*SLOT +: WIDTH] & {WIDTH{~fill}};
    end
    if (TAIL < LANES) begin : g_pad
      wire last_of_vector;
      bw_counter #(.COUNT(PER_VECTOR)) vectors (
        .clk  (clk),
        .rst_n(rst_n),
        .step (push),
        .last (last_of_vector)
      );
      assign beat = {codes[LANES*WIDTH-1:TAIL*WIDTH] & {((LANES - TAIL) * WIDTH){~last_of_vector}}, codes[TAIL*WIDTH-1:0]};
    end else begin : g_no_pad
      assign beat = codes;
    end
  endgenerate

  always @(posedge clk)
    if (!rst_n) begin
      s_axis_tready <= 1'b0;
      out_valid     <= 1'b0;
      spare_full    <= 1'b0;
      fill          <= 1'b0;
    end else begin
      s_axis_tready <= ~spare_next & ~fill_next;
      if (pull) out_valid <= spare_full | push;
      spare_full    <= spare_next;
      fill          <= fill_next;
    end

  always @(posedge clk) begin
    if (pull) out_data <= spare_full ? spare : beat;
    if (~spare_full) spare <= beat;
  end

  // Slot bits above the element are padding.
  wire unused = &{1'b0, s_axis_tdata};
endmodule
