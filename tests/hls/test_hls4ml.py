"""Projects of hls4ml's, compiled by its own script: every code equals the reference, or the layer that cannot is named."""

import builtins
import contextlib

import numpy as np
import pytest

import bitwright
from bitwright.boards.hls4ml import write_project
from bitwright.errors import CompileError
from bitwright.ir.graph import Graph, Node
from bitwright.ir.types import IntType, TensorType
from bitwright.lowering.hls4ml import export
from bitwright.ops.add import Add
from bitwright.ops.concat import Concat
from bitwright.ops.dense import Dense
from bitwright.ops.depthwise import Depthwise
from bitwright.ops.mulshift import MulShift
from bitwright.ops.permute import Permute
from bitwright.ops.pool import Pool
from bitwright.ops.reshape import Reshape
from bitwright.ops.shift import Shift
from bitwright.ops.table import Table
from bitwright.ops.threshold import Threshold
from bitwright.ops.total import Total
from bitwright.ops.window import Window
from bitwright.ops.wrap import Wrap
from bitwright.ops.xnor import Xnor
from bitwright.sim import hls4ml
from tests.test_real_networks import MODELS, NETWORKS

pytest.importorskip("hls4ml")


class Net:
    """A graph under construction: every value is an operator on those before it."""

    def __init__(self, x: TensorType) -> None:
        self.types, self.nodes = {"x": x}, []

    def add(self, op, *inputs):
        inputs = inputs or (self.nodes[-1].name if self.nodes else "x",)
        name = f"v{len(self.nodes)}"
        self.nodes.append(Node(name, op, inputs, op.infer(*(self.types[i] for i in inputs))))
        self.types[name] = self.nodes[-1].type
        return name

    @property
    def graph(self):
        return Graph({"x": self.types["x"]}, tuple(self.nodes), (self.nodes[-1].name,))


def check(graph, folder, frames=40):
    write_project(export(graph), "xc7z020clg400-1", 100.0, folder)
    found = hls4ml.verify(folder, graph, frames, 0)
    assert found.ok and found.mismatches == 0 and found.engine == "hls4ml", found.first


def requantisers(n):
    """Of `n` channels: every rounding, and ranges that are a type's, symmetric, one-sided and odd."""
    rng = np.random.default_rng(n)
    b = rng.integers(-300, 300, n)
    return [
        Shift(b, 0, 5, -(1 << 60), 1 << 60), Shift(b, 1, 4, -128, 127, even=True), Shift(b, 0, 3, -127, 127),
        Shift(np.zeros(1, np.int64), 0, 0, 0, 1 << 60), MulShift(rng.integers(-900, 900, n), b << 8, 15, -100, 57),
        MulShift(rng.integers(1, 900, n), b << 8, 14, 3, 200), Threshold(rng.integers(-50, 50, (n, 1)), np.zeros(n, np.int64), np.ones(n, np.int64)),
    ]  # fmt: skip


def test_dense_layers_and_every_requantiser(tmp_path):
    rng = np.random.default_rng(0)
    net = Net(TensorType.of((10,), IntType(6, True)))
    net.add(Dense(rng.integers(-30, 31, (8, 10)), rng.integers(-500, 500, 8)))
    for op in requantisers(8):
        last = net.add(op)
        net.add(Dense(rng.integers(-90, 91, (8, 8)), rng.integers(-500, 500, 8)), last)
    net.add(Wrap(np.full(8, 6), np.ones(8, np.int64)))
    check(net.graph, tmp_path, frames=400)


def test_images(tmp_path):
    rng = np.random.default_rng(1)
    one, zero = np.array([1, 1]), np.zeros(4, np.int64)
    net = Net(TensorType.of((7, 6, 3), IntType(5, False)))
    net.add(Window(np.array([3, 3]), one, one, np.ones(4, np.int64), 0))
    net.add(Dense(rng.integers(-7, 8, (4, 27)), rng.integers(-50, 50, 4)))
    left = net.add(Shift(np.zeros(1, np.int64), 0, 4, 0, 31))
    net.add(Dense(rng.integers(-7, 8, (4, 4)), rng.integers(-50, 50, 4)))
    right = net.add(Shift(np.zeros(1, np.int64), 0, 3, 0, 31))
    net.add(Add(1, 1, 0), left, right)
    net.add(Window(np.array([2, 2]), np.array([2, 2]), one, np.array([0, 0, -1, 0]), 0))
    net.add(Pool(4, True))
    net.add(Window(np.array([2, 3]), one, one, zero, 0))
    net.add(Depthwise(rng.integers(-7, 8, (6, 4)), rng.integers(-50, 50, 4)))
    both = net.add(Shift(np.zeros(1, np.int64), 0, 3, -16, 15))
    other = net.add(Shift(np.zeros(1, np.int64), 0, 1, -8, 7), both)
    net.add(Concat(), both, other)
    net.add(Reshape(np.array([2 * 1 * 8])))
    net.add(Dense(rng.integers(-7, 8, (5, 16)), rng.integers(-50, 50, 5)))
    check(net.graph, tmp_path)


