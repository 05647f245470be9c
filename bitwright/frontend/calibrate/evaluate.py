"""What a network computes in float64, all samples at once along axis 0. A quantised network is simulated in the same way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from onnx.reference import ReferenceEvaluator

from ...errors import CompileError
from ..context import MAX_FRAME
from ..elem import Elem
from ..model import OnnxNode
from ..registry import QONNX, find
from ..spatial import Geometry, geometry
from ..steps import Rounding
from .network import MOVES, Network, node_proto

RESHAPES = ("Reshape", "Flatten", "Squeeze", "Unsqueeze")
CHUNK = 1 << 23  # elements of the windows that are laid out at a time

Floats = NDArray[np.float64]
Operands = Sequence[Floats | None]


class Evaluator:
    """Evaluates nodes of a network one by one; constants that it gets later can be added to `static`."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._moves: dict[tuple[str, ...], list[NDArray[np.int64]]] = {}
        self.static = {name: c.array.astype(np.float64) for name, c in network.constants.items()}
        """The tensors so far that do not depend on the input."""

    def __call__(self, node: OnnxNode, values: dict[str, Floats]) -> None:
        """Add the results of a node to `values`, the tensors (n, *frame) that depend on the input, or to `static`.

        Raises CompileError E064 for quantizers that are not known here, E065 where the node cannot be evaluated.
        """
        operands = [None if not i else values[i] if i in values else self.static[i] for i in node.inputs]
        batched = [bool(i) and i in values for i in node.inputs]
        if any(batched):
            values.update(zip(node.outputs, self._guarded(node, lambda: self._batch(node, operands, batched))))
        else:
            self.static.update(zip(node.outputs, self._guarded(node, lambda: self._any(node, operands))))

    def _guarded(self, node: OnnxNode, step: Callable[[], list[Floats]]) -> list[Floats]:
        try:
            with np.errstate(all="ignore"):
                results = [np.asarray(r, np.float64) for r in step()]
        except CompileError as error:
            raise CompileError(
                error.code, error.message, origin=error.origin or node.origin, hint=error.hint
            ) from error
        except Exception as error:  # onnx.reference raises many kinds
            first = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
            message = f"this node cannot be evaluated on the calibration data: {first}"
            raise CompileError("E065", message, origin=node.origin) from error
        if not all(np.isfinite(r).all() for r in results):
            message = "this node gives NaN or infinity on the calibration data"
            raise CompileError("E065", message, origin=node.origin)
        return results

    def _batch(self, node: OnnxNode, operands: Operands, batched: list[bool]) -> list[Floats]:
        moves = node.op_type in MOVES and node.op_type != "Pad" and not node.domain  # padding may be any number
        if moves and sum(batched) == 1 and batched[0]:
            return self._moved(node, operands)
        count = next(len(v) for v, b in zip(operands, batched) if v is not None and b)
        results = self._any(node, operands)
        if any(r.ndim == 0 or len(r) != count for r in results):
            frames = [self._any(node, [v[i : i + 1] if v is not None and b else v for v, b in zip(operands, batched)])
                      for i in range(count)]  # fmt: skip
            results = [np.concatenate(parts) for parts in zip(*frames)]
        return results

    def _any(self, node: OnnxNode, operands: Operands) -> list[Floats]:
        custom = node.domain or node.op_type in QUANTIZERS or node.op_type in UNKNOWN
        own = _custom(node) if custom else _OWN.get(node.op_type)
        if own is not None:
            return [own(self._network, node, operands)]
        _check_size(node, operands)
        known = self._network.constants
        stated = [c.array if (c := known.get(i)) and not c.elem.is_float else v for i, v in zip(node.inputs, operands)]
        entry = find(node)
        if entry is not None and entry.fold is not None:
            return [entry.fold(node, stated)]  # pyright: ignore[reportArgumentType] (absent operands are None)
        reference = ReferenceEvaluator(node_proto(node), opsets={"": self._network.opset})
        results: Any = reference.run(None, {i: v for i, v in zip(node.inputs, stated) if v is not None})
        return list(results)

    def _moved(self, node: OnnxNode, operands: Operands) -> list[Floats]:
        """What only moves elements: found once, on the numbers of the elements (from 1 on; 0 is padding)."""
        x = operands[0]
        assert x is not None
        if node.outputs not in self._moves:
            numbers = np.arange(1.0, x[0].size + 1).reshape(1, *x.shape[1:])
            found = self._any(node, [numbers, *operands[1:]])
            if any(r.ndim == 0 or len(r) != 1 or (r != np.rint(r)).any() for r in found):
                raise ValueError("its results are not elements of its operand, frame by frame")
            self._moves[node.outputs] = [r.astype(np.int64) for r in found]
        flat = np.concatenate([np.zeros((len(x), 1)), x.reshape(len(x), -1)], axis=1)
        return [flat[:, places.reshape(-1)].reshape(len(x), *places.shape[1:]) for places in self._moves[node.outputs]]


