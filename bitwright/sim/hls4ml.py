"""An hls4ml project, compiled by its own script once into the cache, and run on frames of codes."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from filelock import FileLock

from ..boards.hls4ml import NAME, STAMP
from ..errors import CompileError
from ..ir.graph import Graph
from ..ir.op import Codes
from . import reference
from .hls import gcc
from .verify import Mismatch, Verification
from .verilator import cache_folder

TIMEOUT = 3600


def compile_project(folder: Path) -> Path:
    """The shared library that the project's build_lib.sh makes. Raises CompileError E390 without g++, E903 if it fails."""
    _, identity = gcc()
    digest = hashlib.sha256(identity)
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        digest.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    target = cache_folder() / "hls4ml" / digest.hexdigest()[:32]
    library = target / "firmware" / f"{NAME}-{STAMP}.so"
    if library.is_file():
        return library
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.with_suffix(".lock")):
        if not library.is_file():
            # Where it is compiled is where its weights are read, so the folder is in its place before.
            shutil.rmtree(target, ignore_errors=True)
            scratch = Path(tempfile.mkdtemp(dir=target.parent))
            shutil.copytree(folder, scratch, dirs_exist_ok=True)
            os.rename(scratch, target)
            done = subprocess.run(
                ["bash", "build_lib.sh"], cwd=target, capture_output=True, text=True, errors="replace", timeout=TIMEOUT, check=False
            )  # fmt: skip
            if done.returncode:
                raise CompileError("E903", f"hls4ml's build_lib.sh failed ({done.returncode}):\n{done.stderr[-4000:]}")
    return library


def run(folder: Path, graph: Graph, codes: Codes) -> Codes:
    """Output codes (frames, *shape) of the compiled project for the codes of the network's input (frames, *shape)."""
    (sink,) = graph.outputs
    shape = graph.types[sink].shape
    function = getattr(ctypes.CDLL(str(compile_project(folder))), f"{NAME}_double")
    function.argtypes, function.restype = [ctypes.c_void_p, ctypes.c_void_p], None
    given = np.ascontiguousarray(codes.reshape(len(codes), -1), np.float64)
    found = np.empty((len(codes), int(np.prod(shape))), np.float64)
    for x, y in zip(given, found, strict=True):
        function(x.ctypes.data, y.ctypes.data)
    return found.astype(np.int64).reshape(len(codes), *shape)


def verify(folder: Path, graph: Graph, samples: int, seed: int) -> Verification:
    """Every output code of so many random frames against the reference."""
    if samples < 1:
        raise CompileError("E504", f"--samples must be at least 1, not {samples}")
    start = time.perf_counter()
    compile_project(folder)
    built = time.perf_counter() - start
    (source,), (sink,) = graph.inputs, graph.outputs
    codes = reference.random_codes(graph.types[source], samples, seed)
    got, want = run(folder, graph, codes), reference.run(graph, codes)
    wrong = np.argwhere(got != want)
    where: Mismatch | None = None
    if len(wrong):
        frame, *element = (int(i) for i in wrong[0])
        index = (frame, *element)
        where = Mismatch("hls4ml", sink, "", frame, tuple(element), int(want[index]), int(got[index]))
    seconds = round(time.perf_counter() - start, 2)
    found = Verification(frames=samples, seed=seed, build_seconds=round(built, 2), engine="hls4ml")
    return replace(found, mismatches=len(wrong), first=where, seconds=seconds)
