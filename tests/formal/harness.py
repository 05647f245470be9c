"""Proves the assertions of a harness: Yosys makes an and-inverter graph of it, ABC's property-directed reachability decides.

Proofs are unbounded: they hold for every input, in every cycle, with resets whenever they come. A harness assumes nothing,
so no proof is empty; what its environment keeps to, the environment is built to keep to (`source.v`, `restart.v`).
"""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SOURCE = HERE.parents[1] / "bitwright"
RTL = {
    path.stem: path for folder in ("rtl", "boards/vitis/kernel") for path in sorted((SOURCE / folder).glob("bw_*.v"))
}
HARNESSES = sorted(HERE.glob("*.v"))

YOSYS = """
import sys
from pyosys import libyosys
design = libyosys.Design()
for line in sys.stdin.read().splitlines():
    libyosys.run_pass(line, design)
"""

# Registers without an initial value start with any; what nothing drives is anything in every cycle.
AIGER = (
    "proc",
    "flatten",
    "opt",
    "memory -nomap",
    "memory_map",
    "async2sync",
    "chformal -lower",
    "setundef -undriven -anyseq",
    "techmap",
    "setundef -anyseq",
    "opt -fast",
    "dffunmap",
    "aigmap",
    "opt_clean",
    "write_aiger -zinit -ywmap map.json proof.aig",
)


def decide(top, parameters, folder, mutant=None):
    """Every assertion of harness `top`: None if it is proved, else the number of the cycle in which it can fail.

    `mutant` is a library module, a text that it holds once, and what to put there. Files go into `folder`.
    """
    sources = dict(RTL)
    if mutant:
        module, old, new = mutant
        text = RTL[module].read_text()
        assert text.count(old) == 1, f"{module} holds {old!r} {text.count(old)} times"
        sources[module] = folder / f"{module}.v"
        sources[module].write_text(text.replace(old, new))
    script = [
        *(f"read_verilog -formal -defer {json.dumps(str(path))}" for path in [*sources.values(), *HARNESSES]),
        " ".join(["hierarchy -check -top", top, *(f"-chparam {name} {value}" for name, value in parameters.items())]),
        *AIGER,
    ]
    run([sys.executable, "-c", YOSYS], folder, "\n".join(script))
    names = json.loads((folder / "map.json").read_text())
    assert names["asserts"] and not names["assumes"]

    log = run([str(abc()), "-c", "read_aiger proof.aig; strash; pdr -a"], folder)
    failed = {
        int(k): int(cycle)
        for k, cycle in re.findall(r"^Output\s+(\d+) was asserted in frame\s+(\d+)", log, re.MULTILINE)
    }
    proved = {int(k) for k in re.findall(r"^Proved output\s+(\d+) ", log, re.MULTILINE)}
    assert failed.keys().isdisjoint(proved) and failed.keys() | proved == set(range(len(names["asserts"]))), log
    return {".".join(path).replace("\\", ""): failed.get(k) for k, path in enumerate(names["asserts"])}


def run(command, folder, text=""):
    done = subprocess.run(command, input=text, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def abc():
    """The ABC that comes with pyosys."""
    spec = importlib.util.find_spec("pyosys")
    assert spec and spec.origin
    return Path(spec.origin).with_name("yosys-abc")
