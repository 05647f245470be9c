"""From an exporter's own package to the integers: the files are made there and then, and judged.

Packages that cannot live in one environment have one each, `build/exporters/NAME` (`make test-exporters` makes them);
the package in the environment of the tests themselves will do as well.
"""

import importlib.util
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from bitwright import compile
from bitwright.frontend.compare import compare
from bitwright.frontend.reader import import_model
from tests.frontend.test_real_networks import boundary, wire_codes

ROOT = Path(__file__).parents[2]
FRAMES = 200
JUDGED = 40
"""Frames of which every quantizer is compared with the float runtime."""


def python_of(environment, package):
    """The interpreter that has the package; skips the test if there is none."""
    own = ROOT / "build" / "exporters" / environment / "bin" / "python"
    if own.exists():
        return own
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed: `make test-exporters` makes build/exporters/{environment}")
    return sys.executable


def made(factory, environment, package, script, *names):
    """The folder of what `script` makes, once for all processes of a test run."""
    python = python_of(environment, package)
    shared = factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent
    folder = shared / f"{environment}-{Path(script).stem}"
    with FileLock(f"{folder}.lock"):
        if not (folder / "done").exists():
            environ = os.environ | {"FRAMES": str(FRAMES), "PYTHONPATH": "", "PYTHONWARNINGS": "ignore"}
            ran = subprocess.run([python, str(ROOT / script), str(folder), *names], env=environ, timeout=1800,
                                 capture_output=True, text=True, errors="replace")  # fmt: skip
            assert ran.returncode == 0, ran.stderr[-3000:]
            (folder / "done").touch()
    return folder


def judge(path, stored, steps=0, input_type=None):
    """The integers give what the package computed, but for at most `steps` of the output; and what the file means is
    what a float runtime makes of it, every difference explained."""
    imported = import_model(path, input_type=input_type)
    with np.load(stored) as data:
        x, y = data["x"], data["y"]
    assert len(x) >= FRAMES and len(np.unique(y)) > 1
    found = boundary(imported).decode(wire_codes(imported, x)).astype(np.float64)
    apart = np.abs(found - y.reshape(found.shape)).max()
    assert apart <= steps * step(imported) + 2.0**-20 * np.abs(y).max(), apart
    runtime = compare(imported, x[:JUDGED])
    assert runtime.elements > 0 and runtime.unexplained == 0, runtime


def step(imported):
    """The greatest step between two output values."""
    rule = imported.boundary["output"]["decode"]
    return 1.0 if rule["kind"] == "integer" else max(abs(float(Fraction(s))) for s in rule["scale"])


def build(path, stored, folder, input_type=None):
    """The network is compiled, simulated on two frames, and predicts what was judged."""
    design = compile(path, folder / "build", board="pynq", target_fps=1000, input_type=input_type)
    assert design.verify(samples=2).ok
    imported = import_model(path, input_type=input_type)
    with np.load(stored) as data:
        x = data["x"]
    expected = boundary(imported).decode(wire_codes(imported, x))
    np.testing.assert_array_equal(design.predict(x), expected.reshape(len(x), *design.predict(x).shape[1:]))
