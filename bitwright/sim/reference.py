"""The reference: the graph on NumPy, frame by frame exact. Everything else is compared with this."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..ir.graph import Graph, evaluate
from ..ir.op import Codes
from ..ir.types import TensorType

BATCH = 256  # most frames that are evaluated at a time
ELEMENTS = 1 << 22  # of the largest value of a batch, so that memory stays bounded


def run(graph: Graph, codes: Codes) -> Codes:
    """The output's codes (frames, *shape) for the input's codes (frames, *shape)."""
    (source,), (sink,) = graph.inputs, graph.outputs
    largest = max((t.size for t in graph.types.values()), default=1)
    parts = [evaluate(graph, {source: part})[sink] for part in _batches(codes, max(1, min(BATCH, ELEMENTS // largest)))]
    return np.concatenate(parts) if parts else np.zeros((0, *graph.types[sink].shape), np.int64)


def layers(graph: Graph, codes: Codes) -> dict[str, Codes]:
    """Every value of the graph for the given frames."""
    (source,) = graph.inputs
    return evaluate(graph, {source: codes})


def random_codes(type_: TensorType, frames: int, seed: int) -> Codes:
    """Frames of codes within every channel's range: the least and the greatest first, then uniform ones, then sparse ones.

    A quarter of the random frames has four of five elements at the code nearest zero, as after a ReLU.
    """
    rng = np.random.default_rng(seed)
    lo, hi = (np.array(ends).reshape(type_.shape) for ends in type_.bounds(type_.size))
    codes = rng.integers(lo, hi + 1, (frames, *type_.shape))
    rest = codes[4::4]
    nearest = np.broadcast_to(np.clip(0, lo, hi), rest.shape)
    sparse = rng.random(rest.shape) < 0.8
    rest[sparse] = nearest[sparse]
    if frames > 2:
        codes[0], codes[1] = lo, hi
    return codes


def _batches(codes: Codes, size: int) -> Iterator[Codes]:
    for first in range(0, len(codes), size):
        yield codes[first : first + size]
