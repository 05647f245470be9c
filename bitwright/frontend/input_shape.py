"""`--shape`: the sizes of a graph input's axes where the file leaves them open."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from ..errors import CompileError, quoted
from .model import Port

MAX_SIZE = 1 << 31

Shapes = Mapping[str, tuple[int, ...]]

_SHAPE = re.compile(r"(.+)=(\d+(?:[,x]\d+)*)", re.DOTALL)


def parse_shapes(texts: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """`NAME=1,3,32,32`, one text an input. Raises E041."""
    shapes: dict[str, tuple[int, ...]] = {}
    for text in texts:
        match = _SHAPE.fullmatch(text.strip())
        sizes = () if match is None else tuple(int(d[:12]) for d in re.split("[,x]", match[2]))
        if match is None or not all(1 <= d < MAX_SIZE for d in sizes):
            message = f"{quoted(text)} is no shape of an input"
            raise CompileError("E041", message, hint="write --shape NAME=1,3,32,32, all sizes above 0")
        shapes[match[1]] = sizes
    return shapes


def frozen_shapes(inputs: tuple[Port, ...], shapes: Shapes) -> tuple[Port, ...]:
    """The inputs with open axes closed; axis 0, the batch, may be another than the file's. Raises E041."""
    names = [p.name for p in inputs]
    for name in shapes:
        if name not in names:
            listed = ", ".join(quoted(n) for n in names[:10])
            raise CompileError("E041", f"the model has no input {quoted(name)}", hint=f"its inputs: {listed}")
    return tuple(_frozen(p, shapes[p.name]) if p.name in shapes else p for p in inputs)


def _frozen(port: Port, sizes: tuple[int, ...]) -> Port:
    stated = port.shape
    if stated is None:
        return replace(port, shape=sizes)
    fits = len(stated) == len(sizes)
    if not fits or any(d not in (None, size) for d, size in zip(stated[1:], sizes[1:])):
        shape = [d or "?" for d in stated]
        message = f"input {quoted(port.name)} has the shape {shape} in the file, which {list(sizes)} contradicts"
        raise CompileError("E041", message, hint="--shape closes open axes (?), and may change axis 0, the batch")
    return replace(port, shape=sizes)
