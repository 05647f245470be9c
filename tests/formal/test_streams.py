"""The stream modules keep their handshake, proved without bound; and every assertion that is proved can fail."""

import re

import pytest

from tests.formal import harness

pytestmark = pytest.mark.long

FRAMES = ((1, 1, 1), (1, 1, 3), (2, 2, 2), (2, 3, 4), (2, 3, 6))

# Harness and parameters.
PROOFS = [
    *(("queue", {"DEPTH": depth}) for depth in (1, 2, 3, 4)),
    *(("queue", {"DEPTH": depth, "SHIFT": 0}) for depth in (2, 3, 4)),
    *(("queue", {"DEPTH": depth, "STYLE": 1}) for depth in (1, 2, 3, 4)),
    *(("kernel_fifo", {"DEPTH": depth}) for depth in (2, 4)),
    *(("kernel_read", {"RATIO": ratio}) for ratio in (0, 1)),
    *(("domain", {"CREDITS": credits, "SHIFT": shift}) for credits in (1, 2, 3, 4) for shift in (0, 1)),
    *(
        ("serial", {"RATIO": ratio, "FOLDS": folds, "LAST": last, "CREDITS": credits})
        for ratio, folds, last, credits in ((2, 1, 2, 2), (2, 2, 1, 2), (3, 1, 3, 1), (3, 1, 2, 1), (3, 2, 2, 2))
    ),
    ("serial", {"RATIO": 2, "FOLDS": 2, "LAST": 1, "CREDITS": 2, "SHIFT": 0}),
    *(
        ("gear", {"IN_LANES": lanes_in, "OUT_LANES": lanes_out, "VECTOR": vector})
        for lanes_in, lanes_out in ((1, 2), (2, 4), (1, 4), (2, 1), (4, 2), (4, 1))
        for vector in (1, 3, 4, 7)
    ),
    ("gear", {"IN_LANES": 1, "OUT_LANES": 2, "VECTOR": 3, "ELEM": 2}),
    ("gear", {"IN_LANES": 2, "OUT_LANES": 1, "VECTOR": 3, "ELEM": 2}),
    *(("axis_in", {"LANES": lanes, "VECTOR": vector, "BEATS": beats}) for lanes, vector, beats in FRAMES),
    *(
        ("axis_out", {"LANES": lanes, "VECTOR": vector, "BEATS": beats, "SIGNED": signed})
        for lanes, vector, beats in FRAMES
        for signed in (0, 1)
    ),
    *(("forked", {"COUNT": count}) for count in (1, 2, 3)),
    *(("joined", {"CREDITS": credits}) for credits in (1, 2, 3, 4)),
    *(("concat", {"A_BEATS": a, "B_BEATS": b}) for a, b in ((1, 1), (1, 3), (2, 1), (3, 2), (4, 4))),
    *(
        ("lanes", {"IN_LANES": lanes_in, "OUT_LANES": lanes_out, "OUT_WIDTH": width, "SIGNED": signed})
        for lanes_in, lanes_out, width, signed in ((2, 3, 3, 1), (2, 3, 3, 0), (3, 2, 2, 1), (2, 2, 4, 1))
    ),
    *(
        ("pause", {"INNER": inner, "OUTER": outer, "FINAL": final, "START": start})
        for inner, outer, final, start in ((0, 0, 0, 0), (0, 1, 4, 2), (1, 0, 0, 0), (2, 3, 1, 1), (0, 0, 0, 1))
    ),
    *(("control", {"WEIGHTS": weights, "BEATS": beats}) for weights in (0, 1) for beats in (1, 3)),
]

