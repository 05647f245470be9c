"""The table of rules. A rule is a function of the context and a node; it registers itself by its decorator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from .context import Context
from .model import OnnxNode
from .values import Value

QONNX = ("", "onnx.brevitas", "finn.custom_op.general", "qonnx.custom_op.general")
OWN = ("bitwright",)
"""The domain of operators that only our own readers of other formats write."""

Rule = Callable[[Context, OnnxNode], Value | tuple[Value, ...]]
R = TypeVar("R", bound=Rule)
Fold = Callable[[OnnxNode, list[np.ndarray]], np.ndarray]


@dataclass(frozen=True, slots=True)
class Entry:
    """`apply` where an operand depends on the input or is exact; `fold` where all are plain constants."""

    apply: Rule | None
    fold: Fold | None


RULES: dict[tuple[str, str], Entry] = {}


def rule(*op_types: str, domains: tuple[str, ...] = ("",), fold: Fold | None = None) -> Callable[[R], R]:
    """Register a rule. `fold`, where given, evaluates the node on plain constants in their element type."""

    def register(function: R) -> R:
        for op_type in op_types:
            _add(op_type, domains, Entry(function, fold))
        return function

    return register


def folded(*op_types: str) -> Callable[[Fold], Fold]:
    """Register an operator that is only ever evaluated on constants."""

    def register(function: Fold) -> Fold:
        for op_type in op_types:
            _add(op_type, ("",), Entry(None, function))
        return function

    return register


def find(node: OnnxNode) -> Entry | None:
    return RULES.get((node.domain, node.op_type))


def _add(op_type: str, domains: tuple[str, ...], entry: Entry) -> None:
    for domain in domains:
        if (domain, op_type) in RULES:
            raise TypeError(f"operator '{op_type}' has two rules")
        RULES[domain, op_type] = entry
