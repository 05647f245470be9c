"""Runs the accelerators on a PYNQ board.

    from driver import Accelerator
    y = Accelerator().predict(x)

    from driver import load, predict_together   # where the chip has several
    y0, y1 = predict_together(load(), [x0, x1])

`bitwright.bit`, `bitwright.hwh`, `boundary.json` (`boundary_1.json`, …), `predictor.py`, `control.py`, `weights.py` and
`host.py` lie in the folder of this file. Python 3.8, PYNQ 2.6.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from control import Control
from host import Boundary
from predictor import Predictor, command_line
from pynq import Overlay, allocate

HERE = Path(__file__).resolve().parent
MAX_TRANSFER = (1 << 26) - 1  # bytes: the DMA's length register has 26 bits
CHUNK = 4 << 20  # bytes to send at once, so that contiguous memory lasts
DONE = object()


def load(bitfile="bitwright.bit", timeout=10.0):
    """All accelerators of `bitfile`, in their order."""
    overlay = Overlay(str(HERE / bitfile))
    count = len(list(HERE.glob("boundary*.json")))
    return [Accelerator(timeout=timeout, index=i, overlay=overlay) for i in range(count)]


def predict_together(accelerators, inputs):
    """Samples for each of the accelerators → their outputs. They work at the same time."""
    packed = [a.boundary.pack(a.boundary.encode(x)) for a, x in zip(accelerators, inputs)]
    results = [np.empty((len(p), a.boundary.output.frame_bytes), np.uint8) for a, p in zip(accelerators, packed)]
    working = [a._steps(p, r) for a, p, r in zip(accelerators, packed, results)]
    while working:
        working = [steps for steps in working if next(steps, DONE) is not DONE]
    return [a.boundary.decode(a.boundary.unpack(r)) for a, r in zip(accelerators, results)]


class Accelerator(Predictor):
    """An accelerator in the chip. Arrays have the samples along their first axis."""

    def __init__(self, bitfile="bitwright.bit", timeout=10.0, index=0, overlay=None):
        """Load `bitfile` (with the .hwh beside it), unless it is given as an `overlay`, and take accelerator `index` of it.

        A frame that takes longer than `timeout` seconds is an error.
        """
        self.boundary = Boundary.load(HERE / (f"boundary_{index}.json" if index else "boundary.json"))
        self.overlay = Overlay(str(HERE / bitfile)) if overlay is None else overlay
        self.timeout = timeout
        spec = self.boundary.control
        self._control = None if spec is None else Control(getattr(self.overlay, f"accel_{index}"), spec, timeout)
        dma = getattr(self.overlay, f"axi_dma_{index}")
        self._send, self._receive = dma.sendchannel, dma.recvchannel
        self._chunk = max(1, min(CHUNK, MAX_TRANSFER) // self.boundary.input.frame_bytes)
        # Two, so that the DMA fills one while the other is read.
        self._outputs = [allocate(shape=(self.boundary.output.frame_bytes,), dtype=np.uint8) for _ in range(2)]
        self._input = None

    @property
    def control(self):
        """Its control port: `start`, `stop`, `counters`, `clear_counters`, `write_weights`, `identification`."""
        if self._control is None:
            raise RuntimeError("this accelerator has no control port: it was compiled without --control axilite")
        return self._control

    def start(self):
        """Let frames enter, which is so unless `stop` was called."""
        self.control.start()

    def stop(self):
        """Let no further frame enter, and wait until those inside have left."""
        self.control.stop()

    def counters(self):
        """Frames in and out, cycles, and cycles in which the input, the accelerator or the output waited."""
        return self.control.counters()

    def write_weights(self, layer, codes):
        """Give a rewritable layer other weights: integers, as the model's array has them."""
        self.control.write_weights(layer, codes)

    @property
    def identification(self):
        """What the accelerator says that it is, by the names of its registers."""
        return self.control.identification

    def close(self):
        """Free the buffers that the DMA uses."""
        for buffer in self._outputs + ([] if self._input is None else [self._input]):
            buffer.freebuffer()
        self._outputs, self._input = [], None

    def _run(self, packed):
        """Input bytes (n, bytes a frame) → output bytes (n, bytes a frame)."""
        results = np.empty((len(packed), self.boundary.output.frame_bytes), np.uint8)
        for _ in self._steps(packed, results):
            pass
        return results

    def _steps(self, packed, results):
        """Fill `results`; a generator, which yields while it waits for the accelerator."""
        for first in range(0, len(packed), self._chunk):
            part = slice(first, first + self._chunk)
            yield from self._run_chunk(packed[part], results[part])

    def _run_chunk(self, packed, results):
        """One send for all frames, one receive a frame: the accelerator sets TLAST at the end of each."""
        source = self._input_buffer(packed.nbytes)
        source[:] = packed.reshape(-1)
        self._receive.transfer(self._outputs[0])  # armed before anything is sent
        self._send.transfer(source)
        yield  # others start too
        for i in range(len(results)):
            yield from self._finish(self._receive, f"frame {i + 1} of {len(results)} did not come back")
            if i + 1 < len(results):
                self._receive.transfer(self._outputs[(i + 1) % 2])
            results[i] = self._outputs[i % 2]
        yield from self._finish(self._send, "the accelerator did not take all of its input")

    def _finish(self, channel, otherwise):
        """Wait for a transfer, but not for ever."""
        deadline = time.monotonic() + self.timeout
        while channel.running and not channel.idle:  # an error stops the channel, and wait() says so
            if time.monotonic() > deadline:
                raise TimeoutError(f"{otherwise} within {self.timeout} s; load the overlay again")
            yield
        channel.wait()

    def _input_buffer(self, size):
        """A buffer of exactly `size` bytes: a transfer sends the whole of it."""
        if self._input is None or self._input.nbytes != size:
            if self._input is not None:
                self._input.freebuffer()
            self._input = allocate(shape=(size,), dtype=np.uint8)
        return self._input


if __name__ == "__main__":
    command_line(Accelerator)
