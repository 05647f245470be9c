"""MultiThreshold: out_scale · #{thresholds that x reaches} + out_bias. Definition: qonnx 1.0.0, multithreshold.py."""

from __future__ import annotations

from fractions import Fraction

from ...errors import CompileError, quoted
from ..context import Context, Quantizer, step_array
from ..elem import Elem
from ..exact import filled
from ..model import OnnxNode
from ..quantize import quantize
from ..registry import QONNX, rule
from ..steps import Levels
from ..values import Stream

LAYOUTS = {2: "NC", 3: "NWC", 4: "NCHW"}
"""What the definition takes where the attribute is missing."""


@rule("MultiThreshold", domains=QONNX)
def multithreshold(ctx: Context, node: OnnxNode) -> Stream:
    """Thresholds (C or 1, n) in any order; the channel axis is found by data_layout."""
    x = ctx.real(node, 0, curved=True)
    rank = len(x.shape)
    levels = ctx.exact(node, 1, "thresholds")
    if levels.ndim != 2:
        raise CompileError("E011", f"the thresholds must be a matrix, not {list(levels.shape)}", origin=node.origin)
    axis = _channel_axis(node, rank)
    shape = [1] * rank
    if levels.shape[0] > 1:
        if levels.shape[0] != x.shape[axis]:
            message = f"{levels.shape[0]} rows of thresholds do not fit {x.shape[axis]} channels"
            raise CompileError("E011", message, origin=node.origin)
        shape[axis] = levels.shape[0]
    steps = [Levels(tuple(sorted(row))) for row in levels.tolist()]
    scale, bias = (Fraction(node.attribute(n, float, d)) for n, d in (("out_scale", 1.0), ("out_bias", 0.0)))
    if scale <= 0:
        raise CompileError("E026", f"out_scale must be positive, but is {float(scale)}", origin=node.origin)
    one, zero = filled(1, rank), filled(0, rank)
    by = Quantizer(one, zero, step_array([*steps], tuple(shape)), filled(scale, rank), filled(bias, rank), Elem.FLOAT32)
    return quantize(ctx, node, x, by)


def _channel_axis(node: OnnxNode, rank: int) -> int:
    layout = node.attribute("data_layout", str, "") or LAYOUTS.get(rank, "NC")
    axis = layout.find("C") if "C" in layout else 1
    if axis >= rank:
        message = f"data layout {quoted(layout)} does not fit {rank} axes"
        raise CompileError("E011", message, origin=node.origin)
    return axis
