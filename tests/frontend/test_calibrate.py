"""Post-training quantization: the networks that it makes, against the float ones that they come from."""

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, numpy_helper
from onnx.reference import ReferenceEvaluator

from bitwright.errors import CompileError
from bitwright.frontend import oracle
from bitwright.frontend.calibrate.quantize import calibrate
from bitwright.frontend.calibrate.ranges import Seen, free, of_activation
from bitwright.frontend.calibrate.settings import Ranges, Scales, Settings, parse_bits
from bitwright.frontend.compare import compare
from bitwright.frontend.reader import import_model, load
from tests.frontend.onnx_build import Net
from tests.frontend.onnx_float import NETWORKS, FloatNet, depthwise, lenet, mlp, residual

TRANSPARENT = 37.0
"""Decibels that one 8-bit quantizer leaves of a bell curve, a few less than the 40 of the best range."""


def quantised(built, settings=None, samples=None, **options):
    net, output = built
    x = net.samples() if samples is None else samples
    return calibrate(load(net.bytes(output)), x, settings or Settings(), **options)


def constants(done):
    return {t.name: numpy_helper.to_array(t) for t in load(done.model).proto.graph.initializer}


def quants(done):
    """The Quant nodes of the result: (operand, scale, zero, bits, attributes) each."""
    known = constants(done)
    for node in load(done.model).nodes:
        if node.op_type == "Quant":
            x, *rest = node.inputs
            yield (x, *(known[r] for r in rest), node.attributes)


def outputs(model, x):
    read = load(model)
    name = read.outputs[0].name
    return oracle.run(read, x, oracle.Wanted([name]))[name]


@pytest.mark.parametrize("network", NETWORKS, ids=lambda n: n.__name__)
def test_eight_bits_are_nearly_transparent(network):
    """Every quantizer adds noise of its own, of about the same power: ten decibels for ten of them."""
    done = quantised(network())
    rows = done.report["layers"]
    sources = sum((r["weight_bits"] is not None) + (r["activation_bits"] is not None) for r in rows)
    assert done.report["sqnr_db"] > TRANSPARENT - 10 * np.log10(sources)
    assert all(r["weight_sqnr_db"] > TRANSPARENT for r in rows if r["weight_bits"])


@pytest.mark.parametrize("network", NETWORKS, ids=lambda n: n.__name__)
def test_the_result_is_read_exactly(network):
    """The importer takes all of it, and the runtime's codes are the same or explained."""
    done = quantised(network())
    found = compare(import_model(done.model), done.samples[:8])
    assert found.elements > 0 and found.unexplained == 0, found.first


@pytest.mark.parametrize("network", NETWORKS, ids=lambda n: n.__name__)
def test_float_outputs_are_those_of_the_file(network):
    """Folding and our own evaluation change nothing but the last digits of float32."""
    net, output = network()
    x = net.samples(8)
    wanted = [ReferenceEvaluator(net.model(output)).run(None, {"x": x[i : i + 1]})[0] for i in range(8)]
    found = calibrate(load(net.bytes(output)), x, Settings()).outputs
    assert np.abs(found - np.concatenate(wanted)).max() < 1e-5 * np.abs(found).max()


@pytest.mark.parametrize("network", [lenet, residual], ids=lambda n: n.__name__)
def test_fewer_bits_are_noisier(network):
    found = [
        quantised(network(), Settings(weight_bits=b, activation_bits=b)).report["sqnr_db"] for b in (10, 8, 6, 4, 3)
    ]
    assert all(more > fewer + 2 for more, fewer in pairwise(found)), found  # a bit is worth about 6 dB


@pytest.mark.parametrize(("bits", "part"), [(4, 0.5), (6, 0.8), (8, 0.99)])
def test_ranges_of_least_error_beat_extremes_on_heavy_tails(bits, part):
    """On 10,000 numbers of Student's distribution, of which a few are 20 times the usual. Few codes gain most."""
    seen = Seen.of(np.random.default_rng(5).standard_t(3, size=10_000))
    error = {r: of_activation(seen, bits, Settings(ranges=r), free).error(seen) for r in Ranges}
    assert error[Ranges.MSE] < error[Ranges.MINMAX] * part and error[Ranges.MSE] < error[Ranges.PERCENTILE]


def test_ranges_of_least_error_in_a_network():
    x = np.random.default_rng(5).laplace(size=(64, 1, 12, 12)).astype(np.float32)
    found = {
        r: quantised(lenet(), Settings(weight_bits=4, activation_bits=4, ranges=r), x).report["sqnr_db"] for r in Ranges
    }
    assert found[Ranges.MSE] > found[Ranges.MINMAX] + 2, found


