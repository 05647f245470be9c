"""TensorProto → array. Sizes are checked before anything is allocated, and external data is found by us."""

from __future__ import annotations

import os
import stat
from math import prod
from pathlib import Path

import numpy as np
from onnx import TensorProto, external_data_helper, numpy_helper

from ..errors import CompileError, Origin, quoted
from .elem import Elem
from .model import Constant

MAX_ELEMENTS = 1 << 28
MAX_FOLDED = 1 << 25
"""Elements of a constant that a node of the model makes: its operands may be few bytes."""
MAX_RANK = 16


def constant(tensor: TensorProto, folder: Path | None, origin: Origin | None = None) -> Constant:
    """The tensor as an array. `folder` is where external data may lie; None if there is no such place.

    Raises E004 too large, E005 external data, E009 NaN or infinity, E010 negative, E012 malformed, E016 type.
    """
    what = f"tensor {quoted(tensor.name)}"
    shape = tuple(tensor.dims)
    check_shape(shape, what, origin)
    elem = Elem.of_code(tensor.data_type, what, origin)
    if external_data_helper.uses_external_data(tensor):
        array = _external(tensor, elem, shape, folder, what, origin)
    else:
        try:
            array = numpy_helper.to_array(tensor)
        except Exception as error:  # onnx raises many kinds for data that does not fit the shape
            raise CompileError("E012", f"{what} cannot be read: {error}", origin=origin) from error
    if array.shape != shape:
        raise CompileError("E012", f"{what} has data of shape {array.shape}, but dims {shape}", origin=origin)
    array = np.asarray(array).astype(elem.carrier)
    if elem.is_float and not np.isfinite(array).all():
        raise CompileError("E009", f"{what} holds NaN or infinity", origin=origin)
    return Constant(array, elem)


def check_shape(shape: tuple[int, ...], what: str, origin: Origin | None = None, limit: int = MAX_ELEMENTS) -> None:
    """Raise CompileError unless the shape is that of a tensor that can be handled."""
    if len(shape) > MAX_RANK:
        raise CompileError("E004", f"{what} has {len(shape)} axes; the limit is {MAX_RANK}", origin=origin)
    if any(d < 0 for d in shape):
        raise CompileError("E010", f"{what} has a negative dimension: {list(shape)}", origin=origin)
    if prod(shape) > limit:
        message = f"{what} has {prod(shape):,} elements; the limit is {limit:,}"
        raise CompileError("E004", message, origin=origin)


def _external(
    tensor: TensorProto, elem: Elem, shape: tuple[int, ...], folder: Path | None, what: str, origin: Origin | None
) -> np.ndarray:
    """Raw data from another file of the model's folder: relative, no links, a regular file, long enough."""
    entries = {e.key: e.value for e in tensor.external_data}
    location = entries.get("location", "")
    bits = elem.bits if elem.is_integer else 16 if elem is Elem.BFLOAT16 else elem.carrier.itemsize * 8
    need = (prod(shape) * bits + 7) // 8
    if folder is None:
        raise CompileError("E005", f"{what} lies in another file, but the model was given as bytes", origin=origin)
    try:
        offset, length = int(entries.get("offset", "0")), int(entries.get("length", str(need)))
    except ValueError as error:
        raise CompileError("E005", f"{what}: offset or length of its data is no number", origin=origin) from error
    if offset < 0 or length != need:
        raise CompileError("E005", f"{what} needs {need} bytes, but names {length} at {offset}", origin=origin)
    path = _inside(folder, location, what, origin)
    if path.stat().st_size < offset + need:
        message = f"{what}: file {quoted(location)} is shorter than {offset + need} bytes"
        raise CompileError("E005", message, origin=origin)
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read(need)
    inline = TensorProto(data_type=tensor.data_type, dims=shape, raw_data=data)
    return numpy_helper.to_array(inline)


def _inside(folder: Path, location: str, what: str, origin: Origin | None) -> Path:
    """The file that `location` names, if it lies in `folder` with no link or parent step on the way."""
    parts = location.split("/")
    plain = location and not os.path.isabs(location) and "\\" not in location and "\0" not in location
    if not plain or any(p in ("", ".", "..") for p in parts):
        message = f"{what}: {quoted(location)} is not a plain relative path"
        raise CompileError("E005", message, origin=origin, hint="keep external data beside the model file")
    path = folder
    for part in parts:
        path = path / part
        try:
            mode = path.lstat().st_mode
        except OSError as error:
            raise CompileError("E005", f"{what}: file {quoted(location)} cannot be read", origin=origin) from error
        if stat.S_ISLNK(mode):
            raise CompileError("E005", f"{what}: {quoted(location)} goes through a symbolic link", origin=origin)
    if not stat.S_ISREG(path.lstat().st_mode):
        raise CompileError("E005", f"{what}: {quoted(location)} is not a regular file", origin=origin)
    return path
