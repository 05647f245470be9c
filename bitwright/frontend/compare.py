"""The exact meaning against a float runtime, quantiser by quantiser, each fed with the runtime's own integers.

A difference is explained if every rounding boundary between the two codes lies within a rigorous bound on the float
error (see `trace`) of the exact value before rounding. Anything else is a bug, here or in the model's reading.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..ir.graph import Node
from . import curve as curves
from . import oracle
from .context import INPUT, Anchor
from .exact import floats
from .quantize import constant_reach
from .reader import Imported
from .values import Stream

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Difference:
    """One element that differs: `exact` and `runtime` are codes, or, for a tensor never rounded, real numbers."""

    tensor: str
    frame: int
    element: int
    exact: float
    runtime: float
    explained: bool


@dataclass(frozen=True, slots=True)
class Differences:
    """Counts over all compared tensors. `max` is the greatest difference of codes; `first` is unexplained if one is."""

    elements: int = 0
    explained: int = 0
    unexplained: int = 0
    max: int = 0
    first: Difference | None = None

    def __add__(self, other: Differences) -> Differences:
        firsts = [d for d in (self.first, other.first) if d is not None]
        firsts.sort(key=lambda d: d.explained)  # stable: an unexplained one comes first
        return Differences(
            self.elements + other.elements,
            self.explained + other.explained,
            self.unexplained + other.unexplained,
            max(self.max, other.max),
            firsts[0] if firsts else None,
        )


def compare(imported: Imported, samples: np.ndarray) -> Differences:
    """Run `samples` (n, *frame of the ONNX input) in a runtime and judge every anchor. Raises E040, E390."""
    x, codes = prepare(imported, np.asarray(samples))
    if not len(x) or not imported.anchors:
        return Differences()
    tensors = oracle.run(imported.model, x, _wanted(imported))
    observed: dict[str | None, np.ndarray] = {None: imported.input.placed(x)}
    wire = imported.input.placed(codes)
    if imported.input.name is not None:
        observed[INPUT] = wire
    total, apart = _constants(imported, tensors)
    makers = {n.name: n for n in imported.graph.nodes}
    for anchor in imported.anchors:
        segment = _Segment(imported, makers, observed, wire)
        total = total + _judge(segment, anchor, tensors[anchor.tensor], apart)
    return total


def _wanted(imported: Imported) -> oracle.Wanted:
    """The tensors that are compared."""
    constants = [c.tensor for c in imported.constants]
    by = [(a.tensor, a.quantizer) for a in (*imported.anchors, *imported.constants)]
    packed = {tensor for tensor, quantizer in by if quantizer is not None and quantizer.elem.carried}
    return oracle.Wanted([a.tensor for a in imported.anchors], constants, packed)


def prepare(imported: Imported, samples: np.ndarray) -> tuple[np.ndarray, Codes]:
    """The samples as the model is to see them, (n, *frame), and their codes as the host makes them.

    An input of a given type holds only its codes' values: the samples are moved to those first.
    """
    source, given = imported.boundary["input"], imported.input
    x = samples.reshape(-1, *source["shape"]).astype(source["dtype"])
    codes = encode(source["encode"], x)
    if given.name is not None and given.elem.is_float:
        x = _real(given, codes).astype(x.dtype)
    return x, codes


def encode(rule: Mapping[str, Any], x: np.ndarray) -> Codes:
    """The host's encoding as the boundary states it; shape as x."""
    if rule["kind"] == "integer":
        return x.astype(np.int64) + rule["offset"]
    if rule["kind"] == "grid":
        scaled = np.rint(np.ldexp(x.astype(np.float64), rule["exp"]))
        return np.clip(scaled, rule["lo"], rule["hi"]).astype(np.int64)
    flat, rows = x.reshape(len(x), -1), len(rule["base"] if rule["kind"] == "steps" else rule["exp"])
    row_of = np.arange(flat.shape[1]) // rule.get("repeat", 1) % rows
    codes = np.empty(flat.shape, np.int64)
    if rule["kind"] == "fixed":
        for p in range(rows):
            where = np.flatnonzero(row_of == p)
            codes[:, where] = _fixed(rule, p, np.ldexp(flat[:, where].astype(np.float64), rule["exp"][p]))
        return codes.reshape(x.shape)
    for p in range(rows):
        edges, where = np.array([float.fromhex(e) for e in rule["edges"][p]]), np.flatnonzero(row_of == p)
        reached = np.searchsorted(edges, flat[:, where].astype(np.float64), side="right")
        codes[:, where] = rule["base"][p] + rule["sign"][p] * reached
    return codes.reshape(x.shape)


