"""Brevitas' QONNX and QCDQ exports."""

import pytest

from tests.exporters.route import build, judge, made

NETWORKS = ("mlp_w2a2", "mlp_w3a4", "mlp_w4a3", "mlp_w8a8", "mlp_channel", "mlp_po2", "mlp_shifted", "mlp_bias8", "mlp_bias32",
            "cnn", "cnn_channel", "cnn_po2", "cnn_int8", "line", "line_po2", "trunc", "curves", "binary")  # fmt: skip
ONLY_QONNX = ("trunc", "binary")


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return made(tmp_path_factory, "torch", "brevitas", "tests/exporters/make_brevitas.py")


@pytest.mark.parametrize("name", NETWORKS)
def test_qonnx(folder, name):
    judge(folder / f"{name}.qonnx.onnx", folder / f"{name}.npz")


@pytest.mark.parametrize("name", [n for n in NETWORKS if n not in ONLY_QONNX])
def test_qcdq(folder, name):
    judge(folder / f"{name}.qcdq.onnx", folder / f"{name}.npz")


@pytest.mark.parametrize(("name", "form"), [("line", "qonnx"), ("cnn", "qcdq")])
def test_built(folder, tmp_path, name, form):
    build(folder / f"{name}.{form}.onnx", folder / f"{name}.npz", tmp_path)
