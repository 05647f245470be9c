"""Transpose: free on constants; on streams it only changes what is known of the elements' places."""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import CompileError
from ..context import Context
from ..model import Constant, OnnxNode
from ..registry import rule
from ..values import Exact, Stream, Value, shape_of


def transposed(value: Constant | Exact, perm: Sequence[int]) -> Constant | Exact:
    if isinstance(value, Constant):
        return Constant(value.array.transpose(perm), value.elem)
    return value.transposed(perm)


@rule("Transpose")
def transpose(ctx: Context, node: OnnxNode) -> Value:
    """Axis i of the result is axis perm[i] of the operand."""
    value = ctx.required(node, 0)
    shape = shape_of(value)
    perm = node.attribute("perm", tuple, tuple(reversed(range(len(shape)))))
    if sorted(perm) != list(range(len(shape))):
        message = f"perm {list(perm)} does not permute {len(shape)} axes"
        raise CompileError("E013", message, origin=node.origin)
    if not isinstance(value, Stream):
        return transposed(value, perm)  # pyright: ignore[reportArgumentType]
    result = tuple(shape[axis] for axis in perm)
    if not result or result[0] != 1:
        message = f"Transpose gives shape {list(result)}, which moves the batch axis (axis 0, size 1)"
        raise CompileError("E015", message, origin=node.origin, hint="keep one frame a batch entry")
    return value.transposed(perm)
