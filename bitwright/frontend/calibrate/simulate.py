"""The quantised network beside the float one, on the calibration data: each layer's weights and bias, and the noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..input_type import InputType
from ..model import OnnxNode
from .evaluate import Evaluator, Floats
from .network import Network, names_of
from .plan import Planner
from .prepare import by_output, output_axis, weight_name
from .ranges import Scale, of_weights, rounded
from .settings import Settings

BIAS_BITS = 32


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


class Simulation:
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
        network, over = self.network, self.network.last_uses()
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
        name = weight_name(self.network, node)
        assert name is not None
        users = [n for n in self.planner.plan.layers if weight_name(self.network, n) == name]
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
        weight = weight_name(self.network, node)
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
        weights = self.network.constants[weight_name(self.network, node) or ""].array
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


def decibel(exact: Floats, rough: Floats) -> float | None:
    """Signal to quantization noise; None where there is no noise (or no signal)."""
    noise, signal = float(((exact - rough) ** 2).sum()), float((exact**2).sum())
    return round(10 * float(np.log10(signal / noise)), 2) if noise and signal else None
