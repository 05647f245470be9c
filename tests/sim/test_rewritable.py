"""Weights that are written at run time: at any folding, extremes of their type too, the hardware is what NumPy says."""

from dataclasses import replace

import numpy as np
import pytest

import bitwright
from bitwright.boards import weights as host
from bitwright.boards.host import Boundary
from bitwright.design import with_weights
from bitwright.errors import CompileError
from bitwright.frontend.reader import import_model
from bitwright.ir.netlist import Fold, Memory, Multiplier, Ram
from bitwright.ir.types import IntType, TensorType
from bitwright.lowering.control import controlled
from bitwright.lowering.folding import cycles
from bitwright.lowering.layers import split
from bitwright.lowering.manager import run_passes
from bitwright.lowering.passes import PIPELINE
from bitwright.lowering.verilog import write_rtl
from bitwright.ops import matvec
from bitwright.ops.dense import Dense
from bitwright.ops.depthwise import Depthwise
from bitwright.ops.rewritable import Rewritable
from bitwright.ops.rewritable_depthwise import RewritableDepthwise
from bitwright.sim import control, reference, verify, verilator
from bitwright.sim.live import live
from tests.frontend.onnx_build import QONNX, Net
from tests.fuzz.test_random_networks import lowered
from tests.networks import random_images, random_lane_units, random_network


def freed(graph):
    """Every dense and depthwise layer with weights of any value of the type of those that it has."""
    kinds = {Dense: Rewritable, Depthwise: RewritableDepthwise}
    nodes = [replace(n, op=kinds[type(n.op)](n.op.weight, n.op.bias, str(n.op.weight_type)))
             if type(n.op) in kinds else n for n in graph.nodes]  # fmt: skip
    return graph.with_nodes(tuple(nodes))


def extremes(rng, spec):
    """Weights of a layer: random ones, all least, all greatest, and a mix of both ends."""
    ends = np.array([spec["lo"], spec["hi"]])
    yield rng.integers(*ends, spec["shape"], endpoint=True)
    for end in ends:
        yield np.full(spec["shape"], end)
    yield rng.choice(ends, spec["shape"])


# Of each kind seventeen networks, two of them always, without those that have only poolings and movements.
WITHOUT_WEIGHTS = {random_network: (), random_images: (5, 18, 19), random_lane_units: (5, 8, 10, 12, 18)}
RANDOM = [
    pytest.param(network, seed, marks=[pytest.mark.long] if seed > 4 else [])
    for network, without in WITHOUT_WEIGHTS.items()
    for seed in sorted({*range(3, 20 + len(without))} - {*without})
]


@pytest.mark.parametrize(("network", "seed"), RANDOM)
def test_random_networks(network, seed, tmp_path):
    """Written between frames, without a reset; at last the old weights come back."""
    built = lowered(seed, tmp_path / "unused", lambda s: freed(network(s)))
    netlist, told = controlled(built.lowered, "0" * 64)
    assert told["weights"]
    write_rtl(netlist, tmp_path / "rtl")
    wire = built.boundary
    wire.control = told
    ops = {n.name: n.op for n in built.lowered.graph.nodes}
    for value, spec in told["weights"].items():
        spec |= {"shape": list(ops[value].rows.shape), "axes": [0, 1], "order": None, "places": None}
    rng = np.random.default_rng(seed)
    (source,) = built.graph.inputs
    codes = reference.random_codes(built.graph.types[source], 3, seed)
    exe = verilator.build(sorted((tmp_path / "rtl").glob("*.v")), "bw_accel")
    rounds = [dict(zip(told["weights"], layer)) for layer in zip(*(extremes(rng, s) for s in told["weights"].values()))]
    rounds.append({name: ops[name].rows for name in told["weights"]})
    with live(exe, tmp_path / "rtl", wire.input.beats, wire.output.beats, seed=seed) as accelerator:
        for k, weights in enumerate([{}, *rounds]):
            control.write_weights(accelerator, wire, weights)
            words = accelerator.send(verify.words_in(wire, codes), seed=k, stall=0.2, idle=0.1)
            size = wire.output.beats
            got = verify.unpack(wire, [words[j : j + size] for j in range(0, len(words), size)])
            want = reference.run(with_weights(built.lowered.graph, weights), codes)
            np.testing.assert_array_equal(got.reshape(want.shape), want, err_msg=str(k))
        accelerator.compare_counters()


