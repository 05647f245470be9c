"""The driver of the Vitis handoff, against the stand-in for pyxrt and a kernel in software."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bitwright.boards import load_board, write_handoff
from bitwright.boards.host import Boundary
from bitwright.boards.vitis.standin import PAGE, POISON, Direction, Plain, StandIn, State, in_software
from tests.boards.boundaries import boundary
from tests.boards.drivers import loaded

SPEC = boundary()
WIRE = Boundary(SPEC)
WEIGHTS = np.random.default_rng(7).integers(-8, 8, (10, 15))


def network(codes: np.ndarray) -> np.ndarray:
    """Codes in (n, 3, 5) → codes out (n, 10)."""
    return codes.reshape(len(codes), 15) @ WEIGHTS.T


def compute(data: bytes) -> list[bytes]:
    """The bytes of input frames → the output frames."""
    return [frame.tobytes() for frame in WIRE.output.pack(network(WIRE.input.unpack(data)))]


def card(units: int = 1, compute: Callable[[bytes], list[bytes]] = compute) -> StandIn:
    memory = Plain()
    return StandIn(memory, *[in_software(memory, WIRE.input.frame_bytes, compute) for _ in range(units)])


@pytest.fixture
def handoff(tmp_path: Path) -> Path:
    write_handoff(load_board("u250"), {"clock_mhz": 300.0}, SPEC, tmp_path / "board")
    return tmp_path / "board"


def samples(count: int) -> np.ndarray:
    return np.random.default_rng(count).normal(0, 2, (count, 3, 5)).astype(np.float32)


@pytest.mark.parametrize("units", [1, 3])
@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_predict(handoff: Path, count: int, units: int) -> None:
    standin, x = card(units), samples(count)
    with loaded(handoff, standin) as module, module.Accelerator() as device:
        assert len(device.units) == units
        y = device.predict(x)
    np.testing.assert_array_equal(y, WIRE.decode(network(WIRE.encode(x))), strict=True)
    assert standin.loaded == [str(handoff / "bitwright.xclbin")]


def test_units_share_a_batch(handoff: Path) -> None:
    """All start before one is waited for, each with its part."""
    standin = card(3)
    with loaded(handoff, standin) as module:
        module.Accelerator().predict(samples(8))
    assert [event for event in standin.events if event[0] in ("start", "wait")] == [
        ("start", 0), ("start", 1), ("start", 2), ("wait", 0), ("wait", 1), ("wait", 2),
    ]  # fmt: skip
    assert [size for what, size in standin.events if what == "TO_DEVICE"] == [36, 36, 24]
    assert [size for what, size in standin.events if what == "FROM_DEVICE"] == [60, 60, 40]


def test_a_batch_in_chunks(handoff: Path) -> None:
    """Two runs of a compute unit are under way: the next is sent before the one before it is waited for."""
    standin, x = card(), samples(11)
    with loaded(handoff, standin) as module:
        module.CHUNK = 4 * 20 + 5
        device = module.Accelerator()
        for _ in range(2):
            np.testing.assert_array_equal(device.predict(x), WIRE.decode(network(WIRE.encode(x))), strict=True)
    order = ["start", "start", "wait", "start", "wait", "wait"]
    assert [what for what, _ in standin.events if what in ("start", "wait")] == order * 2
    assert [size for what, size in standin.events if what == "TO_DEVICE"] == [48, 48, 36] * 2


def test_memory_grows_with_the_batch_only(handoff: Path) -> None:
    standin = card()
    with loaded(handoff, standin) as module, module.Accelerator() as device:
        places = []
        for count in (5, 2, 5, 6):
            device.predict(samples(count))
            places.append(standin.free)
        device.close()
        np.testing.assert_array_equal(device.predict(samples(1)), WIRE.decode(network(WIRE.encode(samples(1)))))
    assert places[0] == places[1] == places[2] == places[3] - 4 * PAGE


def test_raw_codes(handoff: Path) -> None:
    codes = np.random.default_rng(3).integers(-8, 8, (4, 3, 5))
    with loaded(handoff, card()) as module, module.Accelerator() as device:
        np.testing.assert_array_equal(device.predict_raw(codes), network(codes), strict=True)
        with pytest.raises(ValueError, match="codes must be from -8 to 7, not 8 to 8"):
            device.predict_raw(np.full((1, 3, 5), 8))


def test_throughput(handoff: Path) -> None:
    standin = card(2)
    with loaded(handoff, standin) as module, module.Accelerator() as device:
        result = device.throughput(frames=50)
    assert result["frames"] == 50
    assert result["fps"] == 50 / result["seconds"]
    assert sum(size for what, size in standin.events if what == "TO_DEVICE") == 2 * 50 * 12  # one of them to warm up


@pytest.mark.parametrize("timeout", [0.5, 0.0001])
def test_a_kernel_that_does_not_end(handoff: Path, timeout: float) -> None:
    says = rf"2 frames did not come back within {timeout} s \(.*TIMEOUT\); reset the card"
    with (
        loaded(handoff, card(compute=lambda data: compute(data)[:1])) as module,
        pytest.raises(TimeoutError, match=says),
    ):
        module.Accelerator(timeout=timeout).predict(samples(2))


def test_an_xclbin_of_something_else(handoff: Path) -> None:
    with loaded(handoff, card(0)) as module, pytest.raises(RuntimeError, match="No compute units satisfy"):
        module.Accelerator("other.xclbin")


def test_command_line(handoff: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    x = samples(4)
    np.save(handoff / "x.npy", x)
    monkeypatch.setattr(sys, "argv", ["driver.py", str(handoff / "x.npy"), str(handoff / "y.npy")])
    with loaded(handoff, card()) as module:
        module.command_line(module.Accelerator)
        monkeypatch.setattr(sys, "argv", ["driver.py"])
        with pytest.raises(SystemExit, match=r"usage: driver\.py X\.npy Y\.npy"):
            module.command_line(module.Accelerator)
    np.testing.assert_array_equal(np.load(handoff / "y.npy"), WIRE.decode(network(WIRE.encode(x))), strict=True)
    assert capsys.readouterr().out.endswith(" frames/s\n")


def test_the_stand_in_is_strict() -> None:
    standin = card(2)
    with standin.installed():
        import pyxrt  # pyright: ignore[reportMissingImports]
    device = pyxrt.device(0)
    with pytest.raises(RuntimeError, match="No such device"):
        pyxrt.device(1)
    first, second = (pyxrt.kernel(device, device.load_xclbin("x"), f"bw_kernel:{{bw_kernel_{k}}}") for k in (1, 2))
    source = pyxrt.bo(device, 12, pyxrt.bo.normal, first.group_id(0))
    target = pyxrt.bo(device, 20, pyxrt.bo.normal, first.group_id(1))
    with pytest.raises(RuntimeError, match="not in the bank"):
        second(source, target, 1)
    with pytest.raises(RuntimeError, match="in no bank"):
        first.group_id(2)
    with pytest.raises(RuntimeError, match="past the end"):
        source.sync(Direction.XCL_BO_SYNC_BO_TO_DEVICE, 13, 0)
    with pytest.raises(RuntimeError, match="failed to allocate"):
        pyxrt.bo(device, 0, pyxrt.bo.normal, 0)
    source.map()[:] = bytes(12)
    source.sync(Direction.XCL_BO_SYNC_BO_TO_DEVICE, 12, 0)
    run = first(source, target, 1)
    target.sync(Direction.XCL_BO_SYNC_BO_FROM_DEVICE, 20, 0)
    assert bytes(target.map()) == bytes([POISON]) * 20  # it has not happened yet
    with pytest.raises(TimeoutError, match="without end"):
        run.wait(0)
    assert run.wait(10) is State.ERT_CMD_STATE_COMPLETED
    assert bytes(target.map()) == bytes([POISON]) * 20  # it has not come back yet
    target.sync(Direction.XCL_BO_SYNC_BO_FROM_DEVICE, 20, 0)
    assert bytes(target.map()) == bytes(20)
