"""Packing against a bit-by-bit model, over the whole geometry of streams."""

import ast
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitwright.boards import host
from bitwright.boards.host import Boundary, Stream
from tests.boards.boundaries import boundary, code, stream


@st.composite
def streams(draw: st.DrawFn) -> Stream:
    slot = draw(st.sampled_from(host.SLOTS))
    lanes = max(1, 8 // slot) << draw(st.integers(0, 3))
    signed = draw(st.booleans())
    width = draw(st.integers(1, min(slot, 63)))
    vector = draw(st.integers(1, 9))
    axes = draw(st.lists(st.integers(1, 3), max_size=2))
    order = draw(st.permutations(range(len(axes) + 1)))
    wire = [*axes, vector]  # the last axis on the wire is the vector
    shape = [0] * len(wire)
    for place, axis in enumerate(order):
        shape[axis] = wire[place]
    place = {**stream(slot, lanes, vector, int(np.prod(axes, dtype=int))), "permute": order}
    return Boundary(boundary(input_shape=shape, input_code=code(width, signed), input_stream=place)).input


def naive_pack(wire: Stream, codes: np.ndarray) -> bytes:
    """One frame, bit by bit."""
    elements = codes.transpose(wire.permute).reshape(wire.vectors, wire.vector).tolist()
    bits: list[int] = []
    for vector in elements:
        beats = -(-len(vector) // wire.lanes)
        padded = vector + [0] * (beats * wire.lanes - len(vector))
        bits += [value >> bit & 1 for value in padded for bit in range(wire.slot)]
    return bytes(sum(bits[at + k] << k for k in range(8)) for at in range(0, len(bits), 8))


@given(streams(), st.integers(0, 3), st.integers(0, 2**32 - 1))
def test_pack_and_unpack(wire: Stream, count: int, seed: int) -> None:
    codes = np.random.default_rng(seed).integers(wire.lo, wire.hi, (count, *wire.shape), endpoint=True)
    packed = wire.pack(codes)
    assert packed.shape == (count, wire.frame_bytes)
    assert packed.dtype == np.uint8
    assert packed.tobytes() == b"".join(naive_pack(wire, frame) for frame in codes)
    for data in (packed, packed.reshape(-1), packed.tobytes()):
        back = wire.unpack(data)
        assert back.dtype == np.int64
        np.testing.assert_array_equal(back, codes, strict=True)


@given(streams(), st.integers(0, 2**32 - 1))
def test_what_lies_in_pad_lanes_is_ignored(wire: Stream, seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (2, wire.frame_bytes), dtype=np.uint8)
    slots = "".join(f"{byte:08b}"[::-1] for byte in noise.reshape(-1))
    values = [int(slots[at : at + wire.slot][::-1], 2) for at in range(0, len(slots), wire.slot)]
    half = 1 << (wire.slot - 1)
    wanted = np.array([(v ^ half) - half if wire.signed else v for v in values], object)
    wanted = wanted.reshape(2, wire.vectors, -1)[:, :, : wire.vector]
    got = wire.unpack(noise).transpose(0, *(axis + 1 for axis in wire.permute)).reshape(wanted.shape)
    if wire.slot == 64:
        wanted = (wanted + (1 << 63)) % (1 << 64) - (1 << 63)
    assert got.tolist() == wanted.tolist()


def test_a_wire_as_documented() -> None:
    """5 elements of 4 bits on 4 lanes: two beats a vector, three pad lanes."""
    wire = Boundary(boundary()).input
    codes = np.array([[[1, 2, 3, 4, 5], [-1, -2, -3, -4, -5], [0, 0, 0, 0, 7]]])
    assert wire.pack(codes).tobytes().hex() == "2143" + "0500" + "efcd" + "0b00" + "0000" + "0700"


@pytest.mark.parametrize(
    ("codes", "says"),
    [
        (np.zeros((1, 3, 4), int), r"codes must have the shape \(n, 3, 5\), not \(1, 3, 4\)"),
        (np.zeros((1, 3, 5)), "codes must be integers, not float64"),
        (np.full((1, 3, 5), 8), "codes must be from -8 to 7, not 8 to 8"),
    ],
)
def test_codes_that_are_none(codes: np.ndarray, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Boundary(boundary()).pack(codes)


def test_half_a_frame() -> None:
    with pytest.raises(ValueError, match="5 bytes are no whole number of frames of 20"):
        Boundary(boundary()).unpack(bytes(5))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"slot": 3}, "slot one of"),
        ({"lanes": 3}, "number of bytes"),
        ({"lanes": 1}, "number of bytes"),
        ({"vector": 4}, "vectors \\* vector must be the elements of the shape"),
        ({"beats": 5}, "beats or tdata contradict"),
        ({"tdata": 32}, "beats or tdata contradict"),
        ({"permute": [1, 1]}, "permute must name every axis"),
    ],
)
def test_unsound_streams(change: dict[str, object], says: str) -> None:
    spec = boundary()
    spec["input"]["stream"].update(change)
    with pytest.raises(ValueError, match=f"boundary of 'x': .*{says}"):
        Boundary(spec)


def test_host_stands_alone() -> None:
    """It goes to the board: Python 3.8, nothing but NumPy."""
    tree = ast.parse(Path(host.__file__).read_text(encoding="utf-8"), feature_version=(3, 8))
    modules = {
        alias.name if isinstance(node, ast.Import) else node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    standard = {"__future__", "json", "dataclasses", "fractions", "math", "pathlib", "typing"}
    assert modules - standard == {"numpy", "numpy.typing"}


def test_a_layout_over_split_axes() -> None:
    """Blocks of pixels in the channels, as a DepthToSpace leaves them: dims split the frame, axes order the parts."""
    shape, dims, axes = [3, 4, 6], [3, 2, 2, 3, 2], [1, 3, 0, 2, 4]
    spec = boundary(output_shape=shape, output_code=code(8, signed=True), output_stream=stream(8, 1, 12, 6),
                    output_dims=dims, output_axes=axes)  # fmt: skip
    wire = Boundary(spec).output
    codes = np.random.default_rng(1).integers(-128, 128, (2, *shape))
    order = codes.reshape(2, *dims).transpose(0, *(a + 1 for a in axes)).reshape(2, -1)
    np.testing.assert_array_equal(wire.to_wire(codes), order)
    np.testing.assert_array_equal(wire.from_wire(order), codes)
    np.testing.assert_array_equal(wire.pack(codes).view(np.int8), order)
    np.testing.assert_array_equal(wire.unpack(wire.pack(codes)), codes)


def test_axes_of_a_port_are_its_layout() -> None:
    spec = boundary(input_axes=[1, 0], input_stream=stream(slot=4, lanes=4, vector=3, vectors=5))
    codes = np.arange(15).reshape(1, 3, 5) % 16 - 8
    np.testing.assert_array_equal(Boundary(spec).input.to_wire(codes), codes.transpose(0, 2, 1).reshape(1, 15))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"input_dims": [3, 4]}, "dims must have as many elements as the shape"),
        ({"input_axes": [0, 0]}, "permute must name every axis"),
        ({"input_dims": [3, 5], "input_axes": [0]}, "permute must name every axis"),
    ],
)
def test_unsound_layouts(changes: dict[str, list[int]], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Boundary(boundary(**changes))
