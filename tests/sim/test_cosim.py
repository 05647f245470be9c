"""The build cache and the AXI4-Stream bench: good designs pass, and each broken one is caught by name."""

import os
from concurrent.futures import ProcessPoolExecutor

import pytest

from bitwright.errors import CompileError
from bitwright.sim import cosim, verilator
from bitwright.sim.verilator import SimulationFailed
from tests.rtl.harness import RTL

# Adds one to each byte; a frame is FRAME beats. `mutation` is one line that breaks it.
TOP = """
module bw_accel (input aclk, input aresetn, input [7:0] s_axis_tdata, input s_axis_tvalid, output s_axis_tready,
  input s_axis_tlast, output [7:0] m_axis_tdata, output m_axis_tvalid, input m_axis_tready, output m_axis_tlast);
  wire       a_valid /*verilator public_flat_rw*/, a_ready /*verilator public_flat_rw*/;
  wire [7:0] a_data  /*verilator public_flat_rw*/;
  wire       tvalid, tlast;
  wire [7:0] tdata;
  reg [15:0] age;
  always @(posedge aclk) age <= aresetn ? age + 1 : 0;
  bw_axis_in #(.WIDTH(8), .SLOT(8), .LANES(1), .TDATA(8), .VECTOR(4), .BEATS(4)) enter (.clk(aclk), .rst_n(aresetn),
    .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready),
    .s_axis_tlast(s_axis_tlast), .out_valid(a_valid), .out_ready(a_ready), .out_data(a_data));
  bw_axis_out #(.WIDTH(8), .SLOT(8), .LANES(1), .TDATA(8), .VECTOR(4), .BEATS(4)) leave (.clk(aclk), .rst_n(aresetn),
    .in_valid(a_valid), .in_ready(a_ready), .in_data(a_data + 8'd1), .m_axis_tdata(tdata), .m_axis_tvalid(tvalid),
    .m_axis_tready(m_axis_tready), .m_axis_tlast(tlast));
  %s
endmodule
"""
GOOD = "assign m_axis_tdata = tdata; assign m_axis_tvalid = tvalid; assign m_axis_tlast = tlast;"
FRAMES = [[(16 * f + i) % 256 for i in range(4)] for f in range(12)]
WANT = [[(w + 1) % 256 for w in f] for f in FRAMES]


def build(folder, mutation=GOOD, **options):
    (folder / "top.v").write_text(TOP % mutation)
    return verilator.build([folder / "top.v", *RTL], "bw_accel", **options)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"stall": 0.5, "seed": 1},
        {"idle": 0.5, "seed": 2},
        {"idle": 0.4, "stall": 0.6, "seed": 3},
        {"stall": 0.3, "reset_frame": 5},
    ],
    ids=str,
)
def test_frames_come_out_right(options, tmp_path):
    trace = cosim.simulate(build(tmp_path), FRAMES, 4, cwd=tmp_path, **options)
    assert trace.outputs == WANT
    assert len(trace.first_in) == len(trace.last_in) == len(trace.first_out) == len(trace.last_out) == len(FRAMES)
    assert all(a < b for a, b in zip(trace.first_in, trace.first_out))
    if not options:
        assert [b - a for a, b in zip(trace.first_in, trace.last_out)] == [5] * len(FRAMES)
        assert [b - a for a, b in zip(trace.last_out, trace.last_out[1:])] == [4] * (len(FRAMES) - 1)


def test_same_seed_same_cycles(tmp_path):
    exe = build(tmp_path)
    one, two, three = (cosim.simulate(exe, FRAMES, 4, cwd=tmp_path, seed=s, stall=0.4, idle=0.2) for s in (7, 7, 8))
    assert one.last_out == two.last_out != three.last_out


def test_monitored_streams(tmp_path):
    trace = cosim.simulate(build(tmp_path), FRAMES, 4, cwd=tmp_path, stall=0.4, idle=0.3, monitors=["a"])
    assert trace.monitored == {"a": [w for f in FRAMES for w in f]}


