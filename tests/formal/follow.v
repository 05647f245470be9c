// SPDX-License-Identifier: Apache-2.0
// What leaves is what came in, in order: follows a word that the solver picks among those that enter, and another when it
// has left. Words may leave in the cycle in which they enter.
module follow #(
  // bits a word
  parameter WIDTH = 2,
  // words that can enter, and leave, in a cycle
  parameter ENTER = 1,
  parameter LEAVE = 1,
  // words that can be inside
  parameter MOST  = 4,
  // bits of a count
  parameter BITS  = 4
) (
  input  wire                   clk,
  input  wire                   rst_n,
  // how many enter in this cycle, and which, the first lowest
  input  wire [BITS-1:0]        enter,
  input  wire [ENTER*WIDTH-1:0] entering,
  // how many leave in this cycle, and which, the first lowest
  input  wire [BITS-1:0]        leave,
  input  wire [LEAVE*WIDTH-1:0] leaving,
  // words inside
  output reg  [BITS-1:0]        held
);
  (* anyseq *) wire            pick;
  (* anyseq *) wire [BITS-1:0] which;
  // A word inside is followed: what it is, and how many leave before it.
  reg              following;
  reg  [WIDTH-1:0] word;
  reg  [BITS-1:0]  ahead;

  wire             watch    = following | (pick & (which < enter));
  wire [WIDTH-1:0] expected = following ? word : entering[which*WIDTH +: WIDTH];
  wire [BITS-1:0]  place    = following ? ahead : held + which;
  wire             leaves   = watch & (place < leave);

  always @(posedge clk)
    if (!rst_n) begin
      held      <= {BITS{1'b0}};
      following <= 1'b0;
    end else begin
      held      <= held + enter - leave;
      following <= watch & ~leaves;
    end

  always @(posedge clk) begin
    word  <= expected;
    ahead <= place - leave;
  end

  always @*
    if (rst_n) begin
      none_made: assert (leave <= held + enter);
      none_kept: assert (held <= MOST);
      in_order:  assert (~leaves | leaving[place*WIDTH +: WIDTH] == expected);
    end
endmodule
