"""Random ONNX networks all the way: import, passes, folding, RTL; equal on every frame, under stalls."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bitwright.errors import CompileError
from bitwright.frontend.reader import import_model
from bitwright.ir.graph import evaluate
from bitwright.lowering.manager import run_passes
from bitwright.lowering.passes import PIPELINE
from bitwright.sim import reference
from tests.frontend.onnx_build import Net
from tests.frontend.test_random_networks import between, quantised, weights
from tests.harness import build, check

REFUSED = ("E029", "E035")  # no exact integers of sane width
SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]


def network(seed: int) -> bytes:
    """A QONNX network of 1 to 3 layers, up to 20 wide; its input is quantized on the host or in hardware."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 21, rng.integers(2, 5)).tolist()
    net, pow2 = Net([1, sizes[0]]), bool(rng.integers(2))
    x = quantised(rng, net, net.input, (sizes[0],), pow2, False)
    for inputs, outputs in pairwise(sizes):
        x = net.node("MatMul", x, weights(rng, net, inputs, outputs, pow2))
        x = between(rng, net, x, outputs)
        if outputs != sizes[-1] or rng.random() < 0.5:
            x = quantised(rng, net, x, (outputs,), pow2, bool(rng.integers(2)))
    return net.bytes(x)


def run(seed: int, folder) -> bool:
    """Build and check the network of a seed; False if its import is rightly refused."""
    print(f"seed {seed}")
    rng = np.random.default_rng(seed)
    kind = [None, "int6", "fixed<7,3>"][int(rng.integers(3))]
    try:
        imported = import_model(network(seed), input_type=kind)
    except CompileError as error:
        assert error.code in REFUSED, error
        return False
    graph = run_passes(imported.graph, PIPELINE)
    (source,) = graph.inputs
    codes = reference.random_codes(graph.types[source], 30, seed)
    before = evaluate(imported.graph, {source: codes})[imported.graph.outputs[0]]
    np.testing.assert_array_equal(evaluate(graph, {source: codes})[graph.outputs[0]], before)
    check(build(graph, folder, int(rng.integers(20, 400))), frames=6, seed=seed)
    return True


@given(st.integers(0, 2**32))
@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=SLOW)
def test_from_onnx_to_rtl(tmp_path_factory, seed):
    run(seed, tmp_path_factory.mktemp("net"))


@pytest.mark.long
@given(st.integers(0, 2**32))
@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
def test_many_from_onnx_to_rtl(tmp_path_factory, seed):
    run(seed, tmp_path_factory.mktemp("net"))
