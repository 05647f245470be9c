"""A network's circuit on codes: 64 vectors a machine word, bit by bit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..ir.op import Codes
from .build import Network
from .circuit import Cell, Word, simulate


def run(network: Network, codes: Codes, cells: Sequence[Cell] | None = None) -> Codes:
    """Codes (vectors, outputs) for codes (vectors, inputs of all sources), by other `cells` than the network's own if they are given."""
    count = len(codes)
    padded = np.zeros((-(-count // 64) * 64, codes.shape[1]), np.int64)
    padded[:count] = codes
    widths = [type_.elem.width for _, type_ in network.sources for _ in range(type_.vector)]
    planes = [
        np.packbits((padded[:, i] >> k & 1).astype(np.uint8), bitorder="little").view(np.uint64)
        for i, width in enumerate(widths) for k in range(width)
    ]  # fmt: skip
    bits = simulate(network.circuit, planes, [b for w in network.words for b in w.bits], cells)
    rows = [np.unpackbits(p.view(np.uint8), bitorder="little").astype(np.int64) for p in bits]
    return _numbers(network.words, rows, len(padded))[:count]


def _numbers(words: Sequence[Word], rows: Sequence[Codes], count: int) -> Codes:
    found, at = np.zeros((count, len(words)), np.int64), 0
    for c, word in enumerate(words):
        found[:, c] = word.offset
        for k in range(len(word.bits)):
            top = word.signed and k + 1 == len(word.bits)
            found[:, c] += rows[at + k] << k if not top else -(rows[at + k] << k)
        at += len(word.bits)
    return found