@pytest.mark.parametrize("kind", [Multiplier.LUT, Multiplier.DSP])
@pytest.mark.parametrize("elem", ["s2", "s4", "u3", "s8"])
def test_the_host_packs_words_as_the_compiler_does(kind, elem):
    w = IntType.parse(elem)
    rng = np.random.default_rng(1)
    for rows, columns, pe, simd, lut_rows in ((1, 1, 1, 1, 0), (5, 7, 2, 3, 0), (12, 10, 12, 5, 4), (9, 16, 3, 16, 2)):
        weight = rng.integers(w.lo, w.hi, (rows, columns), endpoint=True)
        op = Rewritable(weight, np.zeros(rows, np.int64), elem)
        fold = Fold(pe, simd, kind, Ram.DISTRIBUTED, lut_rows=lut_rows if kind is Multiplier.DSP else 0)
        x = TensorType.of((columns,), IntType(5, True))
        block = op.to_rtl(x, fold)
        assert block is not None and isinstance(block.params["WEIGHTS"], Memory)
        memory = block.params["WEIGHTS"]
        pack = matvec.packing_for(weight, x.elem, fold, w)
        spec = {"shape": [rows, columns], "axes": [0, 1], "order": None, "places": None, "rows": rows, "columns": columns, "lo": w.lo,
                "hi": w.hi, "bits": w.width, "pe": pe, "simd": simd, "lane": block.params["LANE"],
                "dsp_rows": matvec.dsp_rows(fold), "pack": pack.rows, "offset": pack.offset,
                "stored_bits": pack.stored.width}  # fmt: skip
        found = host.words(spec, weight).reshape(len(memory.words), -1).tolist()
        assert [sum(v << k * spec["lane"] for k, v in enumerate(word)) for word in found] == list(memory.words)


def image_model(kernel, taps, matrix, last, zero=0.0):
    """A convolution with padding, a depthwise one, a Gemm and a MatMul, weights of 4 and 3 bits, all given as integers.

    `zero` is a zero point of the operands of the first three; with one, that of the fourth is bipolar.
    """
    net = Net([1, 2, 4, 5])

    def weights(codes, scale, bits):
        return net.quant(net.const(np.asarray(codes) * scale), scale, bits=bits)

    x = net.quant(net.input, 0.25, zero, bits=3.0, signed=0)
    y = net.node("Conv", x, weights(kernel, 0.5, 4.0), pads=[1, 1, 0, 1], strides=[1, 2])
    y = net.quant(net.node("Relu", y), 0.5, zero, bits=3.0, signed=0)
    y = net.node("Conv", y, weights(taps, 0.5, 3.0), pads=[1, 1, 0, 0], group=3)
    y = net.quant(net.node("Relu", y), 0.5, zero, bits=3.0, signed=0)
    y = net.node("Flatten", y)
    y = net.node("Gemm", y, weights(matrix, 0.25, 4.0), net.const(np.arange(6) / 8), transB=1)
    y = net.node("BipolarQuant", y, net.const(1.0), domain=QONNX) if zero else net.quant(y, 1.0, bits=4.0)
    y = net.node("MatMul", y, weights(last, 0.125, 3.0))
    return net.bytes(y, [1, 3])


SHAPES = ((3, 2, 2, 3), (3, 1, 2, 2), (6, 36), (6, 3))
LIMITS = ((-8, 7), (-4, 3), (-8, 7), (-4, 3))


def some(seed):
    rng = np.random.default_rng(seed)
    return [rng.integers(*limit, shape, endpoint=True) for limit, shape in zip(LIMITS, SHAPES)]


@pytest.fixture(scope="module", params=[0.0, 3.0], ids=["plain", "zero_points_and_bipolar"])
def zero(request):
    return request.param


@pytest.fixture(scope="module")
def design(zero, tmp_path_factory):
    folder = tmp_path_factory.mktemp("rewritable")
    (folder / "m.onnx").write_bytes(image_model(*some(0), zero))
    return bitwright.compile(
        folder / "m.onnx", folder / "d", control="axilite", rewritable="all", target_cycles=300, style="auto"
    )


