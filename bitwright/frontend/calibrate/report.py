"""What a calibration did, for the manifest and the report."""

from __future__ import annotations

from typing import Any

from .network import label
from .prepare import weight_name
from .settings import Settings
from .simulate import Simulation


def report(run: Simulation, settings: Settings, samples: int) -> dict[str, Any]:
    """What was done, JSON-able: a row for each layer and each other tensor with a quantizer, in the network's order."""
    network, planner = run.network, run.planner
    rows: dict[str, dict[str, Any]] = {}
    if network.input.name in run.scales:
        rows[network.input.name] = _row(network.input.name, "input") | _of_activation(run, network.input.name)
    for node in network.nodes:
        layer = run.layers.get(node.outputs[0])
        if layer is not None:
            weights = network.constants[weight_name(network, node) or ""].array
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
            "symmetric": settings.symmetric, "bias_correction": settings.bias_correction, "equalise": settings.equalise,
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


def _of_activation(run: Simulation, tensor: str) -> dict[str, Any]:
    scale = run.scales[tensor]
    return {"activation_bits": scale.bits, "scale": scale.scale, "zero": scale.zero, "signed": scale.signed,
            "sqnr_db": run.sqnr[tensor]}  # fmt: skip
