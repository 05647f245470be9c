"""C simulation: the accelerator's C++, compiled by g++ once into the cache, run on whole frames."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from ..errors import CompileError
from .verilator import cache_folder

FLAGS = ("-std=c++17", "-O3", "-march=native", "-fPIC", "-shared", "-w", "-fno-strict-overflow")
TIMEOUT = 1800


def compile_cpp(folder: Path, include: Path | None = None) -> Path:
    """The shared library of a written accelerator; with the machine's integers, or those of ap_int.h in `include`.

    Raises CompileError E390 if g++ is missing, E903 if it fails.
    """
    compiler = shutil.which("g++")
    if compiler is None:
        raise CompileError("E390", "g++ is not installed", hint="install g++ (Debian: apt install g++)")
    driver = files("bitwright") / "hls_templates" / "emulate.cpp"
    sources = {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*.h"))}
    sources |= {"bw_accel.cpp": (folder / "bw_accel.cpp").read_bytes(), "emulate.cpp": driver.read_bytes()}
    flags = [*FLAGS, *(["-O0", f"-I{include}"] if include else ["-DBW_NATIVE"])]
    version = subprocess.run(
        [compiler, "-march=native", "-Q", "--help=target"], capture_output=True, check=False
    ).stdout
    version += subprocess.run([compiler, "--version"], capture_output=True, check=False).stdout
    digest = hashlib.sha256(version + "\0".join(flags).encode())
    for name, text in sources.items():
        digest.update(f"{name}\0{len(text)}\0".encode() + text)
    target = cache_folder() / "hls" / f"{digest.hexdigest()[:32]}.so"
    if target.is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.with_suffix(".lock")):
        if not target.is_file():
            _build(compiler, flags, sources, target)
    return target


def _build(compiler: str, flags: Sequence[str], sources: dict[str, bytes], target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        folder = Path(scratch)
        for name, text in sources.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(text)
        command = [compiler, *flags, "bw_accel.cpp", "emulate.cpp", "-o", "built.so"]
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=TIMEOUT, check=False
        )
        if done.returncode:
            raise CompileError("E903", f"g++ failed ({done.returncode}):\n{done.stderr[-4000:]}")
        os.replace(folder / "built.so", target)


def run(library: Path, data: NDArray[np.uint8], out_bytes: int) -> NDArray[np.uint8]:
    """Frames as the bus has them (frames, bytes) → (frames, out_bytes)."""
    function = ctypes.CDLL(str(library)).bw_accel_frames
    given = np.ascontiguousarray(data)
    found = np.empty((len(given), out_bytes), np.uint8)
    function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
    function.restype = None
    function(given.ctypes.data, found.ctypes.data, len(given))
    return found
