"""Float networks on scikit-learn's digits: quantised by `--calibration` and by onnxruntime's quantize_static, same data.

    python -m benchmarks.calibration [--json FILE] [PART OF A NAME …]

needs `pip install scikit-learn` besides. The MLP is trained; the convolutional networks have random, normalised layers
and a trained last one. Accuracy and signal to noise are of the 597 digits that neither training nor calibration saw:
ours of the exact integers that the hardware computes, onnxruntime's with all graph optimisations off.
"""

from __future__ import annotations

import argparse
import json
import logging
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper
from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

import bitwright

TRAINED, CALIBRATED = 1200, 256
OURS: dict[str, dict[str, Any]] = {
    "8 bits": {},
    "8 bits, min/max": {"ranges": "minmax"},
    "8 bits, powers of two": {"scales": "power-of-two"},
    "8 bits, per tensor": {"per_tensor": True},
    "per tensor, equalised": {"per_tensor": True, "equalise": True},
    "6 bits": {"weight_bits": 6, "activation_bits": 6},
    "4 bits": {"weight_bits": 4, "activation_bits": 4},
    "4 bits, min/max": {"weight_bits": 4, "activation_bits": 4, "ranges": "minmax"},
    "4 bits, biases as they are": {"weight_bits": 4, "activation_bits": 4, "bias_correction": False},
    "3-bit weights": {"weight_bits": 3},
}
THEIRS = {
    "minmax": CalibrationMethod.MinMax,
    "percentile": CalibrationMethod.Percentile,
    "entropy": CalibrationMethod.Entropy,
}


