"""What the control port and weights that can be written cost: the compile's estimate beside what Yosys counts.

    python -m benchmarks.control [--json FILE] [PART OF A NAME …]

One to two minutes a design; LUTs, and what becomes of the file, are as in `benchmarks.resources`.
"""

from __future__ import annotations

from benchmarks.resources import Job, run

TARGETS = {"tfc_1w1a": 2000, "tfc_2w2a": 2000}
"""Cycles a frame."""

DESIGNS: dict[str, dict[str, str]] = {
    "plain": {},
    "control": {"control": "axilite"},
    "rewritable": {"control": "axilite", "rewritable": "all"},
}

if __name__ == "__main__":
    run(
        "control",
        "designs",
        [Job(name, cycles, design, options) for name, cycles in TARGETS.items() for design, options in DESIGNS.items()],
    )
