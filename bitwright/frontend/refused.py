"""Operators that are known and refused on purpose: the reason, and the way out."""

from __future__ import annotations

STATIC = "quantize with fixed scales, as onnxruntime's quantize_static does"
FIXED = "quantize activations and weights to integers in training or after it"
UNROLL = "unroll the recurrence, or end the model before it"

_DYNAMIC = "its scale is computed from each frame's own data"
_FLOAT_ACTIVATIONS = "only its weights are integers, its activations are floats"
_RECURRENT = "it has a state, and a frame has none"

REASONS: dict[str, tuple[str, str]] = {
    "DynamicQuantizeLinear": (_DYNAMIC, STATIC),
    "DynamicQuantizeMatMul": (_DYNAMIC, STATIC),
    "DynamicQuantizeLSTM": (_DYNAMIC, STATIC),
    "MatMulNBits": (_FLOAT_ACTIVATIONS, FIXED),
    "MatMulBnb4": (_FLOAT_ACTIVATIONS, FIXED),
    "MatMulFpQ4": (_FLOAT_ACTIVATIONS, FIXED),
    "GatherBlockQuantized": (_FLOAT_ACTIVATIONS, FIXED),
    "FloatQuant": ("it rounds to floats of few bits, which are no integers of one scale", FIXED),
    "RNN": (_RECURRENT, UNROLL),
    "GRU": (_RECURRENT, UNROLL),
    "LSTM": (_RECURRENT, UNROLL),
    "Loop": ("how often it runs is not fixed in the file", UNROLL),
    "Scan": (_RECURRENT, UNROLL),
    "NonZero": ("the shape of its result depends on the data", "end the model before it, on the host"),
    "NonMaxSuppression": ("the shape of its result depends on the data", "end the model before it, on the host"),
}
