"""bw_fifo, bw_gate, bw_serial, bw_gear, bw_replay, bw_axis_in, bw_axis_out against what they must do with a list of words."""

import itertools
import random

from tests.rtl import harness
from tests.rtl.harness import Case, Run, chunks, pack, simulate

rng = random.Random(0)


def words(count, width):
    return [rng.getrandbits(width) for _ in range(count)]


def fifo_cases():
    for depth in (1, 2, 3, 4, 7, 16, 20, 33):
        data = words(90, 9)
        yield Case("bw_gate", {"WIDTH": 9, "CREDITS": depth}, 9, 9, data, data, "credit", depth)
    # More room than credits.
    data = words(90, 5)
    yield Case("bw_gate", {"WIDTH": 5, "CREDITS": 3}, 5, 5, data, data, "credit", 8)


def test_gate_and_fifo(tmp_path):
    cases = list(fifo_cases())
    for seen in simulate(cases, tmp_path):
        for case, s in zip(cases, seen):
            if len(s.out_cycles) == len(case.expected):
                assert all(o > i for i, o in zip(s.in_cycles, s.out_cycles)), case.credits


def test_fifo_latency_and_rate(tmp_path):
    cases = list(fifo_cases())
    (seen,) = simulate(cases, tmp_path, [Run()])
    for case, s in zip(cases, seen):
        assert s.out_cycles[0] == s.in_cycles[0] + 1
        # A credit is back three cycles after it was taken: fewer than three cannot keep the full rate.
        span, rate = s.in_cycles[-1] - s.in_cycles[0], min(3, case.params["CREDITS"])
        assert span == (len(case.inputs) - 1) // rate * 3 + (len(case.inputs) - 1) % rate


GEARS = [
    (1, 2, 5),
    (1, 4, 4),
    (1, 4, 9),
    (2, 8, 8),
    (2, 8, 20),
    (2, 8, 21),
    (4, 8, 3),
    (3, 6, 16),
    (1, 3, 2),
    (2, 6, 13),
    (2, 1, 5),
    (4, 1, 4),
    (4, 1, 9),
    (8, 2, 20),
    (8, 2, 21),
    (8, 4, 3),
    (6, 3, 16),
    (3, 1, 2),
    (6, 2, 13),
    (8, 4, 16),
    (1, 2, 1),
    (4, 2, 1),
]