def _check_size(node: OnnxNode, operands: Operands) -> None:
    """Raise CompileError E065 where a frame of the result would be too large."""
    x = operands[0] if operands else None
    if x is None or not x.ndim:
        return
    said = [None if v is None or not v.size else v.reshape(-1).tolist() for v in operands] + [None] * 4
    if node.op_type == "Pad":
        pads, dims = said[1] or node.attribute("pads", tuple, ()), list(x.shape)
        axes = said[3] or range(x.ndim)
        for i, axis in enumerate(axes):
            dims[int(axis)] += int(pads[i] + pads[i + len(axes)])
        _check_elements(node, prod(dims[1:]))
    elif node.op_type == "Expand":
        _check_elements(node, prod(said[1] or ()))
    elif node.op_type in ("Tile", "Upsample", "Resize"):
        factors = said[2] or said[1] or node.attribute("scales", tuple, ())
        _check_elements(node, prod(said[3] or ()) if said[3] else x[0].size * prod(factors))


def _check_elements(node: OnnxNode, size: float) -> None:
    if size > MAX_FRAME:
        raise CompileError("E065", f"{node.op_type} makes too many elements to evaluate", origin=node.origin)


def _needed(operands: Operands, index: int) -> Floats:
    value = operands[index] if index < len(operands) else None
    if value is None:
        raise ValueError(f"operand {index} is missing")
    return value


# Convolutions and pools: (n, C, H, W), or (n, C, L) seen as (n, C, 1, L).


def _images(x: Floats) -> Floats:
    if x.ndim not in (3, 4):
        raise ValueError(f"an operand of shape {list(x.shape)} is no image")
    return x if x.ndim == 4 else x[:, :, None]


def _windows(node: OnnxNode, x: Floats, where: Geometry, fill: float) -> Floats:
    """A view (n, C, OH, OW, KH, KW) of an image with its padding."""
    top, left, bottom, right = where.pads
    _check_elements(node, x.shape[1] * (x.shape[2] + top + max(bottom, 0)) * (x.shape[3] + left + max(right, 0)))
    padded = np.pad(x, ((0, 0), (0, 0), (top, max(bottom, 0)), (left, max(right, 0))), constant_values=fill)
    reach = tuple((k - 1) * d + 1 for k, d in zip(where.kernel, where.dilation))
    view = sliding_window_view(padded, reach, axis=(2, 3))
    (sy, sx), (dy, dx), (rows, columns) = where.stride, where.dilation, where.result
    return view[:, :, ::sy, ::sx, ::dy, ::dx][:, :, :rows, :columns]


