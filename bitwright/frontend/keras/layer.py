"""What the readers of single layers share: the table of them, their configuration, their weights, their quantizers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import quoted
from . import hgq, qkeras
from .archive import Arrays
from .builder import Builder, Tensor, Values
from .functions import activated
from .network import Spec

MAX_NUMBER = 1 << 24


@dataclass(frozen=True, eq=False)
class Layer:
    """One call of a layer."""

    net: Builder
    spec: Spec
    arrays: Arrays
    operands: tuple[Tensor, ...]

    @property
    def x(self) -> Tensor:
        """The only operand."""
        if len(self.operands) != 1:
            raise self.net.refuse("E047", f"the layer has {len(self.operands)} operands; it must have one")
        return self.operands[0]

    @property
    def of_hgq(self) -> bool:
        return "enable_iq" in self.spec.config or "enable_oq" in self.spec.config

    @property
    def channels_first(self) -> bool:
        return self.spec.config.get("data_format") == "channels_first"

    def get(self, name: str, default: Any = None) -> Any:
        value = self.spec.config.get(name)
        return default if value is None else value

    def number(self, name: str, default: float) -> float:
        value = self.get(name, default)
        if not isinstance(value, int | float) or not np.isfinite(value):
            raise self.wrong(name)
        return float(value)

    def whole(self, name: str, default: int, least: int = 1) -> int:
        value = self.get(name, default)
        if not isinstance(value, int) or not least <= value <= MAX_NUMBER:
            raise self.wrong(name)
        return value

    def wholes(self, name: str, count: int, default: int, least: int = 1) -> tuple[int, ...]:
        """One number an axis, or one for all."""
        value = self.get(name, default)
        values = value if isinstance(value, list) else [value] * count
        if len(values) != count or any(not isinstance(v, int) or not least <= v <= MAX_NUMBER for v in values):
            raise self.wrong(name)
        return tuple(values)

    def wrong(self, name: str) -> Exception:
        return self.net.refuse("E047", f"{name} is {quoted(str(self.spec.config.get(name)))}, which is not supported")

    def weights(self, names: Sequence[str], arrays: Arrays | None = None) -> dict[str, np.ndarray]:
        """Variables by name, float32; all of them must be there."""
        found = dict((arrays or self.arrays).variables(names))
        missing = [n for n in names if n not in found]
        if missing:
            hint = "save the whole model again, with model.save('model.keras')"
            raise self.net.refuse("E049", f"the file has no {', '.join(missing)} for this layer", hint)
        return {n: found[n].astype(np.float32) for n in names}

    def check(self, what: str, array: np.ndarray, shape: Sequence[int]) -> None:
        """Raise E049 unless a variable has the shape that the layer needs."""
        if array.shape != tuple(shape):
            message = f"the {what} has shape {list(array.shape)}; the layer needs {list(shape)}"
            raise self.net.refuse("E049", message, "the file's weights and its configuration do not belong together")

    def quantized(self, array: np.ndarray, key: str, part: str, *, kernel: bool) -> Values:
        """A weight by its quantizer: `key` is QKeras' name for it, `part` HGQ2's."""
        if f"{part}_conf" in self.spec.config:
            form = hgq.read(self.net, self.spec.config[f"{part}_conf"], self.arrays.part(part))
            return array if form is None else form.quantized(self.net, array)
        by = qkeras.parse(self.net, self.spec.config.get(f"{key}_quantizer"))
        if by is None:
            return array
        if isinstance(by, str):
            raise self.net.refuse("E048", f"{quoted(by)} is no quantizer of weights that is known")
        return qkeras.quantized(self.net, by, array, kernel=kernel)

    def input(self, x: Tensor) -> Tensor:
        """The operand through the layer's own input quantizer, where it has one."""
        if not self.of_hgq or not self.get("enable_iq", False):
            return x
        form = hgq.read(self.net, self.spec.config.get("iq_conf"), self.arrays.part("iq"))
        return x if form is None else form.applied(self.net, x)

    def inputs(self) -> list[Tensor]:
        """As `input`, of a layer with several operands."""
        operands = list(self.operands)
        if not self.of_hgq or not self.get("enable_iq", False):
            return operands
        confs, parts = self.get("iq_confs"), self.arrays.parts()
        confs = confs if isinstance(confs, list) else [confs] * len(operands)
        if len(parts) != len(operands) or len(confs) != len(operands):
            raise self.net.refuse("E049", f"the layer has {len(parts)} quantizers for {len(operands)} operands")
        forms = [hgq.read(self.net, c, p) for c, p in zip(confs, parts)]
        return [x if f is None else f.applied(self.net, x) for f, x in zip(forms, operands)]

    def finished(self, y: Tensor) -> Tensor:
        """The result through the layer's activation and its output quantizer."""
        return self.output(activated(self.net, self.spec.config.get("activation"), y))

    def output(self, y: Tensor) -> Tensor:
        if not self.of_hgq or not self.get("enable_oq", False):
            return y
        form = hgq.read(self.net, self.spec.config.get("oq_conf"), self.arrays.part("oq"))
        return y if form is None else form.applied(self.net, y)


Reader = Callable[[Layer], Tensor]
LAYERS: dict[str, Reader] = {}


def layer(*kinds: str) -> Callable[[Reader], Reader]:
    """Register the reader of these classes."""

    def register(function: Reader) -> Reader:
        for kind in kinds:
            if kind in LAYERS:
                raise TypeError(f"layer '{kind}' has two readers")
            LAYERS[kind] = function
        return function

    return register
