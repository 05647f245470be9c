"""Layers of the IR as one circuit: a sum of any kind and what follows it, neuron by neuron."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..ir import chip
from ..ir.graph import Node
from ..ir.op import Codes, Op
from ..ir.types import IntType, TensorType
from ..ops.add import Add
from ..ops.channels import bounds
from ..ops.concat import Concat
from ..ops.dense import Dense
from ..ops.depthwise import Depthwise
from ..ops.mulshift import MulShift
from ..ops.pool import Pool
from ..ops.shift import Shift
from ..ops.table import Table
from ..ops.threshold import Threshold
from ..ops.wrap import Wrap
from ..ops.xnor import Xnor
from .absorb import is_gate
from .circuit import SHALLOW, Circuit, Heaps, Word, makes, needed
from .digits import signed_digits
from .largest import largest
from .places import area
from .share import shared, spared
from .steps import Linear, Term, counted, looked_up, shifted

STEPS: tuple[type[Op], ...] = (Shift, MulShift, Wrap, Threshold, Table)
"""The elementwise operators that a circuit can hold."""
SUMS: tuple[type[Op], ...] = (Dense, Xnor, Depthwise, Pool, Add)
"""Those that add up, or take the greatest of several."""

TABLE_BITS = 6
"""Live input bits up to which a neuron is a table: one LUT an output bit."""
TRIED_BITS = 12
"""Live input bits up to which it is one where that is better than adding up."""

COMPARED = 16
"""Steps up to which a requantiser with a multiplication is compared with constants instead."""

Value = Linear | Word

Sources = tuple[tuple[str, TensorType], ...]
"""The operands of a circuit, and what its nodes call them."""


@dataclass(frozen=True, slots=True)
class Layer:
    """What the circuit of a layer gives: a word a channel of its last node."""

    nodes: tuple[Node, ...]
    words: tuple[Word, ...]


@dataclass
class Network:
    """A circuit, with the words of its input and the layers built so far."""

    circuit: Circuit
    sources: Sources
    source: tuple[Word, ...]
    layers: list[Layer] = field(default_factory=list[Layer])

    @property
    def words(self) -> tuple[Word, ...]:
        return self.layers[-1].words if self.layers else self.source


def built(x: TensorType | Sources, nodes: Sequence[Node], heaps: Heaps = SHALLOW) -> Network:
    """The circuit of nodes over one vector of each source; the last node's value leaves it."""
    circuit = Circuit(heaps)
    given = sources(x, nodes)
    words = {name: tuple(circuit.input(type_.elem, lo, hi) for lo, hi in ranges(type_)) for name, type_ in given}
    network = Network(circuit, given, tuple(word for some in words.values() for word in some))
    for number, group in enumerate(grouped(nodes)):
        circuit.enter(number)
        operands = [word for name in group[0].inputs for word in words[name]]
        found = tuple(_layer(circuit, operands, group))
        if group[-1] is nodes[-1]:
            found = tuple(_plain(circuit, word) for word in found)
        network.layers.append(Layer(group, found))
        words[group[-1].name] = found
    return network


def sources(x: TensorType | Sources, nodes: Sequence[Node]) -> Sources:
    """A type alone is that of the first node's operand."""
    return ((nodes[0].inputs[0] if nodes else "", x),) if isinstance(x, TensorType) else x


def ranges(x: TensorType) -> list[tuple[int, int]]:
    """Of every channel of its vectors."""
    lo, hi = (ends.reshape(-1, x.vector) for ends in bounds(x, x.vector))
    return list(zip(lo.min(axis=0).tolist(), hi.max(axis=0).tolist(), strict=True))


def _plain(circuit: Circuit, word: Word) -> Word:
    """Without an offset."""
    if not word.offset or not word.bits:
        return word
    return Word(Linear.of(word).bits(circuit, IntType.covering(word.lo, word.hi).width), word.lo, word.hi)


def grouped(nodes: Sequence[Node]) -> Iterable[tuple[Node, ...]]:
    """Each sum with the elementwise operators behind it, up to a value that several nodes use."""
    users = Counter(name for node in nodes for name in set(node.inputs))
    group = list[Node]()
    for node in nodes:
        follows = group and node.inputs == (group[-1].name,) and users[group[-1].name] == 1
        if group and not (follows and isinstance(node.op, STEPS)):
            yield tuple(group)
            group = []
        group.append(node)
    if group:
        yield tuple(group)


