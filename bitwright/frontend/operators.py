"""The ONNX operators that there is a rule for."""

from . import rules  # noqa: F401  # pyright: ignore[reportUnusedImport]  (every rule registers itself)
from .registry import OWN, RULES


def supported_operators() -> list[str]:
    """Operator types, sorted; those of custom domains beside the standard ones."""
    return sorted({op_type for domain, op_type in RULES if domain not in OWN})
