"""Layers that move, pick, join or combine tensors, and pooling."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log2, prod
from typing import Any

import numpy as np

from . import hgq, qkeras
from .builder import Tensor
from .functions import activated
from .layer import Layer, layer
from .linear import window


@layer("InputLayer")
def input_layer(of: Layer) -> Tensor:
    """Its shape has the batch first; every other axis must have a size."""
    shape = of.get("batch_shape") or of.get("batch_input_shape") or of.spec.build.get("input_shape")
    if not isinstance(shape, list) or not shape:
        raise of.net.refuse(
            "E010", "the model's input has no shape", "begin a Sequential model with keras.Input(shape)"
        )
    if any(not isinstance(d, int) or d < 1 for d in shape[1:]):
        raise of.net.refuse("E010", f"the input's shape {shape} has an axis without a size beside the batch")
    dtype = of.get("dtype", "float32")
    name = (dtype.get("config") or {}).get("name") if isinstance(dtype, dict) else dtype
    if name != "float32":
        raise of.net.refuse("E016", f"the input's type is {name}; float32 is supported")
    return of.net.input(tuple(shape[1:]))


@layer("Dropout", "SpatialDropout1D", "SpatialDropout2D", "AlphaDropout", "GaussianDropout", "GaussianNoise",
       "ActivityRegularization", "Identity")  # fmt: skip
def nothing(of: Layer) -> Tensor:
    """Nothing, in inference."""
    return of.x


@layer("Activation")
def activation(of: Layer) -> Tensor:
    return activated(of.net, of.get("activation"), of.x)


@layer("QActivation")
def q_activation(of: Layer) -> Tensor:
    return activated(of.net, of.get("activation"), of.x, of_qkeras=True)


@layer("QUnaryFunctionLUT")
def table(of: Layer) -> Tensor:
    return of.output(activated(of.net, of.get("activation"), of.input(of.x)))


@layer("Quantizer")
def quantizer(of: Layer) -> Tensor:
    form = hgq.read(of.net, of.get("config"), of.arrays)
    return of.x if form is None else form.applied(of.net, of.x)


@layer("ReLU")
def relu(of: Layer) -> Tensor:
    """0 below the threshold with a slope, up to a greatest value."""
    net, most = of.net, of.get("max_value")
    slope = of.number("negative_slope", 0.0)
    if of.number("threshold", 0.0):
        raise of.wrong("threshold")
    if slope:
        y = net.apply("LeakyRelu", of.x, alpha=slope)
        return y if most is None else net.clip(y, -3e38, of.number("max_value", 0.0))
    return net.apply("Relu", of.x) if most is None else net.clip(of.x, 0.0, of.number("max_value", 0.0))


@layer("LeakyReLU")
def leaky_relu(of: Layer) -> Tensor:
    return of.net.apply("LeakyRelu", of.x, alpha=of.number("negative_slope", of.number("alpha", 0.3)))


@layer("ELU")
def elu(of: Layer) -> Tensor:
    return of.net.apply("Elu", of.x, alpha=of.number("alpha", 1.0))


@layer("Softmax")
def softmax(of: Layer) -> Tensor:
    return of.net.apply("Softmax", of.x, axis=_axis(of, of.x, of.get("axis", -1)))


@layer("Rescaling")
def rescaling(of: Layer) -> Tensor:
    return of.net.add(of.net.mul(of.x, of.number("scale", 1.0)), of.number("offset", 0.0))


# Shapes.


@layer("Flatten")
def flatten(of: Layer) -> Tensor:
    x = of.x
    if of.channels_first and x.rank > 2:
        x = of.net.channels_last(x)
    return of.net.reshape(x, (prod(x.shape),))


@layer("Reshape")
def reshape(of: Layer) -> Tensor:
    size, target = prod(of.x.shape), of.get("target_shape")
    if not isinstance(target, list) or any(not isinstance(d, int) or d < -1 or d == 0 for d in target):
        raise of.wrong("target_shape")
    rest = prod(d for d in target if d != -1)
    shape = [size // max(rest, 1) if d == -1 else d for d in target]
    if target.count(-1) > 1 or prod(shape) != size:
        raise of.net.refuse("E011", f"a tensor of shape {list(of.x.shape)} cannot be reshaped to {target}")
    return of.net.reshape(of.x, shape)


@layer("Permute")
def permute(of: Layer) -> Tensor:
    dims = of.get("dims")
    if not isinstance(dims, list) or sorted(dims) != list(range(1, of.x.rank)):
        raise of.wrong("dims")
    return of.net.transpose(of.x, [0, *dims])


def _spatial(of: Layer, x: Tensor, rank: int) -> list[int]:
    """The axes of the image."""
    if x.rank != rank + 2:
        raise of.net.refuse("E011", f"a tensor of shape {list(x.shape)} has not {rank} spatial axes")
    return list(range(2, rank + 2) if of.channels_first else range(1, rank + 1))


def _sides(of: Layer, name: str, rank: int) -> list[tuple[int, int]]:
    """Begin and end of every spatial axis."""
    value: Any = of.get(name, 1)
    value = [value] * rank if isinstance(value, int) else value
    if rank == 1 and isinstance(value, list) and len(value) == 2 and all(isinstance(v, int) for v in value):
        value = [value]
    pairs = [[v, v] if isinstance(v, int) else v for v in value] if isinstance(value, list) else []
    if len(pairs) != rank or any(not isinstance(p, list) or len(p) != 2 for p in pairs):
        raise of.wrong(name)
    if any(not isinstance(v, int) or not 0 <= v < 1 << 16 for p in pairs for v in p):
        raise of.wrong(name)
    return [(p[0], p[1]) for p in pairs]


@layer("ZeroPadding1D", "ZeroPadding2D")
def zero_padding(of: Layer) -> Tensor:
    rank, x = int(of.spec.kind[-2]), of.x
    pads, shape = [0] * (2 * x.rank), list(x.shape)
    for axis, (first, last) in zip(_spatial(of, x, rank), _sides(of, "padding", rank)):
        pads[axis], pads[axis + x.rank] = first, last
        shape[axis - 1] += first + last
    return of.net.apply("Pad", x, of.net.integers(pads), shape=shape)


@layer("Cropping1D", "Cropping2D")
def cropping(of: Layer) -> Tensor:
    rank, x = int(of.spec.kind[-2]), of.x
    axes, shape = _spatial(of, x, rank), list(x.shape)
    starts, ends = [], []
    for axis, (first, last) in zip(axes, _sides(of, "cropping", rank)):
        starts.append(first)
        ends.append(shape[axis - 1] - last)
        shape[axis - 1] -= first + last
    operands = [of.net.integers(v) for v in (starts, ends, axes)]
    return of.net.apply("Slice", x, *operands, shape=shape)


@layer("UpSampling1D", "UpSampling2D")
def up_sampling(of: Layer) -> Tensor:
    rank, x = int(of.spec.kind[-2]), of.x
    smooth = of.get("interpolation", "nearest")
    if smooth not in ("nearest", "bilinear"):
        raise of.wrong("interpolation")
    factors = of.wholes("size", rank, 2)
    scales, shape = [1.0] * x.rank, list(x.shape)
    for axis, factor in zip(_spatial(of, x, rank), factors):
        scales[axis] = float(factor)
        shape[axis - 1] *= factor
    how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    if smooth == "bilinear":
        how = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
    return of.net.apply("Resize", x, "", of.net.floats(scales), shape=shape, **how)


# Pooling.


@layer("MaxPooling1D", "MaxPooling2D", "QMaxPooling1D", "QMaxPooling2D")
def max_pooling(of: Layer) -> Tensor:
    return of.output(_pooled(of, "MaxPool"))


@layer("AveragePooling1D", "AveragePooling2D", "QAveragePooling1D", "QAveragePooling2D")
def average_pooling(of: Layer) -> Tensor:
    y = _pooled(of, "AveragePool")
    rank = int(of.spec.kind[-2])
    return of.finished(_averaged(of, y, prod(of.wholes("pool_size", rank, 2))))


def _averaged(of: Layer, y: Tensor, area: int) -> Tensor:
    """QKeras multiplies the sum by the quantized inverse of the area."""
    by = qkeras.parse(of.net, of.spec.config.get("average_quantizer"))
    if not isinstance(by, qkeras.Quantizer):
        return y
    found = qkeras.quantized(of.net, by, np.array([1.0 / area], np.float32), kernel=False)
    return of.net.mul(y, float(found.codes[0] * np.float64(found.scale.reshape(-1)[0])) * area)


def _pooled(of: Layer, op_type: str) -> Tensor:
    net, x, rank = of.net, of.input(of.x), int(of.spec.kind[-2])
    size = of.wholes("pool_size", rank, 2)
    strides = size if of.get("strides") is None else of.wholes("strides", rank, 1)
    _spatial(of, x, rank)
    image = x if of.channels_first else net.channels_first(x)
    result, pads = window(of, image.shape[1:], size, strides, (1,) * rank)
    shape = (image.shape[0], *result)
    y = net.apply(op_type, image, shape=shape, kernel_shape=list(size), strides=list(strides), pads=pads)
    return y if of.channels_first else net.channels_last(y)


@layer("GlobalMaxPooling1D", "GlobalMaxPooling2D", "QGlobalMaxPooling1D", "QGlobalMaxPooling2D")
def global_max(of: Layer) -> Tensor:
    return of.output(_reduced(of, of.input(of.x), "ReduceMax"))


@layer("GlobalAveragePooling1D", "GlobalAveragePooling2D", "QGlobalAveragePooling1D", "QGlobalAveragePooling2D")
def global_average(of: Layer) -> Tensor:
    x = of.input(of.x)
    area = prod(x.shape[a - 1] for a in _spatial(of, x, int(of.spec.kind[-2])))
    return of.finished(_averaged(of, _reduced(of, x, "ReduceMean"), area))


def _reduced(of: Layer, x: Tensor, op_type: str) -> Tensor:
    axes, kept = _spatial(of, x, int(of.spec.kind[-2])), bool(of.get("keepdims", False))
    shape = [1 if a in axes else d for a, d in enumerate(x.shape, 1) if kept or a not in axes]
    return of.net.apply(op_type, x, shape=shape, axes=axes, keepdims=int(kept))


# Where tensors meet.


def _axis(of: Layer, x: Tensor, axis: Any) -> int:
    if not isinstance(axis, int) or not -x.rank < axis < x.rank or axis == 0:
        raise of.wrong("axis")
    return axis % x.rank


@layer("Concatenate")
def concatenate(of: Layer) -> Tensor:
    parts = of.operands
    if not parts:
        raise of.net.refuse("E047", "the layer has no operands")
    axis = _axis(of, parts[0], of.get("axis", -1))
    rest = {(*p.shape[: axis - 1], None, *p.shape[axis:]) for p in parts}
    if len(rest) > 1:
        raise of.net.refuse("E011", f"shapes {', '.join(str(list(p.shape)) for p in parts)} cannot be joined")
    shape = list(parts[0].shape)
    shape[axis - 1] = sum(p.shape[axis - 1] for p in parts)
    return of.net.apply("Concat", parts[0], *(p.name for p in parts[1:]), shape=shape, axis=axis)


def _chained(of: Layer, op_type: str, operands: Sequence[Tensor]) -> Tensor:
    if len(operands) < 2:
        raise of.net.refuse("E047", f"the layer has {len(operands)} operands; it must have two at least")
    y = operands[0]
    for other in operands[1:]:
        try:
            shape = np.broadcast_shapes((1, *y.shape), (1, *other.shape))[1:]
        except ValueError:
            message = f"shapes {list(y.shape)} and {list(other.shape)} do not suit each other"
            raise of.net.refuse("E011", message) from None
        y = of.net.apply(op_type, y, other.name, shape=shape)
    return y


def _merge(*kinds: str, op_type: str) -> Callable[[Layer], Tensor]:
    return layer(*kinds)(lambda of: of.output(_chained(of, op_type, of.inputs())))


_merge("Add", "QAdd", op_type="Add")
_merge("Subtract", "QSubtract", op_type="Sub")
_merge("Multiply", "QMultiply", op_type="Mul")


@layer("Average")
def average(of: Layer) -> Tensor:
    y = _chained(of, "Add", of.operands)
    return of.net.apply("Div", y, of.net.floats(len(of.operands)))


@layer("QAveragePow2")
def average_pow2(of: Layer) -> Tensor:
    """The sum times the power of two nearest to 1 / n."""
    y = _chained(of, "Add", of.inputs())
    return of.output(of.net.mul(y, 2.0 ** round(log2(1 / len(of.operands)))))


@layer("QSum", "QMeanPow2")
def total(of: Layer) -> Tensor:
    """A sum over axes, times a scale or the power of two nearest to the mean's."""
    x, kept = of.input(of.x), bool(of.get("keepdims", False))
    given: Any = of.get("axes", -1)
    axes = [_axis(of, x, a) for a in (given if isinstance(given, list) else [given])]
    count = prod(x.shape[a - 1] for a in axes)
    scale = of.number("scale", 1.0) if of.spec.kind == "QSum" else 2.0 ** round(log2(1 / count))
    shape = [1 if a in axes else d for a, d in enumerate(x.shape, 1) if kept or a not in axes]
    return of.output(
        of.net.mul(of.net.apply("ReduceSum", x, of.net.integers(axes), shape=shape, keepdims=int(kept)), scale)
    )