def _fixed(rule: Mapping[str, Any], p: int, t: Floats) -> Codes:
    """The codes of numbers in units of row p of a fixed encoding."""
    whole = {"floor": np.floor, "half_up": lambda v: np.floor(v) + (v - np.floor(v) >= 0.5), "half_even": np.rint}
    codes, low, high = whole[rule["rounding"]](t), rule["lo"][p], rule["hi"][p]
    if not rule["wrap"]:
        return np.clip(codes, low, high).astype(np.int64)
    size = high - low + 1
    return (np.mod(codes, size).astype(np.int64) - low) % size + low


def _constants(imported: Imported, tensors: Mapping[str, np.ndarray]) -> tuple[Differences, dict[str, Floats]]:
    """The constants that a runtime may round differently: the differences, and how far its codes are, by tensor."""
    total, apart = Differences(), dict[str, Floats]()
    for anchor in imported.constants:
        by, exact = anchor.quantizer, anchor.codes[None]
        found = np.rint((tensors[anchor.tensor] - floats(by.out_offset)) / floats(by.out_scale)).astype(np.int64)[None]
        zero = floats(by.zero)
        t = np.asarray(anchor.values.astype(np.float64) / floats(by.scale) + zero)[None]
        reach = np.broadcast_to(constant_reach(t, zero, 2.0**-24), t.shape)
        differs = exact != found
        explained = _within(by.steps, exact, found, t, reach)
        counts = _tally(anchor.tensor, differs, explained, exact, found, int(np.abs(exact - found).max(initial=0)))
        total = total + replace(counts, elements=0)
        apart[anchor.tensor] = np.abs(exact - found)[0].astype(np.float64)
    return total, apart


def _judge(segment: _Segment, anchor: Anchor, tensor: np.ndarray, apart: Mapping[str, Floats]) -> Differences:
    """One anchor. The runtime's codes of it are added to what is observed."""
    operand, by, result = anchor.operand, anchor.quantizer, anchor.result
    observed = segment.observed
    sources = operand.trace.sources()
    known = {name: observed[name] for name in sources if name is not None}
    if operand.name is None:
        acc = observed[None]
    else:
        known[operand.name] = acc = segment.evaluate(operand.name, known)
    real = _real(operand, operand.picked(acc))
    bound = operand.trace.bound(observed, operand.elem.roundoff, apart).reshape(real.shape)
    runtime = tensor.reshape(real.shape).astype(np.float64)
    if by is None or result is None or result.name is None:
        return _judge_floats(anchor, np.clip(real, *_limits(operand)), runtime, bound)
    if operand.name is None:
        exact_codes = result.picked(segment.wire)
    else:
        exact_codes = result.picked(segment.evaluate(result.name, known))
    scale, offset = floats(by.out_scale)[0], floats(by.out_offset)[0]
    exact = np.rint((exact_codes * floats(result.scale)[0] + floats(result.offset)[0] - offset) / scale).astype(
        np.int64
    )
    steps = (runtime - offset) / scale
    found = np.rint(steps).astype(np.int64)
    # Else the runtime's number is no code at all.
    near = np.abs(steps - found) <= 8 * operand.elem.roundoff * (1 + np.abs(found) + np.abs(offset / scale))
    inverse = floats(np.asarray(1 / by.scale, object))[0]
    slope = np.abs(inverse)
    zero = floats(by.zero)[0]
    t = curves.real(operand.curve, np.clip(real, *_limits(operand))) * inverse + zero
    reach = bound * slope * (1 + 4 * operand.elem.roundoff) + (np.abs(t) + np.abs(zero)) * 4 * operand.elem.roundoff
    explained = near & _within(by.steps, exact, found, t, reach)
    differs = exact != found
    back = np.rint((runtime - floats(result.offset)[0]) / floats(result.scale)[0]).astype(np.int64)
    observed[result.name] = result.placed(np.where(near, back, exact_codes))
    return _tally(anchor.tensor, differs | ~near, explained, exact, found, int(np.abs(exact - found).max(initial=0)))


