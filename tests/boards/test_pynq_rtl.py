"""The driver as it goes to the board, against the simulated RTL of a real network."""

from pathlib import Path

import numpy as np
import pytest

import bitwright
from bitwright.boards.pynq.standin import StandIn
from bitwright.design import Design
from bitwright.sim import cosim, verilator
from tests.boards.test_pynq_driver import driver

MODELS = Path(__file__).parents[1] / "models"


def chip(design: Design):
    """What the DMA sees: the bytes of one send → the frames that the RTL gives back, in Verilator."""
    rtl, wire = design.folder / "rtl", design.boundary
    exe = verilator.build(sorted(rtl.glob("*.v")), "bw_accel")

    def send(data: bytes) -> list[bytes]:
        step, size = wire.input.tdata // 8, wire.input.frame_bytes
        words = [int.from_bytes(data[k : k + step], "little") for k in range(0, len(data), step)]
        frames = [words[k : k + wire.input.beats] for k in range(0, len(words), wire.input.beats)]
        assert len(data) % size == 0
        trace = cosim.simulate(exe, frames, wire.output.beats, cwd=rtl, seed=1, stall=0.2)
        return [b"".join(w.to_bytes(wire.output.tdata // 8, "little") for w in frame) for frame in trace.outputs]

    return send


@pytest.mark.parametrize("name, target", [("hello_world", 64), ("tfc_1w1a", 1000)])
def test_the_driver_gives_the_models_outputs(name, target, tmp_path):
    design = bitwright.compile(MODELS / f"{name}.onnx", tmp_path / "d", target_cycles=target)
    with np.load(MODELS / f"{name}.npz") as stored:
        x = next(stored[k] for k in stored.files if k.startswith("in:"))[:4]
    board = StandIn(chip(design))
    with driver(design.folder / "board", board) as module, module.Accelerator() as device:
        found = device.predict(x)
    np.testing.assert_array_equal(found, design.predict(x), strict=True)
