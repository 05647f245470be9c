"""A model file after validation: plain data, names checked, every initialiser an array."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import CompileError, Origin, quoted
from .elem import Elem


@dataclass(frozen=True, eq=False)
class Constant:
    """A constant tensor in the file's element type."""

    array: np.ndarray
    elem: Elem

    @classmethod
    def of(cls, array: np.ndarray) -> Constant:
        return cls(array, Elem.of_array(array))


@dataclass(frozen=True, slots=True)
class OnnxNode:
    """One node. Tensors among its attributes are Constants; an absent optional input is the empty string."""

    origin: Origin
    domain: str
    op_type: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    place: int = 0
    """Its index in the graph of `Model.proto`; that of `origin` is the file's."""

    def attribute(self, name: str, kind: type, default: Any) -> Any:
        """An attribute of Python type `kind` (int, float, str, tuple, Constant). Raises E013 if it has another."""
        value = self.attributes.get(name)
        if value is None:
            return default
        if not isinstance(value, kind):
            message = f"attribute {quoted(name)} should be {kind.__name__}, not {type(value).__name__}"
            raise CompileError("E013", message, origin=self.origin)
        return value


@dataclass(frozen=True, slots=True)
class Port:
    """A graph input or output. `shape` has None where a dimension is symbolic; it is None where the file has none."""

    name: str
    elem: Elem
    shape: tuple[int | None, ...] | None
    typed: bool = True
    """Whether the file states the element type."""


@dataclass(frozen=True, eq=False)
class Model:
    """A validated file: nodes in topological order, only those that an output needs."""

    nodes: tuple[OnnxNode, ...]
    constants: Mapping[str, Constant]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    opsets: Mapping[str, int]
    sha256: str
    proto: Any = field(repr=False)
    """The onnx.ModelProto, functions inlined, for the comparison with a runtime."""
    places: tuple[int, ...] = field(repr=False)
    """For each of its nodes the index in the file of the one that it came from."""
    folder: Path | None
    """Where external data may lie."""

    @property
    def opset(self) -> int:
        """The version of the default operator set."""
        return self.opsets.get("", 1)
