"""The drivers of handoffs, imported from their folder as on the board."""

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Protocol

BESIDE = ("host", "predictor", "control", "weights")


class StandIn(Protocol):
    """What `import pynq` or `import pyxrt` finds."""

    def installed(self) -> AbstractContextManager[None]: ...


@contextmanager
def loaded(folder: Path, board: StandIn) -> Iterator[ModuleType]:
    """The module driver.py of `folder`."""
    sys.path.insert(0, str(folder))
    spec = importlib.util.spec_from_file_location("driver", folder / "driver.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    try:
        with board.installed():
            spec.loader.exec_module(module)
            yield module
    finally:
        sys.path.remove(str(folder))
        for name in BESIDE:
            sys.modules.pop(name, None)
