"""int8 TFLite files through tf2onnx, and QKeras models through qonnx's own converter."""

import pytest

from tests.exporters.route import build, judge, made

TFLITE = {"mlp": 0, "line": 0, "cnn": 2, "decoder": 2}
"""Steps of the output by which TFLite's kernels, which multiply by rounded integers, may be off."""
QONNX = ("q_mlp_2", "q_mlp_4", "q_mlp_8", "q_cnn", "q_cnn_6", "q_line")
INPUT = "fixed<6,2>"


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return made(tmp_path_factory, "tensorflow", "tf2onnx", "tests/exporters/make_tensorflow.py")


@pytest.mark.parametrize("suffix", ["", "_int8"])
@pytest.mark.parametrize("name", TFLITE)
def test_tflite(folder, name, suffix):
    judge(folder / f"{name}{suffix}.onnx", folder / f"{name}{suffix}.npz", TFLITE[name])


@pytest.mark.parametrize("name", QONNX)
def test_qkeras_through_qonnx(folder, name):
    judge(folder / f"{name}.onnx", folder / f"{name}.npz", input_type=INPUT)


@pytest.mark.parametrize(("name", "input_type"), [("cnn_int8", None), ("q_line", INPUT)])
def test_built(folder, tmp_path, name, input_type):
    build(folder / f"{name}.onnx", folder / f"{name}.npz", tmp_path, input_type)
