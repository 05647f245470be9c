"""Small Keras and QKeras networks with what the package predicts for seeded inputs: `python make_qkeras.py FOLDER [NAME …]`.

`all` for a name makes every one. Needs qkeras 0.9.0 and tensorflow 2.14
(`pip install qkeras==0.9.0 tensorflow-cpu==2.14.1 numpy==1.26.4 'pyparsing<3.2'`).
The straight-through terms of the quantizers, which are 0 but for float rounding, are switched off for the prediction.
"""

import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np
import qkeras as q
import tensorflow as tf
from squeeze import squeeze
from tensorflow.keras import layers as k
from tensorflow.keras.models import Model, Sequential

FRAMES = int(os.environ.get("FRAMES", "40"))


def functional(shape, build):
    x = k.Input(shape, name="in")
    return Model(x, build(x))


def conv_net():
    """Convolutions of every kind, batch normalization beside and inside of them, pooling, a residual sum."""

    def build(x):
        x = q.QActivation("quantized_bits(8,2,alpha=1.0)", name="q0")(x)
        x = q.QConv2D(4, 3, padding="same", name="c1", kernel_quantizer="quantized_bits(4,0,alpha='auto_po2')",
                      bias_quantizer="quantized_bits(6,1)")(x)  # fmt: skip
        x = k.BatchNormalization(name="bn")(x)
        y = x = q.QActivation("quantized_relu(4,1)", name="a1")(x)
        x = q.QDepthwiseConv2D(3, padding="same", name="dw", depthwise_quantizer="quantized_bits(4,0,1,alpha=1.0)",
                               bias_quantizer="quantized_bits(6,1)")(x)  # fmt: skip
        x = q.QActivation("quantized_bits(5,1)", name="a2")(x)
        x = k.Add(name="sum")([x, y])
        x = q.QActivation("quantized_relu(5,2)", name="a3")(x)
        x = k.MaxPooling2D(2, name="pool")(x)
        x = q.QConv2DBatchnorm(6, 3, name="c2", kernel_quantizer="quantized_bits(4,0,1,alpha=1.0)",
                               bias_quantizer="quantized_bits(8,2)")(x)  # fmt: skip
        x = q.QActivation("quantized_relu(4,2,negative_slope=0.25)", name="a4")(x)
        x = k.Flatten(name="flat")(x)
        x = q.QDense(5, name="d", kernel_quantizer="ternary(alpha=1.0)", bias_quantizer="quantized_bits(5,2)")(x)
        return q.QActivation("quantized_bits(8,3)", name="out")(x)

    return functional((8, 8, 2), build)


def separable_net():
    """Separable and folded depthwise convolutions, average pooling, 'same' with strides, what moves and joins."""

    def build(x):
        x = q.QActivation("quantized_bits(6,1)", name="q0")(x)
        x = k.ZeroPadding2D(((1, 0), (0, 2)), name="pad")(x)
        a = q.QSeparableConv2D(3, 3, strides=2, padding="same", name="sep", depthwise_quantizer="quantized_bits(4,0,1,alpha=1.0)",
                               pointwise_quantizer="quantized_bits(4,0,1,alpha=1.0)", bias_quantizer="quantized_bits(6,1)")(x)  # fmt: skip
        a = q.QActivation("quantized_bits(6,2)", name="a1")(a)
        b = q.QDepthwiseConv2DBatchnorm(3, strides=2, padding="same", name="dwbn",
                                        depthwise_quantizer="quantized_bits(4,0,1,alpha=1.0)",
                                        bias_quantizer="quantized_bits(8,2)")(x)  # fmt: skip
        b = q.QActivation("quantized_bits(6,2)", name="a2")(b)
        x = k.Concatenate(name="join")([a, b])
        x = q.QAveragePooling2D(
            2, name="ap", average_quantizer="quantized_bits(4,0)", activation="quantized_bits(6,2)"
        )(x)
        x = k.UpSampling2D((2, 1), name="up")(x)
        x = k.Cropping2D(((1, 0), (0, 1)), name="crop")(x)
        x = k.Permute((2, 1, 3), name="perm")(x)
        x = k.Reshape((-1, 5), name="shape")(x)
        x = q.QActivation("quantized_bits(6,2)", name="a3")(x)
        x = k.TimeDistributed(q.QDense(3, kernel_quantizer="quantized_bits(3,0,1,alpha=1.0)", bias_quantizer="quantized_bits(4,1)"),
                              name="td")(x)  # fmt: skip
        x = q.QActivation("quantized_relu(5,2)", name="a4")(x)
        x = k.GlobalAveragePooling1D(name="gap")(x)
        return q.QActivation("quantized_relu(6,2)", name="out")(x)

    return functional((7, 6, 2), build)


