"""Runs a generated Vivado script in a real Tcl interpreter against the stub in vivado_stub.tcl."""

import importlib.util
import shutil
import subprocess
from pathlib import Path

import pytest

STUB = Path(__file__).parent / "vivado_stub.tcl"
TCLSH = shutil.which("tclsh")


def missing() -> str:
    """Why there is no Tcl here, or nothing."""
    if TCLSH or importlib.util.find_spec("_tkinter"):
        return ""
    return "neither tclsh nor Python's tkinter is installed (Debian: apt-get install tcl)"


needed = pytest.mark.skipif(bool(missing()), reason=missing())


def calls(script: Path, *arguments: str, before: str = "", interpreter: str = "") -> str:
    """The commands for Vivado that `script` runs, one a line, the design's folder as <design>.

    `before` is Tcl to run first, as `set slack -1`; `interpreter` is "tclsh" or "tkinter", else what there is.
    """
    log = script.parent.parent / "calls.log"
    words = " ".join(f"{{{word}}}" for word in ("run", str(script), str(log), *arguments))
    text = f"source {{{STUB}}}\n{before}\n{words}\n"
    if (interpreter or ("tclsh" if TCLSH else "")) == "tclsh":
        assert TCLSH
        subprocess.run([TCLSH], input=text, text=True, check=True, cwd="/", timeout=60)
    else:
        import tkinter

        tkinter.Tcl().eval(text)
    return log.read_text(encoding="utf-8").replace(str(script.parent.parent), "<design>")
