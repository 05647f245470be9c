"""A network as the layers of an hls4ml model, with types in which its fixed-point arithmetic is exact.

Values stay the integer codes that they are: a weight or a sum is a fixed-point number without a fraction, wide enough for every
partial sum. A requantiser is a scale and a bias whose fractions are exact, of which the result type rounds and saturates.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, prod
from typing import Any

import numpy as np

from ..boards.hls4ml import Layer, Project
from ..errors import CompileError
from ..ir.graph import Graph, Node
from ..ir.op import Codes
from ..ir.types import IntType, TensorType
from ..ops.add import Add
from ..ops.concat import Concat
from ..ops.dense import Dense
from ..ops.depthwise import Depthwise
from ..ops.mulshift import MulShift
from ..ops.permute import Permute
from ..ops.pool import Pool
from ..ops.reshape import Reshape
from ..ops.shift import Shift
from ..ops.threshold import Threshold
from ..ops.total import Total
from ..ops.window import Window
from ..ops.wrap import Wrap
from ..ops.xnor import Xnor

UNROLLED = 4096
"""Products of a layer that are made at a time; more take turns."""

LAST = {"data_format": "channels_last"}

EXACT = 53
"""Bits of a constant that hls4ml's texts, decimal numbers, keep."""


def fixed(elem: IntType, fraction: int = 0, *, rounding: str = "AP_TRN", overflow: str = "AP_WRAP") -> str:
    """The fixed-point type of an integer type over 2^fraction."""
    sign = "" if elem.signed else "u"
    return f"ap_{sign}fixed<{elem.width},{elem.width - fraction},{rounding},{overflow}>"


def export(graph: Graph) -> Project:
    """The network as hls4ml's layers. Raises CompileError E601 naming the operation that its arithmetic cannot express."""
    return _Exporter(graph).run()