def test_arrays_are_those_of_the_model(design, zero):
    """NumPy with other weights is another model, one that has these weights in its file."""
    layers = design.boundary.control["weights"]
    assert [tuple(s["shape"]) for s in layers.values()] == list(SHAPES)
    assert [(s["lo"], s["hi"]) for s in layers.values()] == list(LIMITS)
    codes = reference.random_codes(design.graph.types["x0"], 20, 1)
    frames = design.boundary.input.from_wire(codes)
    for seed in (1, 2):
        new = some(seed)
        other = import_model(image_model(*new, zero))
        want = reference.run(run_passes(other.graph, PIPELINE), codes)
        got = design.run_codes(frames, weights=dict(zip(layers, new)))
        theirs = Boundary({k: {**other.boundary[k], "stream": stream_of(design, k)} for k in ("input", "output")})
        np.testing.assert_array_equal(
            design.boundary.decode(got), theirs.decode(theirs.output.from_wire(want)), strict=True
        )
        some_layers = dict(list(zip(layers, new))[1:2])
        assert not np.array_equal(design.run_codes(frames, weights=some_layers), got)


def stream_of(design, side):
    stream = getattr(design.boundary, side)
    return {"slot": stream.slot, "lanes": stream.lanes, "vector": stream.vector, "vectors": stream.vectors,
            "beats": stream.beats, "tdata": stream.tdata}  # fmt: skip


def test_the_hardware_follows(design):
    assert design.verify(samples=8).ok
    layers = design.boundary.control["weights"]
    x = np.random.default_rng(2).uniform(-1, 3, (4, 2, 4, 5)).astype(np.float32)
    for new in (some(5), [np.full(s["shape"], s["hi"]) for s in layers.values()]):
        weights = dict(zip(layers, new))
        np.testing.assert_array_equal(
            design.predict(x, weights=weights, engine="rtl"), design.predict(x, weights=weights), strict=True
        )


def test_what_follows_from_weights_follows_from_their_type(design, zero, tmp_path):
    """No unit, sum or requantiser knows the weights: a model with other ones is the same hardware, but for its memories."""
    (tmp_path / "m.onnx").write_bytes(
        image_model(*(np.full(shape, least) for shape, (least, _) in zip(SHAPES, LIMITS)), zero)
    )
    other = bitwright.compile(
        tmp_path / "m.onnx", tmp_path / "d", control="axilite", rewritable="all", target_cycles=300, style="auto"
    )
    for file in sorted((design.folder / "rtl").glob("*.v")):
        mine, theirs = (d.folder / "rtl" / file.name for d in (design, other))
        if file.name != "bw_accel.v":
            assert mine.read_bytes() == theirs.read_bytes()
        else:
            lines = zip(mine.read_text().splitlines(), theirs.read_text().splitlines(), strict=True)
            assert all(a == b or ".IDENTITY(" in a for a, b in lines)


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        ({"nothing": np.zeros((1, 1), int)}, "layer 'nothing' is not rewritable"),
        ({"": np.zeros((6, 36), float)}, "weights must be integers, not float64"),
        ({"": np.zeros((36, 6), int)}, r"weights must have the shape \(6, 36\), not \(36, 6\)"),
        ({"": np.full((6, 36), 8)}, "weights must be from -8 to 7, not 8 to 8"),
    ],
)
def test_weights_that_do_not_suit(design, weights, says):
    name = list(design.boundary.control["weights"])[2]
    x = np.zeros((1, 2, 4, 5), np.float32)
    with pytest.raises(CompileError, match=says) as caught:
        design.predict(x, weights={k or name: v for k, v in weights.items()})
    assert caught.value.code == "E506"


def test_cycles_are_those_of_a_folded_layer(design):
    layers = split(design.graph)
    assert all(s["engine"].startswith("folded") for s in design.manifest["stages"] if s["macs"])
    assert max(cycles(layer, Fold(1, 1)) for layer in layers if layer.macs) > design.manifest["frame_cycles"]


def refusal(model, tmp_path, **options):
    (tmp_path / "m.onnx").write_bytes(model)
    with pytest.raises(CompileError) as caught:
        bitwright.compile(tmp_path / "m.onnx", tmp_path / "d", **{"control": "axilite", **options})
    return str(caught.value)


