// SPDX-License-Identifier: Apache-2.0
// Width converter: a vector of VECTOR elements arrives IN_LANES and leaves OUT_LANES elements a beat, at full rate.
// The vector's last beat may be part filled on either side: going up it is flushed, going down only the beats that hold
// elements are sent. Lanes beyond the vector are 0 at the output, whatever they were at the input.
// LATENCY: 1 (the sub-beat that completes an output beat in cycle t, out_valid in cycle t+1)
module bw_gear #(
  // bits an element
  parameter ELEM      = 8,
  // elements a beat, in and out: one a multiple of the other, and not equal
  parameter IN_LANES  = 2,
  parameter OUT_LANES = 8,
  // elements a vector
  parameter VECTOR    = 20
) (
  input  wire                      clk,
  input  wire                      rst_n,
  input  wire                      in_valid,
  output wire                      in_ready,
  input  wire [IN_LANES*ELEM-1:0]  in_data,
  output wire                      out_valid,
  input  wire                      out_ready,
  output wire [OUT_LANES*ELEM-1:0] out_data
);
  localparam IN_BEATS  = (VECTOR + IN_LANES - 1) / IN_LANES;
  localparam OUT_BEATS = (VECTOR + OUT_LANES - 1) / OUT_LANES;
  // Lanes of the vector's last input beat that hold elements.
  localparam TAIL      = VECTOR - (IN_BEATS - 1) * IN_LANES;

  wire                     take = in_valid & in_ready;
  wire                     last_in;
  wire [IN_LANES*ELEM-1:0] clean;

  bw_counter #(.COUNT(IN_BEATS)) beats (
    .clk  (clk),
    .rst_n(rst_n),
    .step (take),
    .last (last_in)
  );

  assign clean[TAIL*ELEM-1:0] = in_data[TAIL*ELEM-1:0];

  generate
    if (TAIL < IN_LANES) begin : g_pad
      assign clean[IN_LANES*ELEM-1:TAIL*ELEM] = in_data[IN_LANES*ELEM-1:TAIL*ELEM] & {((IN_LANES - TAIL) * ELEM){~last_in}};
    end

    if (IN_LANES < OUT_LANES) begin : g_up
      localparam RATIO = OUT_LANES / IN_LANES;
      // Sub-beats of the vector's last output beat.
      localparam REST  = IN_BEATS - (OUT_BEATS - 1) * RATIO;
      localparam SUB   = IN_LANES * ELEM;

      // One-hot: where the next sub-beat goes.
      reg  [RATIO-1:0] slot;
      reg              full;
      reg  [OUT_LANES*ELEM-1:0] word;
      wire             done = slot[RATIO-1] | last_in;

      assign in_ready  = ~full | out_ready;
      assign out_valid = full;
      assign out_data  = word;

      always @(posedge clk)
        if (!rst_n) full <= 1'b0;
        else if (in_ready) full <= take & done;
      always @(posedge clk)
        if (!rst_n) slot <= {{(RATIO - 1){1'b0}}, 1'b1};
        else if (take) slot <= done ? {{(RATIO - 1){1'b0}}, 1'b1} : {slot[RATIO-2:0], 1'b0};

      genvar s;
      for (s = 0; s < RATIO; s = s + 1) begin : g_slot
        if (s < REST) begin : g_kept
          always @(posedge clk)
            if (take & slot[s]) word[s*SUB +: SUB] <= clean;
        end else begin : g_cleared
          // Not filled in the last beat: cleared whenever a beat begins.
          always @(posedge clk)
            if (take & slot[0]) word[s*SUB +: SUB] <= {SUB{1'b0}};
            else if (take & slot[s]) word[s*SUB +: SUB] <= clean;
        end
      end
    end else begin : g_down
      localparam RATIO = IN_LANES / OUT_LANES;
      // Sub-beats of the vector's last input beat.
      localparam REST  = OUT_BEATS - (IN_BEATS - 1) * RATIO;
      localparam SUB   = OUT_LANES * ELEM;

      // One bit a sub-beat still to be sent, the current one lowest.
      reg  [RATIO-1:0] left;
      reg  [IN_LANES*ELEM-1:0] word;
      wire             last_out = ~left[1];

      assign in_ready  = ~left[0] | (last_out & out_ready);
      assign out_valid = left[0];
      assign out_data  = word[SUB-1:0];

      always @(posedge clk)
        if (!rst_n) left <= {RATIO{1'b0}};
        else if (take) left <= last_in ? {RATIO{1'b1}} >> (RATIO - REST) : {RATIO{1'b1}};
        else if (out_ready) left <= {1'b0, left[RATIO-1:1]};
      always @(posedge clk)
        if (take) word <= clean;
        else if (out_ready) word <= {{SUB{1'b0}}, word[IN_LANES*ELEM-1:SUB]};
    end
  endgenerate
endmodule