@pytest.mark.parametrize("network", [mlp, lenet], ids=lambda n: n.__name__)
def test_bias_correction_takes_back_the_mean_shift(network):
    """Of each output of the last layer: what is left is the rounding of its bias, half a unit of the accumulator."""
    shifts = {}
    for corrected in (False, True):
        done = quantised(network(), Settings(weight_bits=3, bias_correction=corrected))
        shifts[corrected] = np.abs((done.outputs - outputs(done.model, done.samples)).mean(axis=0))
    units = [scale for x, scale, _, bits, _ in quants(done) if bits == 32][-1]
    assert (shifts[True] <= 0.5 * units.reshape(-1) + 1e-6).all()
    assert shifts[True].max() < 0.1 * shifts[False].max()


def test_pruned_weights_stay_zero():
    net, output = lenet()
    for index, tensor in enumerate(net.initializers):
        w = numpy_helper.to_array(tensor).copy()
        if w.ndim > 1:
            w[np.random.default_rng(1).random(w.shape) < 0.7] = 0
            w.reshape(len(w), -1)[0] = 0  # and a whole channel
            net.initializers[index].CopyFrom(numpy_helper.from_array(w, tensor.name))
    zeros = {t.name: numpy_helper.to_array(t) == 0 for t in net.initializers if len(t.dims) > 1}
    done = quantised((net, output), Settings(weight_bits=4))
    found = {x: w for x, w in constants(done).items() if w.ndim > 1 and x.endswith("_rounded")}
    assert len(found) == len(zeros) == 3
    for mask, w in zip(zeros.values(), found.values()):
        assert mask.shape == w.shape and (w[mask] == 0).all()
    layers = [r for r in done.report["layers"] if r["weight_bits"]]
    assert [r["zeros_before"] for r in layers] == [round(float(z.mean()), 4) for z in zeros.values()]
    assert all(r["zeros"] >= r["zeros_before"] > 0.6 for r in layers)
    assert compare(import_model(done.model), done.samples[:4]).unexplained == 0


def test_powers_of_two():
    done = quantised(residual(), Settings(scales=Scales.POWER_OF_TWO))
    scales = np.concatenate([s.reshape(-1) for _, s, _, _, _ in quants(done)])
    assert (np.frexp(scales)[0] == 0.5).all() and len(scales) > 10


def test_a_bias_is_a_number_of_units_of_its_accumulator():
    """Scales have 12 digits, so that the product of two is a float32: then the bias is an exact integer."""
    done = quantised(mlp())
    found = list(quants(done))
    activations = [s for _, s, _, bits, a in found if bits == 8 and not a["narrow"]]
    weights = [s for _, s, _, bits, a in found if a["narrow"]]
    biases = [(constants(done)[x], s) for x, s, _, bits, _ in found if bits == 32]
    assert len(biases) == len(weights) == len(activations) == 3
    for (bias, unit), w, a in zip(biases, weights, activations):
        assert (unit.astype(np.float64) == w.reshape(-1).astype(np.float64) * float(a)).all()
        codes = np.rint(bias.astype(np.float64) / unit)
        assert (bias == (codes * unit).astype(np.float32)).all() and np.abs(codes).max() > 10


def test_scales_per_tensor():
    done = quantised(lenet(), Settings(per_tensor=True))
    assert all(s.size == 1 for _, s, _, _, a in quants(done) if a["narrow"])
    by_channel = [s.size for _, s, _, _, a in quants(quantised(lenet())) if a["narrow"]]
    assert by_channel == [6, 8, 10]


def uneven():
    """A chain of layers whose channels differ by powers of two, which the next layer takes back."""
    net = FloatNet((3, 8, 8))
    spread = 2.0 ** np.random.default_rng(3).integers(-5, 6, 8)

    def weights(*shape):
        return net.rng.normal(size=shape) * np.sqrt(2 / np.prod(shape[1:]))

    bias = net.const(net.rng.normal(size=8) * 0.1 * spread)
    here = net.node("Conv", net.input, net.const(weights(8, 3, 3, 3) * spread.reshape(8, 1, 1, 1)), bias, pads=[1] * 4)
    here = net.node("MaxPool", net.relu(here), kernel_shape=[2, 2], strides=[2, 2])
    here = net.node("Conv", here, net.const(weights(8, 1, 3, 3)), pads=[1] * 4, group=8)
    here = net.node("GlobalAveragePool", net.node("LeakyRelu", here, alpha=0.1))
    here = net.node("Conv", here, net.const(weights(8, 8, 1, 1) / spread.reshape(1, 8, 1, 1)))
    here = net.node("Flatten", net.relu(here))
    return net, net.dense(net.relu(net.dense(here, 8, 6)), 6, 4)


