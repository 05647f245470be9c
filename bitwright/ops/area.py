"""Area of a chip: LUTs of adders, comparators, multipliers and memories, as Yosys builds them.

Every figure is an estimate, fitted to `synth_xilinx` runs of the library modules (`benchmarks/area.py` repeats them),
in the units of the carry-aware count: a LUT that feeds a carry chain counts 1, LUT6 and LUT5 1, LUT4 ¾, smaller ½. Chips
with LUTs of four inputs count each as one; `ir/chip.py` has the figures in which they differ.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil

from ..ir import chip
from ..ir.chip import Chip
from ..ir.netlist import Fold, Memory, Multiplier, Ram, Resources
from ..ir.op import Op
from ..ir.types import IntType, TensorType

DSP_IN_LUTS = 200
"""What a DSP slice is worth where implementations are compared."""


def clog2(n: int) -> int:
    """⌈log2 n⌉, 0 for n = 1."""
    return (n - 1).bit_length()


def rom(width: int, depth: int, style: Ram) -> Resources:
    """A ROM of `depth` words with registered outputs."""
    if depth == 1 or width == 0:
        return Resources()
    if style is Ram.BLOCK:
        return block_rom(width, depth).cost
    return Resources(lut=width * _rom_luts(depth), ff=width)


def ram(width: int, depth: int, style: Ram) -> Resources:
    """A memory of `depth` words that is written a part of a word at a time, with registered outputs."""
    select = Resources(lut=8 + width / 32)
    if depth == 1:
        return select + Resources(ff=width)
    if style is Ram.BLOCK:
        return select + block_rom(width, depth, written=True).cost
    return select + Resources(lut=lutram(width, depth), ff=width)


def _rom_luts(depth: int) -> float:
    """LUTs a bit of a ROM of LUTs."""
    if chip.current().lut_inputs == 4:
        tables = ceil(depth / 16)
        few = next((s for d, s in ((1, 0.0), (2, 0.3), (4, 0.7), (8, 0.9)) if depth <= d), float(tables))
        return few + (tables - 1) * chip.current().choice
    if depth <= 64:
        return next(s for d, s in ((1, 0.0), (2, 0.25), (4, 0.45), (8, 0.5), (16, 0.75), (64, 1.0)) if depth <= d)
    share = 1 << clog2(ceil(depth / 64))  # multiplexers of LUT6, free up to four of them
    return share * (1.0 if depth <= 256 else 1.3)


@dataclass(frozen=True, slots=True)
class BlockRom:
    """How a memory fills block RAMs: `segments` words side by side in each of `rows` rows, the last `rest` words in LUTs."""

    segments: int
    rows: int
    rest: int
    cost: Resources


BLOCK_IN_LUTS = 350
"""LUTs that a 36 kb block is worth, where one can stand for the other: about what there is of both on these chips."""

MULTIPLEXER = ((1, 0.0), (2, 0.5), (4, 1.0), (8, 2.0), (9, 4.0), (16, 6.5), (32, 13.0), (64, 26.0))
"""LUTs a bit of a multiplexer of so many ways."""


MOST_WAYS = 128
"""Words that one of a ROM in block RAM is chosen from, at most."""


def multiplexer(ways: int) -> float:
    """LUTs a bit of a multiplexer of so many ways."""
    if chip.current().lut_inputs == 4:
        return 0.75 * (ways - 1)
    return next((cost for most, cost in MULTIPLEXER if ways <= most), ways * 0.41)


def _deep(width: int, ways: int) -> float:
    """LUTs behind a memory that is deeper than its blocks, where so many words share an address."""
    return (2 if chip.current().lut_inputs == 4 else 1) * width * multiplexer(ways)


def block_rom(width: int, depth: int, *, written: bool = False) -> BlockRom:
    """The cheapest layout of a memory in block RAM: as it is, or in rows of several words, of a ROM perhaps with a rest."""
    return _block_rom(width, depth, written, chip.current())


@cache
def _block_rom(width: int, depth: int, written: bool, target: Chip) -> BlockRom:
    grain = _enabled if written else _together
    blocks, ways = _fewest(width, depth, grain)
    best = BlockRom(1, depth, 0, Resources(_deep(width, ways), width, blocks))
    # It has no cycle of its own for choosing one of the words that share an address; the segments have. So they are taken
    # where they need no more than it would if no two words shared a block.
    blocks, ways = _fewest(width, depth, _apart)
    least = blocks * BLOCK_IN_LUTS + (_deep(width, ways) if target.lut_inputs == 4 else 0.0)
    for rows in sorted({d for d, _, _ in target.shapes if d < depth}):
        for segments in {ceil(depth / rows)} if written else {depth // rows, ceil(depth / rows)}:
            rest = max(0, depth - segments * rows)
            ways = segments + (rest > 0)
            if ways > MOST_WAYS:
                continue
            # Words that are written by themselves have blocks of their own.
            memories, bits = (segments, width) if written else (1, segments * width)
            blocks, shared = _fewest(bits, rows, grain)
            lut = width * multiplexer(ways) + memories * _deep(bits, shared)
            ff = width * (1 + ways) + 2 * clog2(ways)
            cost = Resources(lut + width * _rom_luts(max(rest, 1)), ff, memories * blocks)
            found = BlockRom(segments, rows, rest, cost)
            if _worth(found) < least:
                best, least = found, _worth(found)
    return best


def memory_cycles(width: int, depth: int, style: Ram, *, written: bool = False) -> int:
    """Cycles of a read of `rtl/bw_weights.v`: one more where a word of a block memory is chosen from several."""
    return 3 if style is Ram.BLOCK and depth > 1 and block_rom(width, depth, written=written).rows < depth else 2


def memory_parameters(
    words: Sequence[int], width: int, style: Ram, *, written: bool = False
) -> dict[str, int | Memory]:
    """The parameters FILE, SEGMENTS, ROWS and REST of `rtl/bw_weights.v` for these words, those that it needs."""
    layout = block_rom(width, len(words), written=written)
    if style is not Ram.BLOCK or layout.rows == len(words):
        return {"FILE": Memory(width, tuple(words))}
    rows, whole = layout.rows, layout.segments * layout.rows
    padded = [*words[:whole], *([0] * (whole - len(words)))]
    lines = (sum(word << s * width for s, word in enumerate(padded[r::rows])) for r in range(rows))
    found: dict[str, int | Memory] = {"FILE": Memory(width * layout.segments, tuple(lines))}
    found |= {"SEGMENTS": layout.segments, "ROWS": rows}
    return found | ({"REST": Memory(width, tuple(words[whole:]))} if layout.rest else {})


def _worth(layout: BlockRom) -> float:
    return layout.cost.bram36 * BLOCK_IN_LUTS + layout.cost.lut


def block_rams(width: int, depth: int, *, written: bool = False) -> float:
    """36 kb blocks of a simple dual-port memory: the best of the shapes that the blocks have.

    Of a memory that is deeper than a block, words that share an address in it lie side by side, and may share a block.
    """
    return _fewest(width, depth, _enabled if written else _together)[0]


def _fewest(width: int, depth: int, grain: Callable[[int], int]) -> tuple[float, int]:
    """36 kb blocks, and how many words share an address; each of these takes multiples of the `grain` of a block's word."""
    found = list[tuple[float, int]]()
    for words, bits, blocks in chip.current().shapes:
        ways, each = ceil(depth / words), ceil(width / grain(bits)) * grain(bits)
        found.append((ceil(ways * each / bits) * blocks, ways))
    return min(found)


