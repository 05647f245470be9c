"""Networks of fixed-point numbers, written down in Python instead of read from a file: a type of its own a channel.

    net = FixedPoint(signed=[1, 1, 0], integer=[3, 3, 2], fraction=[4, 2, 0])
    net.dense(kernel, bias)
    net.relu()
    net.quantize(signed=[0] * 8, integer=[2] * 8, fraction=[3] * 8, rounding="half_up", overflow="wrap")
    net.dense(kernel2, bias2)
    bitwright.compile(net, "build", style="spatial")

Kernels are of floats that are multiples of powers of two. Codes in and out are integers; `input_scale` and
`output_scale` say what they count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import CompileError
from .ir.graph import Graph, Node
from .ir.op import Codes, Op
from .ir.text import print_graph
from .ir.types import TensorType
from .ops.dense import Dense
from .ops.mulshift import MulShift
from .ops.wrap import Wrap

FAR = 1 << 60
"""A limit that no code reaches."""

MOST_FRACTION = 40
"""Bits of weights."""

Rounding = Literal["half_up", "down"]
Overflow = Literal["wrap", "saturate"]


@dataclass(frozen=True, eq=False)
class Built:
    """A network with the host's side of it."""

    graph: Graph
    boundary: Mapping[str, Any]
    model_hash: str


class FixedPoint:
    """A chain of layers over one vector. A channel of no bits (its three figures sum to 0 or less) is constant 0."""

    def __init__(self, signed: ArrayLike, integer: ArrayLike, fraction: ArrayLike) -> None:
        """The input: of each channel whether it is signed, and its integer bits (without the sign) and fraction bits."""
        sign, self._fraction, width = _formats(signed, integer, fraction)
        self._live, self._rectified = width > 0, False
        lo = np.where(sign & (width > 0), -(1 << np.maximum(width - 1, 0)), 0)
        hi = np.where(width > 0, lo + (1 << width) - 1, 0)
        self._x = TensorType.ranged((len(width),), lo.tolist(), hi.tolist())
        self._nodes: list[Node] = []
        self.input_scale = 2.0**-self._fraction

    @property
    def graph(self) -> Graph:
        """The network so far."""
        self._rectify()
        return Graph({"x": self._x}, tuple(self._nodes), (self._name,))

    @property
    def output_scale(self) -> NDArray[np.float64]:
        """What a code of each output channel counts."""
        return np.broadcast_to(np.exp2(-self._fraction.astype(np.float64)), (self._type.vector,))

    def dense(self, kernel: ArrayLike, bias: ArrayLike = 0.0) -> None:
        """y = x @ kernel + bias, exact; kernel of shape (inputs, outputs). Raises CompileError E013."""
        self._rectify()
        weight = np.asarray(kernel, np.float64) * (2.0**-self._fraction * self._live)[:, None]
        biases = np.broadcast_to(np.asarray(bias, np.float64), weight.shape[1:])
        fraction = _fraction_bits(np.concatenate([weight.ravel(), biases]))
        whole = np.rint(weight * 2.0**fraction).astype(np.int64).T
        self._add("dense", Dense(whole, np.rint(biases * 2.0**fraction).astype(np.int64)))
        self._fraction, self._live = np.full(len(whole), fraction), np.ones(len(whole), np.bool_)

    def relu(self) -> None:
        """Part of the quantizer behind it, if there is one: rounding is monotone, and 0 stays 0."""
        self._rectified = True

    def quantize(
        self, signed: ArrayLike, integer: ArrayLike, fraction: ArrayLike,
        rounding: Rounding = "half_up", overflow: Overflow = "wrap",
    ) -> None:  # fmt: skip
        """Each channel to its own type."""
        sign, wanted, width = _formats(signed, integer, fraction)
        least = 0 if self._rectified else -FAR
        self._rectified = False
        right = self._fraction - wanted
        shift = max(0, int(right.max()))
        half = np.where(right > 0, 1 << np.maximum(right - 1, 0), 0) if rounding == "half_up" else np.zeros_like(right)
        scale = 1 << (shift - right)
        if overflow == "wrap":
            self._add("round", MulShift(scale, half * scale, shift, least, FAR))
            self._add("wrap", Wrap(width, sign.astype(np.int64)))
        else:
            lo = np.where(sign & (width > 0), -(1 << np.maximum(width - 1, 0)), 0)
            if len(set(zip(lo.tolist(), width.tolist(), strict=True))) > 1:
                raise CompileError("E048", "saturation needs the same width and sign in every channel",
                                   hint="quantize with overflow='wrap', or to one type")  # fmt: skip
            low = int(lo[0])
            self._add("round", MulShift(scale, half * scale, shift, max(low, least), low + (1 << int(width[0])) - 1))
        self._fraction, self._live = wanted, width > 0

    def built(self) -> Built:
        """What a model file would give."""
        graph = self.graph
        text, constants = print_graph(graph)
        digest = sha256(text.encode() + b"".join(constants[k].tobytes() for k in sorted(constants))).hexdigest()

        def side(name: str, type_: TensorType, **more: Any) -> dict[str, Any]:
            code = {"lo": type_.min, "hi": type_.max, "width": type_.elem.width, "signed": type_.elem.signed}
            return {"name": name, "shape": list(type_.shape), "dtype": "int64", "code": code} | more

        plain = {"kind": "integer", "offset": 0}
        boundary = {
            "input": side("x", self._x, encode=plain),
            "output": side(self._name, self._type, decode=plain, post=None),
        }
        return Built(graph, boundary, digest)

    def _rectify(self) -> None:
        if self._rectified:
            self._add("relu", MulShift(np.array([1]), np.array([0]), 0, 0, FAR))
            self._rectified = False

    @property
    def _type(self) -> TensorType:
        return self._nodes[-1].type if self._nodes else self._x

    @property
    def _name(self) -> str:
        return self._nodes[-1].name if self._nodes else "x"

    def _add(self, name: str, op: Op) -> None:
        node = Node(f"{name}{len(self._nodes)}", op, (self._name,), op.infer(self._type))
        self._nodes.append(node)


def _formats(signed: ArrayLike, integer: ArrayLike, fraction: ArrayLike) -> tuple[NDArray[np.bool_], Codes, Codes]:
    """Of each channel: sign, fraction bits and width."""
    sign, whole, part = np.broadcast_arrays(
        np.asarray(signed, np.bool_), np.asarray(integer, np.int64), np.asarray(fraction, np.int64)
    )
    return sign, part.copy(), np.maximum(sign + whole + part, 0)


def _fraction_bits(values: NDArray[np.float64]) -> int:
    """The fewest fraction bits that hold all values. Raises CompileError E013 where none do."""
    for bits in range(MOST_FRACTION + 1):
        if (np.rint(values * 2.0**bits) == values * 2.0**bits).all():
            return bits
    raise CompileError("E013", "the weights are not multiples of a power of two", hint="quantize them first")
