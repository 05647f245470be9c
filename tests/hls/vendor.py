"""The open ap_types headers, as hls4ml's wheel carries them: ap_int and what it needs, and no stream of theirs."""

import os
import shutil
import tempfile
from functools import cache
from importlib import metadata, util
from pathlib import Path

import pytest

from bitwright.sim.verilator import cache_folder


@cache
def ap_types() -> Path:
    """A folder of them, in a place that stays, as paths are part of what a compilation is named by."""
    spec = util.find_spec("hls4ml")
    if spec is None or spec.origin is None:
        pytest.skip("hls4ml is not installed")
    target = cache_folder() / "ap_types" / metadata.version("hls4ml")
    if not target.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=target.parent))
        source = Path(spec.origin).parent / "templates" / "vivado" / "ap_types"
        for header in source.glob("ap_*.h"):
            shutil.copy(header, scratch)
        shutil.copytree(source / "etc", scratch / "etc")
        try:
            os.rename(scratch, target)
        except OSError:  # another process was faster
            shutil.rmtree(scratch)
    return target