def test_equalisation_makes_one_scale_suit_all_channels():
    plain, even = (quantised(uneven(), Settings(per_tensor=True, equalise=e)) for e in (False, True))
    assert (plain.outputs == even.outputs).all()
    assert even.report["sqnr_db"] > plain.report["sqnr_db"] + 6
    assert even.report["settings"]["equalise"]
    import_model(even.model)


def test_equalisation_leaves_what_is_even_or_shared():
    net = FloatNet((4, 4, 4))
    w = net.weights(4, 4, 3, 3)
    here = net.relu(net.node("Conv", net.input, w, pads=[1] * 4))
    built = net, net.dense(net.node("Flatten", net.relu(net.node("Conv", here, w, pads=[1] * 4))), 64, 3)
    one, other = (quantised(built, Settings(equalise=e)) for e in (False, True))
    assert one.model == other.model


def test_what_meets_in_a_sum_differs_by_a_power_of_two():
    done = quantised(residual())
    operands = next(n for n in load(done.model).nodes if n.op_type == "Add").inputs
    makers = {n.outputs[0]: n for n in load(done.model).nodes}
    a, b = (float(constants(done)[makers[o].inputs[1]]) for o in operands)
    assert np.frexp(a / b)[0] == 0.5


def test_what_meets_in_a_concat_has_one_scale():
    done = quantised(depthwise())
    rows = [r for r in done.report["layers"] if r["op"] == "Conv"]
    assert rows[1]["scale"] == rows[2]["scale"] != rows[0]["scale"]


def test_no_zero_points_where_they_are_unwanted_or_useless():
    skewed = np.abs(FloatNet((1, 12, 12)).samples()) - 0.1
    assert quantised(lenet(), samples=skewed).report["layers"][0]["zero"] > 0
    plain = quantised(lenet(), Settings(symmetric=True), samples=skewed).report["layers"][0]
    assert plain["zero"] == 0 and plain["signed"]
    positive = quantised(lenet(), samples=np.abs(skewed)).report["layers"]
    assert [(r["zero"], r["signed"]) for r in positive[:3]] == [
        (0, False)
    ] * 3  # data from 0 on, and what follows a ReLU


def test_normalization_and_idle_nodes_are_gone():
    assert {n.op_type for n in load(quantised(lenet()).model).nodes} == {
        "Conv",
        "Relu",
        "MaxPool",
        "Flatten",
        "Gemm",
        "Quant",
    }
    assert {n.op_type for n in load(quantised(mlp()).model).nodes} == {"Gemm", "Relu", "Quant"}


def test_bits_of_single_layers():
    net, output = lenet()
    convs = [n.name for n in net.nodes if n.op_type == "Conv"]
    bits = parse_bits([f"{convs[0]}=4:6", f"{output}=3", "x=:5"])
    rows = quantised((net, output), Settings(bits=bits)).report["layers"]
    assert [(r["weight_bits"], r["activation_bits"]) for r in rows] == [(None, 5), (4, 6), (8, 8), (3, None)]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["conv=4"], "E063: --bits names 'conv', but nothing that is quantized has that name"),
        (["n2"], "E063: --bits 'n2' is not NAME=W:A"),
        (["n2=:"], "E063: --bits 'n2=:' is not NAME=W:A"),
        (["n2=4", "n2=5"], "E063: --bits 'n2=5' is given twice"),
        (["n2=x"], "E063: --bits 'n2=x': 'x' is no number of bits"),
        (["n2=1:8"], "E063: --bits 'n2=1:8': 1 bits are outside 2 to 16"),
        (["n2=4:99"], "E063: --bits 'n2=4:99': 99 bits are outside 2 to 16"),
        (["x=4"], "E063: --bits: 'x' has no weights that are quantized here"),
    ],
)
def test_bits_that_are_refused(texts, message):
    with pytest.raises(CompileError) as refused:
        quantised(lenet(), Settings(bits=parse_bits(texts)))
    assert str(refused.value).splitlines()[0] == message


