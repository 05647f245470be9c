"""Arrays in files: .npy and .npz in, results out, for `bitwright run`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .design import Design
from .errors import CompileError


def run(design: Design, source: str, sink: str, *, engine: str, raw: bool, dump: str | None) -> None:
    """Read `source`, run the design, write `sink`. Raises CompileError E506 where the data are not the model's."""
    x = _read(Path(source), design.boundary.input_name)
    try:
        codes = design.boundary.input.check(x) if raw else design.boundary.encode(x)
    except ValueError as error:
        raise CompileError("E506", f"'{source}' does not suit the design's input: {error}") from error
    result = design.run_codes(codes, engine=engine)
    _write(Path(sink), design.boundary.output_name, result if raw else design.boundary.decode(result))
    if dump is not None:
        folder = Path(dump)
        folder.mkdir(parents=True, exist_ok=True)
        for name, values in design.values(codes).items():
            np.save(folder / f"{name}.npy", values)


def _read(path: Path, name: str) -> NDArray[Any]:
    try:
        loaded = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise CompileError("E506", f"'{path}' cannot be read as an .npy or .npz file: {error}") from error
    if isinstance(loaded, np.ndarray):
        return loaded
    with loaded:
        if name in loaded.files:
            return loaded[name]
        raise CompileError(
            "E506",
            f"'{path}' has no array named as the model's input, {name!r}",
            hint=f"it has: {', '.join(loaded.files)}",
        )


def _write(path: Path, name: str, values: NDArray[Any]) -> None:
    try:
        if path.suffix == ".npz":
            np.savez_compressed(path, allow_pickle=False, **{name: values})
        else:
            with path.open("wb") as file:
                np.save(file, values, allow_pickle=False)
    except OSError as error:
        raise CompileError("E502", f"cannot write '{path}': {error.strerror}") from error
