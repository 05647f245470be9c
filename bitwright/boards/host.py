"""The host's side of an accelerator: between the arrays of the ONNX model and the bytes on the wire.

A copy of this file goes to the board beside the driver, so it stands alone: Python 3.8, NumPy, nothing of Bitwright.
All that is particular to a design is in its `boundary.json`; `docs/boards.md` describes that file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from math import erf, gcd
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, Sequence

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]
    Codes = NDArray[np.int64]

Spec = Dict[str, Any]

SLOTS = (1, 2, 4, 8, 16, 32, 64)
EXACT_FLOAT = 1 << 53  # up to here every integer is a float64
INT64_MAX = (1 << 63) - 1
MAX_SHIFT = 1000  # an integer times 2**-1000 is still a normal float64


@dataclass(frozen=True)
class Stream:
    """How the codes of one frame lie on an AXI4-Stream.

    A frame is `vectors` vectors of `vector` elements, row-major over the axes of `dims` in the order `permute`; `dims`
    is `shape`, or a finer split of it. A vector takes ceil(vector / lanes) beats of `lanes` slots of `slot` bits; element
    i is in lane i mod lanes, lane l at bits [l * slot +: slot], little-endian. A code is extended to its slot by its
    sign; lanes without an element are 0.
    """

    shape: tuple[int, ...]
    permute: tuple[int, ...]
    lo: int
    hi: int
    signed: bool
    slot: int
    lanes: int
    vector: int
    vectors: int
    dims: tuple[int, ...] = ()

    @property
    def beats(self) -> int:
        """Beats a frame."""
        return self.vectors * self.vector_beats

    @property
    def elements(self) -> int:
        return self.vectors * self.vector

    @property
    def vector_beats(self) -> int:
        return -(-self.vector // self.lanes)

    @property
    def tdata(self) -> int:
        """Bits a beat."""
        return self.lanes * self.slot

    @property
    def frame_bytes(self) -> int:
        return self.beats * self.tdata // 8

    def check(self, codes: Array) -> Codes:
        """`codes` as int64 of shape (n, *shape); ValueError where the shape or a value is not what the wire carries."""
        codes = np.asarray(codes)
        if codes.dtype.kind not in "iub":
            raise ValueError(f"codes must be integers, not {codes.dtype}")
        if codes.shape[1:] != self.shape or codes.ndim == 0:
            raise ValueError(f"codes must have the shape (n, {_commas(self.shape)}), not {codes.shape}")
        if codes.size and (int(codes.min()) < self.lo or int(codes.max()) > self.hi):
            raise ValueError(f"codes must be from {self.lo} to {self.hi}, not {codes.min()} to {codes.max()}")
        return codes.astype(np.int64)

    def pack(self, codes: Array) -> Array:
        """Codes (n, *shape) → bytes (n, frame_bytes), uint8."""
        codes = self.check(codes)
        count = len(codes)
        rows = self.to_wire(codes).reshape(count, self.vectors, self.vector)
        dtype = np.dtype(f"<u{max(self.slot, 8) // 8}")
        slots = np.zeros((count, self.vectors, self.vector_beats * self.lanes), dtype)
        slots[:, :, : self.vector] = rows.astype(dtype) if self.slot >= 8 else rows & ((1 << self.slot) - 1)
        if self.slot >= 8:
            return slots.view(np.uint8).reshape(count, self.frame_bytes)
        per_byte = 8 // self.slot
        parts = slots.reshape(count, self.frame_bytes, per_byte)
        packed = np.zeros((count, self.frame_bytes), np.uint8)
        for k in range(per_byte):
            packed |= parts[:, :, k] << np.uint8(k * self.slot)
        return packed

    def unpack(self, data: bytes | Array) -> Codes:
        """Bytes, a whole number of frames → codes (n, *shape). What lies in lanes without an element is ignored."""
        raw = np.frombuffer(data, np.uint8) if isinstance(data, (bytes, bytearray)) else np.asarray(data, np.uint8)
        if raw.size % self.frame_bytes:
            raise ValueError(f"{raw.size} bytes are no whole number of frames of {self.frame_bytes}")
        count = raw.size // self.frame_bytes
        raw = np.ascontiguousarray(raw).reshape(count, self.frame_bytes)
        if self.slot >= 8:
            slots = raw.view("<{}{}".format("i" if self.signed else "u", self.slot // 8))
        else:
            slots = np.empty((count, self.frame_bytes, 8 // self.slot), np.int8)
            for k in range(8 // self.slot):  # up to the top of the byte, then back with the sign or with zeros
                top = raw << np.uint8(8 - (k + 1) * self.slot)
                slots[:, :, k] = top.view(np.int8 if self.signed else np.uint8) >> (8 - self.slot)
        rows = slots.reshape(count, self.vectors, self.vector_beats * self.lanes)[:, :, : self.vector]
        return self.from_wire(rows.astype(np.int64))

    def to_wire(self, codes: Codes) -> Codes:
        """Codes (n, *shape) → (n, elements), in the order of the wire."""
        dims = self.dims or self.shape
        order = (0,) + tuple(axis + 1 for axis in self.permute)
        return codes.reshape((len(codes),) + dims).transpose(order).reshape(len(codes), self.elements)

    def from_wire(self, codes: Codes) -> Codes:
        """The inverse: codes (n, …) in the order of the wire → (n, *shape)."""
        dims, count = self.dims or self.shape, len(codes)
        wire = codes.reshape((count,) + tuple(dims[axis] for axis in self.permute))
        back = np.argsort(self.permute).tolist()
        frames = wire.transpose([0] + [axis + 1 for axis in back])
        return np.ascontiguousarray(frames).reshape((count,) + self.shape)


class Boundary:
    """What stands between an accelerator and its user: `encode` and `pack` on the way in, `unpack` and `decode` out."""

    def __init__(self, spec: Spec) -> None:
        """`spec` is the object in boundary.json; ValueError where it is not sound."""
        try:
            self._read(spec)
        except KeyError as error:
            raise ValueError(f"{error} is missing") from error
        except (ArithmeticError, AttributeError, IndexError, TypeError) as error:
            raise ValueError(str(error)) from error

    def _read(self, spec: Spec) -> None:
        source, sink = spec["input"], spec["output"]
        self.input_name, self.output_name = str(source["name"]), str(sink["name"])
        self.input_dtype, self.output_dtype = np.dtype(source["dtype"]), np.dtype(sink["dtype"])
        self.input, self.output = _stream(source), _stream(sink)
        self._encode = _encoder(source["encode"], self.input)
        self._decode = _decoder(sink["decode"], self.output)
        self._post = [_post(step) for step in sink.get("post") or []]
        self.control: Spec | None = spec.get("control")  # of its AXI4-Lite port, if it has one

    @classmethod
    def load(cls, path: str | Path) -> Boundary:
        """Read a boundary.json."""
        return cls(json.loads(Path(path).read_text(encoding="utf-8")))

    def encode(self, x: Array) -> Codes:
        """Samples of the ONNX input (n, *shape), cast to its type → codes. NaN and unknown integers: ValueError."""
        x = np.asarray(x)
        if x.shape[1:] != self.input.shape or x.ndim == 0:
            shape = _commas(self.input.shape)
            raise ValueError(f"the input must have the shape (n, {shape}), not {x.shape}")
        if x.dtype.kind not in "fiub":
            raise ValueError(f"the input must be numbers, not {x.dtype}")
        if x.dtype.kind == "f" and np.isnan(x).any():
            raise ValueError("the input has a NaN")
        if x.dtype != self.input_dtype and self.input_dtype.kind == "f":
            with np.errstate(over="ignore", under="ignore"):
                x = x.astype(self.input_dtype)
        return self._encode(x.reshape(len(x), self.input.elements)).reshape(x.shape)

    def decode(self, codes: Array) -> Array:
        """Codes of the wire (n, *shape) → samples of the ONNX output."""
        codes = np.asarray(codes).astype(np.int64)
        values = self._decode(codes.reshape(len(codes), self.output.elements)).reshape(codes.shape)
        for step in self._post:
            values = step(values)
        with np.errstate(over="ignore", under="ignore"):
            return values.astype(self.output_dtype)

    def pack(self, codes: Array) -> Array:
        """Input codes → bytes (n, bytes a frame)."""
        return self.input.pack(codes)

    def unpack(self, data: bytes | Array) -> Codes:
        """Bytes of whole frames → output codes."""
        return self.output.unpack(data)


def _stream(port: Spec) -> Stream:
    """The stream of a port, with everything checked that the arithmetic here relies on."""
    code, wire, shape = port["code"], port["stream"], tuple(int(d) for d in port["shape"])
    dims = tuple(int(d) for d in port.get("dims") or shape)
    axes = port.get("axes") or wire.get("permute")
    stream = Stream(
        shape=shape,
        permute=tuple(range(len(dims)) if axes is None else (int(a) for a in axes)),
        dims=dims,
        lo=int(code["lo"]),
        hi=int(code["hi"]),
        signed=bool(code["signed"]),
        slot=int(wire["slot"]),
        lanes=int(wire["lanes"]),
        vector=int(wire["vector"]),
        vectors=int(wire["vectors"]),
    )
    width, bits = int(code["width"]), stream.tdata
    low, high = (-(1 << (width - 1)), (1 << (width - 1)) - 1) if stream.signed else (0, (1 << width) - 1)
    checks = [
        (stream.slot in SLOTS and 1 <= width <= stream.slot, "width must be from 1 to slot, slot one of 1, 2, 4 … 64"),
        (low <= stream.lo <= stream.hi <= min(high, INT64_MAX), "lo and hi must lie in the range of the code's type"),
        (stream.lanes >= 1 and bits % 8 == 0, "lanes * slot must be a number of bytes"),
        (stream.vector >= 1 and stream.vectors >= 1, "vector and vectors must be at least 1"),
        (stream.vector * stream.vectors == _product(shape), "vectors * vector must be the elements of the shape"),
        (_product(dims) == _product(shape), "dims must have as many elements as the shape"),
        (sorted(stream.permute) == list(range(len(dims))), "permute must name every axis of the frame once"),
        (wire["beats"] == stream.beats and wire["tdata"] == bits, "beats or tdata contradict lanes, slot and vectors"),
    ]
    for holds, says in checks:
        if not holds:
            raise ValueError("boundary of {!r}: {}".format(port["name"], says))
    return stream


# Encoding: flat samples (n, elements) → codes.


def _encoder(spec: Spec, stream: Stream) -> Callable[[Array], Codes]:
    kind = spec["kind"]
    if kind == "integer":
        return _IntegerEncoder(int(spec["offset"]), stream.lo, stream.hi)
    if kind == "grid":
        return _GridEncoder(int(spec["exp"]), int(spec["lo"]), int(spec["hi"]))
    if kind == "steps":
        edges = [np.array([float.fromhex(edge) for edge in row], np.float64) for row in spec["edges"]]
        repeat = int(spec.get("repeat", 1))
        return _StepsEncoder(edges, [int(b) for b in spec["base"]], [int(s) for s in spec["sign"]], repeat)
    if kind == "fixed":
        exp, lo, hi = ([int(v) for v in spec[key]] for key in ("exp", "lo", "hi"))
        return _FixedEncoder(exp, lo, hi, str(spec["rounding"]), bool(spec["wrap"]), int(spec.get("repeat", 1)))
    raise ValueError(f"unknown encoding {kind!r}")


@dataclass(frozen=True)
class _IntegerEncoder:
    """code = x + offset; an x without a code is refused."""

    offset: int
    lo: int
    hi: int

    def __call__(self, x: Array) -> Codes:
        if x.dtype.kind == "f" and not (np.rint(x) == x).all():
            raise ValueError("the input must be whole numbers")
        low, high = self.lo - self.offset, self.hi - self.offset
        if x.size and not (low <= int(_finite(x.min())) and int(_finite(x.max())) <= high):
            raise ValueError(f"the input must be from {low} to {high}, not {x.min()} to {x.max()}")
        # uint64 above int64 wraps here and by the offset wraps back: both modulo 2**64.
        return x.astype(np.uint64 if x.dtype.kind == "u" else np.int64).astype(np.int64) + np.int64(self.offset)


@dataclass(frozen=True)
class _GridEncoder:
    """code = clip(round_half_even(x * 2**exp), lo, hi), exact in float64."""

    exp: int
    lo: int
    hi: int

    def __post_init__(self) -> None:
        if abs(self.exp) > 4096 or not -EXACT_FLOAT <= self.lo <= self.hi <= EXACT_FLOAT:
            raise ValueError("a grid's exp must be from -4096 to 4096, and lo <= hi within 2**53")

    def __call__(self, x: Array) -> Codes:
        with np.errstate(over="ignore", under="ignore"):
            scaled = np.ldexp(x.astype(np.float64), self.exp)
        return np.clip(np.rint(scaled), self.lo, self.hi).astype(np.int64)


@dataclass(frozen=True)
class _StepsEncoder:
    """code = base + sign * #{k: x >= edge_k}; element e of a frame uses row (e // repeat) mod rows."""

    edges: list[Array]
    base: list[int]
    sign: list[int]
    repeat: int = 1

    def __post_init__(self) -> None:
        if self.repeat < 1:
            raise ValueError("repeat must be at least 1")
        if not self.edges or not len(self.edges) == len(self.base) == len(self.sign):
            raise ValueError("steps need as many rows of edges as bases and signs")
        if any(sign not in (-1, 1) for sign in self.sign):
            raise ValueError("a sign must be 1 or -1")
        if any(not (row[1:] >= row[:-1]).all() for row in self.edges):
            raise ValueError("edges must ascend")

    def __call__(self, x: Array) -> Codes:
        codes = np.empty(x.shape, np.int64)
        for p, where in enumerate(_places(x.shape[1], len(self.edges), self.repeat)):
            reached = np.searchsorted(self.edges[p], x[:, where].astype(np.float64), side="right")
            codes[:, where] = self.base[p] + self.sign[p] * reached
        return codes


