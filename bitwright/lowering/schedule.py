"""Exact timing at compile time: a token-level simulation of the netlist's static schedules.

Every module is a process over beats; an edge is a ready/valid stream whose k-th beat moves in the first cycle in which
it is both offered and wanted. The rules below are those of the modules in `rtl/`, cycle for cycle, so the frame
interval and the latency computed here equal what a simulation of the RTL measures. What a network of such streams
carries does not depend on when beats move: one that does not stand still here never does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, count, cycle

import numpy as np

from ..errors import CompileError

Wait = Generator["Edge | Signal", None, int]
Steps = Generator["Edge | Signal", None, None]


@dataclass(eq=False)
class Edge:
    """A stream between two processes: cycles from which each beat is offered and wanted, and when it moved."""

    name: str = ""
    offered: list[int] = field(default_factory=list[int])
    wanted: list[int] = field(default_factory=list[int])
    moved: list[int] = field(default_factory=list[int])
    waiting: list[Process] = field(default_factory=list["Process"])
    seen: int = 0

    def size(self) -> int:
        """Grows with whatever a waiting process may wait for."""
        return len(self.offered) + len(self.wanted)

    def clear(self) -> None:
        """Back to the state in which nothing has happened."""
        self.seen = 0
        for history in (self.offered, self.wanted, self.moved, self.waiting):
            history.clear()

    def repeats(self, frames: int, alike: int, interval: int) -> bool:
        """Whether all beats of the last `alike` of so many frames moved `interval` cycles after those of the frame before."""
        beats = len(self.offered) // frames
        if len(self.moved) < frames * beats:
            return False
        moved = np.array(self.moved[-(alike + 1) * beats :]).reshape(alike + 1, -1)
        return bool((np.diff(moved, axis=0) == interval).all())

    def move(self, beat: int) -> Wait:
        """Wait until the beat has moved; the cycle in which it did, at most one beat a cycle."""
        moved, offered, wanted = self.moved, self.offered, self.wanted
        k = len(moved)
        while k <= beat:
            if k >= len(offered) or k >= len(wanted):
                yield self
                k = len(moved)
                continue
            time = offered[k] if offered[k] > wanted[k] else wanted[k]
            if k and moved[-1] >= time:
                time = moved[-1] + 1
            moved.append(time)
            k += 1
        return moved[beat]

    def offer(self, beat: int) -> Wait:
        """Wait until the beat is offered; the cycle from which it can be taken."""
        while len(self.offered) <= beat or len(self.moved) < beat:
            if len(self.moved) < beat < len(self.offered):
                yield from self.move(beat - 1)
            else:
                yield self
        return max(self.offered[beat], self.moved[beat - 1] + 1 if beat else 0)


@dataclass(eq=False)
class Signal:
    """Cycles that one process of a module tells another."""

    times: list[int] = field(default_factory=list[int])
    waiting: list[Process] = field(default_factory=list["Process"])
    seen: int = 0

    def size(self) -> int:
        return len(self.times)

    def get(self, index: int) -> Wait:
        while len(self.times) <= index:
            yield self
        return self.times[index]


@dataclass(eq=False)
class Process:
    """A module's behaviour, and what it changes: whoever waits for these may go on when it has run."""

    steps: Steps
    touches: tuple[Edge | Signal, ...]