REST = "assign m_axis_tlast = tlast;"
BROKEN = {
    "valid is high": f"assign m_axis_tdata = tdata; assign m_axis_tvalid = tvalid | ~aresetn; {REST}",
    "m_axis_tvalid fell": f"assign m_axis_tdata = tdata; assign m_axis_tvalid = tvalid & (m_axis_tready | (age[1:0] != 3)); {REST}",
    "changed while stalled": f"assign m_axis_tdata = tdata ^ (age[4:0] == 0); assign m_axis_tvalid = tvalid; {REST}",
    "tlast is 0": "assign m_axis_tdata = tdata; assign m_axis_tvalid = tvalid; assign m_axis_tlast = tlast & (age < 30);",
    "tlast is 1": "assign m_axis_tdata = tdata; assign m_axis_tvalid = tvalid; assign m_axis_tlast = tlast | (age > 30);",
    "stall: nothing moved for 300 cycles": f"assign m_axis_tdata = tdata; assign m_axis_tvalid = tvalid & (age < 20); {REST}",
    "stall: nothing": f"assign m_axis_tdata = tdata; assign m_axis_tvalid = tvalid & m_axis_tready & (age < 25); {REST}",
    "a beat after the last frame": f"assign m_axis_tdata = tdata; assign m_axis_tvalid = tvalid | (age == 90); {REST}",
}

# Stalled, these would be caught earlier for something else.
WITHOUT_STALLS = ("tlast is 1", "stall: nothing moved for 300 cycles", "a beat after the last frame")


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_rule_is_named(text, tmp_path):
    exe = build(tmp_path, BROKEN[text])
    with pytest.raises(SimulationFailed, match=r"\(seed 5\)") as caught:
        stall = 0.0 if text in WITHOUT_STALLS else 0.5
        cosim.simulate(exe, FRAMES, 4, cwd=tmp_path, seed=5, stall=stall, timeout_cycles=300)
    assert text in str(caught.value)


def test_nothing_is_built_twice(tmp_path):
    first = build(tmp_path)
    made = first.stat().st_mtime_ns
    (tmp_path / "elsewhere").mkdir()
    again = build(tmp_path / "elsewhere")
    assert again == first and again.stat().st_mtime_ns == made
    assert build(tmp_path, GOOD + " // another") != first


def _build(folder):
    return build(folder, GOOD + f" // {folder.name}")


def test_processes_share_the_cache(tmp_path):
    folders = [tmp_path / side / tmp_path.name for side in "ab"]  # neither reads what the other is writing
    for folder in folders:
        folder.mkdir(parents=True)
    with ProcessPoolExecutor(2) as pool:
        assert len(set(pool.map(_build, folders))) == 1
    assert not list((verilator.cache_folder() / "simulators").glob("new-*/simulator"))


def test_parameters(tmp_path):
    (tmp_path / "p.v").write_text(
        'module p #(parameter N = 1, parameter FILE = "") (input aclk, output [7:0] y);\n'
        "  reg [7:0] m [0:0];\n  initial $readmemh(FILE, m);\n  assign y = m[0] + N;\nendmodule\n"
    )
    names = {verilator.build([tmp_path / "p.v"], "p", {"N": n, "FILE": f}) for n, f in ((1, "a"), (2, "a"), (1, "b"))}
    assert len(names) == 3


def test_refused_verilog_shows_what_the_tool_says(tmp_path):
    with pytest.raises(CompileError, match="syntax error"):
        build(tmp_path, "assign assign;")


def test_waves_and_coverage(tmp_path):
    exe = build(tmp_path, trace=True, coverage=True)
    env = {"BITWRIGHT_WAVES": str(tmp_path / "w.vcd")}
    assert cosim.simulate(exe, FRAMES, 4, cwd=tmp_path, env=env).outputs == WANT
    assert "$enddefinitions" in (tmp_path / "w.vcd").read_text()
    assert (tmp_path / "coverage.dat").is_file()


def test_a_missing_compiler_is_named(monkeypatch):
    verilator.find_tools.cache_clear()
    monkeypatch.setitem(os.environ, "PATH", "/nowhere")
    with pytest.raises(CompileError, match="E390: g\\+\\+ is not installed") as caught:
        verilator.find_tools()
    assert caught.value.exit_status == 3
    verilator.find_tools.cache_clear()
