"""Layers with weights: dense, convolutions, batch normalization, and those that fold it into their kernel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...errors import quoted
from . import qkeras
from .builder import Tensor, Values, Weight
from .layer import Layer, layer
from .network import class_of, spec_of

STATISTICS = ("gamma", "beta", "moving_mean", "moving_variance")


def _shaped(values: Values, shape: Sequence[int]) -> Values:
    return values.reshaped(shape) if isinstance(values, Weight) else values.reshape(shape)


def _moved(values: Values, perm: Sequence[int]) -> Values:
    return values.transposed(perm) if isinstance(values, Weight) else values.transpose(perm)


def _bias(of: Layer, own: dict[str, np.ndarray], count: int) -> Values | None:
    if "bias" not in own:
        return None
    of.check("bias", own["bias"], (count,))
    return of.quantized(own["bias"], "bias", "bq", kernel=False)


def _names(of: Layer, *kernels: str) -> tuple[str, ...]:
    return (*kernels, "bias") if of.get("use_bias", True) else kernels


@layer("Dense", "QDense")
def dense(of: Layer) -> Tensor:
    """x (…, inputs) times the kernel (inputs, units)."""
    own = of.weights(_names(of, "kernel"))
    return _dense(of, own["kernel"], own)


def _dense(of: Layer, kernel: np.ndarray, own: dict[str, np.ndarray], form: Values | None = None,
           bias: Values | None = None) -> Tensor:  # fmt: skip
    net, x = of.net, of.input(of.x)
    if not x.shape:
        raise net.refuse("E011", "a dense layer needs an axis beside the batch")
    of.check("kernel", kernel, (x.shape[-1], of.whole("units", 0)))
    matrix = of.quantized(kernel, "kernel", "kq", kernel=True) if form is None else form
    y = net.apply("MatMul", x, net.values(matrix), shape=(*x.shape[:-1], kernel.shape[1]))
    term = _bias(of, own, kernel.shape[1]) if bias is None else bias
    if term is not None:
        y = net.apply("Add", y, net.values(term))
    return of.finished(y)


@layer("Conv1D", "Conv2D", "QConv1D", "QConv2D")
def conv(of: Layer) -> Tensor:
    """A kernel (…spatial, inputs / groups, filters)."""
    own = of.weights(_names(of, "kernel"))
    rank = own["kernel"].ndim - 2
    kernel = own["kernel"]
    of.check("kernel", kernel, _kernel_shape(of, rank, kernel))
    x = of.input(of.x)
    form = of.quantized(kernel, "kernel", "kq", kernel=True)
    return of.finished(_convolved(of, x, form, _bias(of, own, kernel.shape[-1]), of.whole("groups", 1)))


def _kernel_shape(of: Layer, rank: int, kernel: np.ndarray) -> tuple[int, ...]:
    """What the configuration says of a kernel; the channels are checked with the operand."""
    if rank not in (1, 2):
        raise of.net.refuse("E049", f"the kernel has {kernel.ndim} axes")
    return (*of.wholes("kernel_size", rank, 0), kernel.shape[-2], of.whole("filters", 0))


def _convolved(
    of: Layer, x: Tensor, kernel: Values, bias: Values | None, groups: int, *, stride: bool = True
) -> Tensor:
    """The kernel as Keras has it, (…spatial, inputs / groups, filters)."""
    net, rank = of.net, len(kernel.shape) - 2
    if x.rank != rank + 2:
        raise net.refuse("E011", f"a tensor of shape {list(x.shape)} does not suit a convolution in {rank} dimensions")
    image = x if of.channels_first else net.channels_first(x)
    if kernel.shape[-2] * groups != image.shape[0] or kernel.shape[-1] % groups:
        message = f"a kernel of shape {list(kernel.shape)} in {groups} groups does not suit {image.shape[0]} channels"
        raise net.refuse("E049", message)
    ones = (1,) * rank
    strides = of.wholes("strides", rank, 1) if stride else ones
    dilations = of.wholes("dilation_rate", rank, 1) if stride else ones
    size, pads = window(of, image.shape[1:], kernel.shape[:-2], strides, dilations, padded=stride)
    operands = [net.values(_moved(kernel, (rank + 1, rank, *range(rank))))]
    if bias is not None:
        operands.append(net.values(bias))
    y = net.apply(
        "Conv", image, *operands, shape=(kernel.shape[-1], *size), group=groups, strides=list(strides),
        dilations=list(dilations), pads=pads,
    )  # fmt: skip
    return y if of.channels_first else net.channels_last(y)


def window(of: Layer, spatial: Sequence[int], kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int],
            *, padded: bool = True) -> tuple[list[int], list[int]]:  # fmt: skip
    """The positions of a window and the pads, begin and end, that the layer's padding means."""
    padding = of.get("padding", "valid") if padded else "valid"
    if padding not in ("valid", "same", "causal") or (padding == "causal" and len(kernel) > 1):
        raise of.wrong("padding")
    begin, end, size = [], [], []
    for n, k, s, d in zip(spatial, kernel, strides, dilations):
        extent = d * (k - 1) + 1
        total = {"valid": 0, "causal": extent - 1}.get(padding, max((-(-n // s) - 1) * s + extent - n, 0))
        first = total if padding == "causal" else total // 2
        begin.append(first)
        end.append(total - first)
        size.append((n + total - extent) // s + 1)
    if min(size) < 1:
        message = f"a kernel of {list(kernel)} does not fit into {list(spatial)}"
        raise of.net.refuse("E011", message)
    return size, [*begin, *end]


@layer("Conv1DTranspose", "Conv2DTranspose", "QConv2DTranspose")
def conv_transpose(of: Layer) -> Tensor:
    """A kernel (…spatial, filters, inputs). The result is cropped to inputs · stride, or as long as any tap reaches."""
    net, own = of.net, of.weights(_names(of, "kernel"))
    kernel, x = own["kernel"], of.input(of.x)
    rank = kernel.ndim - 2
    if rank not in (1, 2) or x.rank != rank + 2:
        raise net.refuse("E049", f"a kernel of {kernel.ndim} axes does not suit a tensor of shape {list(x.shape)}")
    image = x if of.channels_first else net.channels_first(x)
    of.check("kernel", kernel, (*of.wholes("kernel_size", rank, 0), of.whole("filters", 0), image.shape[0]))
    for name in ("output_padding", "dilation_rate"):
        value = of.get(name)
        if value is not None and (name == "output_padding" or set(np.ravel(value).tolist()) != {1}):
            raise of.wrong(name)
    padding, strides = of.get("padding", "valid"), of.wholes("strides", rank, 1)
    if padding not in ("valid", "same"):
        raise of.wrong("padding")
    excess = [k - s for k, s in zip(kernel.shape, strides)]
    cut = [max(e, 0) if padding == "same" else 0 for e in excess]
    begin = [c // 2 for c in cut]
    size = [n * s + max(e, 0) - c for n, s, e, c in zip(image.shape[1:], strides, excess, cut)]
    form = _moved(of.quantized(kernel, "kernel", "kq", kernel=True), (rank + 1, rank, *range(rank)))
    bias = _bias(of, own, kernel.shape[rank])
    operands = [net.values(form)] + ([] if bias is None else [net.values(bias)])
    y = net.apply(
        "ConvTranspose", image, *operands, shape=(kernel.shape[rank], *size), strides=list(strides),
        pads=[*begin, *(c - b for c, b in zip(cut, begin))], output_padding=[max(-e, 0) for e in excess],
    )  # fmt: skip
    return of.finished(y if of.channels_first else net.channels_last(y))


@layer("DepthwiseConv1D", "DepthwiseConv2D", "QDepthwiseConv2D")
def depthwise(of: Layer) -> Tensor:
    """A kernel (…spatial, channels, multiplier)."""
    own = _depthwise_weights(of)
    form = of.quantized(own["depthwise_kernel"], "depthwise", "kq", kernel=True)
    y = _by_channel(of, of.input(of.x), form, own)
    return of.finished(y)


def _depthwise_weights(of: Layer) -> dict[str, np.ndarray]:
    """Keras 3 calls a depthwise kernel `kernel`."""
    old = "depthwise_kernel" in of.arrays.variables(_names(of, "depthwise_kernel"))
    own = of.weights(_names(of, "depthwise_kernel" if old else "kernel"))
    kernel = own.pop("depthwise_kernel" if old else "kernel")
    if kernel.ndim not in (3, 4):
        raise of.net.refuse("E049", f"the kernel has {kernel.ndim} axes")
    rank = kernel.ndim - 2
    of.check("kernel", kernel, (*of.wholes("kernel_size", rank, 0), kernel.shape[-2], of.whole("depth_multiplier", 1)))
    return own | {"depthwise_kernel": kernel}


def _by_channel(of: Layer, x: Tensor, kernel: Values, own: dict[str, np.ndarray], bias: Values | None = None) -> Tensor:
    *spatial, channels, multiplier = kernel.shape
    if bias is None:
        bias = _bias(of, own, channels * multiplier)
    whole = _shaped(kernel, (*spatial, 1, channels * multiplier))
    return _convolved(of, x, whole, bias, channels)


@layer("SeparableConv1D", "SeparableConv2D", "QSeparableConv1D", "QSeparableConv2D")
def separable(of: Layer) -> Tensor:
    """A depthwise convolution, then one of single pixels, nothing between."""
    own = of.weights(_names(of, "depthwise_kernel", "pointwise_kernel"))
    for name in ("depthwise_kernel", "pointwise_kernel"):
        if own[name].ndim not in (3, 4):
            raise of.net.refuse("E049", f"the {name} has {own[name].ndim} axes")
    first = of.quantized(own["depthwise_kernel"], "depthwise", "kq", kernel=True)
    second = of.quantized(own["pointwise_kernel"], "pointwise", "kq", kernel=True)
    y = _by_channel(of, of.input(of.x), first, {})
    return of.finished(_convolved(of, y, second, _bias(of, own, second.shape[-1]), 1, stride=False))


# Batch normalization.


def _factors(of: Layer, stats: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """γ / √(variance + ε), the mean, and β, in float32."""
    epsilon = np.float32(of.number("epsilon", 1e-3))
    total = stats["moving_variance"] + epsilon
    if (total <= 0).any():
        raise of.net.refuse("E026", f"variance + epsilon must be positive, but the least is {total.min()}")
    inverse = np.float32(1) / np.sqrt(total)
    return inverse * stats.get("gamma", np.float32(1)), stats["moving_mean"], stats.get("beta", np.zeros_like(total))


def _statistics(of: Layer) -> tuple[str, ...]:
    skipped = {n for n, flag in (("gamma", "scale"), ("beta", "center")) if not of.get(flag, True)}
    return tuple(n for n in STATISTICS if n not in skipped)


@layer("QConv2DBatchnorm")
def conv_batchnorm(of: Layer) -> Tensor:
    """The kernel times the normalization's factor, then quantized; so the bias."""
    own = of.weights(_names(of, "kernel"))
    inverse, mean, beta = _factors(of, of.weights(_statistics(of), of.arrays.part("batchnorm")))
    of.check("kernel", own["kernel"], _kernel_shape(of, 2, own["kernel"]))
    of.check("moving_mean", mean, own["kernel"].shape[-1:])
    form = of.quantized(inverse * own["kernel"], "kernel", "kq", kernel=True)
    return of.finished(_convolved(of, of.x, form, _folded_bias(of, own, inverse, mean, beta), of.whole("groups", 1)))


@layer("QDepthwiseConv2DBatchnorm")
def depthwise_batchnorm(of: Layer) -> Tensor:
    own = _depthwise_weights(of)
    inverse, mean, beta = _factors(of, of.weights(_statistics(of), of.arrays.part("batchnorm")))
    kernel = own["depthwise_kernel"]
    of.check("moving_mean", mean, (kernel.shape[-2] * kernel.shape[-1],))
    form = of.quantized(inverse.reshape(kernel.shape[-2:]) * kernel, "depthwise", "kq", kernel=True)
    return of.finished(_by_channel(of, of.x, form, {}, _folded_bias(of, own, inverse, mean, beta)))


@layer("QDenseBatchnorm")
def dense_batchnorm(of: Layer) -> Tensor:
    own = of.weights(_names(of, "kernel"))
    inverse, mean, beta = _factors(of, of.weights(_statistics(of), of.arrays.part("batchnorm")))
    of.check("moving_mean", mean, own["kernel"].shape[-1:])
    form = of.quantized(inverse * own["kernel"], "kernel", "kq", kernel=True)
    return _dense(of, own["kernel"], {}, form, _folded_bias(of, own, inverse, mean, beta))


def _folded_bias(
    of: Layer, own: dict[str, np.ndarray], inverse: np.ndarray, mean: np.ndarray, beta: np.ndarray
) -> Values:
    bias = own.get("bias", np.zeros_like(mean))
    of.check("bias", bias, mean.shape)
    return of.quantized(inverse * (bias - mean) + beta, "bias", "bq", kernel=False)


@layer("QBatchNormDense")
def hgq_dense(of: Layer) -> Tensor:
    """HGQ2's own folding: the kernel by input, the bias less the mean times the plain kernel."""
    scaled = bool(of.get("scale", True))
    meters = ("beta", "ebops") if of.get("enable_ebops", False) else ()
    trained = ("kernel", "bias", "bn_gamma") if scaled else ("kernel", "bias")
    own = of.weights((*trained, *meters, "moving_mean", "moving_variance"))
    stats = {"moving_mean": own["moving_mean"], "moving_variance": own["moving_variance"]}
    inverse, mean, _ = _factors(of, stats | ({"gamma": own["bn_gamma"]} if scaled else {}))
    of.check("moving_mean", mean, own["kernel"].shape[:1])
    form = of.quantized(inverse[:, None] * own["kernel"], "kernel", "kq", kernel=True)
    bias = of.quantized(own["bias"] - mean @ own["kernel"], "bias", "bq", kernel=False)
    return _dense(of, own["kernel"], {}, form, bias)


@layer("BatchNormalization")
def batch_normalization(of: Layer) -> Tensor:
    return of.finished(_normalized(of, of.weights(_statistics(of))))


@layer("QBatchNormalization")
def q_batch_normalization(of: Layer) -> Tensor:
    """QKeras quantizes the statistics; HGQ2 the factor and the term that they make."""
    if of.of_hgq:
        return _hgq_normalized(of)
    names = _statistics(of)
    stats = of.weights(names)
    for name in names:
        key = {"moving_mean": "mean", "moving_variance": "variance"}.get(name, name)
        by = qkeras.parse(of.net, of.spec.config.get(f"{key}_quantizer"))
        if isinstance(by, str):
            raise of.net.refuse("E048", f"{quoted(by)} is no quantizer of weights that is known")
        if by is not None:
            found = qkeras.quantized(of.net, by, stats[name], kernel=name in ("gamma", "moving_variance"))
            stats[name] = (found.codes * found.scale.astype(np.float64)).astype(np.float32)
    return _normalized(of, stats)


def _axis(of: Layer, x: Tensor) -> int:
    value = of.get("axis", -1)
    axis = value[0] if isinstance(value, list) and len(value) == 1 else value
    if not isinstance(axis, int) or not -x.rank < axis < x.rank or axis == 0:
        raise of.wrong("axis")
    return axis % x.rank


def _normalized(of: Layer, stats: dict[str, np.ndarray]) -> Tensor:
    net, x = of.net, of.x
    axis = _axis(of, x)
    count = x.shape[axis - 1]
    for name, array in stats.items():
        of.check(name, array, (count,))
    first = (0, axis, *(a for a in range(1, x.rank) if a != axis))
    full = {"gamma": np.ones(count), "beta": np.zeros(count)} | stats
    operands = [net.floats(full[n]) for n in STATISTICS]
    epsilon = of.number("epsilon", 1e-3)
    y = net.apply("BatchNormalization", net.transpose(x, first), *operands, epsilon=epsilon)
    return net.transpose(y, [first.index(a) for a in range(x.rank)])


def _hgq_normalized(of: Layer) -> Tensor:
    net, x = of.net, of.input(of.x)
    scale, center = bool(of.get("scale", True)), bool(of.get("center", True))
    names = (*(("bn_gamma",) if scale else ()), *(("bn_beta",) if center else ()), "moving_mean", "moving_variance")
    own = of.weights(names)
    stats = {n.removeprefix("bn_"): v for n, v in own.items()}
    factor, mean, beta = _factors(of, stats)
    term = (beta if center else np.ones_like(mean)) - mean * factor  # without a centre the package adds 1
    axis = _axis(of, x)
    shape = [1] * x.rank
    shape[axis] = x.shape[axis - 1]
    of.check("moving_mean", mean, (x.shape[axis - 1],))
    y = net.apply("Mul", x, net.values(_shaped(of.quantized(factor, "", "kq", kernel=True), shape)))
    y = net.apply("Add", y, net.values(_shaped(of.quantized(term, "", "bq", kernel=False), shape)))
    return of.output(y)


@layer("TimeDistributed")
def time_distributed(of: Layer) -> Tensor:
    """A dense layer is applied along the last axis anyhow."""
    inner = of.spec.config.get("layer")
    kind = class_of(inner) if isinstance(inner, dict) else ""
    if kind not in ("Dense", "QDense"):
        raise of.net.refuse("E047", f"TimeDistributed of {quoted(kind)} is not supported", "it is of Dense and QDense")
    spec = spec_of(inner, "", of.spec.index)
    return dense(replace(of, spec=replace(spec, name=of.spec.name), arrays=of.arrays.part("layer")))
