"""An independent evaluator of ONNX graphs in exact rational arithmetic, one frame at a time.

It shares nothing with the frontend: every tensor is an object array of Fraction, every operator its definition.
Nodes whose operands are all initialisers and that do not quantise are folded in NumPy, as a runtime would.
"""

import sys
from fractions import Fraction
from math import ceil, floor, log2

import ml_dtypes
import numpy as np
from onnx import helper, numpy_helper

from tests.frontend import onnx_functions, onnx_images

QUANTISERS = ("Quant", "BipolarQuant", "QuantizeLinear", "DequantizeLinear", "Trunc", "MultiThreshold")


def fractions(array):
    out = np.empty(np.shape(array), object)
    flat = out.reshape(-1)
    plain = np.asarray(array)
    plain = plain if plain.dtype.kind in "Oiufb" else plain.astype(np.float64)  # bfloat16, and integers of 4 bits
    flat[:] = [v if isinstance(v, Fraction) else Fraction(v) for v in plain.reshape(-1).tolist()]
    return out


def evaluate(model, frame):
    """All tensors for one frame, as Fractions; constants stay NumPy arrays until they meet a tensor."""
    values = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    values[model.graph.input[0].name] = fractions(frame)[None]
    opset = next((o.version for o in model.opset_import if o.domain == ""), 13)
    for node in model.graph.node:
        inputs = [values[i] if i else None for i in node.input]
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        plain = all(v is None or v.dtype != object for v in inputs)
        if plain and node.op_type not in QUANTISERS and node.op_type in FOLD:
            outputs = FOLD[node.op_type](attributes, *inputs)
        else:
            elems = [None if v is None else v.dtype for v in inputs]
            exact = [None if v is None else fractions(v) for v in inputs]
            outputs = operator(node.op_type)(attributes, *exact, elems=elems, opset=opset)
        values.update(zip(node.output, outputs if isinstance(outputs, tuple) else (outputs,)))
    return values


def operator(op_type):
    name = f"op_{op_type.lower()}"
    return next(vars(m)[name] for m in (sys.modules[__name__], onnx_images, onnx_functions) if name in vars(m))


FOLD = {
    "Add": lambda _, a, b: a + b, "Sub": lambda _, a, b: a - b, "Mul": lambda _, a, b: a * b,
    "Div": lambda _, a, b: a / b, "Pow": lambda _, a, b: a**b, "Transpose": lambda k, a: a.transpose(k.get("perm")),
    "Cast": lambda k, a: a.astype(helper.tensor_dtype_to_np_dtype(k["to"])), "Sqrt": lambda _, a: np.sqrt(a),
    "Constant": lambda k: numpy_helper.to_array(k["value"]), "Identity": lambda _, a: a,
    "Gather": lambda k, a, i: np.take(a, i, k.get("axis", 0)), "Concat": lambda k, *a: np.concatenate(a, k["axis"]),
    "Unsqueeze": lambda k, a, *x: np.expand_dims(a, tuple(k.get("axes", x[0] if x else ()))),
}  # fmt: skip


def obj(value):
    return np.asarray(value, object)


def op_shape(_, x, **__):
    return np.array(x.shape, np.int64)


def op_identity(_, x, **__):
    return x


def op_dropout(_, x, *__, **___):
    return x


def op_cast(_, x, **__):
    return x


def op_reshape(_, x, shape, **__):
    return x.reshape([x.shape[i] if d == 0 else int(d) for i, d in enumerate(shape)])


def op_flatten(k, x, **__):
    axis = k.get("axis", 1)
    return x.reshape(int(np.prod(x.shape[:axis], dtype=int)), -1)


def op_squeeze(k, x, *axes, **__):
    given = k.get("axes") or ([int(a) for a in axes[0]] if axes else None)
    return np.squeeze(x, None if given is None else tuple(given))


def op_unsqueeze(k, x, *axes, **__):
    return np.expand_dims(x, tuple(k.get("axes") or [int(a) for a in axes[0]]))


def op_transpose(k, x, **__):
    return x.transpose(k.get("perm"))


def op_add(_, a, b, **__):
    return obj(a + b)


def op_sub(_, a, b, **__):
    return obj(a - b)


def op_mul(_, a, b, **__):
    return obj(a * b)


def op_div(_, a, b, **__):
    return obj(a / b)


def op_neg(_, a, **__):
    return obj(-a)


def op_relu(_, a, **__):
    return obj(np.maximum(a, Fraction(0)))


def op_clip(k, a, low=None, high=None, **__):
    low = Fraction(k["min"]) if "min" in k else low
    high = Fraction(k["max"]) if "max" in k else high
    a = a if low is None else np.maximum(a, low)
    return obj(a if high is None else np.minimum(a, high))


def op_max(_, *v, **__):
    return obj(np.maximum.reduce(np.broadcast_arrays(*v)))


def op_min(_, *v, **__):
    return obj(np.minimum.reduce(np.broadcast_arrays(*v)))


def op_matmul(_, a, b, **__):
    return obj(np.matmul(a, b))


