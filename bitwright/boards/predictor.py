"""What the drivers have in common, whichever way the bytes travel. A copy goes to the board beside them: Python 3.8, NumPy."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Callable

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bitwright.boards.host import Boundary

    Array = NDArray[Any]


class Predictor:
    """An accelerator that a driver reaches. Arrays have the samples along their first axis."""

    boundary: Boundary
    _chunk: int  # frames that are under way at once, at most

    def predict(self, x: Array) -> Array:
        """Samples of the ONNX input → samples of the ONNX output."""
        return self.boundary.decode(self.predict_raw(self.boundary.encode(x)))

    def predict_raw(self, codes: Array) -> Array:
        """Integers of the input's wire → integers of the output's wire."""
        return self.boundary.unpack(self._run(self.boundary.pack(codes)))

    def throughput(self, frames: int = 1000) -> dict[str, float]:
        """Time `frames` frames of random codes: {"frames", "seconds", "fps"}, the way there and back included, encoding not."""
        stream = self.boundary.input
        codes = np.random.default_rng(0).integers(stream.lo, stream.hi, (frames,) + stream.shape, endpoint=True)
        packed = self.boundary.pack(codes)
        self._run(packed[: self._chunk])
        start = time.perf_counter()
        self._run(packed)
        seconds = time.perf_counter() - start
        return {"frames": frames, "seconds": seconds, "fps": frames / seconds}

    def close(self) -> None:
        """Free the memory that accelerator and host share."""
        raise NotImplementedError

    def _run(self, packed: Array) -> Array:
        """Input bytes (n, bytes a frame) → output bytes (n, bytes a frame)."""
        raise NotImplementedError

    def __enter__(self) -> Predictor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def command_line(accelerator: Callable[[], Predictor]) -> None:
    """driver.py X.npy Y.npy"""
    if len(sys.argv) != 3:
        sys.exit("usage: driver.py X.npy Y.npy")
    with accelerator() as device:
        np.save(sys.argv[2], device.predict(np.load(sys.argv[1])))
        print("{fps:.0f} frames/s".format(**device.throughput()))
