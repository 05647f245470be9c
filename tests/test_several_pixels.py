"""Networks that need more than one pixel a cycle, from the model file to verified RTL."""

import numpy as np
import pytest

import bitwright
from tests.frontend.onnx_build import QONNX, Net
from tests.test_real_networks import MODELS

LARGE_BOARD = """
base = "pynq-z2"
name = "large"
lut = 274080
ff = 548160
bram36 = 912
dsp = 2520
"""


def network(path) -> None:
    """Convolutions of integers and of bits, poolings, and two branches: 128 pixels, and half as many behind a pooling."""
    rng = np.random.default_rng(0)
    net = Net([1, 3, 8, 16])

    def conv(x: str, rows: int, columns: int, size: int, bits: float) -> str:
        weight = net.const(rng.integers(-3, 4, (rows, columns, size, size)) / 2)
        if bits == 1:
            weight = net.node("BipolarQuant", weight, net.const(1.0), domain=QONNX)
        else:
            weight = net.quant(weight, 0.5, bits=bits)
        return net.node("Conv", x, weight, kernel_shape=[size, size], pads=[size // 2] * 4 if bits > 1 else [0] * 4)

    x = net.quant(net.input, 0.25, bits=4.0)
    x = net.quant(net.node("Relu", conv(x, 4, 3, 3, 3.0)), 0.5, bits=3.0, signed=0)
    left = net.node("MaxPool", x, kernel_shape=[3, 3], strides=[1, 1], pads=[1, 1, 1, 1])
    right = net.quant(net.node("AveragePool", x, kernel_shape=[1, 3], pads=[0, 1, 0, 1]), 0.5, bits=3.0, signed=0)
    x = net.node("Concat", left, right, axis=1)
    x = net.quant(conv(x, 5, 8, 1, 3.0), 1.0, bits=4.0)
    x = net.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = net.node("BipolarQuant", x, net.const(1.0), domain=QONNX)
    x = net.node("BipolarQuant", conv(x, 6, 5, 3, 1), net.const(1.0), domain=QONNX)
    path.write_bytes(net.bytes(net.node("GlobalAveragePool", x)))


@pytest.mark.parametrize("backend", ["verilog", "hls"])
def test_a_small_network(backend, tmp_path):
    network(tmp_path / "net.onnx")
    design = bitwright.compile(tmp_path / "net.onnx", tmp_path / "d", target_cycles=90, backend=backend)
    assert design.manifest["fits"] and design.manifest["frame_cycles"] <= 90
    found = design.verify(samples=6)
    assert found.ok and found.mismatches == 0 and (backend == "hls" or found.timing_as_computed), found
    one = bitwright.compile(tmp_path / "net.onnx", tmp_path / "one", target_cycles=1000)
    x = np.random.default_rng(1).normal(size=(4, 3, 8, 16)).astype(np.float32)
    np.testing.assert_array_equal(design.predict(x), one.predict(x))


@pytest.mark.long
def test_binary_convolutions_faster_than_their_pixels(tmp_path):
    """CNV has 900 pixels behind its first layer."""
    (tmp_path / "large.toml").write_text(LARGE_BOARD)
    options = {"board": str(tmp_path / "large.toml"), "input_type": "int8", "target_cycles": 850}
    design = bitwright.compile(MODELS / "cnv_1w1a.onnx", tmp_path / "d", **options)
    assert design.manifest["fits"] and design.manifest["frame_cycles"] <= 850
    with np.load(MODELS / "cnv_1w1a.npz") as stored:
        codes = design.boundary.encode(next(stored[k] for k in stored.files if k.startswith("in:")))
    np.testing.assert_array_equal(design.run_codes(codes[:3], engine="rtl"), design.run_codes(codes[:3]))
    found = design.verify(samples=2)
    assert found.ok and found.timing_as_computed, found