@dataclass(frozen=True)
class _FixedEncoder:
    """code = round(x * 2**exp), clipped to lo .. hi or wrapped into it; exact in float64. Rows as in `_StepsEncoder`."""

    exp: list[int]
    lo: list[int]
    hi: list[int]
    rounding: str
    wrap: bool
    repeat: int = 1

    def __post_init__(self) -> None:
        if self.repeat < 1 or not self.exp or not len(self.exp) == len(self.lo) == len(self.hi):
            raise ValueError("a fixed encoding needs as many exp as lo and hi, and a repeat of at least 1")
        if self.rounding not in ("floor", "half_up", "half_even"):
            raise ValueError("rounding must be floor, half_up or half_even")
        for exp, lo, hi in zip(self.exp, self.lo, self.hi):
            if abs(exp) > 4096 or not -EXACT_FLOAT <= lo <= hi <= EXACT_FLOAT:
                raise ValueError("exp must be from -4096 to 4096, and lo <= hi within 2**53")
            if self.wrap and (hi - lo + 1) & (hi - lo):
                raise ValueError("what wraps must have a power of two of codes")

    def __call__(self, x: Array) -> Codes:
        if self.wrap and np.isinf(x).any():
            raise ValueError("the input has an infinity, which does not wrap")
        codes = np.empty(x.shape, np.int64)
        for p, where in enumerate(_places(x.shape[1], len(self.exp), self.repeat)):
            with np.errstate(over="ignore", under="ignore"):
                scaled = np.ldexp(x[:, where].astype(np.float64), self.exp[p])
            down = np.floor(scaled)
            if self.rounding == "half_even":
                down = np.rint(scaled)
            elif self.rounding == "half_up":
                finite = np.where(np.isinf(scaled), 0, scaled)
                down = down + (finite - np.floor(finite) >= 0.5)
            if self.wrap:
                lo, size = self.lo[p], self.hi[p] - self.lo[p] + 1
                codes[:, where] = (np.mod(down, size).astype(np.int64) - lo) % size + lo
            else:
                codes[:, where] = np.clip(down, self.lo[p], self.hi[p]).astype(np.int64)
        return codes


