"""C simulation: the accelerator's C++, compiled by g++ once into the cache, run on whole frames."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from ..boards.host import Boundary
from ..errors import CompileError
from ..ir.graph import Graph
from ..ir.op import Codes
from ..ir.types import IntType
from . import reference
from .verify import Mismatch, Verification, first_of_stage
from .verilator import cache_folder

FLAGS = ("-std=c++17", "-O3", "-march=native", "-fPIC", "-shared", "-w", "-fno-strict-overflow", "-fno-gnu-unique")
TIMEOUT = 1800


@cache
def gcc() -> tuple[str, bytes]:
    """g++, and what identifies it and the machine that it compiles for. Raises CompileError E390 if it is missing."""
    compiler = shutil.which("g++")
    if compiler is None:
        raise CompileError("E390", "g++ is not installed", hint="install g++ (Debian: apt install g++)")
    commands = ([compiler, "-march=native", "-Q", "--help=target"], [compiler, "--version"])
    return compiler, b"".join(subprocess.run(c, capture_output=True, check=False).stdout for c in commands)


def compile_cpp(folder: Path, include: Path | None = None, *, trace: bool = False) -> Path:
    """The shared library of a written accelerator; with the machine's integers, or those of ap_int.h in `include`.

    With `trace` it tells of every beat.
    Raises CompileError E390 if g++ is missing, E903 if it fails.
    """
    compiler, identity = gcc()
    driver = files("bitwright") / "hls_templates" / "emulate.cpp"
    sources = {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*.h"))}
    sources |= {"bw_accel.cpp": (folder / "bw_accel.cpp").read_bytes(), "emulate.cpp": driver.read_bytes()}
    flags = [*FLAGS, *(["-O0", f"-I{include}"] if include else ["-DBW_NATIVE"]), *(["-DBW_TRACE"] if trace else [])]
    digest = hashlib.sha256(identity + "\0".join(flags).encode())
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


def run_codes(folder: Path, boundary: Boundary, codes: Codes, include: Path | None = None) -> Codes:
    """Output codes of the compiled C++ for input codes (frames, *shape); `include` as for `compile_cpp`."""
    data = boundary.input.pack(codes.reshape(len(codes), *boundary.input.shape))
    return boundary.output.unpack(run(compile_cpp(folder, include), data, boundary.output.frame_bytes))


def verify(
    folder: Path, graph: Graph, manifest: dict[str, Any], boundary: Boundary, samples: int, seed: int
) -> Verification:
    """Every output code of so many random frames against the reference, and where one differs, the first stage that does."""
    if samples < 1:
        raise CompileError("E504", f"--samples must be at least 1, not {samples}")
    start = time.perf_counter()
    (source,) = graph.inputs
    codes = reference.random_codes(graph.types[source], samples, seed)
    library = compile_cpp(folder)
    built = time.perf_counter() - start
    data = boundary.input.pack(boundary.input.from_wire(codes))
    got = boundary.output.unpack(run(library, data, boundary.output.frame_bytes))
    wrong = got != boundary.output.from_wire(reference.run(graph, codes))
    where = _first(folder, graph, manifest, boundary, data, codes) if wrong.any() else None
    seconds = round(time.perf_counter() - start, 2)
    found = Verification(frames=samples, seed=seed, build_seconds=round(built, 2), engine="hls")
    return replace(found, mismatches=int(wrong.sum()), first=where, seconds=seconds)


def _first(
    folder: Path, graph: Graph, manifest: dict[str, Any], boundary: Boundary, data: NDArray[np.uint8], codes: Codes
) -> Mismatch | None:
    """Run again with every beat of every stream recorded, and find the first stage that is wrong."""
    beats = _traced(compile_cpp(folder, trace=True), data, boundary.output.frame_bytes)
    values = reference.layers(graph, codes)
    for stage in manifest["stages"]:
        stream = stage["stream"]
        elem = IntType(stream["width"], stream["signed"])
        size = next(s for s in (8, 16, 32, 64) if s >= elem.width) // 8
        lanes = np.frombuffer(beats[stage["hls"]], f"<{'i' if elem.signed else 'u'}{size}").astype(np.int64)
        got = lanes.reshape(-1, -(-stream["vector"] // stream["lanes"]) * stream["lanes"])[:, : stream["vector"]]
        if found := first_of_stage(stage, graph, got.reshape(-1), values[stage["value"]].reshape(-1)):
            return found
    return None


def _traced(library: Path, data: NDArray[np.uint8], out_bytes: int) -> dict[str, bytes]:
    """What went through every stream, by its name."""
    found: dict[str, bytearray] = {}

    @ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_size_t)
    def keep(name: bytes, beat: int, size: int) -> None:
        found.setdefault(name.decode(), bytearray()).extend(ctypes.string_at(beat, size))

    loaded = ctypes.CDLL(str(library))
    hook = ctypes.c_void_p.in_dll(loaded, "bw_trace")
    hook.value = ctypes.cast(keep, ctypes.c_void_p).value
    _frames(loaded, data, out_bytes)
    hook.value = None
    return {name: bytes(beats) for name, beats in found.items()}


def run(library: Path, data: NDArray[np.uint8], out_bytes: int) -> NDArray[np.uint8]:
    """Frames as the bus has them (frames, bytes) → (frames, out_bytes)."""
    return _frames(ctypes.CDLL(str(library)), data, out_bytes)


def _frames(loaded: ctypes.CDLL, data: NDArray[np.uint8], out_bytes: int) -> NDArray[np.uint8]:
    function, given = loaded.bw_accel_frames, np.ascontiguousarray(data)
    found = np.empty((len(given), out_bytes), np.uint8)
    function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_char_p, ctypes.c_int]
    function.restype = None
    error = ctypes.create_string_buffer(200)
    function(given.ctypes.data, found.ctypes.data, len(given), error, len(error))
    if error.value:
        raise CompileError("E902", f"the C++ stopped: {error.value.decode(errors='replace')}")
    return found