def _together(bits: int) -> int:
    """Words that are only read share blocks bit by bit."""
    return 1


def _enabled(bits: int) -> int:
    """Words that are written do where a block of so many bits can write parts: nine bits, or any of the 16 of iCE40."""
    return 9 if bits % 9 == 0 else 1 if bits == 16 else bits


def _apart(bits: int) -> int:
    return bits


def lutram(width: int, depth: int) -> float:
    """LUTs of a distributed RAM with one write and one read port (RAM32M: 6 bits in 4 LUTs, RAM64M: 3 bits).

    A chip without any keeps the bits in flip-flops, one a logic cell.
    """
    target = chip.current()
    if target.lutram is None:
        return width * (depth * 0.5 + multiplexer(depth)) + depth
    if target.lut_inputs == 4:
        banks = ceil(depth / target.lutram.words)
        store = banks * ceil(width / target.lutram.bits) * target.lutram.luts
        return store + width * multiplexer(banks) + 2 * (banks - 1)  # and what tells the banks apart
    if depth <= 32:
        return ceil(width / 6) * 4
    return ceil(depth / 64) * ceil(width / 3) * 4 + (width * (ceil(depth / 64) - 1) * 0.5 if depth > 64 else 0)


ADDER = 0.93
"""LUTs a bit of an adder in a tree: the lowest and highest bits merge with their neighbours."""

