"""Several pixels a cycle: the rewritten graph means the same, and its hardware is as fast as was asked for."""

import numpy as np
import pytest

from bitwright.errors import CompileError
from bitwright.ir.graph import Graph, Node, verify
from bitwright.ir.op import Op
from bitwright.ir.types import IntType, TensorType
from bitwright.lowering import pixels
from bitwright.lowering.layers import split
from bitwright.lowering.manager import run_passes
from bitwright.lowering.passes import PIPELINE
from bitwright.ops.add import Add
from bitwright.ops.concat import Concat
from bitwright.ops.dense import Dense
from bitwright.ops.depthwise import Depthwise
from bitwright.ops.permute import Permute
from bitwright.ops.pool import Pool
from bitwright.ops.repeat import Repeat
from bitwright.ops.reshape import Reshape
from bitwright.ops.threshold import Threshold
from bitwright.ops.total import Total
from bitwright.ops.window import Window
from bitwright.ops.xnor import Xnor
from bitwright.sim import reference
from tests.harness import build, check, check_cpp

U4 = IntType(4, False)


class Net:
    """Layers behind one another, by name."""

    def __init__(self, shape: tuple[int, int, int], elem: IntType, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.types = {"x": TensorType.of(shape, elem)}
        self.nodes: list[Node] = []
        self.here = "x"

    def add(self, op: Op, *inputs: str) -> str:
        inputs = inputs or (self.here,)
        self.here = f"v{len(self.nodes)}"
        self.types[self.here] = op.infer(*(self.types[i] for i in inputs))
        self.nodes.append(Node(self.here, op, inputs, self.types[self.here]))
        return self.here

    def window(self, kernel=(3, 3), stride=(1, 1), dilation=(1, 1), pads=(1, 1, 1, 1), pad=0) -> str:
        return self.add(Window(*(np.array(v) for v in (kernel, stride, dilation, pads)), pad))

    def dense(self, rows: int, limit: int = 8) -> str:
        weight = self.rng.integers(-limit, limit, (rows, self.types[self.here].vector))
        return self.add(Dense(weight, self.rng.integers(-9, 9, rows)))

    def depthwise(self, taps: int) -> str:
        channels = self.types[self.here].vector // taps
        return self.add(Depthwise(self.rng.integers(-8, 8, (taps, channels)), self.rng.integers(-9, 9, channels)))

    def xnor(self, rows: int) -> str:
        weight = self.rng.integers(0, 2, (rows, self.types[self.here].vector))
        return self.add(Xnor(weight, self.rng.integers(-2, 3, rows)))

    def bits(self) -> str:
        return self.steps(1)

    def steps(self, bits: int = 3) -> str:
        here = self.types[self.here]
        count = (1 << bits) - 1
        steps = np.sort(self.rng.integers(here.min, here.max, (here.vector, count)), axis=1)
        return self.add(Threshold(steps, np.zeros(here.vector, np.int64), np.ones(here.vector, np.int64)))

    def graph(self) -> Graph:
        return run_passes(Graph({"x": self.types["x"]}, tuple(self.nodes), (self.here,)), PIPELINE)


IDLE = {"kernel": (1, 1), "pads": (0, 0, 0, 0)}
"""No window at all."""
GEOMETRIES = [
    {},
    {"stride": (2, 2), "pads": (0, 0, 1, 1)},
    {"stride": (1, 2), "kernel": (1, 5), "pads": (0, 2, 0, 1), "pad": 3},
    {"kernel": (2, 3), "dilation": (1, 2), "pads": (1, 2, 0, 2)},
    IDLE,
    {"kernel": (3, 3), "pads": (0, -2, 0, 0)},
    {"kernel": (1, 1), "stride": (2, 2), "pads": (-1, -1, 0, 0)},
    {"kernel": (3, 4), "stride": (3, 1), "pads": (2, 3, 2, 4), "pad": 1},
]


@pytest.mark.parametrize(
    "geometry, depthwise", [(g, d) for g in GEOMETRIES for d in (False, True) if not d or g is not IDLE]
)
@pytest.mark.parametrize("count", [2, 4])
def test_the_graph_means_the_same(geometry, count, depthwise):
    taps = int(np.prod(geometry.get("kernel", (3, 3))))
    before = None
    for width in range(8, 40):
        net = Net((6, width, 3), U4)
        net.window(**geometry)
        _ = net.depthwise(taps) if depthwise else net.dense(2)
        net.steps()
        graph = net.graph()
        layers = split(graph)
        assert len(layers) == 1
        if nodes := pixels.form(layers[0], count, count):
            before, made = graph, nodes
            break
    assert before is not None
    after = pixels.replaced(before, split(before), {0: made})
    verify(after)
    (layer,) = split(after)
    assert layer.x.vector == 3 * count and layer.rows == split(before)[0].rows * count
    assert after.types[after.outputs[0]] == before.types[before.outputs[0]]
    codes = reference.random_codes(before.types["x"], 6, 0)
    np.testing.assert_array_equal(reference.run(after, codes), reference.run(before, codes))


def image(elem: IntType = U4) -> Net:
    net = Net((8, 16, 2), elem)
    net.window()
    net.dense(3)
    net.steps()
    return net


def residual() -> Net:
    """A fork, a layer without a window, a join, and a depthwise layer."""
    net = image()
    start = net.here
    net.dense(3)
    left = net.steps()
    net.add(Add(2, 3, 1), left, start)
    net.steps()
    net.window()
    net.depthwise(9)
    net.steps()
    return net


def strided() -> Net:
    net = Net((8, 16, 3), U4)
    net.window(stride=(2, 2), pads=(0, 0, 1, 1))
    net.dense(4)
    net.steps()
    net.window()
    net.dense(2)
    return net


@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize("make", [image, residual, strided])
def test_hardware_with_several_pixels_a_cycle(make, count, tmp_path):
    graph = make().graph()
    target = 8 * 16 // count + 40 // count
    built = build(graph, tmp_path, target)
    assert built.lowered.timing.frame_cycles <= target
    assert built.lowered.graph is not graph
    check(built, frames=5)


def test_as_fast_as_can_be(tmp_path):
    """Without a target and on a large board pixels are no limit."""
    built = build(image().graph(), tmp_path, None)
    assert built.lowered.timing.frame_cycles < 8 * 16 // 3
    check(built, frames=5)


def test_multiplications_are_counted_as_the_model_has_them(tmp_path):
    (stage,) = build(image().graph(), tmp_path, 80).lowered.netlist.stages
    assert stage.macs == 8 * 16 * 3 * 18


def test_no_multiplier_meets_only_the_zeros_between_two_windows(tmp_path):
    """Both pixels' windows have 9 of 12 taps of 2 channels each: of 3 rows each."""
    lowered = build(image().graph(), tmp_path, 80).lowered
    (fold,) = lowered.folding.folds
    (unit,) = (i for i in lowered.netlist.instances if i.module == "bw_mvu")
    beats = 3 * 3 * 4 // fold.simd
    assert fold.pe == 6 and int(str(unit.params["DEAD"])).bit_count() * beats == 2 * 3 * 18


def test_what_cannot_be_wider_is_refused_as_before(tmp_path):
    net = image()
    net.window((1, 2), pads=(0, 0, 0, 0))
    net.add(Pool(2, True))
    net.window((2, 2), (2, 2), pads=(0, 0, 0, 0))
    net.add(Pool(4, True))
    with pytest.raises(CompileError, match="E302: no folding meets 80 cycles a frame: this layer needs 128 at its"):
        build(net.graph(), tmp_path, 80)


@pytest.mark.parametrize("width", [15, 6])
def test_rows_must_divide(width):
    net = Net((4, width, 2), U4)
    net.window()
    net.dense(2)
    (layer,) = split(net.graph())
    assert bool(pixels.form(layer, 2, 2)) == (width == 6) and not pixels.form(layer, 4, 4)


def pooled(largest: bool) -> Net:
    net = image()
    net.window((2, 2), (2, 2), pads=(0, 0, 0, 0))
    net.add(Pool(4, largest))
    net.steps()
    net.window((3, 3), (1, 2), (1, 1), (1, 1, 1, 0), pad=2)
    net.add(Pool(9, not largest))
    return net


def one_dimension() -> Net:
    net = Net((1, 48, 2), IntType(3, True))
    net.window((1, 5), (1, 1), (1, 2), (0, 4, 0, 4), pad=-1)
    net.add(Pool(5, False))
    net.steps()
    net.window((1, 2), (1, 2), (1, 1), (0, 0, 0, 0))
    net.depthwise(2)
    return net


def bipolar() -> Net:
    """Convolutions of bits with a pooling between them, and one without a window."""
    net = Net((8, 16, 2), IntType(1, False))
    net.window(pads=(0, 0, 0, 0), kernel=(3, 1))
    net.xnor(4)
    net.bits()
    net.window((2, 2), (2, 2), pads=(0, 0, 0, 0))
    net.add(Pool(4, True))
    net.xnor(6)
    net.bits()
    net.window((1, 2), (1, 2), pads=(0, 0, 0, 0))
    net.xnor(3)
    return net


def moved() -> Net:
    """Bars, a crop, upsampling, two branches side by side, space to depth and back, transposition, a total."""
    net = Net((6, 18, 2), U4)
    start = net.window((1, 1), (1, 1), pads=(-1, -1, -1, -1))
    net.window((1, 1), (1, 1), pads=(1, 3, 0, 1), pad=3)
    left = net.steps()
    net.window((1, 1), (1, 1), pads=(0, 4, 1, 0))
    net.here = start
    net.window((1, 1), (1, 1), pads=(1, 4, 0, 0))
    net.add(Concat(), left, net.here)
    net.add(Repeat(2, 2))
    net.add(Reshape(np.array([5, 2, 20, 8])))
    net.add(Permute(np.array([0, 2, 1, 3])))
    net.add(Reshape(np.array([10, 20, 8])))
    net.steps(2)
    return net


def transposed(shape: tuple[int, int, int], *order: int) -> Net:
    net = Net(shape, U4)
    net.add(Permute(np.array(order)))
    net.steps(2)
    return net


def totals(largest: bool) -> Net:
    net = image()
    net.add(Total(largest))
    net.steps()
    return net


@pytest.mark.parametrize(
    "make, target",
    [
        pytest.param(lambda: pooled(True), 80, id="pooled"),
        pytest.param(lambda: pooled(False), 40, id="pooled, four"),
        pytest.param(one_dimension, 32, id="one dimension"),
        pytest.param(bipolar, 72, id="bipolar"),
        pytest.param(bipolar, 40, id="bipolar, four"),
        pytest.param(moved, 120, id="moved"),
        pytest.param(lambda: transposed((3, 8, 16), 1, 2, 0), 60, id="channels last"),
        pytest.param(lambda: transposed((3, 8, 16), 2, 0, 1), 60, id="channels first"),
        pytest.param(lambda: transposed((4, 8, 4), 1, 0, 2), 16, id="rows"),
        pytest.param(lambda: totals(True), 80, id="largest"),
        pytest.param(lambda: totals(False), 40, id="total"),
    ],
)
def test_layers_that_only_compare_or_move(make, target, tmp_path):
    graph = make().graph()
    built = build(graph, tmp_path, target)
    wide = built.lowered.graph
    verify(wide)
    assert built.lowered.timing.frame_cycles <= target and len(wide.nodes) > len(graph.nodes)
    codes = reference.random_codes(graph.types["x"], 6, 0)
    np.testing.assert_array_equal(reference.run(wide, codes), reference.run(graph, codes))
    check(built, frames=5)
    check_cpp(built, tmp_path / "hls")