def test_a_misspelt_layer_gets_a_suggestion():
    net, output = lenet()
    with pytest.raises(CompileError, match=f"did you mean '{output}'"):
        quantised((net, output), Settings(bits=parse_bits([f"{output}0=4"])))


def test_widths_out_of_range():
    with pytest.raises(CompileError, match="E063: --weight-bits: 1 bits are outside 2 to 16"):
        Settings(weight_bits=1)


def test_the_same_bytes_again(tmp_path):
    """Whatever the order of hashes."""
    net, output = residual()
    (tmp_path / "m.onnx").write_bytes(net.bytes(output))
    np.save(tmp_path / "x.npy", net.samples())
    script = (
        "import sys, numpy as np; from bitwright.frontend.calibrate.quantize import calibrate;"
        "from bitwright.frontend.calibrate.settings import Settings; from bitwright.frontend.reader import load;"
        "sys.stdout.buffer.write(calibrate(load('m.onnx'), np.load('x.npy'), Settings()).model)"
    )
    root = str(Path(__file__).parents[2])
    made = [
        subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, capture_output=True,
                       env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": root}).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    assert made[0] == made[1] == quantised((net, output)).model


def test_an_input_type_is_kept():
    done = quantised(lenet(), input_type="fixed<8,3>")
    assert done.report["layers"][0]["op"] == "Conv"
    imported = import_model(done.model, input_type="fixed<8,3>")
    assert imported.boundary["input"]["encode"] == {"kind": "grid", "exp": 5, "lo": -128, "hi": 127}
    assert compare(imported, done.samples[:4]).unexplained == 0


def test_integer_inputs_stay_integers():
    net = FloatNet((6,))
    net.ports = [("x", TensorProto.UINT8, [None, 6])]
    output = net.dense(net.node("Cast", net.input, to=TensorProto.FLOAT), 6, 3)
    x = np.random.default_rng(0).integers(0, 256, (32, 6)).astype(np.uint8)
    done = quantised((net, output), samples=x)
    assert import_model(done.model).boundary["input"]["encode"] == {"kind": "integer", "offset": 0}
    assert done.report["sqnr_db"] > TRANSPARENT


def test_an_input_alone_is_quantised_where_the_rest_is():
    net = FloatNet((6,))
    w = net.qdq_weight(np.random.default_rng(0).integers(-7, 8, (6, 3)), 0.25)
    done = quantised((net, net.node("MatMul", net.input, w)))
    assert [(r["name"], r["activation_bits"]) for r in done.report["layers"]] == [("x", 8)]
    import_model(done.model)


def test_float_islands_are_completed():
    """Quantizers of activations are there, weights are floats: only these change."""
    net = FloatNet((2, 6, 6))
    x = net.quant(net.input, 0.05, bits=8.0)
    inner = net.quant(net.relu(net.conv(x, 2, 4)), 0.1, bits=4.0, signed=0)
    done = quantised((net, net.dense(net.node("Flatten", inner), 144, 3)))
    rows = done.report["layers"]
    assert [(r["op"], r["weight_bits"], r["activation_bits"]) for r in rows] == [("Conv", 8, None), ("Gemm", 8, None)]
    assert sum(bits == 4 for _, _, _, bits, _ in quants(done)) == 1
    assert compare(import_model(done.model), done.samples[:4]).unexplained == 0


def test_qdq_islands_are_completed():
    net = FloatNet((2, 6, 6))
    scale, zero = net.const(0.03), net.const(128, np.uint8)
    x = net.node("DequantizeLinear", net.node("QuantizeLinear", net.input, scale, zero), scale, zero)
    done = quantised((net, net.relu(net.conv(x, 2, 4))))
    assert [r["weight_bits"] for r in done.report["layers"]] == [8]
    assert compare(import_model(done.model), done.samples[:4]).unexplained == 0


def test_weights_that_are_integers_already_are_kept():
    net = FloatNet((2, 6, 6))
    w = np.random.default_rng(3).integers(-1, 2, (4, 2, 3, 3)) * 0.125
    done = quantised((net, net.node("Conv", net.input, net.const(w), pads=[1] * 4)))
    assert not any(a["narrow"] for *_, a in quants(done)) and done.report["layers"][0]["op"] == "input"


def test_a_concat_of_given_and_new_quantizers_is_refused():
    net = FloatNet((2, 6, 6))
    x = net.quant(net.input, 0.05, bits=8.0)
    joined = net.node("Concat", x, net.relu(net.conv(x, 2, 4)), axis=1)
    with pytest.raises(CompileError) as refused:
        quantised((net, net.conv(joined, 6, 2)))
    assert str(refused.value).startswith(
        "E064: 't4_0' has a type of its own, which what it is joined with does not have\n  at Concat"
    )


def test_quantizers_that_are_not_simulated_are_refused():
    net = FloatNet((2, 6, 6))
    x = net.node("MultiThreshold", net.input, net.const([[0.0, 1.0]]), domain="qonnx.custom_op.general")
    with pytest.raises(CompileError, match="E064: a partly quantized model with MultiThreshold cannot be completed"):
        quantised((net, net.conv(x, 2, 4)))


def test_integer_operators_are_refused():
    net = FloatNet((6,))
    scale, zero = net.const(0.03), net.const(128, np.uint8)
    codes = net.node("QuantizeLinear", net.input, scale, zero)
    product = net.node("MatMulInteger", codes, net.const(np.ones((6, 6)), np.int8), zero)
    real = net.node("Mul", net.node("Cast", product, to=TensorProto.FLOAT), scale)
    with pytest.raises(CompileError, match="E064: a partly quantized model with MatMulInteger cannot be completed"):
        quantised((net, net.dense(real, 6, 3)))


def test_a_dead_layer_is_refused():
    net = FloatNet((2, 6, 6))
    dead = net.relu(net.node("Add", net.conv(net.input, 2, 4), net.const(-1e6)))
    with pytest.raises(CompileError) as refused:
        quantised((net, net.conv(dead, 4, 2)))
    assert refused.value.code == "E067" and "is 0 for every sample" in refused.value.message
    assert refused.value.origin is not None and refused.value.origin.op_type == "Relu"


def test_a_channel_of_zeros_does_no_harm():
    x = FloatNet((4, 8, 8)).samples()
    x[:, 1] = 0
    done = quantised(residual(), samples=x)
    assert done.report["sqnr_db"] > 25 and compare(import_model(done.model), x[:4]).unexplained == 0


def test_infinite_results_are_refused():
    net = FloatNet((4,))
    output = net.dense(net.node("Exp", net.node("Mul", net.input, net.const(1e4))), 4, 2)
    with pytest.raises(CompileError, match="E065: this node gives NaN or infinity on the calibration data"):
        quantised((net, output))


def test_unsupported_operators_are_told_first():
    net = FloatNet((4,))
    with pytest.raises(CompileError, match="E020"):
        quantised((net, net.node("NonZero", net.input)))


CONVS = [
    ((2, 9, 9), (4, 2, 3, 3), {"strides": [2, 2]}),
    ((2, 9, 9), (4, 2, 3, 3), {"strides": [2, 3], "pads": [1, 0, 2, 1]}),
    ((2, 9, 8), (4, 2, 2, 3), {"dilations": [2, 1], "auto_pad": "SAME_UPPER"}),
    ((4, 7, 7), (6, 2, 3, 3), {"group": 2, "auto_pad": "SAME_LOWER"}),
    ((4, 7, 7), (4, 1, 3, 3), {"group": 4, "pads": [1] * 4}),
    ((4, 7, 7), (8, 1, 3, 3), {"group": 4}),
    ((3, 11), (5, 3, 4), {"strides": [3], "pads": [2, 1]}),
]


@pytest.mark.parametrize(("frame", "shape", "attributes"), CONVS)
def test_convolutions_are_evaluated_as_onnx_says(frame, shape, attributes):
    net = FloatNet(frame, opset=13)
    output = net.node("Conv", net.input, net.weights(*shape), net.const(net.rng.normal(size=shape[0])), **attributes)
    _like_onnx(net, output)


POOLS = [
    ("MaxPool", {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1] * 4}),
    ("MaxPool", {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1}),
    ("AveragePool", {"kernel_shape": [3, 3], "pads": [1] * 4}),
    ("AveragePool", {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 0, 1, 0], "count_include_pad": 1}),
    ("GlobalAveragePool", {}),
    ("DepthToSpace", {"blocksize": 2}),
    ("Transpose", {"perm": [0, 2, 3, 1]}),
    ("Flatten", {}),
]


