"""NumPy = RTL = netlist: what synthesis makes of a design, under the same bench."""

import json
from pathlib import Path
from typing import Any

import pytest

import bitwright
from bitwright.boards import cells
from bitwright.boards.family import load_family
from bitwright.boards.yosys import NETLIST, synthesise
from bitwright.lowering.layers import Circuits, Spatial
from bitwright.lowering.manager import run_passes
from bitwright.lowering.passes import PIPELINE
from bitwright.lowering.plain import lower_plain
from bitwright.sim import verify
from bitwright.sim.verify import Verification
from tests.harness import Built, build, written
from tests.networks import random_network
from tests.spatial.circuits import random_circuit
from tests.test_real_networks import MODELS


def verified(made: Built, synth: Path, frames: int = 6) -> Verification:
    timing = made.lowered.timing
    manifest: dict[str, Any] = {"latency_cycles": timing.latency_cycles, "frame_cycles": timing.frame_cycles,
                                "stages": [], "queues": []}  # fmt: skip
    netlist = cells.sources(synth, "bw_accel", load_family("xc7"))
    return verify.verify(made.rtl, made.graph, manifest, made.boundary, frames, 1, 0.4, netlist=netlist)


def test_a_spatial_design_and_a_wrong_one(tmp_path):
    graph = run_passes(random_circuit(3), PIPELINE)
    made = build(graph, tmp_path, None, spatial=Spatial(Circuits.MUST, 5.0))
    synth = tmp_path / "synth"
    assert synthesise(made.rtl, "bw_accel", synth).carry4 > 0
    found = verified(made, synth, 20)
    assert found.ok and found.first is None

    design = json.loads((synth / NETLIST).read_text())
    made_of = design["modules"]["bw_accel"]["cells"].values()
    lut = next(c for c in made_of if c["type"] == "LUT6_2")  # of an adder
    lut["parameters"]["INIT"] = lut["parameters"]["INIT"].translate(str.maketrans("01", "10"))
    (synth / NETLIST).write_text(json.dumps(design))
    wrong = verified(made, synth, 20)
    assert not wrong.ok and wrong.mismatches > 0 and wrong.first is not None
    assert str(wrong.first).startswith("stage netlist: frame ")


def test_ports_without_a_handshake(tmp_path):
    graph, spatial = run_passes(random_circuit(8), PIPELINE), Spatial(Circuits.MUST, 5.0)
    made = written(graph, lower_plain(graph, spatial), tmp_path, spatial)
    assert synthesise(made.rtl, "bw_accel", tmp_path / "synth").ff > 0
    found = verified(made, tmp_path / "synth", 20)
    assert found.ok and found.engine == "netlist" and found.latency_cycles == made.lowered.timing.latency_cycles


@pytest.mark.long
@pytest.mark.parametrize("seed", range(6))
def test_folded_designs(seed, tmp_path):
    made = build(run_passes(random_network(seed), PIPELINE), tmp_path, 10**9 if seed % 2 else None)
    synthesise(made.rtl, "bw_accel", tmp_path / "synth")
    assert verified(made, tmp_path / "synth").ok


@pytest.mark.parametrize(
    ("board", "model", "cycles"),
    [
        ("ulx3s-85f", "hello_world", 300),
        ("kv260", "hello_world", 300),
        *(pytest.param(name, "hello_world", 300, marks=pytest.mark.long) for name in ("icebreaker", "tang-nano-9k")),
        pytest.param("zcu104", "tfc_2w2a", 2000, marks=pytest.mark.long),
    ],
)
def test_netlists_of_other_families(board, model, cycles, tmp_path):
    """Block RAM, multipliers and carry chains of the chip, in a network."""
    design = bitwright.compile(MODELS / f"{model}.onnx", tmp_path / "d", board=board, target_cycles=cycles)
    found = design.verify(samples=3, netlist=True)
    assert found.ok and found.engine == "netlist" and found.timing_as_computed
