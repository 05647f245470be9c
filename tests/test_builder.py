"""Networks written in Python with a type a channel: what they compute, and as accelerators."""

import numpy as np
import pytest

import bitwright
from bitwright import CompileError, FixedPoint
from bitwright.ir.graph import evaluate


def quantized(x, signed, integer, fraction):
    """Half up, then modulo the range of each channel."""
    width = np.maximum(np.asarray(signed) + integer + fraction, 0)
    code = np.floor(x * 2.0**fraction + 0.5)
    low = np.where((np.asarray(signed) > 0) & (width > 0), -(2.0 ** (width - 1)), 0)
    return np.where(width > 0, (code - low) % 2.0**width + low, 0) / 2.0**fraction


def random_net(seed):
    """A network, its inputs as codes, and its outputs in floats by the definitions of rounding and wrapping."""
    rng = np.random.default_rng(seed)
    formats = (
        [rng.integers(0, 2, n) for n in (5, 6)],
        [rng.integers(-1, 4, n) for n in (5, 6)],
        [rng.integers(-1, 4, n) for n in (5, 6)],
    )
    (sign, next_sign), (whole, next_whole), (part, next_part) = formats
    net = FixedPoint(sign, whole, part)
    x = rng.normal(0, 6, (400, 5))
    here = quantized(x, sign, whole, part)
    codes = np.rint(here * 2.0**part).astype(np.int64)
    kernel, bias = rng.integers(-9, 10, (5, 6)) / 8, rng.integers(-9, 10, 6) / 4
    net.dense(kernel, bias)
    here = here @ kernel + bias
    if seed % 2:
        net.relu()
        here = np.maximum(here, 0)
    net.quantize(next_sign, next_whole, next_part)
    here = quantized(here, next_sign, next_whole, next_part)
    kernel = rng.integers(-9, 10, (6, 3)) / 2
    net.dense(kernel)
    return net, codes, here @ kernel


@pytest.mark.parametrize("seed", range(20))
def test_codes_count_what_the_scales_say(seed):
    net, codes, want = random_net(seed)
    graph = net.graph
    got = evaluate(graph, {"x": codes})[graph.outputs[0]]
    np.testing.assert_array_equal(got * net.output_scale, want)


@pytest.mark.parametrize("style", ["folded", "spatial"])
def test_a_network_becomes_an_accelerator(style, tmp_path):
    net, codes, want = random_net(4)
    design = bitwright.compile(net, tmp_path / "out", board="pynq", style=style)
    np.testing.assert_array_equal(design.predict(codes) * net.output_scale, want)
    assert design.verify(samples=20).mismatches == 0


def test_saturation():
    net = FixedPoint([1], [7], [0])
    net.dense([[1.0]])
    net.quantize([1], [3], [0], rounding="down", overflow="saturate")
    graph = net.graph
    got = evaluate(graph, {"x": np.array([[-128], [-9], [3], [127]])})[graph.outputs[0]]
    assert got.ravel().tolist() == [-8, -8, 3, 7]


def test_weights_that_are_no_dyadic_numbers():
    net = FixedPoint([1], [7], [0])
    with pytest.raises(CompileError, match="not multiples of a power of two"):
        net.dense([[1 / 3]])
