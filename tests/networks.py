"""Random networks in the IR: chains of dense layers and step functions of every width, sign and shape."""

import numpy as np

from bitwright.ir.graph import Graph, Node
from bitwright.ir.op import Op
from bitwright.ir.types import IntType, TensorType
from bitwright.ops.dense import Dense
from bitwright.ops.reshape import Reshape
from bitwright.ops.threshold import Threshold


def random_network(seed: int, largest: int = 24) -> Graph:
    """A chain of 1 to 4 dense layers with 1 to 8 bit weights and activations, up to `largest` wide."""
    rng = np.random.default_rng(seed)
    x = TensorType.of((int(rng.integers(1, largest)),), IntType(int(rng.integers(1, 9)), bool(rng.integers(2))))
    if rng.random() < 0.2:
        x = TensorType.of((int(rng.integers(2, 5)), x.vector), x.elem)
    nodes: list[Node] = []
    here = x

    def add(op: Op) -> None:
        nonlocal here
        source = nodes[-1].name if nodes else "x"
        here = op.infer(here)
        nodes.append(Node(f"v{len(nodes)}", op, (source,), here))

    for layer in range(depth := int(rng.integers(1, 5))):
        if len(here.shape) == 2 and rng.random() < 0.5:
            add(Reshape(np.array([here.size])))
        add(_dense(rng, here, int(rng.integers(1, largest))))
        if layer < depth - 1 or rng.random() < 0.5:
            add(_steps(rng, here))
            if rng.random() < 0.2:
                add(_steps(rng, here))
    return Graph({"x": x}, tuple(nodes), (nodes[-1].name,))


def _dense(rng: np.random.Generator, x: TensorType, outputs: int) -> Dense:
    bits = int(rng.integers(1, 9))
    if bits == 1:
        weight = rng.choice([-1, 1], (outputs, x.vector))
    else:
        weight = rng.integers(-(1 << (bits - 1)), 1 << (bits - 1), (outputs, x.vector))
        weight[rng.random(weight.shape) < rng.choice([0.0, 0.7])] = 0
    return Dense(weight, rng.integers(-50, 51, outputs) * int(rng.integers(2)))


def _steps(rng: np.random.Generator, x: TensorType) -> Threshold:
    """Even steps with another offset a channel, as a quantizer has, or steps anywhere."""
    bits, channels = int(rng.integers(1, 9)), int(rng.choice([1, x.vector]))
    count = (1 << bits) - 1
    if rng.random() < 0.3 and bits < 5:
        thresholds = np.sort(rng.integers(x.min, x.max + 2, (channels, count)), axis=1)
    else:
        span = max(x.max - x.min, 1)
        offset = rng.uniform(-0.2, 0.2, (channels, 1)) * span + (x.min + x.max) / 2
        gain = span / (count + 1) * rng.uniform(0.3, 1.5, (int(rng.choice([1, channels])), 1))
        thresholds = np.ceil(offset + gain * (np.arange(count) - count / 2)).astype(np.int64)
        thresholds = np.broadcast_to(thresholds, (channels, count)).copy()
    sign = rng.choice([-1, 1], channels) if rng.random() < 0.3 else np.ones(channels, np.int64)
    base = int(rng.choice([0, -(1 << (bits - 1))]))
    return Threshold(thresholds, np.where(sign > 0, base, base + count), sign)
