"""Boundaries for the tests, as the compiler writes them."""

from typing import Any

Spec = dict[str, Any]


def code(width: int, signed: bool, lo: int | None = None, hi: int | None = None) -> Spec:
    """The type of a code, over its whole range unless `lo` and `hi` say less."""
    low, high = (-(1 << (width - 1)), (1 << (width - 1)) - 1) if signed else (0, (1 << width) - 1)
    return {"lo": low if lo is None else lo, "hi": high if hi is None else hi, "width": width, "signed": signed}


def stream(slot: int, lanes: int, vector: int, vectors: int) -> Spec:
    beats = vectors * -(-vector // lanes)
    return {
        "slot": slot,
        "lanes": lanes,
        "vector": vector,
        "vectors": vectors,
        "beats": beats,
        "tdata": lanes * slot,
    }


def boundary(**changes: Any) -> Spec:
    """A float input on a grid of 4 bits, 10 integers out; `changes` as input_encode=…, output_post=…, …"""
    spec: Spec = {
        "input": {
            "name": "x",
            "shape": [3, 5],
            "dtype": "float32",
            "code": code(4, signed=True),
            "encode": {"kind": "grid", "exp": 2, "lo": -8, "hi": 7},
            "stream": stream(slot=4, lanes=4, vector=5, vectors=3),
        },
        "output": {
            "name": "y",
            "shape": [10],
            "dtype": "float32",
            "code": code(12, signed=True),
            "decode": {"kind": "affine", "scale": ["3/8"], "offset": ["0/1"], "lo": [None], "hi": [None]},
            "post": None,
            "stream": stream(slot=16, lanes=2, vector=10, vectors=1),
        },
    }
    for key, value in changes.items():
        side, _, field = key.partition("_")
        spec[side][field] = value
    return spec


def flat(elements: int, side: str, width: int = 8, signed: bool = True, **changes: Any) -> Spec:
    """A boundary whose `side` is one vector of `elements` codes, one a beat."""
    slot = next(slot for slot in (8, 16, 32, 64) if slot >= width)
    place = {
        f"{side}_shape": [elements],
        f"{side}_code": code(width, signed),
        f"{side}_stream": stream(slot=slot, lanes=1, vector=elements, vectors=1),
    }
    return boundary(**{**place, **changes})