def _places(size: int, rows: int, repeat: int) -> list[Array]:
    """For each row, the elements of a frame that use it."""
    row_of = np.arange(size) // repeat % rows
    order = np.argsort(row_of, kind="stable")
    return np.split(order, np.searchsorted(row_of[order], np.arange(1, rows)))


# Decoding: flat codes (n, elements) → exact values, rounded to float64 (or kept as int64).


def _decoder(spec: Spec, stream: Stream) -> Callable[[Codes], Array]:
    kind = spec["kind"]
    if kind == "integer":
        offset = int(spec["offset"])
        if not -INT64_MAX <= stream.lo + offset <= stream.hi + offset <= INT64_MAX:
            raise ValueError("the output's integers do not fit 64 bits")
        return lambda codes: codes + np.int64(offset)
    if kind != "affine":
        raise ValueError(f"unknown decoding {kind!r}")
    scales, offsets = ([Fraction(text) for text in spec[key]] for key in ("scale", "offset"))
    count = len(scales)
    lows, highs = (spec.get(key) or [None] * count for key in ("lo", "hi"))
    if not count or not len(offsets) == len(lows) == len(highs) == count:
        raise ValueError("an affine decoding needs as many offsets, lows and highs as scales")
    reach = max(abs(stream.lo), abs(stream.hi))
    rows = [_affine_row(*row, reach=reach) for row in zip(scales, offsets, lows, highs)]
    return _AffineDecoder(rows, int(spec.get("repeat", 1)))


