"""Post-training quantization: weights, activations and biases of a float network, as QONNX Quant nodes.

The network is evaluated twice on the calibration data. The first walk, in floats, sees the ranges of the activations.
The second has the quantised network beside it, so that each bias can take back the mean shift of its layer's results.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...errors import CompileError, Origin, quoted
from ..elem import Elem
from ..input_type import InputType, parse_input_type
from ..model import Model, OnnxNode
from ..reader import check_single, check_supported, input_shape
from .evaluate import Evaluator, Floats
from .network import QUANT_DOMAIN, Network, label, names_of
from .plan import Plan, Planner, names_at
from .prepare import by_output, is_quantized, output_axis, prepare
from .ranges import Scale, Seen, of_family, of_weights, rounded
from .settings import Settings

MAX_VALUES = 1 << 26  # numbers of the network and of its simulation that are held at a time
BIAS_BITS = 32


@dataclass(frozen=True, eq=False)
class Calibrated:
    """The quantised model as an ONNX file, what the float one computes, and what was done."""

    model: bytes
    samples: np.ndarray
    """Those of the given samples that were used, as they were given."""
    used: np.ndarray
    """Their places among the given ones."""
    outputs: Floats
    """What the float network computes from them."""
    report: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer with float weights: their width, the scale of each output, and the weights as they will be."""

    node: OnnxNode
    bits: int
    scale: Floats
    """(outputs, 1)"""
    weights: Floats
    """In the shape of the file."""
    sqnr: float | None
    zeros: float
    """The share of weights that are 0 in the quantised layer."""


def calibrate(model: Model, samples: np.ndarray, settings: Settings, *, input_type: str | None = None) -> Calibrated:
    """Quantise what is float in a model. `samples` are inputs (n, *frame); the input's type is found too, unless given.

    Raises CompileError E063 (widths), E064 (what cannot be completed), E065 (what cannot be evaluated), E067 (no range).
    """
    check_supported(model)
    check_single(model)
    frame = input_shape(model)[1:]
    network = Network.of(model)
    typed = parse_input_type(input_type) if input_type else None
    x = _as_seen(samples[:1], typed).reshape(1, *frame)
    shapes = prepare(network, x)
    planner = Planner(network, shapes, typed=typed is not None or model.inputs[0].elem.is_integer)
    plan = planner.run()
    plan.layers = [n for n in plan.layers if _has_float_weights(network, n, settings)]
    _check_names(planner, plan, settings)
    used = _even(len(samples), _fitting(network, shapes))
    x = _as_seen(samples[used], typed)
    scales = _activation_scales(planner, _first_walk(network, plan, x), settings)
    run = _Simulation(network, planner, scales, settings, typed)
    outputs = run.walk(x)
    report = _report(run, settings, len(used))
    return Calibrated(_Emitter(run).network().as_bytes(), samples[used], used, outputs, report)


def _as_seen(samples: np.ndarray, typed: InputType | None) -> Floats:
    """The samples in float64; of an input with a type, what its codes mean."""
    x = np.asarray(samples).astype(np.float64)
    if typed is None:
        return x
    scale, offset = float(typed.scale), float(typed.offset)
    if typed.offset:  # bipolar
        return np.where(x >= 0, 1.0, -1.0)
    return np.clip(np.rint(x / scale), typed.elem.lo, typed.elem.hi) * scale + offset


def _even(count: int, most: int) -> np.ndarray:
    """At most so many places, evenly spread."""
    kept = min(count, max(1, most))
    return np.arange(kept) * count // kept


def _fitting(network: Network, shapes: dict[str, tuple[int, ...]]) -> int:
    """How many samples can be held at a time."""
    sizes = {name: int(np.prod(shape)) for name, shape in shapes.items()}
    held, live, peak = _last_uses(network), sizes[network.input.name], 1
    for node in network.nodes:
        live += sum(sizes.get(o, 0) for o in node.outputs)
        peak = max(peak, live)
        live -= sum(sizes.get(name, 0) for name in held.get(node.outputs[0], ()))
    return MAX_VALUES // (2 * peak)


