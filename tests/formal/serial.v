// SPDX-License-Identifier: Apache-2.0
// bw_gate, bw_serial, bw_fifo: a credit domain of wide beats that leave in parts, the last of a vector in fewer. A credit is
// RATIO places of the FIFO, and comes back when the beat's last part has left.
module serial #(
  parameter WIDTH   = 1,
  parameter RATIO   = 3,
  parameter FOLDS   = 2,
  parameter LAST    = 2,
  parameter CREDITS = 2,
  parameter SHIFT   = 1
) (
  input wire                   clk,
  input wire                   offer,
  input wire [RATIO*WIDTH-1:0] in_data,
  input wire                   out_ready
);
  wire                   rst_n, in_ready, passed, arrived, out_valid, credit;
  wire [RATIO*WIDTH-1:0] word;
  wire [WIDTH-1:0]       part, out_data;
  wire [4:0]             inside, stored;
  // Cycles until a wide beat may come, folds before the present one in its vector, and beats whose credit is not back.
  reg  [4:0]             pause, in_fold, beats;
  // Parts of the group that have left, and folds before the group.
  reg  [4:0]             out_part, out_fold;
  reg                    ended;

  wire       in_valid = offer & pause == 5'd0;
  wire       take     = in_valid & in_ready;
  wire       give     = out_valid & out_ready;
  wire       ends     = out_part == (out_fold == FOLDS - 1 ? LAST : RATIO) - 1;
  wire [4:0] parts    = in_fold == FOLDS - 1 ? LAST : RATIO;

  restart restart (.clk(clk), .rst_n(rst_n));

  bw_gate #(.WIDTH(RATIO * WIDTH), .CREDITS(CREDITS)) gate (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (in_valid),
    .in_ready (in_ready),
    .in_data  (in_data),
    .out_valid(passed),
    .out_data (word),
    .credit   (credit)
  );

  bw_serial #(.WIDTH(WIDTH), .RATIO(RATIO), .FOLDS(FOLDS), .LAST(LAST)) dut (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (passed),
    .in_data  (word),
    .out_valid(arrived),
    .out_data (part)
  );

  bw_fifo #(
    .WIDTH(WIDTH),
    .DEPTH(RATIO * CREDITS),
    .GROUP(RATIO),
    .FOLDS(FOLDS),
    .LAST (LAST),
    .SHIFT(SHIFT)
  ) fifo (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (arrived),
    .in_data  (part),
    .out_valid(out_valid),
    .out_ready(out_ready),
    .out_data (out_data),
    .credit   (credit)
  );

  always @(posedge clk)
    if (!rst_n) begin
      pause    <= 5'd0;
      in_fold  <= 5'd0;
      beats    <= 5'd0;
      out_part <= 5'd0;
      out_fold <= 5'd0;
      ended    <= 1'b0;
    end else begin
      pause <= take ? RATIO - 1 : pause - (pause != 5'd0);
      beats <= beats + take - credit;
      ended <= give & ends;
      if (take) in_fold <= in_fold == FOLDS - 1 ? 5'd0 : in_fold + 5'd1;
      if (give) out_part <= ends ? 5'd0 : out_part + 5'd1;
      if (give & ends) out_fold <= out_fold == FOLDS - 1 ? 5'd0 : out_fold + 5'd1;
    end

  stable #(.WIDTH(WIDTH)) stable (
    .clk  (clk),
    .rst_n(rst_n),
    .valid(out_valid),
    .ready(out_ready),
    .data (out_data)
  );

  follow #(.WIDTH(WIDTH), .ENTER(RATIO), .MOST(RATIO * CREDITS), .BITS(5)) all (
    .clk     (clk),
    .rst_n   (rst_n),
    .enter   (take ? parts : 5'd0),
    .entering(in_data),
    .leave   ({4'd0, give}),
    .leaving (out_data),
    .held    (inside)
  );

  follow #(.WIDTH(WIDTH), .MOST(RATIO * CREDITS), .BITS(5)) in_fifo (
    .clk     (clk),
    .rst_n   (rst_n),
    .enter   ({4'd0, arrived}),
    .entering(part),
    .leave   ({4'd0, give}),
    .leaving (out_data),
    .held    (stored)
  );

  always @*
    if (rst_n) begin
      spends:  assert (in_ready == (beats < CREDITS));
      returns: assert (credit == ended);
      offered: assert (out_valid == (stored != 5'd0));
      steady:  assert (arrived | inside == stored);
    end
endmodule