@dataclass(frozen=True)
class _AffineRow:
    """value = clip((num * code + add) / den, lo, hi); `shift` if den is 2**shift and num * code + add fits 63 bits."""

    num: int
    add: int
    den: int
    lo: float
    hi: float
    shift: int | None

    def exact(self, codes: Codes) -> Array:
        """Correctly rounded by Python's integer division, once for every code that occurs."""
        present, where = np.unique(codes.reshape(-1), return_inverse=True)
        values = np.array([_ratio(self.num * int(c) + self.add, self.den) for c in present], np.float64)
        return values[where.reshape(-1)].reshape(codes.shape)


def _affine_row(scale: Fraction, offset: Fraction, lo: str | None, hi: str | None, reach: int) -> _AffineRow:
    """The row on one denominator; `reach` is the greatest magnitude of a code."""
    den = scale.denominator * offset.denominator // gcd(scale.denominator, offset.denominator)
    num, add = scale.numerator * (den // scale.denominator), offset.numerator * (den // offset.denominator)
    fits = den & (den - 1) == 0 and den.bit_length() <= MAX_SHIFT and abs(num) * max(reach, 1) + abs(add) <= INT64_MAX
    low, high = (bound if text is None else _rounded(text) for text, bound in ((lo, -np.inf), (hi, np.inf)))
    return _AffineRow(num, add, den, low, high, den.bit_length() - 1 if fits else None)


class _AffineDecoder:
    """Element e of a frame uses row (e // repeat) mod rows. Rounding is monotone, so clipping after it equals clipping before."""

    def __init__(self, rows: list[_AffineRow], repeat: int = 1) -> None:
        if repeat < 1:
            raise ValueError("repeat must be at least 1")
        self.rows, self.repeat = rows, repeat

    def __call__(self, codes: Codes) -> Array:
        values = np.empty(codes.shape, np.float64)
        if all(row.shift is not None for row in self.rows):
            num, add, shift = (self._spread(codes, key) for key in ("num", "add", "shift"))
            values = np.ldexp((codes * num + add).astype(np.float64), -shift.astype(np.intc))
        else:
            for row, where in zip(self.rows, _places(codes.shape[1], len(self.rows), self.repeat)):
                values[:, where] = row.exact(codes[:, where])
        return np.clip(values, self._spread(codes, "lo"), self._spread(codes, "hi"))

    def _spread(self, codes: Codes, key: str) -> Array:
        """One value for each element of a frame."""
        values = np.array([getattr(row, key) for row in self.rows])
        return np.resize(np.repeat(values, self.repeat), codes.shape[1])


# What the model does after the accelerator's output. Axes count the batch axis, as in the ONNX node.


def _post(spec: Spec) -> Callable[[Array], Array]:
    kind = spec["kind"]
    if kind in ("quantize", "dequantize"):
        return _requantizer(spec, kind == "quantize")
    if kind in FUNCTIONS:
        function = FUNCTIONS[kind]
        return lambda values: function(values.astype(np.float64))
    if kind == "reshape":
        shape = tuple(int(d) for d in spec["shape"])
        return lambda values: values.reshape((len(values),) + shape)
    if kind == "transpose":
        axes = [int(a) for a in spec["axes"]]
        return lambda values: values.transpose(axes)
    return _along(spec, kind, int(spec["axis"]))


def _sigmoid(values: Array) -> Array:
    small = np.exp(-np.abs(values))
    return np.where(values >= 0, 1.0, small) / (1.0 + small)


FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    "exp": np.exp,
    "erf": lambda values: np.asarray(np.frompyfunc(erf, 1, 1)(values), np.float64),
    "softplus": lambda values: np.logaddexp(0.0, values),
    "softsign": lambda values: values / (1.0 + np.abs(values)),
    "abs": np.abs,
}


