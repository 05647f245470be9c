"""Keras, QKeras and HGQ2 models: `.h5` and `.keras` files as ONNX in memory, without TensorFlow or Keras."""

from .reader import SUFFIXES, read

__all__ = ["SUFFIXES", "read"]
