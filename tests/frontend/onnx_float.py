"""Float networks with seeded weights, and samples for them."""

import numpy as np

from tests.frontend.onnx_build import Net


class FloatNet(Net):
    """Layers with random weights of the size that keeps the variance of what follows a ReLU."""

    def __init__(self, frame, seed=0, opset=14):
        super().__init__([None, *frame], opset=opset)
        self.rng, self.frame = np.random.default_rng(seed), frame

    def weights(self, *shape):
        return self.const(self.rng.normal(size=shape) * np.sqrt(2 / np.prod(shape[1:])))

    def conv(self, x, inputs, outputs, kernel=(3, 3), group=1, **attributes):
        attributes.setdefault("pads", [k // 2 for k in kernel] * 2)
        return self.node("Conv", x, self.weights(outputs, inputs // group, *kernel), group=group, **attributes)

    def norm(self, x, channels):
        r = self.rng
        gain, bias, mean = r.uniform(0.5, 1.5, channels), r.normal(size=channels) * 0.2, r.normal(size=channels) * 0.1
        return self.node("BatchNormalization", x, *map(self.const, (gain, bias, mean, r.uniform(0.5, 2, channels))))

    def dense(self, x, inputs, outputs):
        bias = self.const(self.rng.normal(size=outputs) * 0.1)
        return self.node("Gemm", x, self.weights(outputs, inputs), bias, transB=1)

    def relu(self, x):
        return self.node("Relu", x)

    def samples(self, count=64):
        return np.random.default_rng(99).normal(size=(count, *self.frame)).astype(np.float32)


def mlp():
    """x · W + b three times, by MatMul and Add, with what does nothing between."""
    net = FloatNet((20,))
    here = net.input
    for inputs, outputs in ((20, 32), (32, 16), (16, 5)):
        here = net.node("Add", net.node("MatMul", here, net.const(net.rng.normal(size=(inputs, outputs)) / np.sqrt(inputs))),
                        net.const(net.rng.normal(size=outputs) * 0.1))  # fmt: skip
        here = net.node("Dropout", net.node("Identity", net.relu(here))) if outputs != 5 else here
    return net, here


def lenet():
    net = FloatNet((1, 12, 12))
    here = net.node("MaxPool", net.relu(net.norm(net.conv(net.input, 1, 6), 6)), kernel_shape=[2, 2], strides=[2, 2])
    here = net.relu(net.norm(net.conv(here, 6, 8, pads=[0] * 4), 8))
    return net, net.dense(net.node("Flatten", here), 128, 10)


def residual():
    net = FloatNet((4, 8, 8))
    first = net.relu(net.norm(net.conv(net.input, 4, 8), 8))
    inner = net.norm(net.conv(net.relu(net.norm(net.conv(first, 8, 8), 8)), 8, 8), 8)
    here = net.relu(net.node("Add", inner, first))
    mean = net.node("GlobalAveragePool", here)
    return net, net.dense(net.node("Reshape", mean, net.const([1, -1], np.int64)), 8, 5)


def depthwise():
    """Two separable convolutions, ReLU6, and a Concat of two branches."""
    net = FloatNet((6, 8, 8))
    one = net.node("Clip", net.norm(net.conv(net.input, 6, 6, group=6), 6), net.const(0.0), net.const(6.0))
    two = net.relu(net.conv(one, 6, 10, kernel=(1, 1)))
    three = net.relu(net.conv(two, 10, 10, group=10, strides=[2, 2]))
    here = net.node("Concat", three, net.node("MaxPool", two, kernel_shape=[2, 2], strides=[2, 2]), axis=1)
    return net, net.dense(net.node("Flatten", here), 320, 4)


def conv_1d():
    """Functions behind convolutions along one axis, one of them of two operands (x · sigmoid(x))."""
    net = FloatNet((4, 16))
    here = net.conv(net.input, 4, 8, kernel=(3,))
    here = net.node("Mul", here, net.node("Sigmoid", here))
    here = net.node("HardSwish", net.conv(here, 8, 8, kernel=(3,), strides=[2]))
    here = net.node("LeakyRelu", net.conv(here, 8, 4, kernel=(1,)), alpha=0.1)
    return net, net.node("Tanh", net.dense(net.node("Flatten", here), 32, 3))


NETWORKS = (mlp, lenet, residual, depthwise, conv_1d)
