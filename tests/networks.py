"""Random networks in the IR: chains of dense layers, and images through convolutions, pooling and branches."""

from collections.abc import Sequence

import numpy as np

from bitwright.errors import CompileError
from bitwright.ir.graph import Graph, Node
from bitwright.ir.op import Op
from bitwright.ir.types import IntType, TensorType
from bitwright.ops.add import Add
from bitwright.ops.concat import Concat
from bitwright.ops.dense import Dense
from bitwright.ops.depthwise import Depthwise
from bitwright.ops.multiply import Multiply
from bitwright.ops.permute import Permute
from bitwright.ops.pool import Pool
from bitwright.ops.repeat import Repeat
from bitwright.ops.reshape import Reshape
from bitwright.ops.threshold import Threshold
from bitwright.ops.total import Total
from bitwright.ops.window import Window
from bitwright.ops.xnor import Xnor

BLOCKS = ("conv", "conv", "depthwise", "pool", "residual", "residual", "concat", "move")


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


def random_images(seed: int) -> Graph:
    """A few convolutions, poolings and branches over a small image, 1 to 8 bits wide each, and perhaps a dense layer."""
    net = _Images(np.random.default_rng(seed))
    for _ in range(int(net.rng.integers(1, 4))):
        net.block()
    net.end()
    return Graph({"x": net.x}, tuple(net.nodes), (net.nodes[-1].name,))


def random_lane_units(seed: int) -> Graph:
    """One or two depthwise convolutions or poolings over a small image."""
    net = _Images(np.random.default_rng(seed))
    for _ in range(int(net.rng.integers(1, 3))):
        net.block(("depthwise", "pool"), largest=3)
    return Graph({"x": net.x}, tuple(net.nodes), (net.nodes[-1].name,))


def random_even_rows(seed: int) -> Graph:
    """As `random_images`, with bipolar layers too, and rows of which many can be cut into equal parts."""
    rng = np.random.default_rng(seed)
    net = _Images(rng, columns=int(rng.choice([4, 6, 8, 12])))
    for _ in range(int(rng.integers(1, 4))):
        net.block((*BLOCKS, "bipolar", "slice"))
    net.end()
    return Graph({"x": net.x}, tuple(net.nodes), (net.nodes[-1].name,))