def _layer(circuit: Circuit, words: Sequence[Word], nodes: tuple[Node, ...]) -> Iterable[Word]:
    head = nodes[0].op
    tail = nodes if isinstance(head, STEPS) else nodes[1:]
    channels = nodes[-1].type.vector
    if isinstance(head, (*STEPS, Concat)) or (isinstance(head, Pool) and head.largest):
        for c in range(channels):
            circuit.neuron = c
            word = largest(circuit, words[c::channels]) if isinstance(head, Pool) else words[c]
            yield _passed(circuit, Linear.of(word), tail, c)
        return
    weight, bias = linear_form(head, channels)
    spans = ranges(nodes[0].type)
    small = [c for c in range(channels) if _fits_a_table(words, weight[c])]
    tables = _tables(words, weight, bias, tail, small)
    tried = [c for c in range(channels) if c not in tables and _may_be_a_table(words, weight[c])]
    others = _tables(words, weight, bias, tail, tried)
    added = [c for c in range(channels) if c not in tables]
    forms = [
        Linear(tuple(Term(words[i], s, d) for i in _nonzero(weight[c]) for s, d in signed_digits(int(weight[c, i]))),
               int(bias[c]), *spans[c])
        for c in added
    ]  # fmt: skip
    form = dict(zip(added, shared(circuit, forms) if circuit.heaps.shared else forms, strict=True))
    for c in range(channels):
        circuit.neuron = c
        if c in tables:
            yield looked_up(circuit, [words[i] for i in _nonzero(weight[c])], tables[c])
            continue
        start = len(circuit.cells)
        word = _passed(circuit, form[c], tail, c)
        if c in others:
            middle, used = len(circuit.cells), [words[i] for i in _nonzero(weight[c])]
            table = looked_up(circuit, used, others[c])
            least = max(circuit.level[b >> 1] for w in used for b in w.bits)
            alone, added_up = _taken(circuit, middle, table, least), _taken(circuit, start, word, least)
            if alone[0] < added_up[0] and alone[1] <= added_up[1]:
                word = table
        yield word


def linear_form(op: Op, channels: int) -> tuple[Codes, Codes]:
    """Weight (channels, inputs) and bias (channels,) of a sum over all its operands' elements."""
    none, one = np.zeros(channels, np.int64), np.eye(channels, dtype=np.int64)
    if isinstance(op, Dense):
        return op.weight, op.bias
    if isinstance(op, Depthwise):
        return np.hstack([np.diag(tap) for tap in op.weight]), op.bias
    if isinstance(op, Pool):
        return np.tile(one, op.taps), none
    if isinstance(op, Add):
        return np.hstack([op.left * one, op.right * one]), none + op.bias
    assert isinstance(op, Xnor)
    zero = np.zeros((1, op.weight.shape[1]), np.int64)
    return np.where(op.weight > 0, 1, -1), op.evaluate(zero)[0]


def common(nodes: Sequence[Node]) -> float:
    """The share of the terms of dense layers that sharing spares."""
    found = [spared(linear_form(n.op, n.type.vector)[0]) for n in nodes if isinstance(n.op, Dense | Xnor)]
    return sum(less for _, less in found) / max(1, sum(terms for terms, _ in found))


def _nonzero(row: Codes) -> list[int]:
    return np.flatnonzero(row).tolist()


def _fits_a_table(words: Sequence[Word], row: Codes) -> bool:
    """Whether few live bits, in not many places, decide on a sum."""
    bits = [b for i in _nonzero(row) for b in words[i].bits]
    return len(bits) <= 2 * TABLE_BITS and len({b >> 1 for b in bits if b > 1}) <= TABLE_BITS


def _may_be_a_table(words: Sequence[Word], row: Codes) -> bool:
    return sum(len(words[i].bits) for i in _nonzero(row)) <= TRIED_BITS


def _taken(circuit: Circuit, start: int, word: Word, least: float) -> tuple[float, float]:
    """LUTs of the cells from `start` on that make a word, and its logic levels above `least`.

    A gate at the end counts half, as a row behind it may have room for it.
    """
    ends, cells = {b >> 1 for b in word.bits}, needed(circuit.cells[start:], word.bits)
    gates = sum(is_gate(cell) and not ends.isdisjoint(makes(cell)) for cell in cells)
    return area(cells, chip.current()) - gates / 2, max((circuit.level[net] for net in ends), default=least) - least


