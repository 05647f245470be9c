"""How a graph is cut into layers."""

import numpy as np
import pytest

from bitwright.lowering.layers import Kind, split
from bitwright.ops.concat import Concat
from bitwright.ops.permute import Permute
from bitwright.ops.repeat import Repeat
from tests.harness import build, check
from tests.lowering.test_pixels import U4, Net


@pytest.mark.parametrize("op", [Permute(np.array([1, 0, 2])), Repeat(2, 1), Concat()], ids=lambda op: op.mnemonic)
def test_steps_behind_a_movement_are_a_layer_of_their_own(op, tmp_path):
    net = Net((2, 3, 2), U4)
    net.add(op, *["x"] * (2 if op.mnemonic == "concat" else 1))
    net.steps()
    graph = net.graph()
    assert [layer.kind for layer in split(graph)] == [Kind.MOVE, Kind.STREAM]
    check(build(graph, tmp_path), frames=4)
