"""A stand-in for the `pynq` package: the driver runs against it without a board, connected to any accelerator.

It has what the driver relies on and fails where the hardware would: a receive ends at TLAST and overflows if the frame
is longer than its buffer, a length has 26 bits, and what the DMA wrote is visible only after `wait()`. It is stricter
in one thing: a channel takes no transfer before the last one was waited for.
"""

import sys
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

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


class StandIn:
    """A board with one accelerator behind `axi_dma_0`.

    `send_frames` is the accelerator: from the bytes of one send to the output frames' bytes, each ended by TLAST.
    `events` lists the transfers in order: ("send" | "receive", bytes).
    """

    def __init__(self, send_frames: Callable[[bytes], list[bytes]], *, length_bits: int = 26) -> None:
        self.send_frames, self.max_transfer = send_frames, (1 << length_bits) - 1
        self.frames: deque[bytes] = deque()
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
    """A loaded bitstream: the DMA, named as in the block design."""

    def __init__(self, board: StandIn) -> None:
        self.axi_dma_0 = Dma(board)


class Dma:
    """An AXI DMA in simple mode."""

    def __init__(self, board: StandIn) -> None:
        self.sendchannel, self.recvchannel = SendChannel(board), ReceiveChannel(board)


class Channel:
    """What both directions share: one transfer at a time, from and to memory of `allocate`, not yet freed."""

    kind = ""

    def __init__(self, board: StandIn) -> None:
        self.board, self.running = board, True
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
        self.board.frames.extend(self.board.send_frames(array.tobytes()))

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
        return self.active is None or bool(self.board.frames)

    def wait(self) -> None:
        if not self.running:
            raise RuntimeError("DMA channel not started")
        if self.active is None:
            return
        if not self.board.frames:
            raise TimeoutError("on a board this receive would wait for ever: there is no frame")
        frame, target = self.board.frames.popleft(), self.active
        self.active = None
        if len(frame) > target.nbytes:
            self.running = False
            raise RuntimeError("DMA Internal Error (the frame is longer than the buffer)")
        target.reshape(-1).view(np.uint8)[: len(frame)] = np.frombuffer(frame, np.uint8)
