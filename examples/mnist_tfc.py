"""Compile a trained binary MNIST network, check it in simulation, and classify digits.

python examples/mnist_tfc.py
"""

from pathlib import Path

import numpy as np

import bitwright

MODELS = Path(__file__).parent.parent / "tests" / "models"

design = bitwright.compile(MODELS / "tfc_1w1a.onnx", "build/tfc_1w1a", board="pynq", target_fps=100_000)
m = design.manifest
print(f"{m['frame_cycles']} cycles a frame, {m['latency_cycles']} of latency, about {m['estimate']['lut']:,} LUTs")

with np.load(MODELS / "tfc_1w1a.npz") as data:
    digits = data["in:0"]

reference = design.predict(digits)  # NumPy, exact
hardware = design.predict(digits, engine="rtl")  # the Verilog, in Verilator
assert (reference == hardware).all()
print("classes:", reference.argmax(axis=1).tolist())
