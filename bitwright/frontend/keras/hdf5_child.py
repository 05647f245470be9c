"""Run as a process of its own: HDF5 on stdin, what is in it on stdout. The library may crash or never end on hostile data.

Out comes a line of JSON, then the arrays behind each other. Groups, attributes that Keras reads, and arrays are told by
path; what must not be read (links, data in other files, huge arrays) is told with the reason. Exit status 0, or 1 with
a message.
"""

from __future__ import annotations

import io
import json
import sys
from typing import Any

MAX_ITEMS, MAX_DEPTH, MAX_ELEMENTS, MAX_RANK, MAX_BYTES, MAX_SECONDS = 1 << 17, 24, 1 << 28, 16, 1 << 30, 300
ROOTS = ("model_weights", "layers", "_layer_checkpoint_dependencies")
TEXTS = ("model_config", "weight_names")


def main() -> None:
    _limited()
    import h5py

    low_level: Any = h5py.h5o  # pyright: ignore[reportAttributeAccessIssue]
    with h5py.File(io.BytesIO(sys.stdin.buffer.read()), "r") as file:
        items: dict[str, dict[str, Any]] = {}
        attributes, arrays = {"": _texts(file)}, list[bytes]()
        stack: list[tuple[str, Any, int]] = [(name, file, 1) for name in ROOTS if name in file]
        offset, seen = 0, set[Any]()
        while stack:
            path, parent, depth = stack.pop()
            if len(items) >= MAX_ITEMS:
                raise ValueError("it has too many parts")
            name = path.rsplit("/", 1)[-1]
            if not isinstance(parent.get(name, getlink=True), h5py.HardLink):
                items[path] = {"fault": "link"}
                continue
            item = parent[name]
            if isinstance(item, h5py.Group):
                address = low_level.get_info(item.id).addr
                if address in seen or depth >= MAX_DEPTH:
                    items[path] = {"fault": "depth"}
                    continue
                seen.add(address)
                items[path], attributes[path] = {}, _texts(item)
                stack += [(f"{path}/{child}", item, depth + 1) for child in item]
                continue
            if not isinstance(item, h5py.Dataset):
                items[path] = {"fault": "type", "dtype": "no numbers"}
                continue
            items[path] = _described(item, MAX_BYTES - offset)
            if "fault" not in items[path]:
                data = item[()].tobytes()
                items[path] |= {"offset": offset, "bytes": len(data)}
                offset += len(data)
                arrays.append(data)
    sys.stdout.buffer.write(json.dumps({"items": items, "attributes": attributes}).encode() + b"\n")
    for data in arrays:
        sys.stdout.buffer.write(data)


def _limited() -> None:
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_SECONDS, MAX_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (1 << 34, 1 << 34))


def _texts(item: Any) -> dict[str, list[str]]:
    """The attributes that hold texts or lists of them."""
    found = {}
    for name in item.attrs:
        if name.startswith(TEXTS):
            value = item.attrs[name]
            values = value.reshape(-1).tolist() if hasattr(value, "reshape") else [value]
            found[name] = [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in values]
    return found


def _described(item: Any, room: int) -> dict[str, Any]:
    shape, dtype = item.shape, item.dtype
    if dtype.kind not in "fiub" or dtype.itemsize > 8:
        return {"fault": "type", "dtype": str(dtype)}
    size = 1
    for d in shape or ():
        size *= d
    if shape is None or item.external or item.is_virtual:
        return {"fault": "outside"}
    if size > MAX_ELEMENTS or len(shape) > MAX_RANK or size * dtype.itemsize > room:
        return {"fault": "size", "shape": list(shape)}
    return {"dtype": dtype.str, "shape": list(shape)}


if __name__ == "__main__":
    try:
        main()
    except Exception as error:
        lines = str(error).strip().splitlines()
        print((lines[0] if lines else type(error).__name__)[:200], file=sys.stderr)
        sys.exit(1)