@pytest.mark.parametrize(("op_type", "attributes"), POOLS)
def test_pools_and_moves_are_evaluated_as_onnx_says(op_type, attributes):
    net = FloatNet((4, 7, 7) if op_type != "DepthToSpace" else (8, 3, 3), opset=13)
    _like_onnx(net, net.node(op_type, net.input, **attributes))


def _like_onnx(net, output):
    x = net.samples(8)
    wanted = ReferenceEvaluator(net.model(output)).run(None, {"x": x})[0]
    found = calibrate(load(net.bytes(output)), x, Settings()).outputs
    assert found.shape == wanted.shape and np.abs(found - wanted).max() < 1e-5


def test_shapes_that_the_file_computes():
    """Shape, Gather and Concat before a Reshape are constants for one frame."""
    net = FloatNet((2, 4, 4))
    here = net.relu(net.conv(net.input, 2, 4))
    batch = net.node("Gather", net.node("Shape", here), net.const(0, np.int64))
    shape = net.node(
        "Concat", net.node("Unsqueeze", batch, net.const([0], np.int64)), net.const([-1], np.int64), axis=0
    )
    done = quantised((net, net.dense(net.node("Reshape", here, shape), 64, 3)))
    assert done.outputs.shape == (64, 3) and done.report["sqnr_db"] > 30
    import_model(done.model)


