"""A stand-in for `pyxrt`: the host's driver runs against it without a card, connected to any kernel.

It has what the driver relies on and fails where XRT would, as late as it may: a run happens when it is waited for, buffers
reach the card and come back only by `sync`, and one in another bank than its argument is refused.
"""

import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from enum import Enum
from types import ModuleType, SimpleNamespace
from typing import Any, Protocol

import numpy as np

POISON = 0xA5  # what memory holds before anything is written
PAGE = 4096  # to a multiple of which buffers are placed


class State(Enum):
    """`pyxrt.ert_cmd_state`"""

    ERT_CMD_STATE_NEW = 1
    ERT_CMD_STATE_COMPLETED = 4
    ERT_CMD_STATE_TIMEOUT = 8


class Direction(Enum):
    """`pyxrt.xclBOSyncDirection`"""

    XCL_BO_SYNC_BO_TO_DEVICE = 0
    XCL_BO_SYNC_BO_FROM_DEVICE = 1


Kernel = Callable[[int, int, int], bool]
"""A compute unit: from the addresses of input and output and the number of frames to whether its run ended."""


class Memory(Protocol):
    """The card's, by its addresses."""

    def read(self, address: int, length: int) -> bytes: ...

    def write(self, address: int, data: bytes) -> None: ...


class StandIn:
    """A card with `memory`, of which buffers are made from `base` on, and compute units bw_kernel_1, …, each in its own bank.

    `events` lists what was done, in order: (what, number of the compute unit or of bytes).
    """

    def __init__(self, memory: Memory, *units: Kernel, base: int = 1 << 34) -> None:
        self.memory, self.units, self.free = memory, units, base
        self.events: list[tuple[str, int]] = []
        self.loaded: list[str] = []

    @contextmanager
    def installed(self) -> Generator[None]:
        """Within, `import pyxrt` finds this stand-in."""
        module = ModuleType("pyxrt")
        module.__dict__.update(
            device=lambda number: Device(self, number), kernel=ComputeUnit, bo=Buffer, ert_cmd_state=State,
            xclBOSyncDirection=Direction,
        )  # fmt: skip
        before = sys.modules.get("pyxrt")
        sys.modules["pyxrt"] = module
        try:
            yield
        finally:
            del sys.modules["pyxrt"]
            if before is not None:
                sys.modules["pyxrt"] = before


class Device:
    """`pyxrt.device`"""

    def __init__(self, card: StandIn, number: int) -> None:
        if number:
            raise RuntimeError(f"No such device with index '{number}'")
        self.card = card

    def load_xclbin(self, path: str) -> SimpleNamespace:
        self.card.loaded.append(path)
        return SimpleNamespace(names=[f"bw_kernel:{{bw_kernel_{k + 1}}}" for k in range(len(self.card.units))])


class Buffer:
    """`pyxrt.bo`: memory here, and as much in the card."""

    normal = 0

    def __init__(self, device: Device, size: int, flags: int, group: int) -> None:
        if size <= 0 or flags != self.normal:
            raise RuntimeError("failed to allocate userptr bo: Invalid argument")
        self.card, self.group, self.address = device.card, group, device.card.free
        self.card.free += -(-size // PAGE) * PAGE
        self.data = np.full(size, POISON, np.uint8)

    def map(self) -> memoryview:
        return self.data.data

    def sync(self, direction: Direction, size: int, offset: int) -> None:
        if not 0 <= offset <= offset + size <= self.data.size:
            raise RuntimeError("sync is past the end of the buffer")
        place, part = self.address + offset, slice(offset, offset + size)
        self.card.events.append((direction.name.removeprefix("XCL_BO_SYNC_BO_"), size))
        if direction is Direction.XCL_BO_SYNC_BO_TO_DEVICE:
            self.card.memory.write(place, self.data[part].tobytes())
        else:
            self.data[part] = np.frombuffer(self.card.memory.read(place, size), np.uint8)


class ComputeUnit:
    """`pyxrt.kernel` of one compute unit."""

    def __init__(self, device: Device, loaded: SimpleNamespace, name: str) -> None:
        if name not in loaded.names:
            raise RuntimeError(f"No compute units satisfy requested connectivity: {name}")
        self.card, self.number = device.card, loaded.names.index(name)

    def group_id(self, argument: int) -> int:
        if argument not in (0, 1):
            raise RuntimeError("a scalar is in no bank")
        return self.number

    def __call__(self, source: Buffer, target: Buffer, frames: int) -> "Run":
        if {source.group, target.group} != {self.number}:
            raise RuntimeError("a buffer is not in the bank of its argument")
        self.card.events.append(("start", self.number))
        return Run(self, source.address, target.address, frames)


class Run:
    """`pyxrt.run`"""

    def __init__(self, unit: ComputeUnit, *arguments: int) -> None:
        self.unit, self.arguments = unit, arguments

    def wait(self, timeout_ms: int) -> State:
        if timeout_ms <= 0:
            raise TimeoutError("XRT takes that for a wait without end")
        self.unit.card.events.append(("wait", self.unit.number))
        ended = self.unit.card.units[self.unit.number](*self.arguments)
        return State.ERT_CMD_STATE_COMPLETED if ended else State.ERT_CMD_STATE_TIMEOUT


class Plain:
    """Memory without hardware, for kernels in software: what was written, and POISON elsewhere."""

    def __init__(self) -> None:
        self.pages: dict[int, Any] = {}

    def _page(self, address: int) -> Any:
        return self.pages.setdefault(address // PAGE, bytearray([POISON]) * PAGE)

    def read(self, address: int, length: int) -> bytes:
        return bytes(self._page(k)[k % PAGE] for k in range(address, address + length))

    def write(self, address: int, data: bytes) -> None:
        for k, byte in enumerate(data, address):
            self._page(k)[k % PAGE] = byte


def in_software(memory: Memory, frame_bytes: int, compute: Callable[[bytes], Sequence[bytes]]) -> Kernel:
    """A compute unit that gives `compute`'s output frames for the bytes of the input frames."""

    def run(source: int, target: int, frames: int) -> bool:
        outputs = compute(memory.read(source, frames * frame_bytes))
        memory.write(target, b"".join(outputs))
        return len(outputs) == frames

    return run