def _tables(
    words: Sequence[Word], weight: Codes, bias: Codes, tail: Sequence[Node], channels: Sequence[int]
) -> dict[int, list[int]]:
    """What each of the channels gives for every reading of the bits of its operands; impossible ones give anything."""
    if not channels:
        return {}
    reads = [[words[i] for i in _nonzero(weight[c])] for c in channels]
    most = max(sum(len(w.bits) for w in used) for used in reads)
    sums = np.tile(bias, (1 << most, 1))
    for c, used in zip(channels, reads, strict=True):
        at = 0
        for i, word in zip(_nonzero(weight[c]), used, strict=True):
            raw = np.arange(1 << most) >> at & ((1 << len(word.bits)) - 1)
            if word.signed:
                raw -= (raw >> (len(word.bits) - 1)) << len(word.bits)
            sums[:, c] += np.clip(raw + word.offset, word.lo, word.hi) * weight[c, i]
            at += len(word.bits)
    for node in tail:
        sums = node.op.evaluate(sums)
    return {c: sums[: 1 << sum(len(w.bits) for w in used), c].tolist() for c, used in zip(channels, reads, strict=True)}


def _passed(circuit: Circuit, value: Value, tail: Sequence[Node], channel: int) -> Word:
    """One channel through the elementwise operators."""
    k = 0
    while k < len(tail):
        op = tail[k].op
        wrap: IntType | None = None
        follower = tail[k + 1].op if k + 1 < len(tail) else None
        if isinstance(op, Shift | MulShift) and isinstance(follower, Wrap):
            wrap = _wrap_type(follower, channel)
            if wrap is not None:
                k += 1
        x = value if isinstance(value, Linear) else Linear.of(value)
        value = _step(circuit, x, op, channel, wrap)
        k += 1
    return value.word(circuit) if isinstance(value, Linear) else value


def _wrap_type(op: Wrap, channel: int) -> IntType | None:
    c = channel % len(op.width)
    return IntType(int(op.width[c]), bool(op.signed[c])) if op.width[c] else None


def _step(circuit: Circuit, x: Linear, op: Op, channel: int, wrap: IntType | None) -> Word:
    if isinstance(op, Shift):
        half = 1 << (op.right - 1) if op.even and op.right else 0
        moved = x.times(1 << op.left, int(op.b[channel % len(op.b)]) + half)
        return shifted(circuit, moved, op.right, op.lo, op.hi, even=op.even, wrap=wrap)
    if isinstance(op, MulShift):
        return _multiplied(circuit, x, op, channel, wrap)
    if isinstance(op, Wrap):
        type_ = _wrap_type(op, channel)
        return shifted(circuit, x, 0, x.lo, x.hi, wrap=type_) if type_ else Word.constant(0)
    if isinstance(op, Threshold):
        c = channel % len(op.base)
        return counted(circuit, x, op.thresholds[c].tolist(), int(op.base[c]), int(op.sign[c]))
    assert isinstance(op, Table)
    word = x.word(circuit)
    codes = np.arange(1 << len(word.bits))
    if word.signed:
        codes -= (codes >> (len(word.bits) - 1)) << len(word.bits)
    codes = np.clip(codes + word.offset, word.lo, word.hi)
    return looked_up(circuit, [word], op.evaluate(codes).tolist())


def _multiplied(circuit: Circuit, x: Linear, op: MulShift, channel: int, wrap: IntType | None) -> Word:
    """Wires where the factor is a power of two; else comparisons with each step, or a multiplication by the digits of m."""
    c = channel % len(op.m)
    m, b = int(op.m[c]), int(op.b[c])
    if m == 0:
        return Word.constant(min(max(b >> op.shift, op.lo), op.hi))
    if m > 0 and m & (m - 1) == 0:
        return shifted(circuit, x.times(m, b), op.shift, op.lo, op.hi, wrap=wrap)
    ends = [min(max((v * m + b) >> op.shift, op.lo), op.hi) for v in (x.lo, x.hi)]
    if wrap is None and abs(ends[1] - ends[0]) <= COMPARED:
        return counted(circuit, x, *_thresholds(m, b, op.shift, *ends))
    return shifted(circuit, Linear.of(x.word(circuit)).times(m, b), op.shift, op.lo, op.hi, wrap=wrap)


def _thresholds(m: int, b: int, shift: int, first: int, last: int) -> tuple[list[int], int, int]:
    """Steps, base and sign of clip(⌊(m·x + b) / 2^shift⌋) from its first to its last value."""
    if m > 0:  # the least x that reaches y
        return [-((b - (y << shift)) // m) for y in range(first + 1, last + 1)], first, 1
    # The greatest x that reaches y, and one more, from where on it does not.
    return [((b - (y << shift)) // -m) + 1 for y in range(first, last, -1)], first, -1
