"""The Vitis kernel in simulation: its registers, its traffic with memory, and the host's driver over the whole of it."""

import json
import os
import random
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import bitwright
from bitwright.boards import load_board, write_handoff
from bitwright.boards.vitis.handoff import HERE, TOP
from bitwright.sim import verilator
from tests.boards.boundaries import boundary, code, stream

MODELS = Path(__file__).parents[1] / "models"
NETWORKS = [("hello_world", 64), pytest.param(("tfc_1w1a", 600), marks=pytest.mark.long)]
ALONE = sorted((HERE / "kernel").glob("*.v"))
LIBRARY = HERE.parent.parent / "rtl"
WIRE = """module bw_accel (
  input wire aclk, input wire aresetn,
  input wire [{top}:0] s_axis_tdata, input wire s_axis_tvalid, output wire s_axis_tready, input wire s_axis_tlast,
  output wire [{top}:0] m_axis_tdata, output wire m_axis_tvalid, input wire m_axis_tready, output wire m_axis_tlast
);
  assign m_axis_tdata = ~s_axis_tdata, m_axis_tvalid = s_axis_tvalid, s_axis_tready = m_axis_tready;
  assign m_axis_tlast = 1'b0;
endmodule
"""


def simulate(folders, work, tests, inputs, outputs, **job):
    """Run `tests` of the bench on the kernel in `folders`, with frames as bytes; gives what it left in result.json."""
    exe = verilator.build(sorted(path for folder in folders for path in folder.glob("*.v")), TOP)
    np.savez(work / "frames.npz", inputs=inputs, outputs=outputs)
    (work / "job.json").write_text(json.dumps(job))
    settings = {"BITWRIGHT_JOB": str(work), "COCOTB_TEST_FILTER": "|".join(rf"\.{name}$" for name in tests)}
    verilator.run(exe, "tests.boards.kernel_bench", folders[0], settings, top=TOP, results=work / "r.xml")
    result = work / "result.json"
    return json.loads(result.read_text()) if result.exists() else {}


def chip(design):
    return [design.folder / "rtl", design.folder / "board" / "kernel"]


