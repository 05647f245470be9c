"""Encoding and decoding against plain Fractions: equal, never close."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bitwright.boards.host import Boundary
from tests.boards.boundaries import Spec, boundary, code, flat

floats32 = st.floats(width=32, allow_nan=False)
nice_floats32 = st.one_of(floats32, st.integers(-200, 200).map(lambda n: n / 8), st.just(-0.0))


def encode(spec: Spec, values: list[float], dtype: str = "float32") -> list[int]:
    x = np.array([values], dtype)
    return Boundary(spec).encode(x)[0].tolist()


def decode(spec: Spec, codes: list[int]) -> np.ndarray:
    return Boundary(spec).decode(np.array([codes]))[0]


def exact(x: float) -> Fraction:
    """Infinities beyond every float."""
    return Fraction(x) if np.isfinite(x) else Fraction(2) ** 2000 * (1 if x > 0 else -1)


@given(
    st.lists(nice_floats32, min_size=1, max_size=8),
    st.integers(-40, 40),
    st.integers(-300, 300),
    st.integers(0, 300),
)
def test_grid(values: list[float], exp: int, lo: int, span: int) -> None:
    hi = lo + span
    spec = flat(len(values), "input", 16, input_encode={"kind": "grid", "exp": exp, "lo": lo, "hi": hi})
    wanted = [min(max(round(exact(x) * Fraction(2) ** exp), lo), hi) for x in values]
    assert encode(spec, values) == wanted


@given(
    st.lists(nice_floats32, min_size=1, max_size=8),
    st.lists(
        st.tuples(st.integers(-9, 9), st.sampled_from([-1, 1]), st.lists(st.floats(allow_nan=False), max_size=6)),
        min_size=1,
        max_size=3,
    ),
)
def test_steps(values: list[float], rows: list[tuple[int, int, list[float]]]) -> None:
    edges = [sorted(row[2]) for row in rows]
    encoding = {
        "kind": "steps",
        "base": [row[0] for row in rows],
        "sign": [row[1] for row in rows],
        "edges": [[edge.hex() for edge in row] for row in edges],
    }
    spec = flat(len(values), "input", 16, input_encode=encoding)
    wanted = []
    for e, x in enumerate(values):
        base, sign, _ = rows[e % len(rows)]
        wanted.append(base + sign * sum(x >= edge for edge in edges[e % len(rows)]))
    assert encode(spec, values) == wanted


@given(st.lists(st.integers(0, 255), min_size=1, max_size=8), st.integers(-128, 0))
def test_integers(values: list[int], offset: int) -> None:
    spec = flat(len(values), "input", 9, input_dtype="uint8", input_encode={"kind": "integer", "offset": offset})
    assert encode(spec, values, "uint8") == [x + offset for x in values]
    assert encode(spec, values, "float32") == [x + offset for x in values]  # whole numbers of another type will do


def test_great_unsigned_integers() -> None:
    spec = flat(2, "input", 64, input_dtype="uint64", input_encode={"kind": "integer", "offset": -(2**63)})
    x = np.array([[2**64 - 1, 0]], np.uint64)
    assert Boundary(spec).encode(x).tolist() == [[2**63 - 1, -(2**63)]]


@pytest.mark.parametrize(
    ("x", "says"),
    [
        (np.array([[8.0]]), "the input must be from -128 to 7, not 8.0 to 8.0"),
        (np.array([[np.inf]]), "the input must be from -128 to 7, not inf to inf"),
        (np.array([[0.5]]), "the input must be whole numbers"),
        (np.array([[np.nan]]), "the input has a NaN"),
        (np.array([1]), r"the input must have the shape \(n, 1\), not \(1,\)"),
        (np.array([["1"]]), "the input must be numbers, not <U1"),
    ],
)
def test_samples_that_have_no_code(x: np.ndarray, says: str) -> None:
    spec = flat(1, "input", input_dtype="int8", input_code=code(8, True, hi=7))
    spec["input"]["encode"] = {"kind": "integer", "offset": 0}
    with pytest.raises(ValueError, match=says):
        Boundary(spec).encode(x)


def test_doubles_are_rounded_to_the_models_type_first() -> None:
    """As the model's own runtime would get them: 0.5 + 2**-30 is 0.5 in float32, and half goes to even."""
    spec = flat(1, "input", input_encode={"kind": "grid", "exp": 0, "lo": 0, "hi": 9})
    assert encode(spec, [0.5 + 2**-30], "float64") == [0]
    spec["input"]["dtype"] = "float64"
    assert encode(spec, [0.5 + 2**-30], "float64") == [1]


