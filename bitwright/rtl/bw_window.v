// SPDX-License-Identifier: Apache-2.0
// Sliding windows: frames of WIDTH x HEIGHT pixels come in, row by row; OW x OH windows leave, row by row, each PASSES times.
// The words live in a ring; one word leaves a cycle, without a bubble between windows, rows or frames, if the input is there.
// Count words and windows from reset on through all frames. need(n): the last word that windows 0 .. n read, or the first
// word of the frame of window n if that is later, plus one. oldest(n): the first word that window n or a later one reads.
// Window n becomes current with the issue of the last word of the last pass of window n - 1, window 0 with reset. Then,
// under any stalls:
//   word k is accepted in a cycle after window n became current, where n is the first with oldest(n) + DEPTH > k;
//   window n is issued, a word a cycle, in cycles after word need(n) - 1 was accepted and against one of 5 credits a word;
//   a word issued in cycle t has out_valid in cycle t+3; one that leaves in cycle t gives its credit to cycle t+2.
// LATENCY: 4 (the last word that a window needs accepted in cycle t, the window's first word out_valid in cycle t+4)
module bw_window #(
  // bits of an element
  parameter ELEM    = 8,
  // elements a word
  parameter LANES   = 1,
  // words a pixel
  parameter WORDS   = 1,
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
  // padding to the left and on top; negative: pixels and rows cropped
  parameter signed [31:0] PL = 1,
  parameter signed [31:0] PT = 1,
  // windows, across and down: any tap outside of the frame reads padding, but some tap is inside
  parameter OW      = 8,
  parameter OH      = 8,
  // an element of the padding
  parameter signed [63:0] PAD = 0,
  // times each window is given, in a row
  parameter PASSES  = 1,
  // order within a window: 0 words of a tap inside, then taps across, taps down outside; 1 taps inside, words outside
  parameter GROUPED = 0,
  // words of the ring: at least need(n) - oldest(n) for every n
  parameter DEPTH   = 32,
  // memory: 0 distributed RAM, 1 block RAM
  parameter STYLE   = 0
) (
  input  wire                  clk,
  input  wire                  rst_n,
  input  wire                  in_valid,
  output wire                  in_ready,
  input  wire [LANES*ELEM-1:0] in_data,
  output wire                  out_valid,
  input  wire                  out_ready,
  output wire [LANES*ELEM-1:0] out_data
);
  localparam FRAME = WIDTH * HEIGHT * WORDS;

  // The last and the first tap of window o that lie in the frame, along one axis; -1 if none does.
  function automatic integer last_tap;
    input integer o, size, taps, stride, step, pad;
    integer at, k;
    begin
      at = o * stride - pad;
      k  = (at < size) ? (size - 1 - at) / step : 0;
      k  = (k < taps) ? k : taps - 1;
      at = at + k * step;
      last_tap = (at < 0 || at >= size) ? -1 : at;
    end
  endfunction

  function automatic integer first_tap;
    input integer o, size, taps, stride, step, pad;
    integer at, k;
    begin
      at = o * stride - pad;
      k  = (at < 0) ? (step - 1 - at) / step : 0;
      at = at + k * step;
      first_tap = (k >= taps || at >= size) ? -1 : at;
    end
  endfunction

  // Over all windows along one axis: the first and the last window with a tap in the frame, and the least and the greatest
  // tap there.
  localparam FIRST_WINDOW = 0, LAST_WINDOW = 1, LEAST = 2, GREATEST = 3;
  function automatic integer extreme;
    input integer what, count, size, taps, stride, step, pad;
    integer o, first, last, least, greatest;
    begin
      first    = -1;
      last     = 0;
      least    = size;
      greatest = -1;
      for (o = 0; o < count; o = o + 1)
        if (first_tap(o, size, taps, stride, step, pad) >= 0) begin
          if (first < 0) first = o;
          last = o;
          if (first_tap(o, size, taps, stride, step, pad) < least) least = first_tap(o, size, taps, stride, step, pad);
          if (last_tap(o, size, taps, stride, step, pad) > greatest) greatest = last_tap(o, size, taps, stride, step, pad);
        end
      extreme = (what == FIRST_WINDOW) ? first : (what == LAST_WINDOW) ? last : (what == LEAST) ? least : greatest;
    end
  endfunction

  // Columns of windows: before FROM none has a tap in the frame, nor after TO.
  localparam integer FROM    = extreme(FIRST_WINDOW, OW, WIDTH, KW, SW, DW, PL);
  localparam integer TO      = extreme(LAST_WINDOW, OW, WIDTH, KW, SW, DW, PL);
  localparam integer X_LEAST = extreme(LEAST, OW, WIDTH, KW, SW, DW, PL);
  localparam integer X_MOST  = extreme(GREATEST, OW, WIDTH, KW, SW, DW, PL);
  localparam integer Y_LEAST = extreme(LEAST, OH, HEIGHT, KH, SH, DH, PT);
  localparam integer Y_MOST  = extreme(GREATEST, OH, HEIGHT, KH, SH, DH, PT);
  localparam integer X_FROM  = last_tap(FROM, WIDTH, KW, SW, DW, PL);
  localparam integer X_TO    = first_tap(TO, WIDTH, KW, SW, DW, PL);
  // need of a frame's last window, and oldest of its first.
  localparam integer NEEDED  = (Y_MOST * WIDTH + X_MOST + 1) * WORDS;
  localparam integer SKIPPED = (Y_LEAST * WIDTH + X_LEAST) * WORDS;
  // need of the first window; without a tap in the frame it waits for the first word, so that no frame begins by itself.
  localparam integer Y_BEGIN = last_tap(0, HEIGHT, KH, SH, DH, PT);
  localparam integer BEGIN   = (FROM == 0 && Y_BEGIN >= 0) ? (Y_BEGIN * WIDTH + X_FROM + 1) * WORDS : 1;

  // How far need moves as a window of column o (row o) is left. Within a row it moves with the columns, if that row is the
  // first to need its last row of pixels; from row to row with the step into column FROM.
  function automatic integer most_needed;
    input unused;
    integer o, at, prior, most;
    begin
      most  = unused ? 0 : FRAME - NEEDED + BEGIN;
      prior = -1;
      for (o = 0; o < OW; o = o + 1) begin
        at = last_tap(o, WIDTH, KW, SW, DW, PL);
        if (at > prior) begin
          if (prior >= 0 && (at - prior) * WORDS > most) most = (at - prior) * WORDS;
          prior = at;
        end
      end
      prior = -1;
      for (o = 0; o < OH; o = o + 1) begin
        at = row_needed(o, prior);
        if (at > most) most = at;
        at = last_tap(o, HEIGHT, KH, SH, DH, PT);
        if (at > prior) prior = at;
      end
      most_needed = most;
    end
  endfunction

  // With the step into column FROM of row o of windows; the rows before needed pixels down to row `prior` (none: -1).
  function automatic integer row_needed;
    input integer o, prior;
    integer at;
    begin
      at = last_tap(o, HEIGHT, KH, SH, DH, PT);
      if (o == 0 && FROM == 0) row_needed = FRAME - NEEDED + BEGIN;
      else if (at <= prior) row_needed = 0;
      else if (prior < 0) row_needed = (at * WIDTH + X_FROM + 1) * WORDS - 1;
      else row_needed = ((at - prior) * WIDTH + X_FROM - X_MOST) * WORDS;
    end
  endfunction

  // oldest of a row of windows, none of which and of the later ones reads rows of pixels before `at` (none: -1).
  function automatic integer row_oldest;
    input integer at;
    row_oldest = (at < 0) ? FRAME + SKIPPED : (at * WIDTH + X_LEAST) * WORDS;
  endfunction

  // By how much oldest exceeds need of the window before, at most: strides and cropping skip words.
  function automatic integer most_ahead;
    input unused;
    integer o, at, after, end_, most;
    begin
      most  = unused ? 0 : FRAME + SKIPPED - NEEDED;
      after = -1;
      for (o = OW - 1; o >= 0; o = o - 1) begin
        at   = first_tap(o, WIDTH, KW, SW, DW, PL);
        end_ = last_tap(o, WIDTH, KW, SW, DW, PL);
        if (at >= 0 && after >= 0 && (after - end_ - 1) * WORDS > most) most = (after - end_ - 1) * WORDS;
        if (at >= 0 && (after < 0 || at < after)) after = at;
      end
      after = -1;
      for (o = OH - 1; o >= 0; o = o - 1) begin
        at   = first_tap(o, HEIGHT, KH, SH, DH, PT);
        end_ = row_oldest(after) - (last_tap(o, HEIGHT, KH, SH, DH, PT) * WIDTH + X_MOST + 1) * WORDS;
        if (at >= 0 && end_ > most) most = end_;
        if (at >= 0 && (after < 0 || at < after)) after = at;
      end
      most_ahead = most;
    end
  endfunction

  // Bits of what counts words, with a sign.
  localparam integer MOST  = DEPTH + ((most_ahead(0) > SKIPPED) ? most_ahead(0) : SKIPPED);
  localparam integer STEP  = most_needed(0);
  localparam L  = $clog2((STEP > MOST + 1) ? STEP : MOST + 1) + 1;
  localparam A  = (DEPTH > 1) ? $clog2(DEPTH) : 1;
  localparam CW = (OW > 1) ? $clog2(OW) : 1;
  localparam RW = (OH > 1) ? $clog2(OH) : 1;
  // Tables over columns and rows: bit k of all entries together at k * CP (RP).
  localparam CP = 1 << CW;
  localparam RP = 1 << RW;

  localparam [L*CP-1:0]  NEED_COLUMNS = need_columns(0);
  localparam [L*RP-1:0]  NEED_ROWS    = need_rows(0);
  localparam [L*CP-1:0]  FREE_COLUMNS = free_columns(0);
  localparam [L*RP-1:0]  FREE_ROWS    = free_rows(0);
  localparam [RP-1:0]    NEED_MOVES   = need_moves(0);
  localparam [RP-1:0]    FREE_MOVES   = free_moves(0);
  localparam [KW*CP-1:0] MASK_COLUMNS = mask_columns(0);
  localparam [KH*RP-1:0] MASK_ROWS    = mask_rows(0);

  // Minus the words by which need moves.
  function automatic [L*CP-1:0] need_columns;
    input unused;
    integer o, k, at, prior, step;
    begin
      need_columns = {L * CP{1'b0 & unused}};
      prior = -1;
      for (o = 0; o < OW; o = o + 1) begin
        at   = last_tap(o, WIDTH, KW, SW, DW, PL);
        step = (at > prior && prior >= 0) ? (prior - at) * WORDS : 0;
        if (at > prior) prior = at;
        if (o > 0) for (k = 0; k < L; k = k + 1) need_columns[k*CP+o-1] = ((step >>> k) & 1) != 0;
      end
    end
  endfunction

  function automatic [L*RP-1:0] need_rows;
    input unused;
    integer o, k, at, prior, step;
    begin
      need_rows = {L * RP{1'b0 & unused}};
      prior = -1;
      for (o = 0; o < OH; o = o + 1) begin
        at   = last_tap(o, HEIGHT, KH, SH, DH, PT);
        step = -row_needed(o, prior);
        if (at > prior) prior = at;
        // Column FROM is entered from the last one of the row before, if it is the first.
        for (k = 0; k < L; k = k + 1) need_rows[k*RP+((FROM > 0) ? o : (o + OH - 1) % OH)] = ((step >>> k) & 1) != 0;
      end
    end
  endfunction

  function automatic [RP-1:0] need_moves;
    input unused;
    integer o, at, prior;
    begin
      need_moves = {RP{1'b0 & unused}};
      prior = -1;
      for (o = 0; o < OH; o = o + 1) begin
        at = last_tap(o, HEIGHT, KH, SH, DH, PT);
        need_moves[o] = at > prior;
        if (at > prior) prior = at;
      end
    end
  endfunction

  // The words by which oldest moves, minus one. Within a row it moves with the columns, if no later row reads that row of
  // pixels; to that of the next row as column TO is left.
  function automatic [L*CP-1:0] free_columns;
    input unused;
    integer o, k, at, after, step;
    begin
      free_columns = {L * CP{1'b1 | unused}};
      after = -1;
      for (o = OW - 1; o >= 0; o = o - 1) begin
        at   = first_tap(o, WIDTH, KW, SW, DW, PL);
        if (at < 0 || (after >= 0 && after < at)) at = after;
        step = (after >= 0) ? (after - at) * WORDS - 1 : -1;
        after = at;
        for (k = 0; k < L; k = k + 1) free_columns[k*CP+o] = ((step >>> k) & 1) != 0;
      end
    end
  endfunction

  function automatic [L*RP-1:0] free_rows;
    input unused;
    integer o, k, at, after, step;
    begin
      free_rows = {L * RP{1'b1 | unused}};
      after = -1;
      for (o = OH - 1; o >= 0; o = o - 1) begin
        at   = first_tap(o, HEIGHT, KH, SH, DH, PT);
        step = (at >= 0 && (after < 0 || at < after)) ? row_oldest(after) - (at * WIDTH + X_TO) * WORDS - 1 : -1;
        if (at >= 0 && (after < 0 || at < after)) after = at;
        for (k = 0; k < L; k = k + 1) free_rows[k*RP+o] = ((step >>> k) & 1) != 0;
      end
    end
  endfunction

  function automatic [RP-1:0] free_moves;
    input unused;
    integer o, at, after;
    begin
      free_moves = {RP{1'b0 & unused}};
      after = -1;
      for (o = OH - 1; o >= 0; o = o - 1) begin
        at = first_tap(o, HEIGHT, KH, SH, DH, PT);
        free_moves[o] = at >= 0 && (after < 0 || at < after);
        if (at >= 0 && (after < 0 || at < after)) after = at;
      end
    end
  endfunction

  // Which taps lie in the frame.
  function automatic [KW*CP-1:0] mask_columns;
    input unused;
    integer o, k, at;
    begin
      mask_columns = {KW * CP{1'b1 | unused}};
      for (o = 0; o < OW; o = o + 1)
        for (k = 0; k < KW; k = k + 1) begin
          at = o * SW + k * DW - PL;
          mask_columns[k*CP+o] = at >= 0 && at < WIDTH;
        end
    end
  endfunction

  function automatic [KH*RP-1:0] mask_rows;
    input unused;
    integer o, k, at;
    begin
      mask_rows = {KH * RP{1'b1 | unused}};
      for (o = 0; o < OH; o = o + 1)
        for (k = 0; k < KH; k = k + 1) begin
          at = o * SH + k * DH - PT;
          mask_rows[k*RP+o] = at >= 0 && at < HEIGHT;
        end
    end
  endfunction

  // Into the next frame, where that is not the step into column FROM.
  localparam integer AGAIN = NEEDED - FRAME - BEGIN;

  // What is added to the counts as the window of column c and row r is left.
  function automatic [L-1:0] need_step;
    input [CW-1:0] c;
    input [RW-1:0] r;
    reg [CP-1:0] column;
    reg [RP-1:0] line;
    integer k;
    for (k = 0; k < L; k = k + 1) begin
      column = NEED_COLUMNS[k*CP +: CP];
      line   = NEED_ROWS[k*RP +: RP];
      need_step[k] = (FROM > 0 && c == C_END[CW-1:0] && r == R_END[RW-1:0]) ? AGAIN[k]
                   : (c == ENTER[CW-1:0]) ? line[r] : NEED_MOVES[r] & column[c];
    end
  endfunction

  function automatic [L-1:0] free_step;
    input [CW-1:0] c;
    input [RW-1:0] r;
    reg [CP-1:0] column;
    reg [RP-1:0] line;
    integer k;
    for (k = 0; k < L; k = k + 1) begin
      column = FREE_COLUMNS[k*CP +: CP];
      line   = FREE_ROWS[k*RP +: RP];
      free_step[k] = (c == TO[CW-1:0]) ? line[r] : ~FREE_MOVES[r] | column[c];
    end
  endfunction

  function automatic [KW-1:0] mask_x;
    input [CW-1:0] c;
    reg [CP-1:0] column;
    integer k;
    for (k = 0; k < KW; k = k + 1) begin
      column = MASK_COLUMNS[k*CP +: CP];
      mask_x[k] = column[c];
    end
  endfunction

  function automatic [KH-1:0] mask_y;
    input [RW-1:0] r;
    reg [RP-1:0] line;
    integer k;
    for (k = 0; k < KH; k = k + 1) begin
      line = MASK_ROWS[k*RP +: RP];
      mask_y[k] = line[r];
    end
  endfunction

  // Steps of the read address, from inside out: to the next turn of each loop, pass, window, row of windows, and frame.
  function automatic integer modulo;
    input integer v;
    modulo = ((v % DEPTH) + DEPTH) % DEPTH;
  endfunction

  localparam integer ACROSS = (KW - 1) * DW;
  localparam integer DOWN   = (KH - 1) * DH * WIDTH;
  localparam integer SPAN   = (DOWN + ACROSS + 1) * WORDS - 1;
  localparam integer D0     = modulo((GROUPED != 0) ? DW * WORDS : 1);
  localparam integer D1     = modulo((GROUPED != 0) ? (DH * WIDTH - ACROSS) * WORDS : (DW - 1) * WORDS + 1);
  localparam integer D2     = modulo((GROUPED != 0) ? 1 - (DOWN + ACROSS) * WORDS : (DH * WIDTH - ACROSS - 1) * WORDS + 1);
  localparam integer D_PASS = modulo(-SPAN);
  localparam integer D_NEXT = modulo(SW * WORDS - SPAN);
  localparam integer D_ROW  = modulo((SH * WIDTH - (OW - 1) * SW) * WORDS - SPAN);
  localparam integer D_TOP  = modulo(FRAME - ((OH - 1) * SH * WIDTH + (OW - 1) * SW) * WORDS - SPAN);
  localparam integer START  = modulo(-(PT * WIDTH + PL) * WORDS);

  localparam integer B0     = D0 - DEPTH;
  localparam integer B1     = D1 - DEPTH;
  localparam integer B2     = D2 - DEPTH;
  localparam integer B_PASS = D_PASS - DEPTH;
  localparam integer B_NEXT = D_NEXT - DEPTH;
  localparam integer B_ROW  = D_ROW - DEPTH;
  localparam integer B_TOP  = D_TOP - DEPTH;

  // The column whose windows lead to column FROM.
  localparam integer ENTER = (FROM > 0) ? FROM - 1 : OW - 1;
  localparam integer C_END = OW - 1;
  localparam integer R_END = OH - 1;
  // The second window of a frame.
  localparam integer C_TWO = (OW > 1) ? 1 : 0;
  localparam integer R_TWO = (OW > 1 || OH == 1) ? 0 : 1;
  localparam integer ONE   = 1;
  localparam integer ROOM  = DEPTH + SKIPPED - 1;
  localparam integer DEBT  = -BEGIN;

  wire some;
  // Words written beyond need of the current window, and room for words minus one: a sign bit says no.
  reg  [L-1:0] ahead, room;
  reg  [L-1:0] needed, freed;
  wire write   = in_valid & in_ready;
  wire issue   = some & ~ahead[L-1];
  wire last_word, last_x, last_y, last_pass, last_of_window;
  wire advance = issue & last_of_window;

  assign in_ready = ~room[L-1];

  // All words of a window, so that its end is a register; then the loops in it.
  bw_counter #(.COUNT(WORDS * KW * KH * PASSES)) window (
    .clk  (clk),
    .rst_n(rst_n),
    .step (issue),
    .last (last_of_window)
  );

  wire step_word = issue & ((GROUPED == 0) | (last_x & last_y));
  wire step_x    = issue & ((GROUPED != 0) | last_word);
  wire step_y    = step_x & last_x;
  wire last0     = (GROUPED != 0) ? last_x : last_word;
  wire last1     = (GROUPED != 0) ? last_y : last_x;
  wire last2     = (GROUPED != 0) ? last_word : last_y;

  bw_counter #(.COUNT(WORDS)) words (
    .clk  (clk),
    .rst_n(rst_n),
    .step (step_word),
    .last (last_word)
  );
  bw_counter #(.COUNT(KW)) taps_across (
    .clk  (clk),
    .rst_n(rst_n),
    .step (step_x),
    .last (last_x)
  );
  bw_counter #(.COUNT(KH)) taps_down (
    .clk  (clk),
    .rst_n(rst_n),
    .step (step_y),
    .last (last_y)
  );
  bw_counter #(.COUNT(PASSES)) passes (
    .clk  (clk),
    .rst_n(rst_n),
    .step (issue & last_word & last_x & last_y),
    .last (last_pass)
  );

  // Column and row of the next window; whether the current one is the last of its row, and of the last row; and which of its
  // taps lie in the frame, turned so that the current one is lowest.
  reg  [CW-1:0] column;
  reg  [RW-1:0] line;
  reg           row_ends, frame_ends;
  reg  [KW-1:0] inside_x;
  reg  [KH-1:0] inside_y;
  wire [KW:0]   turned_x    = {inside_x[0], inside_x};
  wire [KH:0]   turned_y    = {inside_y[0], inside_y};
  wire          last_column = column == C_END[CW-1:0];
  wire          last_line   = line == R_END[RW-1:0];

  always @(posedge clk)
    if (!rst_n) begin
      column     <= C_TWO[CW-1:0];
      line       <= R_TWO[RW-1:0];
      row_ends   <= OW == 1;
      frame_ends <= OH == 1;
      inside_x   <= mask_x(0);
      inside_y   <= mask_y(0);
      needed     <= need_step(0, 0);
      freed      <= free_step(0, 0);
    end else if (advance) begin
      column     <= last_column ? {CW{1'b0}} : column + ONE[CW-1:0];
      if (last_column) line <= last_line ? {RW{1'b0}} : line + ONE[RW-1:0];
      row_ends   <= last_column;
      frame_ends <= last_line;
      inside_x   <= mask_x(column);
      inside_y   <= mask_y(line);
      needed     <= need_step(column, line);
      freed      <= free_step(column, line);
    end else begin
      if (step_x) inside_x <= turned_x[KW:1];
      if (step_y) inside_y <= turned_y[KH:1];
    end

  always @(posedge clk)
    if (!rst_n) begin
      ahead <= DEBT[L-1:0];
      room  <= ROOM[L-1:0];
    end else begin
      ahead <= ahead + (needed & {L{advance}}) + {{(L - 1){1'b0}}, write};
      room  <= room + (freed | {L{~advance}}) + {{(L - 1){1'b0}}, ~write};
    end

  // The step of the read address, and the same a turn of the ring back.
  wire [A-1:0] move = ~last0 ? D0[A-1:0]
                    : ~last1 ? D1[A-1:0]
                    : ~last2 ? D2[A-1:0]
                    : ~last_pass ? D_PASS[A-1:0]
                    : ~row_ends ? D_NEXT[A-1:0]
                    : ~frame_ends ? D_ROW[A-1:0] : D_TOP[A-1:0];
  wire [A:0]   back = ~last0 ? B0[A:0]
                    : ~last1 ? B1[A:0]
                    : ~last2 ? B2[A:0]
                    : ~last_pass ? B_PASS[A:0]
                    : ~row_ends ? B_NEXT[A:0]
                    : ~frame_ends ? B_ROW[A:0] : B_TOP[A:0];

  wire unused = &{1'b0, turned_x[0], turned_y[0]};

  bw_ring #(
    .WIDTH(LANES * ELEM),
    .DEPTH(DEPTH),
    .ADDR (A),
    .START(START),
    .STYLE(STYLE)
  ) ring (
    .clk      (clk),
    .rst_n    (rst_n),
    .write    (write),
    .in_data  (in_data),
    .some     (some),
    .read     (issue),
    .move     (move),
    .back     (back),
    .outside  (~(inside_x[0] & inside_y[0])),
    .padding  ({LANES{PAD[ELEM-1:0]}}),
    .out_valid(out_valid),
    .out_ready(out_ready),
    .out_data (out_data)
  );
endmodule