def test_layers_that_take_turns(tmp_path):
    rng = np.random.default_rng(2)
    net = Net(TensorType.of((80,), IntType(4, True)))
    net.add(Dense(rng.integers(-8, 8, (64, 80)), rng.integers(-500, 500, 64)))
    net.add(Shift(np.zeros(1, np.int64), 0, 3, 0, 15))
    net.add(Dense(rng.integers(-8, 8, (3, 64)), rng.integers(-500, 500, 3)))
    assert export(net.graph).layers[1].reuse == 2
    check(net.graph, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("name", ["ad08", "rn08", "hello_world"])
def test_trained_networks(name, tmp_path):
    input_type, target = NETWORKS[name]
    options = {"input_type": input_type, "target_cycles": target, "backend": "hls4ml"}
    design = bitwright.compile(MODELS / f"{name}.onnx", tmp_path / "d", **options)
    assert design.verify(samples=3).ok


S4, U1 = IntType(4, True), IntType(1, False)
IMAGE = TensorType.of((5, 5, 2), S4)


def windowed(op, **window):
    told = {"kernel": [2, 2], "stride": [1, 1], "dilation": [1, 1], "pads": [0, 0, 0, 0]} | window
    net = Net(IMAGE)
    net.add(Window(*(np.array(told[k]) for k in ("kernel", "stride", "dilation", "pads")), told.get("pad", 0)))
    if op is not None:
        net.add(op)
    return net.graph


def alone(op, *types):
    net = Net(types[0])
    net.add(op)
    return net.graph


SUMS = Dense(np.ones((3, 8), np.int64), np.zeros(3, np.int64))


@pytest.mark.parametrize(
    "graph, why",
    [
        (windowed(SUMS, dilation=[2, 2]), "no dilation"),
        (windowed(SUMS, pads=[1, 1, 1, 1], pad=-3), "not with the code -3"),
        (windowed(SUMS, pads=[-1, 0, 0, 0]), "do not crop"),
        (windowed(Pool(4, False)), "no 'pool' of this form"),
        (windowed(Pool(4, True), pads=[1, 1, 0, 0], pad=-8), "pads with 0"),
        (windowed(None), "a window that nothing sums up"),
        (windowed(Total(True)), "windows go to 'total'"),
        (alone(Xnor(np.ones((2, 5), np.int64), np.zeros(2, np.int64)), TensorType.of((5,), U1)), "bipolar"),
        (alone(Table(np.arange(16)), TensorType.of((5,), S4)), "no 'table'"),
        (alone(Total(False), IMAGE), "no 'total'"),
        (alone(Threshold(np.array([[1, 2, 5]]), np.array([0]), np.array([1])), TensorType.of((3,), S4)), "a staircase of 3 steps"),
        (alone(Wrap(np.array([2, 3]), np.array([1, 1])), TensorType.of((2,), S4)), "no 'wrap'"),
        (alone(MulShift(np.array([1]), np.array([1 << 58]), 56, -(1 << 60), 1 << 60), TensorType.of((2,), S4)), "more than 53 bits"),
        (alone(Permute(np.array([0, 2, 1, 3])), TensorType.of((2, 2, 3, 2), S4)), "no 'permute'"),
    ],
)  # fmt: skip
def test_what_hls4ml_cannot_express_is_named(graph, why):
    with pytest.raises(CompileError, match=why) as error:
        export(graph)
    assert error.value.code == "E601" and "--backend hls" in (error.value.hint or "")


@pytest.mark.parametrize("name, cycles", [("tfc_1w1a", 1000), ("kws_dscnn_int8", 40_000)])
def test_the_origin_is_named(name, cycles, tmp_path):
    with pytest.raises(CompileError) as error:
        bitwright.compile(MODELS / f"{name}.onnx", tmp_path / "d", backend="hls4ml", target_cycles=cycles)
    assert error.value.code == "E601" and error.value.origin is not None
    assert not (tmp_path / "d").exists()


def test_the_same_network_gives_the_same_files(tmp_path):
    net = Net(TensorType.of((4,), S4))
    net.add(Dense(np.arange(8).reshape(2, 4), np.zeros(2, np.int64)))
    for name in ("a", "b/c"):
        write_project(export(net.graph), "xc7z020clg400-1", 100.0, tmp_path / name)
    files = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*") if p.is_file())
    assert len(files) > 20
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b/c" / name).read_bytes(), name


def test_a_missing_hls4ml_is_one_line(tmp_path, monkeypatch):
    real = builtins.__import__

    def fail(name, *args, **kwargs):
        if name.split(".")[0] == "hls4ml":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", fail)
    net = Net(TensorType.of((4,), S4))
    net.add(Dense(np.ones((2, 4), np.int64), np.zeros(2, np.int64)))
    with pytest.raises(CompileError) as error:
        write_project(export(net.graph), "xc7z020clg400-1", 100.0, tmp_path)
    assert str(error.value).splitlines()[0] == "E390: hls4ml is not installed" and error.value.exit_status == 3
    with contextlib.suppress(FileNotFoundError):
        assert not any(tmp_path.iterdir())
