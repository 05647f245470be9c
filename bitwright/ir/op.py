"""What an operator of the IR is. To add one, write one file in `ops/`; nothing else is edited."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .netlist import Block, Estimate, Kernel
from .types import TensorType

Codes = NDArray[np.int64]
"""Integer codes of a batch of frames, shape (frames, *frame shape)."""

REGISTRY: dict[str, type[Op]] = {}


@dataclass(frozen=True, eq=False)
class Op(ABC):
    """An operator with its constants as fields (integers, booleans, or int64 arrays)."""

    mnemonic: ClassVar[str]

    def __init_subclass__(cls) -> None:
        if cls.mnemonic in REGISTRY:
            raise TypeError(f"operator '{cls.mnemonic}' is registered twice")
        REGISTRY[cls.mnemonic] = cls

    # An operator takes as many operands as its methods say: `infer(x)`, or `infer(a, b)` where two streams meet.

    @abstractmethod
    def infer(self, *operands: Any, **_: Any) -> TensorType:
        """The result's type with its exact ranges. Raises CompileError (E11x) if an operand does not fit."""

    @abstractmethod
    def evaluate(self, *operands: Any, **_: Any) -> Codes:
        """The meaning: codes in, codes out, over a batch. Everything else is compared with this."""

    @abstractmethod
    def to_rtl(self, *operands_and_fold: Any, **_: Any) -> Block | None:
        """The library module that computes `evaluate` at a folding; None if it costs no hardware.

        Called with the operands' types and the Fold.
        """

    @abstractmethod
    def to_hls(self, *operands_and_fold: Any, **_: Any) -> Kernel | None:
        """The C++ function that computes `evaluate` at a folding, in beats of the same lanes as the RTL's; None if it costs
        no hardware.

        Called as `to_rtl` is.
        """

    @abstractmethod
    def estimate(self, *operands_result_and_fold: Any, **_: Any) -> Estimate:
        """Latency and resources of that module, without building its memories.

        Called with the operands' types, the result's, which is `infer` of them, and the Fold.
        """

    @classmethod
    @abstractmethod
    def samples(cls) -> Iterable[tuple[Op, *tuple[TensorType, ...]]]:
        """Small instances with their operands' types, corner cases first: the conformance suite runs each in every engine."""
