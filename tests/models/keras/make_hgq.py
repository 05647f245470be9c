"""Small HGQ2 networks with what the package predicts for seeded inputs: `python make_hgq.py FOLDER [NAME …]`.

`all` for a name makes every one. Needs hgq2 and Keras 3 with a backend (`pip install hgq2==0.2.0 keras==3.15.1 jax h5py`).
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
from hgq.config import LayerConfigScope, QuantizerConfig, QuantizerConfigScope
from hgq.layers import (
    QAdd,
    QAveragePooling2D,
    QAveragePow2,
    QBatchNormalization,
    QBatchNormDense,
    QConv1D,
    QConv2D,
    QDense,
    QGlobalAveragePooling2D,
    QMaxPooling2D,
    QMultiply,
    QSubtract,
    Quantizer,
    QUnaryFunctionLUT,
)
from squeeze import squeeze

k = keras.layers
FRAMES = int(os.environ.get("FRAMES", "40"))


def scoped(build, shape, **datalane):
    """A functional model whose activations have formats of that kind."""

    def model():
        with (
            QuantizerConfigScope(place="datalane", **({"heterogeneous_axis": (-1,)} | datalane)),
            LayerConfigScope(enable_ebops=True),
        ):
            x = k.Input(shape, name="in")
            return keras.Model(x, build(x))

    return model


def conv(x):
    x = QConv2D(4, 3, padding="same", activation="relu", name="c1")(x)
    x = QMaxPooling2D(2, name="mp")(x)
    y = QConv2D(4, 1, name="c2")(x)
    x = QAdd(name="sum")([x, y])
    x = k.Flatten(name="flat")(x)
    x = QBatchNormDense(6, activation="relu", name="bnd")(x)
    return QDense(3, name="d", enable_oq=True)(x)


def one_dimension(x):
    x = Quantizer(QuantizerConfig("kif", "datalane", i0=2, f0=3, overflow_mode="SAT", round_mode="RND_CONV"), name="q")(
        x
    )
    x = QConv1D(4, 3, strides=2, padding="same", activation="relu", name="c1")(x)
    x = QBatchNormalization(name="bn")(x)
    x = QConv1D(3, 3, padding="causal", dilation_rate=2, use_bias=False, name="c2")(x)
    return QDense(3, name="d", enable_oq=True)(x)


def merges(x):
    x = Quantizer(QuantizerConfig("kif", "datalane", i0=2, f0=3), name="q")(x)
    a, b = QDense(5, name="a")(x), QDense(5, name="b", activation="relu")(x)
    s, m = QSubtract(name="s")([a, b]), QMultiply(name="m")([a, b])
    return QAveragePow2(name="mean", enable_oq=True)([s, m])


def plus(x):
    x = Quantizer(QuantizerConfig("kbi", "datalane", b0=6, i0=2), name="q")(x)
    return QAdd(name="s", enable_oq=True)([x, k.ReLU(name="r")(x)])


def pools(x):
    x = QConv2D(3, 3, groups=1, strides=(2, 1), name="c1")(x)
    x = QAveragePooling2D(2, strides=1, padding="same", name="ap")(x)
    x = QGlobalAveragePooling2D(name="gap")(x)
    x = QUnaryFunctionLUT("tanh", name="t")(x)
    return QDense(3, name="d", enable_oq=True)(x)


def channels_first(x):
    how = {"data_format": "channels_first"}
    x = QConv2D(3, 3, padding="same", strides=2, name="c1", **how)(x)
    y = QMaxPooling2D(2, strides=1, padding="same", name="mp", **how)(x)
    x = QAveragePooling2D(2, strides=1, padding="same", name="ap", **how)(x)
    x = QAdd(name="sum")([x, y])
    x = QBatchNormalization(axis=1, name="bn")(k.ZeroPadding2D(((1, 0), (0, 1)), name="pad", **how)(x))
    x = k.Flatten(name="flat", **how)(
        k.Cropping2D(((1, 0), (0, 1)), name="crop", **how)(k.UpSampling2D(2, name="up", **how)(x))
    )
    return QDense(3, name="d", enable_oq=True)(x)


def dense(x):
    x = QDense(8, activation="relu", name="d1")(x)
    return QDense(4, name="d2", enable_oq=True)(x)


SHAPES = {
    conv: (6, 6, 2),
    one_dimension: (9, 2),
    merges: (7,),
    plus: (5,),
    pools: (7, 6, 2),
    dense: (10,),
    channels_first: (2, 5, 6),
}
MODELS = {
    **{f"hgq_{build.__name__}": scoped(build, shape) for build, shape in SHAPES.items()},
    "hgq_channels_first": scoped(channels_first, SHAPES[channels_first], heterogeneous_axis=()),
    "hgq_element": scoped(conv, (6, 6, 2), heterogeneous_axis=None, homogeneous_axis=(0,)),
    "hgq_tensor": scoped(conv, (6, 6, 2), heterogeneous_axis=()),
    "hgq_kbi": scoped(dense, (10,), default_q_type="kbi"),
    **{f"hgq_{r}_{o}".lower(): scoped(dense, (10,), round_mode=r, overflow_mode=o)
       for r in ("RND", "RND_CONV", "TRN", "TRN_ZERO", "RND_INF") for o in ("WRAP", "SAT", "SAT_SYM")
       if not r.endswith(("ZERO", "INF")) or o == "SAT"},
}  # fmt: skip
STORED = {"hgq_conv": ".keras", "hgq_one_dimension": ".keras", "hgq_merges": ".keras", "hgq_plus": ".h5", "hgq_pools": ".keras",
          "hgq_element": ".keras", "hgq_channels_first": ".keras", "hgq_rnd_conv_sat_sym": ".h5", "hgq_trn_wrap": ".keras"}  # fmt: skip


def randomised(model, rng):
    """Formats of few bits that differ, some without any, and weights of which some overflow."""
    for variable in model.variables:
        name, shape = variable.path.rsplit("/", 1)[-1], tuple(variable.shape)
        weight = "_kq/" in variable.path or "_bq/" in variable.path
        if name in ("kernel", "bias", "bn_beta", "moving_mean"):
            variable.assign(rng.normal(0, 0.5, shape))
        elif name in ("bn_gamma", "moving_variance"):
            variable.assign(rng.uniform(0.5, 1.5, shape))
        elif name == "b":
            variable.assign(rng.integers(0, 6, shape) if weight else rng.integers(2, 7, shape))
        elif name == "f":
            variable.assign(rng.integers(1, 5, shape) - 3 * (rng.random(shape) < 0.1))
        elif name == "i":
            variable.assign(rng.integers(-1, 2, shape) if weight else rng.integers(0, 4, shape))
        elif name == "k" and not weight:
            variable.assign(rng.random(shape) < 0.8)


def make(name, folder, suffixes):
    keras.utils.clear_session()
    seed = sum(name.encode())
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    model = MODELS[name]()
    randomised(model, rng)
    for suffix in suffixes:
        path = folder / f"{name}{suffix}"
        model.save(path)
        if suffix == ".keras":
            squeeze(path)
    x = (rng.integers(-300, 301, (FRAMES, *model.input_shape[1:])) / 64).astype(np.float32)
    y = np.asarray(keras.ops.convert_to_numpy(model(x, training=False)), np.float32)
    np.savez_compressed(folder / f"{name}.npz", x=x, y=y)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for name in MODELS if sys.argv[2:] == ["all"] else sys.argv[2:] or STORED:
        make(name, target, [STORED.get(name, ".keras")])
