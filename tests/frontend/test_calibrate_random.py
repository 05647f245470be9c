"""Random float networks: whatever is built of the supported layers is quantised, read exactly, and near the float one."""

import numpy as np
import pytest

from bitwright.frontend.calibrate.quantize import calibrate
from bitwright.frontend.calibrate.settings import Ranges, Scales, Settings
from bitwright.frontend.compare import compare
from bitwright.frontend.reader import import_model, load
from tests.frontend.onnx_float import FloatNet


class RandomNet(FloatNet):
    """Images (channels, side, side) through layers that are drawn one by one; any earlier image may come back."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        super().__init__((int(rng.integers(1, 5)), 8, 8), seed=seed + 1)
        self.draw = rng
        here = [(self.input, *self.frame[:2])]
        for _ in range(rng.integers(2, 7)):
            here.append(self.step(here))
        name, channels, side = here[-1]
        self.output = self.dense(self.node("Flatten", name), channels * side * side, 4)
        if rng.random() < 0.3:
            self.output = self.node(str(rng.choice(["Softmax", "Sigmoid", "Relu"])), self.output)

    def step(self, here):
        name, channels, side = here[self.draw.integers(max(0, len(here) - 2), len(here))]
        match self.draw.integers(8):
            case 0 | 1 | 2:
                outputs = int(self.draw.integers(2, 9))
                return self.activated(self.conv(name, channels, outputs), outputs), outputs, side
            case 3:
                return self.activated(self.conv(name, channels, channels, group=channels), channels), channels, side
            case 4 if side > 3:
                kind = str(self.draw.choice(["MaxPool", "AveragePool"]))
                return self.node(kind, name, kernel_shape=[2, 2], strides=[2, 2]), channels, side // 2
            case 5 | 6:
                fitting = [h for h in here if h[1:] == (channels, side)]
                other = fitting[self.draw.integers(len(fitting))][0]
                kinds = ["Add", "Mul"] if other == name else ["Add", "Sub", "Mul"]  # x − x would be a dead layer
                joined = self.node(str(self.draw.choice(kinds)), name, other)
                return self.activated(joined, channels), channels, side
            case _:
                other = next(h for h in here[::-1] if h[2] == side)
                return self.node("Concat", name, other[0], axis=1), channels + other[1], side

    def activated(self, x, channels):
        match self.draw.integers(9):
            case 0 | 1 | 2:
                return self.relu(x)
            case 3 | 4:
                return self.relu(self.norm(x, channels))
            case 5:
                return self.node("Clip", x, self.const(0.0), self.const(6.0))
            case 6:
                return self.node(str(self.draw.choice(["Sigmoid", "Tanh", "LeakyRelu", "HardSwish", "Elu"])), x)
            case 7:
                return self.node("Mul", x, self.node("Sigmoid", x))
            case _:
                return x


@pytest.mark.parametrize("seed", range(24))
def test_random_networks(seed):
    net = RandomNet(seed)
    settings = Settings(
        weight_bits=8 - seed % 3, ranges=list(Ranges)[seed % 3], scales=list(Scales)[seed // 3 % 2],
        per_tensor=seed % 5 == 0, symmetric=seed % 7 == 0,
    )  # fmt: skip
    done = calibrate(load(net.bytes(net.output)), net.samples(32), settings)
    found = compare(import_model(done.model), done.samples[:3])
    assert found.unexplained == 0, found.first
    assert done.report["sqnr_db"] is None or done.report["sqnr_db"] > 8
