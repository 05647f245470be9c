"""bw_window against NumPy's idea of a window, and against its own rules for every cycle."""

import random
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from math import ceil

import numpy as np
import pytest

from tests.rtl import timing
from tests.rtl.harness import MATRIX, Case, Run, pack, simulate


@dataclass(frozen=True)
class Axis:
    """One direction: pixels, taps, stride, dilation, padding before the first and after the last pixel."""

    size: int
    taps: int = 3
    stride: int = 1
    step: int = 1
    before: int = 0
    after: int = 0

    @property
    def windows(self):
        return (self.size + self.before + self.after - (self.taps - 1) * self.step - 1) // self.stride + 1

    def positions(self, window):
        return [window * self.stride - self.before + k * self.step for k in range(self.taps)]

    def inside(self, window):
        return [p for p in self.positions(window) if 0 <= p < self.size]

    @property
    def legal(self):
        return self.windows > 0 and any(self.inside(o) for o in range(self.windows))


def geometry(x, y):
    """The parameters of a module that slides windows over both axes."""
    return {
        "WIDTH": x.size, "HEIGHT": y.size, "KW": x.taps, "KH": y.taps, "SW": x.stride, "SH": y.stride,
        "DW": x.step, "DH": y.step, "PL": x.before, "PT": y.before, "OW": x.windows, "OH": y.windows,
    }  # fmt: skip


@dataclass(frozen=True)
class Window:
    x: Axis
    y: Axis
    words: int = 1
    lanes: int = 1
    passes: int = 1
    grouped: bool = False
    style: int = 0
    elem: int = 5
    pad: int = 0
    extra: int | None = 0  # words of the ring beyond the fewest; None: the fewest that never make the reader wait

    @property
    def frame(self):
        return self.x.size * self.y.size * self.words

    @property
    def length(self):
        """Words of a window, all its passes together."""
        return self.x.taps * self.y.taps * self.words * self.passes

    @property
    def count(self):
        return self.x.windows * self.y.windows

    @cached_property
    def read(self):
        """The first and the last pixel of each window, None where it reads none."""
        found = []
        for oy in range(self.y.windows):
            for ox in range(self.x.windows):
                ys, xs = self.y.inside(oy), self.x.inside(ox)
                pixels = [y * self.x.size + x for y in (ys[:1] + ys[-1:]) for x in (xs[:1] + xs[-1:])]
                found.append((min(pixels), max(pixels)) if pixels else None)
        return found

    @cached_property
    def need(self):
        needs, most = [], 1
        for pixels in self.read:
            most = max(most, (pixels[1] + 1) * self.words) if pixels else most
            needs.append(most)
        return needs

    @cached_property
    def oldest(self):
        first = min(p[0] for p in self.read if p) * self.words
        oldest, least = [], self.frame + first
        for pixels in reversed(self.read):
            least = min(least, pixels[0] * self.words) if pixels else least
            oldest.append(least)
        return oldest[::-1]

    @property
    def least_depth(self):
        return max(1, max(n - o for n, o in zip(self.need, self.oldest)))

    @property
    def smooth_depth(self):
        """Words of the ring with which neither side waits for the other once the frames follow each other evenly."""
        period = max(self.frame, self.count * self.length)
        arrival = [Fraction(n * period, self.frame) for n in self.need]
        # The earliest start of each window in an endless sequence of frames: two rounds settle it.
        starts, start = [], Fraction(-period)
        for turn in range(2):
            starts = []
            for at in arrival:
                start = max(start + self.length, at + turn * period)
                starts.append(start)
        held = [(s - period + self.length) * self.frame / period - o for s, o in zip(starts, self.oldest)]
        return max(self.least_depth, ceil(max(held)))

    @property
    def depth(self):
        return self.smooth_depth if self.extra is None else self.least_depth + self.extra

    def case(self, seed, frames=3):
        rng = random.Random(seed)
        bits = self.lanes * self.elem
        data = [[rng.getrandbits(bits) for _ in range(self.frame)] for _ in range(frames)]
        padding = pack([self.pad] * self.lanes, self.elem)
        expected = []
        for frame in data:
            image = np.array(frame, object).reshape(self.y.size, self.x.size, self.words)
            for oy in range(self.y.windows):
                for ox in range(self.x.windows):
                    taps = np.full((self.y.taps, self.x.taps, self.words), padding, object)
                    for i, py in enumerate(self.y.positions(oy)):
                        for j, px in enumerate(self.x.positions(ox)):
                            if 0 <= py < self.y.size and 0 <= px < self.x.size:
                                taps[i, j] = image[py, px]
                    taps = taps.transpose(2, 0, 1) if self.grouped else taps
                    expected += taps.ravel().tolist() * self.passes
        params = {
            "ELEM": self.elem,
            "LANES": self.lanes,
            "WORDS": self.words,
            **geometry(self.x, self.y),
            "PAD": self.pad,
            "PASSES": self.passes,
            "GROUPED": int(self.grouped),
            "DEPTH": self.depth,
            "STYLE": self.style,
        }
        return Case("bw_window", params, bits, bits, [w for frame in data for w in frame], expected)