TABLES = {2: 0.0, 3: 0.0, 4: 1.6, 5: 3.0, 6: 4.5}
"""LUTs of a product by the sum of its operands' bits, where it is a table; small ones merge into the adder behind."""

TABLES_OF_4 = {2: 0.0, 3: 0.5, 4: 3.0, 5: 5.0, 6: 8.0}
"""The same in LUTs of four inputs."""


def digits(t: IntType) -> int:
    """Radix-4 digits of an operand of this type, when it is recoded (see `rtl/bw_mul.v`)."""
    return (t.width + 1) // 2 if t.signed else t.width // 2 + 1


def multiply_cycles(a: IntType, b: IntType) -> int:
    """Cycles of a LUT multiplier of these operands, as `rtl/bw_mul.v` documents them."""
    return 1 if a.width + b.width <= 6 else max(1, min(digits(a), digits(b)) // 2)


def product(a: IntType, b: IntType, width: int) -> Resources:
    """One LUT multiplier of `width` result bits: a table, or a row of LUTs for each digit of the shorter operand."""
    target = chip.current()
    if a.width + b.width <= 6:
        return Resources(lut=(TABLES if target.lut_inputs > 4 else TABLES_OF_4)[a.width + b.width], ff=width)
    wide, short = (a, b) if digits(b) <= digits(a) else (b, a)
    row, rows = wide.width + int(not wide.signed), digits(short)
    lut, stages = max(rows * (row + 0.5) - 2, row), max(1, rows // 2)
    if target.lut_inputs == 4:  # the first row is as dear as the others, a last digit of one bit cheaper
        lut = (rows - 0.6 * (short.signed and short.width % 2)) * (row + 0.5)
    return Resources(lut=lut * target.row, ff=width + (stages - 1) * (row + 2 * rows + 1))


def product_sum(a: IntType, b: IntType, addend: int, drop: int) -> Resources:
    """`rtl/bw_muladd.v`: a row of LUTs for each digit of b, without the lowest `drop` columns, and an addend of so many bits."""
    row, count = a.width + int(not a.signed) + 2, digits(b)
    totals = [row + 2 * d - drop for d in range(count)]
    high = max(0, addend - (row - 2 - drop))
    lut = sum(row - max(0, drop - 2 * d) for d in range(count)) * chip.current().row + high
    held = [
        t + (row - 2 + 2 * (count - d) - 1) * (d < count - 1) for d, t in enumerate(totals) if (count - 1 - d) % 2 == 0
    ]
    stages = len(held)
    wait = Resources(lut=high) if stages > 2 and chip.current().shifts else Resources(ff=high * stages)
    return Resources(lut=lut, ff=sum(held) + totals[-1]) + wait


def other_port(bits: int) -> int:
    """Bits, signed, that one DSP slice multiplies an operand of so many bits by: of a DSP48E1 25 by 18."""
    target = chip.current()
    return target.wide if bits <= target.narrow else target.narrow


def slices(a: int, b: int) -> int:
    """DSP slices of one signed product of operands of so many bits; where one is too small, pieces of one bit less.

    Of a last piece with few bits LUTs take care.
    """
    (narrow, wide), target = sorted((a, b)), chip.current()
    if narrow <= target.narrow and wide <= target.wide:
        return 1
    pieces = ceil((wide - target.rest) / (target.wide - 1)), ceil((narrow - target.rest) / (target.narrow - 1))
    return max(1, pieces[0]) * max(1, pieces[1])


def read_cycles(folds: int) -> int:
    """Cycles in which `rtl/bw_fold.v` reads a beat's constants."""
    return int(folds > 1) + int(folds > 64)


def nominal(op: Op, x: TensorType, lanes: int, kind: Multiplier = Multiplier.LUT) -> float:
    """LUT-equivalents of an elementwise operator at a nominal parallelism, to compare implementations."""
    return in_luts(op.estimate(x, op.infer(x), Fold(pe=min(lanes, x.vector), multiplier=kind)).cost)


def in_luts(cost: Resources) -> float:
    """One figure for all resources."""
    return cost.lut + cost.ff * 0.25 + cost.bram36 * 400 + cost.dsp * DSP_IN_LUTS
