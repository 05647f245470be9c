// SPDX-License-Identifier: Apache-2.0
// Internal stream to AXI4-Stream master: extends each element to its slot, clears the lanes beyond the vector, and sets
// TLAST on the last beat of a frame. Registered outputs, stable while stalled, full rate.
// LATENCY: 1 (accepted in cycle t, m_axis_tvalid in cycle t+1)
module bw_axis_out #(
  // bits of an element, whether it is two's complement, and the bits of its slot in tdata
  parameter WIDTH  = 8,
  parameter SIGNED = 1,
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
  input  wire                   in_valid,
  output wire                   in_ready,
  input  wire [LANES*WIDTH-1:0] in_data,
  output wire [TDATA-1:0]       m_axis_tdata,
  output reg                    m_axis_tvalid,
  input  wire                   m_axis_tready,
  output reg                    m_axis_tlast
);
  localparam PER_VECTOR = (VECTOR + LANES - 1) / LANES;
  // Lanes of a vector's last beat that hold elements.
  localparam TAIL       = VECTOR - (PER_VECTOR - 1) * LANES;

  wire                   take = in_valid & in_ready;
  wire                   last_beat;
  wire [LANES*WIDTH-1:0] beat;
  reg  [LANES*WIDTH-1:0] held;

  assign in_ready = ~m_axis_tvalid | m_axis_tready;

  bw_counter #(.COUNT(BEATS)) beats (
    .clk  (clk),
    .rst_n(rst_n),
    .step (take),
    .last (last_beat)
  );

  genvar l;
  generate
    if (TAIL < LANES) begin : g_pad
      wire last_of_vector;
      bw_counter #(.COUNT(PER_VECTOR)) vectors (
        .clk  (clk),
        .rst_n(rst_n),
        .step (take),
        .last (last_of_vector)
      );
      assign beat = {in_data[LANES*WIDTH-1:TAIL*WIDTH] & {((LANES - TAIL) * WIDTH){~last_of_vector}}, in_data[TAIL*WIDTH-1:0]};
    end else begin : g_no_pad
      assign beat = in_data;
    end

    for (l = 0; l < LANES; l = l + 1) begin : g_lane
      if (SLOT > WIDTH) begin : g_extend
        assign m_axis_tdata[l*SLOT +: SLOT] = {{(SLOT - WIDTH){(SIGNED != 0) & held[l*WIDTH+WIDTH-1]}}, held[l*WIDTH +: WIDTH]};
      end else begin : g_exact
        assign m_axis_tdata[l*SLOT +: SLOT] = held[l*WIDTH +: WIDTH];
      end
    end
    if (TDATA > LANES * SLOT) begin : g_rest
      assign m_axis_tdata[TDATA-1:LANES*SLOT] = {(TDATA - LANES * SLOT){1'b0}};
    end
  endgenerate

  always @(posedge clk)
    if (!rst_n) begin
      m_axis_tvalid <= 1'b0;
      m_axis_tlast  <= 1'b0;
    end else if (in_ready) begin
      m_axis_tvalid <= in_valid;
      m_axis_tlast  <= in_valid & last_beat;
    end

  always @(posedge clk)
    if (in_ready) held <= beat;
endmodule
