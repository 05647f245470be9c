// SPDX-License-Identifier: Apache-2.0
// Step function, per channel: each lane gives base + sign * (how many of its COUNT thresholds t have a >= t).
// LATENCY: (FOLDS > 1) + ((COUNT <= 3) ? (FOLDS > 64) + 1 : clog2(COUNT + 1)) + (HAS_BASE != 0)
module bw_threshold #(
  // lanes a beat
  parameter LANES      = 1,
  // beats a vector; beat f, lane l is channel f * LANES + l
  parameter FOLDS      = 1,
  // bits of an input, and whether it is two's complement
  parameter IN_WIDTH   = 16,
  parameter IN_SIGNED  = 1,
  // bits of an output: the step, cut to that many
  parameter OUT_WIDTH  = 4,
  // thresholds a channel, ascending
  parameter COUNT      = 15,
  // bits of a threshold, two's complement; it holds every input too
  parameter T_WIDTH    = 16,
  // memory file. COUNT <= 3: FOLDS words, lane l has threshold k at (l * COUNT + k) * T_WIDTH. COUNT > 3: a search tree for each
  // fold, whose node n follows node n / 2 and is word fold * 2**clog2(COUNT + 1) + n: node 1 is the middle one of
  // 2**clog2(COUNT + 1) - 1 thresholds, an even node the middle one of those before its parent, an odd one of those after it;
  // lane l has its threshold at l * T_WIDTH, and what would be threshold COUNT or a later one is never read
  parameter THRESHOLDS = "",
  // each channel has a base and a sign; without, they are 0 and plus
  parameter HAS_BASE   = 0,
  // memory file of FOLDS words: lane l has {1 for minus, base of OUT_WIDTH + 1 bits} at l * (OUT_WIDTH + 2)
  parameter BASES      = ""
) (
  input  wire                       clk,
  input  wire                       rst_n,
  input  wire                       in_valid,
  input  wire [LANES*IN_WIDTH-1:0]  in_data,
  output wire                       out_valid,
  output wire [LANES*OUT_WIDTH-1:0] out_data
);
  localparam READ   = (FOLDS > 1) ? 1 : 0;
  localparam LEVELS = (COUNT <= 3) ? 1 : $clog2(COUNT + 1);
  // Cycles to the count, beside the first one, in which the fold's constants are read.
  localparam STEPS  = (COUNT <= 3) ? ((FOLDS > 64) ? 2 : 1) : LEVELS;
  // Bits of the count of thresholds met.
  localparam C      = $clog2(COUNT + 1);
  localparam B      = OUT_WIDTH + 2;
  localparam A      = (FOLDS > 1) ? $clog2(FOLDS) : 1;

  localparam integer ONE = 1;

  wire [LANES*C-1:0] counts;
  genvar l, k, d;

  generate
    if (COUNT <= 3) begin : g_parallel
      wire [LANES*IN_WIDTH-1:0]      data;
      wire [LANES*COUNT*T_WIDTH-1:0] thresholds;
      wire                           valid;

      bw_fold #(
        .FOLDS(FOLDS),
        .WIDTH(LANES * IN_WIDTH),
        .WORD (LANES * COUNT * T_WIDTH),
        .FILE (THRESHOLDS)
      ) fold (
        .clk      (clk),
        .rst_n    (rst_n),
        .in_valid (in_valid),
        .in_data  (in_data),
        .out_valid(valid),
        .out_data (data),
        .out_word (thresholds)
      );

      for (l = 0; l < LANES; l = l + 1) begin : g_lane
        wire [IN_WIDTH-1:0]       code = data[l*IN_WIDTH +: IN_WIDTH];
        wire signed [T_WIDTH-1:0] a;
        wire [3:0]                met;
        reg  [1:0]                count;

        if (T_WIDTH > IN_WIDTH) begin : g_extend
          assign a = $signed({{(T_WIDTH - IN_WIDTH){(IN_SIGNED != 0) & code[IN_WIDTH-1]}}, code});
        end else begin : g_exact
          assign a = $signed(code[T_WIDTH-1:0]);
        end
        for (k = 0; k < COUNT; k = k + 1) begin : g_compare
          assign met[k] = a >= $signed(thresholds[(l*COUNT+k)*T_WIDTH +: T_WIDTH]);
        end
        assign met[3:COUNT] = {(4 - COUNT){1'b0}};
        // Ascending: met is a run of ones from bit 0.
        always @(posedge clk) count <= {met[1], (met[0] & ~met[1]) | met[2]};
        assign counts[l*C +: C] = count[C-1:0];

        wire unused = &{1'b0, met[3], count};
      end

      wire unused = &{1'b0, valid};
    end else begin : g_search
      // Binary search, a level a cycle: level d compares with the threshold in the middle of what is left. It reads only that
      // one, by the fold and by the bits found so far, from a memory of constants, a LUT a bit for up to 64 of them.
      localparam DATA = LANES * IN_WIDTH;
      localparam M    = LEVELS + A;
`ifdef YOSYS
      (* rom_style = "logic" *)  // its word for a ROM of LUTs
`else
      (* rom_style = "distributed" *)
`endif
      reg  [LANES*T_WIDTH-1:0] mem [0:(FOLDS<<LEVELS)-1];
      initial if (THRESHOLDS != "") $readmemh(THRESHOLDS, mem);
      wire [A-1:0]    fold_at [0:LEVELS];
      wire [DATA-1:0] data_at [0:LEVELS];
      wire [LANES*LEVELS-1:0] found_at [0:LEVELS];

      assign found_at[0] = {LANES * LEVELS{1'b0}};
      if (FOLDS > 1) begin : g_folds
        wire [A-1:0]   at;
        reg [A-1:0]    held_at;
        reg [DATA-1:0] held;
        bw_index #(.COUNT(FOLDS), .WIDTH(A)) folds (
          .clk  (clk),
          .rst_n(rst_n),
          .step (in_valid),
          .index(at)
        );
        always @(posedge clk) begin
          held_at <= at;
          held    <= in_data;
        end
        assign fold_at[0] = held_at;
        assign data_at[0] = held;
      end else begin : g_one_fold
        assign fold_at[0] = {A{1'b0}};
        assign data_at[0] = in_data;
        wire unused = &{1'b0, in_valid, rst_n};
      end

      for (d = 0; d < LEVELS; d = d + 1) begin : g_level
        reg [A-1:0]            held_at;
        reg [DATA-1:0]         held;
        reg [LANES*LEVELS-1:0] found;
        wire [LANES*LEVELS-1:0] next;

        always @(posedge clk) begin
          held_at <= fold_at[d];
          held    <= data_at[d];
          found   <= next;
        end
        assign fold_at[d+1]  = held_at;
        assign data_at[d+1]  = held;
        assign found_at[d+1] = found;

        // A level needs only some of the bits found.
        wire unused = &{1'b0, found_at[d], fold_at[d]};

        for (l = 0; l < LANES; l = l + 1) begin : g_lane
          wire [IN_WIDTH-1:0]       code = data_at[d][l*IN_WIDTH +: IN_WIDTH];
          wire signed [T_WIDTH-1:0] a;

          if (T_WIDTH > IN_WIDTH) begin : g_extend
            assign a = $signed({{(T_WIDTH - IN_WIDTH){(IN_SIGNED != 0) & code[IN_WIDTH-1]}}, code});
          end else begin : g_exact
            assign a = $signed(code[T_WIDTH-1:0]);
          end

          // The node, and the thresholds that there are: what is absent is never met.
          wire [LEVELS-1:0]         node;
          wire signed [T_WIDTH-1:0] t;
          wire unused_node = &{1'b0, node};
          wire [(1<<d)-1:0]         there;
          wire                      step;
          for (k = 0; k < (1 << d); k = k + 1) begin : g_there
            assign there[k] = (2 * k + 1) * (1 << (LEVELS - 1 - d)) <= COUNT;
          end
          if (d == 0) begin : g_top
            assign node = ONE[LEVELS-1:0];
            assign step = there[0] & (a >= t);
          end else begin : g_rest
            wire [d-1:0] prefix = found_at[d][l*LEVELS+LEVELS-1 -: d];
            assign node = {ONE[LEVELS-d-1:0], prefix};
            assign step = there[prefix] & (a >= t);
          end
          if (FOLDS > 1) begin : g_fold
            wire [M-1:0] at = {fold_at[d], node};
            assign t = $signed(mem[at][l*T_WIDTH +: T_WIDTH]);
          end else if (d == 0) begin : g_middle
            assign t = $signed(mem[1][l*T_WIDTH +: T_WIDTH]);
          end else begin : g_choose
            wire [(1<<d)*T_WIDTH-1:0] choice;
            for (k = 0; k < (1 << d); k = k + 1) begin : g_node
              assign choice[k*T_WIDTH +: T_WIDTH] = mem[(1<<d)+k][l*T_WIDTH +: T_WIDTH];
            end
            assign t = $signed(choice[node[d-1:0]*T_WIDTH +: T_WIDTH]);
          end
          for (k = 0; k < LEVELS; k = k + 1) begin : g_bit
            if (k == LEVELS - 1 - d) begin : g_new
              assign next[l*LEVELS+k] = step;
            end else begin : g_old
              assign next[l*LEVELS+k] = found_at[d][l*LEVELS+k];
            end
          end
        end
      end

      assign counts = found_at[LEVELS];
    end

    if (HAS_BASE != 0) begin : g_base
      wire [LANES*B-1:0] bases;
      wire               valid;
      wire               due;

      // The base's fold counter runs where the count is: it costs no delay registers.
      bw_delay #(.CYCLES(STEPS)) counted (
        .clk      (clk),
        .rst_n    (rst_n),
        .in_valid (in_valid),
        .out_valid(due)
      );
      if (READ != 0) begin : g_read
        wire [A-1:0]       at;
        reg  [LANES*B-1:0] mem [0:FOLDS-1];
        reg  [LANES*B-1:0] word;
        reg                held;
        initial if (BASES != "") $readmemh(BASES, mem);
        bw_index #(.COUNT(FOLDS), .WIDTH(A)) folds (
          .clk  (clk),
          .rst_n(rst_n),
          .step (due),
          .index(at)
        );
        always @(posedge clk) word <= mem[at];
        always @(posedge clk)
          if (!rst_n) held <= 1'b0;
          else held <= due;
        assign bases = word;
        assign valid = held;
      end else begin : g_constant
        reg [LANES*B-1:0] mem [0:0];
        initial if (BASES != "") $readmemh(BASES, mem);
        assign bases = mem[0];
        assign valid = due;
      end

      for (l = 0; l < LANES; l = l + 1) begin : g_lane
        // Modulo 2**OUT_WIDTH: only the low bits of base and count matter.
        wire [B-1:0]           base  = bases[l*B +: B];
        wire                   minus = base[B-1];
        wire [OUT_WIDTH+C-1:0] step  = {{OUT_WIDTH{1'b0}}, counts[l*C +: C]};
        wire [OUT_WIDTH:0]     carry = {{OUT_WIDTH{1'b0}}, minus};
        reg  [OUT_WIDTH-1:0]   value;
        always @(posedge clk)
          value <= base[OUT_WIDTH-1:0] + (step[OUT_WIDTH-1:0] ^ {OUT_WIDTH{minus}}) + carry[OUT_WIDTH-1:0];
        wire unused = &{1'b0, base, step, carry};
        assign out_data[l*OUT_WIDTH +: OUT_WIDTH] = value[OUT_WIDTH-1:0];
      end

      bw_delay #(.CYCLES(1)) after (
        .clk      (clk),
        .rst_n    (rst_n),
        .in_valid (valid),
        .out_valid(out_valid)
      );
    end else begin : g_no_base
      for (l = 0; l < LANES; l = l + 1) begin : g_lane
        wire [OUT_WIDTH+C-1:0] step = {{OUT_WIDTH{1'b0}}, counts[l*C +: C]};
        assign out_data[l*OUT_WIDTH +: OUT_WIDTH] = step[OUT_WIDTH-1:0];
        wire unused = &{1'b0, step};
      end
      bw_delay #(.CYCLES(READ + STEPS)) delay (
        .clk      (clk),
        .rst_n    (rst_n),
        .in_valid (in_valid),
        .out_valid(out_valid)
      );
    end
  endgenerate
endmodule