def _requantizer(spec: Spec, forward: bool) -> Callable[[Array], Array]:
    """round_half_even(value / scale) + zero within lo .. hi, or (value - zero) * scale."""
    scale, zero = float(spec["scale"]), int(spec["zero"])
    if not (np.isfinite(scale) and scale > 0):
        raise ValueError("a scale must be above 0")
    if not forward:
        return lambda values: (values.astype(np.float64) - zero) * scale
    lo, hi = int(spec["lo"]), int(spec["hi"])
    return lambda values: np.clip(np.rint(values.astype(np.float64) / scale) + zero, lo, hi)


def _along(spec: Spec, kind: str, axis: int) -> Callable[[Array], Array]:
    if axis == 0:
        raise ValueError(f"{kind!r} over the batch axis mixes the samples")
    if kind == "softmax":
        return lambda values: _softmax(values.astype(np.float64), axis)
    if kind == "argmax":
        last, keepdims = bool(spec.get("select_last_index", 0)), bool(spec.get("keepdims", 1))
        return lambda values: _argmax(values, axis, last, keepdims)
    if kind == "topk":
        k, largest, wanted = int(spec["k"]), bool(spec.get("largest", 1)), spec["output"]
        if wanted not in ("indices", "values"):
            raise ValueError(f"topk gives 'indices' or 'values', not {wanted!r}")
        return lambda values: _topk(values, axis, k, largest, wanted == "indices")
    raise ValueError(f"unknown step {kind!r}")


