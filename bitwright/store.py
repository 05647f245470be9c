"""A build directory appears whole or not at all: written aside, synced, and renamed into place."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from .errors import CompileError

MANIFEST = "manifest.json"


@contextmanager
def build_directory(target: Path) -> Generator[Path]:
    """A scratch folder that replaces `target` if the body succeeds; on any error nothing is left and `target` is whole.

    Raises CompileError E501 if `target` holds something that Bitwright did not make, E502 if it cannot be written.
    """
    check_replaceable(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise _unwritable(target, error) from error
    try:
        scratch.chmod(0o755)
        yield scratch
        _sync(scratch)
        _swap(scratch, target)
    except OSError as error:
        raise _unwritable(target, error) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def check_replaceable(target: Path) -> None:
    """Raise CompileError E501 unless `target` is absent, empty, or a build of Bitwright's."""
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise CompileError("E501", f"'{target}' is not a folder", hint="choose another folder with -o")
    if target.exists() and any(target.iterdir()) and not is_build(target):
        message = f"the folder '{target}' is not empty and Bitwright did not make it"
        raise CompileError("E501", message, hint="choose another folder with -o, or empty it yourself")


def is_build(folder: Path) -> bool:
    """Whether Bitwright made the folder."""
    return "bitwright" in _manifest(folder)


def is_chip(folder: Path) -> bool:
    """Whether it is a chip that `bitwright combine` made."""
    return "accelerators" in _manifest(folder)


def _manifest(folder: Path) -> dict[str, Any]:
    """The manifest in the folder, or an empty one; `saved.read_manifest` looks at what it says."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return cast(dict[str, Any], manifest) if isinstance(manifest, dict) else {}


def write_json(path: Path, value: object) -> None:
    """JSON with sorted keys and a final newline: the same value gives the same bytes."""
    path.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n")


def _sync(folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())


def _swap(scratch: Path, target: Path) -> None:
    if not target.exists():
        scratch.rename(target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}.old.", dir=target.parent))
    old.rmdir()
    target.rename(old)
    try:
        scratch.rename(target)
    except OSError:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _unwritable(target: Path, error: OSError) -> CompileError:
    reason = error.strerror or type(error).__name__
    return CompileError("E502", f"cannot write the build directory '{target}': {reason}")