def source(edge: Edge, beats: int, started: Signal, interval: int = 0) -> Process:
    """bw_axis_in under a sender that always has a beat, or spreads those of a frame evenly over `interval` cycles.

    Its skid buffer never delays such a sender's beats: what moves leaves room for the next.
    """

    def steps() -> Steps:
        for frame in count():
            yield from started.get(frame)
            edge.offered.extend(1 + frame * interval + beat * interval // beats for beat in range(beats))

    return Process(steps(), (edge,))


def sink(edge: Edge, beats: int) -> Process:
    """bw_axis_out under a receiver that is always ready."""

    def steps() -> Steps:
        for frame in count(1):
            edge.wanted.extend([0] * beats)
            yield from edge.move(beats * frame - 1)

    return Process(steps(), (edge,))


def emit(inner: Edge, out: Edge, latency: int) -> Process:
    """The output side of a queue: in order, a beat a cycle, each `latency` cycles after it went in."""

    def steps() -> Steps:
        moved, offered = inner.moved, out.offered
        for beat in count():
            time = moved[beat] if beat < len(moved) else (yield from inner.move(beat))
            offered.append(time + latency)

    return Process(steps(), (out,))


def admit(inner: Edge, out: Edge, depth: int, reuse: int) -> Process:
    """The input side of a queue of `depth` beats; a place is free `reuse` cycles after its beat has left."""

    def steps() -> Steps:
        inner.wanted.extend([0] * depth)
        for beat in count():
            gone = yield from out.move(beat)
            inner.wanted.append(gone + reuse)

    return Process(steps(), (inner,))


def widen(inner: Edge, out: Edge, groups: Sequence[int]) -> Process:
    """bw_gear upwards: the next `groups[i]` beats make one; none is taken while a full one waits."""

    def steps() -> Steps:
        beat, room = 0, 0
        for made, size in enumerate(cycle(groups)):
            inner.wanted.extend([room] * size)
            beat += size
            moved = yield from inner.move(beat - 1)
            out.offered.append(moved + 1)
            room = yield from out.move(made)

    return Process(steps(), (inner, out))


def narrow(inner: Edge, out: Edge, groups: Sequence[int]) -> Process:
    """bw_gear downwards: the next beat leaves as `groups[i]` beats; the next is taken as the last one leaves."""

    def steps() -> Steps:
        made, room = 0, 0
        for beat, size in enumerate(cycle(groups)):
            inner.wanted.append(room)
            moved = yield from inner.move(beat)
            out.offered.extend([moved + 1] * size)
            made += size
            room = yield from out.move(made - 1)

    return Process(steps(), (inner, out))


QUEUE_REUSE = 1
"""Cycles after a beat has left bw_queue in which its place is free again."""


def queue(inner: Edge, out: Edge, depth: int, latency: int) -> list[Process]:
    """bw_queue; a depth of 0 stands for one that is never full."""
    if depth:
        return [emit(inner, out, latency), admit(inner, out, depth, QUEUE_REUSE)]

    def steps() -> Steps:
        for beat in count():
            inner.wanted.append(0)
            yield from inner.move(beat)

    return [emit(inner, out, latency), Process(steps(), (inner,))]


def occupancy(inner: Edge, out: Edge, reuse: int) -> int:
    """The most places that were taken at a time in a queue between two edges that have been simulated."""
    arrived, free = np.array(inner.moved), np.array(out.moved) + reuse
    return int((np.arange(1, len(arrived) + 1) - np.searchsorted(free, arrived, side="right")).max(initial=0))


def fork(inner: Edge, outs: Sequence[Edge]) -> Process:
    """bw_fork: each output takes its copy as soon as it can, and the input advances with the last of them."""

    def steps() -> Steps:
        for beat in count():
            offered = yield from inner.offer(beat)
            for out in outs:
                out.offered.append(offered)
            taken = 0
            for out in outs:
                moved = out.moved[beat] if beat < len(out.moved) else (yield from out.move(beat))
                taken = max(taken, moved)
            inner.wanted.append(taken)
            yield from inner.move(beat)

    return Process(steps(), (inner, *outs))


def taps(inner: Edge, out: Edge, places: Sequence[tuple[bool, bool]], words: int, parts: int) -> Process:
    """bw_taps: of each place of a frame, whether it takes a pixel, and whether a window leaves with it; both are `words`
    words, and a word of a window leaves as `parts` beats.
    """

    def run() -> Steps:
        time, word, made = -1, 0, 0
        for takes, gives in cycle(places):
            for _ in range(words):
                time += 1
                if gives and made:
                    time = max(time, (yield from out.move(made - 1)))
                if takes:
                    inner.wanted.append(time)
                    time = yield from inner.move(word)
                    word += 1
                if gives:
                    out.offered.extend([time + 1] * parts)
                    made += parts

    return Process(run(), (inner, out))


def concat(a: Edge, b: Edge, out: Edge, a_beats: int, b_beats: int) -> Process:
    """bw_concat: beats of either stream in turn pass straight through."""

    def steps() -> Steps:
        made = 0
        for vector in count():
            for inner, beats in ((a, a_beats), (b, b_beats)):
                for beat in range(vector * beats, (vector + 1) * beats):
                    offered = yield from inner.offer(beat)
                    out.offered.append(offered)
                    moved = yield from out.move(made)
                    made += 1
                    inner.wanted.append(moved)
                    yield from inner.move(beat)

    return Process(steps(), (a, b, out))


RING_CREDITS = 5
"""Words under way between a bw_ring and its output."""
RING_LATENCY = 3
"""Cycles from a word's issue to its offer."""


@dataclass
class Walk:
    """bw_repeat and bw_reorder: a block of `block` words is read in an order of its own, one word a cycle.

    Read i of a block waits for word `needs[i]` of it and frees `frees[i]` words, in the order of their arrival.
    """

    inner: Edge
    out: Edge
    needs: Sequence[int]
    frees: Sequence[int]
    block: int
    depth: int
    freed: Signal = field(default_factory=Signal)

    def processes(self) -> list[Process]:
        return [Process(self.write(), (self.inner,)), Process(self.read(), (self.out, self.freed))]

    def write(self) -> Steps:
        """A word enters the ring once the word `depth` before it is free."""
        self.inner.wanted.extend([0] * self.depth)
        for word in count():
            self.inner.wanted.append((yield from self.freed.get(word)) + 1)

    def read(self) -> Steps:
        time, made = -1, 0
        for block in count():
            for need, free in zip(self.needs, self.frees, strict=True):
                arrived = yield from self.inner.move(block * self.block + need)
                time = max(time, arrived) + 1
                if made >= RING_CREDITS:
                    gone = yield from self.out.move(made - RING_CREDITS)
                    time = max(time, gone + 2)
                self.out.offered.append(time + RING_LATENCY)
                self.freed.times.extend([time] * free)
                made += 1

    @classmethod
    def repeat(cls, inner: Edge, out: Edge, words: int, width: int, rows: int, columns: int, depth: int) -> Walk:
        """Of a row of `width` pixels."""
        order = [
            (pixel * words + word, copy == columns - 1 and row == rows - 1)
            for row in range(rows) for pixel in range(width) for copy in range(columns) for word in range(words)
        ]  # fmt: skip
        return cls(inner, out, [w for w, _ in order], [int(last) for _, last in order], width * words, depth)

    @classmethod
    def reorder(cls, inner: Edge, out: Edge, block: int) -> Walk:
        """All of a block must be there, and all of it is freed at its end."""
        return cls(inner, out, [block - 1] * block, [0] * (block - 1) + [block], block, 2 * block)


@dataclass
class Window:
    """bw_window: `need` and `oldest` say for each window of a frame of `frame` words how many of them must be there, and
    which is the first that it or a later one reads; each window is `words` words, all its passes together.
    """

    inner: Edge
    out: Edge
    need: Sequence[int]
    oldest: Sequence[int]
    frame: int
    words: int
    depth: int
    passed: Signal = field(default_factory=Signal)

    def processes(self) -> list[Process]:
        return [Process(self.write(), (self.inner,)), Process(self.read(), (self.out, self.passed))]

    def write(self) -> Steps:
        """A word enters the ring once all windows are done that read the word `depth` before it."""
        count_, room, done = len(self.oldest), self.oldest[0] + self.depth, 0
        window = 0
        for word in count():
            while room <= word:
                done = (yield from self.passed.get(window)) + 1
                window += 1
                frames, place = divmod(window, count_)
                room = frames * self.frame + self.oldest[place] + self.depth
            self.inner.wanted.append(done)

    def read(self) -> Steps:
        offered, moved = self.out.offered, self.out.moved
        time, made, start = -1, 0, 0
        for frame in count():
            for need in self.need:
                arrived = yield from self.inner.move(frame * self.frame + need - 1)
                start = max(time, arrived) + 1
                for _ in range(self.words):
                    if made >= RING_CREDITS:
                        before = made - RING_CREDITS
                        gone = moved[before] if before < len(moved) else (yield from self.out.move(before))
                        if gone + 2 > start:
                            start = gone + 2
                    time, start = start, start + 1
                    offered.append(time + RING_LATENCY)
                    made += 1
                self.passed.times.append(time)


@dataclass
class Domain:
    """A credit domain: `words` beats of each of the inputs make a result, `latency` cycles after the last of them.

    Its entry takes the first beat of a result only against a credit. `credits` results may be in flight. Each leaves as
    several beats, one a cycle: `parts` says how many for each result of a round.
    """

    inners: Sequence[Edge]
    out: Edge
    words: int
    latency: int
    credits: int
    parts: Sequence[int]
    ends: list[int] = field(init=False)
    """Beats of a round up to the end of each of its results."""

    def __post_init__(self) -> None:
        self.ends = list(accumulate(self.parts))

    def processes(self) -> list[Process]:
        steps = self.single(self.inners[0]) if len(self.inners) == 1 else self.join(*self.inners)
        return [Process(steps, (*self.inners, self.out))]

    def single(self, inner: Edge) -> Steps:
        beat, rest = 0, [0] * (self.words - 1)
        for made in count():
            credit = yield from self.credit(made)
            inner.wanted.append(credit)
            inner.wanted.extend(rest)
            beat += self.words
            time = yield from inner.move(beat - 1)
            self.offer(made, time)

    def join(self, a: Edge, b: Edge) -> Steps:
        """Both beats pass in the same cycle."""
        for made in count():
            credit = yield from self.credit(made)
            first = yield from a.offer(made)
            second = yield from b.offer(made)
            time = max(credit, first, second)
            a.wanted.append(time)
            b.wanted.append(time)
            time = yield from a.move(made)
            yield from b.move(made)
            self.offer(made, time)

    def credit(self, made: int) -> Wait:
        """The cycle from which the counter holds a credit for result number `made`."""
        if made < self.credits:
            return 0
        rounds, place = divmod(made - self.credits, len(self.ends))
        gone = yield from self.out.move(rounds * self.ends[-1] + self.ends[place] - 1)
        return gone + 2

    def offer(self, made: int, time: int) -> None:
        """Result number `made`, whose last beat was taken in that cycle."""
        first = time + self.latency + 1
        self.out.offered.extend(range(first, first + self.parts[made % len(self.parts)]))


@dataclass
class Replay(Domain):
    """bw_mvu with its ring of `depth` words: `passes` times over each vector of `words` words."""

    passes: int
    depth: int
    freed: Signal = field(default_factory=Signal)

    def processes(self) -> list[Process]:
        (inner,) = self.inners
        return [Process(self.write(inner), (inner,)), Process(self.issue(inner), (self.out, self.freed))]

    def write(self, inner: Edge) -> Steps:
        """A word enters the ring when the word `depth` before it was read for the last time."""
        inner.wanted.extend([0] * self.depth)
        for beat in count():
            freed = yield from self.freed.get(beat)
            inner.wanted.append(freed + 1)

    def issue(self, inner: Edge) -> Steps:
        """The first pass follows the words as they come; the others run through."""
        time, beat = -1, 0
        for vector in count():
            for turn in range(self.passes):
                made = vector * self.passes + turn
                credit = yield from self.credit(made)
                start = max(time + 1, credit)
                if turn == 0:
                    for word in range(self.words):
                        arrived = yield from inner.move(beat)
                        start = max(start, arrived + 1 - word)
                        beat += 1
                time = start + self.words - 1
                if turn == self.passes - 1:
                    self.freed.times.extend(range(start, time + 1))
                self.offer(made, time)


@dataclass
class Total(Domain):
    """bw_total: `words` results a frame of `positions` times as many beats; those of the last position need credits."""

    positions: int

    def single(self, inner: Edge) -> Steps:
        beat, made = 0, 0
        for _ in count():
            inner.wanted.extend([0] * (self.words * (self.positions - 1)))
            beat += self.words * (self.positions - 1)
            for _ in range(self.words):
                credit = yield from self.credit(made)
                inner.wanted.append(credit)
                time = yield from inner.move(beat)
                self.offer(made, time)
                beat, made = beat + 1, made + 1


@dataclass
class Sparse(Domain):
    """bw_sparse: two vectors of `words` words have room, and the sums of two.

    A vector takes `slots` cycles, which its program is read `read` cycles after, and `delay` more until the first of its
    `beats` beats can issue; `latency` counts from a beat's issue to its entry into the FIFO of `credits` places.
    """

    beats: int
    slots: int
    read: int
    delay: int
    started: Signal = field(default_factory=Signal)
    left: Signal = field(default_factory=Signal)

    def processes(self) -> list[Process]:
        (inner,) = self.inners
        return [
            Process(self.write(inner), (inner,)),
            Process(self.run(inner), (self.started,)),
            Process(self.leave(), (self.out, self.left)),
        ]

    def write(self, inner: Edge) -> Steps:
        """A vector's first word waits until the slots of the vector before the last are over."""
        for vector in count():
            room = 0
            if vector > 1:
                start = yield from self.started.get(vector - 2)
                room = start + self.slots + self.read - 1
            inner.wanted.extend([room] + [0] * (self.words - 1))

    def run(self, inner: Edge) -> Steps:
        """The slots of a vector follow one another, when it is there and there is room for its sums."""
        start = -self.slots
        for vector in count():
            arrived = yield from inner.move((vector + 1) * self.words - 1)
            start = max(arrived + 1, start + self.slots)
            if vector > 1:
                left = yield from self.left.get(vector - 2)
                start = max(start, left + 1)
            self.started.times.append(start)

    def leave(self) -> Steps:
        """The beats of a vector, each against a credit."""
        issue = -1
        for vector in count():
            start = yield from self.started.get(vector)
            issue = max(issue, start + self.slots + self.delay - 1)
            for beat in range(self.beats):
                made = vector * self.beats + beat
                credit = yield from self.credit(made)
                issue = max(issue + 1, credit)
                self.offer(made, issue)
            self.left.times.append(issue)


@dataclass
class WindowDomain(Domain):
    """bw_window with a credit domain right behind it, in one process: words between the two are not told one by one.

    A window is read in `folds` runs of `words` words, which make a result each. Between the first and the last word of a
    run nothing is waited for, so what leaves the ring moves on a word a cycle.
    """

    window: Window
    folds: int

    def processes(self) -> list[Process]:
        window = self.window
        write = Process(window.write(), (window.inner,))
        return [write, Process(self.read(), (self.out, window.passed))]

    def read(self) -> Steps:
        window, words = self.window, self.words
        issued, made = -1, 0
        moved: deque[int] = deque([-RING_LATENCY * RING_CREDITS] * RING_CREDITS, RING_CREDITS)
        for frame in count():
            for need in window.need:
                arrived = yield from window.inner.move(frame * window.frame + need - 1)
                issued = max(issued, arrived)
                for _ in range(self.folds):
                    credit = yield from self.credit(made)
                    issued = max(issued + 1, moved[0] + 2)
                    before = moved[-1]
                    first = max(before + 1, credit, issued + RING_LATENCY)
                    if words < RING_CREDITS:
                        moved.append(first)
                        for _ in range(1, words):
                            issued = max(issued + 1, moved[0] + 2)
                            moved.append(moved[-1] + 1)
                    else:
                        # The credits that the last words of the run before this one give, then those of its own.
                        issued = max(issued, before - 2, first - 3 if words > RING_CREDITS else 0) + words - 1
                        if len(moved) == RING_CREDITS:
                            moved.extend(range(first + words - RING_CREDITS, first + words))
                    self.offer(made, moved[-1])
                    made += 1
                window.passed.times.append(issued)


@dataclass(frozen=True, slots=True)
class Patience:
    """Frames to simulate at most, and how many distances between them must be alike before it is taken to stay so."""

    frames: int
    alike: int


SHORT = Patience(24, 8)  # of short frames the queues and credits of a design hold many
LONG = Patience(4, 1)  # of long ones a layer holds a part


@dataclass(frozen=True, slots=True)
class Timing:
    """Cycles between frames in the steady state, at most, and from a frame's first beat in to its last beat out."""

    frame_cycles: int
    latency_cycles: int


def simulate(
    processes: Sequence[Process], edges: Sequence[Edge], first: Edge, last: Edge, in_beats: int, out_beats: int,
    interval: int = 0, patience: Patience = SHORT,
) -> Timing:  # fmt: skip
    """Run frames through, from the empty state until all beats of one move as those of the one before, so many cycles
    later, as often as the patience asks for; but at most its frames, or twice as many if they come out at unlike
    distances: of such the greatest counts. Their beats come as fast as they are taken, or spread over `interval` cycles a
    frame. They enter by the edge `first` and leave by `last`.

    Raises CompileError E901 with the streams that are full if they stand still: a deadlock is a bug of the compiler's.
    """
    started = Signal(list(range(patience.alike + 2)))
    ready = deque([*processes, source(first, in_beats, started, interval), sink(last, out_beats)])
    while True:
        _run(ready)
        done = len(started.times)
        ends = last.moved[out_beats - 1 :: out_beats]
        if len(ends) < done:
            full = ", ".join(e.name for e in edges if len(e.offered) > len(e.moved)) or "none of them has a beat"
            raise CompileError("E901", f"the streams of the design stand still ({full}): this is a bug of Bitwright's")
        apart = np.diff(ends).tolist()
        if all(edge.repeats(done, patience.alike, apart[-1]) for edge in edges):
            return Timing(apart[-1], ends[0] + 1)
        if done >= (patience.frames if len(set(apart[1:])) == 1 else 2 * patience.frames):
            return Timing(max(apart[1:]), ends[0] + 1)
        started.times.append(done)
        ready.extend(started.waiting)
        started.waiting.clear()


def _run(ready: deque[Process]) -> None:
    """Run the processes, and whoever waits for what they do, until all of them wait."""
    while ready:
        process = ready.popleft()
        blocked = next(process.steps, None)
        if blocked is not None:
            blocked.waiting.append(process)
        for touched in process.touches:
            if touched.waiting and (size := touched.size()) != touched.seen:
                touched.seen = size
                ready.extend(w for w in touched.waiting if w is not process)
                touched.waiting[:] = [process] if blocked is touched else []
