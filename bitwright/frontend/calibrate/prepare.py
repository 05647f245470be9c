"""What a float network is brought to before it is quantised: constants folded, what does nothing gone, layers in one form.

BatchNormalization goes into the layer before it, and a MatMul of vectors with the sum behind it becomes a Gemm.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ...errors import CompileError
from ..dense import weights_of
from ..elem import Elem
from ..model import Constant, OnnxNode
from ..registry import find
from .evaluate import RESHAPES, Evaluator, Floats, affine_of, reshaped
from .network import Network

EXACT_BITS = 8
WITHOUT_EFFECT = ("Identity", "Dropout")
LAYERS = ("Conv", "ConvTranspose", "Gemm", "MatMul")


def prepare(network: Network, sample: Floats) -> dict[str, tuple[int, ...]]:
    """Rewrite the network; `sample` is one input (1, *frame). Returns the shapes of what depends on the input."""
    shapes = _fold_constants(network, sample)
    for step in (_drop_idle, _as_gemm, _fold_factors, _fold_normalization):
        step(network, shapes)
        network.needed()
    return shapes


def is_quantized(constant: Constant, node: OnnxNode, bits: int) -> bool:
    """Whether weights in the file are signed integers of that width already, times a scale (for each output)."""
    if not constant.elem.is_float:
        return True
    rows = by_output(node, constant.array.astype(np.float32))
    try:
        codes = weights_of(Constant.of(rows), node.origin).codes
    except CompileError:
        return False
    return bool(np.abs(codes).max(initial=0) < 1 << (bits - 1))


def weight_name(network: Network, node: OnnxNode) -> str | None:
    """The weights of a layer, where they are plain numbers of the file."""
    return node.inputs[1] if node.inputs[1] in network.constants else None


def by_output(layer: OnnxNode, weights: np.ndarray) -> np.ndarray:
    """The weights as a matrix with a row for each output (for each output of a group, of a grouped ConvTranspose)."""
    axis = output_axis(layer, weights.ndim)
    return np.moveaxis(weights, axis, 0).reshape(weights.shape[axis], -1)


def _fold_constants(network: Network, sample: Floats) -> dict[str, tuple[int, ...]]:
    """Replace what does not depend on the input by its value; quantizers of constants stay."""
    evaluator, values, kept = Evaluator(network), {network.input.name: sample}, list[OnnxNode]()
    for node in network.nodes:
        constant = _constant(network, node, values)
        if constant is None:
            kept.append(node)
            evaluator(node, values)
        else:
            network.constants[node.outputs[0]] = constant
            evaluator.static[node.outputs[0]] = constant.array.astype(np.float64)
    network.nodes = kept
    return {name: v.shape for name, v in values.items()}


def _constant(network: Network, node: OnnxNode, values: dict[str, Floats]) -> Constant | None:
    if node.op_type == "Shape" and node.inputs[0] in values:
        shape = np.array(values[node.inputs[0]].shape, np.int64)
        return Constant.of(shape[node.attribute("start", int, 0) : node.attribute("end", int, None)])
    if node.op_type == "Size" and node.inputs[0] in values:
        return Constant.of(np.array(values[node.inputs[0]].size, np.int64))
    if node.op_type == "Constant":
        return _stated(node)
    entry = find(node)
    if entry is None or any(i and i not in network.constants for i in node.inputs):
        return None
    operands = [network.constants[i].array if i else None for i in node.inputs]
    fold = entry.fold or _FOLDS.get(node.op_type)
    if fold is None:
        return None
    return Constant.of(np.asarray(_guarded(node, lambda: fold(node, operands))))  # pyright: ignore[reportArgumentType]


def _cast(node: OnnxNode, v: list[Any]) -> np.ndarray:
    elem = Elem.of_code(node.attribute("to", int, 0), "the result", node.origin)
    return (np.trunc(v[0]) if elem.is_integer else v[0]).astype(elem.carrier)


_FOLDS: dict[str, Callable[[OnnxNode, list[Any]], Any]] = {
    **dict.fromkeys(RESHAPES, lambda node, v: reshaped(node, *[*v, None][:2])),
    **dict.fromkeys(("Identity", "Dropout"), lambda _, v: v[0]),
    "Transpose": lambda node, v: v[0].transpose(node.attribute("perm", tuple, None)),
    "Cast": _cast,
}
"""Of operators whose rules fold constants by themselves."""


def _guarded(node: OnnxNode, step: Callable[[], Any]) -> Any:
    try:
        with np.errstate(all="ignore"):
            return step()
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, AssertionError) as error:
        message = f"this node's operands and attributes do not fit together ({error})"
        raise CompileError("E013", message, origin=node.origin) from error


def _stated(node: OnnxNode) -> Constant:
    """The value of a Constant node."""
    if isinstance(node.attributes.get("value"), Constant):
        return node.attributes["value"]
    for name, dtype in (("value_float", np.float32), ("value_floats", np.float32),
                        ("value_int", np.int64), ("value_ints", np.int64)):  # fmt: skip
        if name in node.attributes:
            return Constant.of(np.array(node.attributes[name], dtype))
    raise CompileError("E013", "this Constant has no tensor and no number", origin=node.origin)


def _drop_idle(network: Network, shapes: dict[str, tuple[int, ...]]) -> None:
    """Identity and Dropout, and Cast between floats, that the output does not end in."""
    names: dict[str, str] = {}
    kept: list[OnnxNode] = []
    for node in network.nodes:
        node = replace(node, inputs=tuple(names.get(i, i) for i in node.inputs))
        to_float = node.op_type == "Cast" and node.attribute("to", int, 0) in (1, 10, 11)
        idle = node.op_type in WITHOUT_EFFECT or (to_float and network.input.elem.is_float)
        if idle and node.inputs[0] in shapes and node.outputs[0] != network.output.name:
            names[node.outputs[0]] = node.inputs[0]
        else:
            kept.append(node)
    network.nodes = kept


def _as_gemm(network: Network, shapes: dict[str, tuple[int, ...]]) -> None:
    """x (1, K) · W, and the sum with a constant behind it, as one Gemm."""
    users = network.users()
    gone: set[tuple[str, ...]] = set()
    done: list[OnnxNode] = []
    for node in network.nodes:
        if node.outputs in gone:
            continue
        if node.op_type == "MatMul" and _is_matrix(network, node, shapes):
            node = replace(node, op_type="Gemm", attributes={})
        after = users.get(node.outputs[0], [])
        if node.op_type == "Gemm" and len(node.inputs) == 2 and len(after) == 1 and after[0].op_type == "Add":
            bias = _bias(network, node, after[0])
            if bias is not None and node.outputs[0] != network.output.name:
                gone.add(after[0].outputs)
                node = replace(node, inputs=(*node.inputs, bias), outputs=after[0].outputs)
        done.append(node)
    network.nodes = done


def _is_matrix(network: Network, node: OnnxNode, shapes: dict[str, tuple[int, ...]]) -> bool:
    w = network.constants.get(node.inputs[1])
    return w is not None and w.elem.is_float and w.array.ndim == 2 and len(shapes.get(node.inputs[0], ())) == 2


def _bias(network: Network, node: OnnxNode, after: OnnxNode) -> str | None:
    """The constant that a sum adds to the result of a Gemm, as a vector; None if it is no such constant."""
    term = next((network.constants[i] for i in after.inputs if i in network.constants), None)
    weights = network.constants.get(node.inputs[1])
    if term is None or weights is None:
        return None
    width = weights.array.shape[output_axis(node, 2)]
    if term.array.shape not in ((), (1,), (1, 1), (width,), (1, width)):
        return None
    return network.add_constant(f"{node.outputs[0]}_bias", np.broadcast_to(term.array.reshape(-1), (width,)))


def _fold_factors(network: Network, shapes: dict[str, tuple[int, ...]]) -> None:
    """Alpha and beta of a Gemm into its constants."""
    for index, node in enumerate(network.nodes):
        if node.op_type != "Gemm" or any(i not in network.constants for i in node.inputs[1:] if i):
            continue
        inputs = list(node.inputs)
        for place, name in ((1, "alpha"), (2, "beta")):
            factor = node.attribute(name, float, 1.0)
            if factor != 1 and place < len(inputs) and inputs[place]:
                values = network.constants[inputs[place]].array.astype(np.float64)
                inputs[place] = network.add_constant(inputs[place], values * factor)
        attributes = {k: v for k, v in node.attributes.items() if k not in ("alpha", "beta")}
        network.nodes[index] = replace(node, inputs=tuple(inputs), attributes=attributes)


def _fold_normalization(network: Network, shapes: dict[str, tuple[int, ...]]) -> None:
    """BatchNormalization behind a layer that nothing else reads, whose weights are floats of the file."""
    makers, users = network.makers(), network.users()
    replaced: dict[tuple[str, ...], OnnxNode | None] = {}
    for node in network.nodes:
        layer = makers.get(node.inputs[0]) if node.op_type == "BatchNormalization" else None
        layer = replaced.get(layer.outputs, layer) if layer is not None else None
        if layer is None or len(users[node.inputs[0]]) > 1 or node.inputs[0] == network.output.name:
            continue
        folded = _normalized(network, layer, node)
        if folded is not None:
            replaced[layer.outputs] = None
            replaced[node.outputs] = makers[node.outputs[0]] = folded
    network.nodes = [m for n in network.nodes if (m := replaced.get(n.outputs, n)) is not None]


def _normalized(network: Network, layer: OnnxNode, node: OnnxNode) -> OnnxNode | None:
    """The layer with the normalization in it; None where that is not possible."""
    known = all(i in network.constants for i in (*layer.inputs[1:], *node.inputs[1:]) if i)
    plain = layer.op_type in ("Conv", "Gemm") or (
        layer.op_type == "ConvTranspose" and layer.attribute("group", int, 1) == 1
    )
    if not known or not plain or node.attribute("training_mode", int, 0):
        return None
    weights = network.constants[layer.inputs[1]]
    if is_quantized(weights, layer, EXACT_BITS):
        return None
    factor, term = affine_of(node, [None, *(network.constants[i].array.astype(np.float64) for i in node.inputs[1:])])
    axis = output_axis(layer, weights.array.ndim)
    w = weights.array.astype(np.float64) * factor.reshape([-1 if a == axis else 1 for a in range(weights.array.ndim)])
    if not np.isfinite(w).all() or not np.isfinite(term).all():
        return None
    stream, weight_name, *rest = layer.inputs
    old = network.constants[rest[0]].array.reshape(-1) if rest and rest[0] else 0.0
    weight_name = network.add_constant(weight_name, w)
    bias_name = network.add_constant(f"{layer.outputs[0]}_bias", old * factor + term)
    return replace(layer, inputs=(stream, weight_name, bias_name), outputs=node.outputs)


def output_axis(layer: OnnxNode, rank: int) -> int:
    """The axis of the weights along which the outputs lie."""
    if layer.op_type == "Conv":
        return 0
    if layer.op_type == "ConvTranspose":
        return 1
    return 0 if layer.op_type == "Gemm" and layer.attribute("transB", int, 0) else rank - 1
