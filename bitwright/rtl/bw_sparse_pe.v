// SPDX-License-Identifier: Apache-2.0
// One processing element of bw_sparse: its copy of the vectors, a multiplier, an accumulator, and the sums of its rows.
// A slot is one weight and the column that it meets; the slot that begins a vector begins a row, and so does the slot
// behind a row's last.
// LATENCY: 2 + MUL (slot in cycle t, the sum of the row that it ends can be read from cycle t+3+MUL on), where MUL is the
//   latency of bw_dots for one row and one column
module bw_sparse_pe #(
  // bits of an activation, and whether it is two's complement
  parameter A_WIDTH   = 8,
  parameter A_SIGNED  = 0,
  // bits of a weight, and whether it is two's complement
  parameter W_WIDTH   = 8,
  parameter W_SIGNED  = 1,
  // bits of a sum
  parameter ACC_WIDTH = 20,
  // multiplier: 0 LUT, 1 DSP
  parameter KIND      = 0,
  // lanes of a word, bits that tell them apart (at least 1), and bits of the word's address with its bank
  parameter LANES     = 4,
  parameter LANE      = 2,
  parameter WORD      = 4,
  // bits of the number of a row
  parameter ROW       = 2,
  // of the multiplier: cycles
  parameter MUL       = 2
) (
  input  wire                     clk,
  // a word of a vector
  input  wire                     write,
  input  wire [WORD-1:0]          write_at,
  input  wire [LANES*A_WIDTH-1:0] write_data,
  // a slot: the activation's word and lane, the weight, whether it ends its row (only if there is a slot); whether it is
  // a vector's first, and the bank of the sums
  input  wire [WORD-1:0]          slot_word,
  input  wire [LANE-1:0]          slot_lane,
  input  wire [W_WIDTH-1:0]       slot_weight,
  input  wire                     slot_last,
  input  wire                     slot_begin,
  input  wire                     slot_bank,
  // bank and number of a row, and its sum in the same cycle
  input  wire [ROW:0]             read_at,
  output wire [ACC_WIDTH-1:0]     sum
);
  localparam integer ONE = 1;

  (* ram_style = "distributed", no_rw_check *)
  reg  [LANES*A_WIDTH-1:0] vectors [0:(1<<WORD)-1];
  wire [LANES*A_WIDTH-1:0] word = vectors[slot_word];
  reg  [A_WIDTH-1:0]       x;
  reg  [W_WIDTH-1:0]       w;
  wire [ACC_WIDTH-1:0]     product;
  wire                     carry;
  reg  [ACC_WIDTH-1:0]     acc;
  // Bit k: of the slot k + 1 cycles ago.
  reg  [MUL+1:0]           last_at, begin_at, bank_at;
  reg  [ROW-1:0]           row_number;
  wire [ROW-1:0]           here = begin_at[MUL+1] ? {ROW{1'b0}} : row_number;
  wire                     fresh = begin_at[MUL] | last_at[MUL+1];

  always @(posedge clk) begin
    if (write) vectors[write_at] <= write_data;
    w        <= slot_weight;
    last_at  <= {last_at[MUL:0], slot_last};
    begin_at <= {begin_at[MUL:0], slot_begin};
    bank_at  <= {bank_at[MUL:0], slot_bank};
    acc      <= product + (fresh ? {ACC_WIDTH{1'b0}} : acc) + {{(ACC_WIDTH - 1){1'b0}}, carry};
    row_number <= last_at[MUL+1] ? here + ONE[ROW-1:0] : here;
  end

  generate
    if (LANES == 1) begin : g_one
      always @(posedge clk) x <= word;
      wire unused = &{1'b0, slot_lane};
    end else begin : g_lanes
      genvar b, i;
      for (b = 0; b < A_WIDTH; b = b + 1) begin : g_bit
        wire [LANES-1:0] column;
        for (i = 0; i < LANES; i = i + 1) begin : g_lane
          assign column[i] = word[i*A_WIDTH+b];
        end
        always @(posedge clk) x[b] <= column[slot_lane];
      end
    end
  endgenerate

  bw_dots #(
    .KIND     (KIND),
    .PE       (1),
    .SIMD     (1),
    .A_WIDTH  (A_WIDTH),
    .A_SIGNED (A_SIGNED),
    .W_WIDTH  (W_WIDTH),
    .W_SIGNED (W_SIGNED),
    .FIELD    (A_WIDTH + W_WIDTH + ((A_SIGNED == 0 && W_SIGNED == 0) ? 1 : 0)),
    .OUT_WIDTH(ACC_WIDTH)
  ) dots (
    .clk  (clk),
    .x    (x),
    .w    (w),
    .sum  (product),
    .carry(carry)
  );

  (* ram_style = "distributed", no_rw_check *)
  reg [ACC_WIDTH-1:0] rows [0:(2<<ROW)-1];
  always @(posedge clk)
    if (last_at[MUL+1]) rows[{bank_at[MUL+1], here}] <= acc;
  assign sum = rows[read_at];
endmodule
