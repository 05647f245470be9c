"""Post-training quantization: weights, activations and biases of a float network, as QONNX Quant nodes.

The network is evaluated twice on the calibration data. The first walk, in floats, sees the ranges of the activations.
The second has the quantised network beside it, so that each bias can take back the mean shift of its layer's results.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import CompileError, quoted
from ..input_type import InputType, parse_input_type
from ..model import Model, OnnxNode
from ..reader import check_single, check_supported, input_shape
from .emit import Emitter
from .equalise import equalise
from .evaluate import Evaluator, Floats
from .network import Network, names_of
from .plan import Plan, Planner, names_at
from .prepare import is_quantized, prepare, weight_name
from .ranges import Scale, Seen, of_family
from .report import report
from .settings import Settings
from .simulate import Simulation

MAX_VALUES = 1 << 26  # numbers of the network and of its simulation that are held at a time


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
    if settings.equalise:
        equalise(network)
    planner = Planner(network, shapes, typed=typed is not None or model.inputs[0].elem.is_integer)
    plan = planner.run()
    plan.layers = [n for n in plan.layers if _has_float_weights(network, n, settings)]
    _check_names(planner, plan, settings)
    used = _even(len(samples), _fitting(network, shapes))
    x = _as_seen(samples[used], typed)
    scales = _activation_scales(planner, _first_walk(network, plan, x), settings)
    run = Simulation(network, planner, scales, settings, typed)
    outputs = run.walk(x)
    told = report(run, settings, len(used))
    return Calibrated(Emitter(run).network().as_bytes(), samples[used], used, outputs, told)


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
    held, live, peak = network.last_uses(), sizes[network.input.name], 1
    for node in network.nodes:
        live += sum(sizes.get(o, 0) for o in node.outputs)
        peak = max(peak, live)
        live -= sum(sizes.get(name, 0) for name in held.get(node.outputs[0], ()))
    return MAX_VALUES // (2 * peak)


def _has_float_weights(network: Network, node: OnnxNode, settings: Settings) -> bool:
    """Whether the weights are plain numbers of the file that need more than the wanted width."""
    name = weight_name(network, node)
    return name is not None and not is_quantized(network.constants[name], node, settings.weights(names_of([node])))


def _check_names(planner: Planner, plan: Plan, settings: Settings) -> None:
    weighted = names_of(plan.layers)
    others = {name for t in plan.tensors for name in names_at(planner, t)}
    settings.check_names(weighted, others)


def _first_walk(network: Network, plan: Plan, x: Floats) -> dict[str, Seen]:
    """The float network on the samples: what is seen of the tensors that get a quantizer."""
    evaluator, values, over = Evaluator(network), {network.input.name: x}, network.last_uses()
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
