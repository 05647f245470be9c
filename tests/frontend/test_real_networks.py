"""Trained networks from elsewhere: they import, agree with their stored outputs, and no difference is unexplained."""

from pathlib import Path

import numpy as np
import pytest

from bitwright.frontend.compare import compare
from bitwright.frontend.reader import import_model
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
}


def network(name):
    imported = import_model(MODELS / f"{name}.onnx", input_type=NETWORKS[name])
    with np.load(MODELS / f"{name}.npz") as stored:
        samples = next(stored[k] for k in stored.files if k.startswith("in:"))
        expected = next(stored[k] for k in stored.files if k.startswith("out:"))
    return imported, samples, expected


@pytest.mark.parametrize("name", NETWORKS)
def test_stored_outputs(name):
    imported, samples, expected = network(name)
    _, found = outputs(imported, samples)
    expected = expected.reshape(len(expected), -1)
    if imported.boundary["output"]["decode"]["kind"] == "integer":
        assert found.tolist() == expected.tolist()
    else:  # never rounded, so the stored float32 has its error: 24 bits, and a sum of at most 800 terms
        assert np.abs(found.astype(float) - expected).max() <= 800 * 2.0**-24 * np.abs(expected).max()


@pytest.mark.parametrize("name", NETWORKS)
def test_every_difference_is_explained(name):
    imported, samples, _ = network(name)
    rng = np.random.default_rng(3)
    if samples.dtype == np.int8:
        more = rng.integers(-128, 128, (40, *samples.shape[1:])).astype(np.int8)
    else:
        more = rng.uniform(samples.min(), samples.max(), (40, *samples.shape[1:])).astype(np.float32)
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
