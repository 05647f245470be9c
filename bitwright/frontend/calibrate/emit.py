"""The quantised network as ONNX: Quant nodes on weights, biases and activations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...errors import Origin
from ..elem import Elem
from ..model import OnnxNode
from .evaluate import Floats
from .network import QUANT_DOMAIN, Network, label
from .prepare import output_axis
from .simulate import BIAS_BITS, Layer, Simulation


class Emitter:
    """The quantised network: that of a simulation with Quant nodes in it."""

    def __init__(self, run: Simulation) -> None:
        self.run, self.old = run, run.network
        self.new = replace(self.old, nodes=[], constants=dict(self.old.constants), taken=set(self.old.taken))
        self.weights: dict[tuple[str, int], str] = {}
        """By name and axis of the outputs: a matrix may be shared with a layer that has it transposed."""
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
        axis, rank = output_axis(node, layer.weights.ndim), layer.weights.ndim
        if (name, axis) not in self.weights:
            scale = layer.scale.reshape([-1 if a == axis else 1 for a in range(rank)])
            scale = scale.reshape(-1)[:1] if (scale == scale.reshape(-1)[0]).all() else scale
            own = self.new.add_constant(f"{name}_rounded", layer.weights)
            self.weights[name, axis] = self._quant(own, name, scale, 0, layer.bits, signed=True, narrow=True)
        return self.weights[name, axis]

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
