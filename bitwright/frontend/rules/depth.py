"""DepthToSpace and SpaceToDepth: reshapes and transpositions."""

from __future__ import annotations

from ...errors import CompileError, quoted
from ..context import Context
from ..model import OnnxNode
from ..registry import rule
from ..values import Stream


@rule("DepthToSpace")
def depth_to_space(ctx: Context, node: OnnxNode) -> Stream:
    """Channels become blocks of pixels; the block is the outer part of the channels (DCR) or the inner (CRD)."""
    x, block = _operand(ctx, node)
    _, channels, height, width = x.shape
    if channels % (block * block):
        message = f"{channels} channels do not make blocks of {block} by {block}"
        raise CompileError("E011", message, origin=node.origin)
    rest = channels // (block * block)
    mode = node.attribute("mode", str, "DCR")
    if mode not in ("DCR", "CRD"):
        raise CompileError("E013", f"{quoted(mode)} is no mode of DepthToSpace", origin=node.origin)
    if mode == "DCR":
        moved = x.reshaped((1, block, block, rest, height, width)).transposed((0, 3, 4, 1, 5, 2))
    else:
        moved = x.reshaped((1, rest, block, block, height, width)).transposed((0, 1, 4, 2, 5, 3))
    return moved.reshaped((1, rest, height * block, width * block))


@rule("SpaceToDepth")
def space_to_depth(ctx: Context, node: OnnxNode) -> Stream:
    """Blocks of pixels become channels, the block the outer part of them."""
    x, block = _operand(ctx, node)
    _, channels, height, width = x.shape
    if height % block or width % block:
        message = f"{height} by {width} pixels do not make blocks of {block} by {block}"
        raise CompileError("E011", message, origin=node.origin)
    split = x.reshaped((1, channels, height // block, block, width // block, block))
    return split.transposed((0, 3, 5, 1, 2, 4)).reshaped((1, channels * block * block, height // block, width // block))


def _operand(ctx: Context, node: OnnxNode) -> tuple[Stream, int]:
    x = ctx.stream(node, 0, curved=True)
    block = node.attribute("blocksize", int, 0)
    if len(x.shape) != 4 or block < 1:
        message = f"{node.op_type} by blocks of {block} does not suit a tensor of shape {list(x.shape)}"
        raise CompileError("E011", message, origin=node.origin)
    return x, block