class Rules(timing.Stream):
    """The rules in the module's header."""

    def __init__(self, window, depth):
        self.w, self.depth = window, depth
        self.written = self.issued = 0
        self.credits, self.line = timing.Credits(5), timing.Line(3)

    def at(self, table):
        frame, n = divmod(self.issued // self.w.length, self.w.count)
        return frame * self.w.frame + table[n]

    def ready(self):
        return self.written < self.at(self.w.oldest) + self.depth

    def valid(self):
        return bool(self.line)

    def tick(self, put, get):
        issue = bool(self.credits) and self.written >= self.at(self.w.need)
        self.credits.tick(issue, get)
        self.line.tick(issue, get)
        self.issued += issue
        self.written += put


def check(windows, folder, runs=MATRIX, frames=3):
    cases = [w.case(i, frames) for i, w in enumerate(windows)]
    seen = simulate(cases, folder, runs)
    timing.check([lambda w=w: Rules(w, w.depth) for w in windows], cases, runs, seen)
    return seen


KNOWN = [
    Window(Axis(5, 3, 1, 1, 1, 1), Axis(4, 3, 1, 1, 1, 1)),
    Window(Axis(5, 3, 1, 1, 1, 1), Axis(4, 3, 1, 1, 1, 1), words=2, passes=3, pad=7),
    Window(Axis(6, 3), Axis(5, 3), words=3, grouped=True),
    Window(Axis(6, 2, 2), Axis(4, 2, 2), words=2, grouped=True, style=1, passes=2),
    Window(Axis(7, 1, 2), Axis(5, 1, 2)),  # a stride that skips words
    Window(Axis(7, 1, 3), Axis(7, 1, 3), words=2),
    Window(Axis(1, 1), Axis(1, 1)),
    Window(Axis(3, 1), Axis(2, 1), words=2, passes=2),
    Window(Axis(9, 3, 2, 1, 1, 1), Axis(1, 1), lanes=2),  # one dimension
    Window(Axis(9, 4, 1, 2, 3, 3), Axis(1, 1), words=2, style=1),
    Window(Axis(1, 1), Axis(9, 3, 1, 1, 1, 1), lanes=3),
    Window(Axis(4, 2, 1, 1, 3, 3), Axis(3, 2, 1, 1, 3, 3)),  # windows wholly in the padding
    Window(Axis(4, 2, 1, 3, 2, 2), Axis(4, 2, 1, 3, 2, 2), words=2),
    Window(Axis(7, 2, 1, 1, -2, -2), Axis(7, 2, 1, 1, -1, -3)),  # crops
    Window(Axis(7, 3, 2, 1, -1, 1), Axis(6, 3, 2, 1, 1, -2), words=2, passes=2),
    Window(Axis(8, 3, 1, 2, 2, 2), Axis(8, 3, 1, 2, 2, 2)),
    Window(Axis(3, 3, 1, 1, 0, 0), Axis(3, 3, 1, 1, 0, 0), words=2, passes=2),  # one window a frame
    Window(Axis(6, 3, 1, 1, 1, 1), Axis(5, 3, 1, 1, 1, 1), words=2, extra=5),
    Window(Axis(6, 3, 1, 1, 1, 1), Axis(5, 3, 1, 1, 1, 1), style=1, extra=40),
    Window(Axis(6, 3, 2, 1, 1, 1), Axis(6, 3, 2, 1, 1, 1), words=2, passes=2, extra=None, elem=1, lanes=7),
]


def random_axes(rng, legal):
    """Two axes for which `legal` holds, the second often one without a window."""

    def axis():
        while True:
            taps = rng.choice([1, 2, 3, 3, 4, 5])
            pads = [rng.choice([-2, -1, 0, 0, 1, 1, 2]) for _ in range(2)]
            made = Axis(rng.randint(1, 7), taps, rng.randint(1, 3), rng.randint(1, 3), *pads)
            if legal(made):
                return made

    return axis(), rng.choice([axis(), axis(), axis(), Axis(1, 1)])


def random_window(rng):
    x, y = random_axes(rng, lambda axis: axis.legal)
    lanes, elem = rng.randint(1, 3), rng.randint(1, 6)
    extra = rng.choice([0, 0, 0, 1, 2, rng.randint(3, 40), None])
    return Window(
        x, y, rng.randint(1, 3), lanes, rng.randint(1, 3), rng.random() < 0.4, rng.randint(0, 1), elem,
        rng.choice([0, 0, rng.getrandbits(elem), -1]), extra,
    )  # fmt: skip


def test_known_shapes(tmp_path):
    check(KNOWN, tmp_path)


def test_random_shapes(tmp_path):
    rng = random.Random(7)
    check([random_window(rng) for _ in range(16)], tmp_path, [MATRIX[i] for i in (0, 1, 2, 4, 3, 6, 7)], frames=2)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(12))
def test_many_random_shapes(seed, tmp_path):
    rng = random.Random(100 + seed)
    check([random_window(rng) for _ in range(20)], tmp_path, [MATRIX[i] for i in (0, 3, 6, 7, 4, 2)])


def test_no_bubble(tmp_path):
    """With as few words as `smooth_depth` says, one word leaves in every cycle, from the first to the last frame."""
    rng = random.Random(3)
    windows = [random_window(rng) for _ in range(60)]
    windows = [Window(w.x, w.y, w.words, 1, w.passes, w.grouped, w.style, extra=None) for w in (*KNOWN, *windows)]
    windows = [w for w in windows if w.frame <= w.count * w.length][:20]
    for w, s in zip(windows, check(windows, tmp_path, [Run()], frames=4)[0]):
        second = s.out_cycles[w.count * w.length :]
        assert all(b - a == 1 for a, b in pairwise(second)), w