def _judge_floats(anchor: Anchor, exact: Floats, runtime: Floats, bound: Floats) -> Differences:
    """A tensor that is never rounded: within the bound is no difference, beyond it is unexplained."""
    wrong = ~(np.abs(exact - runtime) <= bound + np.abs(exact) * 2.0**-50)
    return _tally(anchor.tensor, wrong, np.zeros_like(wrong), exact, runtime, 0)


def _tally(tensor: str, differs: NDArray[np.bool_], explained: NDArray[np.bool_], exact: np.ndarray,
           found: np.ndarray, greatest: int) -> Differences:  # fmt: skip
    good = int((differs & explained).sum())
    first = None
    if differs.any():
        bad = differs & ~explained
        where = np.unravel_index(int((bad if bad.any() else differs).argmax()), differs.shape)
        flat = int(np.ravel_multi_index(where[1:], differs.shape[1:])) if differs.ndim > 1 else 0
        values = float(exact[where]), float(found[where])
        first = Difference(tensor, int(where[0]), flat, *values, bool(explained[where]))
    return Differences(differs.size, good, int(differs.sum()) - good, greatest, first)


def _within(steps: np.ndarray, exact: Codes, found: Codes, t: Floats, reach: Floats) -> NDArray[np.bool_]:
    """Whether all the boundaries between two codes are at most `reach` from t."""
    ok = np.ones(exact.shape, np.bool_)
    where = np.nonzero(exact != found)
    table = np.broadcast_to(steps, (1, *exact.shape[1:]))
    for index in zip(*where):
        rule = table[(0, *index[1:])]
        edges = rule.between(int(exact[index]), int(found[index]), float(t[index]))
        ok[index] = bool((np.abs(edges - t[index]) <= reach[index]).all())
    return ok


def _real(x: Stream, codes: np.ndarray) -> Floats:
    """scale · q + offset in float64; its own error is far below the bound on float32's."""
    return codes.astype(np.float64) * floats(x.scale)[0] + floats(x.offset)[0]


def _limits(x: Stream) -> tuple[Floats, Floats]:
    return floats(x.low)[0], floats(x.high)[0]


@dataclass(frozen=True, eq=False)
class _Segment:
    """The IR with the runtime's own codes, (frames, …), of the values that it has been asked for."""

    imported: Imported
    makers: Mapping[str, Node]
    observed: dict[str | None, np.ndarray]
    wire: Codes
    """The host's codes of the graph input, as they lie on the wire."""

    def evaluate(self, target: str, known: Mapping[str, np.ndarray]) -> Codes:
        """The codes of a value, given those that it is made from."""
        types = self.imported.graph.types
        values: dict[str, Codes] = {}
        stack = [target]
        while stack:
            name = stack[-1]
            if name in values:
                stack.pop()
                continue
            if name in known:
                codes = np.asarray(known[name], np.int64)
                values[name] = codes.reshape(len(codes), *types[name].shape)
                continue
            node = self.makers[name]
            missing = [i for i in node.inputs if i not in values]
            if missing:
                stack += missing
            else:
                values[name] = node.op.evaluate(*(values[i] for i in node.inputs))
        return values[target]
