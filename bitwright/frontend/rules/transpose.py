"""Transpose: free on constants; on streams only where no element moves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...errors import CompileError
from ..context import Context
from ..model import Constant, OnnxNode
from ..registry import rule
from ..values import Exact, Stream, Value


def transposed(value: Constant | Exact, perm: Sequence[int]) -> Constant | Exact:
    if isinstance(value, Constant):
        return Constant(value.array.transpose(perm), value.elem)
    return value.transposed(perm)


@rule("Transpose")
def transpose(ctx: Context, node: OnnxNode) -> Value:
    """A stream keeps the order of its axes that are longer than 1."""
    value = ctx.required(node, 0)
    shape = value.array.shape if isinstance(value, Constant) else value.shape
    perm = node.attribute("perm", tuple, tuple(reversed(range(len(shape)))))
    if sorted(perm) != list(range(len(shape))):
        message = f"perm {list(perm)} does not permute {len(shape)} axes"
        raise CompileError("E013", message, origin=node.origin)
    if not isinstance(value, Stream):
        return transposed(value, perm)  # pyright: ignore[reportArgumentType]
    moved = [axis for axis in perm if shape[axis] > 1]
    if moved != sorted(moved):
        message = f"a Transpose that moves data (perm {list(perm)} of shape {list(shape)}) is not supported"
        raise CompileError("E023", message, origin=node.origin, hint="only axes of size 1 may change places so far")
    return ctx.reshape(value, tuple(int(np.prod(shape[axis])) for axis in perm), node.origin)
