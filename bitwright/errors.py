"""The one exception that users see. It says where, what, and what to do; it imports nothing of Bitwright."""

from dataclasses import dataclass

TOOL_MISSING = 3
DOES_NOT_FIT = 4
REFUSED = 2


@dataclass(frozen=True, slots=True)
class Origin:
    """The ONNX node that a piece of the design came from. ONNX has no line numbers, so it is named three ways."""

    op_type: str
    name: str
    index: int

    def __str__(self) -> str:
        return f"{_printable(self.op_type)} node #{self.index} '{_printable(self.name)}'"


class CompileError(Exception):
    """A refusal: `code` (E and three digits), `message` (the reason), `origin` (the node) and `hint` (the way out)."""

    def __init__(self, code: str, message: str, *, origin: Origin | None = None, hint: str = "") -> None:
        self.code, self.message, self.origin, self.hint = code, message, origin, hint
        where = f"\n  at {origin}" if origin else ""
        super().__init__(f"{code}: {message}{where}" + (f"\n  hint: {hint}" if hint else ""))

    @property
    def exit_status(self) -> int:
        """The process exit status: 3 a tool is missing (E39x), 4 it does not fit the board (E49x), else 2."""
        if self.code.startswith("E39"):
            return TOOL_MISSING
        if self.code.startswith("E49"):
            return DOES_NOT_FIT
        return REFUSED


def quoted(name: str) -> str:
    """A name from a model file, in quotes, safe to print on one line."""
    return f"'{_printable(name)}'"


def _printable(name: str) -> str:
    """Names come from hostile files: keep one line, no control characters, and a bounded length."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name[:120])
    return shown + ("…" if len(name) > 120 else "")