HUGE = {
    "Conv": lambda net: net.node("Conv", net.input, net.weights(2, 2, 3, 3), pads=[60000] * 4, strides=[60000] * 2),
    "Pad": lambda net: net.node("Pad", net.input, net.const([0, 0, 1 << 40, 0, 0, 0, 0, 0], np.int64)),
    "Resize": lambda net: net.node("Resize", net.input, net.const([]), net.const([1, 1, 1e6, 1e6])),
    "Tile": lambda net: net.node("Tile", net.input, net.const([1, 1, 1 << 20, 1 << 20], np.int64)),
    "Expand": lambda net: net.node("Expand", net.input, net.const([1, 2, 1 << 20, 1 << 20], np.int64)),
}


@pytest.mark.parametrize("op_type", HUGE)
def test_results_too_large_to_evaluate(op_type):
    net = FloatNet((2, 1, 1))
    with pytest.raises(CompileError, match="too many elements to evaluate") as refused:
        quantised((net, HUGE[op_type](net)))
    assert refused.value.code == "E065"


def test_tied_weights():
    """A matrix and its transpose, as in an autoencoder: each has the scales of its own outputs."""
    net = FloatNet((6,))
    w = net.const(net.rng.normal(size=(4, 6)) * np.logspace(-1, 1, 4)[:, None])
    done = quantised((net, net.node("Gemm", net.relu(net.node("Gemm", net.input, w, transB=1)), w)))
    assert [s.shape for _, s, _, _, a in quants(done) if a["narrow"]] == [(4, 1), (1, 6)]
    simulated = done.report["sqnr_db"]
    noise = ((outputs(done.model, done.samples) - done.outputs) ** 2).sum()
    assert abs(10 * np.log10((done.outputs**2).sum() / noise) - simulated) < 0.5


def test_weights_behind_what_only_moves_them():
    """Exporters leave Transpose, Reshape, Cast and Identity on constants."""
    net = FloatNet((6,))
    w = net.const(net.rng.normal(size=(2, 2, 6)), np.float64)
    w = net.node(
        "Identity", net.node("Cast", net.node("Reshape", w, net.const([4, -1], np.int64)), to=TensorProto.FLOAT)
    )
    done = quantised((net, net.node("MatMul", net.input, net.node("Transpose", w, perm=[1, 0]))))
    assert [(r["op"], r["weight_bits"]) for r in done.report["layers"]] == [("input", None), ("Gemm", 8)]
    import_model(done.model)


def test_old_operator_sets():
    """Opset 9 has the axes, limits and pads of today's operands as attributes."""
    net = FloatNet((2, 4, 4), opset=9)
    here = net.node("Clip", net.conv(net.node("Pad", net.input, pads=[0, 0, 1, 1, 0, 0, 1, 1]), 2, 4), min=0.0, max=2.0)
    here = net.node("Squeeze", net.node("Unsqueeze", here, axes=[1]), axes=[1])
    here = net.node("Flatten", net.node("Slice", here, axes=[2], starts=[0], ends=[3]))
    _like_onnx(net, net.dense(here, 72, 3))


def test_names_of_any_content():
    net = Net([None, 4], name='"; $finish; //\n')
    rng = np.random.default_rng(0)
    output = net.node("MatMul", net.input, net.const(rng.normal(size=(4, 3))))
    net.nodes[0].name = "../../x\\${y}"
    done = calibrate(load(net.bytes(output)), rng.normal(size=(16, 4)), Settings())
    assert done.report["layers"][0]["name"] == '"; $finish; //\n'
    import_model(done.model)