def conv1d_net():
    """One dimension: dilation, causal padding, strides, pooling."""

    def build(x):
        x = q.QActivation("quantized_bits(6,1)", name="q0")(x)
        x = q.QConv1D(4, 3, dilation_rate=2, padding="causal", name="c1", kernel_quantizer="quantized_bits(4,0,1,alpha=1.0)",
                      bias_quantizer="quantized_bits(6,1)", activation="quantized_relu(4,1)")(x)  # fmt: skip
        x = q.QConv1D(3, 4, strides=2, padding="same", name="c2", kernel_quantizer="quantized_po2(4, 1)",
                      bias_quantizer="quantized_bits(6,1)", use_bias=False)(x)  # fmt: skip
        x = q.QActivation("quantized_relu(4,2)", name="a2")(x)
        x = k.MaxPooling1D(2, padding="same", name="mp")(x)
        x = k.AveragePooling1D(2, padding="same", name="ap")(x)
        x = k.GlobalMaxPooling1D(name="gm")(x)
        return q.QActivation("quantized_relu(6,2)", name="out")(x)

    return functional((15, 3), build)


def dense_of(kernel, activation="quantized_relu(5,2)", bias="quantized_bits(5,1)"):
    """A dense layer with that kernel quantizer and that activation behind it."""

    def build(x):
        x = q.QActivation("quantized_bits(6,1)", name="q0")(x)
        x = q.QDense(7, name="d", kernel_quantizer=kernel, bias_quantizer=bias)(x)
        x = q.QActivation(activation, name="out")(x)
        return k.Dropout(0.5, name="drop")(x)

    return lambda: functional((9,), build)


def bn_net():
    """QBatchNormalization with its default quantizers, and the merges."""

    def build(x):
        x = q.QActivation("quantized_bits(6,1)", name="q0")(x)
        y = q.QDense(6, name="d1", kernel_quantizer="quantized_bits(4,0,1,alpha=1.0)", use_bias=False)(x)
        y = q.QBatchNormalization(name="bn")(y)
        y = q.QActivation("quantized_bits(5,2)", name="a1")(y)
        z = q.QDense(6, name="d2", kernel_quantizer="binary(alpha=1.0)", bias_quantizer="quantized_bits(4,0)")(x)
        z = q.QActivation("quantized_tanh(5)", name="a2")(z)
        x = k.Multiply(name="mul")([y, z])
        x = k.Subtract(name="sub")([x, y])
        return q.QActivation("quantized_bits(8,4)", name="out")(x)

    return functional((9,), build)


def separable1d_net():
    """Separable convolutions in one dimension, poolings with quantized averages."""

    def build(x):
        kernels = {f"{n}_quantizer": "quantized_bits(4,0,1,alpha=1.0)" for n in ("depthwise", "pointwise")}
        x = q.QActivation("quantized_bits(6,1)", name="q0")(x)
        x = q.QSeparableConv1D(
            5, 3, strides=2, padding="same", name="s1", bias_quantizer="quantized_bits(6,1)", **kernels
        )(x)
        x = q.QActivation("quantized_bits(6,2)", name="a1")(x)
        x = q.QSeparableConv1D(4, 2, padding="valid", depth_multiplier=2, name="s2", use_bias=False, **kernels)(x)
        x = q.QActivation("quantized_bits(6,2)", name="a2")(x)
        x = k.Reshape((1, -1, 4), name="shape")(x)
        y = k.MaxPooling2D((1, 2), strides=1, name="mp")(x)
        x = q.QAveragePooling2D((1, 2), strides=1, name="ap", average_quantizer="quantized_bits(6,0)",
                                activation="quantized_bits(6,2)")(x)  # fmt: skip
        x = k.Concatenate(name="join")([x, y])
        x = q.QGlobalAveragePooling2D(average_quantizer="quantized_bits(8,0)", name="gap")(x)
        return q.QActivation("quantized_relu(6,2)", name="out")(x)

    return functional((12, 3), build)


def transposed_net():
    """Transposed convolutions with kernels wider, narrower and as wide as their strides; a smooth enlargement."""

    def build(x):
        x = q.QActivation("quantized_bits(6,1)", name="q0")(x)
        x = q.QConv2DTranspose(3, 3, strides=2, padding="same", name="t1", kernel_quantizer="quantized_bits(4,0,1,alpha=1.0)",
                               bias_quantizer="quantized_bits(6,1)")(x)  # fmt: skip
        x = q.QActivation("quantized_relu(4,1)", name="a1")(x)
        x = q.QConv2DTranspose(2, (2, 3), strides=(3, 1), padding="valid", name="t2", use_bias=False,
                               kernel_quantizer="quantized_bits(4,0,1,alpha='auto_po2')")(x)  # fmt: skip
        x = q.QActivation("quantized_bits(5,1)", name="a2")(x)
        x = q.QConv2DTranspose(2, 1, strides=2, padding="same", name="t3", kernel_quantizer="quantized_bits(4,0,1,alpha=1.0)",
                               bias_quantizer="quantized_bits(6,1)")(x)  # fmt: skip
        x = q.QActivation("quantized_bits(5,2)", name="a3")(x)
        x = k.UpSampling2D((1, 2), interpolation="bilinear", name="up")(x)
        return q.QActivation("quantized_bits(8,3)", name="out")(x)

    return functional((2, 3, 2), build)


