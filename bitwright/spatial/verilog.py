"""A circuit as Verilog that a person can read: a module a layer, rows and tables named after their neuron."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from .absorb import gated_bit
from .build import Layer, Network
from .circuit import ONE, ZERO, Cell, Lut, Row, Word, makes, reads
from .pipeline import Pipeline
from .places import CARRIED, WIRES, columns, luts, places, single, tables

ZERO_BIT, ONE_BIT = "1'b0", "1'b1"
_Instance = tuple[str, str, list[tuple[str, str]]]
"""A module, its parameters, and its ports and what they read."""

_BIT = re.compile(r"(~?\w+)\[(\d+)\]$")


@dataclass(frozen=True, slots=True)
class Operand:
    """Elements, the bits of each and their lanes on `in_data`, the first operand lowest; lanes beyond the elements are not read."""

    elements: int
    width: int
    lanes: int


@dataclass(frozen=True, slots=True)
class Ports:
    """The operands, and bits of an element of `out_data` and its lanes; those beyond the elements are zero."""

    operands: tuple[Operand, ...]
    y: int
    y_lanes: int

    @property
    def bits(self) -> int:
        """Of `in_data`."""
        return sum(o.width * o.lanes for o in self.operands)


def print_circuit(
    network: Network, cells: Sequence[Cell], pipeline: Pipeline, name: str, ports: Ports, family: int
) -> dict[str, str]:
    """Texts of modules by name; that of `name` holds the layers between registers, made of the cells."""
    made = {net for c in cells for net in makes(c)} | set(network.circuit.inputs)
    read = {b >> 1 for w in network.words for b in w.bits} | {net for c in cells for net in reads(c)}
    results = [[_passed(network, w, made, read) for w in layer.words] for layer in network.layers]
    modules, lines, source = dict[str, str](), list[str](), list(network.source)
    bus = "x"
    for k, (layer, words) in enumerate(zip(network.layers, results, strict=True)):
        later = {net for c in cells if _owner(network, c)[0] > k for net in reads(c)}
        later |= {b >> 1 for after in results[k + 1 :] for w in after for b in w.bits}
        here = {n for c in cells if _owner(network, c)[0] <= k for n in makes(c)} | set(network.circuit.inputs)
        more = sorted((later & here) - {b >> 1 for w in words for b in w.bits})
        if more:  # signs that clear bits of this layer in the rows of a later one, and sums that a later one has too
            words.append(Word(tuple(2 * n for n in more), 0, (1 << len(more)) - 1))
        printer = _Printer(network, pipeline, family, [c for c in cells if _owner(network, c)[0] == k], source, words)
        modules[f"{name}_l{k}"] = "\n".join(printer.module(f"{name}_l{k}", _told(layer))) + "\n"
        lines.append(f"  wire [{max(1, _bits(words)) - 1}:0] l{k};")
        lines.append(f"  {name}_l{k} layer{k} (.clk(clk), .x({bus}), .y(l{k}));")
        source, bus = words, f"l{k}"
    ends = _Printer(network, pipeline, family, [], source, source)
    fields = [ends.field(w, ports.y, pipeline.last) for w in source]
    if ports.y_lanes > len(source):
        fields.append(f"{(ports.y_lanes - len(source)) * ports.y}'d0")
    top = [
        f"// {len(network.layers)} layers as a circuit of constants: a vector a cycle.",
        f"module {name} (",
        "  input  wire clk,",
        "  input  wire rst_n,",
        "  input  wire in_valid,",
        f"  input  wire [{ports.bits - 1}:0] in_data,",
        "  output wire out_valid,",
        f"  output reg  [{ports.y_lanes * ports.y - 1}:0] out_data",
        ");",
        f"  reg  [{ports.bits - 1}:0] x_all;",
        "  always @(posedge clk) x_all <= in_data;",
        *_gathered(network.source, ports.operands),
        *lines,
        *ends.inputs(bus),
        "  always @(posedge clk) out_data <= {",
        ",\n".join(f"    {f}" for f in reversed(fields)),
        "  };",
        f"  bw_delay #(.CYCLES({pipeline.last + 2})) valid (",
        "    .clk(clk), .rst_n(rst_n), .in_valid(in_valid), .out_valid(out_valid)",
        "  );",
        "endmodule",
    ]
    return {name: "\n".join(top) + "\n"} | modules


def _passed(network: Network, word: Word, made: set[int], read: set[int]) -> Word:
    """What the next layer gets of a word: the bits that are read, those in front of a gate that is absorbed there."""
    bits = list[int]()
    for bit in word.bits:
        if bit >> 1 not in made and bit > ONE:
            bit = 2 * gated_bit(network.circuit, bit >> 1)
        bits.append(bit if bit >> 1 in read else ZERO)
    return replace(word, bits=tuple(bits))


def _owner(network: Network, cell: Row | Lut) -> tuple[int, int]:
    return network.circuit.owner[_net(cell)]


def _by_tables(row: Row, family: int) -> bool:
    """Whether a row is told by its tables: where it reads gates, and where its words would take more LUTs."""
    if row.kills or (single(row) and row.operands < 3):
        return True
    if not family:  # without the chip's cells, synthesis makes adders of sums, and LUTs beside chains of tables
        return False
    if row.operands > 2:
        return luts(row) < len(row.columns)
    return luts(row) < sum(not place.plain for place in columns(row))


def _net(cell: Row | Lut) -> int:
    return cell.net if isinstance(cell, Lut) else cell.nets[-1]


def _told(layer: Layer) -> str:
    """Operators, and the ONNX nodes that they come from; names only where they are plain."""
    origins = dict.fromkeys(o.name or f"node {o.index}" for n in layer.nodes for o in n.origin)
    plain = ", ".join(name for name in origins if name.isascii() and name.isprintable() and len(name) < 100)
    return "+".join(n.op.mnemonic for n in layer.nodes) + (f": {plain}" if plain else "")


def _bits(words: Iterable[Word]) -> int:
    return sum(len(w.bits) for w in words)


def _gathered(words: Sequence[Word], operands: Sequence[Operand]) -> Iterator[str]:
    """The bits that the circuit reads of each element."""
    places, base = list[int](), 0
    for operand in operands:
        places += [base + k * operand.width for k in range(operand.elements)]
        base += operand.width * operand.lanes
    parts = [f"x_all[{at + len(w.bits) - 1}:{at}]" for at, w in zip(places, words, strict=True) if w.bits]
    yield f"  wire [{max(1, _bits(words)) - 1}:0] x = {{"
    yield ",\n".join(f"    {p}" for p in reversed(parts)) or "    1'b0"
    yield "  };"


@dataclass
class _Printer:
    """The text of a layer: what its nets are called there, and how often each is delayed."""

    network: Network
    pipeline: Pipeline
    family: int
    cells: Sequence[Row | Lut]
    source: Sequence[Word]
    words: Sequence[Word]
    names: dict[int, tuple[str, int, int]] = field(default_factory=dict[int, "tuple[str, int, int]"])
    """Net → vector, index within it (-1 in a single bit), and 1 if it is there inverted."""
    widths: dict[str, int] = field(default_factory=dict[str, int])
    delays: dict[str, int] = field(default_factory=dict[str, int])

    def __post_init__(self) -> None:
        for i, word in enumerate(self.source):
            self.widths[f"x{i}"] = len(word.bits)
            for k, bit in enumerate(word.bits):
                if bit > ONE:
                    self.names.setdefault(bit >> 1, (f"x{i}", k, bit & 1))

    def module(self, name: str, told: str) -> Iterator[str]:
        counts = Counter[int]()
        vectors = list[str]()
        for cell in self.cells:
            neuron = _owner(self.network, cell)[1]
            vectors.append(self._vector(f"n{neuron}_{counts[neuron]}" if neuron >= 0 else f"c{counts[neuron]}", cell))
            counts[neuron] += 1
        body = [(vector, list(self._cell(vector, c))) for vector, c in zip(vectors, self.cells, strict=True)]
        results = [self._read(b, self.pipeline.stage[b >> 1]) for w in self.words for b in w.bits]
        yield f"// {told}"
        yield f"module {name} ("
        yield "  input  wire clk,"
        yield f"  input  wire [{max(1, _bits(self.source)) - 1}:0] x,"
        yield f"  output wire [{max(1, _bits(self.words)) - 1}:0] y"
        yield ");"
        yield from self.inputs("x")
        for vector, lines in body:
            yield from lines
            yield from self._delayed(vector)
        yield f"  assign y = {_joined(results or [ZERO_BIT])};"
        yield "endmodule"

    def inputs(self, bus: str) -> Iterator[str]:
        """The words of the bus, and their delays."""
        at = 0
        for i, word in enumerate(self.source):
            if word.bits:
                yield f"  wire [{len(word.bits) - 1}:0] x{i} = {bus}[{at + len(word.bits) - 1}:{at}];"
                yield from self._delayed(f"x{i}")
            at += len(word.bits)

    def field(self, word: Word, width: int, stage: int) -> str:
        """A word on `width` bits at a stage."""
        if not word.bits:
            return f"{width}'h{word.offset & ((1 << width) - 1):x}"
        bits = [self._read(b, stage) for b in word.bits]
        top = bits[-1] if word.signed else ZERO_BIT
        return _joined((bits + [top] * width)[:width])

    def _vector(self, vector: str, cell: Row | Lut) -> str:
        if isinstance(cell, Lut):
            self.widths[vector], self.names[cell.net] = 0, (vector, -1, 0)
            return vector
        found = places(cell) if _by_tables(cell, self.family) else columns(cell)
        self.widths[vector] = len(found)
        for k, place in enumerate(found):
            if net := cell.nets[place.low]:
                self.names[net] = (vector, k, 0)
        return vector

    def _cell(self, vector: str, cell: Row | Lut) -> Iterator[str]:
        if isinstance(cell, Lut):
            stage = self.pipeline.stage[cell.net]
            inputs = ", ".join(self._read(b, stage) for b in reversed(cell.inputs))
            yield f"  wire {vector};"
            yield (
                f"  bw_lut #(.INPUTS({len(cell.inputs)}), .TABLE({1 << len(cell.inputs)}'h{cell.table:x})) u_{vector} "
                f"(.a({{{inputs}}}), .y({vector}));"
            )
            return
        family = f", .FAMILY({self.family})" if self.family else ""
        stage = self.pipeline.stage[cell.nets[-1]]
        yield f"  wire [{self.widths[vector] - 1}:0] {vector};"
        printed = self._by_tables(cell, stage) if _by_tables(cell, self.family) else self._plainly(cell, stage)
        module, params, ports = printed
        chained = ", .CHAINED(0)" if single(cell) else ""
        told = ", ".join(f".{port}({bits})" for port, bits in ports)
        yield f"  {module} #({params}{chained}{family}) u_{vector} ({told}, .y({vector}));"

    def _plainly(self, row: Row, stage: int) -> _Instance:
        """A row as the sum of two or three words."""
        operands = self._operands(row)
        inverted = [sum(self._inverted(b) << k for k, b in enumerate(bits)) for bits in operands]
        width = len(row.columns)
        masks = "".join(f", .INV_{'ABC'[t]}({width}'h{m:x})" for t, m in enumerate(inverted) if m)
        reads = [[self._read(b ^ self._inverted(b), stage) for b in bits] for bits in operands]
        ports = [("abc"[t], _joined(bits)) for t, bits in enumerate(reads)]
        return (
            f"bw_add{row.operands}",
            f".WIDTH({width}), .OUT({len(row.nets)}){masks}",
            ports + self._carries(row, stage, ("ci", "cm") if row.operands > 2 else ("ci",)),
        )

    def _by_tables(self, row: Row, stage: int) -> _Instance:
        """A row as the places of a chain, each told by its tables over up to five wires."""
        found = places(row)
        wires, into, over = [[ZERO_BIT] * len(found) for _ in range(WIRES)], 0, 0
        for k, place in enumerate(found):
            order = list(place.wires)
            if len(order) > CARRIED and (place.carried or place.compress):  # a carry has the fourth wire to itself
                order.insert(CARRIED, 0)
            flipped = frozenset(n for n in order if self._inverted(2 * n))
            for t, net in enumerate(order):
                if net:
                    wires[t][k] = self._read(2 * net ^ self._inverted(2 * net), stage)
            first, second = tables(row, place, order, flipped)
            into |= first << (32 * k)
            over |= second << (32 * k)
        if len(row.carries) > 1:
            wires[CARRIED][0] = self._read(row.carries[1], stage)
        compress = sum(place.compress << k for k, place in enumerate(found))
        size = 32 * len(found)
        params = f".WIDTH({len(found)}), .INTO({size}'h{into:x}), .OVER({size}'h{over:x}), .COMPRESS({len(found)}'h{compress:x})"
        ports = [("abcde"[t], _joined(bits)) for t, bits in enumerate(wires)]
        return "bw_row", params, ports + self._carries(row, stage, ("ci",))

    def _carries(self, row: Row, stage: int, ports: Sequence[str]) -> list[tuple[str, str]]:
        bits = (*row.carries, ZERO, ZERO)
        return [(port, self._read(bit, stage)) for port, bit in zip(ports, bits, strict=False)]

    def _operands(self, row: Row) -> list[list[int]]:
        """The bits of each operand, neighbours of one vector in the same of them where it can be."""
        operands = [list[int]() for _ in range(row.operands)]
        for column in row.columns:
            rest, taken = list(column), dict[int, int]()
            for t, before in enumerate(operands):
                follower = next((b for b in rest if before and self._follows(before[-1], b)), None)
                if follower is not None:
                    taken[t] = follower
                    rest.remove(follower)
            for t in range(row.operands):
                if t not in taken:
                    taken[t] = rest.pop(0) if rest else ZERO
            if row.operands == 2 and self._inverted(taken[0]) > self._inverted(taken[1]):
                taken = {0: taken[1], 1: taken[0]}  # the carry chain takes the first, which is better not inverted
            for t, bits in enumerate(operands):
                bits.append(taken[t])
        return operands

    def _follows(self, bit: int, other: int) -> bool:
        """Whether the other is the next bit of the same vector."""
        if bit <= ONE or other <= ONE:
            return False
        (vector, index, _), (next_vector, next_index, _) = self.names[bit >> 1], self.names[other >> 1]
        return vector == next_vector and index >= 0 and next_index == index + 1

    def _inverted(self, bit: int) -> int:
        """Whether the literal is the inverse of what has a name."""
        return (bit & 1) ^ self.names[bit >> 1][2] if bit > ONE else 0

    def _read(self, bit: int, stage: int) -> str:
        if bit in (ZERO, ONE):
            return f"1'b{bit}"
        vector, index, _ = self.names[bit >> 1]
        late = stage - self.pipeline.stage[bit >> 1]
        self.delays[vector] = max(self.delays.get(vector, 0), late)
        place = f"[{index}]" if index >= 0 else ""
        return f"{'~' if self._inverted(bit) else ''}{vector}{f'_d{late}' if late else ''}{place}"

    def _delayed(self, vector: str) -> Iterator[str]:
        for k in range(1, self.delays.get(vector, 0) + 1):
            before = vector if k == 1 else f"{vector}_d{k - 1}"
            size = f"[{self.widths[vector] - 1}:0] " if self.widths[vector] else ""
            yield f"  reg {size}{vector}_d{k};"
            yield f"  always @(posedge clk) {vector}_d{k} <= {before};"


def _joined(bits: Sequence[str]) -> str:
    """A concatenation of bits, the lowest first, with neighbours of one vector and constants as one part."""
    parts = list[str]()
    k = 0
    while k < len(bits):
        end = k + 1
        if bits[k] in (ZERO_BIT, ONE_BIT):
            while end < len(bits) and bits[end] in (ZERO_BIT, ONE_BIT):
                end += 1
            value = sum(int(b == ONE_BIT) << i for i, b in enumerate(bits[k:end]))
            parts.append(f"{end - k}'h{value:x}")
        elif match := _BIT.match(bits[k]):
            vector, index = match[1], int(match[2])
            while end < len(bits) and bits[end] == f"{vector}[{index + end - k}]":
                end += 1
            parts.append(bits[k] if end == k + 1 else f"{vector}[{index + end - 1 - k}:{index}]")
        else:
            parts.append(bits[k])
        k = end
    return parts[0] if len(parts) == 1 else "{" + ", ".join(reversed(parts)) + "}"
