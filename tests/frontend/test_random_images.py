"""Random convolution networks with branches against the independent exact evaluator, and a float runtime."""

import numpy as np
import pytest
from onnx import TensorProto

from bitwright.errors import CompileError
from bitwright.frontend.compare import compare
from bitwright.frontend.reader import import_model
from tests.frontend.onnx_build import Net
from tests.frontend.onnx_check import check, grid

REFUSED = ("E029", "E035", "E038", "E110")  # no exact integers of sane width; or windows of nothing but padding


class Builder:
    """A network grown at random; every tensor keeps its shape (channels, rows, columns)."""

    def __init__(self, seed, qdq):
        self.rng, self.qdq = np.random.default_rng(seed), qdq
        self.pow2 = bool(self.rng.integers(2))
        self.last = bool(self.rng.integers(2))  # a channels-last input, as TFLite has it
        shape = tuple(self.rng.integers(1, 5, 3).tolist())
        shape = (shape[0], shape[1] + 2, shape[2] + 2)
        frame = (*shape[1:], shape[0]) if self.last else shape
        if qdq:
            self.net = Net([1, *frame], TensorProto.INT8, opset=14, name="q")
            self.frame = frame
            x = self.net.node("Transpose", self.net.input, perm=[0, 3, 1, 2]) if self.last else self.net.input
            x = self.net.node("DequantizeLinear", x, self.net.const(self.scale()), self.net.const(self.zero(), np.int8))
        else:
            self.net = Net([1, *frame], opset=14)
            self.frame = frame
            x = self.net.node("Transpose", self.net.input, perm=[0, 3, 1, 2]) if self.last else self.net.input
            x = self.quantised((x, shape))[0]
        self.tensors = [(x, shape)]

    def scale(self, shape=()):
        if self.pow2:
            return np.exp2(self.rng.integers(-4, 0, shape)).astype(np.float32)
        return self.rng.uniform(0.03, 0.5, shape).astype(np.float32)

    def zero(self):
        return int(self.rng.integers(-128, 128)) if self.rng.random() < 0.7 else 0

    def quantised(self, tensor):
        x, shape = tensor
        if self.qdq:
            parameters = self.net.const(self.scale() * 4), self.net.const(self.zero(), np.int8)
            return self.net.node(
                "DequantizeLinear", self.net.node("QuantizeLinear", x, *parameters), *parameters
            ), shape
        if self.rng.random() < 0.15:
            return self.net.node("BipolarQuant", x, self.net.const(0.5), domain="onnx.brevitas"), shape
        scale = self.scale((1, shape[0], 1, 1)) if self.rng.random() < 0.2 else self.scale()
        bits, signed = float(self.rng.choice([2, 3, 4, 8])), int(self.rng.integers(2))
        return self.net.quant(x, scale, float(self.rng.choice([0, 0, 1])), bits, signed), shape

    def weights(self, shape):
        rng = self.rng
        if self.qdq:
            return self.net.qdq_weight(rng.integers(-20, 21, shape), self.scale(shape[0]), axis=0)
        return self.net.quant(self.net.const(rng.normal(size=shape)), self.scale(), 0.0, float(rng.integers(2, 6)))

    def grow(self):
        rng, net = self.rng, self.net
        x, shape = self.tensors[int(rng.integers(len(self.tensors)))] if rng.random() < 0.3 else self.tensors[-1]
        channels = shape[0]
        match rng.integers(12):
            case 0 | 1 | 2 | 3:
                kernel = [int(rng.integers(1, min(3, n) + 1)) for n in shape[1:]]
                group = int(rng.choice([g for g in (1, channels) if channels % g == 0]))
                outputs = channels if group > 1 else int(rng.integers(1, 5))
                attributes = {"strides": rng.integers(1, 3, 2).tolist()}
                if rng.random() < 0.3:
                    attributes["auto_pad"] = str(rng.choice(["SAME_UPPER", "SAME_LOWER"]))
                else:
                    attributes["pads"] = rng.integers(0, 2, 4).tolist()
                operands = (self.weights((outputs, channels // group, *kernel)),)
                if rng.random() < 0.5:
                    operands += (net.const(rng.normal(size=outputs)),)
                y = net.node("Conv", x, *operands, group=group, **attributes)
                y, shape = self.after(y, outputs), (outputs, *self.size(shape, kernel, attributes))
                self.tensors.append(self.quantised((y, shape)))
            case 4:
                kernel = [min(2, n) for n in shape[1:]]
                attributes = {"strides": [1, 2], "pads": [0, 1, 1, 0] if min(kernel) > 1 else [0] * 4}
                op = str(rng.choice(["MaxPool", "AveragePool"]))
                y = net.node(op, x, kernel_shape=kernel, **attributes)
                shape = (channels, *self.size(shape, kernel, attributes))
                self.tensors.append((y, shape) if op == "MaxPool" else self.quantised((y, shape)))
            case 5 | 6 | 7:
                others = [t for t in self.tensors if t[1] == shape]
                other = others[int(rng.integers(len(others)))]
                op = str(rng.choice(["Add", "Sub", "Mul"]))
                y = net.node(op, x, other[0])
                y = net.node("Relu", y) if rng.random() < 0.5 else y
                self.tensors.append(self.quantised((y, shape)))
            case 8:
                others = [t for t in self.tensors if t[1][1:] == shape[1:]]
                other = others[int(rng.integers(len(others)))]
                y = net.node("Concat", x, other[0], axis=1)
                self.tensors.append(self.quantised((y, (channels + other[1][0], *shape[1:]))))
            case 9:
                y = net.node(str(rng.choice(["Sigmoid", "LeakyRelu", "HardSwish"])), x)
                self.tensors.append(self.quantised((y, shape)))
            case 10:
                if channels % 4 == 0:
                    mode = str(rng.choice(["DCR", "CRD"]))
                    y = net.node("DepthToSpace", x, blocksize=2, mode=mode)
                    self.tensors.append((y, (channels // 4, shape[1] * 2, shape[2] * 2)))
            case _:
                if shape[1] > 2:
                    y = net.node("Slice", x, *(net.const([v], np.int64) for v in (1, 100, 2)))
                    self.tensors.append((y, (channels, shape[1] - 1, shape[2])))

    def size(self, shape, kernel, attributes):
        if "auto_pad" in attributes:
            return tuple(-(-n // s) for n, s in zip(shape[1:], attributes["strides"]))
        pads = attributes["pads"]
        return tuple(
            (n + pads[a] + pads[a + 2] - k) // s + 1
            for a, (n, k, s) in enumerate(zip(shape[1:], kernel, attributes["strides"]))
        )

    def after(self, x, channels):
        rng, net = self.rng, self.net
        match rng.integers(4):
            case 0:
                gamma, beta, mean = (net.const(rng.normal(size=channels)) for _ in range(3))
                x = net.node("BatchNormalization", x, gamma, beta, mean, net.const(rng.uniform(0.1, 9, channels)))
            case 1:
                x = net.node("Relu", x)
        return x

    def ended(self):
        """The last tensor, as it is, flattened into a matrix, or pooled."""
        rng, net = self.rng, self.net
        x, shape = self.tensors[-1]
        match rng.integers(4):
            case 0:
                x = net.node("Transpose", x, perm=[0, 2, 3, 1]) if rng.random() < 0.5 else x
                size = int(np.prod(shape))
                x = net.node("MatMul", net.node("Flatten", x), net.const(rng.integers(-7, 8, (size, 3)) / 8))
            case 1:
                x = net.node("GlobalAveragePool", x)
            case 2:
                x = net.node("Transpose", x, perm=[0, 2, 3, 1])
        return x


def network(seed, qdq):
    builder = Builder(seed, qdq)
    steps = int(builder.rng.integers(2, 7))
    for _ in range(steps):
        builder.grow()
    return builder, builder.net.model(builder.ended())


def run(seed, qdq):
    print(f"seed {seed}")
    builder, model = network(seed, qdq)
    if qdq:
        frames = builder.rng.integers(-128, 128, (2, *builder.frame)).astype(np.int8)
    else:
        frames = grid(builder.rng, builder.frame, 2)
    try:
        check(model, frames)
    except CompileError as error:
        assert error.code in REFUSED, error
        return
    found = compare(import_model(model.SerializeToString()), frames)
    assert found.unexplained == 0, found


@pytest.mark.parametrize("qdq", [False, True])
@pytest.mark.parametrize("seed", range(60))
def test_a_random_network(seed, qdq):
    run(seed, qdq)


@pytest.mark.long
@pytest.mark.parametrize("qdq", [False, True])
@pytest.mark.parametrize("seed", range(60, 1060))
def test_many_random_networks(seed, qdq):
    run(seed, qdq)