def _last_uses(network: Network) -> dict[str, list[str]]:
    """The tensors that nothing needs after a node, by the node's first result."""
    last: dict[str, str] = {}
    for node in network.nodes:
        last.update({i: node.outputs[0] for i in node.inputs if i})
        last.update({o: node.outputs[0] for o in node.outputs if o and o not in last})
    found: dict[str, list[str]] = {}
    for name, node in last.items():
        if name != network.output.name:
            found.setdefault(node, []).append(name)
    return found


def _has_float_weights(network: Network, node: OnnxNode, settings: Settings) -> bool:
    """Whether the weights are plain numbers of the file that need more than the wanted width."""
    name = _weight_name(network, node)
    return name is not None and not is_quantized(network.constants[name], node, settings.weights(names_of([node])))


def _weight_name(network: Network, node: OnnxNode) -> str | None:
    return node.inputs[1] if node.inputs[1] in network.constants else None


def _check_names(planner: Planner, plan: Plan, settings: Settings) -> None:
    weighted = names_of(plan.layers)
    others = {name for t in plan.tensors for name in names_at(planner, t)}
    settings.check_names(weighted, others)


def _first_walk(network: Network, plan: Plan, x: Floats) -> dict[str, Seen]:
    """The float network on the samples: what is seen of the tensors that get a quantizer."""
    evaluator, values, over = Evaluator(network), {network.input.name: x}, _last_uses(network)
    wanted, seen = set(plan.tensors), dict[str, Seen]()
    if network.input.name in wanted:
        seen[network.input.name] = Seen.of(x)
    for node in network.nodes:
        evaluator(node, values)
        seen |= {o: Seen.of(values[o]) for o in node.outputs if o in wanted}
        for name in over.get(node.outputs[0], ()):
            values.pop(name, None)
        for name in wanted & set(node.outputs):
            if seen[name].low == seen[name].high == 0:
                message = f"{quoted(name)} is 0 for every sample: nothing says which range it needs"
                hint = "give more samples, or take the dead layer out of the network"
                raise CompileError("E067", message, origin=node.origin, hint=hint)
    return seen


def _activation_scales(planner: Planner, seen: dict[str, Seen], settings: Settings) -> dict[str, Scale]:
    """The scale of every tensor that gets one, those that meet chosen together."""
    plan = planner.plan
    groups: dict[str, list[str]] = {}
    for tensor in plan.tensors:
        groups.setdefault(plan.group(tensor), []).append(tensor)
    families: dict[str, list[str]] = {}
    for group in groups:
        families.setdefault(plan.family(group), []).append(group)
    found: dict[str, Scale] = {}
    for members in families.values():
        joint = [Seen.joined([seen[t] for t in groups[g]]) for g in members]
        bits = [max(settings.activations(names_at(planner, t)) for t in groups[g]) for g in members]
        for group, scale in zip(members, of_family(joint, bits, settings)):
            found |= dict.fromkeys(groups[group], scale)
    return found


