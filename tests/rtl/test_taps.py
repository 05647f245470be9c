"""bw_taps against NumPy's idea of a window, and against its own rules for every cycle."""

import random
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod

import numpy as np
import pytest

from tests.rtl import timing
from tests.rtl.harness import MATRIX, Case, Run, pack, simulate
from tests.rtl.test_window import Axis, geometry, random_axes


@dataclass(frozen=True)
class Taps:
    x: Axis
    y: Axis
    lanes: int = 1
    style: int = 0
    elem: int = 5
    pad: int = 0
    words: int = 1
    parts: int = 1
    pixels: int = 1  # in a word
    picks: tuple[int, ...] = ()  # of the taps' pixels those that leave; all of them if empty
    prompt: bool = False  # behind it a gear that takes all parts after the first as they come

    @staticmethod
    def legal_axis(axis):
        """The first window's last tap is not before the frame."""
        return axis.windows > 0 and axis.before <= (axis.taps - 1) * axis.step

    @property
    def count(self):
        return self.x.windows * self.y.windows

    @cached_property
    def steps(self):
        """Of each step of a frame whether it takes a word, and whether a word of a window leaves with it."""
        pitch = self.x.size
        if self.y.windows > 1:
            pitch = max(pitch, (self.x.windows - 1) * self.x.stride // self.y.stride + 1)
        last_x, last_y = ((a.taps - 1) * a.step - a.before for a in (self.x, self.y))
        gives = {
            (last_y + oy * self.y.stride) * pitch + last_x + ox * self.x.stride
            for oy in range(self.y.windows)
            for ox in range(self.x.windows)
        }
        takes = {row * pitch + column for row in range(self.y.size) for column in range(self.x.size)}
        assert len(gives) == self.count and min(gives) >= 0
        return [(k in takes, k in gives) for k in range(max(gives | takes) + 1) for _ in range(self.words)]

    def case(self, seed, frames=3):
        rng = random.Random(seed)
        bits = self.lanes * self.elem
        shape = self.y.size, self.x.size, self.words
        data = [[rng.getrandbits(bits) for _ in range(prod(shape))] for _ in range(frames)]
        padding = pack([self.pad] * self.lanes, self.elem)
        beats = 1 if self.prompt else self.parts
        part = bits // self.pixels
        given = self.picks or tuple(range(self.x.taps * self.y.taps * self.pixels))
        each = len(given) // beats
        expected = []
        for frame in data:
            image = np.array(frame, object).reshape(shape)
            for oy in range(self.y.windows):
                for ox in range(self.x.windows):
                    for word in range(self.words):
                        taps = [
                            image[py, px, word] if 0 <= py < self.y.size and 0 <= px < self.x.size else padding
                            for py in self.y.positions(oy)
                            for px in self.x.positions(ox)
                        ]
                        all_ = [tap >> p * part for tap in taps for p in range(self.pixels)]
                        left = [all_[k] & ((1 << part) - 1) for k in given]
                        expected += [pack(left[k : k + each], part) for k in range(0, len(left), each)]
        params = {
            "ELEM": self.elem,
            "LANES": self.lanes,
            "WORDS": self.words,
            "PARTS": self.parts,
            "PROMPT": int(self.prompt),
            **geometry(self.x, self.y),
            "PAD": self.pad,
            "STYLE": self.style,
        }
        if self.picks:
            params |= {"PIXELS": self.pixels, "PICKED": len(self.picks), "PICKS": pack(self.picks, 16)}
        words = [w for frame in data for w in frame]
        kind = "gathered" if self.prompt else "stream"
        return Case("bw_taps", params, bits, part * each, words, expected, kind, beats=self.parts)


class Rules:
    """The rules in the module's header, and of the gear behind it."""

    def __init__(self, taps):
        self.steps, self.parts, self.at, self.left = taps.steps, taps.parts, 0, 0
        self.prompt, self.gathered = taps.prompt, 0

    def step(self, offers, wants):
        if not self.prompt:
            return self.inner(offers, wants)
        full = self.gathered == self.parts
        gone = full and wants[0]
        (put,), (get,) = self.inner(offers, [not full or gone])
        self.gathered += get - self.parts * gone
        return [put], [gone]

    def inner(self, offers, wants):
        takes, gives = self.steps[self.at]
        get = wants[0] and self.left > 0
        step = (offers[0] or not takes) and (not gives or self.left - get == 0)
        self.left -= get
        if step:
            self.at = (self.at + 1) % len(self.steps)
            self.left += gives * self.parts
        return [step and takes], [get]


def check(made, folder, runs=MATRIX, frames=3):
    cases = [t.case(i, frames) for i, t in enumerate(made)]
    seen = simulate(cases, folder, runs)
    timing.check([lambda t=t: Rules(t) for t in made], cases, runs, seen)
    return seen


KNOWN = [
    Taps(Axis(5, 3, 1, 1, 1, 1), Axis(4, 3, 1, 1, 1, 1)),
    Taps(Axis(5, 3, 1, 1, 1, 1), Axis(4, 3, 1, 1, 1, 1), lanes=3, pad=7, style=1),
    Taps(Axis(6, 3), Axis(5, 3), lanes=2),
    Taps(Axis(6, 2, 2), Axis(4, 2, 2), style=1),
    Taps(Axis(7, 1, 2), Axis(5, 1, 2)),
    Taps(Axis(1, 1), Axis(1, 1)),
    Taps(Axis(9, 3, 2, 1, 1, 1), Axis(1, 1), lanes=2),  # one dimension
    Taps(Axis(9, 4, 1, 2, 3, 3), Axis(1, 1)),
    Taps(Axis(1, 1), Axis(9, 3, 1, 1, 1, 1), lanes=3),
    Taps(Axis(4, 2, 1, 3, 3, 2), Axis(4, 2, 1, 3, 2, 2)),
    Taps(Axis(4, 3, 1, 1, 2, 2), Axis(3, 3, 1, 1, 2, 2), pad=-1),  # more windows than pixels
    Taps(Axis(7, 2, 1, 1, -2, -2), Axis(7, 2, 1, 1, -1, -3)),  # crops
    Taps(Axis(7, 3, 2, 1, -1, 1), Axis(6, 3, 2, 1, 1, -2), style=1),
    Taps(Axis(8, 3, 1, 2, 2, 2), Axis(8, 3, 1, 2, 2, 2), lanes=2, style=1),
    Taps(Axis(3, 3), Axis(3, 3)),  # one window a frame
    Taps(Axis(6, 5, 1, 1, 2, 2), Axis(5, 5, 1, 1, 2, 2), elem=1),
    Taps(Axis(6, 3, 3, 1, 1, 1), Axis(6, 3, 1, 1, 1, 1)),
    Taps(Axis(9, 3, 1, 1, 1, 1), Axis(7, 3, 3, 1, 1, 1)),
    Taps(Axis(5, 3, 1, 1, 1, 1), Axis(4, 3, 1, 1, 1, 1), words=2, pad=3, parts=3),
    Taps(Axis(6, 3, 2, 1, 1, 1), Axis(5, 3, 2, 1, 1, 1), lanes=2, words=3, style=1, parts=9),
    Taps(Axis(6, 2, 2), Axis(4, 2, 2), words=4, parts=2),
    Taps(Axis(5, 2, 1, 3, 2, 2), Axis(5, 2, 1, 2, 1, 1), words=2, style=1, parts=4),
    Taps(Axis(4, 3, 1, 1, 2, 2), Axis(3, 3, 1, 1, 2, 2), words=2, pad=-1),
    Taps(Axis(4, 4, 4), Axis(1, 1), words=2, parts=4),
    Taps(Axis(5, 3, 1, 1, 1, 1), Axis(4, 3, 1, 1, 1, 1), words=2, pad=3, parts=3, prompt=True),
    Taps(Axis(6, 3, 2, 1, 1, 1), Axis(5, 3, 2, 1, 1, 1), lanes=2, words=3, style=1, parts=9, prompt=True),
    Taps(Axis(4, 2, 1), Axis(3, 1), parts=2, prompt=True),
    Taps(Axis(4, 1), Axis(4, 2, 2), lanes=2, pixels=2, picks=(0, 2, 1, 3)),  # poolings, tap by tap
    Taps(Axis(3, 2, 1, 1, 1, 0), Axis(4, 3, 1, 1, 1, 1), lanes=4, pad=5, pixels=2, picks=(1, 2, 5, 6, 9, 10), parts=3),
    Taps(Axis(3, 1), Axis(3, 1), lanes=6, pixels=3, picks=(2,), style=1),
    Taps(Axis(4, 2, 1, 1, 0, 1), Axis(2, 2, 1), lanes=2, pixels=2, picks=(3, 3, 0, 7), parts=2, prompt=True),
]


def random_taps(rng):
    x, y = random_axes(rng, Taps.legal_axis)
    elem = rng.randint(1, 6)
    pad, parts = rng.choice([0, 0, rng.getrandbits(elem), -1]), rng.choice([1, x.taps, y.taps, x.taps * y.taps])
    if rng.random() < 0.4:
        pixels, parts = rng.randint(1, 4), rng.randint(1, 4)
        picks = tuple(rng.randrange(x.taps * y.taps * pixels) for _ in range(parts * rng.randint(1, 5)))
        lanes = pixels * rng.randint(1, 2)
        made = Taps(x, y, lanes, rng.randint(0, 1), elem, pad, 1, parts, pixels, picks)
        return replace(made, prompt=parts > 1 and rng.random() < 0.5)
    made = Taps(x, y, rng.randint(1, 3), rng.randint(0, 1), elem, pad, rng.choice([1, 1, 2, 3]), parts)
    return replace(made, prompt=parts > 1 and rng.random() < 0.5)


def test_known_shapes(tmp_path):
    check(KNOWN, tmp_path)


def test_random_shapes(tmp_path):
    rng = random.Random(7)
    check([random_taps(rng) for _ in range(16)], tmp_path, [MATRIX[i] for i in (0, 1, 2, 4, 3, 6, 7)], frames=2)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(8))
def test_many_random_shapes(seed, tmp_path):
    rng = random.Random(100 + seed)
    check([random_taps(rng) for _ in range(20)], tmp_path, [MATRIX[i] for i in (0, 3, 6, 7, 4, 2)])


def test_a_window_a_pixel(tmp_path):
    """A 'same' convolution: a window leaves in every cycle within a frame, and frames are as long as their steps."""
    t = Taps(Axis(8, 3, 1, 1, 1, 1), Axis(6, 3, 1, 1, 1, 1))
    (row,) = check([t], tmp_path, [Run()])
    cycles = row[0].out_cycles
    frames = [cycles[i : i + t.count] for i in range(0, len(cycles), t.count)]
    assert all(f[-1] - f[0] == t.count - 1 for f in frames)
    assert frames[2][0] - frames[1][0] == t.x.size * t.y.size + t.x.size + 1
