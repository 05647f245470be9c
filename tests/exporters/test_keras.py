"""Keras files of QKeras, QKeras on Keras 3, and HGQ2: read directly, equal to the last bit to what the packages predict."""

import numpy as np
import pytest

from bitwright.frontend import keras
from tests.exporters.route import build, judge, made

FOLDER = "tests/models/keras"
ROUTES = {"qkeras": ("tensorflow", "qkeras", "make_qkeras.py"), "qkeras_v3": ("qkeras_v3", "qkeras", "make_qkeras.py"),
          "hgq": ("hgq", "hgq", "make_hgq.py")}  # fmt: skip
BUILT = {"qkeras": "qk_kernel_plain.h5", "qkeras_v3": "qk_kernel_auto_po2.h5", "hgq": "hgq_kbi.keras"}


@pytest.fixture(scope="session", params=ROUTES)
def route(request, tmp_path_factory):
    environment, package, script = ROUTES[request.param]
    return request.param, made(tmp_path_factory, environment, package, f"{FOLDER}/{script}", "all")


def test_the_packages_predict_the_same(route):
    _, folder = route
    paths = sorted(p for p in folder.iterdir() if p.suffix in keras.SUFFIXES and not p.stem.startswith("keras_float"))
    assert len(paths) > 15
    for path in paths:
        judge(path, path.with_suffix(".npz"))


def test_built(route, tmp_path):
    name, folder = route
    path = folder / BUILT[name]
    build(path, path.with_suffix(".npz"), tmp_path)
    with np.load(path.with_suffix(".npz")) as stored:
        assert len(np.unique(stored["y"])) > 5
