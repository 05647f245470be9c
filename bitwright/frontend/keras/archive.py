"""A Keras file opened: its configuration, and the arrays of its layers. Nothing in it is executed.

Three layouts are read: HDF5 with `model_weights` by name (.h5), and the zip archive (.keras) with variables by number,
its layers under `layers` or under `_layer_checkpoint_dependencies`. HDF5 is read in a process of its own (`hdf5_child.py`), and
only what lies in the file itself.
"""

from __future__ import annotations

import importlib.util
import io
import json
import re
import subprocess
import sys
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import CompileError, Origin, quoted

MAX_CONFIG = 1 << 26
MAX_WEIGHTS = 1 << 30
MAX_NAMES = 1 << 16
ZIP_MAGIC, HDF5_MAGIC = b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"
CONFIG, WEIGHTS = "config.json", "model.weights.h5"
NAME_LISTS = ("weight_names", *(f"weight_names{i}" for i in range(256)))
SECONDS, BYTES_A_SECOND = 30, 1 << 24
DAMAGED = (
    zlib.error,
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    OSError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
CONTAINERS = ("layers", "_layer_checkpoint_dependencies")


class Arrays(ABC):
    """The variables of one layer, and of the parts that it has."""

    @abstractmethod
    def variables(self, names: Sequence[str]) -> Mapping[str, np.ndarray]:
        """The variables by name; `names` are all that the layer has, in its own order. Those missing are left out."""

    @abstractmethod
    def part(self, name: str) -> Arrays:
        """A layer that is an attribute of this one."""

    @abstractmethod
    def parts(self) -> list[Arrays]:
        """The quantizers of a layer that has one an operand."""


class Archive:
    """`config` is the model's own; `arrays` finds those of a layer by its name or its place among its class."""

    def __init__(self, data: bytes) -> None:
        """Raises CompileError E004 too large, E045 malformed, E390 where h5py is missing."""
        if importlib.util.find_spec("h5py") is None:
            message = "Keras models are read with h5py, which is not installed"
            raise CompileError("E390", message, hint="pip install 'bitwright[keras]'")
        if data.startswith(HDF5_MAGIC):
            self._content = _content(data)
            self.config = _config("".join(self._content.texts("", "model_config")))
            self._legacy = True
            return
        if not data.startswith(ZIP_MAGIC):
            raise _malformed("it is neither a zip archive nor HDF5")
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                self.config = _config(_member(archive, CONFIG, MAX_CONFIG))
                weights = _member(archive, WEIGHTS, MAX_WEIGHTS)
        except DAMAGED as error:
            raise _malformed(_short(error)) from error
        self._content = _content(weights)
        self._legacy = False

    def arrays(self, names: Sequence[str], keys: Sequence[str], origin: Origin) -> Arrays:
        """Of a layer by the names of the models that it is in and its own; `keys` are how the zip archive calls them."""
        here = _Content(self._content.items, self._content.attributes, self._content.data, origin)
        if self._legacy:
            root = f"model_weights/{names[0]}"
            listed = [n for key in NAME_LISTS for n in here.texts(root, key)]
            if len(listed) > MAX_NAMES:
                raise CompileError("E004", f"a layer with {len(listed):,} variables is too large", origin=origin)
            entries = [(n.split("/"), f"{root}/{n}") for n in listed]
            return _Named(entries if len(names) == 1 else _inside(entries, names), here)
        container = next((c for c in CONTAINERS if c in here.items), CONTAINERS[0])
        return _Numbered("/".join(f"{container}/{key}" for key in keys), here)


def _inside(entries: list[tuple[list[str], str]], names: Sequence[str]) -> list[tuple[list[str], str]]:
    """Those of a layer in a model in the model: their paths begin with its name, maybe behind those of some models."""
    found: list[tuple[list[str], str]] = []
    for steps, path in entries:
        rest = list(steps)
        for parent in names[:-1]:
            rest = rest[1:] if rest[0] == parent and len(rest) > 2 else rest
        if rest[0] == names[-1]:
            found.append((rest, path))
    return found


@dataclass(frozen=True, eq=False)
class _Content:
    """What the process that reads HDF5 has told: parts and texts by path, and the bytes of all arrays."""

    items: Mapping[str, Mapping[str, Any]]
    attributes: Mapping[str, Mapping[str, list[str]]]
    data: memoryview
    origin: Origin | None = None

    def texts(self, path: str, name: str) -> list[str]:
        return self.attributes.get(path, {}).get(name, [])

    def has(self, path: str) -> bool:
        """Whether there is such a part. Raises E045 where it, or what it is in, is a link."""
        parts = path.split("/")
        for count in range(1, len(parts) + 1):
            item = self.items.get("/".join(parts[:count]), {})
            if item.get("fault") in ("link", "depth"):
                raise _malformed(f"{quoted(path)} is a link to elsewhere", self.origin)
        return path in self.items

    def array(self, path: str) -> np.ndarray | None:
        """The numbers of a dataset; None if it is none."""
        if not self.has(path) or not self.items[path]:
            return None
        item, what = self.items[path], f"variable {quoted(path)}"
        match item.get("fault"):
            case "type":
                message = f"{what} holds {item['dtype']}, which is not supported"
                raise CompileError("E016", message, origin=self.origin, hint="save the model in float32")
            case "size":
                message = f"{what} of shape {item['shape']} is too large"
                raise CompileError("E004", message, origin=self.origin)
            case "outside":
                raise _malformed(f"{what} lies outside the file", self.origin)
            case _:
                pass
        raw = self.data[item["offset"] : item["offset"] + item["bytes"]]
        array = np.frombuffer(raw, np.dtype(item["dtype"])).reshape(item["shape"])
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise CompileError("E009", f"{what} holds NaN or infinity", origin=self.origin)
        return array


class _Numbered(Arrays):
    """Variables under `vars/0`, `vars/1`, …"""

    def __init__(self, path: str, content: _Content) -> None:
        self._path, self._content = path, content

    def variables(self, names: Sequence[str]) -> Mapping[str, np.ndarray]:
        found = {name: self._content.array(f"{self._path}/vars/{i}") for i, name in enumerate(names)}
        return {name: array for name, array in found.items() if array is not None}

    def part(self, name: str) -> Arrays:
        plain = f"{self._path}/{name}"
        return _Numbered(plain if self._content.has(plain) else f"{self._path}/_{name}", self._content)

    def parts(self) -> list[Arrays]:
        found: list[Arrays] = []
        group = f"{self._path}/iq/quantizers/quantizer"
        while self._content.has(path := f"{group}_{len(found)}" if found else group):
            found.append(_Numbered(path, self._content))
        return found


class _Named(Arrays):
    """Datasets by path, in the order in which the layer lists them."""

    def __init__(self, entries: list[tuple[list[str], str]], content: _Content) -> None:
        self._entries, self._content = entries, content

    def variables(self, names: Sequence[str]) -> Mapping[str, np.ndarray]:
        found: dict[str, np.ndarray] = {}
        for steps, path in self._entries:
            name = steps[-1].split(":")[0]
            if name in names and name not in found:
                array = self._content.array(path)
                if array is not None:
                    found[name] = array
        return found

    def part(self, name: str) -> Arrays:
        mine = [e for e in self._entries if any(c.endswith(f"_{name}") for c in e[0][:-1])]
        return _Named(mine or self._entries, self._content)

    def parts(self) -> list[Arrays]:
        groups: dict[str, list[tuple[list[str], str]]] = {}
        for steps, path in self._entries:
            above = [i for i, c in enumerate(steps[:-1]) if c.startswith("multiple_quantizers")]
            if above:
                groups.setdefault("/".join(steps[: above[0] + 2]), []).append((steps, path))
        return [_Named(entries, self._content) for entries in groups.values()]


def _content(data: bytes) -> _Content:
    """Read HDF5 in a process of its own. Raises E045 where that fails, crashes or takes too long."""
    command = [sys.executable, "-P", str(Path(__file__).with_name("hdf5_child.py"))]
    seconds = SECONDS + len(data) / BYTES_A_SECOND
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired as error:
        raise _malformed(f"its HDF5 part is damaged (it cannot be read in {seconds:.0f} s)") from error
    if done.returncode:
        reason = done.stderr.decode("utf-8", "replace").strip() or "the HDF5 library crashed over it"
        raise _malformed(f"its HDF5 part is damaged ({''.join(c for c in reason if c.isprintable())[:200]})")
    head, _, arrays = done.stdout.partition(b"\n")
    told = json.loads(head)
    return _Content(told["items"], told["attributes"], memoryview(arrays))


def snake_case(name: str) -> str:
    """A class's name as the zip archive spells it."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _malformed(reason: str, origin: Origin | None = None) -> CompileError:
    hint = "save the whole model again, with model.save('model.keras')"
    return CompileError("E045", f"this is not a Keras model that can be read: {reason}", origin=origin, hint=hint)


def _member(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """One file of the archive, whatever else may be there. Its size is not believed."""
    if name not in archive.namelist():
        raise _malformed(f"the archive has no {name}")
    with archive.open(name) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise CompileError("E004", f"{name} has more than {most:,} bytes, which is too large")
    return data


def _config(data: Any) -> dict[str, Any]:
    if not data:
        raise _malformed("it holds weights alone, without the model")
    try:
        config = json.loads(data)
    except (ValueError, RecursionError, TypeError) as error:
        raise _malformed(f"its configuration is no JSON ({_short(error)})") from error
    if not isinstance(config, dict):
        raise _malformed("its configuration is no object")
    return config


def _short(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