class Builder:
    """A float network, node by node; `relevel` measures what it normalises on the training data."""

    def __init__(self, frame: tuple[int, ...], x: np.ndarray, seed: int) -> None:
        self.frame, self.x, self.rng, self.nodes, self.constants = frame, x, np.random.default_rng(seed), [], []

    def constant(self, value: np.ndarray) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value, np.float32), name))
        return name

    def node(self, op_type: str, *inputs: str, **attributes) -> str:
        name = f"{op_type.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(op_type, inputs, [name], name, **attributes))
        return name

    def conv(self, x: str, inputs: int, outputs: int, *, group: int = 1, kernel: int = 3, stride: int = 1) -> str:
        """A random convolution, and the normalization that gives each channel on the data a scale of its own."""
        w = self.rng.normal(size=(outputs, inputs // group, kernel, kernel))
        y = self.node("Conv", x, self.constant(w), group=group, pads=[kernel // 2] * 4, strides=[stride] * 2)
        seen = self.run(y)
        mean, var = seen.mean(axis=(0, 2, 3)), seen.var(axis=(0, 2, 3))
        gain = self.rng.uniform(0.3, 3.0, outputs)  # trained networks have as uneven channels
        return self.node(
            "BatchNormalization", y, *map(self.constant, (gain, self.rng.normal(size=outputs) * 0.3, mean, var))
        )

    def classify(self, x: str, labels: np.ndarray) -> None:
        """A last layer by least squares, with a little decay."""
        features = self.run(x).reshape(len(self.x), -1)
        wide = np.concatenate([features, np.ones((len(features), 1))], axis=1)
        wanted = np.eye(10)[labels] * 2 - 1
        w = np.linalg.solve(wide.T @ wide + 1.0 * np.eye(wide.shape[1]), wide.T @ wanted)
        self.node("Gemm", self.node("Flatten", x), self.constant(w[:-1]), self.constant(w[-1]))

    def run(self, output: str) -> np.ndarray:
        return execute(self.model(output), self.x)

    def model(self, output: str | None = None) -> onnx.ModelProto:
        name = output or self.nodes[-1].output[0]
        x = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [None, *self.frame])
        y = helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
        graph = helper.make_graph(self.nodes, "digits", [x], [y], self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def mlp(x: np.ndarray, labels: np.ndarray) -> onnx.ModelProto:
    trained = MLPClassifier((64, 32), max_iter=60, random_state=0).fit(x.reshape(len(x), -1), labels)
    net, here = Builder((1, 8, 8), x, 0), "x"
    here = net.node("Flatten", here)
    for index, (w, b) in enumerate(zip(trained.coefs_, trained.intercepts_)):
        here = net.node("Gemm", here, net.constant(w), net.constant(b))
        here = net.node("Relu", here) if index < 2 else here
    return net.model()


def cnn(x: np.ndarray, labels: np.ndarray) -> onnx.ModelProto:
    net = Builder((1, 8, 8), x, 1)
    here = net.node("Relu", net.conv("x", 1, 16))
    here = net.node("MaxPool", here, kernel_shape=[2, 2], strides=[2, 2])
    net.classify(net.node("Relu", net.conv(here, 16, 32)), labels)
    return net.model()


def residual(x: np.ndarray, labels: np.ndarray) -> onnx.ModelProto:
    net = Builder((1, 8, 8), x, 2)
    here = net.node("Relu", net.conv("x", 1, 16))
    for _ in range(2):
        inner = net.conv(net.node("Relu", net.conv(here, 16, 16)), 16, 16)
        here = net.node("Relu", net.node("Add", inner, here))
    net.classify(net.node("AveragePool", here, kernel_shape=[2, 2], strides=[2, 2]), labels)
    return net.model()


def depthwise(x: np.ndarray, labels: np.ndarray) -> onnx.ModelProto:
    net = Builder((1, 8, 8), x, 3)
    here = net.node("Relu", net.conv("x", 1, 16))
    for wide, outputs, stride in ((16, 24, 1), (24, 32, 2)):
        here = net.node("Relu", net.conv(here, wide, wide, group=wide, stride=stride))
        here = net.node("Relu", net.conv(here, wide, outputs, kernel=1))
    net.classify(here, labels)
    return net.model()


NETWORKS: tuple[Callable[[np.ndarray, np.ndarray], onnx.ModelProto], ...] = (mlp, cnn, residual, depthwise)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration")
    parser.add_argument("names", nargs="*", help="parts of the networks' names")
    parser.add_argument("--json", type=Path, default=Path("build/calibration.json"))
    options = parser.parse_intermixed_args()
    logging.getLogger().setLevel(logging.ERROR)  # quantize_static advises on the root logger
    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.target))
    x, labels = (digits.images[order, None] / 16).astype(np.float32), digits.target[order]
    rows = {r["name"]: r for r in json.loads(options.json.read_text())["networks"]} if options.json.exists() else {}
    for make in NETWORKS:
        if options.names and not any(part in make.__name__ for part in options.names):
            continue
        rows[make.__name__] = {"name": make.__name__, **measure(make(x[:TRAINED], labels[:TRAINED]), x, labels)}
        print("\n".join(lines(rows[make.__name__])), flush=True)
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({"networks": list(rows.values())}, indent=1) + "\n")


def measure(model: onnx.ModelProto, x: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Every setting of both on the digits that are left."""
    samples, test, wanted = x[:CALIBRATED], x[TRAINED:], labels[TRAINED:]
    exact = execute(model, test)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "float.onnx"
        onnx.save(model, path)
        ours: dict[str, Any] = {}
        for name, options in OURS.items():
            design = bitwright.compile(path, Path(folder) / "build", calibration=samples, target_cycles=4096, **options)
            ours[name] = figures(design.predict(test), exact, wanted) | {"lut": design.manifest["estimate"]["lut"]}
        theirs: dict[str, Any] = {}
        ready = Path(folder) / "ready.onnx"  # BatchNormalization folded, as its documentation asks for
        quant_pre_process(path, ready, skip_symbolic_shape=True)
        for name, method in THEIRS.items():
            quantize_static(ready, Path(folder) / "q.onnx", Reader(samples), quant_format=QuantFormat.QDQ, per_channel=True,
                            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, calibrate_method=method)  # fmt: skip
            theirs[name] = figures(execute(onnx.load(Path(folder) / "q.onnx"), test), exact, wanted)
    return {"test": len(test), "float": {"accuracy": accuracy(exact, wanted)}, "bitwright": ours, "onnxruntime": theirs}


class Reader:
    """Samples as onnxruntime wants them, one by one."""

    def __init__(self, samples: np.ndarray) -> None:
        self.left = iter(samples)

    def get_next(self) -> dict[str, np.ndarray] | None:
        sample = next(self.left, None)
        return None if sample is None else {"x": sample[None]}


def execute(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    """In onnxruntime as the file says it: its default optimisations change int8 results."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0].astype(np.float64)


def figures(outputs: np.ndarray, exact: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    noise = ((outputs - exact) ** 2).sum()
    return {"accuracy": accuracy(outputs, labels), "sqnr_db": round(10 * np.log10((exact**2).sum() / noise), 2)}


def accuracy(outputs: np.ndarray, labels: np.ndarray) -> float:
    return round(float((outputs.argmax(axis=1) == labels).mean()), 4)


def lines(row: dict[str, Any]) -> list[str]:
    told = [f"{row['name']}: {row['float']['accuracy']:.2%} in floats"]
    for who in ("bitwright", "onnxruntime"):
        told += [f"  {who:12} {name:28} {f['accuracy']:.2%} {f['sqnr_db']:6.1f} dB" for name, f in row[who].items()]
    return told


if __name__ == "__main__":
    main()