class _Simulation:
    """The float network and the quantised one side by side."""

    def __init__(
        self, network: Network, planner: Planner, scales: dict[str, Scale], settings: Settings, typed: InputType | None
    ) -> None:
        self.network, self.planner, self.scales, self.settings, self.typed = network, planner, scales, settings, typed
        self.layers = {n.outputs[0]: self._layer(n) for n in planner.plan.layers}
        self.biases: dict[str, tuple[Floats, Floats | None]] = {}
        """By a layer's result: what is added to each output, and the unit of each where it is an integer number of those."""
        self.sqnr: dict[str, float | None] = {}
        """By tensor: of those with a quantizer behind it, of other results of layers as they are."""

    def walk(self, x: Floats) -> Floats:
        """Both on the samples; returns the outputs of the float one. Sets `biases` and `sqnr`."""
        network, over = self.network, _last_uses(self.network)
        exact, rough = {network.input.name: x}, {network.input.name: x}
        plain, simulated = Evaluator(network), Evaluator(network)
        self._quantize(network.input.name, exact, rough)
        for node in network.nodes:
            plain(node, exact)
            layer = self.layers.get(node.outputs[0])
            if layer is None:
                simulated(node, rough)
            else:
                self._apply(layer, simulated, exact, rough)
            for name in node.outputs:
                if name in exact:
                    self._quantize(name, exact, rough)
            for name in over.get(node.outputs[0], ()):
                exact.pop(name, None)
                rough.pop(name, None)
        outputs = exact[network.output.name]
        self.sqnr[network.output.name] = decibel(outputs, rough[network.output.name])
        return outputs

    def _layer(self, node: OnnxNode) -> Layer:
        name = _weight_name(self.network, node)
        assert name is not None
        users = [n for n in self.planner.plan.layers if _weight_name(self.network, n) == name]
        bits = max(self.settings.weights(names_of([n])) for n in users)
        w = self.network.constants[name].array.astype(np.float64)
        rows = by_output(node, w)
        scale = of_weights(rows, bits, self.settings)
        near = rounded(rows, scale, bits) * scale
        axis = output_axis(node, w.ndim)
        moved = np.moveaxis(w, axis, 0).shape
        weights = np.moveaxis(near.reshape(moved), 0, axis)
        return Layer(node, bits, scale, weights, decibel(rows, near), float((near == 0).mean()))

    def _apply(self, layer: Layer, simulated: Evaluator, exact: dict[str, Floats], rough: dict[str, Floats]) -> None:
        """Evaluate a quantised layer, and choose its bias."""
        node, name = layer.node, layer.node.outputs[0]
        weight = _weight_name(self.network, node)
        assert weight is not None
        old = simulated.static[weight]
        simulated.static[weight] = layer.weights
        simulated(node, rough)
        simulated.static[weight] = old
        given = self._given_bias(node)
        if given is None:
            return  # a bias that is quantised already, or that is none for each output
        axis = exact[name].ndim - 1 if node.op_type in ("Gemm", "MatMul") else 1
        others = tuple(a for a in range(exact[name].ndim) if a != axis)
        shift = (exact[name] - rough[name]).mean(axis=others) if self.settings.bias_correction else np.zeros(1)
        bias, unit = given + shift, self._unit(layer)
        if unit is not None and np.abs(bias / unit).max() >= 2.0 ** (BIAS_BITS - 1):
            unit = None
        if unit is not None:
            bias = np.rint(bias / unit) * unit
        rough[name] = rough[name] + (bias - given).reshape([-1 if a == axis else 1 for a in range(exact[name].ndim)])
        self.sqnr[name] = decibel(exact[name], rough[name])
        if len(node.inputs) > 2 or bias.any():
            self.biases[name] = bias, unit

    def _given_bias(self, node: OnnxNode) -> Floats | None:
        """The layer's own bias, (outputs); zeros if it has none."""
        weights = self.network.constants[_weight_name(self.network, node) or ""].array
        group = node.attribute("group", int, 1) if node.op_type == "ConvTranspose" else 1
        outputs = weights.shape[output_axis(node, weights.ndim)] * group
        if len(node.inputs) < 3 or not node.inputs[2]:
            return np.zeros(outputs)
        constant = self.network.constants.get(node.inputs[2])
        if constant is None or not constant.elem.is_float or constant.array.size not in (1, outputs):
            return None
        return np.broadcast_to(constant.array.astype(np.float64).reshape(-1), (outputs,))

    def _unit(self, layer: Layer) -> Floats | None:
        """What one unit of the accumulator is worth, for each output; None where the operand's scale is not ours."""
        stream = next(i for i in layer.node.inputs if i in self.planner.dependent)
        source = self.planner.source(stream)
        if source is not None:
            scale = self.scales[source].scale
        elif self.typed is not None and self._is_input(stream):
            scale = float(self.typed.scale)
        else:
            return None
        if layer.node.op_type == "ConvTranspose" and layer.node.attribute("group", int, 1) > 1:
            return None
        return layer.scale[:, 0] * scale

    def _is_input(self, tensor: str) -> bool:
        while tensor in self.planner.makers:
            tensor = self.planner.makers[tensor].inputs[0]
        return tensor == self.network.input.name

    def _quantize(self, name: str, exact: dict[str, Floats], rough: dict[str, Floats]) -> None:
        if name in self.scales:
            rough[name] = self.scales[name](rough[name])
            self.sqnr[name] = decibel(exact[name], rough[name])