def _softmax(values: Array, axis: int) -> Array:
    powers = np.exp(values - values.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def _argmax(values: Array, axis: int, last: bool, keepdims: bool) -> Array:
    found = np.argmax(np.flip(values, axis) if last else values, axis=axis)
    if last:
        found = values.shape[axis] - 1 - found
    return np.expand_dims(found, axis) if keepdims else found


def _topk(values: Array, axis: int, k: int, largest: bool, indices: bool) -> Array:
    """Sorted, and among equals the lower index first, as ONNX says."""
    order = np.argsort(-values if largest else values, axis=axis, kind="stable")
    order = np.take(order, range(k), axis=axis)
    return order if indices else np.take_along_axis(values, order, axis)


def _ratio(num: int, den: int) -> float:
    """num / den, correctly rounded, infinite where it is too great for a float64."""
    try:
        return num / den
    except OverflowError:
        return float("inf") if num > 0 else float("-inf")


def _rounded(text: str) -> float:
    value = Fraction(text)
    return _ratio(value.numerator, value.denominator)


def _finite(value: Any) -> Any:
    """A float's infinities as integers beyond every code."""
    return value if np.isfinite(value) else (1 << 70) * (1 if value > 0 else -1)


def _product(shape: Sequence[int]) -> int:
    result = 1
    for size in shape:
        result *= size
    return result


def _commas(shape: Sequence[int]) -> str:
    return ", ".join(str(size) for size in shape)
