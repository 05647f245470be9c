"""Random layers with every operator that a circuit can hold."""

import numpy as np

from bitwright.ir.graph import Graph, Node
from bitwright.ir.op import Op
from bitwright.ir.types import IntType, TensorType
from bitwright.ops.dense import Dense
from bitwright.ops.mulshift import MulShift
from bitwright.ops.shift import Shift
from bitwright.ops.table import Table
from bitwright.ops.threshold import Threshold
from bitwright.ops.wrap import Wrap
from bitwright.ops.xnor import Xnor

STEPS = ("shift", "even", "relu", "mulshift", "coarse", "wrap", "shift_wrap", "thresholds", "sign", "table")


def chain(x: TensorType, ops: list[Op]) -> Graph:
    nodes: list[Node] = []
    for k, op in enumerate(ops):
        source = nodes[-1] if nodes else None
        type_ = op.infer(source.type if source else x)
        nodes.append(Node(f"v{k}", op, (source.name if source else "x",), type_))
    return Graph({"x": x}, tuple(nodes), (nodes[-1].name,))


def random_circuit(seed: int, largest: int = 9, layers: int = 3) -> Graph:
    """A few sums, each followed by requantisers of any kind; channels of different widths, some of them constant."""
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, largest))
    widths, signed = rng.integers(0, 7, size), rng.integers(0, 2, size)
    lo = [-(1 << (w - 1)) if s and w else 0 for w, s in zip(widths.tolist(), signed.tolist(), strict=True)]
    hi = [low + (1 << w) - 1 for low, w in zip(lo, widths.tolist(), strict=True)]
    x = TensorType.ranged((size,), lo, hi)
    ops: list[Op] = []
    for _ in range(int(rng.integers(1, layers + 1))):
        here = chain(x, ops).nodes[-1].type if ops else x
        ops.append(_sum(rng, here, int(rng.integers(1, largest))))
        for kind in rng.choice(STEPS, int(rng.integers(0, 3))):
            ops += step(str(kind), rng, chain(x, ops).nodes[-1].type)
    return chain(x, ops)


def _sum(rng: np.random.Generator, x: TensorType, rows: int) -> Op:
    if x.elem == IntType(1, False) and rng.random() < 0.5:
        return Xnor(rng.integers(0, 2, (rows, x.vector)), rng.integers(-9, 9, rows))
    weight = rng.integers(-12, 13, (rows, x.vector)) * (rng.random((rows, x.vector)) < rng.choice([0.3, 0.7, 1.0]))
    return Dense(weight << int(rng.integers(0, 3)), rng.integers(-300, 300, rows) * int(rng.integers(0, 2)))


def step(kind: str, rng: np.random.Generator, x: TensorType) -> list[Op]:
    """An operator of the kind that suits the type, and now and then a second."""
    n = x.vector
    right = int(rng.integers(0, x.elem.width + 12))  # of a sum that is shifted out the sign is left
    low = int(rng.choice([0, -8, -7, -5, -128]))
    high = low + int(rng.choice([1, 7, 10, 15, 127, 255]))
    b = rng.integers(-40, 40, n)
    match kind:
        case "shift":
            return [Shift(b, int(rng.integers(0, 3)), right, low, high)]
        case "even":
            return [Shift(b, 0, right, low, high, even=True)]
        case "relu":
            return [Shift(np.zeros(1, np.int64), 0, right, 0, 1 << 60)]
        case "mulshift" | "coarse":
            m = rng.integers(-60, 60, n) if kind == "mulshift" else 1 << rng.integers(0, 5, n)
            return [MulShift(m, b << 2, int(rng.integers(0, 12)), low, high)]
        case "wrap" | "shift_wrap":
            wrap = Wrap(rng.integers(0, 7, n), rng.integers(0, 2, n))
            first = MulShift(1 << rng.integers(0, 4, n), b, 3, int(rng.choice([0, -(1 << 50)])), 1 << 50)
            return [wrap] if kind == "wrap" else [first, wrap]
        case "thresholds" | "sign":
            count = 1 if kind == "sign" else int(rng.integers(0, 9))
            steps = np.sort(rng.integers(x.min - 2, x.max + 3, (n, count)), axis=1)
            return [Threshold(steps, rng.integers(-4, 4, n), rng.choice([-1, 1], n))]
    if x.elem.width > 8:
        return step("shift", rng, x)
    return [Table(rng.integers(-9, 30, 1 << x.elem.width))]


def samples(x: TensorType, count: int, seed: int) -> np.ndarray:
    """Random codes within the ranges, the corners among them."""
    rng = np.random.default_rng(seed)
    lo, hi = (np.array(ends) for ends in x.bounds(x.vector))
    codes = rng.integers(lo, hi + 1, (count, x.vector))
    codes[: count // 4] = np.where(rng.random((count // 4, x.vector)) < 0.5, lo, hi)
    codes[0], codes[1] = lo, hi
    return codes