class _Emitter:
    """The quantised network: that of a simulation with Quant nodes in it."""

    def __init__(self, run: _Simulation) -> None:
        self.run, self.old = run, run.network
        self.new = replace(self.old, nodes=[], constants=dict(self.old.constants), taken=set(self.old.taken))
        self.weights: dict[str, str] = {}
        self.names: dict[str, str] = {}

    def network(self) -> Network:
        if self.old.input.name in self.run.scales:
            self._activation(self.old.input.name, self.old.input.name)
        for node in self.old.nodes:
            node = replace(node, inputs=tuple(self.names.get(i, i) for i in node.inputs))
            layer = self.run.layers.get(node.outputs[0])
            for made in (node,) if layer is None else self._layer(node, layer):
                self._append(made)
        self.new.input = replace(
            self.old.input, elem=Elem.FLOAT32 if self.old.input.elem.is_float else self.old.input.elem
        )
        self.new.needed()
        return self.new

    def _append(self, node: OnnxNode) -> None:
        """The node and the quantizers of its results; that of the graph's output takes over its name."""
        outputs = tuple(
            self.new.fresh(f"{o}_exact") if o in self.run.scales and o == self.old.output.name else o
            for o in node.outputs
        )
        self.new.nodes.append(replace(node, outputs=outputs))
        for name, made in zip(node.outputs, outputs):
            if name in self.run.scales:
                self._activation(name, made)

    def _layer(self, node: OnnxNode, layer: Layer) -> tuple[OnnxNode, ...]:
        """The layer on quantised weights; a MatMul, which has no bias, with a sum behind it."""
        inputs, result = list(node.inputs), node.outputs[0]
        inputs[1] = self._weights(inputs[1], node, layer)
        if result not in self.run.biases:
            return (replace(node, inputs=tuple(inputs)),)
        bias, unit = self.run.biases[result]
        name = self.new.add_constant(f"{result}_bias", bias)
        if unit is not None:
            name = self._quant(name, name, unit, 0, BIAS_BITS, signed=True, narrow=False)
        if node.op_type == "MatMul":
            product = self.new.fresh(f"{result}_product")
            total = self.new.fresh(f"{label(node)}_bias")
            return (replace(node, inputs=tuple(inputs), outputs=(product,)),
                    OnnxNode(Origin("Add", total, 0), "", "Add", (product, name), (result,), {}))  # fmt: skip
        return (replace(node, inputs=(*inputs[:2], name)),)

    def _weights(self, name: str, node: OnnxNode, layer: Layer) -> str:
        if name not in self.weights:
            axis, rank = output_axis(node, layer.weights.ndim), layer.weights.ndim
            scale = layer.scale.reshape([-1 if a == axis else 1 for a in range(rank)])
            scale = scale.reshape(-1)[:1] if (scale == scale.reshape(-1)[0]).all() else scale
            own = self.new.add_constant(f"{name}_rounded", layer.weights)
            self.weights[name] = self._quant(own, name, scale, 0, layer.bits, signed=True, narrow=True)
        return self.weights[name]

    def _activation(self, name: str, made: str) -> None:
        scale = self.run.scales[name]
        swapped = made != name
        result = self._quant(made, name, np.asarray(scale.scale), scale.zero, scale.bits, signed=scale.signed,
                             narrow=False, result=name if swapped else None)  # fmt: skip
        self.names[name] = result

    def _quant(self, x: str, stem: str, scale: Floats, zero: int, bits: int, *, signed: bool, narrow: bool,
               result: str | None = None) -> str:  # fmt: skip
        """Append a Quant node; returns its result."""
        parameters = [self.new.add_constant(f"{stem}_{what}", np.asarray(value, np.float32))
                      for what, value in (("scale", scale), ("zero", zero), ("bits", bits))]  # fmt: skip
        made = result or self.new.fresh(f"{stem}_quantized")
        attributes = {"signed": int(signed), "narrow": int(narrow), "rounding_mode": "ROUND"}
        origin = Origin("Quant", self.new.fresh(f"{stem}_quant"), 0)
        self.new.nodes.append(OnnxNode(origin, QUANT_DOMAIN, "Quant", (x, *parameters), (made,), attributes))
        return made


