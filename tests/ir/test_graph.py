"""The verifier finds what is wrong with a graph, and the text form says where it cannot be read."""

from dataclasses import replace

import numpy as np
import pytest

from bitwright.errors import CompileError, Origin
from bitwright.ir.graph import Graph, Node, verify
from bitwright.ir.text import parse_graph, print_graph
from bitwright.ir.types import IntType, TensorType
from bitwright.ops.dense import Dense
from bitwright.ops.shift import Shift

X = TensorType.of((3,), IntType(4, True))
DENSE = Dense(np.array([[1, -2, 3], [0, 0, 1]]), np.array([0, 7]))
ORIGIN = (Origin("MatMul", 'evil "name"\n# x', 3),)


def graph() -> Graph:
    a = Node("a", DENSE, ("x",), DENSE.infer(X), ORIGIN)
    clip = Shift(np.array([1]), 0, 2, -4, 3)
    return Graph({"x": X}, (a, Node("b", clip, ("a",), clip.infer(a.type))), ("b",))


def test_text_is_golden():
    text, constants = print_graph(graph())
    assert text == (
        "input x : 3xs4\n"
        "a = dense(x) weight=@a.weight bias=[0,7] : 2xs7[-46..44]"
        '  # [["MatMul", "evil \\"name\\"\\n# x", 3]]\n'
        "b = shift(a) b=[1] left=0 right=2 lo=-4 hi=3 even=false : 2xs3\n"
        "output b\n"
    )
    again = parse_graph(text, constants)
    assert print_graph(again)[0] == text and again.nodes[0].origin == ORIGIN


@pytest.mark.parametrize(
    "spoil, code, words",
    [
        (lambda g: replace(g, nodes=(*g.nodes, g.nodes[0])), "E101", "'a' is defined twice"),
        (lambda g: replace(g, nodes=g.nodes[::-1]), "E102", "'b' uses 'a' before it is defined"),
        (lambda g: replace(g, outputs=("c",)), "E102", "output 'c' is not defined"),
        (lambda g: replace(g, nodes=(replace(g.nodes[0], type=X), g.nodes[1])), "E103", "claims 3xs4"),
    ],
)
def test_the_verifier_refuses(spoil, code, words):
    with pytest.raises(CompileError) as error:
        verify(spoil(graph()))
    assert error.value.code == code and words in str(error.value)


@pytest.mark.parametrize("bad", ["b = nothing(a) : 2xs3", "b = shift(a) : 2xs3", "b shift(a)", "b = shift(z) b=[1] left=0 right=2 lo=-4 hi=3 : 2xs3",
                                 "b = shift(a) b=[1] left=0 right=2 lo=-4 hi=3 : 2xs9"])  # fmt: skip
def test_the_text_says_which_line_is_bad(bad):
    text, constants = print_graph(graph())
    lines = text.splitlines()
    lines[2] = bad
    with pytest.raises(CompileError, match="E104: line 3 of the IR text cannot be read"):
        parse_graph("\n".join(lines), constants)


def test_a_dense_layer_refuses_other_widths():
    with pytest.raises(CompileError, match="a dense layer of 3 inputs got 5xs4"):
        DENSE.infer(TensorType.of((5,), IntType(4, True)))


@pytest.mark.parametrize("channels", [3, 20])
def test_ranges_of_an_inputs_channels_are_in_the_text(channels):
    x = TensorType.ranged((2, channels), [-k for k in range(channels)], [2 * k for k in range(channels)])
    text, constants = print_graph(Graph({"x": x}, (), ("x",)))
    assert parse_graph(text, constants).inputs == {"x": x}
