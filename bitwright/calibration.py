"""`--calibration`: a float model is quantised before it is compiled, and what was built is measured against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from enum import Enum
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from .design import Design
from .errors import CompileError, quoted
from .frontend.calibrate.quantize import Calibrated, calibrate
from .frontend.calibrate.samples import read_labels, read_samples, suggestion
from .frontend.calibrate.settings import Ranges, Scales, Settings, parse_bits
from .frontend.calibrate.simulate import decibel
from .frontend.input_shape import Shapes
from .frontend.loading import load_model
from .frontend.reader import check_single, check_supported, input_shape

MEASURED = 1024
"""Samples on which what was built is measured."""

E = TypeVar("E", bound=Enum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What a user may choose. `calibration` and `labels` are files or arrays; `bits` are texts like `conv1=4:8`."""

    calibration: str | Path | np.ndarray | None = None
    labels: str | Path | np.ndarray | None = None
    weight_bits: int = 8
    activation_bits: int = 8
    bits: Sequence[str] = ()
    ranges: str = Ranges.MSE.value
    scales: str = Scales.FREE.value
    per_tensor: bool = False
    symmetric: bool = False
    bias_correction: bool = True
    equalise: bool = False

    def settings(self) -> Settings:
        """Raises CompileError E063, E504."""
        return Settings(
            weight_bits=self.weight_bits, activation_bits=self.activation_bits, bits=parse_bits(self.bits),
            ranges=_member(Ranges, "--ranges", self.ranges), scales=_member(Scales, "--scales", self.scales),
            per_tensor=self.per_tensor, symmetric=self.symmetric, bias_correction=self.bias_correction,
            equalise=self.equalise,
        )  # fmt: skip

    def check_unused(self) -> None:
        """Raise CompileError E504 if something is chosen that only calibration data give a meaning."""
        plain = Choices()
        given = self.labels is not None or bool(self.bits)
        others = [f.name for f in fields(plain) if f.name not in ("calibration", "labels", "bits")]
        if self.calibration is None and (given or any(getattr(self, n) != getattr(plain, n) for n in others)):
            message = "options of the quantization were given, but no calibration data"
            raise CompileError("E504", message, hint="give sample inputs: --calibration X.npy")


@dataclass(frozen=True, eq=False)
class Quantised:
    """A model made from a float one, and what the float one was and does."""

    calibrated: Calibrated
    float_sha256: str
    samples_sha256: str
    input_type: str
    """What --input-type could be for such data."""
    labels: NDArray[np.int64] | None = field(repr=False)
    """Of the samples that were used."""


def quantise(model: Path, choices: Choices, input_type: str | None, shapes: Shapes | None = None) -> Quantised:
    """Quantise a model file from its calibration data. Raises CompileError E001–E016, E060–E067."""
    assert choices.calibration is not None
    settings, read = choices.settings(), load_model(model, shapes)
    check_supported(read)
    check_single(read)
    samples = read_samples(choices.calibration, read.inputs[0], input_shape(read)[1:])
    labels = None if choices.labels is None else read_labels(choices.labels, len(samples))
    done = calibrate(read, samples, settings, input_type=input_type)
    digest = sha256(np.ascontiguousarray(samples).tobytes()).hexdigest()
    wanted = suggestion(samples, settings.activation_bits)
    return Quantised(done, read.sha256, digest, wanted, None if labels is None else labels[done.used])


def measure(done: Quantised, design: Design) -> dict[str, Any]:
    """The report of the calibration, completed by what was built does on (at most 1,024 of) the samples.

    Raises CompileError E066 where the labels do not suit the output.
    """
    count = len(done.calibrated.outputs)
    chosen = np.arange(min(count, MEASURED)) * count // min(count, MEASURED)
    exact = done.calibrated.outputs[chosen]
    built = np.asarray(design.predict(done.calibrated.samples[chosen]), np.float64).reshape(exact.shape)
    report = done.calibrated.report | {
        "data_sha256": done.samples_sha256,
        "quantized_sha256": sha256(done.calibrated.model).hexdigest(),
        "measured": len(chosen),
        "sqnr_db": decibel(exact, built),
    }
    if done.labels is not None:
        labels = done.labels[chosen]
        report["accuracy"] = {"float": _accuracy(exact, labels), "quantized": _accuracy(built, labels)}
    return report


def _accuracy(outputs: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """The share of samples whose greatest output (or whose only one, if there is but one) is the label."""
    flat = outputs.reshape(len(outputs), -1)
    if flat.shape[1] > 1 and labels.max() >= flat.shape[1]:
        raise CompileError("E066", f"there is a label {labels.max()}, but the model has {flat.shape[1]} outputs")
    found = flat.argmax(axis=1) if flat.shape[1] > 1 else flat[:, 0]
    return round(float((found == labels).mean()), 4)


def _member(kind: type[E], option: str, value: str) -> E:
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(str(m.value) for m in kind)
        raise CompileError("E504", f"{option} is {known}, not {quoted(value)}") from None
