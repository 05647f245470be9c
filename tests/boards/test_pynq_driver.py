"""The driver as it goes to the board, against the stand-in for PYNQ and an accelerator in software."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bitwright.boards import load_board, write_handoff
from bitwright.boards.host import Boundary
from bitwright.boards.pynq.handoff import Part, write_together
from bitwright.boards.pynq.standin import StandIn
from tests.boards.boundaries import boundary, stream
from tests.boards.drivers import loaded

SPEC = boundary()
WIRE = Boundary(SPEC)
WEIGHTS = np.random.default_rng(7).integers(-8, 8, (10, 15))


def network(codes: np.ndarray) -> np.ndarray:
    """Codes in (n, 3, 5) → codes out (n, 10)."""
    return codes.reshape(len(codes), 15) @ WEIGHTS.T


def accelerator(data: bytes) -> list[bytes]:
    """The bytes of one send → the output frames."""
    codes = WIRE.input.unpack(data)
    return [frame.tobytes() for frame in WIRE.output.pack(network(codes))]


@pytest.fixture
def handoff(tmp_path: Path) -> Path:
    write_handoff(load_board("pynq"), {"clock_mhz": 100.0}, SPEC, tmp_path / "board")
    return tmp_path / "board"


def samples(count: int) -> np.ndarray:
    return np.random.default_rng(count).normal(0, 2, (count, 3, 5)).astype(np.float32)


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_predict(handoff: Path, count: int) -> None:
    board, x = StandIn(accelerator), samples(count)
    with loaded(handoff, board) as module, module.Accelerator() as device:
        y = device.predict(x)
    np.testing.assert_array_equal(y, WIRE.decode(network(WIRE.encode(x))), strict=True)
    assert not any(board.frames)
    assert board.bitfiles == [str(handoff / "bitwright.bit")]
    assert all(buffer.freed for buffer in board.buffers)


def test_several_accelerators(tmp_path: Path) -> None:
    """Each by itself; and together, which starts all before it waits for one."""
    other = boundary(output_shape=[15], output_stream=stream(slot=16, lanes=2, vector=15, vectors=1))
    second = Boundary(other)

    def triple(data: bytes) -> list[bytes]:
        codes = second.input.unpack(data).reshape(-1, 15)
        return [frame.tobytes() for frame in second.output.pack(3 * codes)]

    parts = [Part(f"accel_{i}/rtl", {"clock_mhz": 100.0}, spec) for i, spec in enumerate((SPEC, other))]
    write_together(load_board("pynq"), parts, tmp_path / "board")
    board, x0, x1 = StandIn(accelerator, triple), samples(2), samples(5)
    with loaded(tmp_path / "board", board) as module:
        devices = module.load()
        together = module.predict_together(devices, [x0, x1])
        started = [kind for kind, _ in board.events[:4]]
        alone = [device.predict(x) for device, x in zip(devices, (x0, x1), strict=True)]
        for device in devices:
            device.close()
    expected = [WIRE.decode(network(WIRE.encode(x0))), second.decode(3 * second.encode(x1).reshape(-1, 15))]
    for found in (together, alone):
        for y, wanted in zip(found, expected, strict=True):
            np.testing.assert_array_equal(y, wanted, strict=True)
    assert started == ["receive", "send", "receive", "send"]
    assert len(board.bitfiles) == 1
    assert all(buffer.freed for buffer in board.buffers)


def test_transfers_of_a_batch(handoff: Path) -> None:
    """One send; one receive a frame, the first armed before it."""
    board = StandIn(accelerator)
    with loaded(handoff, board) as module:
        module.Accelerator().predict(samples(3))
    assert board.events == [("receive", 20), ("send", 36), ("receive", 20), ("receive", 20)]


def test_a_batch_in_chunks(handoff: Path) -> None:
    board, x = StandIn(accelerator), samples(11)
    with loaded(handoff, board) as module:
        module.CHUNK = 4 * 12 + 5
        y = module.Accelerator().predict(x)
    np.testing.assert_array_equal(y, WIRE.decode(network(WIRE.encode(x))), strict=True)
    assert [size for kind, size in board.events if kind == "send"] == [48, 48, 36]


def test_a_transfer_fits_the_length_register(handoff: Path) -> None:
    board, x = StandIn(accelerator, length_bits=6), samples(11)
    with loaded(handoff, board) as module:
        assert module.MAX_TRANSFER == (1 << 26) - 1
        module.MAX_TRANSFER = (1 << 6) - 1
        module.Accelerator().predict(x)
    assert max(size for _, size in board.events) == 60


def test_raw_codes(handoff: Path) -> None:
    codes = np.random.default_rng(3).integers(-8, 8, (4, 3, 5))
    with loaded(handoff, StandIn(accelerator)) as module, module.Accelerator() as device:
        np.testing.assert_array_equal(device.predict_raw(codes), network(codes), strict=True)
        with pytest.raises(ValueError, match="codes must be from -8 to 7, not 8 to 8"):
            device.predict_raw(np.full((1, 3, 5), 8))


def test_without_a_control_port(handoff: Path) -> None:
    says = "this accelerator has no control port: it was compiled without --control axilite"
    with loaded(handoff, StandIn(accelerator)) as module, module.Accelerator() as device:
        for use in (
            device.start,
            device.stop,
            device.counters,
            lambda: device.identification,
            lambda: device.write_weights("conv1", np.zeros(1, int)),
        ):
            with pytest.raises(RuntimeError, match=says):
                use()


def test_throughput(handoff: Path) -> None:
    board = StandIn(accelerator)
    with loaded(handoff, board) as module, module.Accelerator() as device:
        result = device.throughput(frames=50)
    assert result["frames"] == 50
    assert result["fps"] == 50 / result["seconds"]
    assert sum(size for kind, size in board.events if kind == "send") == 2 * 50 * 12  # one of them to warm up


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (lambda frames: [], "frame 1 of 2 did not come back within 0.01 s"),
        (lambda frames: frames[:1], "frame 2 of 2 did not come back within 0.01 s"),
        (lambda frames: [b"".join(frames)], "the frame is longer than the buffer"),
    ],
)
def test_an_accelerator_that_is_broken(handoff: Path, broken: Callable[[list[bytes]], list[bytes]], says: str) -> None:
    """No TLAST, or too few frames: an error, and no wait without end."""
    board = StandIn(lambda data: broken(accelerator(data)))
    with loaded(handoff, board) as module, pytest.raises((TimeoutError, RuntimeError), match=says):
        module.Accelerator(timeout=0.01).predict(samples(2))


def test_command_line(handoff: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    x = samples(4)
    np.save(handoff / "x.npy", x)
    monkeypatch.setattr(sys, "argv", ["driver.py", str(handoff / "x.npy"), str(handoff / "y.npy")])
    with loaded(handoff, StandIn(accelerator)) as module:
        module.command_line(module.Accelerator)
    np.testing.assert_array_equal(np.load(handoff / "y.npy"), WIRE.decode(network(WIRE.encode(x))), strict=True)
    assert capsys.readouterr().out.endswith(" frames/s\n")


@pytest.mark.parametrize("with_file", [True, False])
def test_notebook(
    handoff: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], with_file: bool
) -> None:
    """Its cells run, in order, in one name space."""
    monkeypatch.chdir(handoff)
    if with_file:
        np.save("x.npy", samples(3))
    cells = json.loads((handoff / "notebook.ipynb").read_text(encoding="utf-8"))["cells"]
    names: dict[str, Any] = {}
    with loaded(handoff, StandIn(accelerator)) as module:
        monkeypatch.setitem(sys.modules, "driver", module)
        for cell in cells:
            if cell["cell_type"] == "code":
                exec("".join(cell["source"]), names)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == (3 if with_file else 4) + 1
    assert lines[-1].endswith(" frames/s")


def test_the_stand_in_is_strict() -> None:
    board = StandIn(accelerator)
    dma = board.overlay("x.bit").axi_dma_0
    buffer = board.allocate(shape=(20,), dtype=np.uint8)
    assert buffer.tolist() == [0xA5] * 20  # nothing counts on memory to be zero
    dma.recvchannel.transfer(buffer)
    assert not dma.recvchannel.idle
    with pytest.raises(RuntimeError, match="DMA channel not idle"):
        dma.recvchannel.transfer(buffer)
    with pytest.raises(TimeoutError, match="would wait for ever"):
        dma.recvchannel.wait()
    with pytest.raises(RuntimeError, match="cannot reach this memory"):
        dma.sendchannel.transfer(np.zeros(12, np.uint8))
    with pytest.raises(ValueError, match="it must be 1 to 67108863"):
        dma.sendchannel.transfer(board.allocate(shape=(1 << 26,), dtype=np.uint8))
    source = board.allocate(shape=(3,), dtype=np.uint32)
    source[:] = 0
    dma.sendchannel.transfer(source)
    assert dma.recvchannel.idle
    assert buffer.tolist() == [0xA5] * 20  # the data shows after wait()
    dma.recvchannel.wait()
    assert buffer.tolist() == [0] * 20