fractions = st.one_of(
    st.fractions(-1000, 1000, max_denominator=1000),
    st.builds(lambda x, y: Fraction(x) * Fraction(y), floats32.filter(np.isfinite), floats32.filter(np.isfinite)),
    st.builds(lambda n, k: Fraction(n, 1 << k), st.integers(-(2**40), 2**40), st.integers(0, 60)),
)
rows_of_fractions = st.lists(
    st.tuples(fractions, fractions, st.none() | fractions, st.none() | fractions), min_size=1, max_size=3
)


def as_float(value: Fraction) -> float:
    try:
        return value.numerator / value.denominator
    except OverflowError:
        return np.inf if value > 0 else -np.inf


@given(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=8), rows_of_fractions)
def test_affine(codes: list[int], rows: list[tuple[Any, ...]]) -> None:
    assume(all(lo is None or hi is None or lo <= hi for _, _, lo, hi in rows))

    def text(value: Fraction | None) -> str | None:
        return None if value is None else f"{value.numerator}/{value.denominator}"

    scale, offset, lo, hi = ([text(row[k]) for row in rows] for k in range(4))
    decoding = {"kind": "affine", "scale": scale, "offset": offset, "lo": lo, "hi": hi}
    wanted = []
    for e, q in enumerate(codes):
        s, b, low, high = rows[e % len(rows)]
        value = s * q + b
        value = value if low is None else max(value, low)
        wanted.append(as_float(value if high is None else min(value, high)))
    for dtype in ("float64", "float32"):
        spec = flat(len(codes), "output", 32, output_dtype=dtype, output_decode=decoding)
        with np.errstate(over="ignore", under="ignore"):
            np.testing.assert_array_equal(decode(spec, codes), np.array(wanted).astype(dtype), strict=True)


@pytest.mark.parametrize("num", [1, 3, 2**24 - 1, (2**24 - 1) ** 2])
def test_affine_at_the_edge_of_64_bits(num: int) -> None:
    """The fast way and the exact way meet here: 16-bit codes on products of float32 scales."""
    codes = [-(2**15), 2**15 - 1, 0, 1, -1, 12345]
    decoding = {"kind": "affine", "scale": [f"{num}/{2**50}"], "offset": [f"1/{2**50}"], "lo": None, "hi": None}
    spec = flat(len(codes), "output", 16, output_dtype="float64", output_decode=decoding)
    assert decode(spec, codes).tolist() == [as_float(Fraction(num * q + 1, 2**50)) for q in codes]


def test_integers_out() -> None:
    spec = flat(3, "output", output_dtype="uint8", output_decode={"kind": "integer", "offset": 128})
    values = decode(spec, [-128, 0, 127])
    assert (values.tolist(), values.dtype) == ([0, 128, 255], np.uint8)


def after(steps: list[Spec], codes: list[list[int]], dtype: str = "int64") -> Any:
    """Rows of codes as one frame of shape (rows, columns), through `steps`."""
    shape = [len(codes), len(codes[0])]
    spec = flat(shape[0] * shape[1], "output", output_dtype=dtype, output_decode={"kind": "integer", "offset": 0})
    spec["output"].update(shape=shape, post=steps)
    return Boundary(spec).decode(np.array([codes]))[0]


def test_argmax() -> None:
    codes = [[1, 7, 7], [9, -1, 9]]
    found = {"kind": "argmax", "axis": 2, "keepdims": 0, "select_last_index": 0}
    assert after([found], codes).tolist() == [1, 0]
    assert after([{**found, "select_last_index": 1}], codes).tolist() == [2, 2]
    assert after([{**found, "keepdims": 1, "axis": -1}], codes).tolist() == [[1], [0]]
    assert after([{**found, "axis": 1}], codes).tolist() == [1, 0, 1]


def test_topk() -> None:
    codes = [[1, 7, 7, -3]]
    step = {"kind": "topk", "k": 3, "axis": -1, "largest": 1, "output": "indices"}
    assert after([step], codes).tolist() == [[1, 2, 0]]
    assert after([{**step, "output": "values"}], codes).tolist() == [[7, 7, 1]]
    assert after([{**step, "largest": 0}], codes).tolist() == [[3, 0, 1]]


def test_softmax() -> None:
    values = after([{"kind": "softmax", "axis": -1}], [[0, 0], [127, -128]], "float64")
    assert values.tolist() == [[0.5, 0.5], [1.0, np.exp(-255.0)]]


def test_quantize_and_dequantize() -> None:
    """Ties to even, before the zero point; beyond the limits the limits."""
    quantized = {"kind": "quantize", "scale": 2.0, "zero": 1, "lo": -2, "hi": 3}
    codes = [[-9, -3, -1, 1, 3, 5, 100]]
    assert after([quantized], codes, "int8").tolist() == [[-2, -1, 1, 1, 3, 3, 3]]
    back = {"kind": "dequantize", "scale": 0.5, "zero": 1}
    assert after([quantized, back], codes, "float32").tolist() == [[-1.5, -1.0, 0.0, 0.0, 1.0, 1.0, 1.0]]