def gear_case(a, b, vector, elem=5, vectors=12):
    inputs, expected = [], []
    for _ in range(vectors):
        v = words(vector, elem)
        beats = chunks(v, a)
        # What comes in beyond the vector must not come out.
        for i in range(vector, a * len(beats)):
            beats[i // a][i % a] = rng.getrandbits(elem)
        inputs += [pack(x, elem) for x in beats]
        expected += [pack(x, elem) for x in chunks(v, b)]
    params = {"ELEM": elem, "IN_LANES": a, "OUT_LANES": b, "VECTOR": vector}
    return Case("bw_gear", params, a * elem, b * elem, inputs, expected)


def test_gear(tmp_path):
    simulate([gear_case(*g) for g in GEARS], tmp_path)


def test_gear_latency_and_rate(tmp_path):
    cases = [gear_case(*g) for g in GEARS]
    (seen,) = simulate(cases, tmp_path, [Run()])
    for (a, b, vector), s, case in zip(GEARS, seen, cases):
        # The busier side moves in every cycle.
        busy = s.in_cycles if a < b else s.out_cycles
        assert busy == list(range(busy[0], busy[0] + len(busy))), case.params
        first = -(-min(vector, b) // a) if a < b else 1
        assert s.out_cycles[0] == s.in_cycles[first - 1] + 1, case.params


def add_module(text, folder, monkeypatch):
    """One more module beside the library's."""
    file = folder / "bw_test_module.v"
    file.write_text(text)
    monkeypatch.setattr(harness, "RTL", [file, *harness.RTL])


# A take whenever a word is there; two cycles later the word leaves into the FIFO that `take` holds credits of.
REPLAY = """
module bw_test_replay #(parameter WIDTH = 8, parameter WORDS = 4, parameter PASSES = 2, parameter DEPTH = 8, parameter STYLE = 0)
  (input clk, input rst_n, input in_valid, output in_ready, input [WIDTH-1:0] in_data,
   output out_valid, input out_ready, output [WIDTH-1:0] out_data);
  wire avail, some, credit, taken;
  wire take = avail & some;
  wire [WIDTH-1:0] rdata;
  bw_credit #(.CREDITS(5)) c (.clk(clk), .rst_n(rst_n), .take(take), .give(credit), .some(some));
  bw_replay #(.WIDTH(WIDTH), .WORDS(WORDS), .PASSES(PASSES), .DEPTH(DEPTH), .STYLE(STYLE)) r (.clk(clk), .rst_n(rst_n),
    .in_valid(in_valid), .in_ready(in_ready), .in_data(in_data), .avail(avail), .take(take), .rdata(rdata));
  bw_delay #(.CYCLES(2)) d (.clk(clk), .rst_n(rst_n), .in_valid(take), .out_valid(taken));
  bw_fifo #(.WIDTH(WIDTH), .DEPTH(5)) f (.clk(clk), .rst_n(rst_n), .in_valid(taken), .in_data(rdata),
    .out_valid(out_valid), .out_ready(out_ready), .out_data(out_data), .credit(credit));
endmodule
"""
REPLAYS = [
    (1, 2, 1),
    (1, 3, 2),
    (2, 2, 2),
    (3, 2, 3),
    (3, 3, 4),
    (4, 2, 8),
    (5, 4, 10),
    (5, 2, 7),
    (7, 3, 16),
    (2, 5, 9),
]


def replay_cases():
    for n, (size, passes, depth) in enumerate(REPLAYS):
        data = words(size * 9, 11)
        out = [w for v in range(9) for _ in range(passes) for w in data[v * size : (v + 1) * size]]
        params = {"WIDTH": 11, "WORDS": size, "PASSES": passes, "DEPTH": depth, "STYLE": n % 2}
        yield Case("bw_test_replay", params, 11, 11, data, out)


def test_replay(tmp_path, monkeypatch):
    add_module(REPLAY, tmp_path, monkeypatch)
    cases = list(replay_cases())
    seen = simulate(cases, tmp_path)
    for case, s in zip(cases, seen[0]):
        # Written in t, taken in t+1, in the FIFO two cycles later, out in the cycle after.
        assert s.out_cycles[0] == s.in_cycles[0] + 4
        if case.params["DEPTH"] >= 2 * case.params["WORDS"]:
            assert s.out_cycles == list(range(s.out_cycles[0], s.out_cycles[0] + len(s.out_cycles))), case.params


# A word every RATIO cycles at most, against a credit; it leaves as RATIO beats, the last of a vector as LAST.
SERIAL = """
module bw_test_serial #(parameter WIDTH = 8, parameter RATIO = 4, parameter FOLDS = 2, parameter LAST = 2, parameter CREDITS = 3,
  parameter SHIFT = 1)
  (input clk, input rst_n, input in_valid, output in_ready, input [RATIO*WIDTH-1:0] in_data,
   output out_valid, input out_ready, output [WIDTH-1:0] out_data);
  wire some, credit, beat;
  wire [WIDTH-1:0] data;
  reg [RATIO-2:0] busy;
  wire take = in_valid & in_ready;
  assign in_ready = some & ~|busy;
  always @(posedge clk)
    if (!rst_n) busy <= {(RATIO - 1) {1'b0}};
    else busy <= take ? {(RATIO - 1) {1'b1}} : busy >> 1;
  bw_credit #(.CREDITS(CREDITS)) c (.clk(clk), .rst_n(rst_n), .take(take), .give(credit), .some(some));
  bw_serial #(.WIDTH(WIDTH), .RATIO(RATIO), .FOLDS(FOLDS), .LAST(LAST)) s (.clk(clk), .rst_n(rst_n),
    .in_valid(take), .in_data(in_data), .out_valid(beat), .out_data(data));
  bw_fifo #(.WIDTH(WIDTH), .DEPTH(CREDITS * RATIO), .GROUP(RATIO), .FOLDS(FOLDS), .LAST(LAST), .SHIFT(SHIFT)) f (.clk(clk), .rst_n(rst_n),
    .in_valid(beat), .in_data(data), .out_valid(out_valid), .out_ready(out_ready), .out_data(out_data), .credit(credit));
endmodule
"""
# beats a word, words a vector, beats of its last word, credits
SERIALS = [
    (2, 1, 1, 2),
    (4, 3, 1, 3),
    (4, 2, 3, 2),
    (3, 5, 2, 1),
    (5, 4, 5, 3),
    (13, 5, 12, 2),
    (2, 2, 1, 1),
    (6, 1, 4, 4),
]


def serial_cases(width=7, vectors=8):
    for (ratio, folds, last, credits), shift in itertools.product(SERIALS, (1, 0)):
        data = [words(ratio, width) for _ in range(folds * vectors)]
        out = [w for n, beats in enumerate(data) for w in (beats[:last] if n % folds == folds - 1 else beats)]
        params = {"WIDTH": width, "RATIO": ratio, "FOLDS": folds, "LAST": last, "CREDITS": credits, "SHIFT": shift}
        yield Case("bw_test_serial", params, ratio * width, width, [pack(w, width) for w in data], out)


def test_serial_drops_the_padding_of_a_vector(tmp_path, monkeypatch):
    add_module(SERIAL, tmp_path, monkeypatch)
    cases = list(serial_cases())
    seen = simulate(cases, tmp_path)
    for case, s in zip(cases, seen[0]):
        ratio, credits = case.params["RATIO"], case.params["CREDITS"]
        assert s.out_cycles[0] == s.in_cycles[0] + 2
        if credits > 1 and ratio > 3:
            assert s.in_cycles == [s.in_cycles[0] + ratio * k for k in range(len(s.in_cycles))], case.params


AXIS_IN = (
    ".s_axis_tvalid({v}), .s_axis_tready({r}), .s_axis_tdata({d}), .s_axis_tlast({last}), "
    ".out_valid({ov}), .out_ready({or}), .out_data({od})"
)
AXIS_OUT = (
    ".in_valid({v}), .in_ready({r}), .in_data({d}), "
    ".m_axis_tvalid({ov}), .m_axis_tready({or}), .m_axis_tdata({od}), .m_axis_tlast({last})"
)
# bits, slot, lanes, tdata, elements a vector, vectors a frame
AXIS = [
    (8, 8, 1, 8, 5, 1),
    (3, 8, 4, 32, 10, 1),
    (5, 8, 2, 16, 7, 3),
    (8, 16, 2, 64, 4, 2),
    (1, 8, 3, 24, 3, 1),
    (8, 8, 4, 32, 1, 4),
]


def axis_in_case(width, slot, lanes, tdata, vector, vectors, lasts):
    """lasts: for each frame the number of beats before TLAST, or None where TLAST is missing."""
    per = -(-vector // lanes)
    beats = per * vectors
    inputs, expected = [], []
    for last in lasts:
        frame = [pack(words(lanes, width), slot) for _ in range(beats)]
        sent = beats if last is None else last
        for i in range(sent):
            noise = rng.getrandbits(tdata) & ~pack([(1 << width) - 1] * lanes, slot)
            inputs.append((frame[i] | noise) | ((last is not None and i == sent - 1) << tdata))
        for i, beat in enumerate(frame):
            codes = [(beat >> (k * slot)) & ((1 << width) - 1) for k in range(lanes)]
            keep = min(lanes, vector - (i % per) * lanes) if i < sent else 0
            expected.append(pack(codes[:keep], width))
    params = {"WIDTH": width, "SLOT": slot, "LANES": lanes, "TDATA": tdata, "VECTOR": vector, "BEATS": beats}
    kind = AXIS_IN.replace("{d}", "{d}[" + str(tdata - 1) + ":0]").replace("{last}", "{d}[" + str(tdata) + "]")
    return Case("bw_axis_in", params, tdata + 1, lanes * width, inputs, expected, kind)


def axis_in_cases():
    for a in AXIS:
        beats = -(-a[4] // a[2]) * a[5]
        early = [rng.randint(1, beats) for _ in range(6)]
        yield axis_in_case(*a, [beats] * 8)
        yield axis_in_case(
            *a, [None, None, beats, early[0], early[1], None, early[2], beats, early[3], early[4], early[5], beats]
        )


def test_axis_in(tmp_path):
    cases = list(axis_in_cases())
    seen = simulate(cases, tmp_path)
    for case, s in list(zip(cases, seen[0]))[::2]:
        assert s.in_cycles == list(range(s.in_cycles[0], s.in_cycles[0] + len(s.in_cycles))), case.params
        assert s.out_cycles == [c + 1 for c in s.in_cycles], case.params


def axis_out_case(width, slot, lanes, tdata, vector, vectors, signed, frames=6):
    per = -(-vector // lanes)
    beats = per * vectors
    inputs, expected = [], []
    for _ in range(frames):
        for i in range(beats):
            codes = words(lanes, width)
            inputs.append(pack(codes, width))
            keep = codes[: min(lanes, vector - (i % per) * lanes)]
            if signed:
                keep = [c - (1 << width) if c >> (width - 1) else c for c in keep]
            expected.append(pack(keep, slot) | ((i == beats - 1) << tdata))
    params = {
        "WIDTH": width,
        "SIGNED": int(signed),
        "SLOT": slot,
        "LANES": lanes,
        "TDATA": tdata,
        "VECTOR": vector,
        "BEATS": beats,
    }
    kind = AXIS_OUT.replace("{od}", "{od}[" + str(tdata - 1) + ":0]").replace("{last}", "{od}[" + str(tdata) + "]")
    return Case("bw_axis_out", params, lanes * width, tdata + 1, inputs, expected, kind)


def test_axis_out(tmp_path):
    cases = [axis_out_case(*a, signed) for a in AXIS for signed in (False, True)]
    seen = simulate(cases, tmp_path)
    for s in seen[0]:
        assert s.in_cycles == list(range(s.in_cycles[0], s.in_cycles[0] + len(s.in_cycles)))
        assert s.out_cycles == [c + 1 for c in s.in_cycles]