@dataclass
class _Exporter:
    graph: Graph

    def run(self) -> Project:
        self.made = Project(streamed=any(len(t.shape) > 1 for t in self.graph.types.values()))
        (source,), (sink,) = self.graph.inputs, self.graph.outputs
        x = self.graph.inputs[source]
        self.named = {source: "x"}
        attributes = {"class_name": "InputLayer", "name": "x", "input_shape": list(x.shape), **LAST}
        self.made.layers.append(Layer(attributes, {"result": fixed(x.elem)}))
        windows: dict[str, Node] = {}
        for node in self.graph.nodes:
            if isinstance(node.op, Window):
                windows[node.name] = node
            else:
                self._node(node, windows.get(node.inputs[0]))
        if sink in windows:
            raise self._refuse(windows[sink], "a window that nothing sums up has no layer in hls4ml")
        return self.made

    def _node(self, node: Node, window: Node | None) -> None:
        types = [self.graph.types[i] for i in (window or node).inputs]
        inputs = [self.named[i] for i in (window or node).inputs]
        op = node.op
        if window is not None and not isinstance(op, Dense | Depthwise | Pool):
            raise self._refuse(window, f"its windows go to '{op.mnemonic}', which has no layer of windows in hls4ml")
        match op:
            case Dense() if window is None and len(node.type.shape) == 1:
                self._dense(node, op, inputs, types[0])
            case Dense():
                weight = op.weight.reshape(len(op.weight), *self._kernel(window), -1).transpose(1, 2, 3, 0)
                self._conv(node, "Conv2D", window, inputs, types[0], weight, op.bias)
            case Depthwise() if window is not None:
                weight = op.weight.reshape(*self._kernel(window), -1, 1)
                self._conv(node, "DepthwiseConv2D", window, inputs, types[0], weight, op.bias)
            case Pool() if window is not None and op.largest:
                self._add(
                    node,
                    "MaxPooling2D",
                    inputs,
                    self._geometry(node, window, types[0], "pool"),
                    {"accum": fixed(node.type.elem)},
                )
            case Total() if op.largest and len(types[0].shape) == 3:
                height, width, channels = types[0].shape
                shape = {"in_height": height, "in_width": width, "n_filt": channels}
                self._add(node, "GlobalMaxPooling2D", inputs, shape, {"accum": fixed(node.type.elem)})
            case Shift():
                scale = _Scale(np.array([1 << op.left]), op.b, op.right, op.even)
                self._requantise(node, inputs, types[0], scale, op.lo, op.hi)
            case MulShift():
                self._requantise(node, inputs, types[0], _Scale(op.m, op.b, op.shift), op.lo, op.hi)
            case Threshold():
                self._threshold(node, op, inputs, types[0])
            case Wrap() if op.uniform:
                y = IntType(int(op.width[0]), bool(op.signed[0]))
                self._scale(node, node.name, inputs, types[0], _Scale(np.array([1]), np.array([0])), fixed(y))
            case Add() if (op.left, op.right, op.bias) == (1, 1, 0):
                self._add(node, "Merge", inputs, {"op": "add"}, {})
            case Concat():
                self._add(node, "Concatenate", inputs, {"op": f"concatenate{len(node.type.shape)}d", "axis": -1}, {})
            case Reshape():
                self._add(node, "Reshape", inputs, {"target_shape": list(node.type.shape)}, {})
            case Permute() if len(node.type.shape) <= 3:
                self._add(node, "Transpose", inputs, {"perm": op.order.tolist()}, {})
            case Xnor():
                raise self._refuse(
                    node, "the products of bipolar codes are no integer products; hls4ml's types have 0 and 1"
                )
            case _:
                raise self._refuse(node, f"hls4ml's arithmetic has no '{op.mnemonic}' of this form")

    def _refuse(self, node: Node, why: str) -> CompileError:
        origin = node.origin[0] if node.origin else None
        hint = "compile with --backend hls, which has every operator"
        return CompileError("E601", f"hls4ml cannot express {node.name}: {why}", origin=origin, hint=hint)

    def _add(
        self, node: Node, kind: str, inputs: list[str], attributes: dict[str, Any], types: dict[str, str],
        constants: dict[str, Codes] | None = None, fraction: int = 0, result: str = "", name: str = "", reuse: int = 1,
    ) -> None:  # fmt: skip
        name = name or node.name
        told = {"class_name": kind, "name": name, "inputs": inputs, **LAST} | attributes
        types = types | {"result": result or fixed(node.type.elem)}
        self.made.layers.append(Layer(told, types, constants or {}, fraction, reuse))
        self.named[node.name] = name

    def _dense(self, node: Node, op: Dense, inputs: list[str], x: TensorType) -> None:
        rows, columns = op.weight.shape
        attributes = {"n_in": columns, "n_out": rows, "use_bias": True}
        constants, reuse = {"weight_data": op.weight.T, "bias_data": op.bias}, ceil(op.weight.size / UNROLLED)
        self._add(node, "Dense", inputs, attributes, self._sum_types(op.weight.T, op.bias, x), constants, reuse=reuse)

    def _conv(
        self, node: Node, kind: str, window: Node | None, inputs: list[str], x: TensorType, weight: Codes, bias: Codes
    ) -> None:
        attributes = self._geometry(node, window, x, "filt") | {"n_chan": x.vector, "use_bias": True}
        constants = {"weight_data": weight, "bias_data": bias}
        if kind == "DepthwiseConv2D":
            attributes |= {"depth_multiplier": 1}
            constants |= {"depthwise_data": weight}
        types = self._sum_types(weight.reshape(-1, len(bias)), bias, x)
        self._add(node, kind, inputs, attributes, types, constants, reuse=ceil(weight.size / UNROLLED))

    def _kernel(self, window: Node | None) -> tuple[int, int]:
        if window is None:
            return 1, 1
        assert isinstance(window.op, Window)
        height, width = window.op.kernel.tolist()
        return height, width

    def _geometry(self, node: Node, window: Node | None, x: TensorType, kernel: str) -> dict[str, Any]:
        """Sizes, strides and pads as hls4ml names them. It pads with zeros, and has no dilation here."""
        if len(x.shape) > 3:
            raise self._refuse(node, f"it has no images of {len(x.shape)} dimensions")
        height, width = ([1] * (3 - len(x.shape)) + list(x.shape))[:2]
        (kh, kw), (sh, sw), pads = self._kernel(window), (1, 1), [0, 0, 0, 0]
        if window is not None:
            assert isinstance(window.op, Window)
            (sh, sw), pads = window.op.stride.tolist(), window.op.pads.tolist()
            if (window.op.dilation > 1).any():
                raise self._refuse(node, f"it has no dilation of {window.op.dilation.tolist()}")
            if min(pads[:2]) < 0:
                raise self._refuse(node, "its windows do not crop an image")
            pads = pads[:2] + [max(0, p) for p in pads[2:]]  # what no window reaches is left over
            if window.op.padded and (window.op.pad != 0 or isinstance(node.op, Pool)):
                raise self._refuse(node, f"it pads with 0, and not with the code {window.op.pad}")
        rows, columns = ([1] * (3 - len(node.type.shape)) + list(node.type.shape))[:2]
        return {
            "in_height": height, "in_width": width, "out_height": rows, "out_width": columns, "n_filt": node.type.vector,
            f"{kernel}_height": kh, f"{kernel}_width": kw, "stride_height": sh, "stride_width": sw, "padding": "valid",
            "pad_top": pads[0], "pad_left": pads[1], "pad_bottom": pads[2], "pad_right": pads[3],
        }  # fmt: skip

    def _sum_types(self, weight: Codes, bias: Codes, x: TensorType) -> dict[str, str]:
        """Types of weights, bias and sums; these hold every partial sum, in any order."""
        most = int(np.abs(weight).sum(axis=0).max()) * max(abs(x.min), abs(x.max)) + int(np.abs(bias).max())
        kinds = [IntType.covering(int(a.min()), int(a.max())) for a in (weight, bias)]
        return {"weight": fixed(kinds[0]), "bias": fixed(kinds[1]), "accum": fixed(IntType.covering(-most, most))}

    def _threshold(self, node: Node, op: Threshold, inputs: list[str], x: TensorType) -> None:
        """One step is a difference that saturates at 0 and 1; steps that are not alike are no rounding of one scale."""
        if op.thresholds.shape[1] != 1 or op.based:
            count = op.thresholds.shape[1]
            raise self._refuse(node, f"a staircase of {count} steps at places of their own is no scale that is rounded")
        reached = np.clip(op.thresholds[:, 0], x.min - 1, x.max + 1)
        self._requantise(node, inputs, x, _Scale(np.array([1]), 1 - reached), 0, 1)

    def _requantise(self, node: Node, inputs: list[str], x: TensorType, scale: _Scale, lo: int, hi: int) -> None:
        """clip of the scale: the result type rounds and saturates; a range that is no type's takes steps more."""
        scale = scale.within(x, lo, hi)
        low, high = scale.range(x)
        lo, hi = max(lo, low), min(hi, high)
        free, y = IntType.covering(low, high), IntType.covering(lo, hi)
        saturates = {
            (low, high): "AP_WRAP",
            (y.lo, y.hi): "AP_SAT",
            (y.lo + 1, y.hi): "AP_SAT_SYM" if y.signed else None,
        }
        overflow = saturates.get((lo, hi))
        if overflow is not None:
            self._scale(node, node.name, inputs, x, scale, fixed(y, rounding=scale.rounding, overflow=overflow))
            return
        # Moved so that the upper limit is a type's, then so that the lower one is 0, and back.
        self._scale(node, f"{node.name}_round", inputs, x, scale, fixed(free, rounding=scale.rounding))
        here = TensorType.ranged(node.type.shape, [low], [high])
        top = IntType(max(free.width, IntType.covering(lo - hi, 1).width) + 2, True)
        for name, move, type_ in (
            ("upper", top.hi - hi, top),
            ("lower", hi - top.hi - lo, IntType(top.width, False)),
        ):
            step, inputs = _Scale(np.array([1]), np.array([move])), [self.named[node.name]]
            self._scale(node, f"{node.name}_{name}", inputs, here, step, fixed(type_, overflow="AP_SAT"))
            here = TensorType.of(node.type.shape, type_)
        back = _Scale(np.array([1]), np.array([lo]))
        self._scale(node, node.name, [self.named[node.name]], here, back, fixed(node.type.elem))

    def _scale(self, node: Node, name: str, inputs: list[str], x: TensorType, scale: _Scale, result: str) -> None:
        if (scale.m == 1 << scale.shift).all() and not scale.b.any():
            # hls4ml leaves out a layer that only has a type to give: one up, and down again.
            up = TensorType.ranged(node.type.shape, [x.min], [x.max + 1])
            self._scale(node, f"{name}_up", inputs, x, _Scale(np.array([1]), np.array([1])), fixed(up.elem))
            inputs, x, scale = [self.named[node.name]], up, replace(scale, b=np.array([-1 << scale.shift]))
        period = max(len(scale.m), len(scale.b), x.vector)
        kinds = [IntType.covering(int(a.min()), int(a.max())) for a in (scale.m, scale.b)]
        if max(k.width for k in kinds) > EXACT:
            raise self._refuse(node, f"its constants need more than {EXACT} bits")
        attributes = {"n_in": prod(x.shape), "n_filt": period, "use_gamma": True, "use_beta": True}
        constants = {"scale_data": np.resize(scale.m, period), "bias_data": np.resize(scale.b, period)}
        types = {"scale": fixed(kinds[0], scale.shift), "bias": fixed(kinds[1], scale.shift)}
        self._add(node, "BatchNormalization", inputs, attributes, types, constants, scale.shift, result, name)


@dataclass(frozen=True, slots=True)
class _Scale:
    """(m·x + b) / 2^shift, rounded down, or to nearest with ties to even; a constant for all, or one a channel."""

    m: Codes
    b: Codes
    shift: int = 0
    even: bool = False

    @property
    def rounding(self) -> str:
        return "AP_RND_CONV" if self.even else "AP_TRN"

    def range(self, x: TensorType) -> tuple[int, int]:
        """Codes that hold every result, and one more at either end."""
        ends = [
            v * int(m) + int(b)
            for v in (x.min, x.max)
            for m in (self.m.min(), self.m.max())
            for b in (self.b.min(), self.b.max())
        ]
        return (min(ends) >> self.shift) - 1, (max(ends) >> self.shift) + 1

    def within(self, x: TensorType, lo: int, hi: int) -> _Scale:
        """A bias beyond which every operand saturates is as good as a larger one."""
        most = int(np.abs(self.m).max()) * max(abs(x.min), abs(x.max)) + ((max(abs(lo), abs(hi)) + 2) << self.shift)
        most = min(most, 1 << 60)
        return replace(self, b=np.clip(self.b, -most, most))