class _Images:
    def __init__(self, rng: np.random.Generator, columns: int = 0) -> None:
        self.rng = rng
        shape = (
            1 if rng.random() < 0.15 else int(rng.integers(2, 9)),
            columns or int(rng.integers(3, 9)),
            int(rng.choice([1, 2, 3, 4, 6])),
        )
        self.x = TensorType.of(shape, IntType(int(rng.integers(1, 9)), bool(rng.integers(2))))
        self.types = {"x": self.x}
        self.nodes: list[Node] = []
        self.here = "x"

    def add(self, op: Op, *operands: str) -> str:
        inputs = operands or (self.here,)
        type_ = op.infer(*(self.types[i] for i in inputs))
        self.here = f"v{len(self.nodes)}"
        self.nodes.append(Node(self.here, op, inputs, type_))
        self.types[self.here] = type_
        return self.here

    @property
    def type(self) -> TensorType:
        return self.types[self.here]

    def block(self, kinds: Sequence[str] = BLOCKS, *, largest: int = 2) -> None:
        """`largest` is that of a pooling's kernel."""
        kind = str(self.rng.choice(kinds))
        if kind == "pool":
            self.window(largest)
            self.add(Pool(self.nodes[-1].op.taps, bool(self.rng.integers(2))))  # pyright: ignore
        elif kind == "move":
            self.move()
        elif kind == "slice":
            self.window(1)
        elif kind == "bipolar":
            self.bipolar()
        elif kind in ("residual", "concat"):
            self.branch(kind)
        else:
            self.conv(depthwise=kind == "depthwise")

    def move(self) -> None:
        if self.type.size < 300 and self.rng.random() < 0.5:
            self.add(Repeat(int(self.rng.integers(1, 3)), int(self.rng.integers(1, 3))))
        else:
            self.add(Permute(self.rng.permutation(3)))

    def branch(self, kind: str) -> None:
        """Two ways from here that meet again: of the same shape, or of one with other channels."""
        start, rng = self.here, self.rng
        stride = (int(rng.integers(1, 3)), int(rng.integers(1, 3))) if rng.random() < 0.3 else (1, 1)
        channels = self.type.vector if kind == "residual" else int(rng.integers(1, 6))
        for k in range(int(rng.integers(1, 3))):
            self.conv(same=True, channels=channels, stride=(1, 1) if k else stride)
        left, self.here = self.here, start
        if stride != (1, 1) or rng.random() < 0.4:
            self.conv(same=True, channels=self.type.vector, stride=stride, kernel=1)
        if kind == "concat":
            self.add(Concat(), *rng.permutation([left, self.here]).tolist())
            return
        if rng.random() < 0.3:
            self.add(Multiply(int(rng.integers(-3, 4)), int(rng.integers(-3, 4))), left, self.here)
        else:
            self.add(Add(*(int(v) for v in rng.integers(-9, 10, 2)), int(rng.integers(-5, 6))), left, self.here)
        self.add(_steps(rng, self.type))

    def window(self, largest: int, *, same: bool = False, stride: tuple[int, int] | None = None) -> None:
        rng, (height, width, _) = self.rng, self.type.shape
        kernel = rng.integers(1, largest + 1, 2)
        if same:
            kernel = np.minimum(kernel, [2 * height - 1, 2 * width - 1])
            before = (kernel - 1) // 2
            pads = np.concatenate([before, kernel - 1 - before])
            step, dilation = np.array(stride or (1, 1)), np.array([1, 1])
        else:
            pads = np.minimum(rng.integers(-1, 3, 4), np.tile(kernel - 1, 2))
            pads = np.where(np.tile([height, width], 2) < 3, np.maximum(pads, 0), pads)
            step, dilation = rng.integers(1, 3, 2), rng.integers(1, 3, 2)
            reach = np.array([height, width]) + np.minimum(pads[:2], 0) + np.minimum(pads[2:], 0)
            kernel = np.minimum(kernel, reach)
            dilation = np.where((kernel - 1) * dilation < reach, dilation, 1)
        pad = int(rng.integers(self.type.min, self.type.max + 1)) if (pads > 0).any() else 0
        op = Window(kernel, step, dilation, pads, pad)
        try:
            op.infer(self.type)
        except CompileError:  # all of it in the padding
            op = Window(kernel, step, np.array([1, 1]), np.zeros(4, np.int64), 0)
        self.add(op)

    def conv(
        self, *, same: bool = False, channels: int = 0, stride: tuple[int, int] | None = None, kernel: int = 3,
        depthwise: bool = False,
    ) -> None:  # fmt: skip
        x = self.type
        self.window(kernel, same=same, stride=stride)
        rng, taps = self.rng, self.type.vector // x.vector
        if depthwise:
            weight = rng.integers(-8, 8, (taps, x.vector))
            self.add(Depthwise(weight, rng.integers(-50, 51, x.vector) * int(rng.integers(2))))
        else:
            self.add(_dense(rng, self.type, channels or int(rng.integers(1, 9))))
        if same or rng.random() < 0.8 or self.type.elem.width > 10:
            self.add(_steps(rng, self.type))

    def bipolar(self) -> None:
        """A convolution, or a dense layer a pixel, of bits."""
        rng = self.rng
        if self.type.elem != IntType(1, False):
            self.add(
                Threshold(
                    rng.integers(self.type.min, self.type.max + 1, (1, 1)), np.zeros(1, np.int64), np.ones(1, np.int64)
                )
            )
        if rng.random() < 0.7:
            self.window(3, same=bool(rng.integers(2)))
        rows = int(rng.integers(1, 7))
        self.add(Xnor(rng.integers(0, 2, (rows, self.type.vector)), rng.integers(-9, 9, rows)))
        self.add(_steps(rng, self.type))

    def end(self) -> None:
        kind = self.rng.choice(["", "total", "dense"])
        if kind == "total":
            self.add(Total(bool(self.rng.integers(2))))
        if kind == "dense":
            self.add(Reshape(np.array([self.type.size])))
            self.add(_dense(self.rng, self.type, int(self.rng.integers(1, 8))))


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
