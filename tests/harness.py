"""From an IR graph to a simulated accelerator: what the conformance and random-network tests share."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bitwright.boards.host import Boundary
from bitwright.compiler import code_of, stream_of
from bitwright.ir.graph import Graph, Node
from bitwright.ir.op import Codes, Op
from bitwright.ir.types import IntType, TensorType
from bitwright.lowering.build import Lowered, lower
from bitwright.lowering.cpp import write_hls
from bitwright.lowering.folding import Budget
from bitwright.lowering.hls import program
from bitwright.lowering.layers import FOLDED, Spatial
from bitwright.lowering.verilog import write_rtl
from bitwright.ops.dense import Dense
from bitwright.ops.shift import Shift
from bitwright.sim import cosim, hls, reference, verify, verilator

ROOMY = Budget(lut=1e9, ff=1e9, bram36=1e9, dsp=10**9, stream_bits=64)


@dataclass(frozen=True)
class Built:
    graph: Graph
    lowered: Lowered
    boundary: Boundary
    rtl: Path
    spatial: Spatial


def single(op: Op, *xs: TensorType) -> Graph:
    """A graph of one operator. Two operands are taken from one input, by a layer that picks each and one that clips it."""
    if len(xs) == 1:
        return Graph({"x": xs[0]}, (Node("y", op, ("x",), op.infer(*xs)),), ("y",))
    widest = IntType.covering(min(x.elem.lo for x in xs), max(x.elem.hi for x in xs))
    given = TensorType.of((*xs[0].shape[:-1], sum(x.vector for x in xs)), widest)
    nodes: list[Node] = []
    for k, x in enumerate(xs):
        pick = np.eye(given.vector, dtype=np.int64)[sum(p.vector for p in xs[:k]) :][: x.vector]
        dense = Dense(pick, np.zeros(x.vector, np.int64))
        clip = Shift(np.array([0]), 0, 0, x.elem.lo, x.elem.hi)
        picked = dense.infer(given)
        nodes += [Node(f"p{k}", dense, ("x",), picked), Node(f"c{k}", clip, (f"p{k}",), clip.infer(picked))]
    types = [n.type for n in nodes[1::2]]
    nodes.append(Node("y", op, tuple(f"c{k}" for k in range(len(xs))), op.infer(*types)))
    return Graph({"x": given}, tuple(nodes), ("y",))


def build(
    graph: Graph, folder: Path, target: int | None = 10**9, budget: Budget = ROOMY, spatial: Spatial = FOLDED
) -> Built:
    """Lower a graph and write its RTL into `folder`/rtl: as slowly as can be, for a target, or (None) as fast as can be."""
    return written(graph, lower(graph, budget, target, spatial), folder, spatial)


def written(graph: Graph, lowered: Lowered, folder: Path, spatial: Spatial = FOLDED) -> Built:
    """Write the RTL of a lowered graph into `folder`/rtl."""
    write_rtl(lowered.netlist, folder / "rtl")
    return Built(graph, lowered, _boundary(graph, lowered), folder / "rtl", spatial)


def simulate(built: Built, codes: Codes, **options: Any) -> tuple[Codes, cosim.Trace]:
    """Output codes of the RTL, and the trace."""
    exe = verilator.build(sorted(built.rtl.glob("*.v")), "bw_accel")
    trace = verify.simulate(exe, built.rtl, built.boundary, codes, **options)
    return verify.unpack(built.boundary, trace.outputs), trace


def check(built: Built, frames: int = 8, seed: int = 0) -> None:
    """RTL = reference on corner and random frames, smooth and stalled; the cycles are those that were computed."""
    (source,) = built.graph.inputs
    codes = reference.random_codes(built.graph.types[source], frames, seed)
    want = reference.run(built.graph, codes)
    got, trace = simulate(built, codes)
    np.testing.assert_array_equal(got, want)
    timing = built.lowered.timing
    assert trace.last_out[0] - trace.first_in[0] == timing.latency_cycles
    *_, first, second, third = trace.last_out
    assert max(third - second, second - first) == timing.frame_cycles
    got, _ = simulate(built, codes, seed=seed, stall=0.4, idle=0.4, reset_frame=frames // 2)
    np.testing.assert_array_equal(got, want)


def check_cpp(built: Built, folder: Path, frames: int = 8, seed: int = 0, include: Path | None = None) -> None:
    """C++ = reference on corner and random frames, with the machine's integers or those of the headers in `include`."""
    lowered, boundary = built.lowered, built.boundary
    if not folder.exists():
        write_hls(program(lowered), lowered.netlist.stages, folder, "none")
    (source,) = built.graph.inputs
    codes = reference.random_codes(built.graph.types[source], frames, seed)
    got = hls.run_codes(folder, boundary, codes, include)
    np.testing.assert_array_equal(got, reference.run(built.graph, codes).reshape(got.shape))


def _boundary(graph: Graph, lowered: Lowered) -> Boundary:
    """Integers in, integers out."""
    (source,), (sink,) = graph.inputs, graph.outputs
    lanes = {"input": lowered.netlist.source, "output": lowered.netlist.sink}
    spec: dict[str, Any] = {}
    for side, name in (("input", source), ("output", sink)):
        type_ = graph.types[name]
        spec[side] = {"name": name, "shape": list(type_.shape), "dtype": "int64", "code": code_of(type_),
                      "stream": stream_of(lanes[side])}  # fmt: skip
    spec["input"]["encode"] = spec["output"]["decode"] = {"kind": "integer", "offset": 0}
    spec["output"]["post"] = None
    return Boundary(spec)
