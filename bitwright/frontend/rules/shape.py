"""Shape and Size: constants, since every shape but the batch is fixed and the batch counts as 1."""

from __future__ import annotations

from math import prod

import numpy as np

from ..context import Context
from ..model import Constant, OnnxNode
from ..registry import rule
from ..values import shape_of


@rule("Shape")
def shape(ctx: Context, node: OnnxNode) -> Constant:
    dims = shape_of(ctx.required(node, 0))
    start, end = node.attribute("start", int, 0), node.attribute("end", int, len(dims))
    return Constant.of(np.array(dims[start:end], np.int64))


@rule("Size")
def size(ctx: Context, node: OnnxNode) -> Constant:
    return Constant.of(np.array(prod(shape_of(ctx.required(node, 0))), np.int64))
