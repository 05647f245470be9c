"""What onnxruntime's quantize_static writes, made here from small float networks, is imported, and every difference is explained."""

import logging

import numpy as np
import pytest
from onnx import TensorProto

from bitwright.frontend.compare import compare
from bitwright.frontend.reader import import_model
from tests.frontend.onnx_build import Net

quantization = pytest.importorskip("onnxruntime.quantization")
FORMATS = ("QDQ", "QOperator")
TYPES = ("QInt8", "QUInt8")


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(0, (2 / np.prod(shape[1:])) ** 0.5, shape).astype(np.float32)


def small_cnn():
    """Two convolutions (one depthwise) with a residual sum, pools, a concatenation, and a dense layer."""
    net = Net(["N", 3, 8, 8])
    x = net.node("Conv", net.input, net.const(normal(0, 4, 3, 3, 3)), net.const(normal(1, 4)), pads=[1, 1, 1, 1])
    x = net.node("Relu", x)
    y = net.node("Conv", x, net.const(normal(2, 4, 1, 3, 3)), net.const(normal(3, 4)), pads=[1, 1, 1, 1], group=4)
    x = net.node("Relu", net.node("Add", x, y))
    x = net.node("Concat", net.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2]),
                 net.node("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2]), axis=1)  # fmt: skip
    x = net.node("Flatten", net.node("GlobalAveragePool", x))
    x = net.node("Gemm", x, net.const(normal(4, 5, 8)), net.const(normal(5, 5)), transB=1)
    return net, x, (3, 8, 8)


def small_mlp():
    net = Net(["N", 10])
    x = net.node("Gemm", net.input, net.const(normal(6, 10, 12)), net.const(normal(7, 12)))
    x = net.node("Sigmoid", x)
    x = net.node("Add", net.node("MatMul", x, net.const(normal(8, 12, 12))), net.const(normal(9, 12)))
    x = net.node("LeakyRelu", x, alpha=0.1)
    x = net.node("MatMul", x, net.const(normal(10, 12, 4)))
    return net, net.node("Softmax", x, axis=1), (10,)


NETWORKS = {"cnn": small_cnn, "mlp": small_mlp}


class Frames(quantization.CalibrationDataReader):
    def __init__(self, frames):
        self.frames = [{"x": f[None]} for f in frames]

    def get_next(self):
        return self.frames.pop() if self.frames else None


def quantized(tmp_path, network, **options):
    """A path to the quantised network, and samples."""
    import onnx

    net, y, shape = NETWORKS[network]()
    model = net.model(y, ["N", None])
    onnx.save(model, tmp_path / "float.onnx")
    frames = np.random.default_rng(0).normal(0, 1, (20, *shape)).astype(np.float32)
    logging.disable(logging.WARNING)
    try:
        quantization.quantize_static(tmp_path / "float.onnx", tmp_path / "q.onnx", Frames(frames), **options)
    finally:
        logging.disable(logging.NOTSET)
    return tmp_path / "q.onnx", frames


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize(("activations", "weights"), [("QUInt8", "QInt8"), ("QInt8", "QInt8"), ("QUInt8", "QUInt8")])
def test_quantize_static(tmp_path, network, form, per_channel, symmetric, activations, weights):
    path, frames = quantized(
        tmp_path, network, quant_format=quantization.QuantFormat[form], per_channel=per_channel,
        activation_type=quantization.QuantType[activations], weight_type=quantization.QuantType[weights],
        extra_options={"ActivationSymmetric": symmetric, "WeightSymmetric": symmetric},
    )  # fmt: skip
    found = compare(import_model(path), frames)
    assert found.unexplained == 0, found
    assert found.elements > 20 * 4


@pytest.mark.parametrize("bits", ["QInt4", "QInt16", "QUInt16", "QUInt4"])
def test_other_widths(tmp_path, bits):
    """Weights of 4 bits with activations of 8, or both of 16."""
    activations = bits if bits.endswith("16") else "QUInt8"
    path, frames = quantized(
        tmp_path, "cnn", quant_format=quantization.QuantFormat.QDQ,
        activation_type=quantization.QuantType[activations], weight_type=quantization.QuantType[bits],
        extra_options={"UseQDQContribOps": True},
    )  # fmt: skip
    found = compare(import_model(path), frames)
    assert found.unexplained == 0, found


def test_dynamic_quantization_is_refused(tmp_path):
    import onnx

    from bitwright.errors import CompileError

    net, y, _ = small_mlp()
    onnx.save(net.model(y, ["N", None], TensorProto.FLOAT), tmp_path / "float.onnx")
    quantization.quantize_dynamic(tmp_path / "float.onnx", tmp_path / "q.onnx")
    with pytest.raises(CompileError, match=r"DynamicQuantizeLinear .*its scale is computed from each frame's own data"):
        import_model(tmp_path / "q.onnx")
