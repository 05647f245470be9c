"""`--compare`: the model in the ONNX oracle beside its exact meaning, every difference judged."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .boards.host import Boundary
from .design import QUANTIZED, Design
from .frontend.compare import compare
from .frontend.input_shape import parse_shapes
from .frontend.reader import import_model

SAMPLES = 16
SEED = 0


def compare_with_onnx(model: Path, design: Design) -> dict[str, Any]:
    """Run made-up samples through the oracle and count differences (`elements`, `explained`, `unexplained`, `max`).

    A model that calibration quantised is compared as it was quantised.
    """
    options = design.manifest["options"]
    if "calibration" in design.manifest:
        imported = import_model(
            design.folder / QUANTIZED, input_type=options["input_type"], rewritable=options["rewritable"]
        )
    else:
        imported = import_model(
            model,
            input_type=options["input_type"],
            shapes=parse_shapes(options["shape"]),
            rewritable=options["rewritable"],
        )
    return asdict(compare(imported, random_samples(imported.boundary["input"], design.boundary, SAMPLES, SEED)))


def random_samples(spec: dict[str, Any], boundary: Boundary, count: int, seed: int) -> NDArray[Any]:
    """ONNX inputs (count, *shape) that reach all codes of the input: uniform a little beyond its quantizer's range."""
    rng, shape, rule = np.random.default_rng(seed), (count, *boundary.input.shape), spec["encode"]
    if rule["kind"] == "integer":
        return rng.integers(boundary.input.lo, boundary.input.hi + 1, shape).astype(spec["dtype"]) - rule["offset"]
    if rule["kind"] == "grid":
        low, high = (np.ldexp(float(rule[end]), -rule["exp"]) for end in ("lo", "hi"))
    elif rule["kind"] == "fixed":
        low = min(np.ldexp(float(a), -e) for a, e in zip(rule["lo"], rule["exp"]))
        high = max(np.ldexp(float(b), -e) for b, e in zip(rule["hi"], rule["exp"]))
    else:
        edges = [float.fromhex(e) for row in rule["edges"] for e in row]
        low, high = min(edges, default=-1.0), max(edges, default=1.0)
    margin = max(0.1 * (high - low), 2.0**-4 * max(abs(low), abs(high), 1.0))
    return rng.uniform(low - margin, high + margin, shape).astype(spec["dtype"])
