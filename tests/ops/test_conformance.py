"""What every registered operator owes, on every one of its samples, with no test code of its own."""

import numpy as np
import pytest

from bitwright import ops
from bitwright.ir.graph import verify
from bitwright.ir.netlist import Fold, Multiplier
from bitwright.ir.op import REGISTRY
from bitwright.ir.text import parse_graph, print_graph
from bitwright.sim import reference
from tests.harness import build, check, check_cpp, single
from tests.hls.vendor import ap_types

assert ops.__doc__
CASES = [
    pytest.param(op, xs, id=f"{name}-{i}")
    for name, cls in sorted(REGISTRY.items())
    for i, (op, *xs) in enumerate(cls.samples())
]
# Headers for integers of any width take seconds to compile: of every operator the first and the last sample, the others are long.
WIDTH_CASES = [
    pytest.param(op, xs, id=f"{name}-{i}", marks=() if i in (0, len(samples) - 1) else pytest.mark.long)
    for name, samples in ((name, list(cls.samples())) for name, cls in sorted(REGISTRY.items()))
    for i, (op, *xs) in enumerate(samples)
]


def test_every_file_of_the_folder_that_defines_an_operator_is_registered():
    modules = {cls.__module__.rsplit(".", 1)[1] for cls in REGISTRY.values()}
    assert modules == set(REGISTRY) and {"dense", "window", "add", "threshold"} < modules


@pytest.mark.parametrize("op, xs", CASES)
def test_text_round_trip(op, xs):
    graph = single(op, *xs)
    verify(graph)
    text, constants = print_graph(graph)
    again = parse_graph(text, constants)
    assert print_graph(again)[0] == text
    codes = reference.random_codes(graph.types["x"], 4, 0)
    np.testing.assert_array_equal(reference.run(again, codes), reference.run(graph, codes))


@pytest.mark.parametrize("op, xs", CASES)
def test_values_stay_in_the_inferred_ranges_and_reach_them_where_it_is_monotone(op, xs):
    y = op.infer(*xs)
    values = op.evaluate(*(reference.random_codes(x, 200, k) for k, x in enumerate(xs, 1)))
    assert values.dtype == np.int64 and values.shape == (200, *y.shape)
    flat = values.reshape(200, -1)
    lo, hi = (np.resize(np.array(end), flat.shape[1]) for end in (y.lo, y.hi))
    assert (flat >= lo).all() and (flat <= hi).all()
    assert y.elem.lo <= y.min and y.max <= y.elem.hi


@pytest.mark.parametrize("op, xs", CASES)
def test_estimate_and_documentation(op, xs):
    assert op.__doc__ and type(op).__module__
    if op.mnemonic == "reshape":
        return
    multiplier = Multiplier.XNOR if op.mnemonic == "xnor" else Multiplier.LUT
    found = op.estimate(*xs, op.infer(*xs), Fold(multiplier=multiplier))
    assert found.cost.lut + found.cost.ff + found.cost.bram36 + found.cost.dsp > 0 or found.latency == 0


@pytest.mark.parametrize("op, xs", CASES)
@pytest.mark.parametrize("speed", ["slow", "fast"])
def test_rtl_equals_the_reference(op, xs, speed, tmp_path):
    graph = single(op, *xs)
    target = 10**9 if speed == "slow" else None
    check(build(graph, tmp_path, target), frames=8)


@pytest.mark.parametrize("op, xs", CASES)
@pytest.mark.parametrize("speed", ["slow", "fast"])
def test_cpp_equals_the_reference(op, xs, speed, tmp_path):
    built = build(single(op, *xs), tmp_path, 10**9 if speed == "slow" else None)
    check_cpp(built, tmp_path / "hls")


@pytest.mark.parametrize("op, xs", WIDTH_CASES)
def test_cpp_with_integers_of_any_width_equals_the_reference(op, xs, tmp_path):
    check_cpp(build(single(op, *xs), tmp_path), tmp_path / "hls", include=ap_types())