def dense_batchnorm_net():
    def build(x):
        from qkeras.qdense_batchnorm import QDenseBatchnorm

        x = q.QActivation("quantized_bits(6,1)", name="q0")(x)
        x = QDenseBatchnorm(
            6, name="d1", kernel_quantizer="quantized_bits(5,1,1,alpha=1.0)", bias_quantizer="quantized_bits(8,3)"
        )(x)
        x = q.QActivation("quantized_relu(4,2)", name="a1")(x)
        x = QDenseBatchnorm(4, name="d2", use_bias=False, kernel_quantizer="quantized_bits(4,0,1,alpha='auto_po2')",
                            bias_quantizer="quantized_bits(8,3)")(x)  # fmt: skip
        return q.QActivation("quantized_bits(8,3)", name="out")(x)

    return functional((9,), build)


def nested_net():
    """Models inside of the model, with layers of the same names, one of them called twice."""

    def layers(units):
        return [q.QDense(units, kernel_quantizer="quantized_bits(4,0,1,alpha=1.0)", bias_quantizer="quantized_bits(4,1)", name="d1"),
                q.QActivation("quantized_relu(4,2)", name="a1")]  # fmt: skip

    inner = Model(source := k.Input((6,), name="source"), Sequential(layers(6), name="deep")(source), name="inner")
    tail = Sequential([k.Input((6,)), *layers(4)], name="tail")

    def build(x):
        x = q.QActivation("quantized_bits(6,1)", name="q0")(x)
        return q.QActivation("quantized_bits(6,2)", name="out")(tail(inner(inner(x))))

    return functional((6,), build)


def float_net():
    """Plain Keras, sequential."""
    return Sequential(
        [k.Conv2D(3, 3, activation="relu", input_shape=(6, 6, 1), name="c"), k.BatchNormalization(name="bn"),
         k.LeakyReLU(0.1, name="leaky"), k.GlobalAveragePooling2D(name="gap"), k.Dense(4, activation="softmax", name="d")]
    )  # fmt: skip


def float_line_net():
    """Plain Keras in one dimension, with a model inside."""
    inner = Sequential(
        [k.Conv1DTranspose(3, 3, strides=2, padding="same", name="c", input_shape=(6, 6)), k.ELU(name="elu")],
        name="inner",
    )
    return Sequential(
        [k.DepthwiseConv1D(3, depth_multiplier=2, padding="same", input_shape=(6, 3), name="dw"), inner,
         k.SeparableConv1D(4, 3, strides=2, name="sep"), k.AveragePooling1D(2, name="ap"), k.GlobalMaxPooling1D(name="gmp"),
         k.Dense(4, activation="sigmoid", name="d")]
    )  # fmt: skip


KERNELS = {
    "auto": "quantized_bits(4,0,alpha='auto')", "auto_po2": "quantized_bits(4,1,alpha='auto_po2')", "array": None,
    "plain": "quantized_bits(5,1,alpha=1.0)", "unsigned": "quantized_bits(4,0,keep_negative=False,alpha=0.3)",
    "one_bit": "quantized_bits(1,0,alpha=1.0)", "binary": "binary(alpha=0.5)", "binary_po2": "binary()",
    "binary_01": "binary(use_01=True,alpha=1.0)", "binary_auto": "binary(alpha='auto')",
    "ternary": "ternary(alpha=1.0,threshold=0.2)", "ternary_po2": "ternary()", "ternary_auto": "ternary(alpha='auto')",
    "po2": "quantized_po2(4)", "po2_max": "quantized_po2(4, 1, quadratic_approximation=True)",
    "relu_po2": "quantized_relu_po2(3, 1)", "rounding": "quantized_bits(4,0,alpha='auto_po2',use_stochastic_rounding=True)",
}  # fmt: skip
ACTIVATIONS = {
    "bits": "quantized_bits(5,2,1)", "bits_alpha": "quantized_bits(5,1,alpha=0.75)", "bits_unsigned": "quantized_bits(4,2,keep_negative=False)",
    "sign": "quantized_bits(1,0)", "act_binary": "binary()", "act_binary_01": "binary(use_01=True,alpha=0.5)",
    "act_ternary": "ternary()", "act_ternary_half": "ternary(alpha=2.0,threshold=0.5)", "relu": "quantized_relu(3,2)",
    "relu_leaky": "quantized_relu(6,2,negative_slope=0.5)", "relu_sigmoid": "quantized_relu(4,1,1)",
    "tanh": "quantized_tanh(4)", "tanh_symmetric": "quantized_tanh(4,symmetric=True)", "tanh_real": "quantized_tanh(6,use_real_tanh=True)",
    "sigmoid": "quantized_sigmoid(4)", "sigmoid_symmetric": "quantized_sigmoid(3,symmetric=True)",
    "sigmoid_real": "quantized_sigmoid(6,use_real_sigmoid=True)", "hswish": "quantized_hswish(6,2)", "hard_sigmoid": "hard_sigmoid",
    "smooth_tanh": "smooth_tanh", "binary_tanh": "binary_tanh", "hard_tanh": "hard_tanh", "binary_sigmoid": "binary_sigmoid",
}  # fmt: skip