# A name's first word is the harness; its parameters, and changes of library modules that between them break every one of
# its assertions.
MUTANTS = {
    "queue": (
        {"DEPTH": 3},
        [
            ("bw_fifo", "level <= {(A + 1){1'b1}}", "level <= {(A + 1){1'b0}}"),
            ("bw_fifo", "if (in_valid) chain", "chain"),
            ("bw_fifo", "wire pop = out_valid & out_ready", "wire pop = out_valid"),
            ("bw_fifo", "in_data[b]}", "in_data[0]}"),
            ("bw_credit", "CREDITS - 1", "CREDITS"),
            ("bw_credit", "(take ^ give) held <= held + step", "(take) held <= held + step"),
        ],
    ),
    "queue in distributed RAM": (
        {"DEPTH": 3, "SHIFT": 0},
        [
            ("bw_queue", "level <= {L{1'b1}}", "level <= {L{1'b0}}"),
            ("bw_queue", "push ^ fetch", "push"),
            ("bw_queue", ".step (fetch)", ".step (1'b1)"),
            ("bw_credit", "CREDITS - 1", "CREDITS"),
            ("bw_index", "index == TOP[WIDTH-1:0]", "1'b0"),
        ],
    ),
    "queue in block RAM": (
        {"DEPTH": 3, "STYLE": 1},
        [
            ("bw_queue", "if (!rst_n) full <= 1'b0", "if (!rst_n) full <= 1'b1"),
            ("bw_queue", "fetch | (full & ~out_ready)", "fetch"),
            ("bw_queue", "(~full | out_ready)", "1'b1"),
            ("bw_queue", "fetch | (full & ~out_ready)", "fetch | full"),
            ("bw_credit", "CREDITS - 1", "CREDITS"),
        ],
    ),
    "kernel_fifo": (
        {"DEPTH": 2},
        [
            ("bw_kernel_fifo", "{~read_at[A], read_at[A-1:0]}", "{read_at[A], ~read_at[A-1:0]}"),
            ("bw_kernel_fifo", "in_valid & in_ready", "in_valid"),
            ("bw_kernel_fifo", "(~out_valid | out_ready)", "1'b1"),
            ("bw_kernel_fifo", "fetch | (out_valid & ~out_ready)", "fetch"),
            ("bw_kernel_fifo", "fetch | (out_valid & ~out_ready)", "fetch | out_valid"),
            ("bw_kernel_fifo", "out_valid <= 1'b0", "out_valid <= 1'b1"),
        ],
    ),
    "kernel_read": (
        {"RATIO": 0},
        [
            ("bw_kernel_read", "rready = 1'b1", "rready = m_axis_tready"),
            ("bw_kernel_read", "((arvalid & arready) ?", "(1'b0 ?"),
            ("bw_kernel_read", "{COUNT{1'b0}}) & ~held", "{COUNT{1'b0}})"),
            ("bw_kernel_read", "held <= 1'b0", "held <= 1'b1"),
            ("bw_kernel_read", "give | (held & ~sent)", "give"),
            ("bw_kernel_read", "end else if (m_axis_tready) begin", "end else begin"),
            ("bw_kernel_plan", "place + {{", "place - {{"),
            ("bw_kernel_plan", "? left[BURST:0] : room", "? room : room"),
            ("bw_kernel_plan", "MOST - {1'b0, place[BURST-1:0]}", "MOST"),
            ("bw_kernel_plan", "out_valid <= 1'b0", "out_valid <= 1'b1"),
            ("bw_kernel_plan", "sized | (out_valid & ~out_ready)", "sized"),
            ("bw_kernel_plan", "else if (issue) begin", "else begin"),
        ],
    ),
    "domain": (
        {},
        [
            ("bw_credit", "CREDITS - 1", "CREDITS"),
            ("bw_credit", "(take ^ give) held <= held + step", "(take & ~give) held <= held + step"),
            ("bw_fifo", "level <= {(A + 1){1'b1}}", "level <= {(A + 1){1'b0}}"),
            ("bw_fifo", "if (in_valid) chain", "chain"),
            ("bw_fifo", "wire pop = out_valid & out_ready", "wire pop = out_valid"),
            ("bw_fifo", "in_valid ^ pop", "in_valid | pop"),
            ("bw_gate", "in_valid & in_ready;", "in_valid;"),
            ("bw_fifo", "credit <= pop & last", "credit <= pop | last"),
        ],
    ),
    "serial": (
        {"RATIO": 2, "LAST": 1},
        [
            ("bw_credit", "CREDITS - 1", "CREDITS"),
            ("bw_fifo", "level <= {(A + 1){1'b1}}", "level <= {(A + 1){1'b0}}"),
            ("bw_fifo", "if (in_valid) chain", "chain"),
            ("bw_fifo", "wire pop = out_valid & out_ready", "wire pop = out_valid"),
            ("bw_fifo", "shorter ? LAST_TOP[G-1:0] : FULL_TOP[G-1:0]", "FULL_TOP[G-1:0]"),
            ("bw_serial", "in_data : {{WIDTH{1'b0}}, word[RATIO*WIDTH-1:WIDTH]}", "in_data : word"),
            ("bw_serial", "{(RATIO - LAST) {~last}}", "{(RATIO - LAST) {1'b1}}"),
        ],
    ),
    "gear up": (
        {"IN_LANES": 1, "OUT_LANES": 2, "VECTOR": 3},
        [
            ("bw_gear", "if (!rst_n) full <= 1'b0", "if (!rst_n) full <= 1'b1"),
            ("bw_gear", "in_ready  = ~full | out_ready", "in_ready  = 1'b1"),
            ("bw_gear", "slot[RATIO-1] | last_in", "slot[RATIO-1]"),
            ("bw_gear", "if (take & slot[0]) word", "if (1'b0) word"),
            (
                "bw_gear",
                "if (take & slot[s]) word[s*SUB +: SUB] <= clean;\n        end else",
                "if (slot[s]) word[s*SUB +: SUB] <= clean;\n        end else",
            ),
        ],
    ),
    "gear down": (
        {"IN_LANES": 4, "OUT_LANES": 2, "VECTOR": 5},
        [
            ("bw_gear", "if (!rst_n) left <= {RATIO{1'b0}}", "if (!rst_n) left <= {RATIO{1'b1}}"),
            ("bw_gear", "(last_out & out_ready)", "last_out"),
            ("bw_gear", "(last_out & out_ready)", "out_ready"),
            ("bw_gear", "{RATIO{1'b1}} >> (RATIO - REST)", "{RATIO{1'b1}}"),
            ("bw_gear", "{~last_in}", "{1'b1}"),
            ("bw_gear", "else if (out_ready) word", "else word"),
            ("bw_gear", "else if (out_ready) left", "else left"),
        ],
    ),
    "axis_in": (
        {},
        [
            ("bw_axis_in", "spare_full ? spare : beat", "beat"),
            ("bw_axis_in", "if (~spare_full) spare", "spare"),
            ("bw_axis_in", "(fill & ~spare_full)", "fill"),
            ("bw_axis_in", "fill ? ~(push & last_beat)", "fill ? ~last_beat"),
            ("bw_axis_in", "s_axis_tlast & ~last_beat", "s_axis_tlast"),
            ("bw_axis_in", "accept & s_axis_tlast & ~last_beat", "1'b0"),
            ("bw_axis_in", " & {WIDTH{~fill}}", ""),
            ("bw_axis_in", "{~last_of_vector}", "{1'b1}"),
            ("bw_axis_in", "~spare_next & ~fill_next", "~fill_next"),
            ("bw_axis_in", "~spare_next & ~fill_next", "~spare_next"),
            ("bw_axis_in", "out_valid     <= 1'b0", "out_valid     <= 1'b1"),
            ("bw_axis_in", "if (pull) out_valid", "out_valid"),
            ("bw_axis_in", "if (pull) out_data", "out_data"),
            ("bw_axis_in", "s_axis_tready <= 1'b0", "s_axis_tready <= 1'b1"),
        ],
    ),
    "axis_out": (
        {},
        [
            ("bw_axis_out", "~m_axis_tvalid | m_axis_tready", "1'b1"),
            ("bw_axis_out", "~m_axis_tvalid | m_axis_tready", "~m_axis_tvalid"),
            ("bw_axis_out", "m_axis_tvalid <= 1'b0", "m_axis_tvalid <= 1'b1"),
            ("bw_axis_out", "m_axis_tvalid <= in_valid", "m_axis_tvalid <= 1'b1"),
            ("bw_axis_out", "else if (in_ready) begin", "else begin"),
            ("bw_axis_out", "if (in_ready) held", "held"),
            ("bw_axis_out", "in_valid & last_beat", "in_valid"),
            ("bw_axis_out", "{~last_of_vector}", "{1'b1}"),
            ("bw_axis_out", "(SIGNED != 0)", "(SIGNED == 0)"),
        ],
    ),
    "forked": (
        {"COUNT": 2},
        [
            ("bw_fork", "served <= {COUNT{1'b0}}", "served <= {COUNT{1'b1}}"),
            ("bw_fork", "& {COUNT{~in_ready}}", ""),
            ("bw_fork", " & ~served", ""),
            ("bw_fork", "{COUNT{in_valid}} & ~served", "~served"),
            ("bw_fork", "&after", "|after"),
            ("bw_fork", "out_data  = in_data", "out_data  = in_data ^ served"),
            ("bw_fork", "out_data  = in_data", "out_data  = ~in_data"),
            ("bw_fork", "served | out_ready", "out_ready"),
        ],
    ),
    "joined": (
        {},
        [
            ("bw_join", "a_ready   = b_valid & some", "a_ready   = some"),
            ("bw_join", "b_ready   = a_valid & some", "b_ready   = some"),
            ("bw_join", "a_valid & b_valid & some", "b_valid & some"),
            ("bw_join", "{b_data, a_data}", "{a_data, b_data}"),
            ("bw_credit", "CREDITS - 1", "CREDITS"),
        ],
    ),
    "concat": (
        {},
        [
            ("bw_concat", "out_ready & ~turn_b", "out_ready"),
            ("bw_concat", "out_ready & turn_b", "out_ready"),
            ("bw_concat", "turn_b ? ~last_b : last_a", "~turn_b"),
            ("bw_concat", "turn_b ? b_data : a_data", "b_data"),
            ("bw_concat", "turn_b ? b_data : a_data", "a_data"),
            ("bw_concat", "turn_b ? b_valid : a_valid", "a_valid"),
            ("bw_concat", "turn_b ? b_valid : a_valid", "a_valid | b_valid"),
            ("bw_concat", "turn_b ? b_valid : a_valid", "1'b1"),
            ("bw_concat", "else if (out_valid & out_ready) turn_b", "else if (out_valid) turn_b"),
        ],
    ),
    "lanes": (
        {},
        [
            ("bw_lanes", "in_ready  = out_ready", "in_ready  = 1'b1"),
            ("bw_lanes", "out_valid = in_valid", "out_valid = out_ready"),
            ("bw_lanes", "out_valid = in_valid", "out_valid = 1'b1"),
            ("bw_lanes", "(SIGNED != 0)", "(SIGNED == 0)"),
            ("bw_lanes", "{OUT_WIDTH{1'b0}}", "{OUT_WIDTH{out_ready}}"),
        ],
    ),
    "pause": (
        {},
        [
            ("bw_pause", "FINAL - 1", "FINAL"),
            ("bw_pause", "frame_ends ?", "row_ends ?"),
            ("bw_pause", "if (step) left", "left"),
        ],
    ),
    "control": (
        {},
        [
            ("bw_axilite", "write | (s_axi_bvalid & ~s_axi_bready)", "write"),
            ("bw_axilite", "write | (s_axi_bvalid & ~s_axi_bready)", "write | s_axi_bvalid"),
            ("bw_axilite", "s_axi_bvalid <= 1'b0", "s_axi_bvalid <= 1'b1"),
            ("bw_axilite", "& (~s_axi_bvalid | s_axi_bready)", "& 1'b1"),
            ("bw_axilite", "address_held & data_held &", "address_held &"),
            ("bw_axilite", "address_held & data_held &", "address_held & data_held & ~write_place[0] &"),
            ("bw_axilite", "up & ~address_held", "up"),
            ("bw_axilite", "(data_held & ~write)", "data_held"),
            ("bw_axilite", "read | (s_axi_rvalid & ~s_axi_rready)", "read"),
            ("bw_axilite", "read | (s_axi_rvalid & ~s_axi_rready)", "read | s_axi_rvalid"),
            ("bw_axilite", "s_axi_rvalid <= 1'b0", "s_axi_rvalid <= 1'b1"),
            ("bw_axilite", "read_held & (~s_axi_rvalid | s_axi_rready)", "read_held"),
            ("bw_axilite", "if (read) s_axi_rdata", "s_axi_rdata"),
            ("bw_control", "behind ? 32'd0 : ", ""),
            ("bw_control", "behind ? 32'd0 : ", "behind ? 32'd4 : "),
            ("bw_control", "s_axis_tvalid & open", "s_axis_tvalid"),
            ("bw_control", "gate_tready & open", "gate_tready"),
            ("bw_control", "valid <= write & to_weights & allowed", "valid <= allowed"),
            ("bw_axilite", "s_axi_bresp   = 2'b00", "s_axi_bresp   = {2{s_axi_awvalid}}"),
            ("bw_axilite", "s_axi_rresp   = 2'b00", "s_axi_rresp   = {2{s_axi_arvalid}}"),
        ],
    ),
}


def label(parameters):
    return ",".join(f"{name}={value}" for name, value in parameters.items())


@pytest.mark.parametrize(("top", "parameters"), PROOFS, ids=lambda x: x if isinstance(x, str) else label(x))
def test_the_handshake_is_proved(top, parameters, tmp_path):
    failed = {name: cycle for name, cycle in harness.decide(top, parameters, tmp_path).items() if cycle is not None}
    assert not failed


@pytest.mark.parametrize("case", MUTANTS)
def test_every_assertion_can_fail(case, tmp_path):
    parameters, mutants = MUTANTS[case]
    broken = set()
    for mutant in mutants:
        verdicts = harness.decide(case.split()[0], parameters, tmp_path, mutant)
        failed = {name for name, cycle in verdicts.items() if cycle is not None}
        assert failed, f"{mutant} is proved"
        broken |= failed
    # Instances made by one loop are alike: it is enough that one of them fails.
    left = {re.sub(r"\[\d+\]", "", name) for name in verdicts} - {re.sub(r"\[\d+\]", "", name) for name in broken}
    assert not left, f"nothing breaks {sorted(left)}"
