"""The ONNX standard's node tests against this compiler's meaning of every operator that it claims."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .boards.host import Boundary
from .errors import CompileError
from .frontend.reader import Imported, import_model
from .frontend.standard import Case, Trial, cases, folded, trials
from .ir.graph import evaluate

PASSED, REFUSED, FAILED = "passed", "refused", "failed"
BEHIND_A_QUANTIZER = "E039"
"""The refusal of a function without a quantizer behind it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` is the error's code where the case is refused, what differs where it fails."""

    case: str
    operator: str
    status: str
    reason: str = ""


@dataclass
class Tally:
    """The verdicts on one operator."""

    passed: int = 0
    failed: int = 0
    refused: Counter[str] = field(default_factory=Counter[str])


def verdicts(only: str | None = None) -> Iterator[Verdict]:
    """One for every case of every operator that is claimed, or of the operator `only`."""
    for case in cases():
        if only is None or case.operator.split(",")[0] == only:
            yield judge(case)


def judge(case: Case) -> Verdict:
    """Compile a case in every way that it can be put, until one is accepted, and compare."""
    name, operator = case.name, case.operator
    try:
        if case.constant:
            wrong = _different(case, folded(case))
        else:
            wrong = next(filter(None, (_output(case, i) for i in range(len(case.model.graph.output)))), "")
    except CompileError as error:
        return Verdict(name, operator, REFUSED, error.code)
    return Verdict(name, operator, FAILED if wrong else PASSED, wrong)


def _different(case: Case, found: list[np.ndarray]) -> str:
    """Functions spelt out make many roundings, in an order of their own; what a quantizer computes exactly, float32 may round
    to the next integer."""
    for a, b in zip(found, case.outputs, strict=True):
        wide = np.asarray(b, np.float64) if b.dtype.kind not in "iub" else b
        relative, absolute = (1e-5, 1e-6) if case.spelt_out else (1e-6, 1e-7)
        if b.dtype.kind == "V":
            relative = 2.0**-7
        elif case.spelt_out and b.dtype.kind in "iu" and a.dtype.kind == "f":
            absolute = 1.0
        if a.shape != b.shape or not np.allclose(a, wide, rtol=relative, atol=absolute):
            return "another constant"
    return ""


def _output(case: Case, index: int) -> str:
    """What is wrong with one output; nothing if it is right. Raises a CompileError where no way is accepted."""
    refusal: CompileError | None = None
    for function in (False, True):
        refusal = None
        for trial in trials(case, index, function=function):
            try:
                imported = import_model(trial.model, input_type=trial.input_type)
            except CompileError as error:
                refusal = refusal or error
                continue
            return _compare(imported, trial)
        if refusal is None or refusal.code != BEHIND_A_QUANTIZER:
            break
    assert refusal is not None
    raise refusal


def _compare(imported: Imported, trial: Trial) -> str:
    found = run(imported, trial.samples)
    if found.size != trial.expected.size:
        return f"{found.size} elements, not {trial.expected.size}"
    found = found.reshape(trial.expected.shape)
    if trial.tolerance is None:
        wrong = found != trial.expected
    else:
        wrong = ~(np.abs(found.astype(np.float64) - trial.expected) <= trial.tolerance)
    return f"{int(wrong.sum())} of {wrong.size} elements differ" if wrong.any() else ""


def run(imported: Imported, samples: np.ndarray) -> np.ndarray:
    """The model's output for samples (n, *frame), by its integers and the host's side."""
    host = Boundary(_serial(imported))
    graph = imported.graph
    ((name, type_),) = graph.inputs.items()
    wire = host.input.to_wire(host.encode(samples)).reshape(len(samples), *type_.shape)
    return host.decode(host.output.from_wire(evaluate(graph, {name: wire})[graph.outputs[0]]))


def _serial(imported: Imported) -> dict[str, Any]:
    """The boundary over streams of one element a beat."""
    sides: dict[str, Any] = {}
    for side in ("input", "output"):
        port = imported.boundary[side]
        size = int(np.prod(port["shape"]))
        slot = next(s for s in (8, 16, 32, 64) if s >= port["code"]["width"])
        stream = {"slot": slot, "lanes": 1, "vector": size, "vectors": 1, "beats": size, "tdata": slot}
        sides[side] = dict(port) | {"stream": stream}
    return sides


def tallies(found: Iterable[Verdict]) -> dict[str, Tally]:
    """The verdicts by operator, sorted."""
    table: dict[str, Tally] = {}
    for v in found:
        tally = table.setdefault(v.operator, Tally())
        tally.passed += v.status == PASSED
        tally.failed += v.status == FAILED
        if v.status == REFUSED:
            tally.refused[v.reason] += 1
    return dict(sorted(table.items()))


def table(tallies: Mapping[str, Tally]) -> str:
    """The verdicts as text, which is Markdown too."""
    rows = [["operator", "passed", "refused", "failed", "why refused"], ["---", "---:", "---:", "---:", "---"]]
    for operator, t in tallies.items():
        why = ", ".join(f"{code} ({n})" if n > 1 else code for code, n in sorted(t.refused.items()))
        rows.append([operator, str(t.passed), str(t.refused.total()), str(t.failed), why])
    counts = [(t.passed, t.refused.total(), t.failed) for t in tallies.values()]
    rows.append(["**all**", *(str(sum(column)) for column in zip(*counts)), ""])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