def _array_kernel():
    return q.quantized_bits(4, 0, 1, alpha=np.array([[0.5, 1, 2, 1, 0.25, 1, 1]]))


MODELS = {
    "qk_conv": conv_net, "qk_separable": separable_net, "qk_conv1d": conv1d_net, "qk_bn": bn_net,
    "qk_separable1d": separable1d_net, "qk_nested": nested_net, "qk_transposed": transposed_net, "qk_dense_batchnorm": dense_batchnorm_net,
    **{f"qk_kernel_{n}": (lambda v=v: dense_of(v or _array_kernel())()) for n, v in KERNELS.items()},
    **{f"qk_act_{n}": dense_of("quantized_bits(4,0,1,alpha=1.0)", v) for n, v in ACTIVATIONS.items()},
    "qk_nested_h5": nested_net, "keras_float": float_net, "keras_float_line": float_line_net,
}  # fmt: skip
# Neither package runs all of them: causal padding and arrays fail on Keras 3, transposed convolutions on Keras 2,
# which has no QDenseBatchnorm.
LACKING = ("qk_conv1d", "qk_kernel_array") if hasattr(tf.keras, "version") else ("qk_transposed", "qk_dense_batchnorm")
STORED = {"qk_conv": ".h5", "qk_separable": ".keras", "qk_conv1d": ".keras", "qk_bn": ".h5", "qk_kernel_auto": ".h5",
          "qk_kernel_array": ".h5", "qk_kernel_ternary_po2": ".keras", "qk_act_relu_leaky": ".keras",
          "qk_act_hswish": ".h5", "keras_float": ".keras", "qk_separable1d": ".h5", "qk_nested": ".keras", "qk_nested_h5": ".h5",
          "keras_float_line": ".h5", "qk_transposed": ".keras",
          "qk_dense_batchnorm": ".h5"}  # fmt: skip
"""What lies beside this script; QKeras 0.9.0 writes array parameters to .h5 alone."""


def randomised(model, rng):
    """Weights of a plausible size, none of which is a default."""
    for layer in model.layers:
        for variable in layer.weights:
            name, shape = variable.name, tuple(variable.shape)
            if "variance" in name:
                variable.assign(rng.uniform(0.3, 2.0, shape))
            elif "gamma" in name:
                variable.assign(rng.uniform(0.5, 1.5, shape))
            elif "float" in str(variable.dtype):
                variable.assign(rng.normal(0, 0.5, shape))


def without_straight_through(model):
    for layer in model.layers:
        layer = getattr(layer, "layer", layer)
        for found in [
            *getattr(layer, "quantizers", []),
            getattr(layer, "quantizer", None),
            getattr(layer, "activation", None),
        ]:
            if hasattr(found, "use_ste"):
                found.use_ste = False


def make(name, folder, suffixes):
    tf.keras.backend.clear_session()
    seed = sum(name.encode())
    tf.random.set_seed(seed)
    rng = np.random.default_rng(seed)
    model = MODELS[name]()
    randomised(model, rng)
    for suffix in suffixes:
        path = folder / f"{name}{suffix}"
        model.save(path)
        if suffix == ".keras":
            squeeze(path)
    without_straight_through(model)
    x = (rng.integers(-160, 161, (FRAMES, *model.input_shape[1:])) / 64).astype(np.float32)
    np.savez_compressed(folder / f"{name}.npz", x=x, y=np.asarray(model(x, training=False), np.float32))


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    everything = [name for name in MODELS if name not in LACKING]
    for name in everything if sys.argv[2:] == ["all"] else sys.argv[2:] or STORED:
        make(name, target, [STORED.get(name, ".h5")])
