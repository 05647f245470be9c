"""A stand-in for the `pynq` package: the driver runs against it without a board, connected to any accelerator.

It has what the driver relies on and fails where the hardware would: a receive ends at TLAST and overflows if the frame
is longer than its buffer, a length has 26 bits, and what the DMA wrote is visible only after `wait()`. It is stricter
in one thing: a channel takes no transfer before the last one was waited for.
"""

import sys
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

POISON = 0xA5  # what memory holds before anything is written
Bytes = npt.NDArray[Any]


class Buffer(np.ndarray[Any, Any]):
    """Contiguous memory as `pynq.allocate` gives it."""

    freed: bool

    def __array_finalize__(self, obj: Any) -> None:
        self.freed = getattr(obj, "freed", False)

    def freebuffer(self) -> None:
        self.freed = True


Send = Callable[[bytes], list[bytes]]
"""An accelerator: from the bytes of one send to the output frames' bytes, each ended by TLAST."""


class Port(Protocol):
    """Words by their byte addresses, as an IP of an overlay gives them."""

    def read(self, offset: int) -> int: ...

    def write(self, offset: int, value: int) -> None: ...


class StandIn:
    """A board with accelerators, each behind its DMA: `axi_dma_0`, `axi_dma_1`, …; and `accel_0`, … of the control `ports`.

    `events` lists the transfers in order: ("send" | "receive", bytes); `frames` holds, for each accelerator, what it has
    to give.
    """

    def __init__(self, *accelerators: Send, ports: Sequence[Port] = (), length_bits: int = 26) -> None:
        self.ports = ports
        self.accelerators, self.max_transfer = accelerators, (1 << length_bits) - 1
        self.frames: list[deque[bytes]] = [deque() for _ in accelerators]
        self.buffers: list[Buffer] = []
        self.events: list[tuple[str, int]] = []
        self.bitfiles: list[str] = []

    @contextmanager
    def installed(self) -> Generator[None]:
        """Within, `import pynq` finds this stand-in."""
        module = ModuleType("pynq")
        module.__dict__.update(Overlay=self.overlay, allocate=self.allocate)
        before = sys.modules.get("pynq")
        sys.modules["pynq"] = module
        try:
            yield
        finally:
            del sys.modules["pynq"]
            if before is not None:
                sys.modules["pynq"] = before

    def overlay(self, bitfile: str) -> "Overlay":
        """`pynq.Overlay`"""
        self.bitfiles.append(bitfile)
        return Overlay(self)

    def allocate(self, shape: tuple[int, ...], dtype: Any = np.uint32) -> Buffer:
        """`pynq.allocate`"""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        buffer = np.full(size, POISON, np.uint8).view(dtype).reshape(shape).view(Buffer)
        self.buffers.append(buffer)
        return buffer


class Overlay:
    """A loaded bitstream: the DMAs and control ports, named as in the block design."""

    axi_dma_0: "Dma"

    def __init__(self, board: StandIn) -> None:
        for i in range(len(board.accelerators)):
            setattr(self, f"axi_dma_{i}", Dma(board, i))
        for i, port in enumerate(board.ports):
            setattr(self, f"accel_{i}", port)


class Dma:
    """An AXI DMA in simple mode."""

    def __init__(self, board: StandIn, index: int) -> None:
        self.sendchannel, self.recvchannel = SendChannel(board, index), ReceiveChannel(board, index)


class Channel:
    """What both directions share: one transfer at a time, from and to memory of `allocate`, not yet freed."""

    kind = ""

    def __init__(self, board: StandIn, index: int) -> None:
        self.board, self.index, self.running = board, index, True
        self.active: Buffer | None = None

    def transfer(self, array: Buffer) -> None:
        """Start a transfer of the whole of `array`."""
        if not self.running:
            raise RuntimeError("DMA channel not started")
        if self.active is not None:
            raise RuntimeError("DMA channel not idle")
        if not isinstance(array, Buffer) or array.freed:
            raise RuntimeError("the DMA cannot reach this memory")
        if not 0 < array.nbytes <= self.board.max_transfer:
            raise ValueError(f"a transfer of {array.nbytes} bytes; it must be 1 to {self.board.max_transfer}")
        self.active = array
        self.board.events.append((self.kind, array.nbytes))

    @property
    def idle(self) -> bool:
        raise NotImplementedError

    def wait(self) -> None:
        raise NotImplementedError


class SendChannel(Channel):
    """Memory to stream. The accelerator takes everything at once; its frames wait for receives."""

    kind = "send"

    def transfer(self, array: Buffer) -> None:
        super().transfer(array)
        self.board.frames[self.index].extend(self.board.accelerators[self.index](array.tobytes()))

    @property
    def idle(self) -> bool:
        return True

    def wait(self) -> None:
        self.active = None


class ReceiveChannel(Channel):
    """Stream to memory, up to TLAST. The data shows in the buffer after `wait()`, which never ends without a frame."""

    kind = "receive"

    @property
    def idle(self) -> bool:
        return self.active is None or bool(self.board.frames[self.index])

    def wait(self) -> None:
        if not self.running:
            raise RuntimeError("DMA channel not started")
        if self.active is None:
            return
        frames = self.board.frames[self.index]
        if not frames:
            raise TimeoutError("on a board this receive would wait for ever: there is no frame")
        frame, target = frames.popleft(), self.active
        self.active = None
        if len(frame) > target.nbytes:
            self.running = False
            raise RuntimeError("DMA Internal Error (the frame is longer than the buffer)")
        target.reshape(-1).view(np.uint8)[: len(frame)] = np.frombuffer(frame, np.uint8)
