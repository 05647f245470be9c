"""Exact timing at compile time: a token-level simulation of the netlist's static schedules.

Every module is a process over beats; an edge is a ready/valid stream whose k-th beat moves in the first cycle in which
it is both offered and wanted. The rules below are those of the modules in `rtl/`, cycle for cycle, so the frame
interval and the latency computed here equal what a simulation of the RTL measures.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from itertools import count, cycle

from ..errors import CompileError

Process = Generator[None, None, None]

FRAMES = 6  # enough for the interval between frames to settle: a layer holds back at most two


@dataclass
class Edge:
    """A stream between two processes: cycles from which each beat is offered and wanted, and when it moved."""

    offered: list[int] = field(default_factory=list[int])
    wanted: list[int] = field(default_factory=list[int])
    moved: list[int] = field(default_factory=list[int])

    def move(self, beat: int) -> Generator[None, None, int]:
        """Wait until the beat has moved; the cycle in which it did, at most one beat a cycle."""
        while len(self.moved) <= beat:
            k = len(self.moved)
            if k >= len(self.offered) or k >= len(self.wanted):
                yield
                continue
            after = self.moved[-1] + 1 if k else 0
            self.moved.append(max(self.offered[k], self.wanted[k], after))
        return self.moved[beat]


def source(edge: Edge, beats: int) -> Process:
    """The outside world as a sender that always has a beat, for `beats` beats."""
    edge.offered.extend([0] * beats)
    yield


def sink(edge: Edge, beats: int) -> Process:
    """The outside world as a receiver that is always ready."""
    edge.wanted.extend([0] * beats)
    yield from edge.move(beats - 1)


def emit(inner: Edge, out: Edge, latency: int) -> Process:
    """The output side of a queue: in order, a beat a cycle, each `latency` cycles after it went in."""
    for beat in count():
        moved = yield from inner.move(beat)
        out.offered.append(moved + latency)


def admit(inner: Edge, out: Edge, depth: int, reuse: int) -> Process:
    """The input side of a queue of `depth` beats; a place is free `reuse` cycles after its beat has left."""
    inner.wanted.extend([0] * depth)
    for beat in count():
        gone = yield from out.move(beat)
        inner.wanted.append(gone + reuse)


def widen(inner: Edge, out: Edge, groups: Sequence[int]) -> Process:
    """bw_gear upwards: the next `groups[i]` beats make one; none is taken while a full one waits."""
    beat, room = 0, 0
    for made, size in enumerate(cycle(groups)):
        inner.wanted.extend([room] * size)
        beat += size
        moved = yield from inner.move(beat - 1)
        out.offered.append(moved + 1)
        room = yield from out.move(made)


def narrow(inner: Edge, out: Edge, groups: Sequence[int]) -> Process:
    """bw_gear downwards: the next beat leaves as `groups[i]` beats; the next is taken as the last one leaves."""
    made, room = 0, 0
    for beat, size in enumerate(cycle(groups)):
        inner.wanted.append(room)
        moved = yield from inner.move(beat)
        out.offered.extend([moved + 1] * size)
        made += size
        room = yield from out.move(made - 1)


@dataclass
class Matvec:
    """bw_mvu with the pipeline and FIFO behind it: `passes` times over each vector of `words` words.

    `latency` counts from the issue of a pass's last word to the result's entry into the FIFO of `credits` places.
    """

    inner: Edge
    out: Edge
    words: int
    passes: int
    depth: int
    latency: int
    credits: int
    freed: list[int] = field(default_factory=list[int])

    def processes(self) -> list[Process]:
        return [self.write(), self.issue()] if self.passes > 1 else [self.stream()]

    def write(self) -> Process:
        """A word enters the ring when the word `depth` before it was read for the last time."""
        self.inner.wanted.extend([0] * self.depth)
        for beat in count():
            while len(self.freed) <= beat:
                yield
            self.inner.wanted.append(self.freed[beat] + 1)

    def issue(self) -> Process:
        """The first pass follows the words as they come; the others run through."""
        time, beat = -1, 0
        for vector in count():
            for turn in range(self.passes):
                made = vector * self.passes + turn
                credit = yield from self.credit(made)
                start = max(time + 1, credit)
                if turn == 0:
                    for word in range(self.words):
                        arrived = yield from self.inner.move(beat)
                        start = max(start, arrived + 1 - word)
                        beat += 1
                time = start + self.words - 1
                if turn == self.passes - 1:
                    self.freed.extend(range(start, time + 1))
                self.out.offered.append(time + self.latency + 1)

    def stream(self) -> Process:
        """One pass: the stream itself is the issue, and only its first word waits for a credit."""
        beat = 0
        for made in count():
            credit = yield from self.credit(made)
            self.inner.wanted.extend([credit] + [0] * (self.words - 1))
            beat += self.words
            time = yield from self.inner.move(beat - 1)
            self.out.offered.append(time + self.latency + 1)

    def credit(self, made: int) -> Generator[None, None, int]:
        """The cycle from which the counter holds a credit for result number `made`."""
        if made < self.credits:
            return 0
        gone = yield from self.out.move(made - self.credits)
        return gone + 2


@dataclass(frozen=True, slots=True)
class Timing:
    """Cycles between frames in the steady state, and from a frame's first beat in to its last beat out."""

    frame_cycles: int
    latency_cycles: int


def simulate(
    processes: Sequence[Process], edges: Sequence[Edge], first: Edge, last: Edge, in_beats: int, out_beats: int
) -> Timing:
    """Run whole frames through, from the empty state into the steady one.

    Raises CompileError E901 if the streams stand still: a deadlock is a bug of the compiler's.
    """
    live = [*processes, source(first, in_beats * FRAMES), sink(last, out_beats * FRAMES)]
    before = -1
    while len(last.moved) < out_beats * FRAMES:
        for process in live:
            next(process, None)
        progress = sum(len(e.offered) + len(e.wanted) + len(e.moved) for e in edges)
        if progress == before:
            raise CompileError("E901", "the streams of the design stand still: this is a bug of Bitwright's")
        before = progress
    ends = last.moved[out_beats - 1 :: out_beats]
    return Timing(ends[-1] - ends[-2], ends[0] - first.moved[0])