def wires(frame_beats, tdata, memory, work):
    """A kernel around an accelerator that inverts every bit."""
    ends = stream(slot=8, lanes=tdata // 8, vector=frame_beats * tdata // 8, vectors=1)
    shape, codes = [frame_beats * tdata // 8], code(8, signed=False)
    spec = boundary(
        input_shape=shape, input_code=codes, input_stream=ends, output_shape=shape, output_code=codes, output_stream=ends,
        input_encode={"kind": "integer", "offset": 0}, output_decode={"kind": "integer", "offset": 0},
    )  # fmt: skip
    write_handoff(replace(load_board("u250"), stream_bits=memory), {"clock_mhz": 300.0}, spec, work / "board")
    (work / "rtl").mkdir()
    (work / "rtl" / "bw_accel.v").write_text(WIRE.format(top=tdata - 1))
    return [work / "rtl", work / "board" / "kernel"]


SHAPES = [
    (2, 512, 512),
    (7, 16, 512),
    (5, 64, 64),
    (1, 8, 512),
    (3, 8, 32),
    (1, 64, 64),
    (12, 32, 128),
    (97, 128, 512),
    (1, 8, 1024),
]


@pytest.mark.parametrize(
    ("beats", "tdata", "memory"),
    [pytest.param(*shape, marks=[pytest.mark.long] if k > 1 else []) for k, shape in enumerate(SHAPES)],
)
def test_traffic(beats, tdata, memory, tmp_path):
    """What is read comes out inverted, whole and in order: frames of any size, at any place, with or without pauses."""
    folders, frame = wires(beats, tdata, memory, tmp_path), beats * tdata // 8
    rng, most = random.Random(beats), 3000 // frame + 7
    inputs = np.random.default_rng(beats).integers(0, 256, (most, frame), np.uint8)
    word = memory // 8
    counts = [1, 2, 7, min(23, most), most, *(rng.randint(1, most) for _ in range(6))]
    runs = []
    for k, count in enumerate(counts):
        near = [0x10000 - word * rng.randint(0, 9), 0x40000 - word * rng.randint(0, 9)]
        source, target = (word * rng.randint(0, 0x3000 // word) + base for base in (0x2000, 0x40000)) if k % 2 else near
        runs.append((count, source, target, (0, 0.2, 0.45)[k % 3], rng.randint(30, 200) if k % 4 == 3 else 0))
    seen = simulate(folders, tmp_path, ["runs"], inputs, ~inputs, runs=runs)
    # A beat a cycle goes through, or nearly so; bursts are as long as they may be, and several wait for their answers.
    assert all(cycles < 1.1 * frames * beats + 150 for frames, cycles in seen["paces"])
    assert max(seen["lengths"]) >= min(8, most * frame // word) and seen["reads"] >= 2 and seen["writes"] >= 1


@pytest.mark.parametrize(
    ("beats", "ratio", "size", "burst"), [(3, 2, 4, 2), (1, 0, 6, 6), (97, 6, 6, 3), (784, 7, 7, 5)]
)
def test_plans(beats, ratio, size, burst, tmp_path):
    """Of any number of frames, up to the highest, from any address."""
    exe = verilator.build(
        [HERE / "kernel" / "bw_kernel_plan.v"],
        "bw_kernel_plan",
        {"BEATS": beats, "RATIO": ratio, "SIZE": size, "BURST": burst},
    )
    rng, most = random.Random(beats), (1 << 32) - 1
    counts = [0, 1, 2, 1 << ratio, most, 1 << 31, *(rng.getrandbits(rng.randint(1, 32)) for _ in range(30))]
    runs = [(rng.getrandbits(63 - size) << size, frames) for frames in counts]
    (tmp_path / "job.json").write_text(json.dumps({"runs": runs}))
    verilator.run(exe, "tests.boards.plan_bench", tmp_path, {"BITWRIGHT_JOB": str(tmp_path)}, top="bw_kernel_plan")
    for (address, frames), (cycles, words, tail, bursts) in zip(
        runs, json.loads((tmp_path / "result.json").read_text()), strict=True
    ):
        total = frames * beats
        assert cycles == 34 and words == -(-total >> ratio), (frames, words)
        assert words == 0 or tail == (total - 1) % (1 << ratio)
        place, left, most_words = address >> size, words, 1 << burst
        for at, count, last in bursts:
            assert (at, count) == (place << size, min(left, most_words - place % most_words))
            place, left = place + count, left - count
            assert last == (left == 0)
        assert len(bursts) == 40 or left == 0


@pytest.fixture(scope="module", params=NETWORKS, ids=lambda p: p[0])
def network(request, tmp_path_factory):
    """A design for the card, and samples."""
    name, target = request.param
    design = bitwright.compile(
        MODELS / f"{name}.onnx", tmp_path_factory.mktemp(name) / "d", board="u250", target_cycles=target
    )
    with np.load(MODELS / f"{name}.npz") as stored:
        x = next(stored[k] for k in stored.files if k.startswith("in:"))
    return design, np.resize(x, (9, *x.shape[1:]))


def test_runs_of_a_network(network, tmp_path):
    design, x = network
    codes = design.boundary.encode(x)
    outputs = design.boundary.output.pack(design.run_codes(codes))
    runs = [
        (1, 0x2000, 0x30000, 0, 0),
        (2, 0x2FC0, 0x30FC0, 0.3, 0),
        (7, 0x2040, 0x30080, 0.4, 300),
        (9, 0, 0x30000, 0, 0),
    ]
    seen = simulate(chip(design), tmp_path, ["runs", "registers"], design.boundary.pack(codes), outputs, runs=runs)
    each, first = design.manifest["frame_cycles"], design.manifest["latency_cycles"]
    assert all(cycles < first + frames * each + 150 for frames, cycles in seen["paces"])


def test_the_driver_gives_the_models_outputs(network, tmp_path):
    design, x = network
    np.save(tmp_path / "x.npy", x)
    nothing = np.zeros((1, 1), np.uint8)
    simulate(chip(design), tmp_path, ["driver"], nothing, nothing, board=str(design.folder / "board"))
    expected = design.predict(x)
    with np.load(tmp_path / "outputs.npz") as found:
        np.testing.assert_array_equal(found["batch"], expected, strict=True)
        np.testing.assert_array_equal(found["one"], expected[:1], strict=True)


def lint(top, folders, path):
    tools = verilator.find_tools()
    env = {**os.environ, "VERILATOR_ROOT": str(tools.root)}
    for language in ("1364-2005", "1800-2017"):
        command = [str(tools.verilator), "--lint-only", "-Wall", "--quiet-stats", "--default-language", language]
        command += [word for folder in folders for word in ("-y", str(folder))]
        done = subprocess.run([*command, "--top-module", top, str(path)], env=env, capture_output=True, text=True)
        assert done.returncode == 0 and "%" not in done.stderr, done.stderr


@pytest.mark.parametrize("path", ALONE, ids=lambda p: p.stem)
def test_lint(path):
    lint(path.stem, [path.parent, LIBRARY], path)


@pytest.mark.parametrize(("beats", "tdata", "memory"), [(3, 8, 512), (1, 512, 512), (1, 1024, 1024)])
def test_lint_of_a_kernel(beats, tdata, memory, tmp_path):
    rtl, kernel = wires(beats, tdata, memory, tmp_path)
    (rtl / "bw_accel.v").write_text("/* verilator lint_off UNUSEDSIGNAL */\n" + (rtl / "bw_accel.v").read_text())
    lint(TOP, [rtl, kernel], kernel / f"{TOP}.v")
