"""Proof that the adders of a circuit make the sums that its layers ask for, for every input.

Each request for a sum is a linear form over bits: what was asked is Σ sign · 2^shift · word + constant, modulo 2^width.
Read backwards from the bits that were given for it, each row's sum is replaced by the columns that it adds: if its
bits count 1, 2, 4 … of something, so do the columns, and of a bit dropped above a sum only multiples of 2^width may be
lost. What remains must be the form that was asked for. This is word-level arithmetic on integers: exact, and quick
where a solver for bits would not end (a product of constants is out of reach of SAT from a few terms on).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from ..errors import CompileError
from .circuit import Circuit, Row


def prove(circuit: Circuit) -> None:
    """Raise CompileError E105 unless every sum of the circuit is what was asked for."""
    rows = {net: row for row in circuit.cells if isinstance(row, Row) for net in row.nets}
    order = {row.nets[0]: k for k, row in enumerate(circuit.cells) if isinstance(row, Row)}
    for asked, bits in circuit.sums.items():
        width = asked.width
        form, constant = _form(((b, 1 << k) for k, b in enumerate(bits)), -asked.constant)
        wanted, zero = _form(((b, c) for b, c in asked.terms), 0)
        known = set(wanted)
        pending = sorted({order[rows[n].nets[0]] for n in form if n in rows and n not in known})
        while pending:
            row = circuit.cells[pending.pop()]
            assert isinstance(row, Row)
            added = _replaced(row, form, width)
            if added is None:
                raise CompileError(
                    "E105", "the circuit of a layer does not compute its sum: a row's bits are used unevenly"
                )
            constant += added[1]
            for net, count in added[0].items():
                form[net] += count
                if net in rows and net not in known and (k := order[rows[net].nets[0]]) not in pending:
                    pending.append(k)
            pending.sort()
        difference = Counter(form)
        difference.subtract(wanted)
        turn = 1 << width
        if any(count % turn for count in difference.values()) or (constant - zero) % turn:
            raise CompileError("E105", "the circuit of a layer does not compute its sum")


def _form(literals: Iterable[tuple[int, int]], constant: int) -> tuple[Counter[int], int]:
    """Σ count · literal as counts of nets and a constant."""
    found = Counter[int]()
    for literal, count in literals:
        if literal & 1:
            constant, count = constant + count, -count
        if literal > 1:
            found[literal >> 1] += count
    return found, constant


def _replaced(row: Row, form: Mapping[int, int], width: int) -> tuple[Counter[int], int] | None:
    """What stands for the row's bits in a form modulo 2^width; None if they do not count as one number."""
    unit = form[row.nets[0]]
    assert isinstance(form, Counter)
    turn = 1 << width
    for k, net in enumerate(row.nets):
        if (form[net] - (unit << k)) % turn:
            return None
    most = sum(len(c) << k for k, c in enumerate(row.columns)) + len(row.carries)
    if most >> len(row.nets) and (unit << len(row.nets)) % turn:
        return None  # a carry that counts is dropped
    for net in row.nets:
        form[net] = 0
    literals = [(b, unit << k) for k, c in enumerate(row.columns) for b in c] + [(b, unit) for b in row.carries]
    return _form(literals, 0)
