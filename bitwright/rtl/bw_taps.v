// SPDX-License-Identifier: Apache-2.0
// Whole windows: pixels come in, row by row, each as WORDS words of LANES elements; OW x OH windows leave, row by row, word by
// word: the taps row by row, each with the LANES elements of that word, in PARTS beats of as many taps each. Rows lie in line
// buffers, and each row of taps in a shift register.
// A frame is STEPS places on rows of PITCH = max(WIDTH, (OW - 1) * SW / SH + 1) places (integer division), and WORDS steps a
// place. Place k takes pixel (k / PITCH, k % PITCH), if there is one, and nothing otherwise; window (oy, ox) leaves with place
// ((KH - 1) * DH - PT + oy * SH) * PITCH + (KW - 1) * DW - PL + ox * SW, which is that of its last tap. The frame ends with its
// last pixel or its last window, whichever is later, so it never waits for a next one. Steps happen in order, one a cycle, under
// any stalls:
//   a step that takes a word happens when the word is offered;
//   a step with which a word of a window leaves happens when the output is empty, or in the cycle in which the last part of the
//   word before it leaves.
// With PROMPT and several parts no step depends on out_ready in the same cycle.
// A word may be several pixels of a row, and then all of the above counts words: of these windows of words, PICKED pixels leave.
// LATENCY: 1 (the step of a window's word in cycle t, out_valid in cycle t+1)
module bw_taps #(
  // bits of an element
  parameter ELEM    = 8,
  // elements a word, and words a pixel
  parameter LANES   = 1,
  parameter WORDS   = 1,
  // pixels side by side in a word (WORDS = 1), and how many of the KH * KW * PIXELS leave; 0: all taps, in order
  parameter PIXELS  = 1,
  parameter PICKED  = 0,
  // which these are, 16 bits each: (row * KW + column) * PIXELS + pixel
  parameter [((PICKED > 0) ? PICKED : 1)*16-1:0] PICKS = 16'd0,
  // beats in which a word of a window leaves: divides KW * KH, or PICKED
  parameter PARTS   = 1,
  // 1: out_ready holds from the cycle after the first part of a word has left until the last one has
  parameter PROMPT  = 0,
  // pixels of a row, and rows of a frame
  parameter WIDTH   = 8,
  parameter HEIGHT  = 8,
  // taps of a window, across and down
  parameter KW      = 3,
  parameter KH      = 3,
  // pixels from window to window, across and down
  parameter SW      = 1,
  parameter SH      = 1,
  // pixels from tap to tap, across and down
  parameter DW      = 1,
  parameter DH      = 1,
  // padding to the left and on top, less than a window's span: PL <= (KW - 1) * DW, PT <= (KH - 1) * DH; negative: cropped
  parameter signed [31:0] PL = 1,
  parameter signed [31:0] PT = 1,
  // windows, across and down: any tap outside of the frame reads padding
  parameter OW      = 8,
  parameter OH      = 8,
  // an element of the padding
  parameter signed [63:0] PAD = 0,
  // line buffers: 0 shift registers, 1 block RAM
  parameter STYLE   = 0
) (
  input  wire                    clk,
  input  wire                    rst_n,
  input  wire                    in_valid,
  output wire                    in_ready,
  input  wire [LANES*ELEM-1:0]   in_data,
  output wire                    out_valid,
  input  wire                    out_ready,
  output wire [((PICKED > 0) ? PICKED : KH*KW)/PARTS*(LANES/PIXELS)*ELEM-1:0] out_data
);
  localparam W    = LANES * ELEM;
  // Bits of what leaves for each pixel or tap; their number in a window, and in a beat.
  localparam P    = W / PIXELS;
  localparam TAPS = (PICKED > 0) ? PICKED : KH * KW;
  localparam BEAT = TAPS / PARTS;
  // Windows that are further apart than a row is long take places behind it.
  localparam integer REACH = (OH > 1) ? (OW - 1) * SW / SH + 1 : 1;
  localparam integer PITCH = (WIDTH > REACH) ? WIDTH : REACH;
  // Place of the first and of the last window, of the last pixel; places of a frame.
  localparam integer BEGIN = ((KH - 1) * DH - PT) * PITCH + (KW - 1) * DW - PL;
  localparam integer FINAL = BEGIN + (OH - 1) * SH * PITCH + (OW - 1) * SW;
  localparam integer PIXEL = (HEIGHT - 1) * PITCH + WIDTH - 1;
  localparam integer STEPS = ((FINAL > PIXEL) ? FINAL : PIXEL) + 1;
  // Places without a pixel behind a row, and behind the last one.
  localparam integer BLANK = PITCH - WIDTH;
  localparam integer REST  = STEPS - 1 - PIXEL;
  // Places without a window before the first one, and between windows: in a row, to the next row, and to the next frame.
  localparam integer GAP       = SW - 1;
  localparam integer ROW_GAP   = SH * PITCH - (OW - 1) * SW - 1;
  localparam integer FRAME_GAP = STEPS - 1 - FINAL + BEGIN;

  wire takes, gives;
  wire last_word, last_x, last_y, last_column, last_line;
  // Something of a window waits; what waits is its last part, and that leaves.
  wire full, last_part, last_leaves;
  wire pull   = ~full | last_leaves;
  wire enough = ~gives | pull;
  wire step   = (in_valid | ~takes) & enough;
  wire load   = step & gives;
  // The last steps of a place, of a pixel, and of a window.
  wire place  = step & last_word;
  wire pixel  = place & takes;
  wire window = place & gives;

  assign in_ready  = takes & enough;
  assign out_valid = full;

  generate
    if (PROMPT != 0 && PARTS > 1) begin : g_prompt
      assign last_leaves = last_part;
    end else begin : g_asked
      assign last_leaves = last_part & out_ready;
    end
    if (PARTS == 1) begin : g_whole
      reg waits;
      always @(posedge clk)
        if (!rst_n) waits <= 1'b0;
        else waits <= load | (waits & ~out_ready);
      assign full      = waits;
      assign last_part = 1'b1;
    end else begin : g_parts
      // One bit a part still to be sent, the current one lowest.
      reg [PARTS-1:0] left;
      always @(posedge clk)
        if (!rst_n) left <= {PARTS{1'b0}};
        else if (load) left <= {PARTS{1'b1}};
        else if (out_ready) left <= {1'b0, left[PARTS-1:1]};
      assign full      = left[0];
      assign last_part = ~left[1];
    end
  endgenerate

  bw_counter #(.COUNT(WORDS)) words (
    .clk  (clk),
    .rst_n(rst_n),
    .step (step),
    .last (last_word)
  );
  bw_counter #(.COUNT(WIDTH)) pixels (
    .clk  (clk),
    .rst_n(rst_n),
    .step (pixel),
    .last (last_x)
  );
  bw_counter #(.COUNT(HEIGHT)) rows (
    .clk  (clk),
    .rst_n(rst_n),
    .step (pixel & last_x),
    .last (last_y)
  );
  bw_pause #(.INNER(0), .OUTER(BLANK), .FINAL(REST), .START(0)) pauses (
    .clk       (clk),
    .rst_n     (rst_n),
    .step      (place),
    .row_ends  (last_x),
    .frame_ends(last_x & last_y),
    .due       (takes)
  );

  // Windows.
  localparam CW = (OW > 1) ? $clog2(OW) : 1;
  localparam RW = (OH > 1) ? $clog2(OH) : 1;
  wire [CW-1:0] column;
  wire [RW-1:0] line;
  bw_counter #(.COUNT(OW)) columns (
    .clk  (clk),
    .rst_n(rst_n),
    .step (window),
    .last (last_column)
  );
  bw_counter #(.COUNT(OH)) lines (
    .clk  (clk),
    .rst_n(rst_n),
    .step (window & last_column),
    .last (last_line)
  );
  bw_index #(.COUNT(OW), .WIDTH(CW)) at_column (
    .clk  (clk),
    .rst_n(rst_n),
    .step (window),
    .index(column)
  );
  bw_index #(.COUNT(OH), .WIDTH(RW)) at_line (
    .clk  (clk),
    .rst_n(rst_n),
    .step (window & last_column),
    .index(line)
  );
  bw_pause #(.INNER(GAP), .OUTER(ROW_GAP), .FINAL(FRAME_GAP), .START(BEGIN)) gaps (
    .clk       (clk),
    .rst_n     (rst_n),
    .step      (place),
    .row_ends  (last_column),
    .frame_ends(last_column & last_line),
    .due       (gives)
  );

  // Which taps of the window of each column and row lie in the frame: bit o of tap k.
  function automatic [KW*OW-1:0] across;
    input unused;
    integer o, k, at;
    begin
      across = {KW * OW{1'b0 & unused}};
      for (k = 0; k < KW; k = k + 1)
        for (o = 0; o < OW; o = o + 1) begin
          at = o * SW + k * DW - PL;
          across[k*OW+o] = at >= 0 && at < WIDTH;
        end
    end
  endfunction
  function automatic [KH*OH-1:0] down;
    input unused;
    integer o, k, at;
    begin
      down = {KH * OH{1'b0 & unused}};
      for (k = 0; k < KH; k = k + 1)
        for (o = 0; o < OH; o = o + 1) begin
          at = o * SH + k * DH - PT;
          down[k*OH+o] = at >= 0 && at < HEIGHT;
        end
    end
  endfunction
  localparam [KW*OW-1:0] ACROSS = across(0);
  localparam [KH*OH-1:0] DOWN   = down(0);

  // The newest word is that of the last row of taps, and each row of taps is DH rows behind the one below it.
  wire [KH*W-1:0] newest;
  assign newest[(KH-1)*W +: W] = in_data;
  generate
    if (KH > 1) begin : g_lines
      bw_lines #(
        .WIDTH((KH - 1) * W),
        .DEPTH(DH * PITCH * WORDS),
        .STYLE(STYLE)
      ) lines_of_pixels (
        .clk     (clk),
        .rst_n   (rst_n),
        .step    (step),
        .in_data (newest[KH*W-1:W]),
        .out_data(newest[(KH-1)*W-1:0])
      );
    end
  endgenerate

  // What the next window's word would be, and which of its taps lie outside of the frame.
  wire [KH*KW*W-1:0] found;
  wire [KH*KW-1:0]   outside;
  genvar x, y, k;
  generate
    for (y = 0; y < KH; y = y + 1) begin : g_row
      wire [OH-1:0] inside_rows = DOWN[y*OH +: OH];
      assign found[(y*KW+KW-1)*W +: W] = newest[y*W +: W];
      for (x = 1; x < KW; x = x + 1) begin : g_before
        // Steps from tap to tap.
        localparam FAR = DW * WORDS;
        localparam AT  = y * KW + KW - 1 - x;
        reg  [FAR*W-1:0]     held;
        wire [(FAR+1)*W-1:0] next = {held, found[(AT+1)*W +: W]};
        always @(posedge clk)
          if (step) held <= next[FAR*W-1:0];
        assign found[AT*W +: W] = next[FAR*W +: W];
      end
      for (x = 0; x < KW; x = x + 1) begin : g_tap
        wire [OW-1:0] inside_columns = ACROSS[x*OW +: OW];
        assign outside[y*KW+x] = ~(inside_columns[column] & inside_rows[line]);
      end
    end
  endgenerate

  // The window's word that waits.
  wire [TAPS*P-1:0] waiting;
  assign out_data = waiting[BEAT*P-1:0];
  generate
    for (k = 0; k < TAPS; k = k + 1) begin : g_out
      localparam FROM = (PICKED > 0) ? PICKS[((PICKED > 0) ? k : 0)*16 +: 16] : k * PIXELS;
      reg [P-1:0] tap;
      // Padding is the value of a synchronous reset.
      if (k + BEAT < TAPS) begin : g_shifts
        always @(posedge clk)
          if (load & outside[FROM/PIXELS]) tap <= {LANES/PIXELS{PAD[ELEM-1:0]}};
          else if (load | out_ready) tap <= load ? found[FROM*P +: P] : waiting[(k+BEAT)*P +: P];
      end else begin : g_stays
        always @(posedge clk)
          if (load & outside[FROM/PIXELS]) tap <= {LANES/PIXELS{PAD[ELEM-1:0]}};
          else if (load) tap <= found[FROM*P +: P];
      end
      assign waiting[k*P +: P] = tap;
    end
  endgenerate

  // Pixels and taps that no window picks.
  wire unused = &{1'b0, found, outside};
endmodule