def test_refusals(tmp_path):
    model = image_model(*some(0))
    assert "E504: --rewritable weights are written through the control port" in refusal(
        model, tmp_path, rewritable="all", control="none"
    )
    assert "E042: the model has no layer 'fc' with weights" in refusal(model, tmp_path, rewritable="fc")
    assert "'float' is no type of weights" in refusal(model, tmp_path, rewritable="n8=float")

    net = Net([1, 256, 3, 3])
    x = net.quant(net.input, 0.25, bits=3.0, signed=0)
    grouped = net.node("Conv", x, net.quant(net.const(np.ones((512, 2, 1, 1))), 1.0, bits=3.0), group=128)
    model = net.bytes(grouped, [1, 512, 3, 3])
    wanted = "its groups or phases make a matrix of 131,072 places, more than 65,536"
    assert wanted in refusal(model, tmp_path, rewritable=net.nodes[-1].name)
    assert "E042: no layer of the model can be rewritable" in refusal(model, tmp_path, rewritable="all")

    net = Net([1, 2])
    x = net.quant(net.input, np.array([[1.0, np.float32(2.0**-60)]], np.float32), bits=3.0)
    model = net.bytes(net.node("MatMul", x, net.quant(net.const(np.eye(2)), 1.0, bits=3.0)), [1, 2])
    assert "its weights are scaled by input" in refusal(model, tmp_path, rewritable=net.nodes[-1].name)


GROUPED = ((6, 2, 2, 1), (6, 2, 3, 3), (4, 1, 2, 2))


def grouped_model(kernel, phases, taps):
    """A convolution in two groups, a transposed one in two groups and phases, and a transposed depthwise one."""
    net = Net([1, 4, 3, 3])
    y = net.quant(net.input, 0.25, 2.0, bits=3.0, signed=0)
    for op, codes, more in (
        ("Conv", kernel, {"group": 2}),
        ("ConvTranspose", phases, {"group": 2, "strides": [2, 2], "pads": [1, 0, 0, 0]}),
        ("ConvTranspose", taps, {"group": 4}),
    ):
        y = net.node(op, y, net.quant(net.const(np.asarray(codes) * 0.5), 0.5, bits=3.0), **more)
        y = net.quant(net.node("Relu", y), 0.5, bits=4.0, signed=0)
    return net.bytes(y, [1, 4, 5, 8])


def test_groups_and_phases(tmp_path):
    """Zeros between the weights stay zeros; NumPy with other weights is another model, and the hardware follows."""
    rng = np.random.default_rng(3)

    def made(name, codes):
        (tmp_path / "m.onnx").write_bytes(grouped_model(*codes))
        return bitwright.compile(
            tmp_path / "m.onnx", tmp_path / name, control="axilite", rewritable="all", target_cycles=400
        )

    design, x = (
        made("d", [rng.integers(-4, 4, s) for s in GROUPED]),
        rng.uniform(-1, 2, (3, 4, 3, 3)).astype(np.float32),
    )
    layers = design.boundary.control["weights"]
    assert [tuple(s["shape"]) for s in layers.values()] == list(GROUPED)
    assert all(s["places"] is not None for s in layers.values())
    for k, new in enumerate(([rng.integers(-4, 4, s) for s in GROUPED], [rng.choice([-4, 3], s) for s in GROUPED])):
        weights = dict(zip(layers, new))
        got = design.predict(x, weights=weights)
        np.testing.assert_array_equal(got, made(f"d{k}", new).predict(x), strict=True)
        np.testing.assert_array_equal(got, design.predict(x, weights=weights, engine="rtl"), strict=True)


def test_a_wider_type(tmp_path):
    (tmp_path / "m.onnx").write_bytes(image_model(*some(0)))
    imported = import_model((tmp_path / "m.onnx").read_bytes(), rewritable="all")
    name = next(iter(imported.written.values())).layer
    wide = bitwright.compile(
        tmp_path / "m.onnx", tmp_path / "d", control="axilite", rewritable=f"{name}=int7", target_cycles=300
    )
    (spec,) = wide.boundary.control["weights"].values()
    assert (spec["lo"], spec["hi"]) == (-64, 63)
    assert "its weights are from -8 to 7, which no 3 bits hold" in refusal(
        image_model(*some(0)), tmp_path, rewritable=f"{name}=int3"
    )
