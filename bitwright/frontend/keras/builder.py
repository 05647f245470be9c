"""The model as ONNX nodes while it is built: every tensor in Keras' own shape and order of axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from ...errors import CompileError, Origin
from ..context import MAX_FRAME
from ..registry import OWN
from .network import Spec

OPSET = 13
IR_VERSION = 8
QONNX_DOMAIN = "qonnx.custom_op.general"
MAX_CODE = 1 << 31


@dataclass(frozen=True)
class Tensor:
    """A tensor of the model; `shape` is that of a frame, without the batch axis."""

    name: str
    shape: tuple[int, ...]

    @property
    def rank(self) -> int:
        """With the batch axis."""
        return len(self.shape) + 1


@dataclass(frozen=True, eq=False)
class Weight:
    """Real numbers codes · scale; `codes` are integers, `scale` is float32 and broadcasts to them."""

    codes: np.ndarray
    scale: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        return self.codes.shape

    def transposed(self, perm: Sequence[int]) -> Weight:
        return Weight(self.codes.transpose(perm), self._full().transpose(perm))

    def reshaped(self, shape: Sequence[int]) -> Weight:
        """Under another shape; a scale that is not one number becomes one an element."""
        if self.scale.size == 1:
            return Weight(self.codes.reshape(shape), self.scale.reshape((1,) * len(shape)))
        return Weight(self.codes.reshape(shape), np.broadcast_to(self.scale, self.codes.shape).reshape(shape))

    def _full(self) -> np.ndarray:
        return self.scale.reshape((1,) * (self.codes.ndim - self.scale.ndim) + self.scale.shape)


Values = np.ndarray | Weight
"""A constant: float numbers as they are in the file, or quantized ones."""


@dataclass
class Builder:
    """Nodes and constants so far. `origins` has that of every node."""

    nodes: list[NodeProto] = field(default_factory=list)
    constants: list[TensorProto] = field(default_factory=list)
    origins: list[Origin] = field(default_factory=list)
    inputs: list[ValueInfoProto] = field(default_factory=list)
    generation: int = 3
    """Of Keras, which has changed some definitions: 2 or 3."""
    current: Spec | None = None
    """The layer that nodes are made for."""

    @property
    def spec(self) -> Spec:
        assert self.current is not None
        return self.current

    def refuse(self, code: str, message: str, hint: str = "") -> CompileError:
        """An error at the layer that is being read."""
        return CompileError(code, message, origin=self.spec.origin, hint=hint)

    def input(self, shape: tuple[int, ...]) -> Tensor:
        name = self.spec.name or "input"
        self.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", *shape]))
        return Tensor(name, shape)

    def constant(self, array: np.ndarray) -> str:
        name = f"constant {len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def floats(self, values: Any) -> str:
        return self.constant(np.asarray(values, np.float32))

    def integers(self, values: Sequence[int]) -> str:
        return self.constant(np.asarray(values, np.int64))

    def node(self, op_type: str, operands: Sequence[str], *, domain: str = "", **attributes: Any) -> str:
        spec = self.spec
        result = f"{spec.label} {len(self.nodes)}"
        self.nodes.append(helper.make_node(op_type, list(operands), [result], result, domain=domain, **attributes))
        self.origins.append(spec.origin)
        return result

    def apply(
        self,
        op_type: str,
        x: Tensor,
        *operands: str,
        shape: Sequence[int] | None = None,
        domain: str = "",
        **attributes: Any,
    ) -> Tensor:
        """One node on a tensor; its result has that shape, or the tensor's own."""
        result = x.shape if shape is None else tuple(int(d) for d in shape)
        if any(d < 1 for d in result):
            raise self.refuse("E010", f"the layer makes a tensor of shape {list(result)}, which is empty")
        if prod(result) > MAX_FRAME:
            raise self.refuse("E004", f"the layer makes {prod(result):,} elements; the limit is {MAX_FRAME:,}")
        return Tensor(self.node(op_type, [x.name, *operands], domain=domain, **attributes), result)

    def mul(self, x: Tensor, factor: Any) -> Tensor:
        """Times a constant that does not enlarge the tensor."""
        return x if np.all(np.asarray(factor) == 1) else self.apply("Mul", x, self.floats(factor))

    def add(self, x: Tensor, term: Any) -> Tensor:
        return x if np.all(np.asarray(term) == 0) else self.apply("Add", x, self.floats(term))

    def clip(self, x: Tensor, low: float, high: float) -> Tensor:
        return self.apply("Clip", x, self.floats(low), self.floats(high))

    def transpose(self, x: Tensor, perm: Sequence[int]) -> Tensor:
        """`perm` has the batch axis in it, which stays."""
        if list(perm) == list(range(x.rank)):
            return x
        return self.apply("Transpose", x, shape=[x.shape[p - 1] for p in perm[1:]], perm=list(perm))

    def reshape(self, x: Tensor, shape: Sequence[int]) -> Tensor:
        if tuple(shape) == x.shape:
            return x
        return self.apply("Reshape", x, self.integers([0, *shape]), shape=shape)

    def channels_first(self, x: Tensor) -> Tensor:
        return self.transpose(x, (0, x.rank - 1, *range(1, x.rank - 1)))

    def channels_last(self, x: Tensor) -> Tensor:
        return self.transpose(x, (0, *range(2, x.rank), 1))

    def quant(self, x: Tensor, scale: float, bits: int, *, signed: bool, narrow: bool = False) -> Tensor:
        """The nearest multiple of scale (ties to even), saturated to so many bits."""
        if bits == 1 and signed:
            raise self.refuse("E048", "a signed quantizer of one bit is not supported here")
        operands = self.floats(scale), self.floats(0.0), self.floats(bits)
        how: dict[str, Any] = {"signed": int(signed), "narrow": int(narrow), "rounding_mode": "ROUND"}
        return self.apply("Quant", x, *operands, domain=QONNX_DOMAIN, **how)

    def fixed_point(self, x: Tensor, k: Any, i: Any, f: Any, rounding: str, overflow: str) -> Tensor:
        operands = [self.floats(v) for v in (k, i, f)]
        return self.apply("FixedPoint", x, *operands, domain=OWN[0], rounding=rounding, overflow=overflow)

    def values(self, values: Values) -> str:
        """A constant as the model has it: quantized ones as integers times their scale."""
        if not isinstance(values, Weight):
            return self.floats(values)
        if values.codes.size and np.abs(values.codes).max() >= MAX_CODE:
            hint = "quantize to fewer bits"
            raise self.refuse("E027", "a quantized weight needs more than 32 bits", hint)
        codes = self.constant(values.codes.astype(np.int32))
        if values.scale.size == 1:
            return self.node("DequantizeLinear", [codes, self.floats(values.scale.reshape(()))])
        whole = self.node("DequantizeLinear", [codes, self.floats(1.0)])
        rank = values.codes.ndim
        scale = values.scale.reshape((1,) * (rank - values.scale.ndim) + values.scale.shape)
        return self.node("Mul", [whole, self.floats(_collapsed(scale))])

    def model(self, output: Tensor, name: str) -> ModelProto:
        self.nodes.append(helper.make_node("Identity", [output.name], [name], "output"))
        self.origins.append(self.spec.origin)
        result = helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", *output.shape])
        graph = helper.make_graph(self.nodes, "keras", self.inputs, [result], self.constants)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(QONNX_DOMAIN, 1), helper.make_opsetid(OWN[0], 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)


def _collapsed(scale: np.ndarray) -> np.ndarray:
    """Size 1 along every axis on which nothing changes."""
    for axis in range(scale.ndim):
        first = scale.take([0], axis=axis)
        if scale.shape[axis] > 1 and (scale == first).all():
            scale = first
    return scale
