"""Mutants of a design, to test a bench: whatever a bench does not notice, it does not test.

All mutants live in one netlist with an input `mutsel` that says which one is active (0: none), so that they cost one
build. What a bench lets live is a hole in the bench, or no mutant at all: `indistinguishable` tells.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SELECT = "mutsel"
WIDTH = 8
MOST = (1 << WIDTH) - 1


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of the netlist: `number` is its value of `mutsel`, `text` what Yosys did and where."""

    number: int
    text: str


_PROGRAM = """
import sys
from pyosys import libyosys
design = libyosys.Design()
for line in open(sys.argv[1]):
    libyosys.run_pass(line.strip(), design)
"""


def _script(commands: Sequence[str], folder: Path) -> str:
    """Run Yosys commands in a process of its own (an error in Yosys ends the process); give its log."""
    script = folder / "script"
    script.write_text("\n".join(commands))
    command = [sys.executable, "-c", _PROGRAM, str(script)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        raise RuntimeError(f"Yosys failed ({done.returncode}):\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


def write_mutants(sources: Sequence[Path], top: str, count: int, seed: int, out: Path) -> list[Mutant]:
    """Write `top`, flattened, with `count` mutants to `out`; the same seed gives the same mutants.

    Memory files are read now, from the working directory.
    """
    if not 0 < count <= MOST:
        raise ValueError(f"{count} mutants: 1 to {MOST} fit into {SELECT}")
    with tempfile.TemporaryDirectory(prefix="bitwright-") as name:
        folder = Path(name)
        # What a memory holds at the start is no logic.
        choose = f"mutate -list {count + count // 4 + 8} -seed {seed} -o {folder / 'list'} t:$meminit* t:$memrd* %u %n"
        flat = [f"read_verilog -defer {s}" for s in sources]
        # Indices no wider than what they address, and names without paths: the same mutants in every checkout.
        flat += [
            f"hierarchy -check -top {top}",
            "proc",
            "flatten",
            "opt -full",
            "wreduce",
            "techmap t:$shiftx t:$shift",
        ]
        flat += ["opt -full", "opt_clean -purge", "rename -enumerate -pattern logic_%"]
        flat += [f"write_rtlil {folder / 'flat.il'}", choose]
        _script(flat, folder)
        lines = [line for line in (folder / "list").read_text().splitlines() if _is_logic(line)][:count]
        mutants = [Mutant(k, _shown(line)) for k, line in enumerate(lines, 1)]
        ways = [f"{line} -ctrl {SELECT} {WIDTH} {k}" for k, line in enumerate(lines, 1)]
        write = ["opt_clean", "rename -enumerate", f"write_verilog -noattr {out}"]
        _script([f"read_rtlil {folder / 'flat.il'}", *ways, *write], folder)
    return mutants


def _is_logic(line: str) -> bool:
    """A line of the list that changes logic: no clock, and no enable that a memory's read port must have constant."""
    return line.startswith("mutate ") and " -port CLK " not in line and not ("$memrd$" in line and " -port EN " in line)


def _shown(line: str) -> str:
    """The mutation without the file positions."""
    return re.sub(r"\s+-src \S+", "", line.removeprefix("mutate "))


# Both copies get the same inputs. They differ if a handshake signal differs, or the data of a beat that is there.
_MITER = """module miter({ports}, output bad);
{wires}
  {top} gold (.{select}({width}'d0), {gold});
  {top} gate (.{select}({width}'d{number}), {gate});
  assign bad = {bad};
endmodule
"""


def indistinguishable(
    netlist: Path, top: str, number: int, conditions: Mapping[str, str], *, reset: str, steps: int, timeout: int = 100
) -> bool:
    """Whether no input sequence of `steps` cycles, the first in reset, tells the mutant from the original.

    `conditions` names outputs and when they count: a Verilog expression over `gold_<output>`. Registers start at 0.
    """
    ports = _ports(netlist, top)
    outputs = [(n, w) for d, n, w in ports if d == "output"]
    inputs = [(n, w) for d, n, w in ports if d == "input" and n != SELECT]

    def connections(side: str) -> str:
        return ", ".join([f".{n}({n})" for n, _ in inputs] + [f".{n}({side}_{n})" for n, _ in outputs])

    text = _MITER.format(
        ports=", ".join(f"input {w} {n}" for n, w in inputs),
        wires="\n".join(f"  wire {w} gold_{n}, gate_{n};" for n, w in outputs),
        top=top,
        select=SELECT,
        width=WIDTH,
        gold=connections("gold"),
        gate=connections("gate"),
        number=number,
        bad=" | ".join(f"(({conditions.get(n, 1)}) && (gold_{n} != gate_{n}))" for n, _ in outputs),
    )
    with tempfile.TemporaryDirectory(prefix="bitwright-") as name:
        folder = Path(name)
        (folder / "miter.v").write_text(text)
        (folder / "copies.v").write_text(_copies(top, ports, number))
        read = [
            f"read_verilog {netlist}",
            f"read_verilog {folder / 'copies.v'}",
            "proc",
            "flatten",
            "memory_map",
            f"delete {top}",
        ]
        match = [
            "opt_clean",
            "async2sync",
            "dffunmap",
            "equiv_make gold gate equiv",
            "hierarchy -top equiv",
            "opt -full",
        ]
        # Register by register, which finds at once what makes no difference anywhere.
        if "Equivalence successfully proven" in _script([*read, *match, "equiv_simple -undef", "equiv_status"], folder):
            return True
        prepare = [f"read_verilog {netlist}", f"read_verilog {folder / 'miter.v'}", "hierarchy -check -top miter"]
        prepare += ["proc", "flatten", "memory_map", "opt -full", "async2sync", "dffunmap", "opt -full"]
        prove = f"sat -timeout {timeout} -prove bad 0 -set-at 1 {reset} 0 -set-init-zero -seq {steps} miter"
        return "SAT proof finished - no model found: SUCCESS!" in _script([*prepare, prove], folder)


def _copies(top: str, ports: list[tuple[str, str, str]], number: int) -> str:
    """The original as module gold, the mutant as module gate."""
    kept = [p for p in ports if p[1] != SELECT]
    header = ", ".join(f"{d} {w}{n}" for d, n, w in kept)
    pins = ", ".join(f".{n}({n})" for _, n, _ in kept)
    return "".join(
        f"module {name}({header});\n  {top} dut (.{SELECT}({WIDTH}'d{k}), {pins});\nendmodule\n"
        for name, k in (("gold", 0), ("gate", number))
    )


def _ports(netlist: Path, top: str) -> list[tuple[str, str, str]]:
    """(direction, name, range) of each port of `top` in a netlist that Yosys wrote."""
    text = netlist.read_text()
    body = text[text.index(f"module {top}(") :]
    body = body[: body.index("endmodule")]
    found = re.findall(r"^  (input|output) (?:reg )?((?:\[[^\]]*\] )?)(\w+) ?;", body, re.MULTILINE)
    return [(direction, name, bounds) for direction, bounds, name in found]
