"""Accelerators with a control port: identified, stopped in mid-stream, counted; and each fault of the port is seen."""

import shutil

import numpy as np
import pytest

import bitwright
from bitwright import FixedPoint
from bitwright.errors import CompileError
from bitwright.ir.registers import IDENTITY, OFFSETS, STOPPED
from bitwright.sim import verify, verilator
from bitwright.sim.live import live
from tests.test_real_networks import MODELS


def network(bits=4):
    rng = np.random.default_rng(4)
    net = FixedPoint(signed=[1] * 11, integer=[bits - 1] * 11, fraction=[0] * 11)
    net.dense(rng.integers(-4, 4, (11, 6)))
    return net


@pytest.fixture(scope="module")
def design(tmp_path_factory):
    folder = tmp_path_factory.mktemp("control") / "d"
    return bitwright.compile(network(), folder, style="folded", control="axilite", target_cycles=60)


def test_a_real_network_verifies(tmp_path):
    design = bitwright.compile(MODELS / "tfc_1w1a.onnx", tmp_path / "d", control="axilite", target_cycles=1000)
    found = design.verify(samples=6, seed=2)
    assert found.ok, found


@pytest.mark.parametrize("netlist", [False, pytest.param(True, marks=pytest.mark.long)])
def test_it_verifies_and_says_what_it_is(design, netlist):
    found = design.verify(samples=60, seed=2, netlist=netlist)
    assert found.ok, found
    assert design.boundary.input.beats > 1 and design.boundary.output.beats > 1
    identity = design.boundary.control["identity"]
    digest = design.manifest["model"]["sha256"]
    assert f"{identity['model_high']:08x}{identity['model_low']:08x}" == digest[:16]
    stream = design.boundary.input
    assert identity["input_type"] == 4 | stream.slot << 8 | int(stream.signed) << 16
    for side in ("input", "output"):
        assert identity[f"{side}_bytes"] == getattr(design.boundary, side).frame_bytes
    assert set(identity) == {r.name for r in IDENTITY}


def test_a_driver_that_knows_nothing_of_it(design):
    """The port costs no cycle, and after reset the accelerator runs."""
    plain = bitwright.compile(network(), design.folder.parent / "plain", style="folded", target_cycles=60)
    for figure in ("frame_cycles", "latency_cycles"):
        assert plain.manifest[figure] == design.manifest[figure]
    assert plain.boundary.control is None
    assert "bw_control" not in (plain.folder / "rtl" / "bw_accel.v").read_text()
    assert design.manifest["estimate"]["lut"] > plain.manifest["estimate"]["lut"]
    codes = np.zeros((2, *design.boundary.input.shape), np.int64)
    np.testing.assert_array_equal(design.run_codes(codes, engine="rtl"), design.run_codes(codes), strict=True)


def test_other_layers_are_another_design(design):
    folder = design.folder.parent / "other"
    other = bitwright.compile(network(), folder, style="folded", control="axilite", target_cycles=30)
    mine, theirs = design.boundary.control["identity"], other.boundary.control["identity"]
    assert mine["model_low"] == theirs["model_low"]
    assert mine["design_low"] != theirs["design_low"]


MUTANTS = {
    "a frame enters": ("open   <= run | begun_next;", "open   <= run | begun;", "but|tready|stall"),
    "a frame is cut": ("open   <= run | begun_next;", "open   <= run;", "stall|counter"),
    "frames that leave": ("~stopped, leaves, ends}", "~stopped, m_axis_tvalid & m_axis_tlast, ends}", "frames_out"),
    "stalls": ("m_axis_tvalid & ~m_axis_tready,", "~m_axis_tready,", "output_stalls"),
    "waits": ("s_axis_tready & ~s_axis_tvalid,", "~s_axis_tvalid,", "accelerator_waits"),
    "cycles": ("~stopped, leaves, ends}", "1'b1, leaves, ends}", "cycles"),
    "clear": ("if (!rst_n || clear) count", "if (!rst_n) count", "frames_in"),
}


def broken(design, folder, name, old, new):
    """What verification says of the design with another text in its RTL."""
    shutil.copytree(design.folder, folder)
    file = folder / "rtl" / name
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))
    found = bitwright.load(folder).verify(samples=60)
    assert not found.ok and found.failure is not None
    return found


@pytest.mark.long
@pytest.mark.parametrize("fault", MUTANTS)
def test_faults_are_seen(design, tmp_path, fault):
    old, new, says = MUTANTS[fault]
    found = broken(design, tmp_path / "d", "bw_control.v", old, new)
    assert any(word in found.failure for word in says.split("|")), found.failure


def test_another_bitstream_is_seen(design, tmp_path):
    found = broken(design, tmp_path / "d", "bw_accel.v", "143415742)", "143415743)")
    assert "says that it is" in found.failure and "'magic': 1128355651" in found.failure


def test_a_simulation_that_stays(design):
    rtl, wire = design.folder / "rtl", design.boundary
    exe = verilator.build(sorted(rtl.glob("*.v")), "bw_accel")
    codes = np.random.default_rng(0).integers(wire.input.lo, wire.input.hi, (5, *wire.input.shape), endpoint=True)
    with live(exe, rtl, wire.input.beats, wire.output.beats) as accelerator:
        for _ in range(2):
            words = accelerator.send(verify.words_in(wire, codes), seed=3, stall=0.5, idle=0.2)
            frames = [words[k : k + wire.output.beats] for k in range(0, len(words), wire.output.beats)]
            np.testing.assert_array_equal(verify.unpack(wire, frames), design.run_codes(codes), strict=True)
            accelerator.compare_counters()
            accelerator.restart()
        accelerator.write((OFFSETS["run"], 0))
        assert accelerator.read([OFFSETS["status"], OFFSETS["run"]]) == [STOPPED, 0]


def test_a_simulator_that_fails_leaves_nobody_waiting(tmp_path):
    """Here because there is no control port at all."""
    plain = bitwright.compile(network(), tmp_path / "d", style="folded", target_cycles=60)
    exe = verilator.build(sorted((plain.folder / "rtl").glob("*.v")), "bw_accel")
    says = pytest.raises(verilator.SimulationFailed, match="s_axi_control_bvalid")
    with says, live(exe, plain.folder / "rtl", 1, 1) as accelerator:
        accelerator.send([[1]])


def test_the_handoff_of_the_accelerator_alone_tells_of_it(tmp_path):
    (tmp_path / "own.toml").write_text('base = "zcu104"\nname = "own"\nflow = "ip"\n')
    options = {"board": str(tmp_path / "own.toml"), "style": "folded", "control": "axilite", "target_cycles": 60}
    bitwright.compile(network(), tmp_path / "d", **options)
    assert "Its registers are behind `s_axi_control`" in (tmp_path / "d" / "board" / "README.md").read_text()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"control": "pcie"}, "there is no control 'pcie' yet"),
        ({"control": "axilite", "ports": "valid", "style": "spatial"}, "--ports valid has no control"),
        ({"control": "axilite", "board": "ulx3s-85f"}, "on ulx3s-85f nothing speaks AXI4-Lite"),
    ],
)
def test_refusals(options, says, tmp_path):
    with pytest.raises(CompileError, match=says):
        bitwright.compile(MODELS / "hello_world.onnx", tmp_path / "d", **options)
