"""What torch.onnx writes of fake_quantize, by its TorchScript and its dynamo exporter, and of eager quantized modules."""

import pytest

from tests.exporters.route import build, judge, made

NETWORKS = ("mlp", "mlp_channel", "cnn", "cnn_channel", "cnn_po2", "line")


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return made(tmp_path_factory, "torch", "torch", "tests/exporters/make_torch.py")


@pytest.mark.parametrize("exporter", ["script", "dynamo"])
@pytest.mark.parametrize("name", NETWORKS)
def test_fake_quantize(folder, name, exporter):
    judge(folder / f"{name}.{exporter}.onnx", folder / f"{name}.npz")


def test_eager_modules(folder):
    """PyTorch's kernels round the biases to integers, which the file does not say."""
    judge(folder / "eager.script.onnx", folder / "eager.npz", steps=1)


def test_built(folder, tmp_path):
    build(folder / "mlp_channel.dynamo.onnx", folder / "mlp_channel.npz", tmp_path)
