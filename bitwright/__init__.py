"""Bitwright: a quantized or pruned neural network in ONNX becomes an FPGA accelerator, exact to the last bit."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .builder import FixedPoint
    from .compiler import compile
    from .design import Design, load
    from .errors import CompileError, Origin

__version__ = "0.1.0"
__all__ = ["CompileError", "Design", "FixedPoint", "Origin", "__version__", "compile", "load"]

_HOMES = {
    "compile": "compiler",
    "FixedPoint": "builder",
    "Design": "design",
    "load": "design",
    "CompileError": "errors",
    "Origin": "errors",
}


def __getattr__(name: str) -> object:
    """Import on first use, so that `bitwright --version` costs next to nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'bitwright' has no attribute '{name}'")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
