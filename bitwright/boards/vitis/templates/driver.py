"""Runs the accelerator on an Alveo card.

    from driver import Accelerator
    y = Accelerator().predict(x)

`bitwright.xclbin`, `boundary.json`, `predictor.py` and `host.py` lie in the folder of this file. Python 3.8, and pyxrt,
which comes with XRT.
"""

from __future__ import annotations

from collections import deque
from pathlib import Path

import numpy as np
import pyxrt
from host import Boundary
from predictor import Predictor, command_line

HERE = Path(__file__).resolve().parent
KERNEL = "bw_kernel"
CHUNK = 4 << 20  # bytes a run, at most, of frames that are smaller
TO_CARD = pyxrt.xclBOSyncDirection.XCL_BO_SYNC_BO_TO_DEVICE
FROM_CARD = pyxrt.xclBOSyncDirection.XCL_BO_SYNC_BO_FROM_DEVICE


class Accelerator(Predictor):
    """The accelerator in the card: all compute units of the xclbin, which share a batch. Samples are along the first axis."""

    def __init__(self, xclbin="bitwright.xclbin", timeout=10.0, device=0):
        """Load `xclbin` into the card `device` (its number, or its address on the bus), and take every compute unit of it.

        A run of the kernel that takes longer than `timeout` seconds is an error.
        """
        self.boundary = Boundary.load(HERE / "boundary.json")
        self.timeout = timeout
        self.card = pyxrt.device(device)
        self.units = _compute_units(self.card, self.card.load_xclbin(str(HERE / xclbin)))
        self._chunk = max(1, CHUNK // max(self.boundary.input.frame_bytes, self.boundary.output.frame_bytes))
        self._runs = []

    def close(self):
        """Free the memory that card and host share."""
        self._runs = []

    def _run(self, packed):
        """Input bytes (n, bytes a frame) → output bytes (n, bytes a frame)."""
        results = np.empty((len(packed), self.boundary.output.frame_bytes), np.uint8)
        size = max(1, min(self._chunk, -(-len(packed) // len(self.units))))
        free, under_way = deque(self._runs_of(size)), deque()
        for first in range(0, len(packed), size):
            if not free:
                free.append(under_way.popleft().finish(self.timeout))
            run, part = free.popleft(), slice(first, first + size)
            run.start(packed[part], results[part])
            under_way.append(run)
        while under_way:
            under_way.popleft().finish(self.timeout)
        return results

    def _runs_of(self, size):
        """Two to a compute unit, of `size` frames or more: one is filled and read while the other is under way."""
        if not self._runs or self._runs[0].frames < size:
            self._runs = []  # frees their memory first
            self._runs = [_Run(self.card, unit, self.boundary, size) for _ in range(2) for unit in self.units]
        return self._runs


class _Run:
    """A run of a compute unit that can be repeated: its memory in the card, for so many frames at most."""

    def __init__(self, card, unit, boundary, frames):
        self.unit, self.frames = unit, frames
        sizes = frames * boundary.input.frame_bytes, frames * boundary.output.frame_bytes
        self._buffers = [pyxrt.bo(card, size, pyxrt.bo.normal, unit.group_id(k)) for k, size in enumerate(sizes)]
        self._source, self._target = (np.frombuffer(buffer.map(), np.uint8) for buffer in self._buffers)

    def start(self, packed, results):
        """Begin, with these frames. Their outputs are in `results` after `finish`."""
        source, target = self._buffers
        self._source[: packed.nbytes] = packed.reshape(-1)
        source.sync(TO_CARD, packed.nbytes, 0)
        self._results, self._handle = results, self.unit(source, target, len(packed))

    def finish(self, timeout):
        """Wait for the end, but not for ever, and take the outputs. Returns itself."""
        state = self._handle.wait(max(1, int(1000 * timeout)))  # 0 ms would be for ever
        if state != pyxrt.ert_cmd_state.ERT_CMD_STATE_COMPLETED:
            raise TimeoutError(
                f"{len(self._results)} frames did not come back within {timeout} s ({state}); reset the card"
            )
        size = self._results.nbytes
        self._buffers[1].sync(FROM_CARD, size, 0)
        self._results[:] = self._target[:size].reshape(self._results.shape)
        return self


def _compute_units(card, uuid):
    """The kernel's compute units in what was loaded, by the names that v++ gives them: bw_kernel_1, bw_kernel_2, …"""
    units = [pyxrt.kernel(card, uuid, f"{KERNEL}:{{{KERNEL}_1}}")]
    while True:
        try:
            units.append(pyxrt.kernel(card, uuid, f"{KERNEL}:{{{KERNEL}_{len(units) + 1}}}"))
        except RuntimeError:  # there is no such compute unit
            return units


if __name__ == "__main__":
    command_line(Accelerator)