def op_gemm(k, a, b, c=None, **__):
    a = a.T if k.get("transA") else a
    b = b.T if k.get("transB") else b
    y = obj(a @ b) * Fraction(k.get("alpha", 1.0))
    return obj(y if c is None else y + c * Fraction(k.get("beta", 1.0)))


def op_batchnormalization(k, x, scale, bias, mean, var, **__):
    shape = (1, -1) + (1,) * (x.ndim - 2)
    inverse = [Fraction(1 / np.sqrt(np.float64(float(v)) + k.get("epsilon", 1e-5))) for v in var]
    parts = (obj(p).reshape(shape) for p in (scale, bias, mean, fractions(inverse)))
    scale, bias, mean, inverse = parts
    return obj((x - mean) * inverse * scale + bias)


def rounded(mode, t):
    """One number, by the definition of the mode."""
    size, sign = abs(t), (t > 0) - (t < 0)
    half = Fraction(1, 2)
    return {
        "ROUND": lambda: round(t), "HALF_EVEN": lambda: round(t), "CEIL": lambda: ceil(t), "FLOOR": lambda: floor(t),
        "UP": lambda: sign * ceil(size), "DOWN": lambda: sign * floor(size),
        "HALF_UP": lambda: sign * floor(size + half), "HALF_DOWN": lambda: sign * ceil(size - half),
    }[mode]()  # fmt: skip


def each(function, *arrays):
    shape = np.broadcast_shapes(*(a.shape for a in arrays))
    out = np.empty(shape, object)
    flat = [np.broadcast_to(a, shape).reshape(-1) for a in arrays]
    out.reshape(-1)[:] = [Fraction(function(*v)) for v in zip(*flat)]
    return out


def limits(bits, signed, narrow):
    power = np.float32(2) ** np.float32(float(bits) - signed)
    high = Fraction(float(power)) - 1 - (1 if narrow and not signed else 0)
    return (-Fraction(float(power)) + (1 if narrow else 0) if signed else Fraction(0)), high


def op_quant(k, x, scale, zero, bits, **__):
    mode = k.get("rounding_mode", b"ROUND").decode().upper()
    signed, bits = k.get("signed", 1), bits.reshape(-1)[0]
    low, high = limits(bits, signed, k.get("narrow", 1))

    def one(v, s, z):
        t = v / s + z
        if bits == 1 and signed:
            code = 1 if t >= 0 else -1
        else:
            code = rounded(mode, max(low, min(t, high)))
        return (code - z) * s

    return each(one, x, scale, zero)


def op_bipolarquant(_, x, scale, **__):
    return each(lambda v, s: s if v >= 0 else -s, x, scale)


def op_trunc(k, x, scale, zero, bits, *rest, **__):
    mode = k.get("rounding_mode", b"FLOOR").decode().upper()
    if len(rest) == 1:
        by = Fraction(2) ** int(bits.reshape(-1)[0] - rest[0].reshape(-1)[0])
        return each(lambda v, s, z: (rounded(mode, Fraction(round(v / s + z)) / by) - z) * s, x, scale, zero)
    low, high = limits(rest[1].reshape(-1)[0], k.get("signed", 1), k.get("narrow", 0))

    def one(v, s, z, out):
        by = Fraction(2) ** round(log2(out / s))
        t = max(low, min(Fraction(round(v / s + z)) / by, high))
        return (rounded(mode, t) - z / by) * out

    return each(one, x, scale, zero, rest[0])


def op_multithreshold(k, x, levels, **__):
    axis = (k.get("data_layout", b"").decode() or {2: "NC", 3: "NWC", 4: "NCHW"}[x.ndim]).index("C")
    out = np.empty(x.shape, object)
    scale, bias = Fraction(k.get("out_scale", 1.0)), Fraction(k.get("out_bias", 0.0))
    for index in np.ndindex(*x.shape):
        row = levels[index[axis] if len(levels) > 1 else 0]
        out[index] = scale * sum(x[index] >= level for level in row) + bias
    return out


def along(values, k, shape):
    """One number; one a block of the axis; or one for each of its places."""
    axis, block = k.get("axis", 1), k.get("block_size", 0)
    if values.ndim == 0:
        return values
    if block:
        return np.repeat(values, block, axis % len(shape)).take(range(shape[axis]), axis)
    return values.reshape([-1 if a == axis % len(shape) else 1 for a in range(len(shape))])


def op_quantizelinear(k, x, scale, zero=None, *, elems, **__):
    info = ml_dtypes.iinfo(np.uint8 if zero is None else elems[2])
    scale, zero = (along(fractions(0) if v is None else v, k, x.shape) for v in (scale, zero))
    return each(lambda v, s, z: max(int(info.min), min(round(v / s) + z, int(info.max))), x, scale, zero)


def op_dequantizelinear(k, x, scale, zero=None, **__):
    scale, zero = (along(fractions(0) if v is None else v, k, x.shape) for v in (scale, zero))
    return obj((x - zero) * scale)
