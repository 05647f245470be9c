"""Trained networks from elsewhere: they import, agree with their stored outputs, and no difference is unexplained."""

import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from bitwright.boards.host import Boundary
from bitwright.frontend.compare import compare
from bitwright.frontend.reader import import_model
from bitwright.ir.graph import evaluate
from tests.frontend.onnx_check import outputs

MODELS = Path(__file__).parents[1] / "models"
NETWORKS = {
    "tfc_1w1a": None,
    "tfc_2w2a": None,
    "unsw_w2a2": "bipolar",
    "kwsmlp_w3a3": None,
    "ad08": "fixed<16,8>",
    "ad01_int8": None,
    "hello_world": None,
    "cnv_1w1a": "int8",
    "cnv_2w2a": "int8",
    "rn08": None,
    "ic_resnet8_int8": None,
    "kws_dscnn_int8": None,
    "vww_mobilenet_int8": None,
    "micro_speech_int8": None,
    "espcn_subpixel": "ufixed<8,0>",
    "vgg10_w8a8": None,
}
MORE = {"cnv_1w1a": 6, "cnv_2w2a": 6, "rn08": 20, "ic_resnet8_int8": 12, "vww_mobilenet_int8": 4, "espcn_subpixel": 0,
        "vgg10_w8a8": 6}  # fmt: skip
"""Random frames beside the stored ones; 40 of the small networks."""
DIFFERENT = {"espcn_subpixel": 19, "ic_resnet8_int8": 2}
"""Elements of the output that float rounding moved by one step, as the comparison explains."""


def network(name):
    imported = import_model(MODELS / f"{name}.onnx", input_type=NETWORKS[name])
    with np.load(MODELS / f"{name}.npz") as stored:
        samples = next(stored[k] for k in stored.files if k.startswith("in:"))
        expected = next(stored[k] for k in stored.files if k.startswith("out:"))
    return imported, samples, expected


def boundary(imported):
    """The host's side, over a stream of one element a beat."""
    spec = {}
    for side in ("input", "output"):
        port = imported.boundary[side]
        size = int(np.prod(port["shape"]))
        slot = next(s for s in (8, 16, 32, 64) if s >= port["code"]["width"])
        stream = {"slot": slot, "lanes": 1, "vector": size, "vectors": 1, "beats": size, "tdata": slot}
        spec[side] = dict(port) | {"stream": stream}
    return Boundary(spec)


def wire_codes(imported, samples):
    """The output's codes (n, *shape), by way of the host's own encoding and layout."""
    host, graph = boundary(imported), imported.graph
    type_ = graph.inputs["x0"]
    wire = host.input.to_wire(host.encode(samples)).reshape(len(samples), *type_.shape)
    return host.output.from_wire(evaluate(graph, {"x0": wire})[graph.outputs[0]])


@pytest.mark.parametrize("name", ["cnv_1w1a", "cnv_2w2a"])
def test_what_a_board_printed(name):
    """Recorded from the original accelerators on a PYNQ: equal to the integer."""
    imported, samples, _ = network(name)
    found = boundary(imported).decode(wire_codes(imported, samples))
    with np.load(MODELS / f"{name}.npz") as stored:
        printed = stored["board_logits"]
    known = ~np.isnan(printed)
    assert known.sum() >= 20 and (found[known] == printed[known]).all()


@pytest.mark.parametrize("name", NETWORKS)
def test_imports_take_a_moment(name):
    start = time.process_time()
    network(name)
    assert time.process_time() - start < 8


@pytest.mark.parametrize("name", NETWORKS)
def test_stored_outputs(name):
    imported, samples, expected = network(name)
    _, found = outputs(imported, samples)
    if imported.boundary["output"]["post"]:
        found = boundary(imported).decode(boundary(imported).output.check(wire_codes(imported, samples)))
        apart = np.abs(found.astype(float) - expected)
        assert found.dtype == expected.dtype
        if expected.dtype.kind == "f":  # a softmax, in float32 there
            assert apart.max() < 1e-6
        else:
            assert apart.max() <= 1 and (apart > 0).sum() == DIFFERENT.get(name, 0)
        return
    expected = expected.reshape(len(expected), -1)
    if name in DIFFERENT:
        step = float(Fraction(imported.boundary["output"]["decode"]["scale"][0]))
        steps = np.rint((found.astype(float) - expected) / step)
        assert np.abs(steps).max() <= 1 and (steps != 0).sum() == DIFFERENT[name]
        return
    if imported.boundary["output"]["decode"]["kind"] == "integer":
        assert found.tolist() == expected.tolist()
    else:  # never rounded, so the stored float32 has its error: 24 bits, and a sum of at most 800 terms
        assert np.abs(found.astype(float) - expected).max() <= 800 * 2.0**-24 * np.abs(expected).max()


@pytest.mark.parametrize("name", NETWORKS)
def test_every_difference_is_explained(name):
    imported, samples, _ = network(name)
    rng = np.random.default_rng(3)
    count = MORE.get(name, 40)
    if samples.dtype == np.int8:
        more = rng.integers(-128, 128, (count, *samples.shape[1:])).astype(np.int8)
    else:
        more = rng.uniform(samples.min(), samples.max(), (count, *samples.shape[1:])).astype(np.float32)
    found = compare(imported, np.concatenate([samples, more]))
    assert found.unexplained == 0, found
    assert found.elements > 40


def test_hidden_layers_cost_what_they_should():
    """The input of TFC is one bit: its Mul, Sub and BipolarQuant are the host's, so hardware starts at the product."""
    imported, _, _ = network("tfc_1w1a")
    assert [(n.op.mnemonic, str(n.type)) for n in imported.graph.nodes] == [
        ("dense", "64xs10[-472..491]"), ("threshold", "64xu1"), ("dense", "64xs7[-41..42]"), ("threshold", "64xu1"),
        ("dense", "64xs7[-40..41]"), ("threshold", "64xu1"), ("dense", "10xs7[-40..36]"),
    ]  # fmt: skip
    assert str(imported.graph.inputs["x0"]) == "784xu1"
    assert imported.boundary["input"]["encode"] == {
        "kind": "steps", "base": [0], "sign": [1], "edges": [[(0.5).hex()]],
    }  # fmt: skip
    assert imported.boundary["input"]["shape"] == [1, 28, 28]
