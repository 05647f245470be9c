"""The check of every operator test: the imported IR with its boundary equals the exact evaluator."""

from fractions import Fraction

import numpy as np

from bitwright.frontend.compare import prepare
from bitwright.frontend.reader import import_model
from bitwright.ir.graph import evaluate, verify
from bitwright.ir.text import parse_graph, print_graph
from tests.frontend import onnx_exact


def decoded(boundary, codes):
    """The exact real output of codes (n, …), before any post-processing."""
    rule, flat = boundary["output"]["decode"], codes.reshape(len(codes), -1)
    if rule["kind"] == "integer":
        return onnx_exact.fractions(flat + rule["offset"])
    rows = len(rule["scale"])
    out = np.empty(flat.shape, object)
    for (n, e), code in np.ndenumerate(flat):
        p = e // rule.get("repeat", 1) % rows
        value = Fraction(rule["scale"][p]) * int(code) + Fraction(rule["offset"][p])
        value = value if rule["lo"][p] is None else max(value, Fraction(rule["lo"][p]))
        out[n, e] = value if rule["hi"][p] is None else min(value, Fraction(rule["hi"][p]))
    return out


def outputs(imported, samples):
    """Exact outputs (n, elements) of samples (n, *frame), by way of the codes; ranges are checked on the way."""
    x, codes = prepare(imported, samples)
    graph = imported.graph
    name, type_ = next(iter(graph.inputs.items()))
    codes = to_wire(imported.boundary["input"], codes)
    values = evaluate(graph, {name: codes.reshape(len(x), *type_.shape)})
    for value, array in values.items():
        within(array, graph.types[value])
    return x, decoded(imported.boundary, from_wire(imported.boundary["output"], values[graph.outputs[0]]))


def to_wire(port, codes):
    """Codes (n, *shape) in the order of the wire, as the boundary tells it."""
    dims = port.get("dims", port["shape"])
    axes = port.get("axes", range(len(dims)))
    return codes.reshape(len(codes), *dims).transpose(0, *(a + 1 for a in axes)).reshape(len(codes), -1)


def from_wire(port, codes):
    size = codes[0].size
    places = to_wire(port, np.arange(size)[None])[0]
    out = np.empty((len(codes), size), np.int64)
    out[:, places] = codes.reshape(len(codes), -1)
    return out


def within(array, type_):
    lo, hi = (np.array(b) for b in (type_.lo, type_.hi))
    flat = array.reshape(len(array), -1, len(lo))
    assert (flat >= lo).all() and (flat <= hi).all()
    assert type_.elem.lo <= type_.min and type_.max <= type_.elem.hi


def check(model, samples, input_type=None):
    """Import `model` (a ModelProto), run `samples`, compare with the exact evaluator; returns what was imported."""
    imported = import_model(model.SerializeToString(), input_type=input_type)
    verify(imported.graph)
    text, constants = print_graph(imported.graph)
    assert print_graph(parse_graph(text, constants))[0] == text
    x, found = outputs(imported, samples)
    for frame, row in zip(x, found):
        expected = onnx_exact.evaluate(model, frame)[model.graph.output[0].name]
        assert row.tolist() == expected.reshape(-1).tolist()
    return imported


def grid(rng, shape, count=6, low=-4.0, high=4.0):
    """Random samples in float32, some of them on a coarse grid, where ties are."""
    x = rng.uniform(low, high, (count, *shape)).astype(np.float32)
    coarse = np.round(x * 4) / 4
    return np.where(rng.random(x.shape) < 0.5, coarse, x).astype(np.float32)
