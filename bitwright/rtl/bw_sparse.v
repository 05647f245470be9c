// SPDX-License-Identifier: Apache-2.0
// Sparse matrix-vector unit: y = W x + bias, a weight a cycle in each of PE processing elements; it opens a credit domain.
// A program, made at compile time, tells in which of SLOTS cycles which element multiplies which column by which weight;
// zero weights have no slot. Rows come out in order, LANES a beat: element e has rows of lane e / (PE / LANES) only.
// Two vectors and the sums of two have room. For vector v (from 0), with s its first slot, and u and U its first and last
// beat's issue:
//   its first word is accepted from cycle s(v-2) + SLOTS + READ - 1 on, its other words at once;
//   s(v) = max(cycle of its last word + 1, s(v-1) + SLOTS, U(v-2) + 1), without the terms that there are not;
//   u(v) >= s(v) + SLOTS + READ + MUL; a beat issues in a cycle, if a credit is held.
// LATENCY: 4 (beat issued in cycle t, out_valid in cycle t+4); READ is the latency of the program's bw_weights, and MUL that of
//   bw_dots for one row and column
module bw_sparse #(
  // columns and rows of W
  parameter COLS      = 8,
  parameter ROWS      = 8,
  // columns of an input word, rows of an output beat, and processing elements, a multiple of LANES
  parameter SIMD      = 4,
  parameter LANES     = 1,
  parameter PE        = 4,
  // bits of an activation, and whether it is two's complement
  parameter A_WIDTH   = 8,
  parameter A_SIGNED  = 0,
  // bits of a weight, and whether it is two's complement
  parameter W_WIDTH   = 8,
  parameter W_SIGNED  = 1,
  // bits of a sum; enough for every final value, which is computed modulo 2**ACC_WIDTH
  parameter ACC_WIDTH = 20,
  // multipliers: 0 LUT, 1 DSP
  parameter KIND      = 0,
  // slots of a vector
  parameter SLOTS     = 16,
  // memory file of SLOTS words: of each element, from the lowest bit, the weight, the lane and the word of its column
  // (LANE and WORD - 1 bits), and whether the row ends
  parameter PROGRAM   = "",
  // program memory: 0 distributed, 1 block; words in a row of a block memory, its rows, and the file of the rest (see bw_rom)
  parameter STYLE     = 0,
  parameter SEGMENTS  = 1,
  parameter PROGRAM_ROWS = SLOTS,
  parameter PROGRAM_REST = "",
  // bits of the number of a row in its element, at least 1
  parameter ROW       = 2,
  // memory file of a word a beat: of each lane the number of the row in its element, and above it which element of the lane
  parameter ORDER     = "",
  // each row has a bias
  parameter HAS_BIAS  = 0,
  // memory file of a word a beat: LANES biases
  parameter BIAS      = "",
  // credits: output words in flight
  parameter CREDITS   = 16
) (
  input  wire                       clk,
  input  wire                       rst_n,
  input  wire                       in_valid,
  output wire                       in_ready,
  input  wire [SIMD*A_WIDTH-1:0]    in_data,
  output wire                       out_valid,
  output wire [LANES*ACC_WIDTH-1:0] out_data,
  input  wire                       credit
);
  localparam SF    = (COLS + SIMD - 1) / SIMD;
  localparam BEATS = (ROWS + LANES - 1) / LANES;
  // Bits of a lane, of a word's address with its bank, and of an element of a lane.
  localparam LANE  = (SIMD > 1) ? $clog2(SIMD) : 1;
  localparam WORD  = ((SF > 1) ? $clog2(SF) : 1) + 1;
  localparam WAYS  = PE / LANES;
  localparam WAY   = (WAYS > 1) ? $clog2(WAYS) : 1;
  localparam FIELD = W_WIDTH + LANE + WORD;
  localparam ENTRY = ROW + WAY;
  localparam S     = (SLOTS > 1) ? $clog2(SLOTS) : 1;
  localparam B     = (BEATS > 1) ? $clog2(BEATS) : 1;
  // Latency of bw_dots.
  localparam W_DIGITS = (W_SIGNED != 0) ? (W_WIDTH + 1) / 2 : W_WIDTH / 2 + 1;
  localparam A_DIGITS = (A_SIGNED != 0) ? (A_WIDTH + 1) / 2 : A_WIDTH / 2 + 1;
  localparam DIGITS   = (A_DIGITS < W_DIGITS) ? A_DIGITS : W_DIGITS;
  localparam MUL      = (KIND == 1) ? 2 : (A_WIDTH + W_WIDTH > 6 && DIGITS > 1) ? DIGITS / 2 : 1;

  // Vectors in: a word is accepted unless it begins a vector for which there is no room.
  wire            room, write, last_word, begins_word;
  wire [WORD-2:0] write_word;
  reg             write_bank;
  // Slots: the elements run through the program for a vector that is there, if there is room for its sums.
  wire            full, sums_room, step, begins, last_slot;
  wire [S-1:0]    slot;
  reg             bank;
  // After the last read of a vector.
  wire            freed;
  // Beats out.
  wire            done, done_late, some, beat, begins_beat, last_beat;
  wire [B-1:0]    beat_at;
  reg             read_bank;

  assign in_ready = ~begins_word | room;
  assign write    = in_valid & in_ready;
  assign step     = ~begins | (full & sums_room);
  assign beat     = some & (~begins_beat | done);

  bw_turns #(.COUNT(SF), .WIDTH(WORD - 1)) words (
    .clk   (clk),
    .rst_n (rst_n),
    .step  (write),
    .begins(begins_word),
    .last  (last_word),
    .index (write_word)
  );
  bw_turns #(.COUNT(SLOTS), .WIDTH(S)) slots (
    .clk   (clk),
    .rst_n (rst_n),
    .step  (step),
    .begins(begins),
    .last  (last_slot),
    .index (slot)
  );
  bw_turns #(.COUNT(BEATS), .WIDTH(B)) beats (
    .clk   (clk),
    .rst_n (rst_n),
    .step  (beat),
    .begins(begins_beat),
    .last  (last_beat),
    .index (beat_at)
  );

  bw_credit #(.CREDITS(2)) rooms (
    .clk  (clk),
    .rst_n(rst_n),
    .take (write & begins_word),
    .give (freed),
    .some (room)
  );
  bw_tokens fulls (
    .clk  (clk),
    .rst_n(rst_n),
    .give (write & last_word),
    .take (step & begins),
    .some (full)
  );
  bw_credit #(.CREDITS(2)) sums_rooms (
    .clk  (clk),
    .rst_n(rst_n),
    .take (step & begins),
    .give (beat & last_beat),
    .some (sums_room)
  );
  bw_delay #(.CYCLES(1 + MUL)) finish (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (freed),
    .out_valid(done_late)
  );
  bw_tokens dones (
    .clk  (clk),
    .rst_n(rst_n),
    .give (done_late),
    .take (beat & begins_beat),
    .some (done)
  );
  bw_credit #(.CREDITS(CREDITS)) credits (
    .clk  (clk),
    .rst_n(rst_n),
    .take (beat),
    .give (credit),
    .some (some)
  );

  always @(posedge clk)
    if (!rst_n) begin
      write_bank <= 1'b0;
      bank       <= 1'b0;
      read_bank  <= 1'b0;
    end else begin
      write_bank <= write_bank ^ (write & last_word);
      bank       <= bank ^ (step & last_slot);
      read_bank  <= read_bank ^ (beat & last_beat);
    end

  // A cycle before the elements' fields: a slot, and whether it is its vector's last; with the fields what they need.
  wire [PE*FIELD-1:0] fields;
  wire                soon, soon_last, field_begins, field_bank;
  reg                 field_step;
  bw_weights #(
    .WIDTH   (PE * FIELD),
    .DEPTH   (SLOTS),
    .ADDR    (S),
    .FILE    (PROGRAM),
    .STYLE   (STYLE),
    .SEGMENTS(SEGMENTS),
    .ROWS    (PROGRAM_ROWS),
    .REST    (PROGRAM_REST),
    .X_WIDTH (2)
  ) program_memory (
    .clk        (clk),
    .rst_n      (rst_n),
    .in_valid   (step),
    .in_tag     (last_slot),
    .addr       (slot),
    .in_x       ({begins, bank}),
    .soon_valid (soon),
    .soon_tag   (soon_last),
    .data       (fields),
    .x          ({field_begins, field_bank}),
    .write_valid(1'b0),
    .write_data (33'b0)
  );
  assign freed = soon & soon_last;
  always @(posedge clk) field_step <= soon;

  // Two cycles after a beat's issue: where each lane's row is; then its sum, then its bias.
  wire [LANES*ENTRY-1:0]     order;
  wire [PE*ACC_WIDTH-1:0]    sums;
  reg  [2:1]                 read_bank_at;
  reg  [LANES*ACC_WIDTH-1:0] found;
  bw_rom #(
    .WIDTH(LANES * ENTRY),
    .DEPTH(BEATS),
    .ADDR (B),
    .FILE (ORDER)
  ) orders (
    .clk (clk),
    .addr(beat_at),
    .data(order)
  );
  always @(posedge clk) read_bank_at <= {read_bank_at[1], read_bank};

  genvar b, e, l;
  generate
    for (l = 0; l < LANES; l = l + 1) begin : g_lane
      wire [WAY-1:0] way = order[l*ENTRY+ROW +: WAY];
      for (e = l * WAYS; e < (l + 1) * WAYS; e = e + 1) begin : g_element
        wire [FIELD-1:0] field = fields[e*FIELD +: FIELD];
        bw_sparse_pe #(
          .A_WIDTH  (A_WIDTH),
          .A_SIGNED (A_SIGNED),
          .W_WIDTH  (W_WIDTH),
          .W_SIGNED (W_SIGNED),
          .ACC_WIDTH(ACC_WIDTH),
          .KIND     (KIND),
          .LANES    (SIMD),
          .LANE     (LANE),
          .WORD     (WORD),
          .ROW      (ROW),
          .MUL      (MUL)
        ) element (
          .clk        (clk),
          .write      (write),
          .write_at   ({write_bank, write_word}),
          .write_data (in_data),
          .slot_word  ({field_bank, field[W_WIDTH+LANE +: WORD-1]}),
          .slot_lane  (field[W_WIDTH +: LANE]),
          .slot_weight(field[W_WIDTH-1:0]),
          .slot_last  (field[FIELD-1] & field_step),
          .slot_begin (field_begins),
          .slot_bank  (field_bank),
          .read_at    ({read_bank_at[2], order[l*ENTRY +: ROW]}),
          .sum        (sums[e*ACC_WIDTH +: ACC_WIDTH])
        );
      end
      for (b = 0; b < ACC_WIDTH; b = b + 1) begin : g_bit
        wire [WAYS-1:0] column;
        for (e = 0; e < WAYS; e = e + 1) begin : g_way
          assign column[e] = sums[(l*WAYS+e)*ACC_WIDTH+b];
        end
        if (WAYS == 1) begin : g_one
          always @(posedge clk) found[l*ACC_WIDTH+b] <= column;
          wire unused = &{1'b0, way};
        end else begin : g_several
          always @(posedge clk) found[l*ACC_WIDTH+b] <= column[way];
        end
      end
    end

    if (HAS_BIAS != 0) begin : g_bias
      wire [LANES*ACC_WIDTH-1:0] bias;
      reg  [LANES*ACC_WIDTH-1:0] held, total;
      bw_rom #(
        .WIDTH(LANES * ACC_WIDTH),
        .DEPTH(BEATS),
        .ADDR (B),
        .FILE (BIAS)
      ) biases (
        .clk (clk),
        .addr(beat_at),
        .data(bias)
      );
      always @(posedge clk) held <= bias;
      for (l = 0; l < LANES; l = l + 1) begin : g_add
        always @(posedge clk)
          total[l*ACC_WIDTH +: ACC_WIDTH] <= found[l*ACC_WIDTH +: ACC_WIDTH] + held[l*ACC_WIDTH +: ACC_WIDTH];
      end
      assign out_data = total;
    end else begin : g_no_bias
      reg [LANES*ACC_WIDTH-1:0] total;
      always @(posedge clk) total <= found;
      assign out_data = total;
    end
  endgenerate

  bw_delay #(.CYCLES(4)) leave (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (beat),
    .out_valid(out_valid)
  );
endmodule
