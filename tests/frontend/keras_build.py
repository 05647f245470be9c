"""Keras files made by hand, so that each can have one fault."""

import io
import json
import zipfile

import h5py
import numpy as np


def layer(kind, name, *operands, build=None, **config):
    """One layer of a functional model, in the form of Keras 3."""
    tensors = [{"class_name": "__keras_tensor__", "config": {"keras_history": [o, 0, 0]}} for o in operands]
    args = [tensors] if len(tensors) > 1 else tensors
    nodes = [{"args": args, "kwargs": {}}] if operands else []
    found = {"class_name": kind, "name": name, "config": {"name": name} | config, "inbound_nodes": nodes}
    return found | ({"build_config": build} if build else {})


def functional(layers, inputs=("in",), outputs=None):
    ends = [outputs or layers[-1]["name"]] if isinstance(outputs or layers[-1]["name"], str) else outputs
    return {
        "class_name": "Functional",
        "config": {
            "name": "net",
            "layers": layers,
            "input_layers": [[n, 0, 0] for n in inputs],
            "output_layers": [[n, 0, 0] for n in ends],
        },
    }


def start(*shape, name="in"):
    return layer("InputLayer", name, batch_shape=[None, *shape], dtype="float32")


def weights(arrays):
    """The HDF5 part, from path → array, or path → a function that makes the dataset in its group."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for path, array in arrays.items():
            group, name = path.rsplit("/", 1)
            if callable(array):
                array(file.require_group(group), name)
            else:
                file.require_group(group).create_dataset(name, data=array)
    return buffer.getvalue()


def archive(config, arrays=None, **members):
    """A .keras file; `members` replace or add files."""
    buffer = io.BytesIO()
    text = config if isinstance(config, str | bytes) else json.dumps(config)
    content = {"config.json": text, "model.weights.h5": weights(arrays or {})} | members
    with zipfile.ZipFile(buffer, "w") as file:
        for name, data in content.items():
            if data is not None:
                file.writestr(name, data)
    return buffer.getvalue()


def quantized_bits(bits=4, integer=1, **more):
    return {"class_name": "quantized_bits", "config": {"bits": bits, "integer": integer, "alpha": None} | more}


def dense(units=3, inputs=2, quantizer=None, **more):
    """A network of one quantized layer: its file's configuration and arrays."""
    layers = [
        start(inputs),
        layer("QActivation", "q", "in", activation="quantized_bits(4,1)"),
        layer("QDense", "d", "q", units=units, use_bias=True,
              kernel_quantizer=quantizer or quantized_bits(alpha=1.0), bias_quantizer=quantized_bits(), **more),
    ]  # fmt: skip
    arrays = {
        "layers/q_dense/vars/0": np.ones((inputs, units), np.float32),
        "layers/q_dense/vars/1": np.zeros(units, np.float32),
    }
    return functional(layers), arrays