def _conv(_: Network, node: OnnxNode, operands: Operands) -> Floats:
    x, w = _needed(operands, 0), _needed(operands, 1)
    where = geometry(node, x.shape[2:], w.shape[2:])
    kernel = _images(w)
    view, group = _windows(node, _images(x), where, 0.0), node.attribute("group", int, 1)
    _check_elements(node, len(w) * prod(where.result))
    y = np.empty((len(x), len(w), *where.result))
    each, wide = len(w) // group, w.shape[1]
    if wide * group != x.shape[1] or each * group != len(w):
        raise ValueError(f"weights of shape {list(w.shape)} in {group} groups do not suit {x.shape[1]} channels")
    if wide == 1 and each == 1:
        y[:] = 0
        for r in range(where.kernel[0]):
            for c in range(where.kernel[1]):
                y += view[..., r, c] * kernel[None, :, 0, r, c, None, None]
    else:
        step = max(1, CHUNK // max(1, wide * where.taps * where.result[0] * where.result[1]))
        for g in range(group):
            own, outputs = slice(g * wide, (g + 1) * wide), slice(g * each, (g + 1) * each)
            for i in range(0, len(x), step):
                part = np.tensordot(view[i : i + step, own], kernel[outputs], axes=((1, 4, 5), (1, 2, 3)))
                y[i : i + step, outputs] = part.transpose(0, 3, 1, 2)
    bias = operands[2] if len(operands) > 2 else None
    y = y if bias is None else y + bias[:, None, None]
    return y if x.ndim == 4 else y[:, :, 0]


def _max_pool(_: Network, node: OnnxNode, operands: Operands) -> Floats:
    x = _needed(operands, 0)
    view = _windows(node, _images(x), geometry(node, x.shape[2:]), -np.inf)
    y = view[..., 0, 0].copy()
    for r in range(view.shape[4]):
        for c in range(view.shape[5]):
            np.maximum(y, view[..., r, c], out=y)
    return y if x.ndim == 4 else y[:, :, 0]


def _average_pool(_: Network, node: OnnxNode, operands: Operands) -> Floats:
    x = _needed(operands, 0)
    where, image = geometry(node, x.shape[2:]), _images(x)
    view = _windows(node, image, where, 0.0)
    counted = where.explicit if node.attribute("count_include_pad", int, 0) else (0, 0, 0, 0)
    y = sum((view[..., r, c] for r in range(view.shape[4]) for c in range(view.shape[5])), np.zeros(view.shape[:4]))
    y = y / where.inside(image.shape[2:], counted)
    return y if x.ndim == 4 else y[:, :, 0]


def _gemm(_: Network, node: OnnxNode, operands: Operands) -> Floats:
    a, b = _needed(operands, 0), _needed(operands, 1)
    a = a.T if node.attribute("transA", int, 0) else a
    y = a @ (b.T if node.attribute("transB", int, 0) else b) * node.attribute("alpha", float, 1.0)
    c = operands[2] if len(operands) > 2 else None
    return y if c is None else y + c * node.attribute("beta", float, 1.0)


def _batch_normalization(_: Network, node: OnnxNode, operands: Operands) -> Floats:
    x = _needed(operands, 0)
    factor, term = affine_of(node, operands)
    along = (-1, *(1,) * (x.ndim - 2))
    return x * factor.reshape(along) + term.reshape(along)


def affine_of(node: OnnxNode, operands: Operands) -> tuple[Floats, Floats]:
    """BatchNormalization as factor and term of each channel."""
    scale, bias, mean, var = (_needed(operands, i) for i in (1, 2, 3, 4))
    factor = scale / np.sqrt(var + node.attribute("epsilon", float, 1e-5))
    return factor, bias - mean * factor


def _same(_: Network, node: OnnxNode, operands: Operands) -> Floats:
    code = node.attribute("to", int, 0)
    if code and not Elem.of_code(code, "the result", node.origin).is_float:
        return np.trunc(_needed(operands, 0))
    return _needed(operands, 0)


def _concat(_: Network, node: OnnxNode, operands: Operands) -> Floats:
    parts = [v for v in operands if v is not None]
    return np.concatenate(parts, axis=node.attribute("axis", int, 0))


def reshaped(node: OnnxNode, x: Any, operand: Any) -> Any:
    """Reshape, Flatten, Squeeze or Unsqueeze of a constant or of one frame; `operand` is the shape or the axes."""
    said = node.attribute("axes", tuple, None) if operand is None else [int(v) for v in np.asarray(operand).reshape(-1)]
    if node.op_type == "Reshape":
        keep = not node.attribute("allowzero", int, 0)
        return x.reshape([x.shape[i] if d == 0 and keep else d for i, d in enumerate(said)])
    if node.op_type == "Flatten":
        axis = node.attribute("axis", int, 1)
        axis = axis + x.ndim if axis < 0 else axis
        return x.reshape(prod(x.shape[:axis]), -1)
    if node.op_type == "Squeeze":
        return np.squeeze(x, None if said is None else tuple(said))
    return np.expand_dims(x, tuple(said))


def _reshaped(_: Network, node: OnnxNode, operands: Operands) -> Floats:
    return reshaped(node, _needed(operands, 0), operands[1] if len(operands) > 1 else None)


def _relu(_: Network, node: OnnxNode, operands: Operands) -> Floats:
    return np.maximum(_needed(operands, 0), 0.0)


# Quantizers that the model has already.


def _quant(_: Network, node: OnnxNode, operands: Operands) -> Floats:
    x, scale, zero, width = (_needed(operands, i) for i in range(4))
    bits = float(width.reshape(-1)[0])
    signed, narrow = (bool(node.attribute(name, int, 0)) for name in ("signed", "narrow"))
    if bits == 1 and signed:
        return np.where(x / scale + zero >= 0, 1.0, -1.0) * scale - zero * scale
    low = float(narrow) - 2.0 ** (bits - 1) if signed else 0.0
    high = 2.0 ** (bits - signed) - 1 - (narrow and not signed)
    code = np.clip(x / scale + zero, low, high)
    return (_rounded(code, node.attribute("rounding_mode", str, "ROUND")) - zero) * scale


def _rounded(t: Floats, mode: str) -> Floats:
    rounding = Rounding.parse(mode)
    match rounding:
        case Rounding.CEIL:
            return np.ceil(t)
        case Rounding.FLOOR:
            return np.floor(t)
        case Rounding.UP:
            return np.sign(t) * np.ceil(np.abs(t))
        case Rounding.DOWN:
            return np.trunc(t)
        case Rounding.HALF_UP:
            return np.sign(t) * np.floor(np.abs(t) + 0.5)
        case Rounding.HALF_DOWN:
            return np.sign(t) * np.ceil(np.abs(t) - 0.5)
        case Rounding.HALF_EVEN:
            return np.rint(t)


def _bipolar_quant(_: Network, node: OnnxNode, operands: Operands) -> Floats:
    return np.where(_needed(operands, 0) >= 0, 1.0, -1.0) * _needed(operands, 1)


def _quantize_linear(network: Network, node: OnnxNode, operands: Operands) -> Floats:
    x = _needed(operands, 0)
    scale, zero = _linear(node, operands, x.ndim)
    elem = network.constants[node.inputs[2]].elem if len(node.inputs) > 2 and node.inputs[2] else Elem.UINT8
    return np.clip(np.rint(x / scale) + zero, elem.integers.lo, elem.integers.hi)


def _dequantize_linear(_: Network, node: OnnxNode, operands: Operands) -> Floats:
    x = _needed(operands, 0)
    scale, zero = _linear(node, operands, x.ndim)
    return (x - zero) * scale


def _linear(node: OnnxNode, operands: Operands, rank: int) -> tuple[Floats, Floats]:
    """Scale and zero point, laid along their axis."""
    scale = _needed(operands, 1)
    zero = operands[2] if len(operands) > 2 and operands[2] is not None else np.zeros_like(scale)
    if scale.size == 1:
        return scale.reshape(()), zero.reshape(())
    axis = node.attribute("axis", int, 1) % rank
    along = tuple(-1 if a == axis else 1 for a in range(rank))
    return scale.reshape(along), zero.reshape(along)


Own = Callable[[Network, OnnxNode, Operands], Floats]
_OWN: dict[str, Own] = {
    "Conv": _conv, "MaxPool": _max_pool, "AveragePool": _average_pool, "Gemm": _gemm, "Concat": _concat, "Relu": _relu,
    "BatchNormalization": _batch_normalization, "Identity": _same, "Dropout": _same, "Cast": _same,
    **dict.fromkeys(RESHAPES, _reshaped), "QuantizeLinear": _quantize_linear, "DequantizeLinear": _dequantize_linear,
}  # fmt: skip
UNKNOWN = ("QLinearConv", "QLinearMatMul", "MatMulInteger", "ConvInteger", "Trunc", "MultiThreshold")
"""Of partly quantised models that are not simulated."""
QUANTIZERS: dict[str, Own] = {"Quant": _quant, "IntQuant": _quant, "BipolarQuant": _bipolar_quant}


def _custom(node: OnnxNode) -> Own:
    if node.domain in QONNX and node.op_type in QUANTIZERS:
        return QUANTIZERS[node.op_type]
    raise CompileError(
        "E064",
        f"a partly quantized model with {node.op_type} cannot be completed from calibration data",
        origin=node.origin,
        hint="quantize the whole model where it was trained, or give the float model",
    )
