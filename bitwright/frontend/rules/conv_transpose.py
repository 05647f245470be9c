"""ConvTranspose: a convolution with an output a phase of the stride, whose channels become blocks of pixels."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import cast

import numpy as np

from ...errors import CompileError
from ...ops.window import Window
from ..context import MAX_FRAME, Context, check_dimensions
from ..dense import Weights, weights_of
from ..exact import collapse
from ..model import OnnxNode
from ..recode import materialize
from ..registry import rule
from ..rewriting import Source
from ..spatial import Geometry, attribute_numbers
from ..trace import Doubt
from ..values import Stream, shape_of
from .conv import biased, convolve_rows, reshaped


@rule("ConvTranspose")
def conv_transpose(ctx: Context, node: OnnxNode) -> Stream:
    """x (1, C, …spatial) with weights (C, outputs / group, …kernel)."""
    x = ctx.real(node, 0)
    w = ctx.constant(node, 1, "weights")
    shape, group, rank = shape_of(w), node.attribute("group", int, 1), len(x.shape)
    check_dimensions(len(x.shape) - 2, node.origin)
    if rank not in (3, 4) or len(shape) != rank or shape[0] != x.shape[1] or group < 1 or shape[0] % group:
        message = f"weights of shape {list(shape)} in {group} groups do not suit an operand of shape {list(x.shape)}"
        raise CompileError("E011", message, origin=node.origin)
    phases = [_Axis.of(node, a, x.shape[2 + a], shape[2 + a], rank - 2) for a in range(rank - 2)]
    if rank == 3:
        phases.insert(0, _Axis(1, 1, 1, 1, 0, 1))
    blocks = prod(p.stride * p.reach for p in phases) * shape[0] * shape[1]
    if prod(p.count * p.stride for p in phases) * shape[1] * group > MAX_FRAME or blocks > MAX_FRAME:
        raise CompileError("E004", "this ConvTranspose makes too many elements", origin=node.origin)
    rows = _rows(
        weights_of(reshaped(w, (1, -1)), node.origin), (*shape[:2], phases[0].kernel, phases[1].kernel), phases, group
    )
    rows = replace(rows, source=Source(shape, tuple(range(rank))))
    where = Geometry(
        cast("tuple[int, int]", tuple(p.reach for p in phases)), (1, 1), (1, 1),
        (phases[0].top, phases[1].top, phases[0].bottom, phases[1].bottom), (0, 0, 0, 0),
        (phases[0].count, phases[1].count),
    )  # fmt: skip
    rows_of, columns = phases
    outputs, blocks = group * shape[1], rows_of.stride * columns.stride
    y = convolve_rows(ctx, node.origin, x, rows, group, where, blocks)
    y = y.reshaped((1, rows_of.count, columns.count, rows_of.stride, columns.stride, outputs))
    y = y.transposed((0, 1, 3, 2, 4, 5))
    y = y.reshaped((1, rows_of.count * rows_of.stride, columns.count * columns.stride, outputs))
    y = _cropped(ctx, node, y, rows_of, columns)
    return ctx.unimage(biased(ctx, node, y, 2), rank)


class _Axis:
    """One axis: output o is tap k of input i where i · stride + k · dilation = o + pad."""

    def __init__(self, size: int, kernel: int, stride: int, dilation: int, pad: int, result: int) -> None:
        self.size, self.kernel, self.stride, self.dilation = size, kernel, stride, dilation
        self.result = result
        extent = (kernel - 1) * dilation
        self.reach = extent // stride + 1  # inputs that one output block sees
        first, last = pad // stride, (pad + result - 1) // stride
        self.count = last - first + 1  # blocks
        self.top = self.reach - 1 - first
        self.bottom = last + 1 - size
        self.crop = pad - first * stride, (last + 1) * stride - pad - result

    @classmethod
    def of(cls, node: OnnxNode, a: int, size: int, kernel: int, rank: int) -> _Axis:
        stated = node.attribute("kernel_shape", tuple, None)
        if stated is not None and (len(stated) != rank or stated[a] != kernel):
            message = f"kernel_shape {list(stated)} contradicts the weights"
            raise CompileError("E011", message, origin=node.origin)
        stride = attribute_numbers(node, "strides", rank, (1,) * rank)[a]
        dilation = attribute_numbers(node, "dilations", rank, (1,) * rank)[a]
        more = node.attribute("output_padding", tuple, (0,) * rank)[a]
        extent = (kernel - 1) * dilation + 1
        full = (size - 1) * stride + extent + more
        pads = node.attribute("pads", tuple, (0,) * (2 * rank))
        wanted = node.attribute("output_shape", tuple, None)
        auto = node.attribute("auto_pad", str, "NOTSET") or "NOTSET"
        if wanted is not None or auto in ("SAME_UPPER", "SAME_LOWER"):
            result = size * stride if wanted is None else wanted[len(wanted) - rank + a]
            total = full - result
            if total < 0:
                raise CompileError("E021", f"an output of {result} needs padding of {-total}", origin=node.origin)
            # More at the end for SAME_UPPER, else at the beginning.
            begin = total // 2 if auto == "SAME_UPPER" else total - total // 2
        elif auto in ("NOTSET", "VALID"):
            begin = pads[a]
            result = full - pads[a] - pads[a + rank]
        else:
            raise CompileError("E013", f"auto_pad {auto} is unknown", origin=node.origin)
        if result < 1 or begin < 0 or more < 0:
            raise CompileError("E011", "this ConvTranspose has no output", origin=node.origin)
        return cls(size, kernel, stride, dilation, begin, result)


def _rows(flat: Weights, shape: tuple[int, ...], axes: list[_Axis], group: int) -> Weights:
    """A row an output (phase, phase, group, output of the group): its taps with the channels of the group."""
    channels, each, high, wide = shape
    index = np.arange(channels * each * high * wide).reshape(group, channels // group, each, high, wide)
    outputs = (axes[0].stride, axes[1].stride, group, each, axes[0].reach, axes[1].reach, channels // group)
    found = np.full(outputs, -1)
    for row in range(high):
        at, row_phase = divmod(row * axes[0].dilation, axes[0].stride)
        for column in range(wide):
            along, phase = divmod(column * axes[1].dilation, axes[1].stride)
            place = (row_phase, phase, slice(None), slice(None), axes[0].reach - 1 - at, axes[1].reach - 1 - along)
            found[place] = index[:, :, :, row, column].transpose(0, 2, 1)
    anyway = np.broadcast_to(index[:, :, :, 0, 0].transpose(0, 2, 1)[None, None, :, :, None, None, :], outputs)
    taken = np.where(found < 0, anyway, found).reshape(group * axes[0].stride * axes[1].stride * each, -1)
    none = (found < 0).reshape(taken.shape)
    codes = np.where(none, 0, flat.codes.reshape(-1)[taken])
    scale = flat.scale
    if scale.size > 1:
        scale = collapse(np.broadcast_to(flat.scale, flat.codes.shape).reshape(-1)[taken])
    doubt = flat.doubt
    if doubt is not None:
        size = np.where(none, 0.0, np.broadcast_to(doubt.size, flat.codes.shape).reshape(-1)[taken])
        doubt = Doubt(doubt.tensor, doubt.index.reshape(-1)[taken], size)
    return Weights(codes, scale, doubt, places=np.where(none, -1, taken))


def _cropped(ctx: Context, node: OnnxNode, y: Stream, rows: _Axis, columns: _Axis) -> Stream:
    pads = (-rows.crop[0], -columns.crop[0], -rows.crop[1], -columns.crop[1])
    if not any(pads):
        return y
    y = ctx.arranged(materialize(ctx, y, node.origin), None, node.origin)
    one = np.ones(2, np.int64)
    op = Window(one, one, one, np.array(pads, np.int64), 0)
    name = ctx.emit(op, ctx.shaped(cast(str, y.name), y.frame, node.origin), node.origin)
    return replace(y, name=name, shape=(1, *ctx.types[name].shape), trace=y.trace.moved(op.evaluate))
