"""Sample inputs and labels from files: read without unpickling, and checked before anything is made of them."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import CompileError, quoted
from ..model import Port

MAX_BYTES = 1 << 32
LEAST_SAMPLES = 8

Floats = NDArray[np.float64]


def read_samples(source: str | os.PathLike[str] | np.ndarray, port: Port, frame: tuple[int, ...]) -> np.ndarray:
    """Inputs (n, *frame), in the file's type, from an .npy or from an .npz by the input's name (or an array).

    Raises CompileError E060 (the file), E061 (shape, type or number of samples), E062 (their values).
    """
    x = source if isinstance(source, np.ndarray) else _read(Path(source), port.name, "calibration data")
    wanted = f"(samples, {', '.join(map(str, frame))})"
    if x.dtype.kind not in "fiub":
        raise CompileError("E061", f"the calibration data are {x.dtype}, not numbers")
    if x.ndim == 0 or x.shape[1:] != frame:
        message = f"the calibration data have shape {list(x.shape)}; input {quoted(port.name)} needs {wanted}"
        hint = "put a batch axis first, as in x[None]" if x.shape == frame else "the samples go along axis 0"
        raise CompileError("E061", message, hint=hint)
    if len(x) < LEAST_SAMPLES:
        message = f"there are {len(x)} samples in the calibration data; {LEAST_SAMPLES} are the least"
        raise CompileError("E061", message, hint="100 to 1,000 that are typical of the use do well")
    _check_values(x, port)
    return x


def read_labels(source: str | os.PathLike[str] | np.ndarray, count: int) -> NDArray[np.int64]:
    """Class numbers (n,) from integers (n,) or (n, 1) or from one-hot rows (n, classes). Raises E060, E066."""
    y = source if isinstance(source, np.ndarray) else _read(Path(source), None, "labels")
    if y.dtype.kind not in "fiub" or y.ndim not in (1, 2) or len(y) != count:
        message = f"the labels are {y.dtype}{list(y.shape)}; {count} class numbers or one-hot rows are needed"
        raise CompileError("E066", message, hint="one label for each sample of the calibration data")
    if y.ndim == 2 and y.shape[1] > 1:
        return y.argmax(axis=1)
    classes = y.reshape(-1)
    if not (np.isfinite(classes) & (classes >= 0) & (classes == np.floor(classes))).all():
        raise CompileError("E066", "a label is not a whole number from 0 on")
    return classes.astype(np.int64)


def suggestion(x: np.ndarray, bits: int) -> str:
    """An --input-type for such data: the integers that they are, else a fixed-point type of that width."""
    low, high = float(x.min()), float(x.max())
    if set(np.unique(x[:LEAST_SAMPLES])) <= {-1.0, 1.0} and set(np.unique(x)) == {-1.0, 1.0}:
        return "bipolar"
    if low >= 0:
        whole = max(1, int(high).bit_length())
        return f"uint{_rounded(whole)}" if _integral(x, 16) else f"ufixed<{bits},{_magnitude(high)}>"
    magnitude = max(high, -low)
    if _integral(x, 15):
        return f"int{_rounded(1 + max(int(high).bit_length(), int(-low - 1).bit_length()))}"
    return f"fixed<{bits},{_magnitude(magnitude) + 1}>"


def _integral(x: np.ndarray, bits: int) -> bool:
    """Whether all are integers of moderate size, and not only zeros and ones (which fractions may be, too)."""
    return bool(np.abs(x).max() < 1 << bits and (x == np.rint(x)).all())


def _rounded(width: int) -> int:
    """8 or 16 bits where a little less would do: what was not seen may come."""
    return width if width < 5 else 8 if width <= 8 else 16


def _magnitude(value: float) -> int:
    """The least i with value < 2^i."""
    return int(np.frexp(value)[1])


def _check_values(x: np.ndarray, port: Port) -> None:
    """Raise E061 or E062 unless all are finite, not all alike, and values that the input's type has."""
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        where = tuple(int(i[0]) for i in np.nonzero(~np.isfinite(x)))
        raise CompileError("E062", f"the calibration data hold {x[where]} (sample {where[0]})")
    least, most = x.min(), x.max()
    if least == most:
        message = f"all calibration data are {float(least):g}: they say nothing about the ranges in the network"
        raise CompileError("E062", message, hint="give inputs as they will come in use")
    if port.elem.is_integer:
        bits, signed = port.elem.bits, not port.elem.label.startswith("u")
        low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
        if (x != np.floor(x)).any() or least < low or most > high:
            message = f"the calibration data are not {port.elem.label}, which input {quoted(port.name)} is"
            raise CompileError("E061", message)


def _read(path: Path, name: str | None, what: str) -> np.ndarray:
    """An array of a file; of an archive, the one of that name, or the only one for labels."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise CompileError("E060", f"{quoted(path.name)} is too large: the limit is {MAX_BYTES:,} bytes")
        if not zipfile.is_zipfile(path):
            loaded = np.load(path, allow_pickle=False, mmap_mode="r")
            return loaded if isinstance(loaded, np.ndarray) else np.asarray(loaded)
        with zipfile.ZipFile(path) as archive:
            if sum(i.file_size for i in archive.infolist()) > MAX_BYTES:
                raise CompileError("E060", f"{quoted(path.name)} unpacks to more than {MAX_BYTES:,} bytes")
        with np.load(path, allow_pickle=False) as arrays:
            wanted = arrays.files[0] if name is None and len(arrays.files) == 1 else name
            if wanted in arrays.files:
                return arrays[wanted]
            listed = ", ".join(quoted(f) for f in arrays.files[:10]) or "nothing"
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        message = f"the {what} {quoted(str(path))} cannot be read: {reason}"
        raise CompileError("E060", message, hint="numpy.save writes an .npy; pickled objects are never read") from error
    which = f"no array {quoted(name)}" if name is not None else "more than one array"
    raise CompileError("E060", f"the {what} {quoted(path.name)} have {which}, but {listed}")
