"""What dense and xnor share: the exact product in NumPy, and the folded matrix-vector unit in RTL."""

from __future__ import annotations

import numpy as np

from ..ir.netlist import Block, Fold
from ..ir.op import Codes
from ..ir.types import IntType, TensorType


def product(weight: Codes, x: Codes) -> Codes:
    """weight (outputs, inputs) times x (…, inputs) → (…, outputs), exact.

    BLAS is the fast integer multiplier here: a sum whose terms add up to less than 2^24 (2^53) in magnitude is
    exact in single (double) precision, in any order; larger ones take int64 arithmetic.
    """
    if not x.size:
        return np.zeros((*x.shape[:-1], len(weight)), np.int64)
    bound = int(np.abs(weight).sum(axis=1).max()) * max(abs(int(x.min())), abs(int(x.max())))
    if bound >= 1 << 53:
        return x @ weight.T
    carrier = np.float32 if bound < 1 << 24 else np.float64
    return (x.astype(carrier) @ weight.T.astype(carrier)).astype(np.int64)


def block(weight: Codes, bias: Codes, x: TensorType, y: TensorType, weight_type: IntType, fold: Fold) -> Block:
    raise NotImplementedError
