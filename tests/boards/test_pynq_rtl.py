"""The driver as it goes to the board, against the simulated RTL of a real network."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import bitwright
from bitwright.boards.host import Boundary
from bitwright.boards.pynq.standin import StandIn
from bitwright.design import Design
from bitwright.ir.registers import OFFSETS
from bitwright.sim import cosim, verify, verilator
from bitwright.sim.live import Live, live
from tests.boards.drivers import loaded
from tests.sim.test_rewritable import image_model, some

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


class Chip:
    """What DMA and processor see of a simulation that stays."""

    def __init__(self, running: Live, wire: Boundary) -> None:
        self.running, self.wire = running, wire
        self.sent = 0

    def send(self, data: bytes) -> list[bytes]:
        frames = verify.words_in(self.wire, self.wire.input.unpack(data))
        self.sent += 1
        words = self.running.send(frames, seed=self.sent, stall=0.2)
        size, beats = self.wire.output.tdata // 8, self.wire.output.beats
        data = b"".join(word.to_bytes(size, "little") for word in words)
        return [data[k : k + size * beats] for k in range(0, len(data), size * beats)]

    def read(self, offset: int) -> int:
        return self.running.read([offset])[0]

    def write(self, offset: int, value: int) -> None:
        self.running.write((offset, value))


@contextmanager
def controlled(design: Design) -> Iterator[Chip]:
    rtl, wire = design.folder / "rtl", design.boundary
    exe = verilator.build(sorted(rtl.glob("*.v")), "bw_accel")
    with live(exe, rtl, wire.input.beats, wire.output.beats) as running:
        yield Chip(running, wire)


def test_the_driver_controls_it(tmp_path: Path) -> None:
    """The same bitstream through a second driver, which takes it for another one, is refused."""
    design = bitwright.compile(MODELS / "hello_world.onnx", tmp_path / "d", control="axilite", target_cycles=64)
    x = np.arange(5, dtype=np.int8).reshape(5, 1)
    with controlled(design) as chip:
        board = StandIn(chip.send, ports=[chip])
        with loaded(design.folder / "board", board) as module, module.Accelerator(timeout=0.2) as device:
            assert design.boundary.control is not None
            assert device.identification == design.boundary.control["identity"]
            np.testing.assert_array_equal(device.predict(x), design.predict(x), strict=True)
            device.stop()
            counts = device.counters()
            assert (counts["frames_in"], counts["frames_out"]) == (5, 5)
            assert counts["cycles"] > 5 * 64 and device.counters() == counts
            device.control.clear_counters()
            assert set(device.counters().values()) == {0}
            device.start()
            np.testing.assert_array_equal(device.predict(x[:2]), design.predict(x[:2]), strict=True)
            device.stop()
            assert device.counters()["frames_out"] == 2
            device.start()
        spec = json.loads((design.folder / "board" / "boundary.json").read_text())
        spec["control"]["identity"]["design_low"] ^= 1
        (design.folder / "board" / "boundary.json").write_text(json.dumps(spec))
        says = r"the bitstream is not that of boundary.json: its design_low is 0x\w+, not 0x\w+; copy both"
        with loaded(design.folder / "board", board) as module, pytest.raises(RuntimeError, match=says):
            module.Accelerator()


def test_the_driver_writes_weights(tmp_path: Path) -> None:
    """Other ones, then the old ones; nothing is written where they do not suit."""
    (tmp_path / "m.onnx").write_bytes(image_model(*some(0)))
    design = bitwright.compile(
        tmp_path / "m.onnx", tmp_path / "d", control="axilite", rewritable="all", target_cycles=300
    )
    x = np.random.default_rng(3).uniform(-1, 3, (3, 2, 4, 5)).astype(np.float32)
    assert design.boundary.control is not None
    layers = list(design.boundary.control["weights"])
    with controlled(design) as chip:
        board = StandIn(chip.send, ports=[chip])
        with loaded(design.folder / "board", board) as module, module.Accelerator() as device:
            for weights in (some(1), some(0)):
                for layer, codes in zip(layers, weights, strict=True):
                    device.write_weights(layer, codes)
                want = design.predict(x, weights=dict(zip(layers, weights, strict=True)))
                np.testing.assert_array_equal(device.predict(x), want, strict=True)
            np.testing.assert_array_equal(want, design.predict(x), strict=True)
            with pytest.raises(ValueError, match=f"layer 'fc' is not rewritable; these are: {', '.join(layers)}"):
                device.write_weights("fc", some(0)[0])
            with pytest.raises(ValueError, match="weights must be from -8 to 7, not -9 to -9"):
                device.write_weights(layers[2], np.full((6, 36), -9))
            device.stop()
            device.write_weights(layers[2], some(0)[2])
            assert chip.read(OFFSETS["run"]) == 0  # as it was
            device.start()
            np.testing.assert_array_equal(device.predict(x), design.predict(x), strict=True)


def test_the_driver_does_not_wait_for_ever(tmp_path: Path) -> None:
    """A frame that nobody takes keeps the accelerator from stopping."""
    design = bitwright.compile(MODELS / "hello_world.onnx", tmp_path / "d", control="axilite", target_cycles=64)

    class Busy:
        def read(self, offset: int) -> int:
            names = {o: n for n, o in OFFSETS.items()}
            assert design.boundary.control is not None
            return design.boundary.control["identity"].get(names[offset], 0)

        def write(self, offset: int, value: int) -> None:
            assert (offset, value) == (OFFSETS["run"], 0)

    board = StandIn(lambda _: [], ports=[Busy()])
    says = pytest.raises(TimeoutError, match=r"did not finish its frames within 0.01 s")
    with loaded(design.folder / "board", board) as module, module.Accelerator(timeout=0.01) as device, says:
        device.stop()


@pytest.mark.parametrize("name, target", [("hello_world", 64), ("tfc_1w1a", 1000)])
def test_the_driver_gives_the_models_outputs(name, target, tmp_path):
    design = bitwright.compile(MODELS / f"{name}.onnx", tmp_path / "d", target_cycles=target)
    with np.load(MODELS / f"{name}.npz") as stored:
        x = next(stored[k] for k in stored.files if k.startswith("in:"))[:4]
    board = StandIn(chip(design))
    with loaded(design.folder / "board", board) as module, module.Accelerator() as device:
        found = device.predict(x)
    np.testing.assert_array_equal(found, design.predict(x), strict=True)
