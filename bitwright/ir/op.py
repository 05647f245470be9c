"""What an operator of the IR is. To add one, write one file in `ops/`; nothing else is edited."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from .netlist import Block, Estimate, Fold
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

    @abstractmethod
    def infer(self, x: TensorType) -> TensorType:
        """The result's type with its exact ranges. Raises CompileError (E11x) if the operand does not fit."""

    @abstractmethod
    def evaluate(self, x: Codes) -> Codes:
        """The meaning: codes in, codes out, over a batch. Everything else is compared with this."""

    @abstractmethod
    def to_rtl(self, x: TensorType, fold: Fold) -> Block | None:
        """The library module that computes `evaluate` at this folding; None if it costs no hardware."""

    @abstractmethod
    def estimate(self, x: TensorType, y: TensorType, fold: Fold) -> Estimate:
        """Latency and resources of that module, without building its memories; `y` is `infer(x)`."""

    @classmethod
    @abstractmethod
    def samples(cls) -> Iterable[tuple[Op, TensorType]]:
        """Small instances, corner cases first. The conformance suite runs every one of them in every engine."""
