"""The cycles that a module's rules promise, for the very stalls that `driver` makes."""

import random
from collections import deque
from itertools import count

from bitwright.sim.bench import pattern


class Credits:
    """bw_credit and the register in bw_fifo: a credit is there again two cycles after its beat has left."""

    def __init__(self, held):
        self.held, self.pops = held, deque([False])

    def __bool__(self):
        return self.held > 0

    def tick(self, take, pop):
        self.held += self.pops.popleft() - take
        self.pops.append(pop)


class Line:
    """What is under way to an output: each beat can leave `latency` cycles after it went in, in order."""

    def __init__(self, latency):
        self.latency, self.due, self.now = latency, deque(), 0

    def __bool__(self):
        return bool(self.due) and self.due[0] <= self.now

    def tick(self, enter, leave):
        if leave:
            self.due.popleft()
        if enter:
            self.due.append(self.now + self.latency)
        self.now += 1


class Stream:
    """A model with one input and one output, neither of which depends on the other in the same cycle."""

    def step(self, offers, wants):
        put, get = offers[0] and self.ready(), wants[0] and self.valid()
        self.tick(put, get)
        return [put], [get]


class Domain(Stream):
    """A credit domain: `beats` words make a result, the first of them only against a credit. `latency` is that of the
    modules before the FIFO."""

    def __init__(self, beats, latency, credits):
        self.beats, self.at = beats, 0
        self.credits, self.line = Credits(credits), Line(latency + 1)

    def pays(self):
        """The next word takes a credit."""
        return self.at == 0

    def ready(self):
        return bool(self.credits) or not self.pays()

    def valid(self):
        return bool(self.line)

    def tick(self, put, get):
        self.credits.tick(put and self.pays(), get)
        self.line.tick(put and self.at == self.beats - 1, get)
        self.at = (self.at + put) % self.beats


def predict(model, cases, indices, run):
    """The cycles of the cases, numbers `indices` of their wrapper, which are the ports of one model: of each those in
    which words go in, and those in which they come out.

    A model moves on a cycle with `step(which inputs offer a word, which outputs want one)`, and says which of them moved.
    """
    go_in = [pattern(random.Random(run.seed * 1000 + 2 * i), run.idle) for i in indices]
    go_out = [pattern(random.Random(run.seed * 1000 + 2 * i + 1), run.stall) for i in indices]
    ins, outs = [[] for _ in cases], [[] for _ in cases]
    driven = [False] * len(cases)
    for cycle in count(1):
        for k, case in enumerate(cases):
            driven[k] = driven[k] or (len(ins[k]) < len(case.inputs) and next(go_in[k]))
        puts, gets = model.step(driven, [next(g) for g in go_out])
        for k in range(len(cases)):
            if puts[k]:
                driven[k] = False
                ins[k].append(cycle)
            if gets[k]:
                outs[k].append(cycle)
        done = all(len(o) == len(c.expected) for o, c in zip(outs, cases))
        if cycle == run.stop_at or (run.stop_at is None and done):
            return ins, outs


def check(models, cases, runs, seen):
    """Every cycle is as the rules say. `models` makes a new model of each case, or of as many cases as it has `ports`."""
    for run, row in zip(runs, seen):
        at = 0
        for make in models:
            model = make()
            span = range(at, at + getattr(model, "ports", 1))
            at = span.stop
            ins, outs = predict(model, [cases[i] for i in span], span, run)
            for i, puts, gets in zip(span, ins, outs):
                assert row[i].out_cycles == gets, (cases[i].module, cases[i].params, run)
                # Words may go in after the last one has come out.
                assert row[i].in_cycles[: len(puts)] == puts, (cases[i].module, cases[i].params, run)
        assert at == len(cases)