def test_reshape_and_transpose() -> None:
    codes = [[1, 2, 3], [4, 5, 6]]
    assert after([{"kind": "reshape", "shape": [3, 2]}], codes).tolist() == [[1, 2], [3, 4], [5, 6]]
    assert after([{"kind": "transpose", "axes": [0, 2, 1]}], codes).tolist() == [[1, 4], [2, 5], [3, 6]]


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("sigmoid", [0.0, 0.2689414213699951, 0.5, 0.7310585786300049, 1.0]),
        ("tanh", [-1.0, -0.7615941559557649, 0.0, 0.7615941559557649, 1.0]),
        ("erf", [-1.0, -0.8427007929497149, 0.0, 0.8427007929497149, 1.0]),
        ("softsign", [-1000 / 1001, -0.5, 0.0, 0.5, 1000 / 1001]),
        ("softplus", [0.0, 0.31326168751822286, 0.6931471805599453, 1.3132616875182228, 1000.0]),
        ("abs", [1000.0, 1.0, 0.0, 1.0, 1000.0]),
    ],
)
def test_functions(kind: str, wanted: list[float]) -> None:
    found = after([{"kind": kind}], [[-1000, -1, 0, 1, 1000]], "float64")[0]
    np.testing.assert_allclose(found, wanted, rtol=1e-15, atol=1e-300)


def test_softmax_then_topk() -> None:
    steps = [{"kind": "softmax", "axis": -1}, {"kind": "topk", "k": 1, "axis": -1, "largest": 1, "output": "indices"}]
    assert after(steps, [[3, 9, 4]]).tolist() == [[1]]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"input_encode": {"kind": "magic"}}, "unknown encoding 'magic'"),
        ({"output_decode": {"kind": "magic"}}, "unknown decoding 'magic'"),
        ({"output_post": [{"kind": "magic", "axis": 1}]}, "unknown step 'magic'"),
        ({"output_post": [{"kind": "softmax", "axis": 0}]}, "'softmax' over the batch axis mixes the samples"),
        ({"input_encode": {"kind": "steps", "base": [0], "sign": [2], "edges": [["0x1p0"]]}}, "a sign must be 1 or -1"),
        ({"input_encode": {"kind": "steps", "base": [0], "sign": [1], "edges": [["0x1p1", "0x1p0"]]}}, "must ascend"),
        ({"input_encode": {"kind": "grid", "exp": 0, "lo": 1, "hi": 0}}, "lo <= hi"),
        ({"input_code": code(4, True, hi=8)}, "lo and hi must lie in the range of the code's type"),
    ],
)
def test_unsound_boundaries(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Boundary(boundary(**changes))


def test_the_documented_boundary() -> None:
    """The example in docs/boards.md is sound."""
    text = (Path(__file__).parents[2] / "docs" / "boards.md").read_text(encoding="utf-8")
    wire = Boundary(json.loads(text.split("```json\n")[1].split("```")[0]))
    x = np.full((1, 784), -0.25, np.float32)
    assert wire.encode(x).tolist() == [[0] * 784]
    assert wire.pack(wire.encode(x - 1)).tobytes() == b"\xaa" * 196 + bytes(4)
    assert wire.decode(np.full((1, 10), 8)).tolist() == [[0.5] * 10]


def test_no_samples() -> None:
    wire = Boundary(boundary())
    assert wire.encode(np.zeros((0, 3, 5), np.float32)).shape == (0, 3, 5)
    assert wire.pack(np.zeros((0, 3, 5), np.int64)).shape == (0, 12)
    assert wire.decode(wire.unpack(b"")).shape == (0, 10)


def test_rows_that_repeat() -> None:
    """Element e takes row e // repeat mod rows: channels first need a row a channel."""
    steps = {"kind": "steps", "base": [0, 1], "sign": [1, -1], "edges": [["0x1p0"], ["0x1p1"]], "repeat": 2}
    spec = flat(8, "input", input_encode=steps)
    assert encode(spec, [1, 0, 2, 0, 1, 1, 2, 3]) == [1, 0, 0, 1, 1, 1, 0, 0]
    decoding = {"kind": "affine", "scale": ["1/2", "3"], "offset": ["0", "1"], "lo": None, "hi": None, "repeat": 2}
    assert decode(flat(8, "output", output_decode=decoding), list(range(8))).tolist() == [0, 0.5, 7, 10, 2, 2.5, 19, 22]
    decoding["scale"] = ["1/3", "3"]
    found = decode(flat(4, "output", output_decode=decoding), [3, 6, 1, 2]).tolist()
    assert found == [1, 2, 4, 7]
