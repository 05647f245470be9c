"""Equalisation across layers: what a channel is multiplied by in one layer, the next one divides by again.

Between two layers that only a positively homogeneous function separates, channel c of the first may be divided by s and
the weights of the second for it multiplied by s. With s near √(r₁ / r₂), r the greatest weights of the channel on either
side, both ranges meet, so that one scale suits all channels (Nagel et al. 2019, https://arxiv.org/abs/1906.04721). Every s
is a power of two: no float of the network's results changes, and zeros stay zeros.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..model import Constant, OnnxNode
from .evaluate import Floats
from .network import Network
from .prepare import output_axis

BETWEEN = ("Relu", "LeakyRelu", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool")
MOST_PASSES, MOST = 10, 8
"""Passes over all pairs, and the greatest power of two that a channel is multiplied by at a time."""


@dataclass(frozen=True, eq=False)
class Pair:
    """Two layers, and the axes of their weights along which the channels between them lie."""

    first: OnnxNode
    second: OnnxNode
    outputs: int
    inputs: int


def equalise(network: Network) -> None:
    """Change the weights and biases of all such pairs until they are even."""
    pairs = _pairs(network)
    for _ in range(MOST_PASSES):
        if not sum(_balanced(network, pair) for pair in pairs):
            return


def _pairs(network: Network) -> list[Pair]:
    users, makers, found = network.users(), network.makers(), list[Pair]()
    for second in network.nodes:
        inputs = _input_axis(network, second, users)
        name = second.inputs[0] if inputs is not None else ""
        while name in makers and len(users[name]) == 1 and makers[name].op_type in BETWEEN:
            name = makers[name].inputs[0]
        first = makers.get(name)
        if inputs is None or first is None or len(users[name]) > 1 or not _own(network, first, users):
            continue
        outputs = output_axis(first, network.constants[first.inputs[1]].array.ndim)
        count = network.constants[first.inputs[1]].array.shape[outputs]
        if _bias_fits(network, first, count) and network.constants[second.inputs[1]].array.shape[inputs] == count:
            found.append(Pair(first, second, outputs, inputs))
    return found


def _own(network: Network, layer: OnnxNode, users: dict[str, list[OnnxNode]]) -> bool:
    """Whether a layer's weights and bias are float constants that nothing else reads."""
    if layer.op_type not in ("Conv", "Gemm"):
        return False
    parts = [network.constants.get(i) for i in layer.inputs[1:] if i]
    alone = all(len(users[i]) == 1 for i in layer.inputs[1:] if i)
    return alone and all(p is not None and p.elem.is_float for p in parts)


def _bias_fits(network: Network, layer: OnnxNode, count: int) -> bool:
    if len(layer.inputs) < 3 or not layer.inputs[2]:
        return True
    shape = network.constants[layer.inputs[2]].array.shape
    return shape[-1:] == (count,) and all(d == 1 for d in shape[:-1])


def _input_axis(network: Network, layer: OnnxNode, users: dict[str, list[OnnxNode]]) -> int | None:
    """The axis of the weights along which the inputs' channels lie; None where there is none of that kind."""
    if not _own(network, layer, users):
        return None
    shape, group = network.constants[layer.inputs[1]].array.shape, layer.attribute("group", int, 1)
    if layer.op_type == "Gemm":
        return 1 - output_axis(layer, 2)
    if group == 1:
        return 1
    return 0 if shape[0] == group and shape[1] == 1 else None


def _balanced(network: Network, pair: Pair) -> bool:
    """Make the channels of a pair even; whether anything changed."""
    first, second = (network.constants[n.inputs[1]].array for n in (pair.first, pair.second))
    r1, r2 = _reach(first, pair.outputs), _reach(second, pair.inputs)
    known = (r1 > 0) & (r2 > 0)
    exponent = np.zeros(len(r1), np.int64)
    exponent[known] = np.rint(np.clip(np.log2(r1[known] / r2[known]) / 2, -MOST, MOST))
    if not exponent.any():
        return False
    for layer, axis, power in ((pair.first, pair.outputs, -exponent), (pair.second, pair.inputs, exponent)):
        _scale(network, layer.inputs[1], axis, power)
    if len(pair.first.inputs) > 2 and pair.first.inputs[2]:
        _scale(network, pair.first.inputs[2], -1, -exponent)
    return True


def _reach(weights: np.ndarray, axis: int) -> Floats:
    return np.abs(np.moveaxis(weights, axis, 0).reshape(weights.shape[axis], -1)).max(axis=1).astype(np.float64)


def _scale(network: Network, name: str, axis: int, power: np.ndarray) -> None:
    constant = network.constants[name]
    moved = np.ldexp(np.moveaxis(constant.array, axis, -1), power).astype(constant.array.dtype)
    network.constants[name] = Constant(np.moveaxis(moved, -1, axis), constant.elem)