def _report(run: _Simulation, settings: Settings, samples: int) -> dict[str, Any]:
    """What was done, JSON-able: a row for each layer and each other tensor with a quantizer, in the network's order."""
    network, planner = run.network, run.planner
    rows: dict[str, dict[str, Any]] = {}
    if network.input.name in run.scales:
        rows[network.input.name] = _row(network.input.name, "input") | _of_activation(run, network.input.name)
    for node in network.nodes:
        layer = run.layers.get(node.outputs[0])
        if layer is not None:
            weights = network.constants[_weight_name(network, node) or ""].array
            rows[node.outputs[0]] = _row(label(node), node.op_type) | {
                "weight_bits": layer.bits,
                "weight_sqnr_db": layer.sqnr,
                "zeros_before": round(float((weights == 0).mean()), 4),
                "zeros": round(layer.zeros, 4),
                "sqnr_db": run.sqnr.get(node.outputs[0]),
            }
        for tensor in node.outputs:
            if tensor in run.scales:
                chain = planner.chain(tensor)
                row = rows.get(chain[0].outputs[0])
                if row is None or row["activation_bits"] is not None:
                    row = rows[tensor] = _row(label(chain[0] if row is None else node), chain[0].op_type)
                row |= _of_activation(run, tensor)
    return {
        "samples": samples,
        "settings": {
            "weight_bits": settings.weight_bits, "activation_bits": settings.activation_bits,
            "bits": {name: [b.weight, b.activation] for name, b in sorted(settings.bits.items())},
            "ranges": settings.ranges.value, "scales": settings.scales.value, "per_tensor": settings.per_tensor,
            "symmetric": settings.symmetric, "bias_correction": settings.bias_correction,
        },
        "layers": list(rows.values()),
        "sqnr_db": run.sqnr[network.output.name],
    }  # fmt: skip


def _row(name: str, op: str) -> dict[str, Any]:
    keys = (
        "weight_bits",
        "activation_bits",
        "weight_sqnr_db",
        "sqnr_db",
        "scale",
        "zero",
        "signed",
        "zeros_before",
        "zeros",
    )
    return {"name": name, "op": op} | dict.fromkeys(keys)


def _of_activation(run: _Simulation, tensor: str) -> dict[str, Any]:
    scale = run.scales[tensor]
    return {"activation_bits": scale.bits, "scale": scale.scale, "zero": scale.zero, "signed": scale.signed,
            "sqnr_db": run.sqnr[tensor]}  # fmt: skip


def decibel(exact: Floats, rough: Floats) -> float | None:
    """Signal to quantization noise; None where there is no noise (or no signal)."""
    noise, signal = float(((exact - rough) ** 2).sum()), float((exact**2).sum())
    return round(10 * float(np.log10(signal / noise)), 2) if noise and signal else None
