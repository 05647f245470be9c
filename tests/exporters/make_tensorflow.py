"""Small networks through TensorFlow: int8 TFLite files, which tf2onnx converts, and QKeras models, which qonnx converts,
with what TensorFlow computes for seeded inputs: `python make_tensorflow.py FOLDER`.

Needs what `tensorflow.txt` lists.
"""

import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np
import onnx
import qkeras as q
import tensorflow as tf
from tensorflow.keras import layers as k
from tensorflow.keras.models import Model

FRAMES = 240


def mlp(x):
    x = k.Dense(16, activation="relu")(x)
    x = k.Dense(12, activation="tanh")(x)
    return k.Dense(5, activation="softmax")(x)


def cnn(x):
    """Strides, padding, BatchNormalization, a depthwise convolution, a residual sum, pools."""
    x = k.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(x)
    x = y = k.ReLU()(k.BatchNormalization()(x))
    x = k.ReLU(6.0)(k.DepthwiseConv2D(3, padding="same")(x))
    x = k.Conv2D(8, 1)(x)
    x = k.MaxPooling2D(2)(k.ReLU()(k.Add()([x, y])))
    x = k.Concatenate()([x, k.AveragePooling2D(2)(y)])
    return k.Dense(4)(k.GlobalAveragePooling2D()(x))


def line(x):
    x = k.Conv1D(6, 5, strides=2, padding="same", activation="relu")(x)
    x = k.MaxPooling1D(2)(x)
    x = k.Conv1D(8, 3, padding="valid", activation="sigmoid")(x)
    return k.Dense(3)(k.Flatten()(x))


def decoder(x):
    x = k.Conv2D(4, 3, activation="relu")(k.ZeroPadding2D(1)(x))
    x = k.UpSampling2D(2)(x)
    x = k.Conv2DTranspose(3, 2, strides=2)(x)
    return k.LeakyReLU(0.1)(x)


TFLITE = {"mlp": ((10,), mlp), "cnn": ((8, 8, 3), cnn), "line": ((16, 2), line), "decoder": ((4, 4, 2), decoder)}


def q_mlp(x, bits=4):
    x = q.QDense(
        16, kernel_quantizer=q.quantized_bits(bits, 0, alpha=1.0), bias_quantizer=q.quantized_bits(bits, 0, alpha=1.0)
    )(x)
    x = q.QActivation(q.quantized_relu(bits, 2))(x)
    x = q.QDense(
        12, kernel_quantizer=q.quantized_bits(bits, 0, alpha=1.0), bias_quantizer=q.quantized_bits(bits, 0, alpha=1.0)
    )(x)
    x = q.QActivation(q.quantized_relu(bits + 2, 2))(x)
    return q.QDense(5, kernel_quantizer=q.ternary(alpha=1.0, threshold=0.5), use_bias=False)(x)


def q_cnn(x, bits=4):
    def weights():
        return q.quantized_bits(bits, 0, alpha=1.0)

    x = q.QConv2D(6, 3, strides=2, padding="same", kernel_quantizer=weights(), bias_quantizer=weights())(x)
    x = q.QActivation(q.quantized_relu(bits, 1))(x)
    x = k.MaxPooling2D(2)(x)
    return q.QDense(4, kernel_quantizer=q.binary(alpha=1.0), bias_quantizer=weights())(k.Flatten()(x))


def q_line(x):
    x = q.QConv1D(
        4, 3, kernel_quantizer=q.quantized_bits(3, 0, alpha=1.0), bias_quantizer=q.quantized_bits(6, 1, alpha=1.0)
    )(x)
    x = k.Flatten()(q.QActivation(q.quantized_relu(3, 1))(x))
    return q.QDense(
        3, kernel_quantizer=q.quantized_bits(6, 0, alpha=1.0), bias_quantizer=q.quantized_bits(6, 0, alpha=1.0)
    )(x)


QONNX = {
    "q_mlp_2": ((10,), lambda x: q_mlp(x, 2)), "q_mlp_4": ((10,), q_mlp), "q_mlp_8": ((10,), lambda x: q_mlp(x, 8)),
    "q_cnn": ((8, 8, 2), q_cnn), "q_cnn_6": ((8, 8, 2), lambda x: q_cnn(x, 6)), "q_line": ((10, 2), q_line),
}  # fmt: skip


def seeded(name, shape, build):
    tf.keras.backend.clear_session()
    seed = sum(name.encode())
    tf.keras.utils.set_random_seed(seed)
    x = k.Input(shape, name="x")
    model = Model(x, build(x))
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        for variable in layer.weights:
            if "variance" in variable.name or "gamma" in variable.name:
                variable.assign(rng.uniform(0.5, 1.5, variable.shape))
            elif "kernel" not in variable.name:
                variable.assign(rng.normal(0, 0.3, variable.shape))
    return model, rng


def make_tflite(name, folder):
    import tf2onnx.tfonnx  # noqa: F401

    shape, build = TFLITE[name]
    model, rng = seeded(name, shape, build)
    seen = rng.normal(0, 1, (100, 1, *shape)).astype(np.float32)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([frame] for frame in seen)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    for suffix, kind in (("", tf.float32), ("_int8", tf.int8)):
        converter.inference_input_type = converter.inference_output_type = kind
        flat = converter.convert()
        path = folder / f"{name}{suffix}.tflite"
        path.write_bytes(flat)
        x = rng.normal(0, 1, (FRAMES, *shape)).astype(np.float32)
        if suffix:
            x = rng.integers(-128, 128, x.shape, np.int8)
        np.savez_compressed(folder / f"{name}{suffix}.npz", x=x, y=interpreted(flat, x))
        os.system(
            f"{sys.executable} -m tf2onnx.convert --tflite {path} --opset 13 --output {path.with_suffix('.onnx')} 2>/dev/null"
        )


def interpreted(flat, x):
    interpreter = tf.lite.Interpreter(model_content=flat)
    interpreter.allocate_tensors()
    source, sink = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    rows = []
    for frame in x:
        interpreter.set_tensor(source, frame[None])
        interpreter.invoke()
        rows.append(interpreter.get_tensor(sink)[0])
    return np.stack(rows)


def make_qonnx(name, folder):
    """The converter drops every QActivation but of quantized_relu: the input has no quantizer."""
    from qonnx.converters import from_keras

    shape, build = QONNX[name]
    model, rng = seeded(name, shape, build)
    x = (rng.integers(-32, 32, (FRAMES, *shape)) / 16).astype(np.float32)
    np.savez_compressed(folder / f"{name}.npz", x=x, y=model.predict(x, verbose=0))
    onnx.save(from_keras(model, name=name, opset=13)[0], folder / f"{name}.onnx")


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[2:] or [*TFLITE, *QONNX]:
        (make_tflite if name in TFLITE else make_qonnx)(name, target)
